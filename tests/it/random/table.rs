//! Tables, with columns and rules of every kind.

use super::data_type::{self, Family, Type};
use super::name::{list, literal, quoted};
use super::picks::{NUMBERS, Picks};
use super::schema::{Column, Enum, Index, Kind, Made, Rule, SCHEMAS, Schema, Table, View, path};

/// What a table is made from.
#[derive(Debug, Clone)]
pub(super) struct Seed {
    pub(super) head: [u8; NUMBERS],
    pub(super) columns: Vec<[u8; NUMBERS]>,
    pub(super) more: Vec<[u8; NUMBERS]>,
}

/// Makes a table and what is on it; gives the statements.
pub(super) fn create(schema: &mut Schema, seed: &Seed) -> Vec<String> {
    let mut statements = Vec::new();
    let mut picks = Picks::new(seed.head);
    let home = picks.of(SCHEMAS).copied().unwrap_or("public");
    let name = schema.name(&mut picks);
    let mut table = Table::new(schema.next_number(), home, name);
    let mut definitions = key(schema, &mut table, &mut picks);
    for numbers in &seed.columns {
        let mut picks = Picks::new(*numbers);
        let data_type = any_type(schema, &mut picks, &mut statements);
        definitions.push(column(&mut table, &mut picks, data_type));
    }
    definitions.extend(table.rules.iter().map(|rule| schema.rule(rule)));
    let by = table.partitioned.as_ref().map(|(column, how)| format!(" PARTITION BY {how} ({})", quoted(column))).unwrap_or_default();
    statements.push(format!("CREATE TABLE {} (\n    {}\n){by};", table.path(), definitions.join(",\n    ")));
    statements.extend(partitions(schema, &table, &mut picks));
    schema.tables.push(table);
    let at = schema.tables.len() - 1;
    for numbers in &seed.more {
        statements.extend(more(schema, at, &mut Picks::new(*numbers)));
    }
    statements
}

/// The columns of the key, and how the table is partitioned.
fn key(schema: &mut Schema, table: &mut Table, picks: &mut Picks) -> Vec<String> {
    let kinds = ["bigint", "identity", "integer", "two", "uuid", "text", "none"];
    let kind = picks.of(&kinds).copied().unwrap_or("bigint");
    let name = table.name(picks);
    let of = |name: String, data_type: &str, made: Made| Column { name, data_type: data_type::named(data_type), not_null: true, made };
    let first = match kind {
        "identity" => of(name, "bigint", Made::BySequence),
        "uuid" => of(name, "uuid", Made::ByDefault),
        "integer" | "text" => of(name, kind, Made::ByClients),
        _ => of(name, "bigint", Made::ByClients),
    };
    table.columns.push(first);
    if kind == "two" {
        let name = table.name(picks);
        table.columns.push(of(name, "integer", Made::ByClients));
    }
    if kind != "none" {
        let columns: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
        let named = schema.name_or_none(picks);
        table.rules.push(Rule { name: named, kind: Kind::Key, columns });
    }
    let by = table.columns[0].name.clone();
    if picks.once_in(9) {
        let how = if kind == "bigint" { *picks.of(&["HASH", "RANGE"]).unwrap_or(&"HASH") } else { "HASH" };
        table.partitioned = Some((by, how));
    }
    table.columns.iter().map(|column| column.definition((column.made == Made::ByDefault).then_some("gen_random_uuid()"))).collect()
}

fn partitions(schema: &mut Schema, table: &Table, picks: &mut Picks) -> Vec<String> {
    let Some((_, how)) = &table.partitioned else { return Vec::new() };
    let bounds = match *how {
        "RANGE" => ["FOR VALUES FROM (MINVALUE) TO (5)", "DEFAULT"],
        _ => ["FOR VALUES WITH (MODULUS 2, REMAINDER 0)", "FOR VALUES WITH (MODULUS 2, REMAINDER 1)"],
    };
    let create = |bound: &str| format!("CREATE TABLE {} PARTITION OF {} {bound};", path(&table.schema, &schema.name(picks)), table.path());
    bounds.map(create).to_vec()
}

/// A type that is built in, or an enum, which is made if need be.
pub(super) fn any_type(schema: &mut Schema, picks: &mut Picks, statements: &mut Vec<String>) -> Type {
    if !picks.once_in(8) {
        return data_type::built_in(picks);
    }
    if schema.enums.is_empty() {
        let labels = ["new", "in use", "don't"].map(str::to_owned).to_vec();
        let name = path("public", &schema.name(picks));
        let written: Vec<String> = labels.iter().map(|label| literal(label)).collect();
        statements.push(format!("CREATE TYPE {name} AS ENUM ({});", written.join(", ")));
        schema.enums.push(Enum { path: name, labels });
    }
    let found = &schema.enums[picks.below(schema.enums.len())];
    data_type::of_enum(&found.path, &found.labels)
}

/// Adds a column to the table; gives its definition.
fn column(table: &mut Table, picks: &mut Picks, data_type: Type) -> String {
    let name = table.name(picks);
    let not_null = picks.once_in(3);
    let made = if picks.once_in(3) { Made::ByDefault } else { Made::ByClients };
    let mut column = Column { name, data_type, not_null, made };
    let mut default = Some(picks.of(&column.data_type.values).cloned().unwrap_or_default());
    if picks.once_in(12)
        && let Some((from, data_type, expression)) = generated(table, picks)
    {
        (column.made, column.not_null, column.data_type) = (Made::From(from), false, data_type);
        default = Some(expression);
    }
    let definition = column.definition(default.as_deref());
    table.columns.push(column);
    definition
}

/// What a generated column can be made of.
pub(super) fn generated(table: &Table, picks: &mut Picks) -> Option<(String, Type, String)> {
    let at = table.any_column(picks, |column| {
        matches!(column.data_type.family, Family::Whole | Family::Text) && !matches!(column.made, Made::From(_))
    })?;
    let column = &table.columns[at];
    Some(if column.data_type.family == Family::Whole {
        (column.name.clone(), data_type::named("numeric"), format!("{}::numeric / 2", column.quoted()))
    } else {
        (column.name.clone(), data_type::named("text"), format!("lower({})", column.quoted()))
    })
}

/// A condition on values of the table's columns that most rows obey, and the columns that it is about.
pub(super) fn condition(table: &Table, picks: &mut Picks) -> Option<(String, Vec<String>)> {
    let at = table
        .any_column(picks, |column| matches!(column.data_type.family, Family::Whole | Family::Decimal | Family::Text | Family::Bool))?;
    let column = &table.columns[at];
    let name = column.quoted();
    let one = match column.data_type.family {
        Family::Whole | Family::Decimal => picks.of(&["{} > -1000000", "{} >= 0", "{} <> 3", "{} BETWEEN 0 AND 1000000000"]),
        Family::Text => picks.of(&["{} <> 'none'", "length({}) < 1000", "{} <> ''"]),
        Family::Bool | Family::Time | Family::Label | Family::Other => picks.of(&["{} OR NOT {}"]),
    };
    let one = one?.replace("{}", &name);
    if !picks.once_in(4) {
        return Some((one, vec![column.name.clone()]));
    }
    let other = &table.columns[picks.below(table.columns.len())];
    let mut columns = vec![column.name.clone(), other.name.clone()];
    columns.dedup();
    Some((format!("{one} OR {} IS NULL", other.quoted()), columns))
}

pub(super) const ACTIONS: &[&str] =
    &["", " ON DELETE CASCADE", " ON DELETE SET NULL", " ON UPDATE CASCADE", " DEFERRABLE INITIALLY DEFERRED"];

/// A foreign key from a column that is there.
pub(super) fn reference(schema: &Schema, table: &Table, picks: &mut Picks) -> Option<(Kind, Vec<String>)> {
    let keys = schema.keys();
    let pairs: Vec<(&Column, &(usize, String, Type))> = table
        .columns
        .iter()
        .filter(|column| !matches!(column.made, Made::From(_)) && !table.is_key(&column.name))
        .flat_map(|column| keys.iter().filter(|(_, _, key)| key.sql == column.data_type.sql).map(move |key| (column, key)))
        .collect();
    let (column, (number, key, _)) = picks.of(&pairs)?;
    let actions = picks.of(ACTIONS).copied().unwrap_or_default();
    let actions = if column.not_null && actions.contains("SET NULL") { "" } else { actions };
    Some((Kind::References { table: *number, columns: vec![key.clone()], actions }, vec![column.name.clone()]))
}

/// An index: what follows the table's name, and its columns.
pub(super) fn index(table: &Table, picks: &mut Picks) -> Option<Index> {
    let at = table.any_column(picks, |column| column.data_type.sql != "json")?;
    let column = &table.columns[at];
    let name = column.quoted();
    let other = &table.columns[picks.below(table.columns.len())];
    let mut columns = vec![column.name.clone()];
    let over = match picks.below(7) {
        1 => format!("({name} DESC NULLS LAST)"),
        2 if other.data_type.sql != "json" && other.name != column.name => {
            columns.push(other.name.clone());
            format!("({name}, {})", other.quoted())
        }
        3 => format!("({name}) WHERE {name} IS NOT NULL"),
        4 if column.data_type.family == Family::Text => format!("(lower({name}))"),
        5 if other.name != column.name => {
            columns.push(other.name.clone());
            format!("({name}) INCLUDE ({})", other.quoted())
        }
        6 if column.data_type.family == Family::Text => format!("USING hash ({name})"),
        6 if column.data_type.sql == "jsonb" || column.data_type.sql.ends_with("[]") => format!("USING gin ({name})"),
        _ => format!("({name})"),
    };
    let unique = picks.once_in(6)
        && column.is_wide()
        && !over.starts_with("USING")
        && table.partitioned.as_ref().is_none_or(|(by, _)| *by == column.name);
    Some(Index { name: None, columns, over, unique })
}

/// Something on a table: a rule, an index, a view, a trigger, a comment.
fn more(schema: &mut Schema, at: usize, picks: &mut Picks) -> Vec<String> {
    let table = schema.tables[at].clone();
    let path_of = table.path();
    match picks.below(12) {
        0 | 1 => {
            let Some(mut index) = index(&table, picks) else { return Vec::new() };
            index.name = schema.name_or_none(picks);
            let statement = create_index(&table, &index, "");
            schema.tables[at].indexes.push(index);
            vec![statement]
        }
        2 | 3 => {
            let Some((condition, columns)) = condition(&table, picks) else { return Vec::new() };
            add_rule(schema, at, picks, Kind::Check(condition), columns)
        }
        4 => {
            let Some(column) = table.any_column(picks, Column::is_wide) else { return Vec::new() };
            if table.partitioned.is_some() {
                return Vec::new();
            }
            let columns = vec![table.columns[column].name.clone()];
            add_rule(schema, at, picks, Kind::Unique, columns)
        }
        5..=7 => {
            let Some((kind, columns)) = reference(schema, &table, picks) else { return Vec::new() };
            add_rule(schema, at, picks, kind, columns)
        }
        8 => create_view(schema, at, picks).into_iter().collect(),
        9 => {
            let Some(column) = table.any_column(picks, |_| true) else { return Vec::new() };
            vec![format!("COMMENT ON COLUMN {path_of}.{} IS 'it''s said';", table.columns[column].quoted())]
        }
        10 => vec![format!("GRANT SELECT, INSERT ON {path_of} TO PUBLIC;")],
        _ => {
            let Some(column) = table.any_column(picks, |_| true) else { return Vec::new() };
            vec![format!("ALTER TABLE {path_of} ALTER COLUMN {} SET STATISTICS 50;", table.columns[column].quoted())]
        }
    }
}

pub(super) fn create_index(table: &Table, index: &Index, how: &str) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let name = index.name.as_ref().map(|name| format!("{} ", quoted(name))).unwrap_or_default();
    format!("CREATE {unique}INDEX {how}{name}ON {} {};", table.path(), index.over)
}

fn add_rule(schema: &mut Schema, at: usize, picks: &mut Picks, kind: Kind, columns: Vec<String>) -> Vec<String> {
    let rule = Rule { name: schema.name_or_none(picks), kind, columns };
    let statement = format!("ALTER TABLE {} ADD {};", schema.tables[at].path(), schema.rule(&rule));
    schema.tables[at].rules.push(rule);
    vec![statement]
}

pub(super) fn create_view(schema: &mut Schema, at: usize, picks: &mut Picks) -> Option<String> {
    let table = schema.tables[at].clone();
    let columns: Vec<String> = table.columns.iter().filter(|_| !picks.once_in(3)).map(|column| column.name.clone()).take(3).collect();
    if columns.is_empty() {
        return None;
    }
    let view = path(&table.schema, &schema.name(picks));
    let statement = format!("CREATE VIEW {view} AS SELECT {} FROM {};", list(&columns), table.path());
    schema.views.push(View { path: view, table: table.number, columns });
    Some(statement)
}

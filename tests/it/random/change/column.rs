//! Changes of columns.

use super::super::data_type::{self, Family};
use super::super::name::quoted;
use super::super::picks::Picks;
use super::super::schema::{Column, Kind, Made, Schema, Table};
use super::super::table::{any_type, generated};
use super::{Statement, alter, directed};

/// A column that is still to be added, and what comes before it.
fn new(schema: &mut Schema, picks: &mut Picks) -> Option<(usize, Column, Vec<Statement>)> {
    let at = schema.any_table(picks)?;
    let mut before = Vec::new();
    let data_type = any_type(schema, picks, &mut before);
    let name = schema.tables[at].name(picks);
    let column = Column { name, data_type, not_null: false, made: Made::ByClients };
    Some((at, column, before.into_iter().map(Statement::Whole).collect()))
}

pub(super) fn add_nullable(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let (at, column, mut statements) = new(schema, picks)?;
    statements.push(alter(&schema.tables[at].path(), format!("ADD COLUMN {}", column.definition(None))));
    schema.tables[at].columns.push(column);
    Some(statements)
}

pub(super) fn add_with_default(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let (at, mut column, mut statements) = new(schema, picks)?;
    column.made = Made::ByDefault;
    column.not_null = picks.once_in(2);
    let default = picks.of(&column.data_type.values)?.clone();
    let path = schema.tables[at].path();
    statements.push(alter(&path, format!("ADD COLUMN {}", column.definition(Some(&default)))));
    if picks.once_in(4) {
        statements.push(alter(&path, format!("ALTER COLUMN {} DROP DEFAULT", column.quoted())));
        column.made = Made::ByClients;
    }
    schema.tables[at].columns.push(column);
    Some(statements)
}

/// A column, an UPDATE that fills it, and often NOT NULL.
pub(super) fn add_and_fill(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let (at, mut column, mut statements) = new(schema, picks)?;
    let value = filling(&schema.tables[at], &mut column, picks)?;
    let path = schema.tables[at].path();
    statements.push(alter(&path, format!("ADD COLUMN {}", column.definition(None))));
    let condition = if picks.once_in(3) { format!(" WHERE {} IS NULL", column.quoted()) } else { String::new() };
    statements.push(Statement::Whole(format!("UPDATE {path} SET {} = {value}{condition};", column.quoted())));
    if picks.once_in(2) {
        statements.push(alter(&path, format!("ALTER COLUMN {} SET NOT NULL", column.quoted())));
        column.not_null = true;
    }
    schema.tables[at].columns.push(column);
    Some(statements)
}

pub(super) fn add_required(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let (at, mut column, mut statements) = new(schema, picks)?;
    let value = filling(&schema.tables[at], &mut column, picks)?;
    column.not_null = true;
    let path = schema.tables[at].path();
    let add = alter(&path, format!("ADD COLUMN {}", column.definition(None)));
    statements.push(directed(&format!("up {path}.{} = {value}", column.quoted()), add));
    schema.tables[at].columns.push(column);
    Some(statements)
}

/// An expression for a new column, over the others; the column's type follows it.
fn filling(table: &Table, column: &mut Column, picks: &mut Picks) -> Option<String> {
    let from = table.any_column(picks, |column| matches!(column.data_type.family, Family::Whole | Family::Text | Family::Bool))?;
    let from = &table.columns[from];
    let name = from.quoted();
    let value = picks.below(3);
    Some(match (value, from.data_type.family) {
        (0, _) => column.data_type.values[0].clone(),
        (_, Family::Whole) => {
            column.data_type = data_type::named("numeric");
            format!("coalesce({name}, 0) * 2.5")
        }
        (1, _) => {
            column.data_type = data_type::named("text");
            format!("coalesce({name}::text, '') || '!'")
        }
        (_, _) => {
            column.data_type = from.data_type.clone();
            name
        }
    })
}

pub(super) fn drop(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = schema.tables[at].clone();
    let keep = |column: &Column| {
        table.is_key(&column.name)
            || table.is_read(&column.name)
            || schema.is_viewed(&table, &column.name)
            || schema.is_referenced(&table, Some(&column.name))
    };
    let place = table.any_column(picks, |column| !keep(column))?;
    let column = &table.columns[place];
    let path = table.path();
    let statement = alter(&path, format!("DROP COLUMN {}", column.quoted()));
    let supplied = column.not_null && column.made == Made::ByClients;
    // One value for all rows is no match of a row, nor unique: nobody says `down` so.
    let ruled = table.rules.iter().any(|rule| rule.columns.contains(&column.name) && !matches!(rule.kind, Kind::Check(_)));
    let bound = ruled || table.indexes.iter().any(|index| index.unique && index.columns.contains(&column.name));
    if supplied && bound {
        return None;
    }
    let statement = if supplied || !bound && picks.once_in(5) && !matches!(column.made, Made::From(_)) {
        directed(&format!("down {path}.{} = {}", column.quoted(), column.data_type.values[0]), statement)
    } else {
        statement
    };
    schema.tables[at].remove(&column.name);
    Some(vec![statement])
}

pub(super) fn rename(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = &mut schema.tables[at];
    let place = table.any_column(picks, |_| true)?;
    let (from, path) = (table.columns[place].name.clone(), table.path());
    let to = table.name(picks);
    table.rename(&from, &to);
    let number = table.number;
    for view in schema.views.iter_mut().filter(|view| view.table == number) {
        view.columns.iter_mut().filter(|name| **name == from).for_each(|name| to.clone_into(name));
    }
    for rule in schema.tables.iter_mut().flat_map(|table| &mut table.rules) {
        rule.follow(number, &from, &to);
    }
    let statement = Statement::Whole(format!("ALTER TABLE {path} RENAME COLUMN {} TO {};", quoted(&from), quoted(&to)));
    Some(vec![if picks.once_in(5) { directed("strategy views", statement) } else { statement }])
}

pub(super) fn change_type(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = schema.tables[at].clone();
    let place = table.any_column(picks, |column| {
        !table.is_read(&column.name)
            && !schema.is_viewed(&table, &column.name)
            && !matches!(column.made, Made::From(_))
            && table.partitioned.as_ref().is_none_or(|(by, _)| *by != column.name)
    })?;
    let column = &table.columns[place];
    let (to, using) = data_type::changed(picks, &column.data_type, &column.quoted())?;
    let using = using.map(|using| format!(" USING {using}")).unwrap_or_default();
    let statement = alter(&table.path(), format!("ALTER COLUMN {} TYPE {}{using}", column.quoted(), to.sql));
    schema.tables[at].columns[place].data_type = to;
    Some(vec![match picks.below(5) {
        0 => statement,
        4 => directed("strategy views", statement),
        1 => directed("strategy columns\n-- concertina: phase contract", statement),
        _ => directed("strategy columns", statement),
    }])
}

pub(super) fn set_not_null(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = &mut schema.tables[at];
    let place = table.any_column(picks, |column| !column.not_null)?;
    let (path, column) = (table.path(), table.columns[place].clone());
    let set = alter(&path, format!("ALTER COLUMN {} SET NOT NULL", column.quoted()));
    table.columns[place].not_null = true;
    if matches!(column.made, Made::From(_)) || !picks.once_in(3) {
        return Some(vec![set]);
    }
    let repair = format!("UPDATE {path} SET {0} = {1} WHERE {0} IS NULL;", column.quoted(), column.data_type.values[0]);
    Some(vec![Statement::Whole(repair), set])
}

pub(super) fn drop_not_null(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = &mut schema.tables[at];
    let plain = |column: &Column| column.not_null && !table.is_key(&column.name) && column.made != Made::BySequence;
    let place = table.any_column(picks, plain)?;
    table.columns[place].not_null = false;
    Some(vec![alter(&table.path(), format!("ALTER COLUMN {} DROP NOT NULL", table.columns[place].quoted()))])
}

pub(super) fn set_default(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = &mut schema.tables[at];
    // A default that the column's own rules refuse is nobody's wish.
    let ruled = |column: &Column| table.rules.iter().any(|rule| rule.columns.contains(&column.name));
    let place = table.any_column(picks, |column| matches!(column.made, Made::ByClients | Made::ByDefault) && !ruled(column))?;
    table.columns[place].made = Made::ByDefault;
    let column = &table.columns[place];
    let value = picks.of(&column.data_type.values)?;
    Some(vec![alter(&table.path(), format!("ALTER COLUMN {} SET DEFAULT {value}", column.quoted()))])
}

pub(super) fn drop_default(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = &mut schema.tables[at];
    let place = table.any_column(picks, |column| column.made == Made::ByDefault)?;
    table.columns[place].made = Made::ByClients;
    Some(vec![alter(&table.path(), format!("ALTER COLUMN {} DROP DEFAULT", table.columns[place].quoted()))])
}

/// Adds a generated column.
pub(super) fn generate(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = &mut schema.tables[at];
    let (from, data_type, expression) = generated(table, picks)?;
    let column = Column { name: table.name(picks), data_type, not_null: false, made: Made::From(from) };
    let statement = alter(&table.path(), format!("ADD COLUMN {}", column.definition(Some(&expression))));
    table.columns.push(column);
    Some(vec![statement])
}

/// Adds a numbered column.
pub(super) fn number(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = &mut schema.tables[at];
    let column = Column { name: table.name(picks), data_type: data_type::named("bigint"), not_null: true, made: Made::BySequence };
    let written = if picks.once_in(2) { format!("{} bigserial", column.quoted()) } else { column.definition(None) };
    let statement = alter(&table.path(), format!("ADD COLUMN {written}"));
    table.columns.push(column);
    Some(vec![statement])
}

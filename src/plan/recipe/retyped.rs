//! What must hold before a column gets another type under its name: who could notice, and whether there is a way back.
//! Refusals name every way to go on, ready to paste.

use super::change_type::Target;
use super::{Context, as_written};
use crate::engine::postgres;
use crate::plan::refusal::{Refusal, as_directive};
use crate::schema::object::TypeKind;
use crate::schema::{Column, DataType, Identifier, Index, Part, Sql, Table, Uniqueness};
use crate::sql::directive::{PhaseName, Strategy};
use crate::sql::write;

/// Types between which every pair has a cast.
const FAMILIES: &[&[&str]] = &[
    &["int2", "int4", "int8", "numeric", "float4", "float8"],
    &["timestamp", "timestamptz", "date"],
    &["json", "jsonb"],
    &["inet", "cidr"],
    &["time", "timetz"],
];
/// To and from these everything is cast by its text.
const TEXTS: &[&str] = &["bpchar", "varchar", "text"];
/// Their text and their conversions go by the session's time zone.
const ZONED: &[&str] = &["timestamptz", "timetz"];
const DATED: &[&str] = &["timestamp", "date", "time"];
/// Their text goes by settings of the session.
const SHOWN_BY_SETTINGS: &[&str] = &["timestamptz", "timetz", "timestamp", "date", "interval", "float4", "float8", "money", "bytea"];

/// How the first column's value follows from the second's (none: by a cast); a refusal if the change can't be planned.
pub(crate) fn check(ctx: &Context<'_>, table: &Table, column: &Column, target: &Target<'_>) -> Result<Option<Sql>, Refusal> {
    if target.using.is_some_and(|using| !crate::plan::release::is_over_own_row(using)) {
        return Err(ctx.refuse("USING reads more than its own row", "write USING over the columns of the same row, without table names"));
    }
    refuse_session_dependence(ctx, table, column, target)?;
    let kept = target.using.is_none_or(|using| keeps_value(using, column, target.data_type));
    let same = kept && !tightens_a_key(ctx, table, column, target) && postgres::same_to_clients(&column.data_type, target.data_type);
    if !same && !matches!(ctx.strategy(), Some(Strategy::Columns | Strategy::Views)) {
        return Err(noticed(ctx, table, column, (target, kept)));
    }
    let back = ctx.down(&table.name, &column.name).cloned().or_else(|| inverse(column, target));
    let in_contract = as_written::directed_phase(ctx) == Some(PhaseName::Contract);
    if back.is_none() && !kept && !in_contract {
        return Err(ctx.refuse(
            format!(
                "USING makes other values of those of {}.{}, and how to go back from what new clients write can't be told from it",
                table.name, column.name
            ),
            say_back(table, column),
        ));
    }
    if back.is_none() && !same && !has_cast(ctx, target.data_type, &column.data_type) {
        return Err(ctx.refuse(
            format!(
                "there is no cast from {} back to {}, so what new clients write to {}.{} could not be kept for old ones",
                write::data_type(target.data_type),
                write::data_type(&column.data_type),
                table.name,
                column.name
            ),
            say_back(table, column),
        ));
    }
    Ok(back)
}

fn say_back(table: &Table, column: &Column) -> String {
    format!(
        "say how the old value follows from the new one, in a comment above the statement:\n-- concertina: down {} = <expression over {}>",
        as_directive(&table.name, &column.name),
        write::identifier(&column.name)
    )
}

/// Whether it is the column itself, or a cast of it to its own type or to the new one.
fn keeps_value(using: &Sql, column: &Column, to: &DataType) -> bool {
    let mut named = 0;
    let plain = using.parts.iter().all(|part| match part {
        Part::Column { of: None, name } => {
            named += 1;
            name == &column.name
        }
        Part::Text(text) => is_cast(text, &[&column.data_type, to]),
        Part::Type(name) => name == &to.name || name == &column.data_type.name,
        Part::Column { of: Some(_), .. } | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) => false,
    });
    plain && named == 1
}

/// Whether the text holds nothing but what a cast to one of the types is made of.
fn is_cast(text: &str, types: &[&DataType]) -> bool {
    const ALSO: &[(&str, &str)] = &[("int4", "int"), ("bool", "bool"), ("numeric", "decimal"), ("varchar", "varchar"), ("bpchar", "char")];
    let marks = text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_():,\"".contains(c));
    let mut allowed: Vec<String> = vec!["cast".to_owned(), "as".to_owned()];
    for data_type in types {
        let name = data_type.name.name.as_str();
        allowed.extend(words(&write::data_type(data_type)));
        allowed.push(name.to_owned());
        allowed.extend(ALSO.iter().filter(|(of, _)| *of == name).map(|(_, also)| (*also).to_owned()));
    }
    marks && words(text).into_iter().all(|word| allowed.contains(&word))
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| word.starts_with(char::is_alphabetic));
    words.map(str::to_lowercase).collect()
}

/// Whether values that a unique key tells apart are the same in the new type: old clients would be refused what they may write.
fn tightens_a_key(ctx: &Context<'_>, table: &Table, column: &Column, target: &Target<'_>) -> bool {
    let folds = target.data_type.name.name == "citext" && column.data_type.name.name != "citext";
    let unique = |index: &Index| index.uniqueness == Uniqueness::Unique && index.mentions(&column.name);
    folds && ctx.before.indexes_of(&table.name).any(|(_, index)| unique(index))
}

fn built_in<'a>(data_type: &'a DataType, among: &[&str]) -> Option<&'a str> {
    let name = data_type.name.name.as_str();
    (data_type.dimensions == 0 && data_type.name.is_built_in(name) && among.contains(&name)).then_some(name)
}

/// Whether a value of one type can be cast to the other by `::`.
fn has_cast(ctx: &Context<'_>, from: &DataType, to: &DataType) -> bool {
    if built_in(from, TEXTS).is_some() || built_in(to, TEXTS).is_some() || from.name == to.name {
        return true;
    }
    let base = |data_type: &DataType| match ctx.before.types.get(&data_type.name).map(|found| &found.kind) {
        Some(TypeKind::Domain { base, .. }) if data_type.dimensions == 0 => base.clone(),
        _ => data_type.clone(),
    };
    let (from, to) = (base(from), base(to));
    from == to || FAMILIES.iter().any(|family| built_in(&from, family).is_some() && built_in(&to, family).is_some())
}

/// `c AT TIME ZONE 'UTC'` takes back what it did itself.
fn inverse(column: &Column, target: &Target<'_>) -> Option<Sql> {
    let between = |from: &DataType, to: &DataType| built_in(from, &["timestamp"]).is_some() && built_in(to, &["timestamptz"]).is_some();
    if !between(&column.data_type, target.data_type) && !between(target.data_type, &column.data_type) {
        return None;
    }
    let using = target.using?;
    let bare = using.parts.iter().filter(|part| !matches!(part, Part::Text(text) if text.trim_matches(['(', ')', ' ']).is_empty()));
    match bare.collect::<Vec<_>>().as_slice() {
        [Part::Column { of: None, name }, Part::Text(zone)] if name == &column.name => {
            zone.trim_start_matches([')', ' ']).to_ascii_lowercase().starts_with("at time zone '").then(|| using.clone())
        }
        _ => None,
    }
}

/// A conversion that goes by the time zone of whoever runs it gives each session another value.
fn refuse_session_dependence(ctx: &Context<'_>, table: &Table, column: &Column, target: &Target<'_>) -> Result<(), Refusal> {
    let crosses = |from: &DataType, to: &DataType| built_in(from, DATED).is_some() && built_in(to, ZONED).is_some();
    if !crosses(&column.data_type, target.data_type) && !crosses(target.data_type, &column.data_type) {
        return Ok(());
    }
    let says_zone = |using: &Sql| {
        let text = write::text(using).to_ascii_lowercase();
        text.contains("at time zone") || text.contains("timezone(")
    };
    if target.using.is_some_and(says_zone) {
        return Ok(());
    }
    let quoted = write::identifier(&column.name);
    Err(ctx.refuse(
        format!("{}.{} would be converted by the time zone of each session that writes or fills it", table.name, column.name),
        format!(
            "say in which time zone its values are meant:\nALTER TABLE {} ALTER COLUMN {quoted} TYPE {} USING {quoted} AT TIME ZONE 'UTC';",
            write::name(&table.name),
            write::data_type(target.data_type)
        ),
    ))
}

/// A column that each side keeps in its own type: as text such a value depends on the settings of the session that writes it, and a
/// key that tells fewer values apart would refuse what old clients may write.
pub(crate) fn refuse_session_text(ctx: &Context<'_>, table: &Table, column: &Column, target: &Target<'_>) -> Result<(), Refusal> {
    if tightens_a_key(ctx, table, column, target) {
        return Err(ctx.refuse(
            format!("a unique key of {}.{} would tell fewer values apart, and refuse what old clients may write", table.name, column.name),
            "drop the key in a release before and make it anew in one behind, or take another strategy (docs/directives.md)",
        ));
    }
    let is_shown = |data_type: &DataType| SHOWN_BY_SETTINGS.iter().any(|name| data_type.name.is_built_in(name));
    let is_text = |data_type: &DataType| TEXTS.iter().chain(&["json", "jsonb"]).any(|name| data_type.name.is_built_in(name));
    let crosses = |from: &DataType, to: &DataType| is_shown(from) && is_text(to);
    let plain = target.using.is_none_or(|using| keeps_value(using, column, target.data_type));
    if !plain || !crosses(&column.data_type, target.data_type) && !crosses(target.data_type, &column.data_type) {
        return Ok(());
    }
    Err(ctx.refuse(
        format!("what {}.{} is as text goes by the settings of each session (TimeZone, DateStyle and others)", table.name, column.name),
        "say how it is written, in USING and in `down`, as in USING to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), or take \
         another strategy (docs/directives.md)",
    ))
}

/// Old clients or new ones would notice; four ways on, and the price of each.
fn noticed(ctx: &Context<'_>, table: &Table, column: &Column, (target, kept): (&Target<'_>, bool)) -> Refusal {
    let (from, to) = (write::data_type(&column.data_type), write::data_type(target.data_type));
    let relation = write::name(&table.name);
    let new = Identifier::new(format!("{}_new", column.name));
    let value = target.using.map_or_else(|| format!("{}::{to}", write::identifier(&column.name)), write::text);
    let statement = ctx.item.statement.trim().trim_end_matches(';');
    let kept = kept || ctx.down(&table.name, &column.name).is_some() || inverse(column, target).is_some();
    ctx.refuse(
        format!("{}.{} can't be {from} for old clients and {to} for new ones under one name", table.name, column.name),
        format!(
            "take one of these:\n\n\
             1. a second name, which neither release notices; drop {column} in a later release:\n\
             -- concertina: up {up} = {value}\nALTER TABLE {relation} ADD COLUMN {quoted} {to};\n\n\
             2. the same name, exchanged before new clients start, if the old release can read and write {to} there too:\n\
             -- concertina: strategy columns\n{back}{statement};\n\n\
             3. the same name, each release with its own type, if new clients have a schema of the release first in their search_path (docs/views.md):\n\
             -- concertina: strategy views\n{back}{statement};\n\n\
             4. the same name, exchanged when no old client is left, if the new release can live with {from} until then:\n\
             -- concertina: strategy columns\n-- concertina: phase contract\n{statement};\n\n\
             or accept downtime for a small table: -- concertina: strategy direct",
            column = column.name,
            up = as_directive(&table.name, &new),
            quoted = write::identifier(&new),
            back = if kept {
                String::new()
            } else {
                let (down, own) = (as_directive(&table.name, &column.name), write::identifier(&column.name));
                format!("-- concertina: down {down} = <expression over {own}>\n")
            },
        ),
    )
}

//! What the release's migrations will demand of rows that are there: read off the schema at their end, and tried on each row in a
//! database of its own. What can't be asked for there goes unasked.

use sqlx::Connection;

use super::Error;
use super::client::execute;
use super::prove::Case;
use super::shadow::Shadow;
use super::shape::{Shape, Table};
use super::written;
use crate::schema::Identifier;
use crate::sql::postgres::with_column_renamed;
use crate::sql::write;

/// The shape with what will be demanded of its rows, and the name of a database that refuses others.
pub(super) async fn demanded(shadow: &mut Shadow, case: &Case<'_>, mut shape: Shape) -> Result<(Shape, Option<String>), Error> {
    let Some(end) = end(shadow, case).await? else { return Ok((shape, None)) };
    let mut demands = Vec::new();
    for table in &mut shape.tables {
        let Some(new) = end.table(case.renames.tables.get(&table.name).unwrap_or(&table.name)) else { continue };
        let new = by_old_names(case, table, new);
        demands.extend(of_table(table, &new));
        take(table, &new);
    }
    for (number, data_type) in end.types {
        shape.types.entry(number).or_insert(data_type);
    }
    let trial = shadow.create(Some(case.base)).await?;
    let mut connection = shadow.connect(&trial).await?;
    for demand in demands {
        // Of other types, or over rows of the migrations that they still change.
        execute(&mut connection, &demand).await.ok();
    }
    let _ = connection.close().await;
    Ok((shape, Some(trial)))
}

/// The shape at the end of the migrations as written, over empty tables; none if even that fails.
async fn end(shadow: &mut Shadow, case: &Case<'_>) -> Result<Option<Shape>, Error> {
    let empty = shadow.create(Some(case.base)).await?;
    let ran = match written::run(shadow, &empty, case.before).await? {
        Ok(()) => written::run(shadow, &empty, case.migrations).await?,
        refused => refused,
    };
    let mut end = None;
    if ran.is_ok() {
        let mut connection = shadow.connect(&empty).await?;
        end = Some(Shape::read(&mut connection).await?);
        let _ = connection.close().await;
    }
    shadow.drop(&empty).await?;
    Ok(end)
}

/// The new table with the columns' names of before.
fn by_old_names(case: &Case<'_>, table: &Table, new: &Table) -> Table {
    let mut named = new.clone();
    for ((on, old), now) in case.renames.columns.iter().filter(|((on, _), _)| on == &table.name) {
        let back = |name: &mut Identifier| {
            if name == now {
                name.clone_from(old);
            }
        };
        named.columns.iter_mut().for_each(|column| back(&mut column.name));
        named.keys.iter_mut().flatten().for_each(back);
        named.foreign_keys.iter_mut().flat_map(|key| &mut key.columns).for_each(back);
        for (names, text) in &mut named.conditions {
            names.iter_mut().for_each(back);
            let alter = format!("ALTER TABLE {} ADD ", write::name(on));
            let said = with_column_renamed(&format!("{alter}{text}"), now, old);
            if let Some(said) = said.and_then(|said| Some(said.strip_prefix(&alter)?.to_owned())) {
                *text = said;
            }
        }
    }
    referenced_by_old_names(case, &mut named);
    named
}

/// What the foreign keys reference, by the names of before.
fn referenced_by_old_names(case: &Case<'_>, named: &mut Table) {
    for key in &mut named.foreign_keys {
        if let Some((old, _)) = case.renames.tables.iter().find(|(_, now)| **now == key.references) {
            key.references.clone_from(old);
        }
        let on = &key.references;
        for name in &mut key.referenced {
            if let Some(((_, old), _)) = case.renames.columns.iter().find(|((of, _), now)| of == on && *now == name) {
                name.clone_from(old);
            }
        }
    }
}

/// Statements that let a table refuse what the new one would.
fn of_table(table: &Table, new: &Table) -> Vec<String> {
    let relation = write::name(&table.name);
    let known = |names: &[Identifier]| names.iter().all(|name| table.column(name).is_some());
    let conditions = new.conditions.iter().filter(|(names, text)| known(names) && text.starts_with("CHECK "));
    let checks = conditions.map(|(_, text)| format!("ALTER TABLE {relation} ADD {} NOT VALID", text.trim_end_matches(" NOT VALID")));
    let required = new.columns.iter().filter(|column| column.not_null && table.column(&column.name).is_some_and(|old| !old.not_null));
    let required = required.map(|column| format!("ALTER TABLE {relation} ALTER COLUMN {} SET NOT NULL", write::identifier(&column.name)));
    let keys = new.keys.iter().filter(|key| known(key) && !table.keys.contains(key));
    let keys = keys.map(|key| format!("CREATE UNIQUE INDEX ON {relation} ({})", write::list(key)));
    checks.chain(required).chain(keys).collect()
}

/// Notes in the table what its values are made by.
fn take(table: &mut Table, new: &Table) {
    let known = |names: &[Identifier]| names.iter().all(|name| table.columns.iter().any(|column| &column.name == name));
    let keys: Vec<_> = new
        .foreign_keys
        .iter()
        .filter(|key| known(&key.columns) && !table.foreign_keys.iter().any(|old| old.columns == key.columns))
        .cloned()
        .collect();
    let conditions: Vec<_> = new
        .conditions
        .iter()
        .filter(|(names, text)| known(names) && !table.conditions.iter().any(|(_, old)| old == text))
        .cloned()
        .collect();
    table.foreign_keys.extend(keys);
    table.conditions.extend(conditions);
    for column in &mut table.columns {
        let becomes = new.column(&column.name).map(|new| (new.data_type, new.modifier));
        column.becomes = becomes.filter(|becomes| *becomes != (column.data_type, column.modifier));
    }
}

//! What is up to nobody: the order in which rows lie, and the numbers that they get by it. A second reference has both otherwise.

use std::collections::BTreeSet;

use sqlx::{Connection as _, PgConnection};

use super::Error;
use super::client::{Keep, Outcome, execute, rows, run};
use super::renames::Renames;
use super::shadow::Shadow;
use super::shape::{Column, Kind, Shape, Table, WrittenBy};
use crate::schema::{Identifier, Name};
use crate::sql::write;

/// Moves the first row of each table behind the others: rows that get numbers in the order in which they lie get other ones, and
/// so does all that is computed from them. Where the user may not mute triggers, the order stays.
pub(super) async fn reorder(shadow: &Shadow, database: &str, shape: &Shape) -> Result<(), Error> {
    let mut connection = shadow.connect(database).await?;
    execute(&mut connection, "BEGIN").await?;
    run(&mut connection, "SET LOCAL session_replication_role = replica", Keep::Yes).await?;
    let muted = rows(&mut connection, "SHOW session_replication_role").await?;
    if muted.iter().flatten().any(|role| role.as_deref() == Some("replica")) {
        for table in shape.tables.iter().filter(|table| table.kind == Kind::Table) {
            let Some(column) = table.columns.iter().find(|column| column.written_by == WrittenBy::Clients) else { continue };
            let (relation, column) = (write::name(&table.name), write::identifier(&column.name));
            let set = format!("SET {column} = {column}");
            let own = format!("UPDATE ONLY {relation} {set} WHERE ctid = (SELECT ctid FROM ONLY {relation} LIMIT 1)");
            let of_each_partition = format!(
                "UPDATE {relation} {set} WHERE (tableoid, ctid) IN (SELECT DISTINCT ON (t.tableoid) t.tableoid, t.ctid
                 FROM {relation} t JOIN pg_catalog.pg_class p ON p.oid = t.tableoid AND p.relispartition ORDER BY t.tableoid, t.ctid)"
            );
            run(&mut connection, &own, Keep::Yes).await?;
            run(&mut connection, &of_each_partition, Keep::Yes).await?;
        }
    }
    execute(&mut connection, "COMMIT").await?;
    let _ = connection.close().await;
    Ok(())
}

/// Moves numbers that other rows reference by as much as no row has, and the references with them. Where the user may not mute
/// foreign keys, they stay.
async fn shift(connection: &mut PgConnection, shape: &Shape, table: &Table, numbered: &[&Identifier]) -> Result<(), sqlx::Error> {
    const FAR: u32 = 1000;
    let moved = |relation: &Name, columns: &mut dyn Iterator<Item = &Identifier>| {
        let set = |column: &Identifier| format!("{name} = {name} + {FAR}", name = write::identifier(column));
        format!("UPDATE {} SET {}", write::name(relation), columns.map(set).collect::<Vec<_>>().join(", "))
    };
    // An identity that is always generated takes no other number.
    let always = format!(
        "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = {}::regclass AND attidentity = 'a'",
        write::literal(&write::name(&table.name))
    );
    let always: Vec<String> = rows(connection, &always).await?.into_iter().flatten().flatten().collect();
    let generated = |kind: &str| -> Vec<String> {
        always.iter().map(|column| format!("ALTER TABLE {} ALTER COLUMN {column} SET GENERATED {kind}", write::name(&table.name))).collect()
    };
    let mut all = generated("BY DEFAULT");
    all.push(moved(&table.name, &mut numbered.iter().copied()));
    for child in &shape.tables {
        let keys = child.foreign_keys.iter().filter(|key| key.references == table.name);
        let follows = keys.flat_map(|key| key.columns.iter().zip(&key.referenced)).filter(|(_, to)| numbered.contains(to));
        let columns: BTreeSet<&Identifier> = follows.map(|(column, _)| column).collect();
        if !columns.is_empty() {
            all.push(moved(&child.name, &mut columns.into_iter()));
        }
    }
    all.extend(generated("ALWAYS"));
    // All or none.
    let begin = "SET LOCAL session_replication_role = replica";
    let end = "SET LOCAL session_replication_role = origin";
    run(connection, &format!("{begin}; {}; {end}", all.join("; ")), Keep::Yes).await.map(drop)
}

/// Gives other numbers to columns that are new and come from a sequence: which row gets which is up to nobody. A table is new since
/// the first of the shapes that knows it by its name, or by the one that the release takes from it.
pub(super) async fn renumber(shadow: &Shadow, database: &str, old: &[&Shape], new: &Shape, renames: &Renames) -> Result<(), Error> {
    let mut connection = shadow.connect(database).await?;
    execute(&mut connection, "BEGIN").await?;
    for table in &new.tables {
        let former = renames.tables.iter().find(|(_, to)| *to == &table.name).map_or(&table.name, |(from, _)| from);
        let Some(before) = old.iter().find_map(|shape| shape.table(&table.name).or_else(|| shape.table(former))) else { continue };
        let was_there = |column: &Identifier| {
            let given = before.columns.iter().filter_map(|old| renames.columns.get(&(before.name.clone(), old.name.clone())));
            before.column(column).is_some() || given.into_iter().any(|to| to == column)
        };
        let is_numbered = |column: &&Column| column.written_by != WrittenBy::Clients && !was_there(&column.name);
        let relation = write::name(&table.name);
        let set: Vec<String> =
            table.columns.iter().filter(is_numbered).map(|column| format!("{} = DEFAULT", write::identifier(&column.name))).collect();
        if set.is_empty() {
            continue;
        }
        // Rows that break a rule which is NOT VALID can't be changed while it is there.
        let rules = format!(
            "SELECT quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint \
             WHERE conrelid = {}::regclass AND contype = 'c' AND NOT convalidated",
            write::literal(&relation)
        );
        let rules = rows(&mut connection, &rules).await?;
        let rules: Vec<(&str, &str)> = rules.iter().filter_map(|row| Some((row.first()?.as_deref()?, row.get(1)?.as_deref()?))).collect();
        for (name, _) in &rules {
            execute(&mut connection, &format!("ALTER TABLE {relation} DROP CONSTRAINT {name}")).await?;
        }
        let outcome = run(&mut connection, &format!("UPDATE {relation} SET {}", set.join(", ")), Keep::Yes).await?;
        if matches!(outcome, Outcome::Failed { .. }) {
            let numbered: Vec<&Identifier> = table.columns.iter().filter(is_numbered).map(|column| &column.name).collect();
            shift(&mut connection, new, table, &numbered).await?;
        }
        for (name, definition) in &rules {
            execute(&mut connection, &format!("ALTER TABLE {relation} ADD CONSTRAINT {name} {definition}")).await?;
        }
    }
    execute(&mut connection, "COMMIT").await?;
    let _ = connection.close().await;
    Ok(())
}

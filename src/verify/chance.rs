//! What is up to nobody: the order in which rows lie, and the numbers that they get by it. A second reference has both otherwise.

use sqlx::Connection as _;

use super::Error;
use super::client::{Keep, execute, rows, run};
use super::shadow::Shadow;
use super::shape::{Column, Kind, Shape, WrittenBy};
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
            let first = format!("SELECT ctid FROM ONLY {relation} LIMIT 1");
            let moved = format!("UPDATE ONLY {relation} SET {column} = {column} WHERE ctid = ({first})");
            run(&mut connection, &moved, Keep::Yes).await?;
        }
    }
    execute(&mut connection, "COMMIT").await?;
    let _ = connection.close().await;
    Ok(())
}

/// Gives other numbers to columns that are new and come from a sequence: which row gets which is up to nobody.
pub(super) async fn renumber(shadow: &Shadow, database: &str, old: &Shape, new: &Shape) -> Result<(), Error> {
    let mut connection = shadow.connect(database).await?;
    execute(&mut connection, "BEGIN").await?;
    for table in &new.tables {
        let Some(before) = old.table(&table.name) else { continue };
        let is_numbered = |column: &&Column| column.written_by != WrittenBy::Clients && before.column(&column.name).is_none();
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
        run(&mut connection, &format!("UPDATE {relation} SET {}", set.join(", ")), Keep::Yes).await?;
        for (name, definition) in &rules {
            execute(&mut connection, &format!("ALTER TABLE {relation} ADD CONSTRAINT {name} {definition}")).await?;
        }
    }
    execute(&mut connection, "COMMIT").await?;
    let _ = connection.close().await;
    Ok(())
}

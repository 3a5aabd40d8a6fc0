//! RENAME TABLE: the table takes its new name and a view with the old one shows it to old clients, in one transaction.

use super::{Context, Recipe};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::schema::{Identifier, Name, Table, TableKind};
use crate::sql::write;

pub(crate) fn plan(ctx: &Context<'_>, from: &Name, to: &Identifier) -> Result<Recipe, Refusal> {
    if !ctx.before.tables.contains_key(from) && (ctx.before.views.contains_key(from) || ctx.before.sequences.contains_key(from)) {
        return Err(ctx.refuse(
            format!("{from} is not a table: it can't be served under two names"),
            "create a second one under the new name, and drop this one in a later release",
        ));
    }
    let table = ctx.table(from)?;
    if matches!(table.kind, TableKind::Foreign { .. }) {
        return Err(ctx.refuse(format!("{from} is a foreign table"), "say `-- concertina: strategy direct` if its clients can wait"));
    }
    if table.row_security && ctx.major() < 15 {
        return Err(ctx.refuse(
            format!("{from} has row level security, which a view obeys for its reader only from PostgreSQL 15 on"),
            "accept downtime with `-- concertina: strategy direct`",
        ));
    }
    super::super::conflict::refuse(ctx, from, &[], std::iter::empty())?;
    Ok(Recipe { expand: vec![swap(ctx, table, to)], contract: vec![drop_view(from, to)], ..Recipe::default() })
}

fn swap(ctx: &Context<'_>, table: &Table, to: &Identifier) -> Draft {
    let old = write::name(&table.name);
    let new_name = table.name.sibling(to.clone());
    let new = write::name(&new_name);
    let columns: Vec<String> = table.columns.iter().map(|column| write::identifier(&column.name)).collect();
    // With the reader's own rights: a view otherwise reads with its owner's, past row security.
    let options = if ctx.major() >= 15 { " WITH (security_invoker = true)" } else { "" };
    let sql = vec![
        format!("ALTER TABLE {old} RENAME TO {}", write::identifier(to)),
        format!("CREATE VIEW {old}{options} AS SELECT {} FROM {new}", columns.join(", ")),
        same_owner_and_privileges(&table.name, &new_name),
    ];
    let undo = vec![
        format!("LOCK TABLE {old} IN ACCESS EXCLUSIVE MODE"),
        format!("DROP VIEW {old}"),
        format!("ALTER TABLE {new} RENAME TO {}", write::identifier(&table.name.name)),
    ];
    Draft::own(new_name.to_string(), "rename-table", format!("rename {} to {to} and show it to old clients under the old name", table.name), sql)
        .because("old clients read and write through a view under the old name; no data moves")
        .locks(&table.name, LockMode::AccessExclusive, Held::Brief)
        .probed(probe::relation_exists(&new_name))
        .undone_by(undo)
        .hazard(
            HazardKind::ThroughView,
            format!(
                "until contract {} is a view: TRUNCATE, COPY … FROM, ON CONFLICT ON CONSTRAINT, MERGE before PostgreSQL 17, new foreign keys to it and look-ups of its primary key or sequences fail in old clients",
                table.name
            ),
        )
}

/// Gives the view what the table has: read when the step runs, since privileges are often granted outside of migrations.
fn same_owner_and_privileges(view: &Name, table: &Name) -> String {
    let view_name = write::literal(&write::name(view));
    let table_name = write::literal(&write::name(table));
    format!(
        "DO $concertina$
DECLARE
  entry record;
BEGIN
  EXECUTE format('ALTER VIEW %s OWNER TO %I', {view_name}, (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = {table_name}::regclass));
  FOR entry IN
    SELECT privilege_type, is_grantable, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS grantee
    FROM pg_class, aclexplode(relacl)
    WHERE oid = {table_name}::regclass AND aclexplode.grantee <> relowner AND privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
  LOOP
    EXECUTE format('GRANT %s ON %s TO %s%s', entry.privilege_type, {view_name}, entry.grantee, CASE WHEN entry.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
  END LOOP;
END
$concertina$"
    )
}

fn drop_view(from: &Name, to: &Identifier) -> Draft {
    let view = write::name(from);
    Draft::own(
        from.sibling(to.clone()).to_string(),
        "drop-view",
        format!("drop the view {from} that showed {to} under its old name"),
        // Readers lock the view, then the table: so does this, or it would deadlock with them.
        vec![format!("LOCK TABLE {view} IN ACCESS EXCLUSIVE MODE"), format!("DROP VIEW {view}")],
    )
    .because("no client that uses the old name is left")
    .locks(from, LockMode::AccessExclusive, Held::Brief)
    .locks(&from.sibling(to.clone()), LockMode::AccessExclusive, Held::Brief)
    .probed(probe::relation_gone(from))
    .final_losing(format!("the name {from}; no data"))
}

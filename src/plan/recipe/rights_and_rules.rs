//! Row security, policies, triggers, owners and what else is neither a column nor a key: what takes something away from old
//! clients waits for contract, what gives goes first.

use super::statement::step;
use super::{Context, Recipe};
use crate::plan::format::HazardKind;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Item, Planned};
use crate::schema::change::{OnConflict, TriggerSelection};
use crate::schema::object::{Definition, Routine};
use crate::schema::table::{Partition, ReplicaIdentity};
use crate::schema::{Change, Enforcement, Identifier, Name, ObjectKind, Timing};
use crate::sql::write;

/// The steps of such a change; none if it is none.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is not of this kind")]
pub(crate) fn plan(ctx: &Context<'_>, change: &Change) -> Result<Option<Recipe>, Refusal> {
    Ok(Some(match change {
        Change::SetRowSecurity { table, enabled, forced } => row_security(ctx, table, *enabled, *forced)?,
        Change::CreateObject { definition, .. } if definition.object.kind == ObjectKind::Policy => policy(ctx, definition),
        Change::AlterObject { object, .. } if object.kind == ObjectKind::Policy => Recipe::contract(
            step(ctx)
                .because("old clients work under the policy as it was until then")
                .hazard(HazardKind::RefusesWrites, "until then new clients work under the policy as it was too"),
        ),
        Change::AlterObject { object, .. }
            if matches!(object.kind, ObjectKind::Extension | ObjectKind::Publication | ObjectKind::Statistics) =>
        {
            Recipe::expand(step(ctx).because("new clients may need it; old clients go on"))
        }
        Change::SetOwner { .. } => Recipe::contract(
            step(ctx)
                .because("old clients that connect as the former owner need its rights until then")
                .hazard(HazardKind::RefusesWrites, "the former owner has only the rights that were granted to it from here on"),
        ),
        Change::SetReplicaIdentity { table, identity } => replica_identity(ctx, table, identity)?,
        Change::AlterConstraint { table, constraint, timing, enforcement, .. } => {
            alter_constraint(ctx, table, constraint, *timing, *enforcement)
        }
        Change::EnableTrigger { table, triggers, enabled } => enable_trigger(ctx, table, triggers, *enabled)?,
        Change::AttachPartition { table, partition, .. } => attach(ctx, table, partition)?,
        Change::CreateRoutine { routine, on_conflict: OnConflict::Fail | OnConflict::Replace } => {
            refuse_ambiguous(ctx, routine)?;
            return Ok(None);
        }
        Change::ClusterOn { table, .. } if ctx.item.statement.trim_start().to_lowercase().starts_with("cluster") => {
            return Err(rewrites(ctx, table));
        }
        Change::SetPersistence { table, .. } | Change::SetTablespace { table, .. } | Change::SetAccessMethod { table, .. } => {
            return Err(rewrites(ctx, table));
        }
        _ => return Ok(None),
    }))
}

fn rewrites(ctx: &Context<'_>, table: &Name) -> Refusal {
    ctx.refuse(
        format!("all of {table} is written anew under a lock, and readers and writers wait for that long"),
        "accept that for a small table with `-- concertina: strategy direct`, or do it outside of releases with pg_repack",
    )
}

fn row_security(ctx: &Context<'_>, table: &Name, enabled: Option<bool>, forced: Option<bool>) -> Result<Recipe, Refusal> {
    let other_way = |item: &&Item| {
        matches!(&item.planned, Planned::Change(Change::SetRowSecurity { table: on, enabled: Some(other), .. })
            if on == table && enabled.is_some_and(|enabled| enabled != *other))
    };
    if let Some(other) = ctx.release.iter().find(other_way) {
        return Err(ctx.refuse(
            format!(
                "the policies of {table} are off for a part of the release ({}:{}), but a release is not run at one moment: clients would \
                 see and write all rows meanwhile",
                other.origin.file, other.origin.line
            ),
            "take both statements away, and let a role that the policies don't hold for run the migrations (BYPASSRLS, or the table's owner)",
        ));
    }
    let is = ctx.before.tables.get(table).map(|found| (found.row_security, found.force_row_security));
    if is.is_some_and(|(on, force)| enabled.is_none_or(|enabled| enabled == on) && forced.is_none_or(|forced| forced == force)) {
        return Ok(Recipe::default());
    }
    let word =
        |on: bool, force: &str| format!("ALTER TABLE {} {}{force} ROW LEVEL SECURITY", write::name(table), if on { "" } else { "NO " });
    let undo = match (enabled, forced) {
        (Some(on), _) => format!("ALTER TABLE {} {} ROW LEVEL SECURITY", write::name(table), if on { "DISABLE" } else { "ENABLE" }),
        (None, forced) => word(!forced.unwrap_or(false), "FORCE"),
    };
    let draft = step(ctx).undone_by(vec![undo]);
    if enabled == Some(true) || forced == Some(true) {
        return Ok(Recipe::contract(
            draft
                .because("old clients read and write all rows until then")
                .hazard(HazardKind::RefusesWrites, format!("until then no policy of {table} holds, for new clients neither"))
                .hazard(HazardKind::RefusesWrites, "rows that no policy allows are hidden and refused from here on"),
        ));
    }
    Ok(Recipe::expand(draft.because("nobody is refused what was allowed before").hazard(
        HazardKind::OldClientsReadNewValues,
        format!("clients of both releases see rows of {table} that its policies have hidden"),
    )))
}

/// Permissive policies allow more; restrictive ones less, once row security is on.
fn policy(ctx: &Context<'_>, definition: &Definition) -> Recipe {
    let table = &definition.object.name;
    let on = ctx.old.tables.get(ctx.name_before_release(table)).is_some_and(|found| found.row_security);
    let restrictive = write::text(&definition.create).to_uppercase().contains("RESTRICTIVE");
    let draft = step(ctx).undone_by(vec![format!("DROP {}", write::object(&definition.object))]);
    if on && restrictive {
        return Recipe::contract(
            draft
                .because("old clients read and write what it refuses until then")
                .hazard(HazardKind::RefusesWrites, "until then it doesn't hold for new clients either"),
        );
    }
    if on {
        return Recipe::expand(
            draft
                .because("it allows more, and nothing less")
                .hazard(HazardKind::OldClientsReadNewValues, format!("old clients see the rows of {table} that it allows too")),
        );
    }
    Recipe::expand(draft.because("it has no effect until row security is enabled"))
}

fn replica_identity(ctx: &Context<'_>, table: &Name, identity: &ReplicaIdentity) -> Result<Recipe, Refusal> {
    let before = match &ctx.table(table)?.replica_identity {
        ReplicaIdentity::Default => "DEFAULT".to_owned(),
        ReplicaIdentity::Full => "FULL".to_owned(),
        ReplicaIdentity::Nothing => "NOTHING".to_owned(),
        ReplicaIdentity::Index(index) => format!("USING INDEX {}", write::identifier(index)),
    };
    let draft = step(ctx).undone_by(vec![format!("ALTER TABLE {} REPLICA IDENTITY {before}", write::name(table))]);
    Ok(match identity {
        ReplicaIdentity::Nothing => Recipe::contract(
            draft
                .because("what replicates the old clients' writes needs the identity until then")
                .hazard(HazardKind::RefusesWrites, format!("UPDATE and DELETE on {table} fail while it is published")),
        ),
        ReplicaIdentity::Default | ReplicaIdentity::Full | ReplicaIdentity::Index(_) => {
            Recipe::expand(draft.because("clients don't see it; only logical replication does"))
        }
    })
}

fn alter_constraint(
    ctx: &Context<'_>,
    table: &Name,
    constraint: &Identifier,
    timing: Option<Timing>,
    enforcement: Option<Enforcement>,
) -> Recipe {
    let mut draft = step(ctx);
    let before = ctx.before.tables.get(table).and_then(|found| found.constraint(constraint));
    if let (Some(before), None) = (before, enforcement) {
        let timing = match before.timing {
            Timing::Immediate => "NOT DEFERRABLE",
            Timing::Deferrable => "DEFERRABLE INITIALLY IMMEDIATE",
            Timing::Deferred => "DEFERRABLE INITIALLY DEFERRED",
        };
        draft = draft.undone_by(vec![format!(
            "ALTER TABLE {} ALTER CONSTRAINT {} {timing}",
            write::name(table),
            write::identifier(constraint)
        )]);
    }
    if timing == Some(Timing::Immediate) || enforcement == Some(Enforcement::Enforced) {
        return Recipe::contract(draft.because("old clients may count on the check being late, or absent, until then"));
    }
    Recipe::expand(draft.because("what was accepted still is; a row may be checked later in the transaction"))
}

fn enable_trigger(ctx: &Context<'_>, table: &Name, triggers: &TriggerSelection, enabled: char) -> Result<Recipe, Refusal> {
    let other_way = |item: &&Item| {
        matches!(&item.planned, Planned::Change(Change::EnableTrigger { table: on, enabled: other, .. })
            if on == table && (*other == 'D') != (enabled == 'D'))
    };
    if let Some(other) = ctx.release.iter().find(other_way) {
        return Err(ctx.refuse(
            format!(
                "triggers of {table} are off for a part of the release ({}:{}), but a release is not run at one moment: old and new clients \
                 write meanwhile",
                other.origin.file, other.origin.line
            ),
            "take both statements away, and let the trigger's function pass by what the release changes (a release before can see to that)",
        ));
    }
    let draft = match triggers {
        TriggerSelection::Named(name) => {
            let before = ctx.before.triggers.get(&(table.clone(), name.clone())).map(|found| found.enabled);
            if before == Some(enabled) {
                return Ok(Recipe::default());
            }
            let back = match before {
                Some('D') => "DISABLE",
                Some('R') => "ENABLE REPLICA",
                Some('A') => "ENABLE ALWAYS",
                Some(_) | None => "ENABLE",
            };
            step(ctx).undone_by(vec![format!("ALTER TABLE {} {back} TRIGGER {}", write::name(table), write::identifier(name))])
        }
        TriggerSelection::All | TriggerSelection::User => step(ctx),
    };
    if let TriggerSelection::Named(name) = triggers
        && !ctx.old.triggers.contains_key(&(ctx.name_before_release(table).clone(), name.clone()))
    {
        return Ok(Recipe::expand(draft.because("the trigger is new in this release")));
    }
    if enabled == 'D' {
        let fires = format!("until then writes of new clients to {table} fire it too");
        return Ok(Recipe::contract(
            draft.because("old clients rely on what it does until then").hazard(HazardKind::NewClientsReadOldValues, fires),
        ));
    }
    Ok(Recipe::expand(
        draft
            .because("new clients rely on it")
            .hazard(HazardKind::OldClientsReadNewValues, format!("writes of old clients to {table} fire it too")),
    ))
}

fn attach(ctx: &Context<'_>, table: &Name, partition: &Name) -> Result<Recipe, Refusal> {
    let is_default = |place: &Partition| write::text(&place.bound).trim().eq_ignore_ascii_case("default");
    let default = ctx
        .before
        .tables
        .values()
        .find(|found| found.partition_of.as_ref().is_some_and(|place| &place.parent == table && is_default(place)));
    if let Some(default) = default {
        return Err(ctx.refuse(
            format!("attaching a partition to {table} reads its default partition {} under a lock", default.name),
            format!(
                "give {} a CHECK that excludes the new bound (NOT VALID, then VALIDATE) in an earlier release, and put `-- concertina: phase expand` above this statement",
                default.name
            ),
        ));
    }
    if !ctx.is_new_table(partition) {
        return Err(ctx.refuse(
            format!("{partition} is a table that old clients know, and it is read under a lock while it is attached to {table}"),
            format!(
                "give {partition} a CHECK of the same bound (NOT VALID, then VALIDATE) in an earlier release, so that nothing is read, and put \
                 `-- concertina: phase expand` above this statement"
            ),
        ));
    }
    let undo = vec![format!("ALTER TABLE {} DETACH PARTITION {}", write::name(table), write::name(partition))];
    Ok(Recipe::expand(step(ctx).because("the partition is new in this release, so nobody waits for it").undone_by(undo)))
}

/// A call of old clients that fits both functions fails: "function is not unique".
fn refuse_ambiguous(ctx: &Context<'_>, routine: &Routine) -> Result<(), Refusal> {
    let written = write::text(&routine.definition).to_lowercase();
    let head = written.split(" returns ").next().unwrap_or_default();
    // One that is there already makes no call ambiguous that wasn't.
    let is_there = ctx.old.routines.contains_key(&(routine.name.clone(), routine.arguments.clone()));
    if is_there || !head.contains(" default ") && !head.contains('=') {
        return Ok(());
    }
    let other = ctx.old.routines.keys().find(|(name, arguments)| {
        name == &routine.name && arguments.len() < routine.arguments.len() && routine.arguments.starts_with(arguments)
    });
    match other {
        None => Ok(()),
        Some((name, arguments)) => Err(ctx.refuse(
            format!(
                "calls of {name} with {} arguments, as old clients make them, would fit both functions and fail as ambiguous",
                arguments.len()
            ),
            "give the new function another name, or leave the DEFAULT out until the old one is gone",
        )),
    }
}

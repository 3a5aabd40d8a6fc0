//! What is refused before any recipe looks at it: directives that say nothing, names that old clients still use, what is temporary.

use std::sync::Arc;

use super::company::has_word;
use super::{Context, as_written};
use crate::engine::postgres;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Act, Item, Named, Planned, may_be_there, mutes_triggers, named_by};
use crate::plan::whole;
use crate::schema::change::Verb;
use crate::schema::table::Persistence;
use crate::schema::{Change, Constraint, ConstraintKind, Name, Table};
use crate::sql::directive::{DirectiveKind, PhaseName, Strategy};
use crate::sql::postgres::{ByName, by_name};
use crate::sql::write;

/// What is newer than the oldest version in use would fail in the middle of a deploy.
pub(super) fn too_new(ctx: &Context<'_>, change: &Change) -> Result<(), Refusal> {
    match postgres::since(change) {
        Some((major, what)) if major > ctx.major() => Err(ctx.refuse(
            format!("{what} came with PostgreSQL {major}, and by concertina.toml version {} is in use", ctx.major()),
            "write it in a way that the version knows, or raise `version` in concertina.toml once no older server is left",
        )),
        Some(_) | None => Ok(()),
    }
}

/// What is temporary is gone with its session, and each step may run in another one.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else is made for a session")]
pub(super) fn temporary(ctx: &Context<'_>, change: &Change) -> Result<(), Refusal> {
    let name = match change {
        Change::CreateTable(create) if create.table.persistence == Persistence::Temporary => &create.table.name,
        Change::CreateView { view, temporary: true, .. } => &view.name,
        Change::CreateSequence { sequence, .. } if sequence.name.schema.as_ref().is_some_and(|schema| schema.as_str() == "pg_temp") => {
            &sequence.name
        }
        _ => return Ok(()),
    };
    Err(ctx.refuse(
        format!("{} is temporary: it ends with its session, and a deploy runs its steps in more than one", name.name),
        format!(
            "create it as an ordinary one under a name of its own, and drop it at the end of the release, e.g. `DROP TABLE {}`",
            write::identifier(&name.name)
        ),
    ))
}

/// `*` and LIKE take the columns of a table as they are at that moment: in expand, those that the release takes away are there still,
/// and those that it renames are there twice.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else takes the columns of a table as they are")]
pub(super) fn starred(ctx: &Context<'_>, change: &Change) -> Result<(), Refusal> {
    let says_star = whole::says_star(&ctx.item.statement);
    let tables: Vec<Name> = match change {
        Change::Data(data) if data.verb == Verb::Insert => {
            let read = data.reads.iter().filter(|_| says_star);
            read.chain(data.writes.iter().filter(|_| data.columns.is_empty())).cloned().collect()
        }
        Change::Data(_) => return Ok(()),
        _ => whole::taken(&ctx.item.statement, change, ctx.before),
    };
    if let Change::CreateTable(create) = change {
        let mut taken = create.like.iter().map(|(_, like)| &like.table).filter(|table| !ctx.is_new_table(table));
        if let Some(other) = taken.find_map(|table| ctx.earlier().find(|item| shapes(item, table))) {
            return Err(ctx.refuse(
                format!(
                    "LIKE takes a table as it is at that moment, and an earlier statement changes it ({}:{})",
                    other.origin.file, other.origin.line
                ),
                "put this into the next release, or write out the columns",
            ));
        }
    }
    if let Change::Data(data) = change
        && data.writes.first().is_some_and(|table| ctx.before.tables.contains_key(table) && !ctx.is_new_table(table))
        && by_name(&ctx.item.statement, ctx.before) == ByName::Unknown
    {
        return Err(ctx.refuse(
            "the rows that are inserted have no names of columns, and their order may be another in a database that was changed step by \
             step",
            "name the columns behind INSERT INTO, and instead of `*`",
        ));
    }
    // A row without names finds a renamed column where it was, and the one with the new name follows it.
    let by_place = matches!(change, Change::Data(_)) && !says_star;
    let exchanged = ctx.earlier().find(|item| match &item.planned {
        Planned::Change(Change::RenameColumn { table, .. }) => !by_place && tables.contains(table) && !ctx.is_new_table(table),
        Planned::Change(Change::DropColumn { table, .. } | Change::ChangeType { table, .. }) => {
            tables.contains(table) && !ctx.is_new_table(table) && !super::change_type::is_at_once(ctx, item)
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    });
    match exchanged {
        None => Ok(()),
        Some(other) => Err(ctx.refuse(
            format!(
                "all columns of a table are taken as they are, of which an earlier statement changes one ({}:{}): until contract there is \
                 another one beside it, and the order is another",
                other.origin.file, other.origin.line
            ),
            "name the columns (instead of `*` or LIKE, and behind INSERT INTO) if that is what this is about, or put it into the next release",
        )),
    }
}

/// Whether the item changes what LIKE would take of the table.
fn shapes(item: &Item, table: &Name) -> bool {
    match &item.planned {
        Planned::FilledColumn { add, .. } => &add.table == table,
        Planned::EnumSwap(swap) => swap.columns.iter().any(|(on, _)| on == table),
        Planned::Change(Change::Data(_)) => false,
        Planned::Change(change) => change.relation() == Some(table),
    }
}

/// What a directive makes late can't be used by a later statement that is done before.
pub(super) fn made_too_late(ctx: &Context<'_>, phase: PhaseName) -> Result<(), Refusal> {
    let Some((Act::Creates, made)) = ctx.item.named().filter(|_| phase == PhaseName::Contract) else { return Ok(()) };
    let needs = |item: &&Item| as_written::phase_of(item) != Some(phase) && has_word(&item.statement, &made.word());
    match ctx.later().find(needs) {
        None => Ok(()),
        Some(other) => Err(ctx.refuse(
            format!(
                "a directive makes it in contract, and a later statement needs it before ({}:{})",
                other.origin.file, other.origin.line
            ),
            "take the directive away, or write the same one above that statement too",
        )),
    }
}

/// A partition in the place of one that goes in contract only: both can't be there.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else makes a partition")]
pub(super) fn taken_bounds(ctx: &Context<'_>, change: &Change) -> Result<(), Refusal> {
    let (name, place) = match change {
        Change::CreateTable(create) => (&create.table.name, create.table.partition_of.as_ref()),
        Change::AttachPartition { partition, .. } => {
            (partition, ctx.after.tables.get(partition).and_then(|table| table.partition_of.as_ref()))
        }
        _ => return Ok(()),
    };
    let Some(place) = place else { return Ok(()) };
    let same = |table: &&Arc<Table>| {
        let Some(other) = &table.partition_of else { return false };
        other.parent == place.parent && write::text(&other.bound) == write::text(&place.bound) && &table.name != name
    };
    match ctx.old.tables.values().find(same) {
        None => Ok(()),
        Some(old) => Err(ctx.refuse(
            format!("{} holds these rows of {} until contract, and {name} can't be its partition before", old.name, place.parent),
            format!("make {name} in the next release, or accept the gap with `-- concertina: strategy direct` above both statements"),
        )),
    }
}

/// A schema with tables that others reference: its CASCADE takes the foreign keys along in contract, and until then they hold.
pub(super) fn referenced_schema(ctx: &Context<'_>, change: &Change) -> Result<(), Refusal> {
    let Change::DropSchema { schema, .. } = change else { return Ok(()) };
    let is_inside = |name: &Name| name.schema.as_ref() == Some(schema);
    let outside = ctx.before.tables.values().filter(|table| !is_inside(&table.name));
    let mut keys =
        outside.flat_map(|table| table.constraints.iter().filter_map(Constraint::foreign_key).map(move |key| (&table.name, key)));
    match keys.find(|(_, key)| is_inside(&key.references)) {
        None => Ok(()),
        Some((table, key)) => Err(ctx.refuse(
            format!(
                "{table} references {} in the schema {schema}, and new clients would still be held to that until contract",
                key.references
            ),
            format!("drop the foreign key of {table} in a statement before"),
        )),
    }
}

/// A session in which triggers don't fire: what is done with that in mind can't be done by others.
pub(super) fn muting(ctx: &Context<'_>, change: &Change) -> Result<(), Refusal> {
    if !mutes_triggers(change) {
        return Ok(());
    }
    Err(ctx.refuse(
        "the statements from here on are meant to fire no triggers and to be checked by no foreign key, and plans run with both",
        "take it away if the triggers don't mind, or let their functions pass by what the release changes (a release before can see to that)",
    ))
}

/// A table that takes the name of one (or of a view, an index, a sequence) that old clients know.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else gives a table or a view its name")]
pub(super) fn taken_table_name(ctx: &Context<'_>, change: &Change) -> Result<(), Refusal> {
    let name = match change {
        Change::RenameTable { table, to } => table.sibling(to.clone()),
        Change::SetTableSchema { table, schema } => Name::new(schema.clone(), table.name.clone()),
        // Of a table that is dropped and created again the DROP is refused.
        Change::CreateTable(create) if !ctx.old.tables.contains_key(&create.table.name) || ctx.has_lost_its_name(&create.table.name) => {
            create.table.name.clone()
        }
        Change::CreateView { view, .. } if !ctx.old.views.contains_key(&view.name) => view.name.clone(),
        _ => return Ok(()),
    };
    if ctx.old.relation_kind(&name).is_none() || ctx.before.relation_kind(&name).is_some() {
        return Ok(());
    }
    Err(ctx.refuse(
        format!("old clients know another table (or index, view, sequence) by the name {name}, until contract"),
        "give the table a name that is new, or let the old one go in this release and rename in the next, or accept downtime with \
         `-- concertina: strategy direct` above the statements that end the old one and above this one",
    ))
}

/// A schema or an extension that is dropped and made again: the DROP comes in contract, after the new one.
#[expect(clippy::wildcard_enum_match_arm, reason = "of other kinds it is told by their names")]
pub(super) fn made_again(ctx: &Context<'_>, change: &Change) -> Result<(), Refusal> {
    let dropped =
        |is_it: &dyn Fn(&Change) -> bool| ctx.earlier().find(|item| matches!(&item.planned, Planned::Change(change) if is_it(change)));
    let (what, drop) = match change {
        Change::CreateSchema { schema, .. } => {
            (format!("schema {schema}"), dropped(&|change| matches!(change, Change::DropSchema { schema: gone, .. } if gone == schema)))
        }
        Change::CreateExtension { extension, .. } => (
            format!("extension {extension}"),
            dropped(&|change| matches!(change, Change::DropExtension { extension: gone, .. } if gone == extension)),
        ),
        _ => return Ok(()),
    };
    let Some(drop) = drop else { return Ok(()) };
    Err(ctx.refuse(
        format!(
            "{what} is dropped ({}:{}) and made again in one release: the DROP waits until contract and would take the new one away",
            drop.origin.file, drop.origin.line
        ),
        "change what is in it instead, or let the two come in two releases, or accept downtime with `-- concertina: strategy direct` above both \
         statements",
    ))
}

/// What is dropped before and may be there, of which nobody can tell.
pub(super) fn may_be_dropped_late(ctx: &Context<'_>, name: &str) -> Refusal {
    ctx.refuse(
        format!("{name} may be there already, since an earlier statement can't be read, and would be dropped in contract"),
        "say where both belong with `-- concertina: phase expand` above the DROP and above this statement",
    )
}

/// What old clients still use under a name keeps it until contract, so nothing else can have it in expand.
pub(super) fn taken_name(ctx: &Context<'_>, change: &Change) -> Result<(), Refusal> {
    let Some((Act::Creates, named)) = named_by(change, ctx.before, ctx.after) else { return Ok(()) };
    if may_be_there(&named, ctx.old) && ctx.is_dropped_before(&named) {
        return Err(may_be_dropped_late(ctx, &named.word()));
    }
    if !named.is_in(ctx.old) || named.is_in(ctx.before) {
        return Ok(());
    }
    let goes_early = match &named {
        Named::Constraint(table, name) => ctx
            .old
            .tables
            .get(table)
            .and_then(|found| found.constraint(name))
            .is_some_and(|constraint| !matches!(constraint.kind, ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_))),
        Named::Table(_)
        | Named::Column(..)
        | Named::Index(_)
        | Named::View(_)
        | Named::Sequence(_)
        | Named::Trigger(..)
        | Named::Routine(..)
        | Named::Type(_)
        | Named::Other(_) => false,
    };
    let word = named.word();
    if goes_early {
        return Ok(());
    }
    Err(ctx.refuse(
        format!("{word} is dropped or renamed earlier in this release, and old clients use it under that name until contract"),
        "give the new one another name, or put it into the next release, or accept downtime with `-- concertina: strategy direct` above both statements",
    ))
}

/// The name of an index (or of a key, which has one) or a sequence that goes with its table or column only in contract.
pub(super) fn taken_with_another(ctx: &Context<'_>) -> Result<(), Refusal> {
    let indexes = ctx.after.indexes.keys().filter(|name| !ctx.before.indexes.contains_key(*name) && ctx.old.indexes.contains_key(*name));
    let sequences =
        ctx.after.sequences.keys().filter(|name| !ctx.before.sequences.contains_key(*name) && ctx.old.sequences.contains_key(*name));
    let has = |item: &Item, name: &Name| item.before.indexes.contains_key(name) || item.before.sequences.contains_key(name);
    for name in indexes.chain(sequences) {
        let Some(at) = ctx.release.windows(2).position(|pair| has(&pair[0], name) && !has(&pair[1], name)) else { continue };
        let ends = &ctx.release[at];
        let direct = DirectiveKind::Strategy(Strategy::Direct);
        if as_written::phase_of(ends) == Some(PhaseName::Expand) || ends.directives.contains(&direct) {
            continue;
        }
        return Err(ctx.refuse(
            format!(
                "{} goes in contract only, with what {}:{} removes: until then the name is taken",
                name.name, ends.origin.file, ends.origin.line
            ),
            "give the new one another name, or put it into the next release",
        ));
    }
    Ok(())
}

/// A directive that says nothing to the statement below it is a mistake that would otherwise go unseen.
pub(super) fn idle_directives(ctx: &Context<'_>) -> Result<(), Refusal> {
    for directive in &ctx.item.directives {
        let idle = match directive {
            DirectiveKind::Up(up) => {
                let adds = |item: &Item| match &item.planned {
                    Planned::FilledColumn { add, .. } => add.column.name == up.column,
                    Planned::Change(_) | Planned::EnumSwap(_) => false,
                };
                (!ctx.release.iter().filter(|item| item.origin.file == ctx.item.origin.file).any(adds)).then(|| {
                    format!("`up {}.{}` is about a column that no ADD COLUMN below it adds without a default", up.table, up.column)
                })
            }
            DirectiveKind::Down(down) => {
                let ends = |item: &Item| matches!(&item.planned, Planned::Change(Change::DropColumn { column, .. } | Change::ChangeType { column, .. }) if column == &down.column);
                (!ctx.release.iter().filter(|item| item.origin.file == ctx.item.origin.file).any(ends))
                    .then(|| format!("`down {}.{}` is about a column that no statement below it drops or changes", down.table, down.column))
            }
            DirectiveKind::Strategy(Strategy::Views) => {
                let serves = matches!(&ctx.item.planned, Planned::Change(Change::ChangeType { .. } | Change::RenameColumn { .. }));
                let moved = ctx.item.directives.iter().any(|directive| matches!(directive, DirectiveKind::Phase(_)));
                (!serves || moved)
                    .then(|| "`strategy views` is about changes of a column's type or name, and goes with no `phase`".to_owned())
            }
            DirectiveKind::Strategy(Strategy::CompatibilityView) => {
                let renames = matches!(
                    &ctx.item.planned,
                    Planned::Change(Change::RenameColumn { .. } | Change::RenameTable { .. } | Change::SetTableSchema { .. })
                );
                (!renames).then(|| "`strategy compatibility-view` is about renames, and this is none".to_owned())
            }
            DirectiveKind::Allow { .. } | DirectiveKind::Phase(_) | DirectiveKind::Strategy(_) | DirectiveKind::ContractAfter(_) => None,
        };
        if let Some(what) = idle {
            return Err(
                ctx.refuse(what, "take the directive away, or write it directly above the statement that it is about (docs/directives.md)")
            );
        }
    }
    Ok(())
}

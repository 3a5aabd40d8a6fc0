//! What has a name of its own and can be created and dropped: by which a DROP is matched with the CREATE of the same thing.

use crate::schema::change::{Lookup, OnConflict};
use crate::schema::object::{is_signature, signature};
use crate::schema::{Catalog, Change, Identifier, Name, ObjectKind, ObjectRef};

/// Something with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    Table(Name),
    Column(Name, Identifier),
    Constraint(Name, Identifier),
    Index(Name),
    View(Name),
    Sequence(Name),
    Trigger(Name, Identifier),
    /// By name and signature.
    Routine(Name, String),
    Type(Name),
    /// What is kept as its CREATE statement: a policy, a rule, statistics …
    Other(ObjectRef),
}

impl Named {
    /// Whether it is in the schema.
    pub(crate) fn is_in(&self, catalog: &Catalog) -> bool {
        match self {
            Self::Table(name) => catalog.tables.contains_key(name),
            Self::Column(table, column) => catalog.tables.get(table).is_some_and(|found| found.column(column).is_some()),
            Self::Constraint(table, constraint) => catalog.tables.get(table).is_some_and(|found| found.constraint(constraint).is_some()),
            Self::Index(name) => catalog.indexes.contains_key(name),
            Self::View(name) => catalog.views.contains_key(name),
            Self::Sequence(name) => catalog.sequences.contains_key(name),
            Self::Trigger(table, trigger) => catalog.triggers.contains_key(&(table.clone(), trigger.clone())),
            Self::Routine(name, arguments) => catalog.routines.keys().any(|(found, types)| found == name && is_signature(arguments, types)),
            Self::Type(name) => catalog.types.contains_key(name),
            Self::Other(object) => catalog.definitions.iter().any(|definition| &definition.object == object),
        }
    }

    /// Whether it is `other`. The name of what isn't there goes without a schema, and then the last name counts.
    pub(crate) fn may_be(&self, other: &Self) -> bool {
        let bare = |name: &Name| Name::unqualified(name.name.clone());
        self == other
            || match (self, other) {
                (Self::Table(name), Self::Table(made))
                | (Self::Index(name), Self::Index(made))
                | (Self::View(name), Self::View(made))
                | (Self::Sequence(name), Self::Sequence(made))
                | (Self::Type(name), Self::Type(made)) => *name == bare(made),
                (Self::Routine(name, arguments), Self::Routine(made, others)) => {
                    *name == bare(made) && (arguments == others || arguments.is_empty())
                }
                (Self::Column(table, name), Self::Column(of, made))
                | (Self::Constraint(table, name), Self::Constraint(of, made))
                | (Self::Trigger(table, name), Self::Trigger(of, made)) => *table == bare(of) && name == made,
                _ => false,
            }
    }

    /// Its whole name, as the id of a step has it.
    pub(crate) fn called(&self) -> String {
        match self {
            Self::Table(name) | Self::Index(name) | Self::View(name) | Self::Sequence(name) | Self::Type(name) | Self::Routine(name, _) => {
                name.to_string()
            }
            Self::Column(table, name) | Self::Constraint(table, name) | Self::Trigger(table, name) => format!("{table}.{name}"),
            Self::Other(object) => object.name.to_string(),
        }
    }

    /// Its last name, as a statement that uses it must say it: between quotation marks, one in it stands twice.
    pub(crate) fn word(&self) -> String {
        let name = match self {
            Self::Table(name) | Self::Index(name) | Self::View(name) | Self::Sequence(name) | Self::Type(name) | Self::Routine(name, _) => {
                name.name.to_string()
            }
            Self::Column(_, name) | Self::Constraint(_, name) | Self::Trigger(_, name) => name.to_string(),
            Self::Other(object) => object.detail.clone().unwrap_or_else(|| object.name.name.to_string()),
        };
        name.replace('"', "\"\"")
    }
}

/// What a change creates, and whether it drops it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Creates,
    Drops,
}

/// What the change creates or drops, if that is one thing with a name.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest neither creates nor drops one thing with a name")]
pub(crate) fn named_by(change: &Change, before: &Catalog, after: &Catalog) -> Option<(Act, Named)> {
    Some(match change {
        Change::CreateTable(create) => (Act::Creates, Named::Table(create.table.name.clone())),
        Change::DropTable { table, .. } => (Act::Drops, Named::Table(table.clone())),
        Change::AddColumn(add) => (Act::Creates, Named::Column(add.table.clone(), add.column.name.clone())),
        Change::DropColumn { table, column, .. } => (Act::Drops, Named::Column(table.clone(), column.clone())),
        Change::AddConstraint { table, constraint } => {
            let name = constraint.name.clone().or_else(|| new_constraint(table, before, after))?;
            (Act::Creates, Named::Constraint(table.clone(), name))
        }
        Change::DropConstraint { table, constraint, .. } => (Act::Drops, Named::Constraint(table.clone(), constraint.clone())),
        Change::CreateIndex { index, .. } => {
            let name = match &index.name {
                Some(name) => index.table.sibling(name.clone()),
                None => after.indexes_of(&index.table).map(|(name, _)| name).find(|name| !before.indexes.contains_key(*name))?.clone(),
            };
            (Act::Creates, Named::Index(name))
        }
        Change::DropIndex { index, .. } => (Act::Drops, Named::Index(index.clone())),
        Change::CreateView { view, on_conflict: OnConflict::Fail, .. } => (Act::Creates, Named::View(view.name.clone())),
        Change::CreateSequence { sequence, .. } => (Act::Creates, Named::Sequence(sequence.name.clone())),
        Change::CreateType(created) => (Act::Creates, Named::Type(created.name.clone())),
        Change::CreateTrigger { trigger, on_conflict: OnConflict::Fail } => {
            (Act::Creates, Named::Trigger(trigger.table.clone(), trigger.name.clone()))
        }
        Change::DropTrigger { table, trigger, .. } => (Act::Drops, Named::Trigger(table.clone(), trigger.clone())),
        Change::CreateRoutine { routine, on_conflict: OnConflict::Fail | OnConflict::Skip } => {
            (Act::Creates, Named::Routine(routine.name.clone(), signature(&routine.arguments)))
        }
        // CREATE OR REPLACE after a DROP creates.
        Change::CreateRoutine { routine, on_conflict: OnConflict::Replace } => {
            let named = Named::Routine(routine.name.clone(), signature(&routine.arguments));
            return (!named.is_in(before)).then_some((Act::Creates, named));
        }
        Change::CreateView { view, on_conflict: OnConflict::Replace | OnConflict::Skip, .. } => {
            let named = Named::View(view.name.clone());
            return (!named.is_in(before)).then_some((Act::Creates, named));
        }
        Change::CreateTrigger { trigger, on_conflict: OnConflict::Replace | OnConflict::Skip } => {
            let named = Named::Trigger(trigger.table.clone(), trigger.name.clone());
            return (!named.is_in(before)).then_some((Act::Creates, named));
        }
        Change::CreateObject { definition, .. } => (Act::Creates, Named::Other(definition.object.clone())),
        Change::DropObject { object, .. } => (Act::Drops, dropped(object, before)),
        _ => return None,
    })
}

fn new_constraint(table: &Name, before: &Catalog, after: &Catalog) -> Option<Identifier> {
    let known = before.tables.get(table)?;
    let Lookup::Known(made) = after.table(table) else { return None };
    made.constraints.iter().filter_map(|constraint| constraint.name.as_ref()).find(|name| known.constraint(name).is_none()).cloned()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other kinds are kept as their CREATE statement")]
fn dropped(object: &ObjectRef, before: &Catalog) -> Named {
    match object.kind {
        ObjectKind::View | ObjectKind::MaterializedView => Named::View(object.name.clone()),
        ObjectKind::Sequence => Named::Sequence(object.name.clone()),
        ObjectKind::Type | ObjectKind::Domain => Named::Type(object.name.clone()),
        ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Aggregate | ObjectKind::Routine => {
            let mut of_name = before.routines.keys().filter(|(name, _)| name == &object.name);
            let only = match (of_name.next(), of_name.next()) {
                (Some((_, arguments)), None) => Some(signature(arguments)),
                _ => None,
            };
            Named::Routine(object.name.clone(), object.detail.clone().or(only).unwrap_or_default())
        }
        _ => Named::Other(object.clone()),
    }
}

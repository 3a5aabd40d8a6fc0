//! Conditions on which objects there are, as guards around statements ask them, and what a schema answers.

use super::catalog::Catalog;
use super::name::{Identifier, Name};
use super::object::{ObjectKind, TypeKind};

/// A condition on the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Something is there.
    There(Sought),
    /// The other does not hold.
    Not(Box<Condition>),
    /// All hold.
    All(Vec<Condition>),
    /// One of them holds.
    Any(Vec<Condition>),
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// What it is.
    pub kind: SoughtKind,
    /// Its schema (or its table's); any, if none is asked for.
    pub schema: Option<Identifier>,
    /// The table (or type) that it is a part of; any, if none is asked for.
    pub of: Option<Identifier>,
    /// Its name.
    pub name: Identifier,
}

/// Kinds of things that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SoughtKind {
    /// A table, view, index or sequence.
    Relation,
    /// A column of a table or a view.
    Column,
    /// A constraint.
    Constraint,
    /// An index.
    Index,
    /// A trigger.
    Trigger,
    /// A policy.
    Policy,
    /// A function or procedure.
    Routine,
    /// A type.
    Type,
    /// A label of an enum.
    Label,
    /// An extension.
    Extension,
    /// A schema.
    Schema,
}

impl Condition {
    /// Whether it holds; none where statements that can't be read leave that open.
    pub fn holds(&self, catalog: &Catalog) -> Option<bool> {
        match self {
            Self::There(sought) => sought.is_in(catalog),
            Self::Not(condition) => condition.holds(catalog).map(|holds| !holds),
            Self::All(conditions) => decide(conditions, catalog, false),
            Self::Any(conditions) => decide(conditions, catalog, true),
        }
    }

    /// Whether it asks for something of that kind.
    pub fn asks_for(&self, kind: SoughtKind) -> bool {
        match self {
            Self::There(sought) => sought.kind == kind,
            Self::Not(condition) => condition.asks_for(kind),
            Self::All(conditions) | Self::Any(conditions) => conditions.iter().any(|condition| condition.asks_for(kind)),
        }
    }
}

/// `decisive` as soon as one condition is that, the opposite if all are known not to be.
fn decide(conditions: &[Condition], catalog: &Catalog, decisive: bool) -> Option<bool> {
    let answers: Vec<Option<bool>> = conditions.iter().map(|condition| condition.holds(catalog)).collect();
    if answers.contains(&Some(decisive)) {
        return Some(decisive);
    }
    answers.iter().all(Option::is_some).then_some(!decisive)
}

impl Sought {
    fn is_in(&self, catalog: &Catalog) -> Option<bool> {
        if self.is_found(catalog) {
            return Some(true);
        }
        (!self.may_be_there(catalog)).then_some(false)
    }

    fn is_found(&self, catalog: &Catalog) -> bool {
        let named = |name: &Name| name.name == self.name && self.has_schema(name);
        let of = |name: &Name| self.of.as_ref().is_none_or(|of| of == &name.name) && self.has_schema(name);
        match self.kind {
            SoughtKind::Relation => {
                let tables = catalog.tables.keys().chain(catalog.views.keys());
                tables.chain(catalog.indexes.keys()).chain(catalog.sequences.keys()).any(named)
            }
            SoughtKind::Column => {
                let shows = |view: &super::object::View| matches!(&view.columns, super::Lookup::Known(columns) if columns.iter().any(|column| column.name == self.name));
                catalog.tables.values().any(|table| of(&table.name) && table.column(&self.name).is_some())
                    || catalog.views.values().any(|view| of(&view.name) && shows(view))
            }
            SoughtKind::Constraint => catalog.tables.values().any(|table| of(&table.name) && table.constraint(&self.name).is_some()),
            SoughtKind::Index => catalog.indexes.iter().any(|(name, index)| named(name) && of(&index.table)),
            SoughtKind::Trigger => catalog.triggers.values().any(|trigger| trigger.name == self.name && of(&trigger.table)),
            SoughtKind::Policy => catalog.definitions.iter().any(|definition| {
                let object = &definition.object;
                object.kind == ObjectKind::Policy && object.detail.as_deref() == Some(self.name.as_str()) && of(&object.name)
            }),
            SoughtKind::Routine => catalog.routines.keys().any(|(name, _)| named(name)),
            SoughtKind::Type => catalog.types.keys().any(named),
            SoughtKind::Label => catalog.types.values().any(|found| {
                of(&found.name)
                    && matches!(&found.kind, TypeKind::Enum { labels } if labels.iter().any(|label| label == self.name.as_str()))
            }),
            SoughtKind::Extension => catalog.extensions.contains_key(&self.name),
            SoughtKind::Schema => catalog.schemas.contains_key(&self.name),
        }
    }

    fn has_schema(&self, name: &Name) -> bool {
        self.schema.as_ref().is_none_or(|schema| name.schema.as_ref() == Some(schema))
    }

    /// Whether a statement that can't be read may have made it.
    fn may_be_there(&self, catalog: &Catalog) -> bool {
        let name = Name { schema: self.schema.clone(), name: self.of.clone().unwrap_or_else(|| self.name.clone()) };
        let unknown = |kind| {
            catalog.is_unknown(kind, &name) || name.schema.is_none() && catalog.is_unknown(kind, &Name::new("public", name.name.clone()))
        };
        match self.kind {
            SoughtKind::Relation | SoughtKind::Column | SoughtKind::Constraint | SoughtKind::Trigger | SoughtKind::Policy => {
                unknown(ObjectKind::Table) || unknown(ObjectKind::View)
            }
            SoughtKind::Index => unknown(ObjectKind::Index),
            SoughtKind::Routine => unknown(ObjectKind::Function),
            SoughtKind::Type | SoughtKind::Label => unknown(ObjectKind::Type),
            SoughtKind::Extension => unknown(ObjectKind::Extension),
            SoughtKind::Schema => unknown(ObjectKind::Schema),
        }
    }
}

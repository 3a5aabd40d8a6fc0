//! What depends on what, as the database tracks it: the first half of DROP. Must never name a dependent of which it isn't sure;
//! bodies of functions are strings to the database, and to us.

use super::Catalog;
use super::walk::{self, Role, Visitor};
use crate::schema::change::Lookup;
use crate::schema::constraint::{Constraint, ConstraintKind, ForeignKey};
use crate::schema::data_type::DataType;
use crate::schema::name::{Identifier, Name};
use crate::schema::object::{Definition, ObjectKind, ObjectRef, Routine, TypeKind, View};
use crate::schema::table::{Table, TableKind};
use crate::schema::text::{Part, Sql};

/// Something that can be dropped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    /// A table, view, index or sequence.
    Relation(Name),
    /// A column of a table.
    Column(Name, Identifier),
    /// The default of a column.
    Default(Name, Identifier),
    /// A constraint of a table.
    Constraint(Name, Identifier),
    /// A trigger.
    Trigger(Name, Identifier),
    /// A type.
    Type(Name),
    /// An attribute of a composite type.
    Attribute(Name, Identifier),
    /// The default of a domain.
    DomainDefault(Name),
    /// A CHECK of a domain.
    DomainCheck(Name, Identifier),
    /// A function, procedure or aggregate.
    Routine(Name, Vec<DataType>),
    /// Anything that is kept as its CREATE statement.
    Definition(ObjectRef),
}

impl Node {
    /// What it is a part of, and with which it goes.
    pub(super) fn whole(&self) -> Option<Self> {
        match self {
            Self::Column(table, _) | Self::Constraint(table, _) | Self::Trigger(table, _) => Some(Self::Relation(table.clone())),
            Self::Default(table, column) => Some(Self::Column(table.clone(), column.clone())),
            Self::Attribute(name, _) | Self::DomainDefault(name) | Self::DomainCheck(name, _) => Some(Self::Type(name.clone())),
            Self::Relation(_) | Self::Type(_) | Self::Routine(..) | Self::Definition(_) => None,
        }
    }
}

/// How a dependent takes it when that on which it depends is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bond {
    /// It goes without a word.
    Follows,
    /// It stands in the way, unless CASCADE takes it along.
    Holds,
}

type Dependents = Vec<(Node, Bond)>;

impl Catalog {
    /// What depends directly on `node`.
    pub(super) fn dependents(&self, node: &Node) -> Dependents {
        match node {
            Node::Relation(name) => self.dependents_of_relation(name),
            Node::Column(table, column) => self.dependents_of_column(table, column),
            Node::Constraint(table, constraint) => self.dependents_of_constraint(table, constraint),
            Node::Type(name) => self.mentions(&|role, found| role == Role::Type && found == name, Bond::Holds),
            Node::Routine(name, _) => {
                // Texts name a function without its arguments: with several of that name nobody can tell which is meant.
                if self.routines_named(name).nth(1).is_some() {
                    return Vec::new();
                }
                self.mentions(&|role, found| role == Role::Routine && found == name, Bond::Holds)
            }
            Node::Definition(object) => self.dependents_of_definition(object),
            Node::Default(..) | Node::Trigger(..) | Node::Attribute(..) | Node::DomainDefault(_) | Node::DomainCheck(..) => Vec::new(),
        }
    }

    fn dependents_of_relation(&self, name: &Name) -> Dependents {
        let mut found: Dependents = Vec::new();
        found.extend(self.indexes_of(name).map(|(index, _)| (Node::Relation(index.clone()), Bond::Follows)));
        found.extend(
            self.triggers
                .keys()
                .filter(|(table, _)| table == name)
                .map(|(table, trigger)| (Node::Trigger(table.clone(), trigger.clone()), Bond::Follows)),
        );
        found.extend(self.children_of(name).map(|child| {
            let bond = if child.parents.contains(name) { Bond::Holds } else { Bond::Follows };
            (Node::Relation(child.name.clone()), bond)
        }));
        found.extend(self.sequences.values().filter_map(|sequence| {
            let (table, _) = sequence.owned_by.as_ref()?;
            (table == name).then(|| (Node::Relation(sequence.name.clone()), Bond::Follows))
        }));
        if let Some(index) = self.indexes.get(name) {
            found.extend(
                index.constraint.iter().map(|constraint| (Node::Constraint(index.table.clone(), constraint.clone()), Bond::Follows)),
            );
            found.extend(
                self.indexes
                    .iter()
                    .filter(|(_, child)| child.parent.as_ref() == Some(name))
                    .map(|(child, _)| (Node::Relation(child.clone()), Bond::Follows)),
            );
            if index.constraint.is_none() {
                found.extend(self.foreign_keys_on(name));
            }
        }
        found.extend(
            self.definitions
                .iter()
                .filter(|definition| lives_on(definition, name))
                .map(|definition| (Node::Definition(definition.object.clone()), Bond::Follows)),
        );
        let is_type = self.tables.contains_key(name) || self.views.contains_key(name);
        let named = |role: Role, found: &Name| (role == Role::Relation || is_type && role == Role::Type) && found == name;
        found.extend(self.mentions(&named, Bond::Holds).into_iter().filter(|(node, _)| node != &Node::Relation(name.clone())));
        found
    }

    fn dependents_of_column(&self, table: &Name, column: &Identifier) -> Dependents {
        let mut found: Dependents = Vec::new();
        let reads = |owner: &Name, sql: &Sql| reads_column(sql, owner, table, column);
        if let Some(of) = self.tables.get(table) {
            found.push((Node::Default(table.clone(), column.clone()), Bond::Follows));
            found.extend(
                of.constraints
                    .iter()
                    .filter(|constraint| constraint_reads(constraint, table, column))
                    .filter_map(|constraint| Some((Node::Constraint(table.clone(), constraint.name.clone()?), Bond::Follows))),
            );
            found.extend(of.columns.iter().filter(|other| other.name != *column).filter_map(|other| {
                let generated = other.generated.as_ref()?;
                reads(table, &generated.expression).then(|| (Node::Column(table.clone(), other.name.clone()), Bond::Holds))
            }));
        }
        found.extend(
            self.indexes_of(table)
                .filter(|(_, index)| index.mentions(column))
                .map(|(name, _)| (Node::Relation(name.clone()), Bond::Follows)),
        );
        found.extend(
            self.sequences
                .values()
                .filter(|sequence| sequence.owned_by.as_ref().is_some_and(|(owner, owned)| owner == table && owned == column))
                .map(|sequence| (Node::Relation(sequence.name.clone()), Bond::Follows)),
        );
        found.extend(
            self.triggers
                .values()
                .filter(|trigger| {
                    let on_it = &trigger.table == table && trigger.update_of.contains(column);
                    on_it || trigger.when.as_ref().is_some_and(|when| reads(&trigger.table, when))
                })
                .map(|trigger| (Node::Trigger(trigger.table.clone(), trigger.name.clone()), Bond::Holds)),
        );
        found.extend(
            self.views.values().filter(|view| view_reads(view, table, column)).map(|view| (Node::Relation(view.name.clone()), Bond::Holds)),
        );
        found.extend(
            self.routines
                .values()
                .filter(|routine| routine.reads.iter().any(|(of, name)| of == table && name == column))
                .map(|routine| (Node::Routine(routine.name.clone(), routine.arguments.clone()), Bond::Holds)),
        );
        found.extend(self.definitions.iter().filter_map(|definition| {
            let owner = walk::owner_of(definition).unwrap_or_else(|| definition.object.name.clone());
            let bond = if definition.object.kind == ObjectKind::Statistics { Bond::Follows } else { Bond::Holds };
            reads(&owner, &definition.create).then(|| (Node::Definition(definition.object.clone()), bond))
        }));
        found
    }

    fn dependents_of_constraint(&self, table: &Name, constraint: &Identifier) -> Dependents {
        let mut found: Dependents = Vec::new();
        let index = table.sibling(constraint.clone());
        if self.indexes.get(&index).is_some_and(|index| index.constraint.as_ref() == Some(constraint)) {
            found.push((Node::Relation(index.clone()), Bond::Follows));
            found.extend(self.foreign_keys_on(&index));
        }
        let of = self.tables.get(table).and_then(|table| table.constraint(constraint));
        if let Some(of) = of {
            found.extend(self.children_of(table).filter_map(|child| {
                let same = child.constraints.iter().find(|below| !below.local && below.name == of.name && below.kind == of.kind)?;
                Some((Node::Constraint(child.name.clone(), same.name.clone()?), Bond::Follows))
            }));
        }
        found
    }

    /// The foreign keys that rest on a unique index.
    fn foreign_keys_on(&self, index: &Name) -> Dependents {
        let Some(on) = self.indexes.get(index) else { return Vec::new() };
        let rests = |key: &ForeignKey| {
            key.references == on.table
                && self.unique_key_on(&key.references, &key.referenced_columns).is_some_and(|found| found.name == on.name)
        };
        let tables = self.tables.values().flat_map(|table| table.constraints.iter().map(move |constraint| (table, constraint)));
        tables
            .filter(|(_, constraint)| constraint.foreign_key().is_some_and(rests))
            .filter_map(|(table, constraint)| Some((Node::Constraint(table.name.clone(), constraint.name.clone()?), Bond::Holds)))
            .collect()
    }

    fn dependents_of_definition(&self, object: &ObjectRef) -> Dependents {
        let on_it = self.definitions.iter().filter(|definition| definition.depends_on.contains(object));
        let mut found: Dependents = on_it.map(|definition| (Node::Definition(definition.object.clone()), Bond::Holds)).collect();
        if object.kind == ObjectKind::ForeignServer {
            found.extend(
                self.tables
                    .values()
                    .filter(|table| matches!(&table.kind, TableKind::Foreign { server, .. } if *server == object.name.name))
                    .map(|table| (Node::Relation(table.name.clone()), Bond::Holds)),
            );
        }
        if let Some(Role::Other(kind)) = walk::role_of(object.kind) {
            found.extend(self.mentions(&|role, name| role == Role::Other(kind) && *name == object.name, Bond::Holds));
        }
        found
    }

    /// Everything that names what `wanted` describes, apart from what belongs to it.
    fn mentions(&self, wanted: &dyn Fn(Role, &Name) -> bool, bond: Bond) -> Dependents {
        let mut nodes: Vec<Node> = Vec::new();
        for table in self.tables.values() {
            mentions_in_table(table, wanted, &mut nodes);
        }
        for (name, index) in &self.indexes {
            let mut copy = (**index).clone();
            let own_table = copy.table.clone();
            if sees(wanted, |finder| walk::index(finder, &mut copy)) && !wanted(Role::Relation, &own_table) {
                nodes.push(Node::Relation(name.clone()));
            }
        }
        nodes.extend(self.views.values().filter(|view| view_mentions(view, wanted)).map(|view| Node::Relation(view.name.clone())));
        nodes.extend(
            self.routines
                .values()
                .filter(|routine| routine_mentions(routine, wanted))
                .map(|routine| Node::Routine(routine.name.clone(), routine.arguments.clone())),
        );
        nodes.extend(
            self.triggers
                .values()
                .filter(|trigger| {
                    wanted(Role::Routine, &trigger.function)
                        || !wanted(Role::Relation, &trigger.table) && trigger.when.as_ref().is_some_and(|when| sql_mentions(when, wanted))
                })
                .map(|trigger| Node::Trigger(trigger.table.clone(), trigger.name.clone())),
        );
        for found in self.types.values() {
            mentions_in_type(&found.name, &found.kind, wanted, &mut nodes);
        }
        nodes.extend(
            self.definitions
                .iter()
                .filter(|definition| {
                    let names_object = definition
                        .depends_on
                        .iter()
                        .any(|object| walk::role_of(object.kind).is_some_and(|role| wanted(role, &object.name)));
                    let is_it = walk::role_of(definition.object.kind).is_some_and(|role| wanted(role, &definition.object.name));
                    let publication = definition.object.kind == ObjectKind::Publication;
                    !is_it && !publication && (names_object || sql_mentions(&definition.create, wanted))
                })
                .map(|definition| Node::Definition(definition.object.clone())),
        );
        nodes.into_iter().map(|node| (node, bond)).collect()
    }
}

/// A visitor that only looks.
struct Finder<'a> {
    wanted: &'a dyn Fn(Role, &Name) -> bool,
    found: bool,
}

impl Visitor for Finder<'_> {
    fn name(&mut self, role: Role, name: &mut Name) {
        self.found |= (self.wanted)(role, name);
    }
}

fn sees(wanted: &dyn Fn(Role, &Name) -> bool, walk: impl FnOnce(&mut Finder<'_>)) -> bool {
    let mut finder = Finder { wanted, found: false };
    walk(&mut finder);
    finder.found
}

pub(super) fn sql_mentions(sql: &Sql, wanted: &dyn Fn(Role, &Name) -> bool) -> bool {
    sql.parts.iter().any(|part| match part {
        Part::Text(_) | Part::Column { of: None, .. } => false,
        Part::Column { of: Some(name), .. } | Part::Relation(name) | Part::RelationLiteral(name) => wanted(Role::Relation, name),
        Part::Function(name) => wanted(Role::Routine, name),
        Part::Type(name) => wanted(Role::Type, name),
    })
}

fn mentions_in_table(table: &Table, wanted: &dyn Fn(Role, &Name) -> bool, nodes: &mut Vec<Node>) {
    let name = &table.name;
    for column in &table.columns {
        let in_type = wanted(Role::Type, &column.data_type.name)
            || column.collation.as_ref().is_some_and(|collation| wanted(Role::Other(ObjectKind::Collation), collation))
            || column.generated.as_ref().is_some_and(|generated| sql_mentions(&generated.expression, wanted));
        if in_type {
            nodes.push(Node::Column(name.clone(), column.name.clone()));
        } else if column.default.as_ref().is_some_and(|default| sql_mentions(default, wanted)) {
            nodes.push(Node::Default(name.clone(), column.name.clone()));
        }
    }
    for constraint in &table.constraints {
        let mut copy = constraint.clone();
        // A foreign key on its own table goes with the table.
        let own = constraint.foreign_key().is_some_and(|key| key.references == *name);
        if !own && sees(wanted, |finder| walk::constraint(finder, name, &mut copy)) {
            nodes.extend(constraint.name.clone().map(|constraint| Node::Constraint(name.clone(), constraint)));
        }
    }
    if table.of_type.as_ref().is_some_and(|of_type| wanted(Role::Type, of_type)) {
        nodes.push(Node::Relation(name.clone()));
    }
}

fn mentions_in_type(name: &Name, kind: &TypeKind, wanted: &dyn Fn(Role, &Name) -> bool, nodes: &mut Vec<Node>) {
    match kind {
        TypeKind::Enum { .. } | TypeKind::Base { .. } => {}
        TypeKind::Domain { base, default, checks, .. } => {
            if wanted(Role::Type, &base.name) {
                nodes.push(Node::Type(name.clone()));
            }
            if default.as_ref().is_some_and(|default| sql_mentions(default, wanted)) {
                nodes.push(Node::DomainDefault(name.clone()));
            }
            for (check, expression, _) in checks {
                if sql_mentions(expression, wanted) {
                    nodes.push(Node::DomainCheck(name.clone(), check.clone()));
                }
            }
        }
        TypeKind::Composite { attributes } => {
            for (attribute, data_type, _) in attributes {
                if wanted(Role::Type, &data_type.name) {
                    nodes.push(Node::Attribute(name.clone(), attribute.clone()));
                }
            }
        }
        TypeKind::Range { options } => {
            if sql_mentions(options, wanted) {
                nodes.push(Node::Type(name.clone()));
            }
        }
    }
}

fn view_mentions(view: &View, wanted: &dyn Fn(Role, &Name) -> bool) -> bool {
    let reads = match &view.reads {
        Lookup::Known(reads) => reads.iter().any(|(name, _)| wanted(Role::Relation, name)),
        Lookup::Absent | Lookup::Unknown => false,
    };
    let typed = match &view.columns {
        Lookup::Known(columns) => {
            columns.iter().filter_map(|column| column.data_type.as_ref()).any(|data_type| wanted(Role::Type, &data_type.name))
        }
        Lookup::Absent | Lookup::Unknown => false,
    };
    reads || typed || sql_mentions(&view.query, wanted)
}

fn view_reads(view: &View, table: &Name, column: &Identifier) -> bool {
    match &view.reads {
        Lookup::Known(reads) => reads.iter().any(|(of, name)| of == table && name == column),
        Lookup::Absent | Lookup::Unknown => reads_column(&view.query, &view.name, table, column),
    }
}

fn routine_mentions(routine: &Routine, wanted: &dyn Fn(Role, &Name) -> bool) -> bool {
    let types = routine.arguments.iter().chain(&routine.returns);
    types.into_iter().any(|data_type| wanted(Role::Type, &data_type.name))
        || routine.reads.iter().any(|(name, _)| wanted(Role::Relation, name))
}

fn constraint_reads(constraint: &Constraint, table: &Name, column: &Identifier) -> bool {
    match &constraint.kind {
        ConstraintKind::Check { expression } => reads_column(expression, table, table, column),
        ConstraintKind::Unique(key) | ConstraintKind::PrimaryKey(key) => key.columns.contains(column) || key.include.contains(column),
        ConstraintKind::Exclude(exclude) => {
            constraint.columns().contains(column)
                || exclude.include.contains(column)
                || exclude.predicate.as_ref().is_some_and(|predicate| reads_column(predicate, table, table, column))
        }
        ConstraintKind::ForeignKey(key) => {
            key.columns.contains(column) || key.references == *table && key.referenced_columns.contains(column)
        }
        ConstraintKind::NotNull { column: of } => of == column,
    }
}

/// Whether the text, which belongs to `owner`, names `column` of `table`.
pub(super) fn reads_column(sql: &Sql, owner: &Name, table: &Name, column: &Identifier) -> bool {
    sql.parts.iter().any(|part| match part {
        Part::Column { of, name } => name == column && of.as_ref().unwrap_or(owner) == table,
        Part::Text(_) | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => false,
    })
}

/// Whether a policy, a rule, statistics … go with the relation.
fn lives_on(definition: &Definition, relation: &Name) -> bool {
    let kind = definition.object.kind;
    let on_it = walk::role_of(kind) == Some(Role::Relation) && &definition.object.name == relation;
    on_it || kind == ObjectKind::Statistics && walk::owner_of(definition).as_ref() == Some(relation)
}

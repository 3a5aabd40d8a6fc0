//! RENAME and SET SCHEMA: the new name goes everywhere where the database keeps a reference and not a text. Must never touch
//! the body of a function or the inside of a string.

use std::sync::Arc;

use super::Catalog;
use super::dependents::reads_column;
use super::drop::unnamed_not_null;
use super::error::CatalogError;
use super::walk::{self, Role, Visitor};
use crate::schema::change::Lookup;
use crate::schema::constraint::{Constraint, ConstraintKind};
use crate::schema::index::{Index, IndexElement, IndexKey};
use crate::schema::name::{Identifier, Name};
use crate::schema::object::{ObjectKind, ObjectRef};
use crate::schema::table::{ReplicaIdentity, TableKind};
use crate::schema::text::{Part, Sql};

/// Gives every name of the role that is `from` the name `to`.
pub(super) struct Renamer<'a> {
    pub(super) from: &'a Name,
    pub(super) to: &'a Name,
    pub(super) roles: &'a [Role],
}

impl Visitor for Renamer<'_> {
    fn name(&mut self, role: Role, name: &mut Name) {
        if name == self.from && self.roles.contains(&role) {
            *name = self.to.clone();
        }
    }
}

/// Gives every name in one schema another schema.
struct SchemaRenamer<'a> {
    from: &'a Identifier,
    to: &'a Identifier,
}

impl Visitor for SchemaRenamer<'_> {
    fn name(&mut self, _role: Role, name: &mut Name) {
        if name.schema.as_ref() == Some(self.from) {
            name.schema = Some(self.to.clone());
        }
    }
}

/// Gives a column another name in every text that reads it.
struct ColumnRenamer<'a> {
    table: &'a Name,
    from: &'a Identifier,
    to: &'a Identifier,
}

impl Visitor for ColumnRenamer<'_> {
    fn name(&mut self, _role: Role, _name: &mut Name) {}

    fn sql(&mut self, owner: Option<&Name>, sql: &mut Sql) {
        for part in &mut sql.parts {
            if let Part::Column { of, name } = part
                && name == self.from
                && of.as_ref().or(owner) == Some(self.table)
            {
                *name = self.to.clone();
            }
        }
    }
}

/// The roles under which a table or view is named.
const RELATION: &[Role] = &[Role::Relation, Role::Type];

impl Catalog {
    /// `ALTER TABLE … RENAME TO`, which the grammar lets name any relation.
    pub(super) fn rename_relation(&mut self, from: &Name, to: &Identifier) -> Result<(), CatalogError> {
        self.move_relation(from, &from.sibling(to.clone()))
    }

    /// `ALTER TABLE … SET SCHEMA`: indexes and owned sequences move along.
    pub(super) fn set_relation_schema(&mut self, from: &Name, schema: &Identifier) -> Result<(), CatalogError> {
        if from.schema.as_ref() == Some(schema) {
            return Ok(());
        }
        let to = Name { schema: Some(schema.clone()), name: from.name.clone() };
        self.need_schema(&to)?;
        let owned: Vec<Name> = self
            .sequences
            .values()
            .filter(|sequence| sequence.owned_by.as_ref().is_some_and(|(table, _)| table == from))
            .map(|sequence| sequence.name.clone())
            .collect();
        self.move_relation(from, &to)?;
        for sequence in owned {
            self.set_relation_schema(&sequence, schema)?;
        }
        Ok(())
    }

    fn move_relation(&mut self, from: &Name, to: &Name) -> Result<(), CatalogError> {
        let Some(kind) = self.relation_kind(from) else {
            return self.expect(self.table(from), "relation", from).map(|_| ());
        };
        self.expect_free(to)?;
        if kind != ObjectKind::Index && kind != ObjectKind::Sequence {
            self.expect_free_type(to)?;
        }
        if kind == ObjectKind::Index {
            self.rename_index(from, &to.name);
        } else if kind == ObjectKind::Sequence {
            self.rewrite(&mut Renamer { from, to, roles: &[Role::Relation] });
        } else {
            self.rewrite(&mut Renamer { from, to, roles: RELATION });
        }
        Ok(())
    }

    /// An index, and the constraint behind which it stands.
    fn rename_index(&mut self, from: &Name, to: &Identifier) {
        let Some(mut found) = self.indexes.remove(from) else { return };
        let renamed = from.sibling(to.clone());
        self.rewrite(&mut Renamer { from, to: &renamed, roles: &[Role::Relation] });
        let index = Arc::make_mut(&mut found);
        let (table, constraint) = (index.table.clone(), index.constraint.take());
        index.name = Some(to.clone());
        index.constraint = constraint.as_ref().map(|_| to.clone());
        self.indexes.insert(renamed, found);
        if let Some(owner) = self.tables.get_mut(&table).map(Arc::make_mut) {
            if owner.clustered_on.as_ref() == Some(&from.name) {
                owner.clustered_on = Some(to.clone());
            }
            if owner.replica_identity == ReplicaIdentity::Index(from.name.clone()) {
                owner.replica_identity = ReplicaIdentity::Index(to.clone());
            }
            if let Some(constraint) = &constraint {
                let named = owner.constraints.iter_mut().filter(|found| found.name.as_ref() == Some(constraint));
                named.for_each(|found| found.name = Some(to.clone()));
            }
        }
        if let Some(constraint) = constraint {
            self.rename_comment(ObjectKind::TableConstraint, &table, &constraint, to);
        }
    }

    pub(super) fn rename_constraint(&mut self, table: &Name, constraint: &Identifier, to: &Identifier) -> Result<(), CatalogError> {
        let Some(found) = self.expect(self.table(table), "table", table)?.cloned() else { return Ok(()) };
        if found.constraint(to).is_some() {
            return Err(CatalogError::ConstraintExists { table: table.clone(), constraint: to.clone() });
        }
        let Some(renamed) = found.constraint(constraint) else {
            return match unnamed_not_null(&found, constraint) {
                Some(column) => self.on_table(table, |found| {
                    found.constraints.push(Constraint::new(Some(to.clone()), ConstraintKind::NotNull { column }));
                }),
                None => self.on_constraint(table, constraint, |_| {}),
            };
        };
        if self.is_inherited_constraint(&found, renamed) {
            let object = ObjectRef::part(ObjectKind::TableConstraint, table.clone(), constraint.as_str()).to_string();
            return Err(CatalogError::InheritedConstraint { object, action: "renamed" });
        }
        let index = table.sibling(constraint.clone());
        if self.indexes.get(&index).is_some_and(|index| index.constraint.as_ref() == Some(constraint)) {
            return self.rename_relation(&index, to);
        }
        let kind = renamed.kind.clone();
        for name in self.with_descendants(table) {
            let inherited = name != *table;
            self.on_table(&name, |found| {
                let named = found
                    .constraints
                    .iter_mut()
                    .filter(|found| found.name.as_ref() == Some(constraint) && found.kind == kind && (!inherited || !found.local));
                named.for_each(|found| found.name = Some(to.clone()));
            })?;
            self.rename_comment(ObjectKind::TableConstraint, &name, constraint, to);
        }
        Ok(())
    }

    pub(super) fn rename_column(&mut self, table: &Name, column: &Identifier, to: &Identifier) -> Result<(), CatalogError> {
        if self.views.contains_key(table) {
            return self.rename_view_column(table, column, to);
        }
        let Some(found) = self.expect(self.table(table), "table", table)?.cloned() else { return Ok(()) };
        self.expect_columns(table, std::slice::from_ref(column))?;
        if found.column(to).is_some() {
            return Err(CatalogError::ColumnExists { table: table.clone(), column: to.clone() });
        }
        if self.parents_with(&found, column) {
            return Err(CatalogError::Inherited { table: table.clone(), column: column.clone(), action: "renamed" });
        }
        let below = self.with_descendants(table);
        if let Some(child) = below.iter().find(|child| self.tables.get(*child).is_some_and(|child| child.column(to).is_some())) {
            return Err(CatalogError::ColumnExists { table: child.clone(), column: to.clone() });
        }
        for name in below {
            self.rename_column_of(&name, column, to);
        }
        Ok(())
    }

    fn rename_column_of(&mut self, table: &Name, from: &Identifier, to: &Identifier) {
        self.keep_output_names(table, from);
        self.rewrite(&mut ColumnRenamer { table, from, to });
        let swap = |name: &mut Identifier| {
            if name == from {
                *name = to.clone();
            }
        };
        self.each_table(|found| {
            let own = found.name == *table;
            if own {
                found.columns.iter_mut().for_each(|column| swap(&mut column.name));
                if let TableKind::Partitioned { key, .. } = &mut found.kind {
                    for element in key {
                        swap_in_element(element, &swap);
                    }
                }
            }
            let of = |name: &Name| name == table;
            found.constraints.iter_mut().for_each(|constraint| swap_in_constraint(constraint, own, &of, &swap));
        });
        self.each_index(|index| {
            if index.table == *table {
                index.elements.iter_mut().for_each(|element| swap_in_element(element, &swap));
                index.include.iter_mut().for_each(&swap);
            }
        });
        self.each_sequence(|sequence| {
            if let Some((owner, column)) = &mut sequence.owned_by
                && owner == table
            {
                swap(column);
            }
        });
        self.each_trigger(|trigger| {
            if trigger.table == *table {
                trigger.update_of.iter_mut().for_each(&swap);
            }
        });
        self.each_view(|view| {
            if let Lookup::Known(reads) = &mut view.reads {
                reads.iter_mut().filter(|(of, _)| of == table).for_each(|(_, column)| swap(column));
            }
        });
        self.each_routine(|routine| {
            routine.reads.iter_mut().filter(|(of, _)| of == table).for_each(|(_, column)| swap(column));
        });
        self.rename_comment(ObjectKind::Column, table, from, to);
        self.rename_granted_column(table, from, to);
    }

    /// `ALTER VIEW … RENAME COLUMN`: the view's own column gets another name, and so does who reads it.
    fn rename_view_column(&mut self, view: &Name, column: &Identifier, to: &Identifier) -> Result<(), CatalogError> {
        let Some(found) = self.views.get(view).cloned() else { return Ok(()) };
        let Lookup::Known(columns) = &found.columns else { return Ok(()) };
        self.expect_columns(view, std::slice::from_ref(column))?;
        if columns.iter().any(|found| found.name == *to) {
            return Err(CatalogError::ColumnExists { table: view.clone(), column: to.clone() });
        }
        let mut renamed = (*found).clone();
        if let Lookup::Known(columns) = &mut renamed.columns {
            columns.iter_mut().filter(|found| found.name == *column).for_each(|found| found.name = to.clone());
        }
        if let Some(default) = renamed.defaults.remove(column) {
            renamed.defaults.insert(to.clone(), default);
        }
        if let Some(setting) = renamed.settings.remove(column) {
            renamed.settings.insert(to.clone(), setting);
        }
        self.views.insert(view.clone(), Arc::new(renamed));
        self.rename_column_of(view, column, to);
        Ok(())
    }

    /// Before a column is renamed: a view's output column that is just `a` becomes `a AS a`, for its own name stays.
    fn keep_output_names(&mut self, table: &Name, column: &Identifier) {
        self.each_view(|view| {
            if reads_column(&view.query, &view.name, table, column) {
                view.query = super::view_query::with_output_names(&view.query, table, column);
            }
        });
    }

    pub(super) fn rename_schema(&mut self, schema: &Identifier, to: &Identifier) -> Result<(), CatalogError> {
        if !self.schemas.contains_key(schema) {
            return if self.unknown_all { Ok(()) } else { Err(CatalogError::missing("schema", schema)) };
        }
        if self.schemas.contains_key(to) {
            return Err(CatalogError::exists("schema", to));
        }
        if let Some(owner) = self.schemas.remove(schema) {
            self.schemas.insert(to.clone(), owner);
        }
        self.rewrite(&mut SchemaRenamer { from: schema, to });
        for (_, of) in self.extensions.iter_mut().filter(|(_, of)| of.as_ref() == Some(schema)) {
            *of = Some(to.clone());
        }
        let old = ObjectRef::new(ObjectKind::Schema, Name::unqualified(schema.clone()));
        let new = ObjectRef::new(ObjectKind::Schema, Name::unqualified(to.clone()));
        self.replace_object(&old, &new);
        Ok(())
    }

    /// Shows every name in the catalog to the visitor, and files everything under the name that it then has.
    pub(super) fn rewrite(&mut self, visitor: &mut impl Visitor) {
        self.each_table(|table| walk::table(visitor, Role::Relation, table));
        self.each_index(|index| walk::index(visitor, index));
        self.each_sequence(|sequence| walk::sequence(visitor, Role::Relation, sequence));
        self.each_type(|found| walk::user_type(visitor, Role::Type, found));
        self.each_view(|view| walk::view(visitor, Role::Relation, view));
        self.each_routine(|routine| walk::routine(visitor, Role::Routine, routine));
        self.each_trigger(|trigger| walk::trigger(visitor, trigger));
        self.each_definition(|definition| walk::definition(visitor, Visitor::object, definition));
        self.each_reference(|object| visitor.object(object));
    }
}

fn swap_in_element(element: &mut IndexElement, swap: &impl Fn(&mut Identifier)) {
    match &mut element.key {
        IndexKey::Column(column) => swap(column),
        // Columns in expressions are parts of the text, and have been renamed there.
        IndexKey::Expression(_) => {}
    }
}

fn swap_in_constraint(constraint: &mut Constraint, own: bool, is_table: &impl Fn(&Name) -> bool, swap: &impl Fn(&mut Identifier)) {
    match &mut constraint.kind {
        ConstraintKind::ForeignKey(key) => {
            if is_table(&key.references) {
                key.referenced_columns.iter_mut().for_each(swap);
            }
            if own {
                key.columns.iter_mut().for_each(swap);
                key.on_delete_columns.iter_mut().for_each(swap);
            }
        }
        ConstraintKind::NotNull { column } if own => swap(column),
        ConstraintKind::Unique(key) | ConstraintKind::PrimaryKey(key) if own => {
            key.columns.iter_mut().for_each(swap);
            key.include.iter_mut().for_each(swap);
        }
        ConstraintKind::Exclude(exclude) if own => {
            exclude.elements.iter_mut().for_each(|(element, _)| swap_in_element(element, swap));
            exclude.include.iter_mut().for_each(swap);
        }
        ConstraintKind::NotNull { .. }
        | ConstraintKind::Check { .. }
        | ConstraintKind::Unique(_)
        | ConstraintKind::PrimaryKey(_)
        | ConstraintKind::Exclude(_) => {}
    }
}

/// The name of an index with its schema.
pub(super) fn index_name(index: &Index) -> Option<Name> {
    index.name.clone().map(|name| index.table.sibling(name))
}

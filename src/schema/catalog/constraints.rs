//! Constraints of tables: made, named, validated, dropped. Must never leave a key without its index, nor an index behind when
//! its constraint goes.

use crate::schema::options::Options;
use std::sync::Arc;

use super::Catalog;
use super::error::CatalogError;
use super::inherit::is_inherited;
use super::names;
use crate::schema::constraint::{Constraint, ConstraintKind, Enforcement, Exclude, ForeignKey, Key, Timing, Validity};
use crate::schema::index::{Index, IndexElement, IndexKey, Uniqueness};
use crate::schema::name::{Identifier, Name};
use crate::schema::object::TypeKind;
use crate::schema::text::{Part, Sql};

impl Catalog {
    pub(super) fn add_constraint(&mut self, table: &Name, constraint: &Constraint) -> Result<(), CatalogError> {
        let Some(found) = self.expect(self.table(table), "table", table)?.cloned() else { return Ok(()) };
        if let Some(name) = constraint.name.as_ref()
            && let Some(there) = found.constraint(name)
        {
            // A CHECK that a parent has under the same name is one constraint, declared twice.
            if !there.local && constraint.local && there.kind == constraint.kind {
                return self.on_constraint(table, name, |found| found.local = true);
            }
            return Err(CatalogError::ConstraintExists { table: table.clone(), constraint: name.clone() });
        }
        self.expect_columns(table, &constraint.columns())?;
        match &constraint.kind {
            ConstraintKind::NotNull { column } => self.add_named_not_null(table, constraint, column),
            ConstraintKind::Check { expression } => self.add_check(table, constraint, expression),
            ConstraintKind::Unique(key) => self.add_key(table, constraint, key),
            ConstraintKind::PrimaryKey(key) => {
                if found.primary_key().is_some() {
                    return Err(CatalogError::SecondPrimaryKey { table: table.clone() });
                }
                for column in &key.columns {
                    self.on_column_and_below(table, column, |column| column.not_null = true)?;
                }
                self.add_key(table, constraint, key)
            }
            ConstraintKind::ForeignKey(key) => self.add_foreign_key(table, constraint, key),
            ConstraintKind::Exclude(exclude) => self.add_exclude(table, constraint, exclude),
        }
    }

    fn add_named_not_null(&mut self, table: &Name, constraint: &Constraint, column: &Identifier) -> Result<(), CatalogError> {
        self.on_column_and_below(table, column, |column| column.not_null = true)?;
        if constraint.name.is_some() {
            self.push_constraint(table, constraint.clone())?;
        }
        Ok(())
    }

    fn add_check(&mut self, table: &Name, constraint: &Constraint, expression: &Sql) -> Result<(), CatalogError> {
        let name = constraint.name.clone().unwrap_or_else(|| {
            let only = self.only_column(expression, table);
            self.choose_constraint_name(table, only.as_ref().map(Identifier::as_str), "check")
        });
        let named = Constraint { name: Some(name.clone()), ..constraint.clone() };
        self.push_constraint(table, named.clone())?;
        if !is_inherited(&named) {
            return Ok(());
        }
        for child in self.with_descendants(table).into_iter().skip(1) {
            let merged = self.tables.get(&child).is_some_and(|child| child.constraint(&name).is_some());
            if !merged {
                self.push_constraint(&child, Constraint { local: false, ..named.clone() })?;
            }
        }
        Ok(())
    }

    fn add_key(&mut self, table: &Name, constraint: &Constraint, key: &Key) -> Result<(), CatalogError> {
        let index = Index {
            method: Identifier::from(if key.without_overlaps { "gist" } else { "btree" }),
            elements: key.columns.iter().map(|column| IndexElement::column(column.clone())).collect(),
            include: key.include.clone(),
            uniqueness: Uniqueness::Unique,
            nulls: key.nulls,
            options: key.options.clone(),
            tablespace: key.tablespace.clone(),
            ..empty_index(table)
        };
        self.add_indexed(table, constraint, index)
    }

    fn add_exclude(&mut self, table: &Name, constraint: &Constraint, exclude: &Exclude) -> Result<(), CatalogError> {
        let index = Index {
            method: exclude.method.clone(),
            elements: exclude.elements.iter().map(|(element, _)| element.clone()).collect(),
            include: exclude.include.clone(),
            predicate: exclude.predicate.clone(),
            options: exclude.options.clone(),
            tablespace: exclude.tablespace.clone(),
            ..empty_index(table)
        };
        self.add_indexed(table, constraint, index)
    }

    /// A constraint with its index, and the same on partitions.
    pub(super) fn add_indexed(&mut self, table: &Name, constraint: &Constraint, mut index: Index) -> Result<(), CatalogError> {
        let name = constraint.name.clone().unwrap_or_else(|| self.choose_index_name(&index, Some(&constraint.kind)));
        self.expect_free(&table.sibling(name.clone()))?;
        index.name = Some(name.clone());
        index.constraint = Some(name.clone());
        self.push_constraint(table, Constraint { name: Some(name.clone()), ..constraint.clone() })?;
        self.indexes.insert(table.sibling(name), Arc::new(index.clone()));
        for partition in self.partitions_of(table) {
            self.index_from(&index, &partition)?;
        }
        Ok(())
    }

    fn add_foreign_key(&mut self, table: &Name, constraint: &Constraint, key: &ForeignKey) -> Result<(), CatalogError> {
        let referenced_columns = self.referenced_columns(key)?;
        if !referenced_columns.is_empty() && referenced_columns.len() != key.columns.len() {
            return Err(CatalogError::KeyLength { table: table.clone(), references: key.references.clone() });
        }
        let name = constraint.name.clone().unwrap_or_else(|| {
            let columns = names::addition(key.columns.iter().map(Identifier::as_str));
            self.choose_constraint_name(table, Some(&columns), "fkey")
        });
        let kind = ConstraintKind::ForeignKey(ForeignKey { referenced_columns, ..key.clone() });
        let named = Constraint { name: Some(name), kind, ..constraint.clone() };
        self.push_constraint(table, named.clone())?;
        for partition in self.partitions_of(table) {
            self.foreign_key_from(&named, &partition)?;
        }
        Ok(())
    }

    /// The columns that a foreign key refers to, those of the primary key where none were written.
    fn referenced_columns(&self, key: &ForeignKey) -> Result<Vec<Identifier>, CatalogError> {
        let Some(referenced) = self.expect(self.table(&key.references), "table", &key.references)? else {
            return Ok(key.referenced_columns.clone());
        };
        if key.referenced_columns.is_empty() {
            return match referenced.primary_key() {
                Some(primary) => Ok(primary.columns.clone()),
                None if self.unknown_all => Ok(Vec::new()),
                None => Err(CatalogError::NoPrimaryKey { table: key.references.clone() }),
            };
        }
        self.expect_columns(&key.references, &key.referenced_columns)?;
        if self.unique_key_on(&key.references, &key.referenced_columns).is_none() && !self.unknown_all {
            let columns: Vec<&str> = key.referenced_columns.iter().map(Identifier::as_str).collect();
            return Err(CatalogError::NoUniqueKey { table: key.references.clone(), columns: columns.join(", ") });
        }
        Ok(key.referenced_columns.clone())
    }

    /// The unique index over exactly these columns, in any order, that a foreign key can rest on.
    pub fn unique_key_on(&self, table: &Name, columns: &[Identifier]) -> Option<Arc<Index>> {
        self.indexes_in_order(table).into_iter().find(|index| {
            index.uniqueness == Uniqueness::Unique
                && index.predicate.is_none()
                && index.elements.len() == columns.len()
                && index.elements.iter().all(|element| match &element.key {
                    IndexKey::Column(column) => columns.contains(column),
                    IndexKey::Expression(_) => false,
                })
        })
    }

    fn push_constraint(&mut self, table: &Name, constraint: Constraint) -> Result<(), CatalogError> {
        if let Some(found) = self.table_mut(table)? {
            found.constraints.push(constraint);
        }
        Ok(())
    }

    /// Does something to a constraint that must be there.
    pub(super) fn on_constraint(
        &mut self,
        table: &Name,
        name: &Identifier,
        change: impl FnOnce(&mut Constraint),
    ) -> Result<(), CatalogError> {
        let unknown = self.unknown_all;
        let Some(found) = self.table_mut(table)? else { return Ok(()) };
        match found.constraints.iter_mut().find(|constraint| constraint.name.as_ref() == Some(name)) {
            Some(constraint) => change(constraint),
            None if unknown => {}
            None => return Err(CatalogError::NoConstraint { table: table.clone(), constraint: name.clone() }),
        }
        Ok(())
    }

    pub(super) fn add_constraint_using_index(
        &mut self,
        table: &Name,
        constraint: Option<&Identifier>,
        index: &Identifier,
        primary: bool,
        timing: Timing,
    ) -> Result<(), CatalogError> {
        if self.table_mut(table)?.is_none() {
            return Ok(());
        }
        let from = table.sibling(index.clone());
        let Some(mut found) = self.expect(self.index(&from), "index", &from)?.cloned() else { return Ok(()) };
        if found.uniqueness == Uniqueness::Plain {
            return Err(CatalogError::WrongKind { name: from, is: "plain index", wanted: "unique index" });
        }
        let name = constraint.unwrap_or(index).clone();
        if &name != index {
            self.rename_relation(&from, &name)?;
        }
        let renamed = Arc::make_mut(&mut found);
        renamed.name = Some(name.clone());
        renamed.constraint = Some(name.clone());
        let columns: Vec<Identifier> = renamed.elements.iter().flat_map(IndexElement::columns).cloned().collect();
        let key = Key {
            columns: columns.clone(),
            include: renamed.include.clone(),
            nulls: renamed.nulls,
            without_overlaps: false,
            options: renamed.options.clone(),
            tablespace: renamed.tablespace.clone(),
        };
        let kind = if primary { ConstraintKind::PrimaryKey(key) } else { ConstraintKind::Unique(key) };
        if primary {
            for column in &columns {
                self.on_column_and_below(table, column, |column| column.not_null = true)?;
            }
        }
        self.push_constraint(table, Constraint { timing, ..Constraint::new(Some(name.clone()), kind) })?;
        self.indexes.insert(table.sibling(name), found);
        Ok(())
    }

    pub(super) fn validate_constraint(&mut self, table: &Name, constraint: &Identifier) -> Result<(), CatalogError> {
        self.on_constraint(table, constraint, |found| found.validity = Validity::Valid)?;
        for child in self.with_descendants(table).into_iter().skip(1) {
            let there = self.tables.get(&child).is_some_and(|child| child.constraint(constraint).is_some());
            if there {
                self.on_constraint(&child, constraint, |found| found.validity = Validity::Valid)?;
            }
        }
        Ok(())
    }

    pub(super) fn alter_constraint(
        &mut self,
        table: &Name,
        constraint: &Identifier,
        timing: Option<Timing>,
        enforcement: Option<Enforcement>,
        no_inherit: Option<bool>,
    ) -> Result<(), CatalogError> {
        let found = self.tables.get(table).and_then(|table| table.constraint(constraint));
        if timing.is_some() && found.is_some_and(|found| !matches!(found.kind, ConstraintKind::ForeignKey(_))) {
            let name = table.sibling(constraint.clone());
            return Err(CatalogError::WrongKind { name, is: "constraint of another kind", wanted: "foreign key" });
        }
        self.on_constraint(table, constraint, |found| {
            found.timing = timing.unwrap_or(found.timing);
            found.enforcement = enforcement.unwrap_or(found.enforcement);
            found.no_inherit = no_inherit.unwrap_or(found.no_inherit);
        })
    }

    /// The first name `table_column_label` that no constraint in the schema has.
    pub(super) fn choose_constraint_name(&self, table: &Name, column: Option<&str>, label: &str) -> Identifier {
        names::choose(table.name.as_str(), column, label, |name| self.constraint_is_taken(&table.sibling(name.clone())))
    }

    /// The one column that an expression reads, if there is exactly one. A table's own name is its whole row, unless a column has it.
    fn only_column(&self, expression: &Sql, table: &Name) -> Option<Identifier> {
        let is_column = |name: &Identifier| *name != table.name || self.tables.get(table).is_some_and(|found| found.column(name).is_some());
        let mut columns = expression.parts.iter().filter_map(|part| match part {
            Part::Column { of, name } if of.as_ref().is_none_or(|of| of == table) && is_column(name) => Some(name),
            Part::Column { .. } | Part::Text(_) | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => None,
        });
        let first = columns.next()?;
        columns.all(|column| column == first).then(|| first.clone())
    }

    /// Whether a constraint of a table or domain in that schema has the name.
    pub(super) fn constraint_is_taken(&self, name: &Name) -> bool {
        self.tables.values().any(|table| table.name.schema == name.schema && table.constraint(&name.name).is_some())
            || self.types.values().filter(|found| found.name.schema == name.schema).any(|found| match &found.kind {
                TypeKind::Domain { checks, .. } => checks.iter().any(|(check, ..)| *check == name.name),
                TypeKind::Enum { .. } | TypeKind::Composite { .. } | TypeKind::Range { .. } | TypeKind::Base { .. } => false,
            })
    }
}

/// An index without anything to it yet.
pub(super) fn empty_index(table: &Name) -> Index {
    Index {
        name: None,
        table: table.clone(),
        method: Identifier::from("btree"),
        elements: Vec::new(),
        include: Vec::new(),
        uniqueness: Uniqueness::Plain,
        nulls: crate::schema::index::NullsDistinct::Distinct,
        predicate: None,
        options: Options::new(),
        tablespace: None,
        constraint: None,
        only: false,
        parent: None,
        statistics: std::collections::BTreeMap::new(),
    }
}

/// Whether two foreign keys say the same, their names aside.
pub(super) fn same_foreign_key(one: &Constraint, other: &Constraint) -> bool {
    matches!(one.kind, ConstraintKind::ForeignKey(_)) && one.kind == other.kind && one.timing == other.timing
}

//! CREATE TABLE, in the order in which the database does its parts, for that decides the names that it makes up. Must never
//! name an index before the table's own constraints have theirs.

use crate::schema::options::Options;
use std::sync::Arc;

use super::Catalog;
use super::error::CatalogError;
use super::like::Copied;
use crate::schema::change::{CreateTable, IfExists, Like};
use crate::schema::column::Column;
use crate::schema::constraint::{Constraint, ConstraintKind};
use crate::schema::index::IndexElement;
use crate::schema::name::{Identifier, Name};
use crate::schema::object::{ObjectKind, ObjectRef, TypeKind};
use crate::schema::table::{Table, TableKind};
use crate::schema::text::Sql;

impl Catalog {
    pub(super) fn create_table(&mut self, create: &CreateTable) -> Result<(), CatalogError> {
        let name = &create.table.name;
        if create.if_not_exists == IfExists::Skip && self.relation_kind(name).is_some() {
            return Ok(());
        }
        self.expect_free(name)?;
        self.need_schema(name)?;
        self.expect_free_type(name)?;
        if let Some(partition) = &create.table.partition_of {
            self.expect_partitioned(&partition.parent)?;
        }
        if let Some(query) = &create.as_query {
            self.expect_references(query)?;
        }
        let mut table = create.table.clone();
        let likes = self.likes(&create.like)?;
        table.columns = self.declared_columns(create, &likes)?;
        table.columns.iter_mut().for_each(|column| self.leave_null_default(column));
        let declared = std::mem::take(&mut table.constraints);
        let no_columns_known =
            create.as_query.is_some() && (table.columns.is_empty() || table.columns.iter().any(|column| column.data_type.is("unknown")));
        let mut inherited = self.inherit_columns(&mut table)?;
        self.check_columns(&table)?;
        refuse_primary_key_twice(&table, &declared)?;
        for column in declared.iter().filter_map(primary_key_columns).flatten() {
            table.columns.iter_mut().filter(|found| found.name == *column).for_each(|found| found.not_null = true);
        }
        self.tables.insert(name.clone(), Arc::new(table));
        if no_columns_known {
            self.unknown.insert(ObjectRef::new(ObjectKind::Table, name.clone()));
        }
        self.sequences_of_new_table(create, &likes)?;
        self.checks_of_new_table(name, &mut inherited, &declared)?;
        self.clone_from_partitioned(name)?;
        for constraint in indexed_first_primary(&declared) {
            self.add_constraint(name, constraint)?;
        }
        for copied in &likes {
            self.copy_what_like_includes(name, copied)?;
        }
        for constraint in declared.iter().filter(|constraint| matches!(constraint.kind, ConstraintKind::ForeignKey(_))) {
            self.add_constraint(name, constraint)?;
        }
        Ok(())
    }

    /// The tables that LIKE copies, with what is to be copied.
    fn likes(&self, likes: &[(usize, Like)]) -> Result<Vec<Copied>, CatalogError> {
        let mut found = Vec::new();
        for (position, like) in likes {
            if let Some(copied) = self.copied(*position, like)? {
                found.push(copied);
            }
        }
        Ok(found)
    }

    /// The columns as declared: those of `OF type`, of LIKE, and the written ones, in the order of the statement.
    fn declared_columns(&self, create: &CreateTable, likes: &[Copied]) -> Result<Vec<Column>, CatalogError> {
        let written = &create.table.columns;
        let mut columns = Vec::new();
        if let Some(of_type) = &create.table.of_type {
            return self.columns_of_type(of_type, written);
        }
        for position in 0..=written.len() {
            columns.extend(likes.iter().filter(|copied| copied.position == position).flat_map(|copied| copied.columns.clone()));
            if let Some(column) = written.get(position) {
                columns.push(column.clone());
            }
        }
        columns.extend(likes.iter().filter(|copied| copied.position > written.len()).flat_map(|copied| copied.columns.clone()));
        Ok(columns)
    }

    fn columns_of_type(&self, of_type: &Name, written: &[Column]) -> Result<Vec<Column>, CatalogError> {
        let Some(found) = self.expect(self.user_type(of_type), "type", of_type)? else { return Ok(written.to_vec()) };
        let TypeKind::Composite { attributes } = &found.kind else { return Ok(written.to_vec()) };
        Ok(attributes
            .iter()
            .map(|(name, data_type, collation)| {
                let mut column = Column::new(name.clone(), data_type.clone());
                column.collation.clone_from(collation);
                if let Some(options) = written.iter().find(|written| written.name == *name) {
                    column.not_null = options.not_null;
                    column.default.clone_from(&options.default);
                    column.generated.clone_from(&options.generated);
                }
                column
            })
            .collect())
    }

    fn check_columns(&self, table: &Table) -> Result<(), CatalogError> {
        for (position, column) in table.columns.iter().enumerate() {
            if table.columns[..position].iter().any(|before| before.name == column.name) {
                return Err(CatalogError::ColumnExists { table: table.name.clone(), column: column.name.clone() });
            }
            self.expect_type(&column.data_type)?;
            let problem = match (&column.default, &column.generated, &column.identity) {
                (Some(_), _, Some(_)) if column.local => Some("has a default and is an identity column"),
                (Some(_), Some(_), _) => Some("has a default and is a generated column"),
                (_, Some(_), Some(_)) => Some("is a generated and an identity column"),
                (_, _, _) => None,
            };
            if let Some(problem) = problem {
                return Err(CatalogError::Column { table: table.name.clone(), column: column.name.clone(), problem });
            }
        }
        let generated = table.columns.iter().filter_map(|column| column.generated.as_ref()).map(|generated| &generated.expression);
        let mut read = generated.flat_map(Sql::own_columns).chain(partition_columns(table));
        match read.find(|column| table.column(column).is_none()) {
            Some(column) if !self.unknown_all => Err(CatalogError::NoColumn { table: table.name.clone(), column: column.clone() }),
            Some(_) | None => Ok(()),
        }
    }

    /// The sequences of `serial` and identity columns, in the order of the columns.
    fn sequences_of_new_table(&mut self, create: &CreateTable, likes: &[Copied]) -> Result<(), CatalogError> {
        let name = &create.table.name;
        let none = Options::new();
        let Some(table) = self.tables.get(name).cloned() else { return Ok(()) };
        for column in &table.columns {
            let copied = likes.iter().find_map(|copied| copied.identities.get(&column.name));
            if create.serial.contains(&column.name) {
                self.make_serial(name, &column.name)?;
            } else if let (Some(identity), true) = (&column.identity, column.local) {
                let options = create.identity_options.get(&column.name).or(copied).unwrap_or(&none);
                self.make_identity(name, &column.name, identity.kind, options)?;
            }
        }
        Ok(())
    }

    /// Named NOT NULLs and CHECKs, inherited ones first.
    fn checks_of_new_table(&mut self, name: &Name, inherited: &mut Vec<Constraint>, declared: &[Constraint]) -> Result<(), CatalogError> {
        if let Some(table) = self.table_mut(name)? {
            table.constraints.append(inherited);
        }
        for constraint in declared {
            if matches!(constraint.kind, ConstraintKind::Check { .. } | ConstraintKind::NotNull { .. }) {
                self.add_constraint(name, constraint)?;
            }
        }
        Ok(())
    }
}

/// The columns by which a table is partitioned.
fn partition_columns(table: &Table) -> impl Iterator<Item = &Identifier> {
    let key = match &table.kind {
        TableKind::Partitioned { key, .. } => key.as_slice(),
        TableKind::Plain | TableKind::Foreign { .. } => &[],
    };
    key.iter().flat_map(IndexElement::columns)
}

fn primary_key_columns(constraint: &Constraint) -> Option<&Vec<Identifier>> {
    match &constraint.kind {
        ConstraintKind::PrimaryKey(key) => Some(&key.columns),
        ConstraintKind::NotNull { .. }
        | ConstraintKind::Check { .. }
        | ConstraintKind::Unique(_)
        | ConstraintKind::ForeignKey(_)
        | ConstraintKind::Exclude(_) => None,
    }
}

/// Constraints of one statement in the order in which the database makes them.
pub(super) fn in_order(declared: &[Constraint]) -> Vec<&Constraint> {
    let checks =
        declared.iter().filter(|constraint| matches!(constraint.kind, ConstraintKind::Check { .. } | ConstraintKind::NotNull { .. }));
    let foreign = declared.iter().filter(|constraint| matches!(constraint.kind, ConstraintKind::ForeignKey(_)));
    checks.chain(indexed_first_primary(declared)).chain(foreign).collect()
}

fn refuse_primary_key_twice(table: &Table, declared: &[Constraint]) -> Result<(), CatalogError> {
    if declared.iter().filter_map(primary_key_columns).count() > 1 {
        return Err(CatalogError::SecondPrimaryKey { table: table.name.clone() });
    }
    Ok(())
}

/// The constraints that have an index, the primary key first, those left out that say what one before them says.
///
/// PostgreSQL's `transformIndexConstraints`.
fn indexed_first_primary(declared: &[Constraint]) -> Vec<&Constraint> {
    let is_primary = |constraint: &&Constraint| primary_key_columns(constraint).is_some();
    let others = declared.iter().filter(|constraint| matches!(constraint.kind, ConstraintKind::Unique(_) | ConstraintKind::Exclude(_)));
    let mut kept: Vec<&Constraint> = Vec::new();
    for constraint in declared.iter().filter(is_primary).chain(others) {
        let twin = kept.iter_mut().find(|before| same_key(before, constraint));
        match twin {
            Some(before) if before.name.is_none() && !is_primary(before) => *before = constraint,
            Some(_) => {}
            None => kept.push(constraint),
        }
    }
    kept
}

fn same_key(one: &Constraint, other: &Constraint) -> bool {
    let key = |constraint: &Constraint| match &constraint.kind {
        ConstraintKind::PrimaryKey(key) | ConstraintKind::Unique(key) => Some((key.columns.clone(), key.include.clone(), key.nulls)),
        ConstraintKind::NotNull { .. } | ConstraintKind::Check { .. } | ConstraintKind::ForeignKey(_) | ConstraintKind::Exclude(_) => None,
    };
    one.timing == other.timing && key(one).is_some() && key(one) == key(other)
}

//! Columns: added, altered, dropped, on a table and on all that inherit from it. Must never change a child's own column where
//! the database wouldn't.

use crate::schema::options::Options;
use std::sync::Arc;

use super::Catalog;
use super::error::CatalogError;
use super::inherit::inherited_column;
use crate::schema::change::{AddColumn, IfExists, Lookup};
use crate::schema::column::{Column, Generated, GeneratedKind, Identity, IdentityKind};
use crate::schema::constraint::{Constraint, ConstraintKind};
use crate::schema::data_type::DataType;
use crate::schema::name::{Identifier, Name};
use crate::schema::object::TypeKind;
use crate::schema::table::Table;
use crate::schema::text::{Part, Sql};

impl Catalog {
    pub(super) fn add_column(&mut self, add: &AddColumn) -> Result<(), CatalogError> {
        let AddColumn { table, column, constraints, .. } = add;
        let Some(found) = self.expect(self.table(table), "table", table)?.cloned() else { return Ok(()) };
        if found.column(&column.name).is_some() {
            return match add.if_not_exists {
                IfExists::Skip => Ok(()),
                IfExists::Fail if self.unknown_all => Ok(()),
                IfExists::Fail => Err(CatalogError::ColumnExists { table: table.clone(), column: column.name.clone() }),
            };
        }
        self.expect_type(&column.data_type)?;
        let mut made = column.clone();
        made.not_null |= add.serial || column.identity.is_some();
        self.leave_null_default(&mut made);
        self.push_column(table, made.clone())?;
        if add.serial {
            self.make_serial(table, &column.name)?;
        } else if let Some(identity) = &column.identity {
            self.make_identity(table, &column.name, identity.kind, &add.identity_options)?;
        }
        let default = self.tables.get(table).and_then(|table| table.column(&column.name)?.default.clone());
        made.default = default;
        for child in self.with_descendants(table).into_iter().skip(1) {
            let there = self.tables.get(&child).is_some_and(|child| child.column(&column.name).is_some());
            if !there {
                self.push_column(&child, inherited_column(&made))?;
            }
        }
        for constraint in super::create_table::in_order(constraints) {
            self.add_constraint(table, constraint)?;
        }
        Ok(())
    }

    fn push_column(&mut self, table: &Name, column: Column) -> Result<(), CatalogError> {
        if let Some(found) = self.table_mut(table)? {
            found.columns.push(column);
        }
        Ok(())
    }

    /// Does something to a column that must be there.
    pub(super) fn on_column(&mut self, table: &Name, column: &Identifier, change: impl FnOnce(&mut Column)) -> Result<(), CatalogError> {
        let unknown = self.columns_are_unknown(table);
        if let Some(view) = self.views.get_mut(table).filter(|view| view.materialized) {
            let none = || Column::new(column.clone(), DataType::built_in("unknown"));
            change(Arc::make_mut(view).settings.entry(column.clone()).or_insert_with(none));
            return Ok(());
        }
        let Some(found) = self.table_mut(table)? else { return Ok(()) };
        match found.columns.iter_mut().find(|found| &found.name == column) {
            Some(found) => change(found),
            None if unknown => {}
            None => return Err(CatalogError::NoColumn { table: table.clone(), column: column.clone() }),
        }
        Ok(())
    }

    /// Does something to a column, also where it is inherited.
    pub(super) fn on_column_and_below(
        &mut self,
        table: &Name,
        column: &Identifier,
        change: impl Fn(&mut Column),
    ) -> Result<(), CatalogError> {
        for name in self.with_descendants(table) {
            self.on_column(&name, column, &change)?;
        }
        Ok(())
    }

    /// Whether an unreadable statement may have added columns to the table.
    pub(super) fn columns_are_unknown(&self, table: &Name) -> bool {
        self.is_unknown(crate::schema::object::ObjectKind::Table, table)
    }

    /// Refuses columns that surely aren't there.
    pub(super) fn expect_columns(&self, table: &Name, columns: &[Identifier]) -> Result<(), CatalogError> {
        let view = || match &self.views.get(table)?.columns {
            Lookup::Known(columns) => Some(columns),
            Lookup::Absent | Lookup::Unknown => None,
        };
        let missing = match (self.tables.get(table), view()) {
            // The table's own name stands for the whole row: `CHECK (is_fine(t))`.
            (Some(found), _) => {
                columns.iter().find(|column| found.column(column).is_none() && !is_system_column(column) && **column != table.name)
            }
            (None, Some(found)) => columns.iter().find(|column| !found.iter().any(|found| found.name == **column)),
            (None, None) => None,
        };
        match missing {
            Some(column) if !self.columns_are_unknown(table) => Err(if self.views.contains_key(table) {
                CatalogError::NoViewColumn { view: table.clone(), column: column.clone() }
            } else {
                CatalogError::NoColumn { table: table.clone(), column: column.clone() }
            }),
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn set_default(&mut self, table: &Name, column: &Identifier, default: Option<&Sql>, only: bool) -> Result<(), CatalogError> {
        if self.views.contains_key(table) {
            self.expect_columns(table, std::slice::from_ref(column))?;
        }
        if let Some(view) = self.views.get_mut(table).map(Arc::make_mut) {
            match default {
                Some(default) => view.defaults.insert(column.clone(), default.clone()),
                None => view.defaults.remove(column),
            };
            return Ok(());
        }
        let found = self.tables.get(table).and_then(|table| table.column(column));
        if let Some(found) = found
            && (found.identity.is_some() || found.generated.is_some())
        {
            let problem = if found.identity.is_some() { "is an identity column" } else { "is a generated column" };
            return Err(CatalogError::Column { table: table.clone(), column: column.clone(), problem });
        }
        let mut kept = default.cloned();
        if let Some(mut column) = found.cloned() {
            column.default = kept;
            self.leave_null_default(&mut column);
            kept = column.default;
        }
        let change = |found: &mut Column| found.default.clone_from(&kept);
        if only { self.on_column(table, column, change) } else { self.on_column_and_below(table, column, change) }
    }

    /// `DEFAULT NULL` is no default, unless the type has a modifier or may have a default of its own: then the database keeps it.
    pub(super) fn leave_null_default(&self, column: &mut Column) {
        let domain = self.types.get(&column.data_type.name).is_some_and(|found| matches!(found.kind, TypeKind::Domain { .. }));
        if column.default.as_ref().is_some_and(is_null) && !domain && column.data_type.modifiers.is_empty() {
            column.default = None;
        }
    }

    pub(super) fn set_not_null(&mut self, table: &Name, column: &Identifier) -> Result<(), CatalogError> {
        self.on_column_and_below(table, column, |found| found.not_null = true)
    }

    pub(super) fn drop_not_null(&mut self, table: &Name, column: &Identifier) -> Result<(), CatalogError> {
        if let Some(found) = self.tables.get(table) {
            let problem = if found.primary_key().is_some_and(|key| key.columns.contains(column)) {
                Some("is part of the primary key")
            } else if found.column(column).is_some_and(|column| column.identity.is_some()) {
                Some("is an identity column")
            } else {
                None
            };
            if let Some(problem) = problem {
                return Err(CatalogError::Column { table: table.clone(), column: column.clone(), problem });
            }
        }
        self.on_column_and_below(table, column, |found| found.not_null = false)?;
        for name in self.with_descendants(table) {
            if let Some(found) = self.table_mut(&name)? {
                found.constraints.retain(|constraint| !is_not_null_of(constraint, column));
            }
        }
        Ok(())
    }

    pub(super) fn set_expression(&mut self, table: &Name, column: &Identifier, expression: &Sql) -> Result<(), CatalogError> {
        self.on_column_and_below(table, column, |found| {
            let kind = found.generated.as_ref().map_or(GeneratedKind::Stored, |generated| generated.kind);
            found.generated = Some(Generated { expression: expression.clone(), kind });
        })
    }

    pub(super) fn drop_expression(&mut self, table: &Name, column: &Identifier, if_exists: IfExists) -> Result<(), CatalogError> {
        let generated = self.tables.get(table).and_then(|table| table.column(column)).map(|column| column.generated.is_some());
        if generated == Some(false) && if_exists == IfExists::Fail && !self.unknown_all {
            let problem = "is not a generated column";
            return Err(CatalogError::Column { table: table.clone(), column: column.clone(), problem });
        }
        self.on_column_and_below(table, column, |found| found.generated = None)
    }

    pub(super) fn set_storage(&mut self, table: &Name, column: &Identifier, storage: &str) -> Result<(), CatalogError> {
        let storage = (!storage.eq_ignore_ascii_case("default")).then(|| storage.to_uppercase());
        self.on_column_and_below(table, column, |found| found.storage.clone_from(&storage))
    }

    pub(super) fn set_compression(
        &mut self,
        table: &Name,
        column: &Identifier,
        compression: Option<&Identifier>,
    ) -> Result<(), CatalogError> {
        let compression = compression.filter(|method| method.as_str() != "default");
        self.on_column(table, column, |found| found.compression = compression.cloned())
    }

    pub(super) fn add_identity(
        &mut self,
        table: &Name,
        column: &Identifier,
        kind: IdentityKind,
        options: &Options,
    ) -> Result<(), CatalogError> {
        let found = self.tables.get(table).and_then(|table| table.column(column)).cloned();
        if let Some(found) = found {
            let integer = ["int2", "int4", "int8"].iter().any(|name| found.data_type.is(name));
            let problem = match (&found.identity, &found.default, found.not_null) {
                (Some(_), _, _) => Some("is an identity column already"),
                (None, Some(_), _) => Some("has a default"),
                (None, None, false) => Some("must be NOT NULL before it can become an identity column"),
                (None, None, true) if !integer => Some("must be smallint, integer or bigint to become an identity column"),
                (None, None, true) => None,
            };
            if let Some(problem) = problem.filter(|_| !self.unknown_all) {
                return Err(CatalogError::Column { table: table.clone(), column: column.clone(), problem });
            }
        }
        self.on_column(table, column, |_| {})?;
        self.make_identity(table, column, kind, options)
    }

    pub(super) fn set_identity(
        &mut self,
        table: &Name,
        column: &Identifier,
        kind: Option<IdentityKind>,
        options: &Options,
    ) -> Result<(), CatalogError> {
        let mut sequence = None;
        self.on_column(table, column, |found| {
            if let Some(identity) = &mut found.identity {
                identity.kind = kind.unwrap_or(identity.kind);
                sequence = Some(identity.sequence.clone());
            }
        })?;
        match sequence {
            Some(sequence) => self.set_sequence_options(&sequence, options),
            None if self.tables.contains_key(table) && !self.unknown_all => {
                let problem = "is not an identity column";
                Err(CatalogError::Column { table: table.clone(), column: column.clone(), problem })
            }
            None => Ok(()),
        }
    }

    pub(super) fn drop_identity(&mut self, table: &Name, column: &Identifier, if_exists: IfExists) -> Result<(), CatalogError> {
        let mut identity: Option<Identity> = None;
        self.on_column(table, column, |found| identity = found.identity.take())?;
        match identity {
            Some(identity) => {
                self.forget_relation(&identity.sequence);
                Ok(())
            }
            None if if_exists == IfExists::Skip || self.unknown_all || !self.tables.contains_key(table) => Ok(()),
            None => {
                let problem = "is not an identity column";
                Err(CatalogError::Column { table: table.clone(), column: column.clone(), problem })
            }
        }
    }

    pub(super) fn set_foreign_options(
        &mut self,
        table: &Name,
        column: Option<&Identifier>,
        options: &[(String, Option<String>)],
    ) -> Result<(), CatalogError> {
        let set = |of: &mut Options| {
            for (name, value) in options {
                match value {
                    Some(value) => of.insert(name.clone(), value.clone()),
                    None => of.shift_remove(name),
                };
            }
        };
        match column {
            Some(column) => self.on_column(table, column, |found| set(&mut found.foreign_options)),
            None => self.on_table(table, |found: &mut Table| {
                if let crate::schema::table::TableKind::Foreign { options, .. } = &mut found.kind {
                    set(options);
                }
            }),
        }
    }

    /// Refuses a type that surely isn't there. Where extensions are, only the built-in and the user's own types are known.
    pub(super) fn expect_type(&self, data_type: &DataType) -> Result<(), CatalogError> {
        let name = &data_type.name;
        let ours = name.schema.as_ref().is_some_and(|schema| self.schemas.contains_key(schema));
        let known = self.is_there(super::walk::Role::Type, name);
        let copied = name.name.as_str().contains('.');
        if known || !ours || copied || self.has_extensions() || self.is_unknown(crate::schema::object::ObjectKind::Type, name) {
            return Ok(());
        }
        Err(CatalogError::missing("type", name))
    }
}

/// `NULL`, perhaps with a type.
fn is_null(default: &Sql) -> bool {
    let mut parts = default.parts.iter();
    let Some(Part::Text(text)) = parts.next() else { return false };
    let text = text.trim();
    let rest = text.get(..4).filter(|word| word.eq_ignore_ascii_case("null")).and_then(|_| text.get(4..));
    rest.is_some_and(|rest| rest.is_empty() || rest.trim_start().starts_with("::") && !rest.contains(['(', ')']))
}

/// Whether it is the constraint behind a NOT NULL of the column.
fn is_not_null_of(constraint: &Constraint, of: &Identifier) -> bool {
    match &constraint.kind {
        ConstraintKind::NotNull { column } => column == of,
        ConstraintKind::Check { .. }
        | ConstraintKind::Unique(_)
        | ConstraintKind::PrimaryKey(_)
        | ConstraintKind::ForeignKey(_)
        | ConstraintKind::Exclude(_) => false,
    }
}

/// Columns that every table has without declaring them.
fn is_system_column(column: &Identifier) -> bool {
    ["tableoid", "ctid", "xmin", "xmax", "cmin", "cmax"].contains(&column.as_str())
}

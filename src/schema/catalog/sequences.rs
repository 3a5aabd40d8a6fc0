//! Sequences, their own and those behind `serial` and identity columns. Must never part an owned sequence from its column.

use crate::schema::options::Options;
use std::sync::Arc;

use super::Catalog;
use super::error::CatalogError;
use super::names;
use super::sequence_options::altered;
use crate::schema::change::IfExists;
use crate::schema::column::{Identity, IdentityKind};
use crate::schema::data_type::DataType;
use crate::schema::name::{Identifier, Name};
use crate::schema::object::Sequence;
use crate::schema::text::{Part, Sql};

impl Catalog {
    pub(super) fn create_sequence(&mut self, sequence: &Sequence, if_not_exists: IfExists) -> Result<(), CatalogError> {
        if if_not_exists == IfExists::Skip && self.relation_kind(&sequence.name).is_some() {
            return Ok(());
        }
        self.expect_free(&sequence.name)?;
        self.need_schema(&sequence.name)?;
        if let Some((table, column)) = &sequence.owned_by {
            self.expect_relation(table)?;
            self.expect_columns(table, std::slice::from_ref(column))?;
        }
        self.sequences.insert(sequence.name.clone(), Arc::new(sequence.clone()));
        Ok(())
    }

    pub(super) fn alter_sequence(
        &mut self,
        sequence: &Name,
        data_type: Option<&DataType>,
        options: &Options,
        owned_by: Option<&Option<(Name, Identifier)>>,
        if_exists: IfExists,
    ) -> Result<(), CatalogError> {
        if if_exists == IfExists::Skip && !self.sequences.contains_key(sequence) {
            return Ok(());
        }
        if self.expect(self.sequence(sequence), "sequence", sequence)?.is_none() {
            return Ok(());
        }
        if let Some(Some((table, column))) = owned_by {
            self.expect_columns(table, std::slice::from_ref(column))?;
        }
        if let Some(found) = self.sequences.get_mut(sequence).map(Arc::make_mut) {
            let to = data_type.unwrap_or(&found.data_type).clone();
            found.options = altered(&found.options, &found.data_type, &to, options);
            found.data_type = to;
            if let Some(owned_by) = owned_by {
                found.owned_by.clone_from(owned_by);
            }
        }
        Ok(())
    }

    /// `SET INCREMENT` and the like of an identity column.
    pub(super) fn set_sequence_options(&mut self, sequence: &Name, options: &Options) -> Result<(), CatalogError> {
        self.alter_sequence(sequence, None, options, None, IfExists::Fail)
    }

    /// What `serial` stands for: a sequence owned by the column, a default that draws from it, NOT NULL.
    pub(super) fn make_serial(&mut self, table: &Name, column: &Identifier) -> Result<(), CatalogError> {
        let name = self.sequence_for(table, column, &Options::new(), Hidden::Serial);
        self.on_column(table, column, |found| {
            found.default = Some(next_value(&name));
            found.not_null = true;
        })
    }

    /// What GENERATED AS IDENTITY stands for.
    pub(super) fn make_identity(
        &mut self,
        table: &Name,
        column: &Identifier,
        kind: IdentityKind,
        options: &Options,
    ) -> Result<(), CatalogError> {
        let of = self.tables.get(table).and_then(|table| table.column(column)).and_then(|column| column.identity.as_ref());
        let written = of.map(|identity| &identity.sequence).filter(|sequence| !sequence.name.as_str().is_empty()).cloned();
        let written = Hidden::Identity(written);
        let sequence = self.sequence_for(table, column, options, written);
        self.on_column(table, column, |found| {
            found.identity = Some(Identity { kind, sequence });
            found.not_null = true;
        })
    }

    fn sequence_for(&mut self, table: &Name, column: &Identifier, options: &Options, behind: Hidden) -> Name {
        let identity = behind != Hidden::Serial;
        let name = behind.name().unwrap_or_else(|| {
            let free = names::choose(table.name.as_str(), Some(column.as_str()), "seq", |name| {
                self.relation_kind(&table.sibling(name.clone())).is_some()
            });
            table.sibling(free)
        });
        let of = self.tables.get(table).and_then(|table| table.column(column)).map(|column| column.data_type.clone());
        let narrow = |of: &DataType| of.is("int2") || of.is("int4");
        let data_type = of.filter(narrow).unwrap_or_else(|| DataType::built_in("int8"));
        let sequence = Sequence {
            name: name.clone(),
            options: altered(&Options::new(), &data_type, &data_type, options),
            data_type,
            owned_by: Some((table.clone(), column.clone())),
            identity,
            unlogged: false,
        };
        self.sequences.insert(name.clone(), Arc::new(sequence));
        name
    }
}

/// `nextval('sequence'::regclass)`.
fn next_value(sequence: &Name) -> Sql {
    Sql { parts: vec![Part::Text("nextval(".to_owned()), Part::RelationLiteral(sequence.clone()), Part::Text("::regclass)".to_owned())] }
}

/// What a sequence stands behind.
#[derive(PartialEq, Eq)]
enum Hidden {
    Serial,
    /// An identity column, with the name that its author gave the sequence.
    Identity(Option<Name>),
}

impl Hidden {
    fn name(self) -> Option<Name> {
        match self {
            Self::Serial => None,
            Self::Identity(name) => name,
        }
    }
}

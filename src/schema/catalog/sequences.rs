//! Sequences, their own and those behind `serial` and identity columns. Must never part an owned sequence from its column.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Catalog;
use super::error::CatalogError;
use super::names;
use crate::schema::change::IfExists;
use crate::schema::column::{Identity, IdentityKind};
use crate::schema::data_type::DataType;
use crate::schema::name::{Identifier, Name};
use crate::schema::object::Sequence;
use crate::schema::text::{Part, Sql};

/// Options that say where to go on counting: not part of the schema.
const PASSING: &[&str] = &["RESTART", "SEQUENCE NAME", "LOGGED", "UNLOGGED", "OWNED BY", "AS"];

impl Catalog {
    pub(super) fn create_sequence(&mut self, sequence: &Sequence, if_not_exists: IfExists) -> Result<(), CatalogError> {
        if if_not_exists == IfExists::Skip && self.relation_kind(&sequence.name).is_some() {
            return Ok(());
        }
        self.expect_free(&sequence.name)?;
        self.expect_schema(&sequence.name)?;
        if let Some((table, column)) = &sequence.owned_by {
            self.expect_columns(table, std::slice::from_ref(column))?;
        }
        self.sequences.insert(sequence.name.clone(), Arc::new(sequence.clone()));
        Ok(())
    }

    pub(super) fn alter_sequence(
        &mut self,
        sequence: &Name,
        data_type: Option<&DataType>,
        options: &BTreeMap<String, String>,
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
            if let Some(data_type) = data_type {
                found.data_type = data_type.clone();
            }
            if let Some(owned_by) = owned_by {
                found.owned_by.clone_from(owned_by);
            }
        }
        self.set_sequence_options(sequence, options)
    }

    pub(super) fn set_sequence_options(&mut self, sequence: &Name, options: &BTreeMap<String, String>) -> Result<(), CatalogError> {
        if self.expect(self.sequence(sequence), "sequence", sequence)?.is_none() {
            return Ok(());
        }
        if let Some(found) = self.sequences.get_mut(sequence).map(Arc::make_mut) {
            found.options.extend(lasting(options));
        }
        Ok(())
    }

    /// What `serial` stands for: a sequence owned by the column, a default that draws from it, NOT NULL.
    pub(super) fn make_serial(&mut self, table: &Name, column: &Identifier) -> Result<(), CatalogError> {
        let name = self.sequence_for(table, column, &BTreeMap::new(), Hidden::Serial);
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
        options: &BTreeMap<String, String>,
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

    fn sequence_for(&mut self, table: &Name, column: &Identifier, options: &BTreeMap<String, String>, behind: Hidden) -> Name {
        let identity = behind != Hidden::Serial;
        let name = behind.name().unwrap_or_else(|| {
            let free = names::choose(table.name.as_str(), Some(column.as_str()), "seq", |name| {
                self.relation_kind(&table.sibling(name.clone())).is_some()
            });
            table.sibling(free)
        });
        let of = self.tables.get(table).and_then(|table| table.column(column)).map(|column| column.data_type.clone());
        let sequence = Sequence {
            name: name.clone(),
            data_type: of.filter(|of| of.is("int2") || of.is("int4")).unwrap_or_else(|| DataType::built_in("int8")),
            options: lasting(options).collect(),
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

fn lasting(options: &BTreeMap<String, String>) -> impl Iterator<Item = (String, String)> {
    let lasting = options.iter().filter(|(name, _)| !PASSING.contains(&name.to_uppercase().as_str()));
    lasting.map(|(name, value)| (name.clone(), value.clone()))
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

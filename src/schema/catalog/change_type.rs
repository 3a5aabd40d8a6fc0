//! ALTER COLUMN … TYPE. Must never let a default lose the type that it was written for.

use super::Catalog;
use super::dependents::{Node, reads_column};
use super::error::CatalogError;
use crate::schema::change::IfExists;
use crate::schema::data_type::DataType;
use crate::schema::name::{Identifier, Name};
use crate::schema::object::{ObjectKind, ObjectRef};
use crate::schema::options::Options;
use crate::schema::table::TableKind;
use crate::schema::text::{Part, Sql};

impl Catalog {
    pub(super) fn change_type(
        &mut self,
        table: &Name,
        column: &Identifier,
        data_type: &DataType,
        collation: Option<&Name>,
    ) -> Result<(), CatalogError> {
        let Some(found) = self.expect(self.table(table), "table", table)?.cloned() else { return Ok(()) };
        self.expect_columns(table, std::slice::from_ref(column))?;
        self.expect_type(data_type)?;
        let (owner, name) = (table.clone(), column.clone());
        if self.parents_with(&found, column) {
            return Err(CatalogError::Inherited { table: owner, column: name, action: "retyped" });
        }
        if let TableKind::Partitioned { key, .. } = &found.kind
            && key.iter().any(|element| element.columns().any(|read| read == column))
        {
            return Err(CatalogError::PartitionKey { table: owner, column: name, action: "retyped" });
        }
        if let Some(dependent) = self.in_the_way(table, column).filter(|_| !self.unknown_all) {
            return Err(CatalogError::TypeInUse { table: owner, column: name, dependent });
        }
        self.on_column_and_below(table, column, |found| {
            if let Some(default) = found.default.take() {
                found.default = Some(as_it_was(default, &found.data_type, data_type));
            }
            found.data_type = data_type.clone();
            found.collation = collation.cloned();
            found.storage = None;
        })?;
        let sequence = found.column(column).and_then(|column| column.identity.as_ref()).map(|identity| identity.sequence.clone());
        match sequence {
            Some(sequence) => self.alter_sequence(&sequence, Some(data_type), &Options::new(), None, IfExists::Fail),
            None => Ok(()),
        }
    }

    /// What forbids a change of type: a view, a trigger, a policy or a generated column that reads the column.
    fn in_the_way(&self, table: &Name, column: &Identifier) -> Option<String> {
        let dependents = self.dependents(&Node::Column(table.clone(), column.clone()));
        dependents.into_iter().find_map(|(node, _)| match node {
            Node::Relation(name) if self.views.contains_key(&name) => Some(ObjectRef::new(ObjectKind::View, name).to_string()),
            Node::Trigger(of, name) => Some(ObjectRef::part(ObjectKind::Trigger, of, name.as_str()).to_string()),
            Node::Definition(object) if object.kind == ObjectKind::Policy || object.kind == ObjectKind::Rule => Some(object.to_string()),
            Node::Column(of, name) => {
                let reads = self.tables.get(&of)?.column(&name)?.generated.as_ref()?;
                let own = reads_column(&reads.expression, &of, table, column);
                own.then(|| ObjectRef::part(ObjectKind::Column, of, name.as_str()).to_string())
            }
            Node::Relation(_)
            | Node::Definition(_)
            | Node::Default(..)
            | Node::Constraint(..)
            | Node::Type(_)
            | Node::Attribute(..)
            | Node::DomainDefault(_)
            | Node::DomainCheck(..)
            | Node::Routine(..) => None,
        })
    }
}

/// The default with the type that it has had so far: the database keeps `'x'::text` when the column becomes varchar.
fn as_it_was(default: Sql, from: &DataType, to: &DataType) -> Sql {
    let literal = match default.parts.as_slice() {
        [Part::Text(text)] => is_string(text.trim()) || text.trim().eq_ignore_ascii_case("null"),
        _ => false,
    };
    if !literal || from.name == to.name || from.dimensions > 0 {
        return default;
    }
    let mut parts = default.parts;
    if from.name.schema.as_ref().is_some_and(|schema| schema.as_str() == "pg_catalog") {
        parts.push(Part::Text(format!("::pg_catalog.{}", from.name.name)));
    } else {
        parts.push(Part::Text("::".to_owned()));
        parts.push(Part::Type(from.name.clone()));
    }
    Sql { parts }
}

/// Whether the text is one string constant and nothing else.
fn is_string(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) else { return false };
    !inner.replace("''", "").contains('\'')
}

//! Schemas and extensions. Must never take an extension's own objects for the user's.

use super::Catalog;
use super::error::CatalogError;
use crate::schema::change::IfExists;
use crate::schema::name::{Identifier, Name};
use crate::schema::object::{ObjectKind, ObjectRef};

impl Catalog {
    pub(super) fn create_schema(
        &mut self,
        schema: &Identifier,
        if_not_exists: IfExists,
        owner: Option<&Identifier>,
    ) -> Result<(), CatalogError> {
        if self.schemas.contains_key(schema) {
            return match if_not_exists {
                IfExists::Skip => Ok(()),
                IfExists::Fail if self.unknown_all => Ok(()),
                IfExists::Fail => Err(CatalogError::exists("schema", schema)),
            };
        }
        self.schemas.insert(schema.clone(), owner.cloned());
        Ok(())
    }

    /// Something is made in the schema, so that it is there, even if an unreadable statement has made it.
    pub(super) fn need_schema(&mut self, name: &Name) -> Result<(), CatalogError> {
        self.expect_schema(name)?;
        if let Some(schema) = name.schema.as_ref().filter(|schema| !is_engines(schema) && !self.schemas.contains_key(*schema)) {
            self.schemas.insert(schema.clone(), None);
        }
        Ok(())
    }

    /// Refuses a name in a schema that surely isn't there.
    pub(super) fn expect_schema(&self, name: &Name) -> Result<(), CatalogError> {
        let Some(schema) = &name.schema else { return Ok(()) };
        let known = self.schemas.contains_key(schema) || is_engines(schema);
        let unknown = self.is_unknown(ObjectKind::Schema, &Name::unqualified(schema.clone()))
            || self.unknown.contains(&ObjectRef::new(ObjectKind::Schema, Name::unqualified(schema.clone())))
            || self.has_extensions();
        if known || unknown { Ok(()) } else { Err(CatalogError::missing("schema", schema)) }
    }

    pub(super) fn create_extension(
        &mut self,
        extension: &Identifier,
        schema: Option<&Identifier>,
        if_not_exists: IfExists,
    ) -> Result<(), CatalogError> {
        if self.extensions.contains_key(extension) {
            return match if_not_exists {
                IfExists::Skip => Ok(()),
                IfExists::Fail if self.unknown_all => Ok(()),
                IfExists::Fail => Err(CatalogError::exists("extension", extension)),
            };
        }
        self.extensions.insert(extension.clone(), schema.cloned());
        Ok(())
    }
}

/// Whether the schema is one of the engine's own.
fn is_engines(schema: &Identifier) -> bool {
    schema.as_str().starts_with("pg_") || *schema == "information_schema"
}

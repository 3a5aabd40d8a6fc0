//! Qualifying names: which schema an author meant who wrote none. By search path, as the database does it; must never touch a
//! name whose schema was written.

use super::Catalog;
use super::extensions;
use super::lookup::TEMPORARY;
use super::walk::{Role, Visitor, role_of};
use super::walk_change;
use crate::schema::change::{Change, Grant};
use crate::schema::name::{Identifier, Name};
use crate::schema::object::{ObjectKind, ObjectRef, TypeKind};

impl Catalog {
    /// The same change with every name qualified: by the search path where something is looked up, with its first schema
    /// where something is made. Built-in types stay, and so does what only the engine can know (its own functions,
    /// collations and operator classes).
    #[must_use]
    pub fn resolve(&self, change: Change) -> Change {
        let mut resolved = self.with_extension_schema(change);
        let kinds = kinds(&resolved);
        walk_change::change(&mut Resolver { catalog: self, kinds }, &mut resolved);
        resolved
    }

    /// The name, qualified as that of an existing relation.
    #[must_use]
    pub fn resolve_relation(&self, name: &Name) -> Name {
        let mut resolved = name.clone();
        Resolver { catalog: self, kinds: Kinds::AsWritten }.name(Role::Relation, &mut resolved);
        resolved
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "every other change is as written")]
    fn with_extension_schema(&self, change: Change) -> Change {
        match change {
            Change::CreateExtension { extension, schema: None, version, if_not_exists } => {
                let schema = extensions::fixed_schema(&extension).unwrap_or_else(|| self.creation_schema());
                Change::CreateExtension { extension, schema: Some(schema), version, if_not_exists }
            }
            Change::CreateIndex { mut index, concurrency, if_not_exists } => {
                index.name = index.name.filter(|name| !name.as_str().is_empty());
                Change::CreateIndex { index, concurrency, if_not_exists }
            }
            Change::Grant(Grant { object, mut privileges, columns, grantee, grantable }) => {
                privileges.sort();
                Change::Grant(Grant { object, privileges, columns, grantee, grantable })
            }
            other => other,
        }
    }
}

/// Whether a statement means the kind that it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kinds {
    /// `DROP VIEW v` is about a view and nothing else.
    AsWritten,
    /// `GRANT … ON TABLE v` and `ALTER TABLE v OWNER TO …` may be about a view.
    Loose,
}

fn kinds(change: &Change) -> Kinds {
    let loose = matches!(
        change,
        Change::Grant(_)
            | Change::Revoke { .. }
            | Change::SetOwner { .. }
            | Change::RenameObject { .. }
            | Change::SetObjectSchema { .. }
            | Change::Opaque { .. }
    );
    if loose { Kinds::Loose } else { Kinds::AsWritten }
}

struct Resolver<'a> {
    catalog: &'a Catalog,
    kinds: Kinds,
}

impl Visitor for Resolver<'_> {
    fn name(&mut self, role: Role, name: &mut Name) {
        if name.schema.as_ref().is_some_and(|schema| schema.as_str().starts_with("pg_temp")) {
            name.schema = Some(Identifier::from(TEMPORARY));
        }
        if name.schema.is_none() {
            name.schema = self.schema(role, &name.name);
        }
    }

    fn object(&mut self, object: &mut ObjectRef) {
        let Some(role) = role_of(object.kind) else { return };
        self.name(role, &mut object.name);
        object.kind = self.actual_kind(object);
    }
}

impl Resolver<'_> {
    /// The schema of an unqualified name; none where it is left to the engine.
    fn schema(&self, role: Role, name: &Identifier) -> Option<Identifier> {
        let found = || self.catalog.in_search_path(name, |candidate| self.catalog.is_there(role, candidate)).and_then(|name| name.schema);
        match role {
            Role::NewTemporary => Some(Identifier::from(TEMPORARY)),
            Role::NewRelation | Role::NewType | Role::NewRoutine | Role::NewOther(_) => Some(self.catalog.creation_schema()),
            Role::Relation => found().or_else(|| {
                let built_in = name.as_str().starts_with("pg_");
                Some(if built_in { Identifier::from("pg_catalog") } else { self.catalog.creation_schema() })
            }),
            Role::Type => found()
                .or_else(|| self.catalog.extension_schema(extensions::of_type(name)))
                .or_else(|| Some(self.catalog.creation_schema())),
            Role::Routine => found().or_else(|| self.catalog.extension_schema(extensions::of_function(name))),
            Role::Other(ObjectKind::OperatorClass) => {
                found().or_else(|| self.catalog.extension_schema(extensions::of_operator_class(name)))
            }
            Role::Other(_) => found(),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "every other kind is said exactly")]
    /// `COMMENT ON TYPE` may be about a domain, `GRANT … ON` about a view: the kind that the object has.
    fn actual_kind(&self, object: &ObjectRef) -> ObjectKind {
        match object.kind {
            ObjectKind::Table | ObjectKind::ForeignTable | ObjectKind::View | ObjectKind::MaterializedView | ObjectKind::Sequence
                if self.kinds == Kinds::Loose =>
            {
                match self.catalog.relation_kind(&object.name) {
                    Some(ObjectKind::Type) | None => object.kind,
                    Some(kind) => kind,
                }
            }
            ObjectKind::Type => match self.catalog.types.get(&object.name).map(|found| &found.kind) {
                Some(TypeKind::Domain { .. }) => ObjectKind::Domain,
                Some(_) | None => ObjectKind::Type,
            },
            ObjectKind::Routine => self.catalog.routines_named(&object.name).next().map_or(ObjectKind::Routine, |routine| routine.kind),
            kind => kind,
        }
    }
}

impl Catalog {
    /// The schema of an extension that is there.
    fn extension_schema(&self, extension: Option<&str>) -> Option<Identifier> {
        extension.and_then(|extension| self.extensions.get(extension)).cloned().flatten()
    }
}

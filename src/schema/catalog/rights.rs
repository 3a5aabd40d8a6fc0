//! Privileges: what was granted beyond what an object is born with, and what was taken from that. Must never hold a privilege as
//! granted and as revoked.

use super::Catalog;
use super::error::CatalogError;
use crate::schema::change::Grant;
use crate::schema::name::{Identifier, Name};
use crate::schema::object::{ObjectKind, ObjectRef, signature};
use crate::schema::table::Persistence;

impl Catalog {
    pub(super) fn grant(&mut self, grant: &Grant) -> Result<(), CatalogError> {
        for object in self.granted_objects(grant)? {
            let grant = Grant { object, ..grant.clone() };
            let given_back: Vec<Grant> = self.revokes.iter().filter(|revoke| same_place(revoke, &grant)).cloned().collect();
            for mut revoke in given_back {
                self.revokes.remove(&revoke);
                revoke.privileges.retain(|privilege| !is_all(&grant) && !grant.privileges.contains(privilege));
                if !revoke.privileges.is_empty() {
                    self.revokes.insert(revoke);
                }
            }
            self.grants.insert(grant);
        }
        Ok(())
    }

    pub(super) fn revoke(&mut self, revoke: &Grant) -> Result<(), CatalogError> {
        for object in self.granted_objects(revoke)? {
            let mut revoke = Grant { object, ..revoke.clone() };
            revoke.privileges.sort();
            let about: Vec<Grant> = self.grants.iter().filter(|grant| touches(&revoke, grant)).cloned().collect();
            let part_of_all = !is_all(&revoke) && about.iter().any(is_all);
            let perhaps_the_owner = about.is_empty() && revoke.grantee != "public";
            for grant in about {
                self.grants.remove(&grant);
                self.grants.extend(after(&revoke, grant));
            }
            if revoke.grantable {
                continue;
            }
            if is_all(&revoke) {
                self.revokes.retain(|before| !same_place(before, &revoke));
            }
            if part_of_all || perhaps_the_owner || is_born_with_rights(&revoke) {
                self.keep_revoked(revoke);
            }
        }
        Ok(())
    }

    /// Remembers what an object has no longer of that with which it was born.
    fn keep_revoked(&mut self, mut revoke: Grant) {
        if is_all(&revoke) {
            revoke.privileges = vec!["ALL".to_owned()];
        } else if self.revokes.iter().any(|before| same_place(before, &revoke) && is_all(before)) {
            return;
        }
        self.revokes.insert(revoke);
    }

    /// The objects that a GRANT is about: those of a schema, where it says `ALL TABLES IN SCHEMA`.
    fn granted_objects(&self, grant: &Grant) -> Result<Vec<ObjectRef>, CatalogError> {
        let object = &grant.object;
        let all = object.detail.as_deref().and_then(|detail| detail.strip_prefix("all ")).filter(|_| object.kind == ObjectKind::Schema);
        let Some(all) = all else {
            return Ok(if self.expect_grantable(grant)? { vec![object.clone()] } else { Vec::new() });
        };
        let inside = |name: &&Name| name.schema.as_ref() == Some(&object.name.name);
        let relation = |name: &Name| {
            let kind = self.relation_kind(name).unwrap_or(ObjectKind::Table);
            ObjectRef { kind, name: name.clone(), detail: None }
        };
        Ok(match all {
            "tables" => {
                let tables = self.tables.values().filter(|table| table.persistence != Persistence::Temporary).map(|table| &table.name);
                tables.chain(self.views.keys()).filter(inside).map(relation).collect()
            }
            "sequences" => self.sequences.keys().filter(inside).map(relation).collect(),
            routines => {
                let wanted = |kind: ObjectKind| match routines {
                    "functions" => kind != ObjectKind::Procedure,
                    "procedures" => kind == ObjectKind::Procedure,
                    _ => true,
                };
                let routines = self.routines.values().filter(|routine| inside(&&routine.name) && wanted(routine.kind));
                let reference = |routine: &std::sync::Arc<crate::schema::object::Routine>| ObjectRef {
                    kind: routine.kind,
                    name: routine.name.clone(),
                    detail: Some(signature(&routine.arguments)),
                };
                routines.map(reference).collect()
            }
        })
    }

    /// Every grant and revocation, replaced or taken away.
    pub(super) fn each_right(&mut self, mut change: impl FnMut(&Grant) -> Option<Grant>) {
        for rights in [&mut self.grants, &mut self.revokes] {
            let changed: Vec<_> = rights.iter().map(|right| (right.clone(), change(right))).collect();
            for (old, new) in changed.into_iter().filter(|(old, new)| new.as_ref() != Some(old)) {
                rights.remove(&old);
                rights.extend(new);
            }
        }
    }

    pub(super) fn rename_granted_column(&mut self, table: &Name, from: &Identifier, to: &Identifier) {
        self.each_right(|right| {
            let mut right = right.clone();
            if right.object.name == *table {
                right.columns.iter_mut().filter(|column| *column == from).for_each(|column| *column = to.clone());
            }
            Some(right)
        });
    }

    /// A column that is gone takes its privileges with it.
    pub(super) fn forget_granted_column(&mut self, table: &Name, column: &Identifier) {
        self.each_right(|right| {
            let mut right = right.clone();
            if right.object.name == *table && right.columns.contains(column) {
                right.columns.retain(|found| found != column);
                return (!right.columns.is_empty()).then_some(right);
            }
            Some(right)
        });
    }
}

/// Whether PUBLIC may do something with the object that nobody has granted.
fn is_born_with_rights(revoke: &Grant) -> bool {
    let kinds = [
        ObjectKind::Function,
        ObjectKind::Procedure,
        ObjectKind::Routine,
        ObjectKind::Aggregate,
        ObjectKind::Type,
        ObjectKind::Domain,
        ObjectKind::Language,
    ];
    let public_schema = revoke.object.kind == ObjectKind::Schema && revoke.object.name.name == "public";
    revoke.grantee == "public" && (kinds.contains(&revoke.object.kind) || public_schema)
}

fn is_all(grant: &Grant) -> bool {
    grant.privileges.iter().any(|privilege| privilege == "ALL")
}

fn same_place(one: &Grant, other: &Grant) -> bool {
    one.object == other.object && one.grantee == other.grantee && one.columns == other.columns
}

/// A privilege that is revoked from a table is revoked from its columns, too.
fn touches(revoke: &Grant, grant: &Grant) -> bool {
    let columns = revoke.columns.is_empty() || grant.columns.iter().any(|column| revoke.columns.contains(column));
    revoke.object == grant.object && revoke.grantee == grant.grantee && columns
}

/// What a REVOKE leaves of a grant: the columns that it does not name, and of the others the privileges that it does not name.
fn after(revoke: &Grant, grant: Grant) -> Vec<Grant> {
    let named = |column: &Identifier| revoke.columns.is_empty() || revoke.columns.contains(column);
    let (hit, missed): (Vec<Identifier>, Vec<Identifier>) = grant.columns.iter().cloned().partition(named);
    let untouched = (!missed.is_empty()).then(|| Grant { columns: missed, ..grant.clone() });
    let (gone, kept): (Vec<String>, Vec<String>) =
        grant.privileges.iter().cloned().partition(|privilege| is_all(revoke) || revoke.privileges.contains(privilege));
    let left = (!kept.is_empty()).then(|| Grant { columns: hit.clone(), privileges: kept, ..grant.clone() });
    let without_option =
        (revoke.grantable && !gone.is_empty()).then_some(Grant { columns: hit, privileges: gone, grantable: false, ..grant });
    untouched.into_iter().chain(left).chain(without_option).collect()
}

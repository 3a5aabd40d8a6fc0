//! What a migration's session remembers beside the schema: its search path, and where its transaction began. Must never
//! outlive the migration.

use crate::schema::catalog::CatalogError;
use crate::schema::change::DropBehavior;
use crate::schema::{Catalog, Identifier};

/// A session, from the first statement of a migration to its last.
pub(super) struct Session {
    /// The search path that holds when the transaction has ended.
    path: Vec<Identifier>,
    /// Where the transaction began, if one is open.
    transaction: Option<Point>,
    /// Savepoints, the latest last.
    savepoints: Vec<Point>,
}

/// A point to which a rollback leads back.
struct Point {
    catalog: Catalog,
    entries: usize,
}

/// Whether the migration's runner opens a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opened {
    /// It does.
    ByRunner,
    /// It doesn't.
    ByNobody,
}

impl Session {
    pub(super) fn new(catalog: &Catalog, entries: usize, opened: Opened) -> Self {
        let transaction = (opened == Opened::ByRunner).then(|| Point { catalog: catalog.clone(), entries });
        Self { path: catalog.search_path.clone(), transaction, savepoints: Vec::new() }
    }

    /// `SET search_path`.
    pub(super) fn set_path(&mut self, catalog: &mut Catalog, schemas: &[Identifier], local: bool) {
        if local && self.transaction.is_none() {
            // The database warns and goes on: LOCAL means nothing outside a transaction.
            return;
        }
        if !local {
            self.path = schemas.to_vec();
        }
        catalog.search_path = schemas.to_vec();
    }

    /// BEGIN, COMMIT, ROLLBACK, SAVEPOINT …: what they do to the schema. Gives the number of changes that are left of `entries`.
    pub(super) fn control(&mut self, catalog: &mut Catalog, keyword: &str, entries: usize) -> usize {
        match keyword {
            "BEGIN" if self.transaction.is_none() => self.transaction = Some(Point { catalog: catalog.clone(), entries }),
            "COMMIT" | "PREPARE TRANSACTION" => {
                self.transaction = None;
                self.savepoints.clear();
                catalog.search_path.clone_from(&self.path);
            }
            "ROLLBACK" => {
                self.savepoints.clear();
                if let Some(point) = self.transaction.take() {
                    self.path.clone_from(&point.catalog.search_path);
                    *catalog = point.catalog;
                    return point.entries;
                }
            }
            "SAVEPOINT" => self.savepoints.push(Point { catalog: catalog.clone(), entries }),
            "RELEASE" => {
                self.savepoints.pop();
            }
            "ROLLBACK TO" => {
                if let Some(point) = self.savepoints.last() {
                    *catalog = point.catalog.clone();
                    return point.entries;
                }
            }
            _ => {}
        }
        entries
    }

    /// The session ends: its temporary objects and its search path go.
    pub(super) fn end(catalog: &mut Catalog, path: &[Identifier]) -> Result<(), CatalogError> {
        catalog.search_path = path.to_vec();
        catalog.drop_temporary(DropBehavior::Cascade)
    }
}

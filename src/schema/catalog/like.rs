//! `CREATE TABLE … (LIKE other INCLUDING …)`. Must never copy what isn't asked for, nor keep a tie to the table that is copied.

use crate::schema::options::Options;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Catalog;
use super::error::CatalogError;
use crate::schema::change::Like;
use crate::schema::column::{Column, Identity};
use crate::schema::constraint::{Constraint, ConstraintKind};
use crate::schema::index::Index;
use crate::schema::name::{Identifier, Name};
use crate::schema::object::{ObjectKind, ObjectRef};

/// What a LIKE clause brings.
pub(super) struct Copied {
    /// How many written columns stand before it.
    pub(super) position: usize,
    /// The columns.
    pub(super) columns: Vec<Column>,
    /// Options of the sequences behind identity columns.
    pub(super) identities: BTreeMap<Identifier, Options>,
    constraints: Vec<Constraint>,
    indexes: Vec<Arc<Index>>,
    comments: Vec<(ObjectRef, String)>,
    statistics: bool,
    source: Name,
}

impl Catalog {
    /// What the clause brings; none if nobody can tell.
    pub(super) fn copied(&self, position: usize, like: &Like) -> Result<Option<Copied>, CatalogError> {
        let includes = |what: &str| like.including.iter().any(|included| included == what || included == "all");
        let Some(source) = self.expect(self.table(&like.table), "table", &like.table)?.cloned() else { return Ok(None) };
        let columns = source.columns.iter().map(|column| copied_column(column, &includes)).collect();
        let identities = source
            .columns
            .iter()
            .filter_map(|column| {
                let sequence = self.sequences.get(&column.identity.as_ref()?.sequence)?;
                Some((column.name.clone(), sequence.options.clone()))
            })
            .collect();
        let checks = source.constraints.iter().filter(|constraint| matches!(constraint.kind, ConstraintKind::Check { .. }));
        let comments = self.comments.iter().filter(|(object, _)| object.name == source.name && includes("comments"));
        Ok(Some(Copied {
            position,
            columns,
            identities: if includes("identity") { identities } else { BTreeMap::new() },
            constraints: checks.filter(|_| includes("constraints")).cloned().collect(),
            indexes: self.indexes_in_order(&source.name).into_iter().filter(|_| includes("indexes")).collect(),
            comments: comments.map(|(object, text)| (object.clone(), text.clone())).collect(),
            statistics: includes("statistics"),
            source: source.name.clone(),
        }))
    }

    /// The constraints, indexes and comments, once the table is there.
    pub(super) fn copy_what_like_includes(&mut self, table: &Name, copied: &Copied) -> Result<(), CatalogError> {
        for constraint in &copied.constraints {
            self.add_constraint(table, &Constraint { local: true, ..constraint.clone() })?;
        }
        for index in &copied.indexes {
            let index_comment = self.comments.get(&ObjectRef::new(ObjectKind::Index, index_name(index))).cloned();
            let made = self.clone_index(index, table, None)?;
            if let (Some(made), Some(text)) = (made, index_comment.filter(|_| !copied.comments.is_empty())) {
                self.comments.insert(ObjectRef::new(ObjectKind::Index, made), text);
            }
        }
        if copied.statistics {
            self.copy_statistics(&copied.source, table);
        }
        for (object, text) in &copied.comments {
            let constraints = &copied.constraints;
            let of_constraint = object.kind == ObjectKind::TableConstraint
                && constraints.iter().any(|found| found.name.as_ref().map(Identifier::as_str) == object.detail.as_deref());
            let copy = object.kind == ObjectKind::Column || of_constraint;
            if copy && object.name == copied.source {
                self.comments.insert(ObjectRef { name: table.clone(), ..object.clone() }, text.clone());
            }
        }
        Ok(())
    }
}

fn index_name(index: &Index) -> Name {
    index.table.sibling(index.name.clone().unwrap_or_else(|| Identifier::from("")))
}

fn copied_column(column: &Column, includes: &impl Fn(&str) -> bool) -> Column {
    let mut copy = Column::new(column.name.clone(), column.data_type.clone());
    copy.collation.clone_from(&column.collation);
    copy.not_null = column.not_null;
    if includes("defaults") {
        copy.default.clone_from(&column.default);
    }
    if includes("generated") {
        copy.generated.clone_from(&column.generated);
    }
    if includes("identity") {
        copy.identity = column.identity.as_ref().map(|identity| Identity { kind: identity.kind, sequence: Name::unqualified("") });
    }
    if includes("storage") {
        copy.storage.clone_from(&column.storage);
    }
    if includes("compression") {
        copy.compression.clone_from(&column.compression);
    }
    copy
}

//! Columns as CREATE TABLE and ADD COLUMN declare them. Never makes what a column implies (sequences, indexes): folding does.

use crate::schema::options::Options;

use pg_query::protobuf::{self as pg, ConstrType};
use pg_query::{Node, NodeEnum};

use super::constraint::{constraint, first_token};
use super::data_type::{optional_data_type, serial};
use super::index::listed;
use super::nodes::{letter, optional, options};
use super::sequence::{sequence_options, without_defaults};
use crate::schema::{Column, Constraint, Enforcement, Generated, GeneratedKind, Identity, IdentityKind, Name, Timing, Validity};
use crate::sql::postgres::mark::Owner;
use crate::sql::postgres::source::Source;

/// A column with all that its declaration says.
pub(super) struct Declared {
    pub(super) column: Column,
    /// Its constraints, as the table's.
    pub(super) constraints: Vec<Constraint>,
    /// Whether it was declared `serial` or the like.
    pub(super) serial: bool,
    /// The sequence options of an identity column.
    pub(super) identity_options: Option<Options>,
}

/// A column of `table`.
pub(super) fn column(source: &Source<'_>, table: &Name, written: &pg::ColumnDef) -> Declared {
    let behind_serial = written.type_name.as_ref().and_then(serial);
    let is_serial = behind_serial.is_some();
    let data_type = behind_serial.unwrap_or_else(|| optional_data_type(written.type_name.as_ref()));
    let mut column = Column::new(written.colname.as_str(), data_type);
    column.not_null = is_serial || written.is_not_null;
    column.collation = written.coll_clause.as_ref().and_then(|clause| listed(&clause.collname));
    column.storage = (!written.storage_name.is_empty()).then(|| written.storage_name.to_uppercase());
    column.compression = optional(&written.compression);
    column.foreign_options = options(&written.fdwoptions);
    let mut declared = Declared { column, constraints: Vec::new(), serial: is_serial, identity_options: None };
    for node in &written.constraints {
        if let Some(NodeEnum::Constraint(part)) = &node.node {
            declared.add(source, table, written, part);
        }
    }
    declared
}

impl Declared {
    fn add(&mut self, source: &Source<'_>, table: &Name, written: &pg::ColumnDef, part: &pg::Constraint) {
        let row = Owner::Table(table, None);
        match ConstrType::try_from(part.contype).unwrap_or_default() {
            // These only say what is so anyway.
            ConstrType::Undefined | ConstrType::ConstrNull | ConstrType::ConstrAttrImmediate => {}
            ConstrType::ConstrNotnull => {
                self.column.not_null = true;
                // Without a name of its own it is the column's alone.
                if !part.conname.is_empty() || part.is_no_inherit {
                    self.constraints.extend(constraint(source, table, Some(&written.colname), part));
                }
            }
            ConstrType::ConstrDefault => {
                let from = first_token(source, part) + 1;
                let span = source.span(from, end_of_part(source, written, part.location));
                self.column.default = Some(source.mark(span, &part.raw_expr, row));
            }
            ConstrType::ConstrIdentity => {
                let read = sequence_options(&part.options);
                self.column.not_null = true;
                let sequence = read.name.unwrap_or_else(|| table.sibling(""));
                self.column.identity = Some(Identity { kind: identity_kind(&part.generated_when), sequence });
                self.identity_options = Some(without_defaults(&read.options, &self.column.data_type));
            }
            ConstrType::ConstrGenerated => {
                let open = source.find_word(first_token(source, part), source.end(), "(");
                let expression = source.mark(source.span(open + 1, source.closing(open)), &part.raw_expr, row);
                let kind = if letter(&part.generated_kind) == 'v' { GeneratedKind::Virtual } else { GeneratedKind::Stored };
                self.column.generated = Some(Generated { expression, kind });
            }
            ConstrType::ConstrCheck
            | ConstrType::ConstrPrimary
            | ConstrType::ConstrUnique
            | ConstrType::ConstrExclusion
            | ConstrType::ConstrForeign => {
                self.constraints.extend(constraint(source, table, Some(&written.colname), part));
            }
            // These are said after the constraint that they are about.
            ConstrType::ConstrAttrDeferrable => self.last(|constraint| {
                if constraint.timing == Timing::Immediate {
                    constraint.timing = Timing::Deferrable;
                }
            }),
            ConstrType::ConstrAttrNotDeferrable => self.last(|constraint| constraint.timing = Timing::Immediate),
            ConstrType::ConstrAttrDeferred => self.last(|constraint| constraint.timing = Timing::Deferred),
            ConstrType::ConstrAttrEnforced => self.last(|constraint| constraint.enforcement = Enforcement::Enforced),
            ConstrType::ConstrAttrNotEnforced => self.last(|constraint| {
                constraint.enforcement = Enforcement::NotEnforced;
                constraint.validity = Validity::NotValid;
            }),
        }
    }

    fn last(&mut self, change: impl FnOnce(&mut Constraint)) {
        if let Some(constraint) = self.constraints.last_mut() {
            change(constraint);
        }
    }
}

/// `ALWAYS` or `BY DEFAULT`.
pub(super) fn identity_kind(code: &str) -> IdentityKind {
    if letter(code) == 'a' { IdentityKind::Always } else { IdentityKind::ByDefault }
}

/// The token after the part of a column's declaration that begins at `location`: where its next part begins, or the column ends.
fn end_of_part(source: &Source<'_>, written: &pg::ColumnDef, location: i32) -> usize {
    let constraints = written.constraints.iter().filter_map(|node| match &node.node {
        Some(NodeEnum::Constraint(part)) => Some(part.location),
        _ => None,
    });
    let collation = written.coll_clause.as_ref().map(|clause| clause.location);
    let next = constraints.chain(collation).filter(|other| *other > location).min();
    let start = source.at(location);
    let end = source.find(start, source.end(), |index| matches!(source.token(index), "," | ")"));
    next.map_or(end, |next| source.at(next).min(end))
}

/// The column declarations among some nodes.
pub(super) fn declarations(nodes: &[Node]) -> impl Iterator<Item = &pg::ColumnDef> {
    nodes.iter().filter_map(|node| match &node.node {
        Some(NodeEnum::ColumnDef(column)) => Some(column.as_ref()),
        _ => None,
    })
}

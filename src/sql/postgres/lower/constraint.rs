//! Constraints, of a column or of a table. Never names one: the database does, on folding.

use pg_query::protobuf::{self as pg, ConstrType};
use pg_query::{Node, NodeEnum};

use super::alter_table::Subcommand;
use super::index::{included, index_element, nulls};
use super::name::{identifiers, relation_of};
use super::nodes::{behavior, if_exists, joined, letter, optional, options};
use crate::schema::constraint::Exclude;
use crate::schema::{
    Change, Constraint, ConstraintKind, Enforcement, ForeignKey, Identifier, IndexElement, Key, Name, ReferentialAction, Timing, Validity,
};
use crate::sql::postgres::mark::Owner;
use crate::sql::postgres::source::Source;

/// A constraint of `table`, if it is one: DEFAULT, GENERATED and the like are said of a column and become part of it.
/// `column` is the one on which it was declared.
pub(super) fn constraint(source: &Source<'_>, table: &Name, column: Option<&str>, written: &pg::Constraint) -> Option<Constraint> {
    let kind = kind(source, table, column, written)?;
    // Only of these does the parser say whether they are enforced.
    let can_be_unenforced = matches!(kind, ConstraintKind::Check { .. } | ConstraintKind::ForeignKey(_));
    let enforced = written.is_enforced || !can_be_unenforced;
    let mut constraint = Constraint::new(optional(&written.conname), kind);
    constraint.timing = timing(written.deferrable, written.initdeferred);
    constraint.validity = if written.skip_validation || !enforced { Validity::NotValid } else { Validity::Valid };
    constraint.enforcement = if enforced { Enforcement::Enforced } else { Enforcement::NotEnforced };
    constraint.no_inherit = written.is_no_inherit;
    Some(constraint)
}

/// When a constraint is checked.
pub(super) fn timing(deferrable: bool, deferred: bool) -> Timing {
    match (deferrable, deferred) {
        (_, true) => Timing::Deferred,
        (true, false) => Timing::Deferrable,
        (false, false) => Timing::Immediate,
    }
}

/// The token after `CONSTRAINT name`, where that was written.
pub(super) fn first_token(source: &Source<'_>, written: &pg::Constraint) -> usize {
    let first = source.at(written.location);
    if source.is(first, "CONSTRAINT") { first + 2 } else { first }
}

fn kind(source: &Source<'_>, table: &Name, column: Option<&str>, written: &pg::Constraint) -> Option<ConstraintKind> {
    let named = |keys: &[Node]| column.map_or_else(|| identifiers(keys), |column| vec![Identifier::from(column)]);
    match ConstrType::try_from(written.contype).unwrap_or_default() {
        ConstrType::ConstrNotnull => named(&written.keys).into_iter().next().map(|column| ConstraintKind::NotNull { column }),
        ConstrType::ConstrCheck => Some(ConstraintKind::Check { expression: check(source, written, Owner::Table(table, None)) }),
        ConstrType::ConstrPrimary => Some(ConstraintKind::PrimaryKey(key(named(&written.keys), written))),
        ConstrType::ConstrUnique => Some(ConstraintKind::Unique(key(named(&written.keys), written))),
        ConstrType::ConstrExclusion => Some(ConstraintKind::Exclude(exclude(source, table, written))),
        ConstrType::ConstrForeign => Some(ConstraintKind::ForeignKey(foreign_key(named(&written.fk_attrs), written))),
        ConstrType::Undefined
        | ConstrType::ConstrNull
        | ConstrType::ConstrDefault
        | ConstrType::ConstrIdentity
        | ConstrType::ConstrGenerated
        | ConstrType::ConstrAttrDeferrable
        | ConstrType::ConstrAttrNotDeferrable
        | ConstrType::ConstrAttrDeferred
        | ConstrType::ConstrAttrImmediate
        | ConstrType::ConstrAttrEnforced
        | ConstrType::ConstrAttrNotEnforced => None,
    }
}

/// The condition of a CHECK, without its parentheses.
pub(super) fn check(source: &Source<'_>, written: &pg::Constraint, owner: Owner<'_>) -> crate::schema::Sql {
    let open = first_token(source, written) + 1;
    source.mark(source.span(open + 1, source.closing(open)), &written.raw_expr, owner)
}

fn key(columns: Vec<Identifier>, written: &pg::Constraint) -> Key {
    Key {
        columns,
        include: included(&written.including),
        nulls: nulls(written.nulls_not_distinct),
        without_overlaps: written.without_overlaps,
        options: options(&written.options),
        tablespace: optional(&written.indexspace),
    }
}

fn foreign_key(columns: Vec<Identifier>, written: &pg::Constraint) -> ForeignKey {
    ForeignKey {
        columns,
        references: relation_of(written.pktable.as_ref()),
        referenced_columns: identifiers(&written.pk_attrs),
        match_full: letter(&written.fk_matchtype) == 'f',
        on_delete: action(&written.fk_del_action),
        on_update: action(&written.fk_upd_action),
        on_delete_columns: identifiers(&written.fk_del_set_cols),
        period: written.fk_with_period,
    }
}

fn action(code: &str) -> ReferentialAction {
    match letter(code) {
        'r' => ReferentialAction::Restrict,
        'c' => ReferentialAction::Cascade,
        'n' => ReferentialAction::SetNull,
        'd' => ReferentialAction::SetDefault,
        _ => ReferentialAction::NoAction,
    }
}

fn exclude(source: &Source<'_>, table: &Name, written: &pg::Constraint) -> Exclude {
    let open = source.find_word(first_token(source, written), source.end(), "(");
    let places = source.split(open + 1, source.closing(open));
    let elements = written.exclusions.iter().zip(places).filter_map(|(node, place)| exclusion(source, table, node, place.0));
    let elements = elements.collect();
    let predicate = written.where_clause.as_deref().map(|condition| {
        let keyword = source.find_word(source.closing(open) + 1, source.end(), "WHERE");
        source.mark(source.span(keyword + 2, source.closing(keyword + 1)), condition, Owner::Table(table, None))
    });
    Exclude {
        method: Identifier::from(written.access_method.as_str()),
        elements,
        include: included(&written.including),
        predicate,
        options: options(&written.options),
        tablespace: optional(&written.indexspace),
    }
}

/// `element WITH operator`.
fn exclusion(source: &Source<'_>, table: &Name, node: &Node, from: usize) -> Option<(IndexElement, String)> {
    let Some(NodeEnum::List(pair)) = &node.node else { return None };
    let (Some(NodeEnum::IndexElem(element)), Some(NodeEnum::List(operator))) = (&pair.items.first()?.node, &pair.items.get(1)?.node) else {
        return None;
    };
    let operator = match operator.items.as_slice() {
        [name] => joined(std::slice::from_ref(name)),
        names => format!("OPERATOR({})", joined(names)),
    };
    Some((index_element(source, table, element, from), operator))
}

/// `ALTER TABLE … ADD CONSTRAINT`.
pub(super) fn add(subcommand: &Subcommand<'_>) -> Option<Change> {
    let Some(NodeEnum::Constraint(written)) = subcommand.definition() else { return None };
    let table = subcommand.table();
    if !written.indexname.is_empty() {
        return Some(Change::AddConstraintUsingIndex {
            table,
            constraint: optional(&written.conname),
            index: Identifier::from(written.indexname.as_str()),
            primary: written.contype() == ConstrType::ConstrPrimary,
            timing: timing(written.deferrable, written.initdeferred),
        });
    }
    let constraint = constraint(subcommand.source, &table, None, written)?;
    Some(Change::AddConstraint { table, constraint })
}

/// `ALTER TABLE … ALTER CONSTRAINT`.
pub(super) fn alter(subcommand: &Subcommand<'_>) -> Option<Change> {
    let Some(NodeEnum::AtalterConstraint(written)) = subcommand.definition() else { return None };
    let enforcement = if written.is_enforced { Enforcement::Enforced } else { Enforcement::NotEnforced };
    Some(Change::AlterConstraint {
        table: subcommand.table(),
        constraint: Identifier::from(written.conname.as_str()),
        timing: written.alter_deferrability.then(|| timing(written.deferrable, written.initdeferred)),
        enforcement: written.alter_enforceability.then_some(enforcement),
        no_inherit: written.alter_inheritability.then_some(written.noinherit),
    })
}

/// `ALTER TABLE … VALIDATE CONSTRAINT`.
pub(super) fn validate(subcommand: &Subcommand<'_>) -> Change {
    Change::ValidateConstraint { table: subcommand.table(), constraint: subcommand.name() }
}

/// `ALTER TABLE … DROP CONSTRAINT`.
pub(super) fn drop(subcommand: &Subcommand<'_>) -> Change {
    let (behavior, if_exists) = (behavior(subcommand.node.behavior), if_exists(subcommand.node.missing_ok));
    Change::DropConstraint { table: subcommand.table(), constraint: subcommand.name(), behavior, if_exists }
}

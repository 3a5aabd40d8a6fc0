//! Constraints, as they stand in CREATE TABLE and after ADD.

use super::{identifier, index_element, list, name, optional, text, with_options};
use crate::schema::constraint::Exclude;
use crate::schema::{
    Constraint, ConstraintKind, Enforcement, ForeignKey, Identifier, Key, NullsDistinct, ReferentialAction, Timing, Validity,
};

/// A constraint: `CONSTRAINT name CHECK (…) NOT VALID`. In CREATE TABLE, where nothing is there to be checked, PostgreSQL passes
/// over NOT VALID.
pub fn constraint(constraint: &Constraint) -> String {
    let named = optional("CONSTRAINT ", constraint.name.as_ref(), |name| format!("{} ", identifier(name)));
    let demand = match &constraint.kind {
        ConstraintKind::NotNull { column } => format!("NOT NULL {}", identifier(column)),
        ConstraintKind::Check { expression } => format!("CHECK ({})", text(expression)),
        ConstraintKind::Unique(key) => format!("UNIQUE{}", self::key(key)),
        ConstraintKind::PrimaryKey(key) => format!("PRIMARY KEY{}", self::key(key)),
        ConstraintKind::ForeignKey(key) => foreign_key(key),
        ConstraintKind::Exclude(excluded) => exclude(excluded),
    };
    format!("{named}{demand}{}", attributes(constraint))
}

fn attributes(constraint: &Constraint) -> String {
    let inherited = if constraint.no_inherit { " NO INHERIT" } else { "" };
    let timing = match constraint.timing {
        Timing::Immediate => "",
        Timing::Deferrable => " DEFERRABLE",
        Timing::Deferred => " DEFERRABLE INITIALLY DEFERRED",
    };
    let enforcement = match constraint.enforcement {
        Enforcement::Enforced => "",
        Enforcement::NotEnforced => " NOT ENFORCED",
    };
    let validity = match (constraint.validity, constraint.enforcement) {
        (Validity::NotValid, Enforcement::Enforced) => " NOT VALID",
        (Validity::Valid, _) | (Validity::NotValid, Enforcement::NotEnforced) => "",
    };
    format!("{inherited}{timing}{enforcement}{validity}")
}

fn key(key: &Key) -> String {
    let nulls = match key.nulls {
        NullsDistinct::Distinct => "",
        NullsDistinct::NotDistinct => " NULLS NOT DISTINCT",
    };
    let overlaps = if key.without_overlaps { " WITHOUT OVERLAPS" } else { "" };
    format!(
        "{nulls} ({}{overlaps}){}{}{}",
        list(&key.columns),
        including(&key.include),
        with_options(&key.options),
        index_tablespace(key.tablespace.as_ref())
    )
}

fn including(columns: &[Identifier]) -> String {
    if columns.is_empty() { String::new() } else { format!(" INCLUDE ({})", list(columns)) }
}

fn index_tablespace(tablespace: Option<&Identifier>) -> String {
    optional(" USING INDEX TABLESPACE ", tablespace, identifier)
}

fn foreign_key(key: &ForeignKey) -> String {
    let with_period = |columns: &[Identifier]| match columns.split_last() {
        Some((last, [])) if key.period => format!("PERIOD {}", identifier(last)),
        Some((last, others)) if key.period => format!("{}, PERIOD {}", list(others), identifier(last)),
        _ => list(columns),
    };
    let referenced = if key.referenced_columns.is_empty() { String::new() } else { format!(" ({})", with_period(&key.referenced_columns)) };
    let matched = if key.match_full { " MATCH FULL" } else { "" };
    let columns = if key.on_delete_columns.is_empty() { String::new() } else { format!(" ({})", list(&key.on_delete_columns)) };
    let update = reference_action(key.on_update).map(|action| format!(" ON UPDATE {action}")).unwrap_or_default();
    let delete = reference_action(key.on_delete).map(|action| format!(" ON DELETE {action}{columns}")).unwrap_or_default();
    format!("FOREIGN KEY ({}) REFERENCES {}{referenced}{matched}{update}{delete}", with_period(&key.columns), name(&key.references))
}

/// What follows ON DELETE or ON UPDATE; nothing where that is what goes without saying.
pub fn reference_action(action: ReferentialAction) -> Option<&'static str> {
    match action {
        ReferentialAction::NoAction => None,
        ReferentialAction::Restrict => Some("RESTRICT"),
        ReferentialAction::Cascade => Some("CASCADE"),
        ReferentialAction::SetNull => Some("SET NULL"),
        ReferentialAction::SetDefault => Some("SET DEFAULT"),
    }
}

fn exclude(exclude: &Exclude) -> String {
    let elements: Vec<String> =
        exclude.elements.iter().map(|(element, operator)| format!("{} WITH {operator}", index_element(element))).collect();
    let predicate = optional(" WHERE ", exclude.predicate.as_ref(), |predicate| format!("({})", text(predicate)));
    format!(
        "EXCLUDE USING {} ({}){}{}{}{predicate}",
        identifier(&exclude.method),
        elements.join(", "),
        including(&exclude.include),
        with_options(&exclude.options),
        index_tablespace(exclude.tablespace.as_ref())
    )
}

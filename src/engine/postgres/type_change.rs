//! What a change of a column's type costs. Never optimistic: a pair of types that isn't known to be the same in storage is
//! a rewrite.

use super::spelling::canonical_type;
use crate::schema::object::TypeKind;
use crate::schema::{Catalog, Column, DataType, Index, IndexKey, Name, Part, Sql};

/// What a change of type does to the table's storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TypeChange {
    /// The catalog changes, neither rows nor plain indexes do. Expression indexes, partial indexes and CHECKs that
    /// mention the column are still built and checked again.
    Metadata,
    /// Rows stay, every index on the column is built again.
    IndexRebuild,
    /// Every row is written anew, with all indexes of the table.
    Rewrite,
}

/// A change of type, as ALTER COLUMN TYPE says it.
#[derive(Debug, Clone, Copy)]
pub struct Retype<'a> {
    /// The column before it.
    pub column: &'a Column,
    /// The new type.
    pub to: &'a DataType,
    /// `COLLATE`. Without it the column takes the type's own.
    pub collation: Option<&'a Name>,
    /// `USING`.
    pub using: Option<&'a Sql>,
}

/// What a change of type does to the table's storage (PostgreSQL 12 to 18).
///
/// `timestamp` to `timestamptz` and back is a rewrite here, though it is none in a session whose time zone never has
/// an offset: which zone a session will have isn't known.
pub fn type_change(retype: &Retype<'_>, catalog: &Catalog) -> TypeChange {
    let Retype { column, to, collation, using } = *retype;
    if using.is_some_and(|using| !is_plain_cast(using, column, to)) {
        return TypeChange::Rewrite;
    }
    let storage = between(&column.data_type, to, catalog);
    if storage == TypeChange::Metadata && column.collation.as_ref() != collation { TypeChange::IndexRebuild } else { storage }
}

/// Whether an index on the column is built again although the table is not.
pub(super) fn rebuilds_index(change: TypeChange, index: &Index, column: &Column) -> bool {
    if !index.mentions(&column.name) {
        return false;
    }
    let by_expression = index.elements.iter().any(|element| match &element.key {
        IndexKey::Expression(expression) => !expression.parts.is_empty(),
        IndexKey::Column(_) => false,
    });
    let keyed = index.elements.iter().any(|element| element.columns().any(|name| name == &column.name));
    // PostgreSQL compares columns and operator classes; an expression or a predicate is never taken to be the same.
    by_expression || index.predicate.is_some() || index.parent.is_some() || (change == TypeChange::IndexRebuild && keyed)
}

/// Whether USING says no more than the cast that would be made without it.
fn is_plain_cast(using: &Sql, column: &Column, to: &DataType) -> bool {
    let mut parts = using.parts.iter().filter(|part| !matches!(part, Part::Text(text) if text.trim().is_empty()));
    let mut qualified = parts.clone();
    if let (Some(Part::Relation(_)), Some(Part::Text(dot))) = (qualified.next(), qualified.next())
        && dot.trim() == "."
    {
        parts.nth(1);
    }
    let first = parts.next();
    if !matches!(first, Some(Part::Column { of: None, name }) if name == &column.name) {
        return false;
    }
    match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => true,
        (Some(Part::Text(cast)), None, _) => {
            cast.trim().strip_prefix("::").is_some_and(|written| canonical_type(written).as_ref() == Some(to))
        }
        (Some(Part::Text(cast)), Some(Part::Type(name)), None) => {
            cast.trim() == "::" && &to.name == name && to.modifiers.is_empty() && to.dimensions == 0
        }
        _ => false,
    }
}

/// From one type to the other, collation and USING aside.
fn between(from: &DataType, to: &DataType, catalog: &Catalog) -> TypeChange {
    if from == to {
        return TypeChange::Metadata;
    }
    if from.dimensions > 0 || to.dimensions > 0 {
        return TypeChange::Rewrite;
    }
    if is_constrained_domain(to, catalog) {
        return TypeChange::Rewrite;
    }
    match (base_of(from, catalog), base_of(to, catalog)) {
        (None, None) => between_built_in(from, to),
        // Between a domain and another type a length is enforced by a function that isn't simplified away.
        (Some(base), None) if to.modifiers.is_empty() || base == *to => between_built_in(&base, to),
        (None, Some(base)) if base.modifiers.is_empty() || base == *from => between_built_in(from, &base),
        (Some(left), Some(right)) if left == right => TypeChange::Metadata,
        _ => TypeChange::Rewrite,
    }
}

/// The type below a domain, and below the domains below it.
pub(super) fn base_of(data_type: &DataType, catalog: &Catalog) -> Option<DataType> {
    if data_type.dimensions > 0 {
        return None;
    }
    match &catalog.types.get(&data_type.name)?.kind {
        TypeKind::Domain { base, .. } => Some(base_of(base, catalog).unwrap_or_else(|| base.clone())),
        TypeKind::Enum { .. } | TypeKind::Composite { .. } | TypeKind::Range { .. } | TypeKind::Base { .. } => None,
    }
}

/// Whether values of the type must pass a check: a domain with a CHECK or NOT NULL, or over one that has.
pub fn is_constrained_domain(data_type: &DataType, catalog: &Catalog) -> bool {
    if data_type.dimensions > 0 {
        return false;
    }
    let Some(user) = catalog.types.get(&data_type.name) else { return false };
    match &user.kind {
        TypeKind::Domain { base, not_null, checks, .. } => *not_null || !checks.is_empty() || is_constrained_domain(base, catalog),
        TypeKind::Enum { .. } | TypeKind::Composite { .. } | TypeKind::Range { .. } | TypeKind::Base { .. } => false,
    }
}

/// Pairs of types of which one can be read as the other, with the same operator class.
const SAME_STORAGE: &[(&str, &str)] = &[
    ("cidr", "inet"),
    ("regclass", "oid"),
    ("regproc", "oid"),
    ("regtype", "oid"),
    ("text", "varchar"),
    ("varchar", "text"),
    ("xml", "text"),
    ("xml", "varchar"),
];

/// Pairs of types of which one can be read as the other, but which are ordered by another operator class.
const SAME_BYTES: &[(&str, &str)] = &[
    ("int4", "oid"),
    ("oid", "int4"),
    ("oid", "regclass"),
    ("text", "bpchar"),
    ("varchar", "bpchar"),
    ("bit", "varbit"),
    ("varbit", "bit"),
];

fn between_built_in(from: &DataType, to: &DataType) -> TypeChange {
    let (left, right) = (from.name.name.as_str(), to.name.name.as_str());
    let of = |pairs: &[(&str, &str)]| pairs.contains(&(left, right));
    if from.name == to.name {
        return if widens(left, &from.modifiers, &to.modifiers) { TypeChange::Metadata } else { TypeChange::Rewrite };
    }
    if is_citext_and_text(from, to) {
        return if to.modifiers.is_empty() { TypeChange::IndexRebuild } else { TypeChange::Rewrite };
    }
    let keeps_values = to.modifiers.is_empty() || (right == "varchar" && left == "varchar");
    if !keeps_values {
        return TypeChange::Rewrite;
    }
    if of(SAME_STORAGE) {
        TypeChange::Metadata
    } else if of(SAME_BYTES) {
        TypeChange::IndexRebuild
    } else {
        TypeChange::Rewrite
    }
}

/// `citext` lives where its extension was created.
fn is_citext_and_text(from: &DataType, to: &DataType) -> bool {
    let is_citext = |data_type: &DataType| data_type.name.name == "citext" && !data_type.name.is_built_in("citext");
    let is_text = |data_type: &DataType| data_type.is("text") || data_type.is("varchar");
    (is_citext(from) && is_text(to)) || (is_text(from) && is_citext(to))
}

/// Whether every value of the type with modifiers `from` is one with modifiers `to`, and PostgreSQL knows it.
fn widens(name: &str, from: &[String], to: &[String]) -> bool {
    if from == to {
        return true;
    }
    let number = |modifiers: &[String], place: usize| modifiers.get(place).and_then(|modifier| modifier.parse::<i64>().ok());
    match name {
        "varchar" | "varbit" => to.is_empty() || number(from, 0).zip(number(to, 0)).is_some_and(|(from, to)| from <= to),
        "numeric" => {
            let scale = |modifiers: &[String]| number(modifiers, 1).unwrap_or(0);
            to.is_empty() || (number(from, 0).zip(number(to, 0)).is_some_and(|(from, to)| from <= to) && scale(from) == scale(to))
        }
        // Six digits are all there are.
        "time" | "timetz" | "timestamp" | "timestamptz" => {
            let precision = |modifiers: &[String]| number(modifiers, 0).unwrap_or(6);
            precision(from) <= precision(to)
        }
        "interval" => widens_interval(from, to),
        _ => false,
    }
}

/// `interval`'s modifiers are the fields as a bit mask and the precision.
fn widens_interval(from: &[String], to: &[String]) -> bool {
    const FULL_RANGE: i64 = 0x7FFF;
    let fields = |modifiers: &[String]| modifiers.first().and_then(|modifier| modifier.parse::<i64>().ok()).unwrap_or(FULL_RANGE);
    let precision = |modifiers: &[String]| modifiers.get(1).and_then(|modifier| modifier.parse::<i64>().ok()).unwrap_or(6);
    let has_least = |from: i64, to: i64| to == FULL_RANGE || from == to;
    has_least(fields(from), fields(to)) && precision(from) <= precision(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data_type(text: &str) -> DataType {
        match text {
            "citext" => DataType { name: crate::schema::Name::new("public", "citext"), modifiers: Vec::new(), dimensions: 0 },
            text => canonical_type(text).unwrap_or_else(|| panic!("no type: {text}")),
        }
    }

    fn check(from: &str, to: &str, expected: TypeChange) {
        let column = Column::new("x", data_type(from));
        let found = type_change(&Retype { column: &column, to: &data_type(to), collation: None, using: None }, &Catalog::default());
        assert_eq!(found, expected, "{from} to {to}");
    }

    #[test]
    fn a_widening_keeps_the_rows() {
        for (from, to) in [
            ("varchar(20)", "varchar(50)"),
            ("varchar(20)", "text"),
            ("varchar", "text"),
            ("text", "varchar"),
            ("numeric(10,2)", "numeric(12,2)"),
            ("numeric(10,2)", "numeric"),
            ("timestamp(3)", "timestamp"),
            ("cidr", "inet"),
            ("varbit(3)", "varbit"),
        ] {
            check(from, to, TypeChange::Metadata);
        }
    }

    #[test]
    fn anything_else_writes_the_rows_anew() {
        for (from, to) in [
            ("varchar(50)", "varchar(20)"),
            ("text", "varchar(50)"),
            ("char(5)", "char(10)"),
            ("char(5)", "text"),
            ("varchar(5)[]", "varchar(10)[]"),
            ("cidr", "text"),
            ("json", "jsonb"),
            ("int", "bigint"),
            ("numeric(10,2)", "numeric(12,3)"),
            ("timestamp", "timestamp(3)"),
        ] {
            check(from, to, TypeChange::Rewrite);
        }
    }

    #[test]
    fn another_operator_class_builds_the_indexes_again() {
        check("int", "oid", TypeChange::IndexRebuild);
        check("text", "citext", TypeChange::IndexRebuild);
        check("varchar(20)", "citext", TypeChange::IndexRebuild);
    }

    #[test]
    fn a_using_that_is_the_cast_itself_changes_nothing() {
        let column = Column::new("x", data_type("varchar(20)"));
        let own = || Part::Column { of: None, name: "x".into() };
        for (using, expected) in [
            (vec![own()], TypeChange::Metadata),
            (vec![own(), Part::Text("::text".to_owned())], TypeChange::Metadata),
            (vec![Part::Text("lower(".to_owned()), own(), Part::Text(")".to_owned())], TypeChange::Rewrite),
            (vec![own(), Part::Text("::int".to_owned())], TypeChange::Rewrite),
        ] {
            let using = Sql { parts: using };
            let retype = Retype { column: &column, to: &data_type("text"), collation: None, using: Some(&using) };
            assert_eq!(type_change(&retype, &Catalog::default()), expected, "{using:?}");
        }
    }
}

//! What an outline says of each thing. Two spellings of one meaning give one text; must never depend on how an expression is written.

use crate::schema::options::Options;
use std::collections::BTreeSet;

use super::full;
use crate::schema::column::{Column, GeneratedKind, IdentityKind};
use crate::schema::constraint::{Constraint, ConstraintKind, Enforcement, ForeignKey, Timing, Validity};
use crate::schema::data_type::DataType;
use crate::schema::index::{Index, IndexElement, IndexKey, NullsDistinct, Uniqueness};
use crate::schema::name::Identifier;
use crate::schema::object::{Sequence, TypeKind};
use crate::schema::table::{Persistence, ReplicaIdentity, Table, TableKind};
use crate::schema::text::Sql;

pub(super) fn table(table: &Table) -> String {
    let mut words = Vec::new();
    match table.persistence {
        Persistence::Permanent => {}
        Persistence::Unlogged => words.push("unlogged".to_owned()),
        Persistence::Temporary => words.push("temporary".to_owned()),
    }
    match &table.kind {
        TableKind::Plain => {}
        TableKind::Partitioned { strategy, key } => words.push(format!("partitioned by {strategy} ({})", elements(key))),
        TableKind::Foreign { server, .. } => words.push(format!("foreign on {server}")),
    }
    words.extend(table.partition_of.as_ref().map(|partition| format!("partition of {}", full(&partition.parent))));
    if table.partition_of.is_none() {
        words.extend(table.parents.iter().map(|parent| format!("inherits {}", full(parent))));
    }
    words.extend(table.of_type.as_ref().map(|of_type| format!("of {}", full(of_type))));
    words.extend(options(&table.options));
    words.extend(table.row_security.then(|| "row security".to_owned()));
    words.extend(table.force_row_security.then(|| "forced row security".to_owned()));
    match &table.replica_identity {
        ReplicaIdentity::Default => {}
        ReplicaIdentity::Full => words.push("replica identity full".to_owned()),
        ReplicaIdentity::Nothing => words.push("replica identity nothing".to_owned()),
        ReplicaIdentity::Index(index) => words.push(format!("replica identity {index}")),
    }
    words.join(", ")
}

pub(super) fn column(column: &Column, not_null: bool) -> String {
    let mut words = vec![data_type(&column.data_type)];
    words.extend(column.collation.as_ref().filter(|name| name.name != "default").map(|name| format!("collate {}", name.name)));
    words.extend(not_null.then(|| "not null".to_owned()));
    words.extend(column.default.as_ref().filter(|default| !is_null(default)).map(|_| "default".to_owned()));
    words.extend(column.generated.as_ref().map(|generated| match generated.kind {
        GeneratedKind::Stored => format!("generated from {}", columns(&generated.expression)),
        GeneratedKind::Virtual => format!("virtual from {}", columns(&generated.expression)),
    }));
    words.extend(column.identity.as_ref().map(|identity| match identity.kind {
        IdentityKind::Always => "identity always".to_owned(),
        IdentityKind::ByDefault => "identity by default".to_owned(),
    }));
    words.join(" ")
}

/// Without a word for NOT NULL: the column says it, and servers differ in whether it has a name.
pub(super) fn constraint(constraint: &Constraint) -> Option<String> {
    let mut words = vec![match &constraint.kind {
        ConstraintKind::NotNull { .. } => return None,
        ConstraintKind::Check { expression } => format!("check over {}", columns(expression)),
        ConstraintKind::Unique(key) => format!("unique ({})", list(&key.columns)) + nulls(key.nulls),
        ConstraintKind::PrimaryKey(key) => format!("primary key ({})", list(&key.columns)),
        ConstraintKind::ForeignKey(key) => foreign_key(key),
        ConstraintKind::Exclude(exclude) => {
            let elements: Vec<_> = exclude.elements.iter().map(|(element, _)| element.clone()).collect();
            format!("exclude {} ({})", exclude.method, self::elements(&elements))
        }
    }];
    match constraint.timing {
        Timing::Immediate => {}
        Timing::Deferrable => words.push("deferrable".to_owned()),
        Timing::Deferred => words.push("deferred".to_owned()),
    }
    match (constraint.enforcement, constraint.validity) {
        (Enforcement::NotEnforced, _) => words.push("not enforced".to_owned()),
        (Enforcement::Enforced, Validity::NotValid) => words.push("not valid".to_owned()),
        (Enforcement::Enforced, Validity::Valid) => {}
    }
    words.extend(constraint.no_inherit.then(|| "no inherit".to_owned()));
    Some(words.join(" "))
}

fn foreign_key(key: &ForeignKey) -> String {
    format!(
        "foreign key ({}) references {} ({}) on delete {:?} ({}) on update {:?}{}",
        list(&key.columns),
        full(&key.references),
        list(&key.referenced_columns),
        key.on_delete,
        list(&key.on_delete_columns),
        key.on_update,
        if key.match_full { " match full" } else { "" }
    )
}

pub(super) fn index(index: &Index) -> String {
    let mut words = vec![format!("on {} {} ({})", full(&index.table), index.method, elements(&index.elements)) + nulls(index.nulls)];
    match index.uniqueness {
        Uniqueness::Plain => {}
        Uniqueness::Unique => words.push("unique".to_owned()),
    }
    words.extend((!index.include.is_empty()).then(|| format!("include ({})", list(&index.include))));
    words.extend(index.predicate.as_ref().map(|predicate| format!("where {}", columns(predicate))));
    words.extend(options(&index.options));
    words.extend(index.constraint.as_ref().map(|constraint| format!("of constraint {constraint}")));
    words.extend(index.parent.as_ref().map(|parent| format!("part of {}", full(parent))));
    words.join(" ")
}

pub(super) fn sequence(sequence: &Sequence) -> String {
    let owner = sequence.owned_by.as_ref().map(|(table, column)| format!(" owned by {}.{column}", full(table))).unwrap_or_default();
    let options: Vec<_> = sequence.options.iter().map(|(name, value)| format!(" {name} {value}")).collect();
    data_type(&sequence.data_type) + &owner + &options.concat()
}

pub(super) fn user_type(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Enum { labels } => format!("enum {labels:?}"),
        TypeKind::Domain { base, default, not_null, .. } => format!(
            "domain over {}{}{}",
            data_type(base),
            if *not_null { " not null" } else { "" },
            if default.is_some() { " default" } else { "" }
        ),
        TypeKind::Composite { attributes } => {
            let attributes: Vec<_> = attributes.iter().map(|(name, of, _)| format!("{name} {}", data_type(of))).collect();
            format!("composite ({})", attributes.join(", "))
        }
        TypeKind::Range { .. } => "range".to_owned(),
        TypeKind::Base { .. } => "base".to_owned(),
    }
}

/// A type. `numeric(10)` is `numeric(10,0)`; nobody keeps how many `[]` were written.
pub(super) fn data_type(of: &DataType) -> String {
    let mut modifiers = of.modifiers.clone();
    if of.name.is_built_in("numeric") && modifiers.len() == 1 {
        modifiers.push("0".to_owned());
    }
    let name = if of.name.schema.as_ref().is_some_and(|schema| schema == "pg_catalog") { of.name.name.to_string() } else { full(&of.name) };
    let modifiers = if modifiers.is_empty() { String::new() } else { format!("({})", modifiers.join(",")) };
    format!("{name}{modifiers}{}", if of.dimensions > 0 { "[]" } else { "" })
}

fn elements(elements: &[IndexElement]) -> String {
    let each = elements.iter().map(|element| {
        let key = match &element.key {
            IndexKey::Column(name) => name.to_string(),
            IndexKey::Expression(expression) => format!("expression over {}", columns(expression)),
        };
        // NULLs come last going up and first going down, unless it says otherwise.
        let nulls = match element.nulls_first {
            Some(first) if first != element.descending => {
                if first {
                    " nulls first"
                } else {
                    " nulls last"
                }
            }
            Some(_) | None => "",
        };
        key + if element.descending { " desc" } else { "" } + nulls
    });
    each.collect::<Vec<_>>().join(", ")
}

fn nulls(nulls: NullsDistinct) -> &'static str {
    match nulls {
        NullsDistinct::Distinct => "",
        NullsDistinct::NotDistinct => " nulls not distinct",
    }
}

/// The columns that an expression names.
fn columns(expression: &Sql) -> String {
    let names: BTreeSet<_> = expression.own_columns().map(Identifier::as_str).collect();
    format!("({})", names.into_iter().collect::<Vec<_>>().join(", "))
}

/// `DEFAULT NULL` is none.
fn is_null(expression: &Sql) -> bool {
    use crate::schema::text::Part;
    matches!(expression.parts.as_slice(), [Part::Text(text)] if text.trim().eq_ignore_ascii_case("null"))
}

fn list(names: &[Identifier]) -> String {
    names.iter().map(Identifier::as_str).collect::<Vec<_>>().join(", ")
}

fn options(options: &Options) -> Option<String> {
    let each: Vec<_> = options.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (!each.is_empty()).then(|| format!("with ({})", each.join(", ")))
}

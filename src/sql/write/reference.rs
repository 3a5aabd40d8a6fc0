//! Objects of any kind, as COMMENT ON, GRANT ON, ALTER and DROP name them. Must never look an object up.

use super::{identifier, name, quoted};
use crate::schema::{ObjectKind, ObjectRef};

/// The keyword of a kind, as in `DROP MATERIALIZED VIEW`.
pub fn keyword(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::AccessMethod => "ACCESS METHOD",
        ObjectKind::Aggregate => "AGGREGATE",
        ObjectKind::OperatorFamilyOperator | ObjectKind::OperatorFamilyFunction | ObjectKind::OperatorFamily => "OPERATOR FAMILY",
        ObjectKind::Attribute | ObjectKind::Column | ObjectKind::Default => "COLUMN",
        ObjectKind::Cast => "CAST",
        ObjectKind::Collation => "COLLATION",
        ObjectKind::Conversion => "CONVERSION",
        ObjectKind::Database => "DATABASE",
        ObjectKind::DefaultPrivileges => "DEFAULT PRIVILEGES",
        ObjectKind::Domain => "DOMAIN",
        ObjectKind::DomainConstraint | ObjectKind::TableConstraint => "CONSTRAINT",
        ObjectKind::EventTrigger => "EVENT TRIGGER",
        ObjectKind::Extension => "EXTENSION",
        ObjectKind::ForeignDataWrapper => "FOREIGN DATA WRAPPER",
        ObjectKind::ForeignServer => "SERVER",
        ObjectKind::ForeignTable => "FOREIGN TABLE",
        ObjectKind::Function => "FUNCTION",
        ObjectKind::Index => "INDEX",
        ObjectKind::Language => "LANGUAGE",
        ObjectKind::LargeObject => "LARGE OBJECT",
        ObjectKind::MaterializedView => "MATERIALIZED VIEW",
        ObjectKind::OperatorClass => "OPERATOR CLASS",
        ObjectKind::Operator => "OPERATOR",
        ObjectKind::Parameter => "PARAMETER",
        ObjectKind::Policy => "POLICY",
        ObjectKind::Procedure => "PROCEDURE",
        ObjectKind::Publication | ObjectKind::PublicationSchema | ObjectKind::PublicationTable => "PUBLICATION",
        ObjectKind::Role => "ROLE",
        ObjectKind::Routine => "ROUTINE",
        ObjectKind::Rule => "RULE",
        ObjectKind::Schema => "SCHEMA",
        ObjectKind::Sequence => "SEQUENCE",
        ObjectKind::Subscription => "SUBSCRIPTION",
        ObjectKind::Statistics => "STATISTICS",
        ObjectKind::Table => "TABLE",
        ObjectKind::Tablespace => "TABLESPACE",
        ObjectKind::Transform => "TRANSFORM",
        ObjectKind::Trigger => "TRIGGER",
        ObjectKind::TextSearchConfiguration => "TEXT SEARCH CONFIGURATION",
        ObjectKind::TextSearchDictionary => "TEXT SEARCH DICTIONARY",
        ObjectKind::TextSearchParser => "TEXT SEARCH PARSER",
        ObjectKind::TextSearchTemplate => "TEXT SEARCH TEMPLATE",
        ObjectKind::Type => "TYPE",
        ObjectKind::UserMapping => "USER MAPPING",
        ObjectKind::View => "VIEW",
    }
}

/// An object by kind and name: `COLUMN public.users.name`, `TRIGGER touch ON public.users`, `FUNCTION public.f(integer)`.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other kinds are a keyword and a name")]
pub fn object(object: &ObjectRef) -> String {
    let word = keyword(object.kind);
    let on = name(&object.name);
    let detail = object.detail.as_deref().unwrap_or_default();
    match object.kind {
        ObjectKind::Column | ObjectKind::Attribute | ObjectKind::Default => format!("{word} {on}.{}", quoted(detail)),
        ObjectKind::TableConstraint | ObjectKind::Trigger | ObjectKind::Policy | ObjectKind::Rule => {
            format!("{word} {} ON {on}", quoted(detail))
        }
        ObjectKind::DomainConstraint => format!("{word} {} ON DOMAIN {on}", quoted(detail)),
        ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine => match &object.detail {
            Some(arguments) => format!("{word} {on}({arguments})"),
            None => format!("{word} {on}"),
        },
        ObjectKind::Aggregate => format!("{word} {on}({})", if detail.is_empty() { "*" } else { detail }),
        ObjectKind::Operator => format!("{word} {}({detail})", operator(object)),
        ObjectKind::Cast => format!("{word} ({detail})"),
        ObjectKind::OperatorClass | ObjectKind::OperatorFamily => format!("{word} {on} USING {}", quoted(detail)),
        ObjectKind::Transform => format!("{word} FOR {on} LANGUAGE {}", quoted(detail)),
        _ => format!("{word} {on}"),
    }
}

/// An operator's name is made of signs, which take no quotes.
fn operator(object: &ObjectRef) -> String {
    match &object.name.schema {
        Some(schema) if schema != "pg_catalog" => format!("{}.{}", identifier(schema), object.name.name),
        _ => object.name.name.to_string(),
    }
}

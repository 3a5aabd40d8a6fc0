//! Types and domains. Never names a domain's unnamed CHECK: the database does, on folding.

use pg_query::protobuf::{
    AlterDomainStmt, AlterEnumStmt, AlterTypeStmt, CompositeTypeStmt, ConstrType, Constraint, CreateDomainStmt, CreateEnumStmt,
    CreateRangeStmt, DefineStmt,
};
use pg_query::{Node, NodeEnum};

use super::column::declarations;
use super::constraint::{check, first_token};
use super::data_type::optional_data_type;
use super::index::listed;
use super::name::{dotted, relation_of, string};
use super::nodes::{behavior, elements, if_exists, letter, optional};
use super::{one, opaque};
use crate::schema::change::Touches;
use crate::schema::object::{TypeKind, UserType};
use crate::schema::{Change, Identifier, Name, ObjectKind, ObjectRef, Part, Sql, Validity};
use crate::sql::postgres::mark::Owner;
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// `CREATE DOMAIN`.
#[expect(clippy::wildcard_enum_match_arm, reason = "NULL says what is so anyway, and the database refuses the others on a domain")]
pub(super) fn create_domain(source: &Source<'_>, statement: &CreateDomainStmt) -> Vec<Lowered> {
    let parts: Vec<&Constraint> = statement.constraints.iter().filter_map(constraint_of).collect();
    let (mut default, mut not_null, mut checks) = (None, false, Vec::new());
    for part in &parts {
        match part.contype() {
            ConstrType::ConstrDefault => {
                // Where the next part begins, or the statement ends.
                let next = parts.iter().map(|other| other.location).filter(|other| *other > part.location).min();
                let end = next.map_or(source.end(), |next| source.at(next));
                default = Some(source.mark(source.span(first_token(source, part) + 1, end), &part.raw_expr, Owner::Value));
            }
            ConstrType::ConstrNotnull => not_null = true,
            ConstrType::ConstrCheck => {
                checks.push((Identifier::from(part.conname.as_str()), check(source, part, Owner::Value), Validity::Valid));
            }
            _ => {}
        }
    }
    let kind = TypeKind::Domain {
        base: optional_data_type(statement.type_name.as_ref()),
        collation: statement.coll_clause.as_ref().and_then(|clause| listed(&clause.collname)),
        default,
        not_null,
        checks,
    };
    create(source, &statement.domainname, kind)
}

/// `ALTER DOMAIN`.
pub(super) fn alter_domain(source: &Source<'_>, statement: &AlterDomainStmt) -> Vec<Lowered> {
    let name = dotted(&statement.type_name);
    let constraint = Identifier::from(statement.name.as_str());
    let change = match letter(&statement.subtype) {
        'T' => Change::SetDomainDefault {
            default: statement.def.as_deref().map(|expression| {
                let keyword = source.find(0, source.end(), |index| source.are(index, &["SET", "DEFAULT"]));
                source.mark(source.span(keyword + 2, source.end()), expression, Owner::Value)
            }),
            name,
        },
        'N' => Change::SetDomainNotNull { name, not_null: false },
        'O' => Change::SetDomainNotNull { name, not_null: true },
        'C' => match statement.def.as_deref().and_then(constraint_of) {
            Some(written) => added(source, name, written),
            None => return opaque(source, "a constraint without a definition", touched(ObjectKind::Domain, name)),
        },
        'X' => {
            let (behavior, if_exists) = (behavior(statement.behavior), if_exists(statement.missing_ok));
            Change::DropDomainConstraint { name, constraint, behavior, if_exists }
        }
        'V' => Change::ValidateDomainConstraint { name, constraint },
        _ => return opaque(source, "this form of ALTER DOMAIN is not read", touched(ObjectKind::Domain, name)),
    };
    one(source, change)
}

fn added(source: &Source<'_>, name: Name, written: &Constraint) -> Change {
    if written.contype() == ConstrType::ConstrNotnull {
        return Change::SetDomainNotNull { name, not_null: true };
    }
    Change::AddDomainConstraint {
        name,
        constraint: optional(&written.conname),
        check: check(source, written, Owner::Value),
        validity: if written.skip_validation { Validity::NotValid } else { Validity::Valid },
    }
}

/// `CREATE TYPE … AS (…)`.
pub(super) fn create_composite(source: &Source<'_>, statement: &CompositeTypeStmt) -> Vec<Lowered> {
    let attributes = declarations(&statement.coldeflist).map(|attribute| {
        let collation = attribute.coll_clause.as_ref().and_then(|clause| listed(&clause.collname));
        (Identifier::from(attribute.colname.as_str()), optional_data_type(attribute.type_name.as_ref()), collation)
    });
    let kind = TypeKind::Composite { attributes: attributes.collect() };
    one(source, Change::CreateType(Box::new(UserType { name: relation_of(statement.typevar.as_ref()), kind })))
}

/// `CREATE TYPE … AS ENUM`.
pub(super) fn create_enum(source: &Source<'_>, statement: &CreateEnumStmt) -> Vec<Lowered> {
    let labels = statement.vals.iter().filter_map(string).map(str::to_owned).collect();
    create(source, &statement.type_name, TypeKind::Enum { labels })
}

/// `CREATE TYPE … AS RANGE`.
pub(super) fn create_range(source: &Source<'_>, statement: &CreateRangeStmt) -> Vec<Lowered> {
    let options = definition(source, &statement.params, &["subtype"]).unwrap_or_default();
    create(source, &statement.type_name, TypeKind::Range { options })
}

/// `ALTER TYPE … ADD VALUE` and `RENAME VALUE`.
pub(super) fn alter_enum(source: &Source<'_>, statement: &AlterEnumStmt) -> Vec<Lowered> {
    let name = dotted(&statement.type_name);
    if !statement.old_val.is_empty() {
        return one(source, Change::RenameEnumValue { name, value: statement.old_val.clone(), to: statement.new_val.clone() });
    }
    let neighbour = Some(statement.new_val_neighbor.clone()).filter(|value| !value.is_empty());
    let (before, after) = if statement.new_val_is_after { (None, neighbour) } else { (neighbour, None) };
    let if_not_exists = if_exists(statement.skip_if_new_val_exists);
    one(source, Change::AddEnumValue { name, value: statement.new_val.clone(), before, after, if_not_exists })
}

/// `ALTER TYPE … SET (…)` of a base type.
pub(super) fn alter_base(source: &Source<'_>, statement: &AlterTypeStmt) -> Vec<Lowered> {
    let object = ObjectRef { kind: ObjectKind::Type, name: dotted(&statement.type_name), detail: None };
    one(source, Change::AlterObject { object, statement: Sql::plain(source.statement()) })
}

/// `CREATE TYPE … (INPUT = …)` and the shell type.
pub(super) fn define(source: &Source<'_>, statement: &DefineStmt) -> Vec<Lowered> {
    let options = definition(source, &statement.definition, &["like", "element"]);
    let definition = options.map(|options| {
        let mut parts = vec![Part::Text("CREATE TYPE ".to_owned()), Part::Type(dotted(&statement.defnames)), Part::Text(" (".to_owned())];
        parts.extend(options.parts);
        parts.push(Part::Text(")".to_owned()));
        Sql { parts }
    });
    create(source, &statement.defnames, TypeKind::Base { definition })
}

fn create(source: &Source<'_>, name: &[Node], kind: TypeKind) -> Vec<Lowered> {
    one(source, Change::CreateType(Box::new(UserType { name: dotted(name), kind })))
}

/// What stands in the parentheses at the end, without them. The grammar reads any name there as a type's; it is a function's unless the
/// option is one of `types`.
fn definition(source: &Source<'_>, nodes: &[Node], types: &[&str]) -> Option<Sql> {
    (!nodes.is_empty()).then_some(())?;
    let open = source.find_word(0, source.end(), "(");
    let named: Vec<Name> = elements(nodes)
        .filter(|element| types.contains(&element.defname.as_str()))
        .filter_map(|element| match element.arg.as_deref().and_then(|node| node.node.as_ref()) {
            Some(NodeEnum::TypeName(written)) => Some(dotted(&written.names)),
            _ => None,
        })
        .collect();
    let nodes: Vec<Node> = nodes.to_vec();
    let marked = source.mark(source.span(open + 1, source.closing(open)), &nodes, Owner::Value);
    let corrected = |part: &Part| match part {
        Part::Type(name) if !named.contains(name) => Part::Function(name.clone()),
        Part::Text(_) | Part::Column { .. } | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => {
            part.clone()
        }
    };
    Some(marked.map(corrected))
}

fn constraint_of(node: &Node) -> Option<&Constraint> {
    match &node.node {
        Some(NodeEnum::Constraint(constraint)) => Some(constraint),
        _ => None,
    }
}

fn touched(kind: ObjectKind, name: Name) -> Touches {
    Touches::Objects(vec![ObjectRef { kind, name, detail: None }])
}

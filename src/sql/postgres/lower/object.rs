//! What a statement calls an object: by kind, name and, where that takes more, its table or arguments. Never asks whether it exists.

use pg_query::NodeEnum;
use pg_query::protobuf::{self as pg, Node, ObjectType};

use super::data_type::data_type;
use super::name::{dotted, named_by, relation, relation_of};
use super::nodes::{plain, role};
use crate::schema::object::signature;
use crate::schema::{DataType, Identifier, Name, ObjectKind, ObjectRef};

/// The kind in our words. There is none only where the parser gives none.
pub(in crate::sql::postgres) fn kind(object_type: ObjectType) -> Option<ObjectKind> {
    Some(match object_type {
        ObjectType::Undefined => return None,
        ObjectType::ObjectAccessMethod => ObjectKind::AccessMethod,
        ObjectType::ObjectAggregate => ObjectKind::Aggregate,
        ObjectType::ObjectAmop => ObjectKind::OperatorFamilyOperator,
        ObjectType::ObjectAmproc => ObjectKind::OperatorFamilyFunction,
        ObjectType::ObjectAttribute => ObjectKind::Attribute,
        ObjectType::ObjectCast => ObjectKind::Cast,
        ObjectType::ObjectColumn => ObjectKind::Column,
        ObjectType::ObjectCollation => ObjectKind::Collation,
        ObjectType::ObjectConversion => ObjectKind::Conversion,
        ObjectType::ObjectDatabase => ObjectKind::Database,
        ObjectType::ObjectDefault => ObjectKind::Default,
        ObjectType::ObjectDefacl => ObjectKind::DefaultPrivileges,
        ObjectType::ObjectDomain => ObjectKind::Domain,
        ObjectType::ObjectDomconstraint => ObjectKind::DomainConstraint,
        ObjectType::ObjectEventTrigger => ObjectKind::EventTrigger,
        ObjectType::ObjectExtension => ObjectKind::Extension,
        ObjectType::ObjectFdw => ObjectKind::ForeignDataWrapper,
        ObjectType::ObjectForeignServer => ObjectKind::ForeignServer,
        ObjectType::ObjectForeignTable => ObjectKind::ForeignTable,
        ObjectType::ObjectFunction => ObjectKind::Function,
        ObjectType::ObjectIndex => ObjectKind::Index,
        ObjectType::ObjectLanguage => ObjectKind::Language,
        ObjectType::ObjectLargeobject => ObjectKind::LargeObject,
        ObjectType::ObjectMatview => ObjectKind::MaterializedView,
        ObjectType::ObjectOpclass => ObjectKind::OperatorClass,
        ObjectType::ObjectOperator => ObjectKind::Operator,
        ObjectType::ObjectOpfamily => ObjectKind::OperatorFamily,
        ObjectType::ObjectParameterAcl => ObjectKind::Parameter,
        ObjectType::ObjectPolicy => ObjectKind::Policy,
        ObjectType::ObjectProcedure => ObjectKind::Procedure,
        ObjectType::ObjectPublication => ObjectKind::Publication,
        ObjectType::ObjectPublicationNamespace => ObjectKind::PublicationSchema,
        ObjectType::ObjectPublicationRel => ObjectKind::PublicationTable,
        ObjectType::ObjectRole => ObjectKind::Role,
        ObjectType::ObjectRoutine => ObjectKind::Routine,
        ObjectType::ObjectRule => ObjectKind::Rule,
        ObjectType::ObjectSchema => ObjectKind::Schema,
        ObjectType::ObjectSequence => ObjectKind::Sequence,
        ObjectType::ObjectSubscription => ObjectKind::Subscription,
        ObjectType::ObjectStatisticExt => ObjectKind::Statistics,
        ObjectType::ObjectTabconstraint => ObjectKind::TableConstraint,
        ObjectType::ObjectTable => ObjectKind::Table,
        ObjectType::ObjectTablespace => ObjectKind::Tablespace,
        ObjectType::ObjectTransform => ObjectKind::Transform,
        ObjectType::ObjectTrigger => ObjectKind::Trigger,
        ObjectType::ObjectTsconfiguration => ObjectKind::TextSearchConfiguration,
        ObjectType::ObjectTsdictionary => ObjectKind::TextSearchDictionary,
        ObjectType::ObjectTsparser => ObjectKind::TextSearchParser,
        ObjectType::ObjectTstemplate => ObjectKind::TextSearchTemplate,
        ObjectType::ObjectType => ObjectKind::Type,
        ObjectType::ObjectUserMapping => ObjectKind::UserMapping,
        ObjectType::ObjectView => ObjectKind::View,
    })
}

/// An object that stands by itself.
pub(in crate::sql::postgres) fn whole(kind: ObjectKind, name: Name) -> ObjectRef {
    ObjectRef { kind, name, detail: None }
}

/// A part of a table or type, or a function with its arguments.
pub(in crate::sql::postgres) fn part(kind: ObjectKind, name: Name, detail: impl Into<String>) -> ObjectRef {
    ObjectRef { kind, name, detail: Some(detail.into()) }
}

/// The object that a node names, as COMMENT, DROP, ALTER … OWNER and the like give it.
pub(in crate::sql::postgres) fn reference(kind: ObjectKind, node: &Node) -> ObjectRef {
    let items = match &node.node {
        Some(NodeEnum::List(list)) => list.items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    match kind {
        ObjectKind::Column
        | ObjectKind::Attribute
        | ObjectKind::TableConstraint
        | ObjectKind::DomainConstraint
        | ObjectKind::Policy
        | ObjectKind::Rule
        | ObjectKind::Trigger
        | ObjectKind::Transform => last_is_part(kind, items),
        ObjectKind::OperatorClass | ObjectKind::OperatorFamily => match items {
            [method, name @ ..] if !name.is_empty() => part(kind, dotted(name), plain(method)),
            _ => whole(kind, named_by(node)),
        },
        ObjectKind::Cast => match items {
            [from, to] => cast(&type_of(from), &type_of(to)),
            _ => whole(kind, named_by(node)),
        },
        ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine | ObjectKind::Aggregate | ObjectKind::Operator => {
            match &node.node {
                Some(NodeEnum::ObjectWithArgs(object)) => callable(kind, object),
                _ => whole(kind, named_by(node)),
            }
        }
        ObjectKind::LargeObject | ObjectKind::Parameter => whole(kind, Name::unqualified(plain(node))),
        ObjectKind::AccessMethod
        | ObjectKind::OperatorFamilyOperator
        | ObjectKind::OperatorFamilyFunction
        | ObjectKind::Collation
        | ObjectKind::Conversion
        | ObjectKind::Database
        | ObjectKind::Default
        | ObjectKind::DefaultPrivileges
        | ObjectKind::Domain
        | ObjectKind::EventTrigger
        | ObjectKind::Extension
        | ObjectKind::ForeignDataWrapper
        | ObjectKind::ForeignServer
        | ObjectKind::ForeignTable
        | ObjectKind::Index
        | ObjectKind::Language
        | ObjectKind::MaterializedView
        | ObjectKind::Publication
        | ObjectKind::PublicationSchema
        | ObjectKind::PublicationTable
        | ObjectKind::Role
        | ObjectKind::Schema
        | ObjectKind::Sequence
        | ObjectKind::Subscription
        | ObjectKind::Statistics
        | ObjectKind::Table
        | ObjectKind::Tablespace
        | ObjectKind::TextSearchConfiguration
        | ObjectKind::TextSearchDictionary
        | ObjectKind::TextSearchParser
        | ObjectKind::TextSearchTemplate
        | ObjectKind::Type
        | ObjectKind::UserMapping
        | ObjectKind::View => whole(kind, named_by(node)),
    }
}

/// The object of a statement that names it by relation, by node, or (as part of the relation) by a name of its own.
pub(in crate::sql::postgres) fn named(kind: ObjectKind, table: Option<&pg::RangeVar>, object: Option<&Node>, of: &str) -> ObjectRef {
    match (table, object) {
        (Some(table), None) if !of.is_empty() => part(kind, relation(table), of),
        (Some(table), Some(object)) => part(kind, relation(table), plain(object)),
        (table @ Some(_), None) => whole(kind, relation_of(table)),
        (None, Some(object)) => reference(kind, object),
        (None, None) => whole(kind, Name::unqualified(of)),
    }
}

/// A function, procedure, aggregate or operator. Without argument types where none were written.
pub(in crate::sql::postgres) fn callable(kind: ObjectKind, object: &pg::ObjectWithArgs) -> ObjectRef {
    let name = dotted(&object.objname);
    if object.args_unspecified {
        return whole(kind, name);
    }
    if kind == ObjectKind::Operator {
        // A missing operand is an empty node.
        let operands: Vec<String> = object.objargs.iter().map(operand).collect();
        return part(kind, name, operands.join(", "));
    }
    let arguments: Vec<DataType> = object.objargs.iter().map(type_of).collect();
    part(kind, name, signature(&arguments))
}

fn operand(node: &Node) -> String {
    if node.node.is_some() { signature(&[type_of(node)]) } else { "NONE".to_owned() }
}

/// A cast. Its name is the source type's.
pub(in crate::sql::postgres) fn cast(from: &DataType, to: &DataType) -> ObjectRef {
    let detail = format!("{} AS {}", signature(std::slice::from_ref(from)), signature(std::slice::from_ref(to)));
    part(ObjectKind::Cast, from.name.clone(), detail)
}

/// The type of an argument: what stands in a signature has no modifiers.
pub(in crate::sql::postgres) fn argument(written: &pg::TypeName) -> DataType {
    let mut argument = data_type(written);
    if !written.pct_type {
        argument.modifiers.clear();
    }
    argument.dimensions = argument.dimensions.min(1);
    argument
}

fn type_of(node: &Node) -> DataType {
    match &node.node {
        Some(NodeEnum::TypeName(written)) => argument(written),
        Some(NodeEnum::FunctionParameter(parameter)) => parameter.arg_type.as_ref().map_or_else(|| DataType::built_in("unknown"), argument),
        _ => DataType::built_in("unknown"),
    }
}

/// A list that ends with the name of a part, after the name of the whole: a list of strings or one type.
fn last_is_part(kind: ObjectKind, items: &[Node]) -> ObjectRef {
    let Some((last, before)) = items.split_last() else { return whole(kind, Name::unqualified("")) };
    let name = match before {
        [only] => named_by(only),
        _ => dotted(before),
    };
    part(kind, name, plain(last))
}

/// The roles that a list of nodes names.
pub(in crate::sql::postgres) fn roles(nodes: &[Node]) -> Vec<Identifier> {
    nodes
        .iter()
        .filter_map(|node| match &node.node {
            Some(NodeEnum::RoleSpec(named)) => Some(role(Some(named))),
            Some(NodeEnum::AccessPriv(privilege)) => Some(Identifier::from(privilege.priv_name.as_str())),
            _ => None,
        })
        .collect()
}

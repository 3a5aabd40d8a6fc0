//! Objects that are kept as the statement that creates them: policies, rules, statistics, publications, operators … . Reads of them only
//! what they are called, what they can't live without, and what their text refers to.

use pg_query::NodeEnum;
use pg_query::protobuf::{self as pg, Node};
use serde::Serialize;

use super::any_object::keywords;
use super::data_type::optional_data_type;
use super::name::{dotted, relation, relation_of};
use super::nodes::{elements, role};
use super::object::{argument, callable, cast, kind, part, whole};
use super::routine::{function_named, functions_in_options, is_built_in, names_function};
use super::{one, opaque};
use crate::schema::change::{OnConflict, Touches};
use crate::schema::object::Definition;
use crate::schema::{Change, Identifier, Name, ObjectKind, ObjectRef, Part, Sql};
use crate::sql::postgres::mark::Owner;
use crate::sql::postgres::source::{Source, folded};
use crate::sql::script::Lowered;
use crate::sql::span::Span;

/// The whole statement with its references marked, those of `also` too.
pub(super) fn marked_definition(source: &Source<'_>, node: &impl Serialize, owner: Owner<'_>, also: Vec<(Span, Part)>) -> Sql {
    source.mark_also(source.whole(), node, owner, also)
}

/// Where the name of the object stands that a CREATE or ALTER is about, if it lives in a schema. The catalog treats it as a function's.
fn own_name(source: &Source<'_>, object: &ObjectRef) -> Vec<(Span, Part)> {
    let in_schema = matches!(
        object.kind,
        ObjectKind::Statistics
            | ObjectKind::Operator
            | ObjectKind::OperatorClass
            | ObjectKind::OperatorFamily
            | ObjectKind::Collation
            | ObjectKind::Conversion
            | ObjectKind::TextSearchConfiguration
            | ObjectKind::TextSearchDictionary
            | ObjectKind::TextSearchParser
            | ObjectKind::TextSearchTemplate
    );
    if !in_schema {
        return Vec::new();
    }
    let mut at = 1;
    if source.are(at, &["or", "replace"]) {
        at += 2;
    }
    if source.is(at, "default") {
        at += 1;
    }
    at += keywords(object.kind);
    if source.are(at, &["if", "not", "exists"]) {
        at += 3;
    } else if source.are(at, &["if", "exists"]) {
        at += 2;
    }
    let next = source.after_name(at);
    let is_there = folded(source.token(next - 1)) == object.name.name.as_str();
    if is_there { vec![(source.span(at, next), Part::Function(object.name.clone()))] } else { Vec::new() }
}

/// An object to be created, with the statement that does it.
pub(super) struct Creation<'a> {
    pub(super) object: ObjectRef,
    pub(super) create: Sql,
    pub(super) depends_on: Vec<ObjectRef>,
    pub(super) on_conflict: OnConflict,
    pub(super) source: &'a Source<'a>,
}

impl Creation<'_> {
    pub(super) fn lowered(self) -> Vec<Lowered> {
        let definition = Definition { object: self.object, create: self.create, alters: Vec::new(), depends_on: self.depends_on };
        one(self.source, Change::CreateObject { definition: Box::new(definition), on_conflict: self.on_conflict })
    }
}

/// An object that refers to nothing of ours and depends on nothing.
pub(super) fn simple(source: &Source<'_>, kind: ObjectKind, name: &str) -> Vec<Lowered> {
    create(source, whole(kind, Name::unqualified(name)), Vec::new(), OnConflict::Fail)
}

/// The same with dependencies.
pub(super) fn create(source: &Source<'_>, object: ObjectRef, depends_on: Vec<ObjectRef>, on_conflict: OnConflict) -> Vec<Lowered> {
    Creation { object, create: Sql::plain(source.statement()), depends_on, on_conflict, source }.lowered()
}

/// An ALTER of such an object, kept as written.
pub(super) fn alter(source: &Source<'_>, node: &impl Serialize, owner: Owner<'_>, object: ObjectRef) -> Vec<Lowered> {
    let statement = marked_definition(source, node, owner, own_name(source, &object));
    one(source, Change::AlterObject { object, statement })
}

/// `IF NOT EXISTS` or `OR REPLACE`.
pub(super) fn on_conflict(if_not_exists: bool, replace: bool) -> OnConflict {
    match (if_not_exists, replace) {
        (true, _) => OnConflict::Skip,
        (false, true) => OnConflict::Replace,
        (false, false) => OnConflict::Fail,
    }
}

/// `CREATE POLICY`.
pub(super) fn policy(source: &Source<'_>, statement: &pg::CreatePolicyStmt) -> Vec<Lowered> {
    let table = relation_of(statement.table.as_ref());
    let create = marked_definition(source, statement, Owner::Table(&table, None), Vec::new());
    let depends_on = vec![whole(ObjectKind::Table, table.clone())];
    let object = part(ObjectKind::Policy, table, statement.policy_name.as_str());
    Creation { object, create, depends_on, on_conflict: OnConflict::Fail, source }.lowered()
}

/// `ALTER POLICY`.
pub(super) fn alter_policy(source: &Source<'_>, statement: &pg::AlterPolicyStmt) -> Vec<Lowered> {
    let table = relation_of(statement.table.as_ref());
    let object = part(ObjectKind::Policy, table.clone(), statement.policy_name.as_str());
    alter(source, statement, Owner::Table(&table, None), object)
}

/// `CREATE RULE`.
pub(super) fn rule(source: &Source<'_>, statement: &pg::RuleStmt) -> Vec<Lowered> {
    let table = relation_of(statement.relation.as_ref());
    let create = marked_definition(source, statement, Owner::Table(&table, None), Vec::new());
    let depends_on = vec![whole(ObjectKind::Table, table.clone())];
    let object = part(ObjectKind::Rule, table, statement.rulename.as_str());
    Creation { object, create, depends_on, on_conflict: on_conflict(false, statement.replace), source }.lowered()
}

/// `CREATE STATISTICS`. One without a name gets it from its table and columns, as an index does.
pub(super) fn statistics(source: &Source<'_>, statement: &pg::CreateStatsStmt) -> Vec<Lowered> {
    let tables = relations(&statement.relations);
    let table = tables.first().cloned().unwrap_or_else(|| Name::unqualified(""));
    let from = source.find_word(0, source.end(), "on") + 1;
    let to = source.find_word(from, source.end(), "from");
    let columns = source.split(from, to).into_iter().filter(|(from, to)| from + 1 == *to);
    let columns = columns.map(|(from, to)| (source.span(from, to), column(source.token(from))));
    let object = whole(ObjectKind::Statistics, dotted(&statement.defnames));
    let places = columns.chain(own_name(source, &object)).collect();
    let create = marked_definition(source, statement, Owner::Table(&table, None), places);
    let depends_on = tables.into_iter().map(|table| whole(ObjectKind::Table, table)).collect();
    Creation { object, create, depends_on, on_conflict: on_conflict(statement.if_not_exists, false), source }.lowered()
}

/// `CREATE PUBLICATION`. A table that is dropped leaves it, so it depends on none.
pub(super) fn publication(source: &Source<'_>, statement: &pg::CreatePublicationStmt) -> Vec<Lowered> {
    let create = published(source, statement, &statement.pubobjects);
    let object = whole(ObjectKind::Publication, Name::unqualified(statement.pubname.as_str()));
    Creation { object, create, depends_on: Vec::new(), on_conflict: OnConflict::Fail, source }.lowered()
}

/// `ALTER PUBLICATION`.
pub(super) fn alter_publication(source: &Source<'_>, statement: &pg::AlterPublicationStmt) -> Vec<Lowered> {
    let object = whole(ObjectKind::Publication, Name::unqualified(statement.pubname.as_str()));
    one(source, Change::AlterObject { object, statement: published(source, statement, &statement.pubobjects) })
}

/// A statement that lists published tables, each with a list of columns and a condition of its own.
fn published(source: &Source<'_>, statement: &impl Serialize, objects: &[Node]) -> Sql {
    let tables: Vec<&pg::PublicationTable> = objects
        .iter()
        .filter_map(|node| match &node.node {
            Some(NodeEnum::PublicationObjSpec(object)) => object.pubtable.as_deref(),
            _ => None,
        })
        .collect();
    let mut places = Vec::new();
    for table in tables {
        let Some(written) = &table.relation else { continue };
        let name = relation(written);
        if let Some(condition) = &table.where_clause {
            places.extend(
                source
                    .references(condition.as_ref(), Owner::Table(&name, None))
                    .into_iter()
                    .map(|(span, reference)| (span, of(reference, &name))),
            );
        }
        let open = source.after_name(source.at(written.location));
        if source.is(open, "(") && !table.columns.is_empty() {
            let columns = source.split(open + 1, source.closing(open));
            places.extend(columns.into_iter().map(|(from, to)| (source.span(from, to), of(column(source.token(from)), &name))));
        }
    }
    marked_definition(source, statement, Owner::Value, places)
}

/// The same part, its own columns said to be of `relation`.
fn of(reference: Part, relation: &Name) -> Part {
    match reference {
        Part::Column { of: None, name } => Part::Column { of: Some(relation.clone()), name },
        other
        @ (Part::Column { .. } | Part::Text(_) | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_)) => other,
    }
}

fn column(token: &str) -> Part {
    Part::Column { of: None, name: Identifier::from(folded(token)) }
}

fn relations(nodes: &[Node]) -> Vec<Name> {
    nodes
        .iter()
        .filter_map(|node| match &node.node {
            Some(NodeEnum::RangeVar(table)) => Some(relation(table)),
            _ => None,
        })
        .collect()
}

/// `CREATE OPERATOR`, `COLLATION`, `TEXT SEARCH …`: what the grammar calls a definition, aggregates and types left out.
pub(super) fn define(source: &Source<'_>, statement: &pg::DefineStmt) -> Vec<Lowered> {
    let Some(kind) = kind(statement.kind()) else {
        return opaque(source, "the parser does not say what is created", Touches::Anything);
    };
    let name = dotted(&statement.defnames);
    let is_operator = kind == ObjectKind::Operator;
    let object = if is_operator { part(kind, name, operands(&statement.definition)) } else { whole(kind, name) };
    let mut places = if is_operator {
        functions_in_options(source, &statement.definition, names_function)
    } else if matches!(kind, ObjectKind::TextSearchParser | ObjectKind::TextSearchTemplate) {
        functions_in_options(source, &statement.definition, |_| true)
    } else {
        Vec::new()
    };
    let depends_on = places.iter().filter_map(|(_, reference)| function_of(reference)).collect();
    places.extend(own_name(source, &object));
    // What the options of other objects name is taken for types by the parser, and is none.
    let create = if is_operator {
        marked_definition(source, statement, Owner::Value, places)
    } else {
        marked_definition(source, &statement.args, Owner::Value, places)
    };
    Creation { object, create, depends_on, on_conflict: on_conflict(statement.if_not_exists, statement.replace), source }.lowered()
}

fn function_of(reference: &Part) -> Option<ObjectRef> {
    match reference {
        Part::Function(name) => Some(whole(ObjectKind::Function, name.clone())),
        Part::Text(_) | Part::Column { .. } | Part::Relation(_) | Part::RelationLiteral(_) | Part::Type(_) => None,
    }
}

/// The operand types of CREATE OPERATOR, written as DROP OPERATOR has them.
fn operands(options: &[Node]) -> String {
    let operand = |name: &str| {
        let option = elements(options).find(|option| option.defname.eq_ignore_ascii_case(name))?;
        match &option.arg.as_deref()?.node {
            Some(NodeEnum::TypeName(written)) => Some(crate::schema::object::signature(&[argument(written)])),
            _ => None,
        }
    };
    ["leftarg", "rightarg"].map(|name| operand(name).unwrap_or_else(|| "NONE".to_owned())).join(", ")
}

/// `CREATE CAST`.
pub(super) fn create_cast(source: &Source<'_>, statement: &pg::CreateCastStmt) -> Vec<Lowered> {
    let [from, to] = [&statement.sourcetype, &statement.targettype].map(|written| optional_data_type(written.as_ref()));
    let function = statement.func.as_ref().map(|function| callable(ObjectKind::Function, function));
    let places = function.as_ref().map(|function| function_after(source, "function", &function.name)).unwrap_or_default();
    let create = marked_definition(source, statement, Owner::Value, places);
    let depends_on = function.into_iter().collect();
    Creation { object: cast(&from, &to), create, depends_on, on_conflict: OnConflict::Fail, source }.lowered()
}

/// The name after the keyword, marked unless the function is built in.
pub(super) fn function_after(source: &Source<'_>, keyword: &str, name: &Name) -> Vec<(Span, Part)> {
    let at = source.find_word(0, source.end(), keyword) + 1;
    if is_built_in(name) || at >= source.end() {
        Vec::new()
    } else {
        vec![(source.span(at, source.after_name(at)), Part::Function(name.clone()))]
    }
}

/// `CREATE CONVERSION`.
pub(super) fn conversion(source: &Source<'_>, statement: &pg::CreateConversionStmt) -> Vec<Lowered> {
    let function = dotted(&statement.func_name);
    let object = whole(ObjectKind::Conversion, dotted(&statement.conversion_name));
    let places = function_after(source, "from", &function).into_iter().chain(own_name(source, &object)).collect();
    let create = marked_definition(source, statement, Owner::Value, places);
    Creation { object, create, depends_on: vec![function_named(&statement.func_name)], on_conflict: OnConflict::Fail, source }.lowered()
}

/// `CREATE TRANSFORM`.
pub(super) fn transform(source: &Source<'_>, statement: &pg::CreateTransformStmt) -> Vec<Lowered> {
    let data_type = optional_data_type(statement.type_name.as_ref());
    let object = part(ObjectKind::Transform, data_type.name, statement.lang.as_str());
    let functions = [&statement.fromsql, &statement.tosql].into_iter().flatten();
    let depends_on = functions.map(|function| callable(ObjectKind::Function, function)).collect();
    let create = marked_definition(source, statement, Owner::Value, Vec::new());
    Creation { object, create, depends_on, on_conflict: on_conflict(false, statement.replace), source }.lowered()
}

/// `CREATE OPERATOR CLASS`.
pub(super) fn operator_class(source: &Source<'_>, statement: &pg::CreateOpClassStmt) -> Vec<Lowered> {
    let object = part(ObjectKind::OperatorClass, dotted(&statement.opclassname), statement.amname.as_str());
    let from = source.find_word(0, source.end(), "as") + 1;
    let functions = support_functions(source, from, &statement.items);
    let depends_on = functions.iter().filter_map(|(_, reference)| function_of(reference)).collect();
    let places = own_name(source, &object).into_iter().chain(functions).collect();
    let create = marked_definition(source, statement, Owner::Value, places);
    Creation { object, create, depends_on, on_conflict: OnConflict::Fail, source }.lowered()
}

/// The functions that stand behind an operator class, each in its place: `FUNCTION 1 [(types)] name(…)`.
fn support_functions(source: &Source<'_>, from: usize, items: &[Node]) -> Vec<(Span, Part)> {
    let written = source.split(from, source.end()).into_iter().zip(items);
    let functions = written.filter_map(|((from, _), item)| {
        let Some(NodeEnum::CreateOpClassItem(item)) = &item.node else { return None };
        let function = dotted(&item.name.as_ref()?.objname);
        let after_number = from + 2;
        let at = if source.is(after_number, "(") { source.closing(after_number) + 1 } else { after_number };
        let named = source.is(from, "function") && !is_built_in(&function);
        named.then(|| (source.span(at, source.after_name(at)), Part::Function(function)))
    });
    functions.collect()
}

/// `CREATE OPERATOR FAMILY`.
pub(super) fn operator_family(source: &Source<'_>, statement: &pg::CreateOpFamilyStmt) -> Vec<Lowered> {
    let object = part(ObjectKind::OperatorFamily, dotted(&statement.opfamilyname), statement.amname.as_str());
    let create = marked_definition(source, statement, Owner::Value, own_name(source, &object));
    Creation { object, create, depends_on: Vec::new(), on_conflict: OnConflict::Fail, source }.lowered()
}

/// `ALTER OPERATOR FAMILY … ADD`.
pub(super) fn alter_operator_family(source: &Source<'_>, statement: &pg::AlterOpFamilyStmt) -> Vec<Lowered> {
    let object = part(ObjectKind::OperatorFamily, dotted(&statement.opfamilyname), statement.amname.as_str());
    let from = source.find_word(0, source.end(), "add") + 1;
    let functions = if statement.is_drop { Vec::new() } else { support_functions(source, from, &statement.items) };
    let statement = marked_definition(source, statement, Owner::Value, functions);
    one(source, Change::AlterObject { object, statement })
}

/// `ALTER OPERATOR … SET (…)`.
pub(super) fn alter_operator(source: &Source<'_>, statement: &pg::AlterOperatorStmt) -> Vec<Lowered> {
    match &statement.opername {
        Some(operator) => alter(source, statement, Owner::Value, callable(ObjectKind::Operator, operator)),
        None => opaque(source, "the parser does not say which operator it is about", Touches::Anything),
    }
}

/// `CREATE EVENT TRIGGER`.
pub(super) fn event_trigger(source: &Source<'_>, statement: &pg::CreateEventTrigStmt) -> Vec<Lowered> {
    let function = dotted(&statement.funcname);
    let execute = source.find_word(0, source.end(), "execute");
    let at = execute + 2;
    let place = (source.span(at, source.after_name(at)), Part::Function(function));
    let create = marked_definition(source, statement, Owner::Value, vec![place]);
    let object = whole(ObjectKind::EventTrigger, Name::unqualified(statement.trigname.as_str()));
    Creation { object, create, depends_on: vec![function_named(&statement.funcname)], on_conflict: OnConflict::Fail, source }.lowered()
}

/// `CREATE SERVER`.
pub(super) fn foreign_server(source: &Source<'_>, statement: &pg::CreateForeignServerStmt) -> Vec<Lowered> {
    let object = whole(ObjectKind::ForeignServer, Name::unqualified(statement.servername.as_str()));
    let wrapper = whole(ObjectKind::ForeignDataWrapper, Name::unqualified(statement.fdwname.as_str()));
    create(source, object, vec![wrapper], on_conflict(statement.if_not_exists, false))
}

/// `CREATE USER MAPPING`.
pub(super) fn user_mapping(source: &Source<'_>, statement: &pg::CreateUserMappingStmt) -> Vec<Lowered> {
    let object = mapping(&statement.servername, statement.user.as_ref());
    let server = whole(ObjectKind::ForeignServer, Name::unqualified(statement.servername.as_str()));
    create(source, object, vec![server], on_conflict(statement.if_not_exists, false))
}

/// A user mapping: by its server and the user.
pub(super) fn mapping(server: &str, user: Option<&pg::RoleSpec>) -> ObjectRef {
    part(ObjectKind::UserMapping, Name::unqualified(server), role(user).as_str())
}

/// `ALTER EXTENSION … ADD` and `DROP`.
pub(super) fn extension_contents(source: &Source<'_>, statement: &pg::AlterExtensionContentsStmt) -> Vec<Lowered> {
    let reason = format!("which objects belong to the extension `{}` is not kept", statement.extname);
    opaque(source, &reason, Touches::Nothing)
}

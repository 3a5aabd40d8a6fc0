//! Functions, procedures and aggregates, and the calls that run them. Never reads a body that is a string.

use pg_query::NodeEnum;
use pg_query::protobuf::{AlterFunctionStmt, CreateFunctionStmt, DefElem, DefineStmt, FunctionParameter, FunctionParameterMode, Node};

use super::data_type::data_type;
use super::definition::marked_definition;
use super::name::{dotted, string};
use super::nodes::{elements, option_value};
use super::object::{argument, callable, kind, whole};
use super::{one, opaque};
use crate::schema::change::{OnConflict, Touches};
use crate::schema::object::{Routine, Volatility};
use crate::schema::{Change, DataType, Identifier, Name, ObjectKind, ObjectRef, Part, Sql};
use crate::sql::postgres::mark::Owner;
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// `CREATE FUNCTION` and `CREATE PROCEDURE`.
pub(super) fn create(source: &Source<'_>, statement: &CreateFunctionStmt) -> Vec<Lowered> {
    let parameters: Vec<&FunctionParameter> = parameters(&statement.parameters).collect();
    let arguments = parameters.iter().filter(|parameter| is_input(parameter)).filter_map(|parameter| parameter.arg_type.as_ref());
    let has_columns = parameters.iter().any(|parameter| parameter.mode() == FunctionParameterMode::FuncParamTable);
    let returns = statement.return_type.as_ref().filter(|written| !written.setof && !has_columns);
    let volatility = elements(&statement.options).find(|option| option.defname == "volatility").map(option_value);
    let name = dotted(&statement.funcname);
    let keyword = if statement.is_procedure { "procedure" } else { "function" };
    let definition = definition(source, statement, keyword, &name);
    let routine = Routine {
        kind: if statement.is_procedure { ObjectKind::Procedure } else { ObjectKind::Function },
        arguments: arguments.map(argument).collect(),
        volatility: match volatility.as_deref() {
            Some("immutable") => Volatility::Immutable,
            Some("stable") => Volatility::Stable,
            _ => Volatility::Volatile,
        },
        returns: returns.map(data_type),
        reads: statement.sql_body.as_deref().map(|body| reads(source, body)).unwrap_or_default(),
        alters: Vec::new(),
        definition,
        name,
    };
    let on_conflict = if statement.replace { OnConflict::Replace } else { OnConflict::Fail };
    one(source, Change::CreateRoutine { routine: Box::new(routine), on_conflict })
}

/// `CREATE AGGREGATE`, in the new and the old style.
pub(super) fn create_aggregate(source: &Source<'_>, statement: &DefineStmt) -> Vec<Lowered> {
    let name = dotted(&statement.defnames);
    let arguments = if statement.oldstyle { base_type(&statement.definition) } else { aggregated(&statement.args) };
    let definition = aggregate_definition(source, statement, &name);
    let routine = Routine {
        name,
        kind: ObjectKind::Aggregate,
        arguments,
        volatility: Volatility::Immutable,
        definition,
        returns: None,
        reads: Vec::new(),
        alters: Vec::new(),
    };
    let on_conflict = if statement.replace { OnConflict::Replace } else { OnConflict::Fail };
    one(source, Change::CreateRoutine { routine: Box::new(routine), on_conflict })
}

/// `ALTER FUNCTION … STABLE`, `SET …` and the like.
pub(super) fn alter(source: &Source<'_>, statement: &AlterFunctionStmt) -> Vec<Lowered> {
    let Some((kind, function)) = kind(statement.objtype()).zip(statement.func.as_ref()) else {
        return opaque(source, "the parser does not say which function it is about", Touches::Anything);
    };
    let object = callable(kind, function);
    let name = own_name(source, 2, &object.name);
    one(source, Change::AlterObject { statement: marked_definition(source, statement, Owner::Value, name), object })
}

/// `CALL`.
pub(super) fn call(source: &Source<'_>) -> Vec<Lowered> {
    opaque(source, "what a procedure does is known only when it runs", Touches::Anything)
}

/// The whole statement, with the name of the routine itself marked, so that a rename reaches it.
fn definition(source: &Source<'_>, statement: &CreateFunctionStmt, keyword: &str, name: &Name) -> Sql {
    let at = source.find_word(0, source.end(), keyword) + 1;
    marked_definition(source, statement, Owner::Query, own_name(source, at, name))
}

/// Where the name that begins at a token stands.
fn own_name(source: &Source<'_>, at: usize, name: &Name) -> Vec<(crate::sql::Span, Part)> {
    vec![(source.span(at, source.after_name(at)), Part::Function(name.clone()))]
}

/// The types among an aggregate's options are marked, and the functions.
fn aggregate_definition(source: &Source<'_>, statement: &DefineStmt, name: &Name) -> Sql {
    let at = source.find_word(0, source.end(), "aggregate") + 1;
    let mut places = own_name(source, at, name);
    places.extend(functions_in_options(source, &statement.definition, names_function));
    marked_definition(source, statement, Owner::Value, places)
}

/// The functions that options such as `SFUNC = f` name, and the engine's own words as in `PARALLEL = safe`. The parser takes both
/// for types.
pub(super) fn functions_in_options(
    source: &Source<'_>,
    options: &[Node],
    is_function: fn(&DefElem) -> bool,
) -> Vec<(crate::sql::Span, Part)> {
    let named = elements(options).filter(|option| is_function(option) || is_word(option));
    let place = |option: &DefElem| {
        let Some(NodeEnum::TypeName(written)) = &option.arg.as_deref()?.node else { return None };
        let (name, at) = (dotted(&written.names), source.at(written.location));
        let span = source.span(at, source.after_name(at));
        let as_it_is = is_word(option) || is_built_in(&name);
        Some((span, if as_it_is { Part::Text(span.of(source.text()).to_owned()) } else { Part::Function(name) }))
    };
    named.filter_map(place).collect()
}

/// Whether a function belongs to the database itself.
pub(super) fn is_built_in(name: &Name) -> bool {
    match &name.schema {
        Some(schema) => schema == "pg_catalog",
        None => crate::sql::postgres::built_in::is_function(name.name.as_str()),
    }
}

/// Whether an option of CREATE AGGREGATE or CREATE OPERATOR names a function.
pub(super) fn names_function(option: &DefElem) -> bool {
    let name = option.defname.to_lowercase();
    name.ends_with("func") || ["function", "procedure", "restrict", "join"].contains(&name.as_str())
}

/// Whether an option's value is a word of the engine's.
fn is_word(option: &DefElem) -> bool {
    let words = ["provider", "parallel", "finalfunc_modify", "mfinalfunc_modify", "alignment", "storage", "internallength"];
    words.contains(&option.defname.to_lowercase().as_str())
}

fn parameters(nodes: &[Node]) -> impl Iterator<Item = &FunctionParameter> {
    nodes.iter().filter_map(|node| match &node.node {
        Some(NodeEnum::FunctionParameter(parameter)) => Some(parameter.as_ref()),
        _ => None,
    })
}

fn is_input(parameter: &FunctionParameter) -> bool {
    match parameter.mode() {
        FunctionParameterMode::FuncParamOut | FunctionParameterMode::FuncParamTable => false,
        FunctionParameterMode::FuncParamIn
        | FunctionParameterMode::FuncParamInout
        | FunctionParameterMode::FuncParamVariadic
        | FunctionParameterMode::FuncParamDefault
        | FunctionParameterMode::Undefined => true,
    }
}

/// The arguments of a new-style aggregate: a list of parameters, and how many of them stand before ORDER BY.
fn aggregated(args: &[Node]) -> Vec<DataType> {
    let list = args.first().map(|first| match &first.node {
        Some(NodeEnum::List(list)) => list.items.as_slice(),
        _ => &[],
    });
    parameters(list.unwrap_or_default()).filter_map(|parameter| parameter.arg_type.as_ref()).map(argument).collect()
}

/// The argument of an old-style aggregate.
fn base_type(options: &[Node]) -> Vec<DataType> {
    let base = elements(options).find(|option| option.defname.eq_ignore_ascii_case("basetype")).and_then(|option| option.arg.as_deref());
    match base.map(|node| &node.node) {
        Some(Some(NodeEnum::TypeName(name))) if !name.names.iter().filter_map(string).any(|name| name.eq_ignore_ascii_case("any")) => {
            vec![argument(name)]
        }
        _ => Vec::new(),
    }
}

/// The columns that a body of SQL statements reads, which the database tracks.
fn reads(source: &Source<'_>, body: &Node) -> Vec<(Name, Identifier)> {
    let references = source.references(body, Owner::Query).into_iter().filter_map(|(_, part)| match part {
        Part::Column { of: Some(relation), name } => Some((relation, name)),
        Part::Column { of: None, .. }
        | Part::Text(_)
        | Part::Relation(_)
        | Part::RelationLiteral(_)
        | Part::Function(_)
        | Part::Type(_) => None,
    });
    references.collect()
}

/// A function by name alone, for what depends on it.
pub(super) fn function_named(nodes: &[Node]) -> ObjectRef {
    whole(ObjectKind::Function, dotted(nodes))
}

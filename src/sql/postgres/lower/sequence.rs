//! Sequences, and the options that identity columns share with them. Never asks what a sequence's options were before.

use crate::schema::options::Options;

use pg_query::protobuf::{AlterSeqStmt, CreateSeqStmt};
use pg_query::{Node, NodeEnum};

use super::data_type::data_type;
use super::name::{dotted, identifiers, relation, relation_of};
use super::nodes::{elements, if_exists, plain};
use super::one;
use crate::schema::object::Sequence;
use crate::schema::{Change, DataType, Identifier, Name};
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// What a list of sequence options says.
#[derive(Debug, Default)]
pub(super) struct SequenceOptions {
    /// The name that an identity column gives its sequence.
    pub(super) name: Option<Name>,
    /// `AS type`.
    pub(super) data_type: Option<DataType>,
    /// Upper case names. `NO MINVALUE`, `NO MAXVALUE` and RESTART without a value have an empty one.
    pub(super) options: Options,
    /// `OWNED BY`; the inner none is NONE.
    #[expect(clippy::option_option, reason = "not said, NONE and a column are three answers, as in the change that this becomes")]
    pub(super) owned_by: Option<Option<(Name, Identifier)>>,
}

/// `CREATE SEQUENCE`.
pub(super) fn create(source: &Source<'_>, statement: &CreateSeqStmt) -> Vec<Lowered> {
    let read = sequence_options(&statement.options);
    let data_type = read.data_type.unwrap_or_else(|| DataType::built_in("int8"));
    let persistence = statement.sequence.as_ref().map_or("p", |relation| relation.relpersistence.as_str());
    let mut name = relation_of(statement.sequence.as_ref());
    if persistence == "t" {
        // It lives in the session's own schema, whatever was written.
        name.schema = Some(Identifier::from("pg_temp"));
    }
    let options = without_defaults(&read.options, &data_type);
    let owned_by = read.owned_by.flatten();
    let sequence = Sequence { name, data_type, options, owned_by, identity: false, unlogged: persistence == "u" };
    one(source, Change::CreateSequence { sequence, if_not_exists: if_exists(statement.if_not_exists) })
}

/// `ALTER SEQUENCE` of its options.
pub(super) fn alter(source: &Source<'_>, statement: &AlterSeqStmt) -> Vec<Lowered> {
    let read = sequence_options(&statement.options);
    let change = Change::AlterSequence {
        sequence: relation_of(statement.sequence.as_ref()),
        data_type: read.data_type,
        options: read.options,
        owned_by: read.owned_by,
        if_exists: if_exists(statement.missing_ok),
    };
    one(source, change)
}

/// The options as written.
pub(super) fn sequence_options(nodes: &[Node]) -> SequenceOptions {
    let mut read = SequenceOptions::default();
    for element in elements(nodes) {
        let argument = element.arg.as_deref();
        match element.defname.as_str() {
            "as" => {
                if let Some(NodeEnum::TypeName(written)) = argument.and_then(|node| node.node.as_ref()) {
                    read.data_type = Some(data_type(written));
                }
            }
            "owned_by" => read.owned_by = Some(argument.and_then(owner)),
            "sequence_name" => read.name = argument.map(named),
            name => {
                read.options.insert(name.to_uppercase(), argument.map(plain).unwrap_or_default());
            }
        }
    }
    read
}

fn named(node: &Node) -> Name {
    match &node.node {
        Some(NodeEnum::List(list)) => dotted(&list.items),
        Some(NodeEnum::RangeVar(sequence)) => relation(sequence),
        _ => Name::unqualified(""),
    }
}

/// `OWNED BY t.c`; none is `OWNED BY NONE`.
fn owner(node: &Node) -> Option<(Name, Identifier)> {
    let Some(NodeEnum::List(list)) = &node.node else { return None };
    let (column, table) = list.items.split_last()?;
    let column = identifiers(std::slice::from_ref(column)).pop()?;
    (!table.is_empty()).then(|| (dotted(table), column))
}

/// Those options of a new sequence that aren't what the database would take anyway.
pub(super) fn without_defaults(options: &Options, data_type: &DataType) -> Options {
    let largest = match data_type.name.name.as_str() {
        "int2" => i64::from(i16::MAX),
        "int4" => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    let downward = options.get("INCREMENT").is_some_and(|increment| increment.starts_with('-'));
    let (minimum, maximum) = if downward { (-largest - 1, -1) } else { (1, largest) };
    let given =
        |name: &str, default: i64| options.get(name).filter(|value| !value.is_empty()).cloned().unwrap_or_else(|| default.to_string());
    let start = if downward { given("MAXVALUE", maximum) } else { given("MINVALUE", minimum) };
    let is_default = |name: &str, value: &str| match name {
        "INCREMENT" | "CACHE" => value == "1",
        "MINVALUE" => value.is_empty() || value == minimum.to_string(),
        "MAXVALUE" => value.is_empty() || value == maximum.to_string(),
        "START" => value == start,
        "CYCLE" => value == "false",
        _ => false,
    };
    options.iter().filter(|(name, value)| !is_default(name, value)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

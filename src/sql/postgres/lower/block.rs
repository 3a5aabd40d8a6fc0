//! Blocks of code that run at once (`DO`). What they do is read only where it stands there as SQL, under no condition but one on what
//! the schema has; any other block is opaque. Must never read half a block.

mod aside;
mod condition;

use pg_query::NodeEnum;
use pg_query::protobuf::DoStmt;
use serde_json::Value;

use super::nodes::{elements, option_value};
use super::opaque;
use crate::schema::Change;
use crate::schema::change::{Touches, Verb};
use crate::schema::condition::{Condition, SoughtKind};
use crate::schema::object::{ObjectKind, ObjectRef};
use crate::sql::postgres::source::Source;
use crate::sql::script::{Lowered, Within};
use crate::sql::span::Span;

/// `DO`.
pub(super) fn run(source: &Source<'_>, statement: &DoStmt) -> Vec<Lowered> {
    read(source, statement)
        .unwrap_or_else(|| opaque(source, "what the code of a DO block does is known only when it runs", Touches::Anything))
}

/// The changes of a block that can be read.
fn read(source: &Source<'_>, statement: &DoStmt) -> Option<Vec<Lowered>> {
    let language = elements(&statement.args).find(|option| option.defname == "language").map(option_value);
    language.is_none_or(|language| language == "plpgsql").then_some(())?;
    let parsed = pg_query::parse_plpgsql(&source.statement()).ok()?;
    let function = &parsed.as_array()?.first()?["PLpgSQL_function"];
    in_parts(source, function).or_else(|| aside::read(source, function))
}

/// The same, change by change.
fn in_parts(source: &Source<'_>, function: &Value) -> Option<Vec<Lowered>> {
    let mut reader = Reader {
        source,
        from: 0,
        guards: 0,
        conditions: Vec::new(),
        changes: Vec::new(),
        variables: has_variables(function),
        errors: Errors::ThatNameObjects,
    };
    reader.statement(&function["action"], None)?;
    if reader.errors == Errors::OfAnyKind {
        return Some(uncertain(source, &reader.changes));
    }
    (!reader.changes.is_empty()).then_some(reader.changes)
}

/// What the block may have done or not: an error that nobody tells of may have taken it back.
fn uncertain(source: &Source<'_>, changes: &[Lowered]) -> Vec<Lowered> {
    let touched: Option<Vec<ObjectRef>> = changes.iter().map(|lowered| object(&lowered.change)).collect();
    let reason = "errors of every kind are caught, so whether it is done is known only when it runs";
    opaque(source, reason, touched.map_or(Touches::Anything, Touches::Objects))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all others are about a relation, or can touch anything")]
fn object(change: &Change) -> Option<ObjectRef> {
    match change {
        Change::DropObject { object, .. } | Change::AlterObject { object, .. } => Some(object.clone()),
        other => other.relation().map(|name| ObjectRef::new(ObjectKind::Table, name.clone())),
    }
}

/// Whether the code declares variables of its own, on which statements may depend that look complete.
fn has_variables(function: &Value) -> bool {
    let implied = ["found", "sqlstate", "sqlerrm"];
    let datums = function["datums"].as_array().map_or(&[][..], Vec::as_slice);
    datums.iter().any(|datum| {
        let name = datum.as_object().and_then(|datum| datum.values().next()).and_then(|datum| datum["refname"].as_str());
        name.is_none_or(|name| !implied.contains(&name))
    })
}

/// A walk over the statements of a block.
struct Reader<'a> {
    source: &'a Source<'a>,
    /// The byte from which the next statement's text is looked for.
    from: usize,
    guards: u32,
    /// The conditions under which the next statement stands.
    conditions: Vec<(u32, Condition)>,
    changes: Vec<Lowered>,
    variables: bool,
    errors: Errors,
}

/// Which errors the code catches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Errors {
    /// That an object is there or isn't there: what the schema tells.
    ThatNameObjects,
    /// Others too.
    OfAnyKind,
}

impl Reader<'_> {
    fn body(&mut self, body: &Value, guard: Option<u32>) -> Option<()> {
        body.as_array().map_or(&[][..], Vec::as_slice).iter().try_for_each(|statement| self.statement(statement, guard))
    }

    /// Reads a statement of the code; nothing where it can't be.
    fn statement(&mut self, statement: &Value, guard: Option<u32>) -> Option<()> {
        let (kind, statement) = statement.as_object()?.iter().next()?;
        match kind.as_str() {
            "PLpgSQL_stmt_block" => {
                let caught = &statement["exceptions"]["PLpgSQL_exception_block"]["exc_list"];
                let caught = catching(caught);
                let guard = if caught.is_empty() { guard } else { Some(self.caught(caught)?) };
                self.body(&statement["body"], guard)
            }
            "PLpgSQL_stmt_if" => self.condition(statement, guard),
            "PLpgSQL_stmt_execsql" => {
                statement["into"].is_null().then_some(())?;
                self.sql(statement["sqlstmt"]["PLpgSQL_expr"]["query"].as_str()?, guard)
            }
            "PLpgSQL_stmt_dynexecute" => {
                (statement["into"].is_null() && statement["params"].is_null()).then_some(())?;
                self.executed(statement["query"]["PLpgSQL_expr"]["query"].as_str()?, guard)
            }
            "PLpgSQL_stmt_raise" | "PLpgSQL_stmt_return" => Some(()),
            // A call may do anything, but so it may in a SELECT.
            "PLpgSQL_stmt_perform" => self.sql(statement["expr"]["PLpgSQL_expr"]["query"].as_str()?, guard),
            _ => None,
        }
    }

    /// The number of a part whose errors are caught, if all that is then done is nothing.
    fn caught(&mut self, handlers: &[Value]) -> Option<u32> {
        let quiet = |handler: &Value| {
            let action = handler["PLpgSQL_exception"]["action"].as_array().map_or(&[][..], Vec::as_slice);
            action.iter().all(|statement| statement.get("PLpgSQL_stmt_raise").is_some_and(|raise| raise["elog_level"] != ERROR))
        };
        if !handlers.iter().all(names_objects) {
            self.errors = Errors::OfAnyKind;
        }
        handlers.iter().all(quiet).then(|| self.next_guard())
    }

    /// `IF`: with a condition on what the schema has, the schema tells whether the body is run. With any other one only a body that does
    /// nothing can be read.
    fn condition(&mut self, statement: &Value, guard: Option<u32>) -> Option<()> {
        let before = self.changes.len();
        let own = self.next_guard();
        let asked = condition::read(statement["cond"]["PLpgSQL_expr"]["query"].as_str()?);
        let outer = self.conditions.len();
        self.conditions.extend(asked.clone().map(|condition| (own, condition)));
        self.body(&statement["then_body"], Some(own))?;
        self.conditions.truncate(outer);
        let then = self.changes.len();
        for other in statement["elsif_list"].as_array().map_or(&[][..], Vec::as_slice) {
            self.body(&other["PLpgSQL_if_elsif"]["stmts"], guard)?;
        }
        self.body(&statement["else_body"], guard)?;
        let otherwise_nothing = self.changes.len() == then;
        // Which extensions a server has its administrators decide, too.
        let is_extension = |lowered: &Lowered| {
            matches!(lowered.change, Change::CreateExtension { .. } | Change::DropExtension { .. } | Change::Comment { .. })
        };
        let asked = asked.filter(|asked| !asked.asks_for(SoughtKind::Extension) || self.changes[before..then].iter().all(is_extension));
        (self.changes.len() == before || otherwise_nothing && asked.is_some()).then_some(())
    }

    fn next_guard(&mut self) -> u32 {
        self.guards += 1;
        self.guards
    }

    /// `EXECUTE` of a constant that says one change: of several none has a place of its own in the text.
    fn executed(&mut self, expression: &str, guard: Option<u32>) -> Option<()> {
        let constant = super::super::constant_text(expression)?;
        let place = self.place(expression)?;
        let before = self.changes.len();
        self.lower(&constant, place, guard, |_| place)?;
        (self.changes.len() <= before + 1).then_some(())
    }

    /// A statement that stands in the code itself.
    fn sql(&mut self, text: &str, guard: Option<u32>) -> Option<()> {
        // PERFORM is given as the SELECT that it stands for.
        let place = self.place(text).or_else(|| self.place(text.strip_prefix("SELECT ")?))?;
        let start = (place.end - place.start == text.len()).then_some(place.start);
        self.lower(text, place, guard, |span| match start {
            Some(start) => Span { start: start + span.start, end: start + span.end },
            None => place,
        })
    }

    fn lower(&mut self, text: &str, place: Span, guard: Option<u32>, at: impl Fn(Span) -> Span) -> Option<()> {
        let parsed = pg_query::parse(text, 0).ok()?;
        let own = Source::new(text, 0);
        for node in parsed.protobuf.stmts.iter().filter_map(|raw| raw.stmt.as_ref()?.node.as_ref()) {
            if matches!(node, NodeEnum::DoStmt(_) | NodeEnum::TransactionStmt(_)) {
                return None;
            }
            for lowered in super::statement(&own, node) {
                self.is_readable(&lowered.change).then_some(())?;
                let span = self.source.in_file(at(lowered.span));
                let within = Some(Within { statement: self.source.in_file(place), guard });
                self.changes.push(Lowered { span, within, conditions: self.conditions.clone(), ..lowered });
            }
        }
        Some(())
    }

    /// Whether the change means by itself what it means in the code.
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other statement can name a variable")]
    fn is_readable(&self, change: &Change) -> bool {
        match change {
            Change::Opaque { touches, .. } => touches == &Touches::Nothing,
            Change::Data(data) => !self.variables || data.verb == Verb::Select,
            _ => true,
        }
    }

    /// Where the text stands, after all that was found before.
    fn place(&mut self, text: &str) -> Option<Span> {
        let start = self.from + self.source.text().get(self.from..)?.find(text)?;
        let place = Span { start, end: start + text.len() };
        self.from = place.end;
        Some(place)
    }
}

/// The handlers of a block, without those at the end that raise what they catch again.
fn catching(handlers: &Value) -> &[Value] {
    let raises = |handler: &Value| handler["PLpgSQL_exception"]["action"][0]["PLpgSQL_stmt_raise"]["elog_level"] == ERROR;
    let handlers = handlers.as_array().map_or(&[][..], Vec::as_slice);
    let end = handlers.iter().rposition(|handler| !raises(handler)).map_or(0, |last| last + 1);
    &handlers[..end]
}

/// Whether a handler is for what the schema alone decides.
fn names_objects(handler: &Value) -> bool {
    let conditions = handler["PLpgSQL_exception"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    conditions.iter().all(|condition| {
        let name = condition["PLpgSQL_condition"]["condname"].as_str().unwrap_or_default();
        name.starts_with("duplicate_") || name.starts_with("undefined_")
    })
}

/// PL/pgSQL's number for RAISE EXCEPTION (`elog.h`, the same in PostgreSQL 14 to 18).
const ERROR: i32 = 21;

/// What tells which objects there are.
const CATALOGS: [&str; 24] = [
    "pg_attribute",
    "pg_class",
    "pg_constraint",
    "pg_enum",
    "pg_event_trigger",
    "pg_extension",
    "pg_index",
    "pg_indexes",
    "pg_matviews",
    "pg_namespace",
    "pg_policies",
    "pg_policy",
    "pg_proc",
    "pg_publication",
    "pg_publication_tables",
    "pg_rules",
    "pg_sequence",
    "pg_sequences",
    "pg_statistic_ext",
    "pg_tables",
    "pg_trigger",
    "pg_type",
    "pg_views",
    "pg_attrdef",
];

/// Whether a table tells which objects there are.
fn is_catalog(schema: &str, table: &str) -> bool {
    schema == "information_schema" || matches!(schema, "" | "pg_catalog") && CATALOGS.contains(&table)
}

//! What a condition of a block of code asks of the catalogs. One that asks for more than whether something is there isn't read.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser has a node for every part of the grammar; what isn't named here isn't read"
)]

use pg_query::NodeEnum;
use pg_query::protobuf::a_const::Val;
use pg_query::protobuf::{self as pg, AExprKind, BoolExprType, Node, NullTestType, SelectStmt, SubLinkType};

use crate::schema::Identifier;
use crate::schema::condition::{Condition, Sought, SoughtKind};

/// The condition; nothing where it can't be read.
pub(super) fn read(condition: &str) -> Option<Condition> {
    let parsed = pg_query::parse(&format!("SELECT {condition}"), 0).ok()?;
    match parsed.protobuf.stmts.first()?.stmt.as_ref()?.node.as_ref()? {
        NodeEnum::SelectStmt(select) => of(value(select)?),
        _ => None,
    }
}

/// The only value that a query without a table gives.
fn value(select: &SelectStmt) -> Option<&NodeEnum> {
    match select.target_list.as_slice() {
        [only] => match only.node.as_ref()? {
            NodeEnum::ResTarget(target) => target.val.as_ref()?.node.as_ref(),
            _ => None,
        },
        _ => None,
    }
}

fn of(node: &NodeEnum) -> Option<Condition> {
    match node {
        NodeEnum::BoolExpr(expression) => {
            let parts: Option<Vec<Condition>> = expression.args.iter().map(|part| of(part.node.as_ref()?)).collect();
            match expression.boolop() {
                BoolExprType::AndExpr => Some(Condition::All(parts?)),
                BoolExprType::OrExpr => Some(Condition::Any(parts?)),
                BoolExprType::NotExpr => Some(not(parts?.into_iter().next()?)),
                BoolExprType::Undefined => None,
            }
        }
        NodeEnum::SubLink(link) => {
            let select = subselect(link)?;
            match link.sub_link_type() {
                SubLinkType::ExistsSublink => Some(Condition::There(sought(select)?)),
                SubLinkType::ExprSublink if select.from_clause.is_empty() => of(value(select)?),
                _ => None,
            }
        }
        NodeEnum::NullTest(test) => {
            let there = match test.arg.as_ref()?.node.as_ref()? {
                NodeEnum::SubLink(link) => sought(subselect(link)?)?,
                other => relation(other)?,
            };
            match test.nulltesttype() {
                NullTestType::IsNull => Some(not(Condition::There(there))),
                NullTestType::IsNotNull => Some(Condition::There(there)),
                NullTestType::Undefined => None,
            }
        }
        NodeEnum::AExpr(compare) => counted(compare),
        _ => None,
    }
}

fn not(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}

fn subselect(link: &pg::SubLink) -> Option<&SelectStmt> {
    match link.subselect.as_ref()?.node.as_ref()? {
        NodeEnum::SelectStmt(select) => Some(select),
        _ => None,
    }
}

/// `(SELECT count(*) FROM …) = 0` and the like.
fn counted(compare: &pg::AExpr) -> Option<Condition> {
    let NodeEnum::SubLink(link) = compare.lexpr.as_ref()?.node.as_ref()? else { return None };
    let select = subselect(link)?;
    let NodeEnum::FuncCall(call) = value(select)? else { return None };
    (word(call.funcname.last()?)? == "count").then_some(())?;
    let there = Condition::There(sought(select)?);
    match (operator(compare)?, whole(compare.rexpr.as_ref()?.node.as_ref()?)?) {
        (">" | "<>" | "!=", 0) | (">=" | "=", 1) => Some(there),
        ("=" | "<=", 0) | ("<", 1) => Some(not(there)),
        _ => None,
    }
}

/// Names that a query of the catalogs asks for, by what they are names of.
#[derive(Default)]
struct Asked {
    schema: Option<String>,
    relation: Option<String>,
    part: Option<(SoughtKind, String)>,
}

fn sought(select: &SelectStmt) -> Option<Sought> {
    let mut asked = Asked::default();
    select.from_clause.iter().try_for_each(|node| asked.from(node))?;
    if let Some(condition) = &select.where_clause {
        asked.all(condition)?;
    }
    let Asked { schema, relation, part } = asked;
    let identifier = |name: String| Identifier::new(name);
    Some(match (part, relation) {
        (Some((kind, name)), of) => Sought { kind, schema: schema.map(identifier), of: of.map(identifier), name: identifier(name) },
        (None, Some(name)) => Sought { kind: SoughtKind::Relation, schema: schema.map(identifier), of: None, name: identifier(name) },
        (None, None) => Sought { kind: SoughtKind::Schema, schema: None, of: None, name: identifier(schema?) },
    })
}

impl Asked {
    fn from(&mut self, node: &Node) -> Option<()> {
        match node.node.as_ref()? {
            NodeEnum::RangeVar(table) => super::is_catalog(&table.schemaname, &table.relname).then_some(()),
            NodeEnum::JoinExpr(join) => {
                self.from(join.larg.as_ref()?)?;
                self.from(join.rarg.as_ref()?)?;
                join.quals.as_ref().map_or(Some(()), |quals| self.all(quals))
            }
            _ => None,
        }
    }

    /// Takes in all that must hold.
    fn all(&mut self, node: &Node) -> Option<()> {
        match node.node.as_ref()? {
            NodeEnum::BoolExpr(expression) if expression.boolop() == BoolExprType::AndExpr => {
                expression.args.iter().try_for_each(|part| self.all(part))
            }
            // `NOT attisdropped`
            NodeEnum::BoolExpr(expression) if expression.boolop() == BoolExprType::NotExpr => {
                (column(expression.args.first()?.node.as_ref()?)? == "attisdropped").then_some(())
            }
            NodeEnum::AExpr(compare) => self.compared(compare),
            _ => None,
        }
    }

    fn compared(&mut self, compare: &pg::AExpr) -> Option<()> {
        let (left, right) = (compare.lexpr.as_ref()?.node.as_ref()?, compare.rexpr.as_ref()?.node.as_ref()?);
        let (name, value) = match (column(left), column(right)) {
            // What joins the catalogs.
            (Some(_), Some(_)) => return Some(()),
            (Some(name), None) => (name, right),
            (None, Some(name)) => (name, left),
            (None, None) => return None,
        };
        let is_kind = matches!(name, "relkind" | "table_type" | "contype" | "constraint_type" | "typtype" | "prokind" | "tgisinternal");
        let is_place = matches!(name, "table_schema" | "schemaname" | "nspname" | "constraint_schema" | "trigger_schema" | "table_catalog");
        match (name, compare.kind(), operator(compare)?) {
            ("attnum", AExprKind::AexprOp, ">") => return Some(()),
            ("attisdropped", AExprKind::AexprOp, "=") => return Some(()),
            (_, AExprKind::AexprOp | AExprKind::AexprIn | AExprKind::AexprOpAny, "=") if is_kind => return Some(()),
            // The schemas in which names are looked up.
            (_, AExprKind::AexprOp | AExprKind::AexprOpAny, "=") if is_place && is_current(value) => return Some(()),
            (_, AExprKind::AexprOp, "=") => {}
            _ => return None,
        }
        self.named(name, value)
    }

    fn named(&mut self, name: &str, value: &NodeEnum) -> Option<()> {
        let part = match name {
            "table_schema" | "schemaname" | "nspname" | "constraint_schema" | "trigger_schema" | "schema_name" | "routine_schema" => {
                return once(&mut self.schema, text(value)?);
            }
            "relnamespace" | "typnamespace" | "connamespace" | "pronamespace" => {
                return once(&mut self.schema, cast_to(value, "regnamespace")?);
            }
            "table_name" | "tablename" | "relname" | "event_object_table" | "viewname" | "matviewname" | "sequence_name"
            | "sequencename" => {
                return once(&mut self.relation, text(value)?);
            }
            "conrelid" | "attrelid" | "tgrelid" | "indrelid" | "polrelid" | "oid" | "indexrelid" => {
                let found = relation(value)?;
                if let Some(schema) = found.schema {
                    once(&mut self.schema, schema.to_string())?;
                }
                return once(&mut self.relation, found.name.to_string());
            }
            "enumtypid" => return once(&mut self.relation, cast_to(value, "regtype")?),
            "column_name" | "attname" => SoughtKind::Column,
            "conname" | "constraint_name" => SoughtKind::Constraint,
            "indexname" => SoughtKind::Index,
            "tgname" | "trigger_name" => SoughtKind::Trigger,
            "polname" | "policyname" => SoughtKind::Policy,
            "proname" | "routine_name" => SoughtKind::Routine,
            "enumlabel" => SoughtKind::Label,
            "typname" => SoughtKind::Type,
            "extname" => SoughtKind::Extension,
            _ => return None,
        };
        let value = text(value)?;
        match (self.part.take(), part) {
            (None, kind) => self.part = Some((kind, value)),
            // A label of a type.
            (Some((SoughtKind::Label, label)), SoughtKind::Type) => {
                self.part = Some((SoughtKind::Label, label));
                once(&mut self.relation, value)?;
            }
            (Some((SoughtKind::Type, of)), SoughtKind::Label) => {
                self.part = Some((SoughtKind::Label, value));
                once(&mut self.relation, of)?;
            }
            (Some(_), _) => return None,
        }
        Some(())
    }
}

/// Puts a name in its place; nothing where another one is there.
fn once(place: &mut Option<String>, value: String) -> Option<()> {
    let is_same = place.as_ref().is_none_or(|there| *there == value);
    *place = Some(value);
    is_same.then_some(())
}

fn column(node: &NodeEnum) -> Option<&str> {
    match node {
        NodeEnum::ColumnRef(column) => word(column.fields.last()?),
        NodeEnum::TypeCast(cast) => column(cast.arg.as_ref()?.node.as_ref()?),
        _ => None,
    }
}

fn word(node: &Node) -> Option<&str> {
    match node.node.as_ref()? {
        NodeEnum::String(text) => Some(text.sval.as_str()),
        _ => None,
    }
}

fn operator(compare: &pg::AExpr) -> Option<&str> {
    word(compare.name.last()?)
}

fn whole(node: &NodeEnum) -> Option<i32> {
    let NodeEnum::AConst(constant) = node else { return None };
    let Val::Ival(number) = constant.val.as_ref()? else { return None };
    Some(number.ival)
}

/// A text constant, perhaps cast to a type of text.
fn text(node: &NodeEnum) -> Option<String> {
    match node {
        NodeEnum::AConst(constant) => {
            let Val::Sval(text) = constant.val.as_ref()? else { return None };
            Some(text.sval.clone())
        }
        NodeEnum::TypeCast(cast) => {
            let to = word(cast.type_name.as_ref()?.names.last()?)?;
            matches!(to, "text" | "name" | "varchar").then_some(())?;
            text(cast.arg.as_ref()?.node.as_ref()?)
        }
        _ => None,
    }
}

/// `'app'::regnamespace`.
fn cast_to(node: &NodeEnum, wanted: &str) -> Option<String> {
    let NodeEnum::TypeCast(cast) = node else { return None };
    (word(cast.type_name.as_ref()?.names.last()?)? == wanted).then_some(())?;
    let text = text(cast.arg.as_ref()?.node.as_ref()?)?;
    Some(unquoted(text.rsplit('.').next()?))
}

/// `'app.t'::regclass`, `to_regclass('app.t')`, or the number of a relation of that name.
fn relation(node: &NodeEnum) -> Option<Sought> {
    let (kind, text) = match node {
        NodeEnum::TypeCast(cast) => {
            let to = word(cast.type_name.as_ref()?.names.last()?)?;
            let arg = cast.arg.as_ref()?.node.as_ref()?;
            match to {
                "regclass" => (SoughtKind::Relation, text(arg)?),
                // The same once more, as text.
                "text" | "oid" => return relation(arg),
                _ => return None,
            }
        }
        NodeEnum::FuncCall(call) => {
            let kind = match word(call.funcname.last()?)? {
                "to_regclass" => SoughtKind::Relation,
                "to_regtype" => SoughtKind::Type,
                "to_regnamespace" => SoughtKind::Schema,
                _ => return None,
            };
            (kind, text(call.args.first()?.node.as_ref()?)?)
        }
        NodeEnum::SubLink(link) => {
            let found = sought(subselect(link)?)?;
            return (found.kind == SoughtKind::Relation).then_some(found);
        }
        _ => return None,
    };
    let (schema, name) = match text.split_once('.') {
        Some((schema, name)) => (Some(unquoted(schema)), unquoted(name)),
        None => (None, unquoted(&text)),
    };
    Some(Sought { kind, schema: schema.map(Identifier::new), of: None, name: Identifier::new(name) })
}

fn unquoted(name: &str) -> String {
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => name.to_lowercase(),
    }
}

/// `current_schema()`, `current_schemas(…)`, `current_database()`.
fn is_current(node: &NodeEnum) -> bool {
    match node {
        NodeEnum::FuncCall(call) => call
            .funcname
            .last()
            .and_then(word)
            .is_some_and(|name| matches!(name, "current_schema" | "current_schemas" | "current_database")),
        NodeEnum::SqlvalueFunction(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn only_what_asks_for_an_object_is_read() {
        for good in [
            "NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 't' AND column_name = 'c')",
            "EXISTS (SELECT FROM pg_constraint WHERE conname = 'c' AND conrelid = 'app.t'::regclass)",
            "EXISTS (SELECT 1 FROM pg_type t JOIN pg_enum e ON t.oid = e.enumtypid WHERE t.typname = 'k' AND e.enumlabel = 'v')",
            "to_regclass('public.t') IS NULL",
            "(SELECT count(*) FROM pg_tables WHERE tablename = 't' AND schemaname = current_schema()) = 0",
            "NOT EXISTS (SELECT 1 FROM pg_attribute a JOIN pg_class c ON a.attrelid = c.oid WHERE c.relname = 't' AND attname = 'c' AND NOT attisdropped)",
        ] {
            assert!(read(good).is_some(), "{good}");
        }
        for bad in [
            "EXISTS (SELECT 1 FROM t WHERE a = 1)",
            "EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = 't' AND column_name = 'c' AND data_type = 'text')",
            "EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'c' AND NOT attnotnull)",
            "EXISTS (SELECT 1 FROM pg_tables WHERE tablename LIKE 't%')",
            "current_database() = 'a'",
            "false",
        ] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}

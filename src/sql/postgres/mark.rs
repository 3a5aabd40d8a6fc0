//! References taken out of SQL: the original text of a parse tree, cut at the columns, relations, functions and types that it names.
//! Never changes a text beyond leaving out its comments and the qualifiers that say nothing.

use serde::Serialize;

use super::source::Source;
use super::walker::Walker;
use crate::schema::{Name, Part, Sql};
use crate::sql::span::Span;

/// To whom a text belongs, which decides what its unqualified columns are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Owner<'a> {
    /// An expression over a table's row: its own columns have no `of`. The alias is the one that the statement gives the table.
    Table(&'a Name, Option<&'a str>),
    /// A query, whose columns belong to what it reads.
    Query,
    /// A CHECK over VALUE, or anything else in which a lone name is no column.
    Value,
}

/// What a statement on rows touches, each name once. Names of WITH queries are no tables.
pub(crate) struct Touched {
    /// The tables that it writes, the outermost first.
    pub(crate) writes: Vec<Name>,
    /// The tables that it reads.
    pub(crate) reads: Vec<Name>,
    /// The functions that it calls and that aren't built in.
    pub(crate) calls: Vec<Name>,
}

impl Source<'_> {
    /// The text of `span` with the references marked that `node`, parsed from it, holds. Comments are left out.
    pub(crate) fn mark(&self, span: Span, node: &impl Serialize, owner: Owner<'_>) -> Sql {
        self.mark_also(span, node, owner, Vec::new())
    }

    /// The same with places that the tree has no location for, or takes for something else. They win over what is found in the tree.
    pub(crate) fn mark_also(&self, span: Span, node: &impl Serialize, owner: Owner<'_>, also: Vec<(Span, Part)>) -> Sql {
        let mut references = self.references(node, owner);
        references.retain(|(place, _)| also.iter().all(|(other, _)| place.end <= other.start || other.end <= place.start));
        references.extend(also);
        references.sort_by_key(|(place, _)| place.start);
        let mut parts = Parts::default();
        let mut references = references.into_iter().filter(|(place, _)| place.start >= span.start && place.start < place.end).peekable();
        let mut before = span.start;
        for token in self.tokens_in(span) {
            if token.start < before {
                continue;
            }
            parts.gap(&self.text()[before..token.start]);
            if let Some((place, part)) = references.next_if(|(place, _)| place.start == token.start) {
                parts.reference(part);
                before = place.end;
            } else {
                parts.text(token.of(self.text()));
                before = token.end;
            }
        }
        Sql { parts: parts.list }
    }

    /// What a statement on rows touches.
    pub(crate) fn touched(&self, node: &impl Serialize) -> Touched {
        let walker = Walker::over(self, node, Owner::Query);
        Touched { writes: without_repeats(walker.writes), reads: without_repeats(walker.reads), calls: without_repeats(walker.calls) }
    }

    /// What `node` refers to, with the places, in order and without overlap.
    pub(crate) fn references(&self, node: &impl Serialize, owner: Owner<'_>) -> Vec<(Span, Part)> {
        let mut found = Walker::over(self, node, owner).found;
        found.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
        let mut end = 0;
        found.retain(|(span, _)| {
            let fresh = span.start >= end;
            if fresh {
                end = span.end;
            }
            fresh
        });
        found
    }
}

fn without_repeats(names: Vec<Name>) -> Vec<Name> {
    let mut seen = std::collections::BTreeSet::new();
    names.into_iter().filter(|name| seen.insert(name.clone())).collect()
}

/// Parts under construction: neighbouring texts are one.
#[derive(Default)]
struct Parts {
    list: Vec<Part>,
}

impl Parts {
    fn text(&mut self, text: &str) {
        match self.list.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(last)) => last.push_str(text),
            _ => self.list.push(Part::Text(text.to_owned())),
        }
    }

    /// What stands between two tokens: white space, or a comment that counts as such.
    fn gap(&mut self, gap: &str) {
        self.text(if gap.trim().is_empty() { gap } else { " " });
    }

    fn reference(&mut self, part: Part) {
        match part {
            Part::Text(text) => self.text(&text),
            Part::Column { .. } | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => self.list.push(part),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The references of `SELECT …` or of `expression` over table `t`, as `kind name` in order.
    fn marked(sql: &str, owner: Owner<'_>) -> String {
        let parsed = pg_query::parse(sql, 0).unwrap();
        let source = Source::new(sql, 0);
        let node = parsed.protobuf.stmts[0].stmt.as_ref().unwrap();
        let Sql { parts } = source.mark(source.whole(), node, owner);
        parts.iter().map(shown).collect()
    }

    fn shown(part: &Part) -> String {
        match part {
            Part::Text(text) => text.clone(),
            Part::Column { of: Some(of), name } => format!("<{of}:{name}>"),
            Part::Column { of: None, name } => format!("<:{name}>"),
            Part::Relation(name) => format!("<rel {name}>"),
            Part::RelationLiteral(name) => format!("<lit {name}>"),
            Part::Function(name) => format!("<fn {name}>"),
            Part::Type(name) => format!("<type {name}>"),
        }
    }

    #[test]
    fn references_are_found_whatever_stands_around_them() {
        for (sql, expected) in [
            ("select a, b from t", "select <t:a>, <t:b> from <rel t>"),
            ("select t.a, u.b from t, app.users u", "select <rel t>.<t:a>, u.<app.users:b> from <rel t>, <rel app.users> u"),
            ("select app.users.b from app.users", "select <rel app.users>.<app.users:b> from <rel app.users>"),
            ("select a from t, u", "select <:a> from <rel t>, <rel u>"),
            ("select -- a\n \"A\" /* t.b */ from t", "select <t:A> from <rel t>"),
            ("select f(now()), x.g(a) from t", "select <fn f>(now()), <fn x.g>(<t:a>) from <rel t>"),
            (
                "select 'a'::status, cast(a as app.kind), a::int4[], a::text from t",
                "select 'a'::<type status>, cast(<t:a> as <type app.kind>), <t:a>::int4[], <t:a>::text from <rel t>",
            ),
            ("select nextval('a_seq'), nextval('app.\"B\"'::regclass)", "select nextval(<lit a_seq>), nextval(<lit app.B>::regclass)"),
            ("with t as (select a from t) select a, t.a from t", "with t as (select <t:a> from <rel t>) select a, t.a from t"),
            ("with recursive t as (select a from t) select a from t", "with recursive t as (select a from t) select a from t"),
            ("select s.x, x from (select a as x from t) s", "select s.x, x from (select <t:a> as x from <rel t>) s"),
            ("select a as x from t order by x, a", "select <t:a> as x from <rel t> order by x, <t:a>"),
            ("select a from t union select b from u order by a", "select <t:a> from <rel t> union select <u:b> from <rel u> order by a"),
            (
                "select 1 from t where exists (select 1 from unnest(tags) g where g = a)",
                "select 1 from <rel t> where exists (select 1 from unnest(<t:tags>) g where g = <t:a>)",
            ),
            ("select t.* from t join u on t.id = u.id", "select <rel t>.* from <rel t> join <rel u> on <rel t>.<t:id> = <rel u>.<u:id>"),
            (
                "insert into t (a, b) select x, y from u on conflict (a) do update set b = excluded.b where t.a > 0",
                "insert into <rel t> (<t:a>, <t:b>) select <u:x>, <u:y> from <rel u> on conflict (<t:a>) do update set <t:b> = excluded.<t:b> where <rel t>.<t:a> > 0",
            ),
            (
                "update t set a = b + u.c from u where t.id = u.id",
                "update <rel t> set <t:a> = <:b> + <rel u>.<u:c> from <rel u> where <rel t>.<t:id> = <rel u>.<u:id>",
            ),
            ("delete from only t x where x.a = 1 and b", "delete from only <rel t> x where x.<t:a> = 1 and <t:b>"),
        ] {
            assert_eq!(marked(sql, Owner::Query), expected, "{sql}");
        }
    }

    #[test]
    fn columns_of_the_owner_are_its_own() {
        let users = Name::unqualified("users");
        for (sql, expected) in [
            ("select a, users.b, other.c", "select <:a>, <rel users>.<:b>, other.c"),
            (
                "select (select max(x) from u where u.id = users.id)",
                "select (select max(<u:x>) from <rel u> where <rel u>.<u:id> = <rel users>.<:id>)",
            ),
            ("select new.a is distinct from old.a", "select new.<:a> is distinct from old.<:a>"),
        ] {
            assert_eq!(marked(sql, Owner::Table(&users, None)), expected, "{sql}");
        }
        // Outside of its statement an alias would mean nothing.
        assert_eq!(marked("select u.a", Owner::Table(&users, Some("u"))), "select <rel users>.<:a>");
        assert_eq!(marked("select value > 0 and f(value)", Owner::Value), "select value > 0 and <fn f>(value)");
    }

    #[test]
    fn a_long_chain_of_operators_is_read() {
        let sql = format!("select {} from t", vec!["a"; 400].join(" || "));
        let marked = super::super::with_deep_stack(|| marked(&sql, Owner::Query));
        assert_eq!(marked.matches("<t:a>").count(), 400);
    }
}

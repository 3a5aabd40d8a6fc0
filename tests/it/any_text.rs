//! Reading any text at all: no panic, no endless work, and places that are places of the text.

use concertina::sql::Span;
use concertina::sql::postgres::parse;
use proptest::prelude::*;

/// What must hold of whatever is read.
fn check(text: &str) {
    let script = parse(text);
    let mut end = 0;
    for statement in &script.statements {
        let Span { start, end: own_end } = statement.span;
        assert!(end <= start && start < own_end && own_end <= text.len(), "{text:?}: {:?} after {end}", statement.span);
        assert!(!statement.changes.is_empty(), "{text:?}: {:?} has no change", statement.span.of(text));
        for lowered in &statement.changes {
            let within = start <= lowered.span.start && lowered.span.start <= lowered.span.end && lowered.span.end <= own_end;
            assert!(within, "{text:?}: {:?} in {:?}", lowered.span, statement.span);
            assert!(text.get(lowered.span.start..lowered.span.end).is_some(), "{text:?}");
        }
        end = own_end;
    }
    let others = script.errors.iter().map(|error| error.span).chain(script.skipped.iter().map(|skipped| skipped.span));
    for span in others.chain(script.statements.iter().flat_map(|statement| statement.directives.iter().map(|directive| directive.span))) {
        assert!(span.start <= span.end && text.get(span.start..span.end).is_some(), "{text:?}: {span:?}");
    }
}

/// Text that holds much of what a reader can stumble over.
const STATEMENTS: &[&str] = &[
    "alter table \"T\" add column a int default 1 not null, add constraint c check (a > 0), alter b type text using b::text;\n",
    "create table s.t (a serial primary key, b text[] default '{}' references u (c) on delete cascade, like v including all);\n",
    "create index concurrently if not exists i on t using gin ((a -> 'b') desc nulls last) include (c) where d is not null;\n",
    "-- concertina: up t.a = case when b then 1 end\n-- concertina: allow x because \"é\"\n",
    "create or replace function f(a int, out b text) returns trigger language plpgsql as $x$ begin return new; end $x$;\n",
    "create function f() returns int begin atomic select case when a then 1 end from t; end;\n",
    "create trigger g before update of a, b on t for each row when (old.a is distinct from new.a) execute function f('x');\n",
    "create or replace view v (a, b) with (security_invoker) as with x as (select * from t) select a, b from x with check option;\n",
    "create recursive view v (a) as select 1 union all select a from v;\ncreate policy p on t using (a = current_user);\n",
    "comment on column t.a is 'it''s';grant select (a, b), insert on t, u to r, public with grant option;\n",
    "copy t (a) from stdin;\n1\t2\n\\.\n\\set a b\n\\i c\nselect e'\\'' \\g\n",
    "do $$ begin execute 'x'; end $$; select set_config('search_path', 'a, \"B\"', false);\n",
    "insert into t (a) select b from u on conflict (a) do update set a = excluded.a; update t set (a, b) = (1, 2) from u;\n",
    "create publication p for table t (a, b) where (a > 0), tables in schema s; drop view a, b cascade; /* x /* y */ */\n",
    "create aggregate a (int order by text) (sfunc = f, stype = int); create operator s.=== (leftarg = int, function = f);\n",
    "create statistics s (ndistinct) on a, (lower(b)) from t; create rule r as on update to t do also (select 1; notify x);\n",
    "merge into t using u on t.a = u.a when matched then update set b = u.b when not matched then insert values (1);\n",
    "create type e as enum ('a', 'b'); alter type e add value 'c' before 'a'; create domain d as text check (value <> '');\n",
    "alter sequence s owned by t.a; drop function f(int, text[]), g; alter default privileges grant all on tables to r;\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,60}|[ -~\\n\\t]{0,80}|[a-z0-9 '\"$();,\\\\\\n/*-]{0,60}") {
        check(&text);
    }

    #[test]
    fn no_damage_to_statements_makes_reading_panic(
        first in 0..STATEMENTS.len(),
        second in 0..STATEMENTS.len(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, prop::sample::select(vec!["", "'", "\"", "$$", "(", ")", ";", ",", " ", "\n", "é", "\0", "/*", "--", "\\", "x", "1", ":a", "."])), 0..4),
    ) {
        let mut letters: Vec<char> = STATEMENTS[first].chars().chain(STATEMENTS[second].chars()).collect();
        for (place, length, put) in cuts {
            let start = place.index(letters.len() + 1);
            let end = (start + length).min(letters.len());
            letters.splice(start..end, put.chars());
        }
        check(&letters.into_iter().collect::<String>());
    }
}

#[test]
fn statements_without_damage_are_read() {
    for statement in STATEMENTS {
        check(statement);
    }
    let all = STATEMENTS.concat();
    check(&all);
    let errors = parse(&all).errors;
    assert_eq!(errors.len(), 1, "only `\\i` is refused: {errors:?}");
}

#[test]
fn deep_nesting_is_an_error_and_not_the_end() {
    for (open, close) in
        [("(", ")"), ("(select ", ")"), ("array[", "]"), ("f(", ")"), ("case when true then ", " end"), ("not ", ""), ("- ", "")]
    {
        for depth in [50, 10_000] {
            let text = format!("select 0; select {}1{}; select 2", open.repeat(depth), close.repeat(depth));
            check(&text);
            let script = parse(&text);
            assert_eq!(script.statements.len() + script.errors.len(), 3, "{open} {depth}: {:?}", script.errors);
            assert!(depth > 50 || script.errors.is_empty(), "{open}: {:?}", script.errors);
        }
    }
}

#[test]
fn long_chains_are_read() {
    for (first, next) in [
        ("select 1", " union all select 1"),
        ("select 'a'", " || 'a'"),
        ("select a", " and b"),
        ("select a", " + b"),
        ("values (1)", ", (2)"),
    ] {
        let text = format!("{first}{}", next.repeat(300));
        check(&text);
        assert_eq!(parse(&text).errors, [], "{next}");
    }
}

#[test]
fn a_directive_that_says_nothing_is_read() {
    for text in
        ["-- concertina: ", "-- concertina:", "select 1;\n-- concertina: \t \nselect 2;", "-- concertina: é", "-- concertina:\u{a0}"]
    {
        check(text);
    }
}

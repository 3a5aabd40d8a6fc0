//! Views whose query is resolved, in small tables of text and result.

use super::*;
use crate::schema::{DataType, Table};

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    for (name, columns) in [("t", &["a", "b"][..]), ("u", &["b", "c"])] {
        let mut table = Table::new(Name::new("public", name));
        table.columns = columns.iter().map(|column| crate::schema::Column::new(*column, DataType::built_in("int4"))).collect();
        catalog.tables.insert(table.name.clone(), std::sync::Arc::new(table));
    }
    catalog
}

/// The resolved query and its columns.
fn check(sql: &str, expected: &str, columns: &str) {
    let query = query(&Sql::plain(sql), &catalog());
    let shown = query.map_or_else(
        || ("?".to_owned(), String::new()),
        |resolved| {
            let columns: Vec<_> = resolved.columns.iter().map(|column| column.name.to_string()).collect();
            (resolved.query.parts.iter().map(shown).collect(), columns.join(" "))
        },
    );
    assert_eq!((shown.0.as_str(), shown.1.as_str()), (expected, columns), "{sql}");
}

fn shown(part: &Part) -> String {
    match part {
        Part::Text(text) => text.clone(),
        Part::Column { of, name } => format!("<{}.{name}>", of.as_ref().map_or(String::new(), |of| of.name.to_string())),
        Part::Relation(name) | Part::RelationLiteral(name) => format!("[{}]", name.name),
        Part::Function(name) | Part::Type(name) => format!("{{{name}}}"),
    }
}

#[test]
fn columns_are_bound_and_stars_spelled_out() {
    check("select * from public.t", "select <t.a>, <t.b> from [t]", "a b");
    check("select t.* from public.t", "select <t.a>, <t.b> from [t]", "a b");
    check("select x.*, c from public.t x, public.u y", "select x.<t.a>, x.<t.b>, <u.c> from [t] x, [u] y", "a b c");
    check("select * from public.t join public.u using (b)", "select b, [t].<t.a>, [u].<u.c> from [t] join [u] using (b)", "b a c");
    check("select a, c from public.t natural join public.u", "select <t.a>, <u.c> from [t] natural join [u]", "a c");
    check("select q.* from (select a as z from public.t) q", "select z from (select <t.a> as z from [t]) q", "z");
    check("with q as (select * from public.t) select * from q", "with q as (select <t.a>, <t.b> from [t]) select a, b from q", "a b");
    check("select * from public.t as x(m)", "select m, <t.b> from [t] as x(m)", "m b");
    check(
        "select a from public.t union select c from public.u order by a",
        "select <t.a> from [t] union select <u.c> from [u] order by a",
        "a",
    );
    check(
        "select public.t.a from public.t where exists (select * from public.u where c = a)",
        "select [t].<t.a> from [t] where exists (select <u.b>, <u.c> from [u] where <u.c> = <t.a>)",
        "a",
    );
    check("select a as n from public.t group by n order by n", "select <t.a> as n from [t] group by n order by n", "n");
    check("select s.n from public.t, lateral (select t.a + 1 as n) s", "select s.n from [t], lateral (select [t].<t.a> + 1 as n) s", "n");
    check("values (1, 'x')", "values (1, 'x')", "column1 column2");
    check("select g from generate_series(1, 3) g", "select g from generate_series(1, 3) g", "g");
}

#[test]
fn what_is_unknown_stays_as_written() {
    check("select * from public.nowhere", "?", "");
    check("select nowhere from public.t", "?", "");
    check("select n.x, a from public.nowhere n, public.t", "select n.x, <t.a> from [nowhere] n, [t]", "x a");
    check("select count(*) from public.nowhere", "select count(*) from [nowhere]", "count");
}

#[test]
fn output_columns_have_the_names_that_postgresql_gives_them() {
    for (expression, name) in [
        ("1", "?column?"),
        ("a", "a"),
        ("t.a", "a"),
        ("1::int8", "int8"),
        ("'x'::text", "text"),
        ("a::text", "a"),
        ("cast(a + 1 as numeric)", "numeric"),
        ("count(*)", "count"),
        ("case when a > 0 then 1 end", "case"),
        ("case when a > 0 then 1 else a end", "a"),
        ("coalesce(a, 1)", "coalesce"),
        ("greatest(a, 1)", "greatest"),
        ("array[1]", "array"),
        ("array(select 1)", "array"),
        ("exists(select 1)", "exists"),
        ("(select max(a) from t)", "max"),
        ("nullif(a, 1)", "nullif"),
        ("current_date", "current_date"),
        ("row(1)", "row"),
        ("a is null", "?column?"),
        ("date '2020-01-01'", "date"),
        ("interval '1 day'", "interval"),
        ("extract(year from now())", "extract"),
        ("trim(b)", "btrim"),
    ] {
        assert_eq!(output_names(&format!("select {expression} from t")).unwrap(), [name], "{expression}");
    }
    assert_eq!(output_names("select * from t"), None);
}

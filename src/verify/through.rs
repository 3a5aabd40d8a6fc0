//! The views through which clients of a release see tables while both releases run (`strategy views`). Clients say each table with
//! its schema here, where real ones leave it to their `search_path`; what they say is put into the words of the views.

use sqlx::{PgConnection, Row as _};

use super::client::Statement;
use crate::plan::{Release, views_schema};
use crate::schema::{Identifier, Name};
use crate::sql::write;

/// The views that are there, each with the table in whose place it stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Views {
    /// Those of the release that is proven.
    pub(super) new: Through,
    /// Those of the releases before it.
    pub(super) old: Through,
}

/// What clients of one release see tables through.
#[derive(Debug, Clone, Default)]
pub(super) struct Through(Vec<(Name, Name)>);

const VIEWS: &str = "
    SELECT DISTINCT n.nspname::text, c.relname::text, b.nspname::text, t.relname::text
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass
    JOIN pg_catalog.pg_class t ON t.oid = d.refobjid AND t.oid <> c.oid
    JOIN pg_catalog.pg_namespace b ON b.oid = t.relnamespace
    WHERE c.relkind = 'v' AND n.nspname LIKE 'concertina\\_%'";

impl Views {
    /// Looks which ones there are.
    pub(super) async fn read(connection: &mut PgConnection, release: &Release) -> Result<Self, sqlx::Error> {
        let mut views = Self::default();
        let own = views_schema(release);
        for row in sqlx::query(VIEWS).persistent(false).fetch_all(&mut *connection).await? {
            let schema = Identifier::new(row.try_get::<String, _>(0)?);
            let through = if schema == own { &mut views.new } else { &mut views.old };
            let view = Name::new(schema, row.try_get::<String, _>(1)?);
            through.0.push((Name::new(row.try_get::<String, _>(2)?, row.try_get::<String, _>(3)?), view));
        }
        Ok(views)
    }
}

impl Through {
    /// What is said about tables, said about the views.
    pub(super) fn sql(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (table, view)| say(&text, &write::name(table), &write::name(view)))
    }

    /// The same of statements.
    pub(super) fn statements(&self, statements: Vec<Statement>) -> Vec<Statement> {
        if self.0.is_empty() {
            return statements;
        }
        let through = |statement: Statement| Statement { sql: self.sql(&statement.sql), ..statement };
        statements.into_iter().map(through).collect()
    }

    /// Whether a table is seen through a view.
    pub(super) fn serves(&self, table: &Name) -> bool {
        self.0.iter().any(|(served, _)| served == table)
    }

    /// The statement by which a client finds the views first, until its transaction ends.
    pub(super) fn found_first(&self) -> Option<String> {
        let schema = self.0.first()?.1.schema.as_ref()?;
        let first = write::literal(&format!("{}, ", write::identifier(schema)));
        Some(format!("SELECT pg_catalog.set_config('search_path', {first} || pg_catalog.current_setting('search_path'), true)"))
    }
}

/// The text with one relation's name in the place of the other's, where that stands by itself.
fn say(text: &str, from: &str, to: &str) -> String {
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "_$.\"".contains(c));
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let (before, after) = (&rest[..at], &rest[at + from.len()..]);
        said.push_str(before);
        let apart = !inside(said.chars().next_back()) && !inside(after.chars().next());
        said.push_str(if apart { to } else { from });
        rest = after;
    }
    said + rest
}

#[cfg(test)]
mod tests {
    use super::say;

    #[test]
    fn a_name_is_said_otherwise_where_it_stands_by_itself() {
        let said = |text: &str| say(text, "public.t", "c_2.t");
        assert_eq!(said("SELECT a FROM public.t"), "SELECT a FROM c_2.t");
        assert_eq!(
            said("INSERT INTO public.t (a) VALUES ((SELECT b FROM public.tt))"),
            "INSERT INTO c_2.t (a) VALUES ((SELECT b FROM public.tt))"
        );
        assert_eq!(said("UPDATE x.public.t, public.t WHERE"), "UPDATE x.public.t, c_2.t WHERE");
    }
}

//! The end of a plan beside that of the migrations as written: the same schema, and the same rows.

use sqlx::{Connection, PgConnection};

use super::super::Error;
use super::super::carry;
use super::super::client::{reading, rows_differ, rows_if_any};
use super::super::compare;
use super::super::journal::{CheckKind, Example};
use super::super::shadow::Shadow;
use super::super::shape::Kind;
use super::super::written;
use super::{Course, TIMES};
use crate::schema::{Identifier, Name};
use crate::sql::write;

impl Course<'_> {
    pub(super) async fn same_end(&mut self, shadow: &mut Shadow) -> Result<(), Error> {
        "at the end of contract".clone_into(&mut self.state);
        let mut new = shadow.connect(&self.written.new).await?;
        let mut again = shadow.connect(&self.written.again).await?;
        let expected = compare::schema(&mut new).await?;
        let found = compare::schema(&mut self.connection).await?;
        self.compare(CheckKind::SameEnd, "the schema is that of the migrations as written", String::new(), &expected, &found);
        let mut later = None;
        for table in self.new_shape.tables.clone() {
            if self.stirred.contains(&carry::path(&table.name)) {
                continue;
            }
            let columns: Vec<&Identifier> = table.columns.iter().map(|column| &column.name).collect();
            let sql = reading(&table.name, &columns);
            let mut differs = self.rows_differ(&sql, &mut new, &mut again).await?;
            if differs.is_some() {
                if later.is_none()
                    && let Some(name) = self.written_later(shadow).await?
                {
                    later = Some((shadow.connect(&name).await?, name));
                }
                if let Some((later, _)) = &mut later {
                    differs = self.rows_differ(&sql, &mut new, later).await?;
                }
            }
            if differs.is_some() && table.kind == Kind::View && asks_catalog(&mut new, &table.name).await? {
                continue;
            }
            match differs {
                None => self.journal.held(CheckKind::SameEnd, 1),
                Some((expected, found)) => {
                    let about = format!("the rows of {} are those of the migrations as written", table.name);
                    self.journal.failed(CheckKind::SameEnd, Example { state: self.state.clone(), about, sql, expected, found });
                }
            }
        }
        let _ = (new.close().await, again.close().await);
        if let Some((later, name)) = later {
            let _ = later.close().await;
            shadow.drop(&name).await?;
        }
        Ok(())
    }

    /// What is expected and found, where two databases of the migrations as written agree about rows and the plan's has others.
    async fn rows_differ(
        &mut self,
        sql: &str,
        one: &mut PgConnection,
        other: &mut PgConnection,
    ) -> Result<Option<(String, String)>, Error> {
        let mut differs = None;
        for _ in 0..TIMES {
            let (first, second) = (rows_if_any(one, sql).await?, rows_if_any(other, sql).await?);
            let (Some(first), Some(second)) = (first, second) else { break };
            differs = match rows_if_any(&mut self.connection, sql).await? {
                Some(found) => rows_differ(&first, &second, &found),
                None => Some(("they can be read".to_owned(), "an error".to_owned())),
            };
            if differs.is_none() {
                break;
            }
        }
        Ok(differs)
    }

    /// The migrations as written once more, now: what they compute from the time has other values than when the proof began.
    pub(super) async fn written_later(&self, shadow: &mut Shadow) -> Result<Option<String>, Error> {
        let name = shadow.create(Some(&self.spare)).await?;
        if written::run(shadow, &name, self.case.migrations).await?.is_err() {
            shadow.drop(&name).await?;
            return Ok(None);
        }
        Ok(Some(name))
    }
}

/// Whether a view asks the catalog: what that says of sizes and ages is never twice the same.
async fn asks_catalog(connection: &mut PgConnection, view: &Name) -> Result<bool, Error> {
    let sql = "SELECT coalesce(pg_catalog.pg_get_viewdef(pg_catalog.to_regclass($1)) ~ '\\m(pg_[a-z_]+|information_schema)\\M', false)";
    let asked = sqlx::query_scalar(sql).bind(write::name(view)).fetch_one(connection).await;
    asked.map_err(|source| Error::Shadow { doing: sql.to_owned(), source })
}

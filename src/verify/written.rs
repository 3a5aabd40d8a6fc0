//! Migrations as their author wrote them, run as their own tool would run them.

use sqlx::{Connection, PgConnection};

use super::Error;
use super::client::execute;
use super::shadow::Shadow;
use super::shared::once;
use crate::db::postgres::trusted;
use crate::schema::tools::TOOLS_OWN;

/// A migration, ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Its path, relative to the migrations folder.
    pub path: String,
    /// Its statements.
    pub statements: Vec<String>,
    /// Whether they are run in one transaction.
    pub transaction: InTransaction,
}

/// Whether a migration's statements are run in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InTransaction {
    /// All or none.
    Together,
    /// Each by itself, or as the migration's own BEGIN and COMMIT have it.
    Apart,
}

/// A migration that the database refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The migration.
    pub path: String,
    /// The statement.
    pub statement: String,
    /// What the database says.
    pub message: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line = self.statement.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        write!(f, "{}: {} (`{line}`)", self.path, self.message)
    }
}

/// Makes a database for migrations that run from the first one on: empty, but for the tools' own tables that they name.
pub async fn begin<'a>(shadow: &mut Shadow, texts: impl Iterator<Item = &'a str> + Clone) -> Result<String, Error> {
    let database = shadow.create(None).await?;
    let mut connection = shadow.connect(&database).await?;
    for table in TOOLS_OWN {
        // Who creates it uses the name for something else, and who drops it another tool: for the plan it isn't there either.
        let is_another = |text: &str| {
            let text = text.to_ascii_lowercase();
            let verbs = ["create table", "drop table"];
            text.split(';').any(|statement| statement.contains(table.name) && verbs.iter().any(|verb| statement.contains(verb)))
        };
        if texts.clone().any(|text| text.contains(table.name)) && !texts.clone().any(is_another) {
            execute(&mut connection, &format!("CREATE TABLE {} ({})", table.name, table.columns)).await?;
        }
    }
    let _ = connection.close().await;
    Ok(database)
}

/// Runs migrations in a database, each in a session of its own. Stops at the first that is refused.
pub async fn run(shadow: &Shadow, database: &str, scripts: &[Script]) -> Result<Result<(), Refused>, Error> {
    for script in scripts {
        let mut connection = shadow.connect(database).await?;
        let result = one(&mut connection, script).await;
        let _ = connection.close().await;
        if let Err((statement, source)) = result {
            let message = match source.as_database_error() {
                Some(error) => error.message().to_owned(),
                None => return Err(Error::Shadow { doing: statement, source }),
            };
            return Ok(Err(Refused { path: script.path.clone(), statement, message }));
        }
    }
    Ok(Ok(()))
}

async fn one(connection: &mut PgConnection, script: &Script) -> Result<(), (String, sqlx::Error)> {
    let together = script.transaction == InTransaction::Together;
    let of = |statement: &str| {
        let statement = statement.to_owned();
        move |error| (statement, error)
    };
    if together {
        execute(connection, "BEGIN").await.map_err(of("BEGIN"))?;
    }
    for statement in &script.statements {
        // Some statements return rows, which nobody reads.
        sqlx::raw_sql(trusted(&once(statement))).fetch_all(&mut *connection).await.map_err(of(statement))?;
    }
    // A transaction that a migration leaves open is ended by its tool.
    execute(connection, "COMMIT").await.map_err(of("COMMIT"))?;
    Ok(())
}

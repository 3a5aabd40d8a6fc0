//! A live PostgreSQL: connects to it, and says in the user's terms why that fails. Never lets a password out, not into
//! an error, a log or a `Debug`.

mod error;
pub mod introspect;
mod passfile;
mod settings;

use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

pub use error::ConnectError;
pub use settings::{Environment, Settings, SettingsError};

/// The longest name that PostgreSQL keeps of an application (NAMEDATALEN - 1).
const LONGEST_NAME: usize = 63;

/// Connects, as `application_name`, and makes sure that this is a server which can be written to.
pub async fn connect(settings: &Settings, application_name: &str) -> Result<PgConnection, ConnectError> {
    let mut connection = connect_to_any(settings, application_name).await?;
    let standby: bool = sqlx::query_scalar("SELECT pg_is_in_recovery()")
        .fetch_one(&mut connection)
        .await
        .map_err(|source| ConnectError::classify(settings, source))?;
    if standby {
        let _ = connection.close().await;
        return Err(ConnectError::Standby { target: settings.target() });
    }
    Ok(connection)
}

/// The same for reading only: a standby will do.
pub async fn connect_to_any(settings: &Settings, application_name: &str) -> Result<PgConnection, ConnectError> {
    let options = settings.options().clone().application_name(shorten(application_name)).disable_statement_logging();
    match tokio::time::timeout(settings.connect_timeout(), options.connect()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(source)) => Err(ConnectError::classify(settings, source)),
        Err(_) => Err(ConnectError::Silent { target: settings.target(), waited: settings.connect_timeout() }),
    }
}

/// Names the session after what it does, for those who look into `pg_stat_activity`.
pub async fn name_session(connection: &mut PgConnection, application_name: &str) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT set_config('application_name', $1, false)").bind(shorten(application_name)).execute(connection).await.map(drop)
}

/// SQL that a plan, a migration or our own code brings. A plan's SQL is text by design, and is reviewed as text.
pub fn trusted(sql: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql.to_owned())
}

/// The SQLSTATE of an error that the server sent.
pub fn sqlstate(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).map(std::borrow::Cow::into_owned)
}

/// Whether the connection is of no more use after this error.
pub fn is_lost(error: &sqlx::Error) -> bool {
    match sqlstate(error) {
        // Class 57P: the server or an administrator ended the session; 25P03 and 25P04: a timeout of idle or long transactions did.
        Some(code) => code.starts_with("57P") || code == "25P03" || code == "25P04" || code.starts_with("08"),
        None => matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed),
    }
}

/// A length of time as PostgreSQL's settings take it, in milliseconds. Never zero, which would mean no limit.
pub fn milliseconds(time: Duration) -> String {
    format!("{}ms", time.as_millis().max(1))
}

fn shorten(name: &str) -> &str {
    let mut end = name.len().min(LONGEST_NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_between_two_characters() {
        assert_eq!(shorten("concertina"), "concertina");
        assert_eq!(shorten(&"é".repeat(40)), "é".repeat(31));
    }
}

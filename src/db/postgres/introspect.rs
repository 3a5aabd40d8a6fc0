//! A live database's schema as a catalog: the DDL that would make it, read from the system catalogs and folded like migrations.
//! Only reads: one READ ONLY transaction that sees one moment.

mod piece;
mod read;
mod script;

use sqlx::{Connection, PgConnection};

/// Why a database's schema could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not answer, or refused.
    #[error("the schema of the database could not be read: {0}")]
    Read(#[from] sqlx::Error),
}

/// The DDL that makes the database's schema, in an order in which it can run: statements without semicolons, names with their schemas.
///
/// Left out: what the engine made itself, members of extensions, temporary objects, the schema `concertina`, and what
/// is the server's and not the schema's (roles, tablespaces, subscriptions, user mappings with their passwords).
pub async fn statements(connection: &mut PgConnection) -> Result<Vec<String>, Error> {
    let mut transaction = connection.begin_with("begin isolation level repeatable read read only").await?;
    let reading = read::read(&mut transaction).await?;
    transaction.rollback().await?;
    Ok(script::script(reading.pieces, &reading.dependencies))
}

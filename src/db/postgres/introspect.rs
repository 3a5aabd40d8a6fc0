//! A live database's schema as a catalog: the DDL that would make it, read from the system catalogs and folded like migrations.
//! Only reads: one READ ONLY transaction that sees one moment.

mod fold;
mod piece;
mod read;
mod script;

use sqlx::{Connection, PgConnection};

use crate::schema::Catalog;
use read::{Often, Reading};

/// Why a database's schema could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not answer, or refused.
    #[error("the schema of the database could not be read: {0}")]
    Read(#[from] sqlx::Error),
    /// The database has something that we have no meaning for yet.
    #[error("the database has something that can't be understood yet: {message}, in `{statement}`")]
    Unreadable {
        /// The DDL that makes it.
        statement: String,
        /// What is wrong with that.
        message: String,
    },
}

/// The schema of a database.
///
/// The same is left out as in [`statements`]. What can't be understood is an error, never left out silently.
pub async fn introspect(connection: &mut PgConnection) -> Result<Catalog, Error> {
    let reading = reading(connection, Often::Once).await?;
    let statements = script::script(reading.pieces, &reading.dependencies);
    fold::fold(&statements, &reading.search_path, reading.major)
}

/// The DDL that makes the database's schema, in an order in which it can run: statements without semicolons, names with their schemas.
///
/// Left out: what the engine made itself, members of extensions, temporary objects, the schema `concertina`, and what
/// is the server's and not the schema's (roles, tablespaces, subscriptions, user mappings with their passwords).
///
/// The session keeps the queries prepared: for one of our own, that reads more than once.
pub async fn statements(connection: &mut PgConnection) -> Result<Vec<String>, Error> {
    let reading = reading(connection, Often::Many).await?;
    Ok(script::script(reading.pieces, &reading.dependencies))
}

/// The same in the transaction that is open, with what it has done.
pub async fn statements_here(connection: &mut PgConnection) -> Result<Vec<String>, Error> {
    let reading = read::read(connection, Often::Many).await?;
    Ok(script::script(reading.pieces, &reading.dependencies))
}

async fn reading(connection: &mut PgConnection, often: Often) -> Result<Reading, Error> {
    let mut transaction = connection.begin_with("begin isolation level repeatable read read only").await?;
    let reading = read::read(&mut transaction, often).await?;
    transaction.rollback().await?;
    Ok(reading)
}

//! The queries that read a database's schema from its system catalogs, and their rows as values. Writes nothing, and takes no
//! locks but those of the catalogs.

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as UnknownKind;
use sqlx::postgres::types::Oid;
use sqlx::{PgConnection, Row};

use super::piece::{Dependency, Kind, Object, Piece};

/// A query of this folder, with the text that all of them begin with.
macro_rules! query {
    ($file:literal) => {
        concat!(include_str!("scope.sql"), include_str!($file))
    };
}

const QUERIES: [&str; 7] = [
    query!("schemas.sql"),
    query!("types.sql"),
    query!("routines.sql"),
    query!("tables.sql"),
    query!("constraints.sql"),
    query!("views.sql"),
    query!("rights.sql"),
];
const PUBLICATIONS: &str = query!("publications.sql");
const PUBLICATIONS_UNTIL_14: &str = query!("publications_until_14.sql");
const DEPENDENCIES: &str = include_str!("dependencies.sql");

/// Names come out with their schema, and values in the same format whatever the session has set.
const SETTINGS: &str = "select set_config('search_path', '', true), set_config('quote_all_identifiers', 'off', true), \
     set_config('datestyle', 'ISO', true), set_config('intervalstyle', 'postgres', true), set_config('timezone', 'UTC', true), \
     set_config('extra_float_digits', '1', true), set_config('bytea_output', 'hex', true), set_config('xmloption', 'content', true)";

/// What the system catalogs say.
pub(super) struct Reading {
    pub(super) pieces: Vec<Piece>,
    pub(super) dependencies: Vec<Dependency>,
    /// The schemas in which the session looks for unqualified names.
    pub(super) search_path: Vec<String>,
    /// The server's major version.
    pub(super) major: u32,
}

/// How often a session is to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Often {
    /// Once: nothing is left in the session, which may be one of a pool.
    Once,
    /// Many times: the queries are planned once and stay prepared.
    Many,
}

/// Reads it all. The caller has begun a transaction, so that every query sees the same schema.
pub(super) async fn read(connection: &mut PgConnection, often: Often) -> Result<Reading, sqlx::Error> {
    let stays = often == Often::Many;
    let search_path = sqlx::query_scalar("select current_schemas(false)::text[]").persistent(stays).fetch_one(&mut *connection).await?;
    let version: i32 =
        sqlx::query_scalar("select current_setting('server_version_num')::int4").persistent(stays).fetch_one(&mut *connection).await?;
    sqlx::query(SETTINGS).persistent(stays).execute(&mut *connection).await?;
    let publications = if version >= 150_000 { PUBLICATIONS } else { PUBLICATIONS_UNTIL_14 };
    let mut pieces = Vec::new();
    for query in QUERIES.into_iter().chain([publications]) {
        for row in sqlx::query(query).persistent(stays).fetch_all(&mut *connection).await? {
            pieces.push(piece(&row)?);
        }
    }
    let rows = sqlx::query(DEPENDENCIES).persistent(stays).fetch_all(&mut *connection).await?;
    let dependencies = rows.iter().map(dependency).collect::<Result<_, _>>()?;
    Ok(Reading { pieces, dependencies, search_path, major: u32::try_from(version / 10_000).unwrap_or_default() })
}

fn piece(row: &sqlx::postgres::PgRow) -> Result<Piece, sqlx::Error> {
    let kind: &str = row.try_get("kind")?;
    let kind = Kind::deserialize(kind.into_deserializer()).map_err(|error: UnknownKind| sqlx::Error::Decode(error.into()))?;
    Ok(Piece {
        kind,
        object: object(row, "class", "object")?,
        part_of: row.try_get::<Option<Oid>, _>("part_of")?.map(|oid| oid.0),
        position: row.try_get("position")?,
        name: row.try_get("name")?,
        text: row.try_get("text")?,
        tail: row.try_get("tail")?,
    })
}

fn dependency(row: &sqlx::postgres::PgRow) -> Result<Dependency, sqlx::Error> {
    Ok(Dependency {
        object: object(row, "class", "object")?,
        on: object(row, "other_class", "other_object")?,
        within: row.try_get("within")?,
    })
}

fn object(row: &sqlx::postgres::PgRow, class: &str, number: &str) -> Result<Object, sqlx::Error> {
    Ok(Object { class: row.try_get::<Oid, _>(class)?.0, number: row.try_get::<Oid, _>(number)?.0 })
}

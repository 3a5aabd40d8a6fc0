//! The shadow: a server, or one database of a server, in which databases are made, copied and thrown away. Touches no
//! database that it did not make.

use std::path::PathBuf;

use rand::RngExt;
use sqlx::PgConnection;

use super::Error;
use super::client::execute;
use crate::db::postgres::{Settings, connect, connect_to_any, is_lost};
use crate::db::throwaway::{self, Server};
use crate::schema::Identifier;
use crate::sql::write;

/// Where proofs take place.
#[derive(Debug)]
pub enum Place {
    /// On a server of our own, from these binaries or from those that are found.
    Own {
        /// The folder with `initdb` and `postgres`.
        binaries: Option<PathBuf>,
    },
    /// On a server that is there, by way of this database, whose user may make databases.
    Lent(Box<Settings>),
}

/// Databases to throw away.
#[derive(Debug)]
pub struct Shadow {
    settings: Settings,
    prefix: String,
    /// The session that makes and drops databases, once there is one.
    administrator: Option<PgConnection>,
    made: Vec<String>,
    count: u32,
    // Stopped when this is dropped.
    server: Option<Server>,
}

impl Shadow {
    /// Gets a place ready.
    pub fn open(place: Place) -> Result<Self, Error> {
        let (settings, server) = match place {
            Place::Lent(settings) => (*settings, None),
            Place::Own { binaries } => {
                let server = Server::start(&throwaway::Options { binaries, major: None, settings: ours() })?;
                let settings = Settings::from_url("the shadow's URL", &server.url("postgres"), &|_| None)?;
                (settings, Some(server))
            }
        };
        let prefix = format!("concertina_shadow_{:08x}", rand::rng().random::<u32>());
        Ok(Self { settings, prefix, administrator: None, made: Vec::new(), count: 0, server })
    }

    /// Makes a database: empty, or a copy of one that nobody is connected to.
    pub async fn create(&mut self, copy_of: Option<&str>) -> Result<String, Error> {
        self.count += 1;
        let name = format!("{}_{}", self.prefix, self.count);
        let template = write::identifier(&Identifier::from(copy_of.unwrap_or("template0")));
        let identifier = write::identifier(&Identifier::from(name.as_str()));
        self.administer(&format!("CREATE DATABASE {identifier} TEMPLATE {template}{}", self.strategy())).await?;
        self.made.push(name.clone());
        Ok(name)
    }

    /// How a database is copied. As files takes half the work of the default, which writes each page to the log, but asks
    /// for a checkpoint: on a server of our own alone. Up to 14 there is no other way, nor a word for it.
    fn strategy(&self) -> &'static str {
        if self.server.as_ref().is_some_and(|server| server.major() >= 15) { " STRATEGY file_copy" } else { "" }
    }

    /// Drops a database that was made here.
    pub async fn drop(&mut self, name: &str) -> Result<(), Error> {
        self.made.retain(|made| made != name);
        self.administer(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", write::identifier(&Identifier::from(name)))).await
    }

    /// Drops all that were made here.
    pub async fn close(mut self) -> Result<(), Error> {
        // A server of our own goes with all that is on it.
        if self.server.is_none() {
            for name in self.made.clone() {
                self.drop(&name).await?;
            }
        }
        Ok(())
    }

    /// A session in a database that was made here.
    pub async fn connect(&self, name: &str) -> Result<PgConnection, Error> {
        Ok(connect_to_any(&self.settings.with_database(name).prepared(), "concertina verify").await?)
    }

    async fn administer(&mut self, sql: &str) -> Result<(), Error> {
        let mut connection = match self.administrator.take() {
            Some(connection) => connection,
            None => connect(&self.settings, "concertina verify").await?,
        };
        let done = execute(&mut connection, sql).await;
        if !done.as_ref().is_err_and(is_lost) {
            self.administrator = Some(connection);
        }
        done.map_err(|source| Error::Shadow { doing: sql.to_owned(), source })
    }
}

/// Nothing here is worth waiting for the disk, and a whole schema is locked at times.
fn ours() -> Vec<(String, String)> {
    let settings = [
        ("autovacuum", "off"),
        ("shared_buffers", "128MB"),
        ("max_locks_per_transaction", "512"),
        ("max_wal_size", "4GB"),
        ("checkpoint_timeout", "30min"),
        // A query that goes round in a circle of made-up rows comes to an end.
        ("statement_timeout", "2min"),
        ("temp_file_limit", "2GB"),
    ];
    settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

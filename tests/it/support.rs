//! What the integration tests share: one PostgreSQL for all of them, and a fresh database for each.

#![allow(dead_code, reason = "shared by tests that are still to come")]

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use concertina::db::throwaway::{Options, Server};

/// The one server. Its keeper stops it when this process ends, however it ends.
static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let major = std::env::var("CONCERTINA_TEST_POSTGRES").ok().map(|text| text.parse().expect("a major version"));
    let settings = [("max_connections", "200"), ("shared_buffers", "64MB"), ("autovacuum", "off")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Server::start(&Options { binaries: None, major, settings }).expect("the tests need a PostgreSQL server on this machine")
});

/// How lines of a dump begin that say nothing about the schema.
const NOISE: [&str; 4] = ["--", "SET ", "SELECT pg_catalog.set_config", "\\"];

/// The one server of all tests.
pub(crate) fn server() -> &'static Server {
    &SERVER
}

/// A fresh, empty database on the one server; dropped with this value.
pub(crate) struct Database {
    /// Its name on the server.
    pub(crate) name: String,
}

impl Database {
    /// Makes one.
    pub(crate) fn fresh() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        server().create_database(&name).unwrap();
        Self { name }
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        server().url(&self.name)
    }

    /// Runs SQL, several statements too, and gives what it returns, a row a line with `|` between the columns.
    pub(crate) fn run(&self, sql: &str) -> String {
        server().run(&self.name, sql).unwrap_or_else(|error| panic!("{error}\n{sql}")).trim_end().to_owned()
    }

    /// Its schema as `pg_dump -s` writes it, without our own schema, comments and settings.
    pub(crate) fn dump(&self) -> String {
        let dump = server().program("pg_dump").args(["-s", "-N", "concertina", "-d", &self.name]).output().unwrap();
        assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
        let text = String::from_utf8(dump.stdout).unwrap();
        text.lines().filter(|line| !line.is_empty() && !NOISE.iter().any(|noise| line.starts_with(noise))).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A test that failed may have clients of its own still at work; the server goes away with the process anyhow.
        let _ = server().drop_database(&self.name);
    }
}

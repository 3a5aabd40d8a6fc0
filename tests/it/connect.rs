//! Connecting: what stands in the way is told with its remedy, and no password ever is.

use std::error::Error;
use std::fmt::Write;

use concertina::db::postgres::{Settings, connect};

use crate::support::{Database, server};

fn no_environment(_: &str) -> Option<String> {
    None
}

/// The error of connecting to a URL, with its causes, as a user reads it.
fn complaint(url: &str) -> String {
    let settings = Settings::from_url("in a test", url, &no_environment).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(connect(&settings, "concertina")).unwrap_err();
    let mut text = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, " {error} {error:?}").unwrap();
        cause = error.source();
    }
    text
}

fn check(url: &str, says: &[&str]) {
    let text = complaint(url);
    for part in says {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
    assert!(!text.contains("s3cr3t"), "{text}");
}

#[test]
fn what_stands_in_the_way_is_told_with_its_remedy_and_without_the_password() {
    let database = Database::fresh();
    let (port, name) = (server().port(), &database.name);
    check("postgresql://joe:s3cr3t@127.0.0.1:1/shop", &["`shop` at 127.0.0.1:1 can't be reached", "refused"]);
    check(&format!("postgresql://postgres:s3cr3t@127.0.0.1:{port}/{name}"), &["did not let user `postgres` in", "check user and password"]);
    check(&format!("postgresql://postgres@127.0.0.1:{port}/{name}"), &["no password was given"]);
    check(&server().url("nosuch"), &["database `nosuch`", "does not exist", "create it"]);
    check(&format!("{}?sslmode=verify-full", server().tcp_url(name)), &["no TLS connection", "PGSSLROOTCERT"]);
    database.run(&format!("CREATE ROLE nobody_{name} LOGIN; REVOKE CONNECT ON DATABASE {name} FROM PUBLIC"));
    let url = database.url().replace("user=postgres", &format!("user=nobody_{name}"));
    check(&url, &["has no privilege to connect", "GRANT CONNECT"]);
    database.run(&format!("DROP ROLE nobody_{name}"));
}

#[test]
fn a_password_file_lets_us_in_unless_others_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let database = Database::fresh();
    let (user, secret) = (format!("joe_{}", database.name), "s3:cr3t");
    database.run(&format!("CREATE ROLE {user} LOGIN PASSWORD '{secret}'"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pgpass");
    std::fs::write(&file, format!("*:*:*:{user}:s3\\:cr3t\n")).unwrap();
    let environment = |name: &str| (name == "PGPASSFILE").then(|| file.to_string_lossy().into_owned());
    let url = format!("postgresql://{user}@127.0.0.1:{}/{}", server().port(), database.name);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let try_with = |mode| {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let settings = Settings::from_url("in a test", &url, &environment).unwrap();
        (runtime.block_on(connect(&settings, "concertina")).is_ok(), settings.notes().len())
    };
    assert_eq!(try_with(0o600), (true, 0));
    assert_eq!(try_with(0o644), (false, 1));
    database.run(&format!("DROP ROLE {user}"));
}

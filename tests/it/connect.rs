//! Connecting: what stands in the way is told with its remedy, and no password ever is.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use concertina::db::postgres::{Settings, connect};
use concertina::db::throwaway::{Options, Server};

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

/// Runs openssl in a folder.
fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split_whitespace()).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A server with a certificate for `localhost`, and the folder with the authority's, `ca.crt`, and another's, `other.crt`.
fn server_with_tls() -> (Server, tempfile::TempDir) {
    let server = Server::start(&Options::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    for name in ["ca", "other"] {
        openssl(folder.path(), &format!("req -x509 {key} -keyout {name}.key -out {name}.crt -subj /CN={name}"));
    }
    openssl(
        folder.path(),
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout server.key -out server.csr -subj /CN=localhost -addext subjectAltName=DNS:localhost",
    );
    openssl(
        folder.path(),
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 -copy_extensions copy",
    );
    for file in ["server.crt", "server.key"] {
        let place = server.folder().join(file);
        std::fs::copy(folder.path().join(file), &place).unwrap();
        let chown = Command::new("chown").arg("--reference").arg(server.folder()).arg(&place).status().unwrap();
        assert!(chown.success());
        server
            .run("postgres", &format!("ALTER SYSTEM SET ssl_{}_file = '{}'", &file[7..].replace("crt", "cert"), place.display()))
            .unwrap();
    }
    server.run("postgres", "ALTER SYSTEM SET ssl = on").unwrap();
    server.run("postgres", "SELECT pg_reload_conf()").unwrap();
    (server, folder)
}

#[test]
fn verify_full_trusts_the_named_authority_for_the_named_host_only() {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("not run: this machine has no openssl to make certificates with");
        return;
    }
    let (server, folder) = server_with_tls();
    let url = |host: &str, mode: &str, authority: &str| {
        let file = folder.path().join(format!("{authority}.crt"));
        format!("{}?sslmode={mode}&sslrootcert={}", server.tcp_url("postgres").replace("127.0.0.1", host), file.display())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let uses_tls = |url: &str| {
        let settings = Settings::from_url("in a test", url, &no_environment).unwrap();
        runtime.block_on(async {
            let mut connection = connect(&settings, "concertina").await.unwrap();
            let query = sqlx::query_scalar("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
            query.fetch_one(&mut connection).await.unwrap()
        })
    };
    // The server takes its new settings in its own time.
    let deadline = Instant::now() + Duration::from_mins(1);
    let is_ready = || -> bool { uses_tls(&server.tcp_url("postgres")) };
    while !is_ready() {
        assert!(Instant::now() < deadline, "the server does not offer TLS");
    }
    let verified: bool = uses_tls(&url("localhost", "verify-full", "ca"));
    assert!(verified);
    check(&url("127.0.0.1", "verify-full", "ca"), &["no TLS connection", "PGSSLROOTCERT"]);
    check(&url("localhost", "verify-full", "other"), &["no TLS connection", "PGSSLROOTCERT"]);
}

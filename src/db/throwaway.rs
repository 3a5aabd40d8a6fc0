//! A PostgreSQL of our own, started from the binaries on the machine, for tests, the demo and proofs. It must never
//! outlive its owner, not even one that is killed, and never use a folder, a port or a process that it did not make.

mod binaries;
mod sweep;
mod user;

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rand::RngExt;

pub use binaries::{Binaries, find as find_binaries};

/// What is wanted of the server.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The folder with `initdb` and `postgres`; looked for when not given.
    pub binaries: Option<PathBuf>,
    /// The major version; the newest when not given.
    pub major: Option<u32>,
    /// Settings for `postgresql.conf`, by name and value.
    pub settings: Vec<(String, String)>,
}

/// A running PostgreSQL, stopped and removed when dropped or when this process ends in whatever way.
#[derive(Debug)]
pub struct Server {
    binaries: Binaries,
    folder: PathBuf,
    port: u16,
    password: String,
    keeper: Child,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No binaries.
    #[error(
        "no PostgreSQL server{} is on this machine; install it (on Debian: `apt-get install postgresql`) or name the folder of its \
         binaries", wanted.map(|major| format!(" {major}")).unwrap_or_default()
    )]
    NotInstalled {
        /// The major version that was asked for.
        wanted: Option<u32>,
    },
    /// PostgreSQL refuses to run as root, and there is nobody else to run it as.
    #[error("PostgreSQL refuses to run as root, and this machine has no user `postgres` or `nobody`, or none of setpriv, runuser and su")]
    NoUser,
    /// A program ended badly.
    #[error("`{program}` failed: {output}")]
    Program {
        /// Its name.
        program: String,
        /// What it said.
        output: String,
    },
    /// The server did not come up.
    #[error("the throwaway PostgreSQL did not start: {log}")]
    NotStarted {
        /// The end of its log.
        log: String,
    },
    /// The machine refused.
    #[error("`{path}`: {source}")]
    Io {
        /// What was touched.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// How long a server may take to come up: generous, for machines under load.
const START_WITHIN: Duration = Duration::from_mins(2);

/// How often we try again when another process takes the port that we chose.
const PORT_TRIES: u32 = 5;

/// Runs the server and waits for the end of its standard input, which comes when the owner closes the pipe or ends, even
/// by `kill -9`. Then it stops the server by its process id and removes the folder.
const KEEPER: &str = r#"
folder=$1; shift
exec 3<&0
"$@" >>"$folder/log" 2>&1 </dev/null 3<&- &
server=$!
(
    trap '' INT TERM HUP
    cat <&3 >/dev/null
    kill -QUIT "$server" 2>/dev/null
    while kill -0 "$server" 2>/dev/null; do sleep 0.02; done
    rm -rf "$folder"
) >/dev/null 2>&1 &
exec 3<&-
trap '' INT TERM HUP
wait "$server"
"#;

impl Server {
    /// Starts one; ready for connections when this returns.
    pub fn start(options: &Options) -> Result<Self, Error> {
        let binaries = binaries::find(options.binaries.as_deref(), options.major)?;
        let user = user::Runner::choose()?;
        sweep::sweep(&std::env::temp_dir());
        let folder = make_folder()?;
        let cleared = RemoveUnlessKept(Some(folder.clone()));
        let password = format!("{:032x}", rand::rng().random::<u128>());
        initialise(&binaries, &user, &folder, &password)?;
        let mut tries = 1;
        let (port, keeper) = loop {
            let port = free_port()?;
            match launch(&binaries, &user, &folder, port, &options.settings) {
                Ok(keeper) => break (port, keeper),
                Err(Error::NotStarted { log }) if log.contains("Address already in use") && tries < PORT_TRIES => tries += 1,
                Err(error) => return Err(error),
            }
        };
        cleared.keep();
        Ok(Self { binaries, folder, port, password, keeper })
    }

    /// The URL of a database, by the server's socket, as its superuser `postgres`.
    pub fn url(&self, database: &str) -> String {
        let socket = self.folder.join("socket");
        let socket = utf8_percent_encode(&socket.to_string_lossy(), NON_ALPHANUMERIC).to_string();
        let database = utf8_percent_encode(database, NON_ALPHANUMERIC);
        format!("postgresql:///{database}?host={socket}&port={}&user=postgres", self.port)
    }

    /// The URL of a database by TCP on the loopback address, with the superuser's password.
    pub fn tcp_url(&self, database: &str) -> String {
        let database = utf8_percent_encode(database, NON_ALPHANUMERIC);
        format!("postgresql://postgres:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// The TCP port on the loopback address. Connections by TCP need a password, those by the socket do not.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's own folder; private, gone when the server is. Its certificates and keys may be put here.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The major version.
    pub fn major(&self) -> u32 {
        self.binaries.major
    }

    /// A client program of the server's own version (`psql`, `pg_dump`), ready for the name of a database and more arguments.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.folder.join(name));
        command
            .env("PGHOST", self.folder.join("socket"))
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", "postgres")
            .env_remove("PGDATABASE")
            .env_remove("PGSERVICE")
            .env_remove("PGOPTIONS")
            .stdin(Stdio::null());
        command
    }

    /// `psql` on a database: quiet, without the user's start-up file, stopping at the first error.
    pub fn psql(&self, database: &str) -> Command {
        let mut command = self.program("psql");
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database]);
        command
    }

    /// Runs SQL in a database and gives what `psql` prints, unaligned and without headers.
    pub fn run(&self, database: &str, sql: &str) -> Result<String, Error> {
        let mut psql = self.psql(database);
        output("psql", psql.args(["-A", "-t", "-c", sql]))
    }

    /// The schema of a database as `pg_dump -s` writes it.
    pub fn dump_schema(&self, database: &str) -> Result<String, Error> {
        output("pg_dump", self.program("pg_dump").args(["-s", "-d", database]))
    }

    /// Makes an empty database.
    pub fn create_database(&self, name: &str) -> Result<(), Error> {
        output("createdb", self.program("createdb").args(["-T", "template0", "--", name])).map(drop)
    }

    /// Drops a database, whoever uses it.
    pub fn drop_database(&self, name: &str) -> Result<(), Error> {
        output("dropdb", self.program("dropdb").args(["--force", "--if-exists", "--", name])).map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // Nothing can be done about a keeper that is gone: then the server is gone too, or the next start sweeps it.
        let _ = self.keeper.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Removes the folder of a start that fails half-way.
struct RemoveUnlessKept(Option<PathBuf>);

impl RemoveUnlessKept {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for RemoveUnlessKept {
    fn drop(&mut self) {
        if let Some(folder) = &self.0 {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

fn make_folder() -> Result<PathBuf, Error> {
    // The path of a socket has at most 107 bytes, so the name is short.
    let name = format!("{}{:08x}", sweep::PREFIX, rand::rng().random::<u32>());
    let folder = std::env::temp_dir().join(name);
    let at = |source| Error::Io { path: folder.clone(), source };
    fs::DirBuilder::new().mode(0o700).create(&folder).map_err(at)?;
    sweep::claim(&folder).map_err(at)?;
    fs::DirBuilder::new().mode(0o700).create(folder.join("socket")).map_err(at)?;
    Ok(folder)
}

fn initialise(binaries: &Binaries, user: &user::Runner, folder: &Path, password: &str) -> Result<(), Error> {
    let secret = folder.join("password");
    fs::write(&secret, password).map_err(|source| Error::Io { path: secret.clone(), source })?;
    user.give(folder)?;
    let mut initdb = user.command(&binaries.folder.join("initdb"));
    initdb.arg("-D").arg(folder.join("data")).arg("--pwfile").arg(&secret);
    initdb.args(["-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256", "-E", "UTF8", "--locale=C", "-N"]);
    output("initdb", initdb.current_dir("/"))?;
    fs::remove_file(&secret).map_err(|source| Error::Io { path: secret, source })
}

fn free_port() -> Result<u16, Error> {
    let at = |source| Error::Io { path: PathBuf::from("127.0.0.1:0"), source };
    let listener = TcpListener::bind("127.0.0.1:0").map_err(at)?;
    Ok(listener.local_addr().map_err(at)?.port())
}

fn launch(binaries: &Binaries, user: &user::Runner, folder: &Path, port: u16, settings: &[(String, String)]) -> Result<Child, Error> {
    let mut keeper = user.command(Path::new("sh"));
    keeper.arg("-c").arg(KEEPER).arg("concertina-keeper").arg(folder);
    keeper.arg(binaries.folder.join("postgres")).arg("-D").arg(folder.join("data"));
    keeper.arg("-k").arg(folder.join("socket"));
    // Nothing here is worth a wait for the disk: what is lost with the machine was to be thrown away.
    let ours = ["fsync=off", "full_page_writes=off", "synchronous_commit=off", "listen_addresses=127.0.0.1"];
    for setting in ours {
        keeper.args(["-c", setting]);
    }
    keeper.arg("-c").arg(format!("port={port}"));
    for (name, value) in settings {
        keeper.arg("-c").arg(format!("{name}={value}"));
    }
    // A group of its own, so that Ctrl-C at the terminal ends the owner only, and the owner's end stops the server.
    keeper.process_group(0).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = keeper.spawn().map_err(|source| Error::Io { path: PathBuf::from("sh"), source })?;
    wait_until_ready(&mut child, folder)?;
    Ok(child)
}

fn wait_until_ready(child: &mut Child, folder: &Path) -> Result<(), Error> {
    let state = folder.join("data/postmaster.pid");
    let began = Instant::now();
    loop {
        // The eighth line says `ready` when connections are accepted (src/include/utils/pidfile.h).
        if fs::read_to_string(&state).is_ok_and(|text| text.lines().nth(7).is_some_and(|line| line.trim() == "ready")) {
            return Ok(());
        }
        let ended = child.try_wait().map_err(|source| Error::Io { path: PathBuf::from("sh"), source })?.is_some();
        if ended || began.elapsed() > START_WITHIN {
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            drop(child.stdin.take());
            let _ = child.wait();
            return Err(Error::NotStarted { log: last_lines(&log) });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

fn output(program: &str, command: &mut Command) -> Result<String, Error> {
    let output = command.stdin(Stdio::null()).output().map_err(|source| Error::Io { path: PathBuf::from(program), source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(Error::Program { program: program.to_owned(), output: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
}

//! Where the database is and how to get in: a URL, or the variables that `psql` knows. What is wrong in them is an error that
//! never repeats the value, since a password may be in it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use super::passfile;

/// Looks up a variable of the environment.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How to connect to a database. Holds the password, shows it to nobody.
#[derive(Clone)]
pub struct Settings {
    options: PgConnectOptions,
    connect_timeout: Duration,
    password: Password,
    notes: Vec<String>,
}

/// Whether there is a password, and from where. Tells what to look at when it is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Password {
    None,
    Given,
    File(PathBuf),
}

/// Settings that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Nothing says which database.
    #[error(
        "no database is named; set DATABASE_URL, or name a file that holds the URL by `--database-url-file`, or set PGHOST and its like"
    )]
    NoDatabase,
    /// The URL is none.
    #[error(
        "the database URL {origin} can't be read: {reason}; it looks like `postgresql://user@host:5432/database`, and characters such as \
         `@`, `/`, `#`, `?` and `%` in a password are written percent-encoded (`%40`)"
    )]
    Url {
        /// Where it comes from.
        origin: String,
        /// Why.
        reason: String,
    },
    /// A variable or a parameter of the URL has a value that it can't have.
    #[error("`{name}` has a value that it can't have; {expected}")]
    Value {
        /// Its name.
        name: String,
        /// What is expected.
        expected: &'static str,
    },
}

/// How long we wait for a server that doesn't answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The variables that name a server or a database when there is no URL.
const NAMING: [&str; 5] = ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER"];

const SSL_MODES: &str = "it is one of disable, allow, prefer, require, verify-ca, verify-full";

impl Settings {
    /// From the text of a URL file, else from `DATABASE_URL`, else from PGHOST and its like; what a URL leaves open comes
    /// from those too, and a password that nothing gives from PGPASSFILE or `~/.pgpass`.
    pub fn find(url_file: Option<&str>, environment: Environment<'_>) -> Result<Self, SettingsError> {
        if let Some(text) = url_file {
            return Self::from_url("in the file", text.trim(), environment);
        }
        if let Some(url) = environment("DATABASE_URL").filter(|url| !url.trim().is_empty()) {
            return Self::from_url("in DATABASE_URL", url.trim(), environment);
        }
        if NAMING.iter().all(|name| environment(name).is_none()) {
            return Err(SettingsError::NoDatabase);
        }
        Self::from_parts(&Parts::default(), environment)
    }

    /// From a URL; `origin` says in errors where it comes from.
    pub fn from_url(origin: &str, text: &str, environment: Environment<'_>) -> Result<Self, SettingsError> {
        let wrong = |reason: &str| SettingsError::Url { origin: origin.to_owned(), reason: reason.to_owned() };
        let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(wrong("it does not begin with `postgresql://`"));
        }
        if url.fragment().is_some() {
            return Err(wrong("it has a `#` in it"));
        }
        let parts = Parts::of(&url).ok_or_else(|| wrong("a percent-encoded part of it is not UTF-8"))?;
        Self::from_parts(&parts, environment)
    }

    fn from_parts(parts: &Parts, environment: Environment<'_>) -> Result<Self, SettingsError> {
        // The driver itself reads PGUSER, PGOPTIONS, PGSSLCERT and so on; what it would pass over in silence is read here.
        let mut options = PgConnectOptions::new_without_pgpass().statement_cache_capacity(0).extra_float_digits(None);
        let either = |part: &Option<String>, variable: &str| part.clone().or_else(|| environment(variable));
        if let Some(host) = parts.host.clone().or_else(|| environment("PGHOST")).or_else(|| environment("PGHOSTADDR")) {
            options = if host.starts_with('/') { options.socket(&host) } else { options.host(&host) };
        }
        if let Some(port) = either(&parts.port, "PGPORT") {
            let expected = "it is a port number";
            options = options.port(port.parse().map_err(|_| SettingsError::Value { name: "PGPORT".to_owned(), expected })?);
        }
        if let Some(user) = either(&parts.user, "PGUSER") {
            options = options.username(&user);
        }
        if let Some(database) = either(&parts.database, "PGDATABASE") {
            options = options.database(&database);
        }
        if let Some(mode) = either(&parts.ssl_mode, "PGSSLMODE") {
            options = options.ssl_mode(ssl_mode(&mode)?);
        }
        // `system` asks for the roots of the operating system, which the driver uses when no others are named.
        if let Some(file) = either(&parts.ssl_root_cert, "PGSSLROOTCERT").filter(|file| file != "system") {
            options = options.ssl_root_cert(file);
        }
        if let Some(file) = &parts.ssl_cert {
            options = options.ssl_client_cert(file);
        }
        if let Some(file) = &parts.ssl_key {
            options = options.ssl_client_key(file);
        }
        let connect_timeout = connect_timeout(either(&parts.connect_timeout, "PGCONNECT_TIMEOUT"))?;
        for (name, value) in parts.options.iter().flat_map(|text| text.split("-c ")).filter_map(|text| text.split_once('=')) {
            options = options.options([(name.trim(), value.trim())]);
        }
        let mut settings = Self { options, connect_timeout, password: Password::None, notes: parts.notes.clone() };
        settings.find_password(parts, environment);
        Ok(settings)
    }

    fn find_password(&mut self, parts: &Parts, environment: Environment<'_>) {
        let given = parts.password.clone().or_else(|| environment("PGPASSWORD"));
        let (password, origin) = match given {
            Some(password) => (Some(password), Password::Given),
            None => match passfile::look_up(&self.options, environment) {
                passfile::Answer::Found { password, file } => (Some(password), Password::File(file)),
                passfile::Answer::Ignored { note } => {
                    self.notes.push(note);
                    (None, Password::None)
                }
                passfile::Answer::None => (None, Password::None),
            },
        };
        if let Some(password) = password {
            self.options = std::mem::take(&mut self.options).password(&password);
            self.password = origin;
        }
    }

    /// The driver's options. They hold the password: not for printing.
    pub(super) fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    pub(super) fn password(&self) -> &Password {
        &self.password
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// The user as whom we connect.
    pub fn user(&self) -> &str {
        self.options.get_username()
    }

    /// The database's name: as PostgreSQL does it, that of the user if none is given.
    pub fn database(&self) -> &str {
        self.options.get_database().unwrap_or_else(|| self.options.get_username())
    }

    /// The same server's other database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        Self { options: self.options.clone().database(name), ..self.clone() }
    }

    /// The same for sessions that are ours alone: what is asked often stays prepared in them.
    #[must_use]
    pub fn prepared(&self) -> Self {
        const STATEMENTS: usize = 64;
        Self { options: self.options.clone().statement_cache_capacity(STATEMENTS), ..self.clone() }
    }

    /// The database in words fit to be printed.
    pub fn target(&self) -> String {
        let place = match self.options.get_socket() {
            Some(socket) => format!("the socket in {}", socket.display()),
            None => format!("{}:{}", self.options.get_host(), self.options.get_port()),
        };
        format!("database `{}` at {place}", self.database())
    }

    /// What was left aside and may matter.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("target", &self.target()).field("user", &self.user()).finish_non_exhaustive()
    }
}

/// What a URL says.
#[derive(Default)]
struct Parts {
    host: Option<String>,
    port: Option<String>,
    user: Option<String>,
    password: Option<String>,
    database: Option<String>,
    ssl_mode: Option<String>,
    ssl_root_cert: Option<String>,
    ssl_cert: Option<String>,
    ssl_key: Option<String>,
    connect_timeout: Option<String>,
    options: Vec<String>,
    notes: Vec<String>,
}

impl Parts {
    fn of(url: &Url) -> Option<Self> {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned);
        let some = |text: &str| if text.is_empty() { Some(None) } else { decoded(text).map(Some) };
        let host = url.host_str().unwrap_or_default();
        // An IPv6 address stands in brackets in a URL only.
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let mut parts = Self {
            host: some(host)?,
            port: url.port().map(|port| port.to_string()),
            user: some(url.username())?,
            password: match url.password() {
                Some(password) => Some(decoded(password)?),
                None => None,
            },
            database: some(url.path().trim_start_matches('/'))?,
            ..Self::default()
        };
        for (name, value) in url.query_pairs() {
            parts.parameter(&name, value.into_owned());
        }
        Some(parts)
    }

    fn parameter(&mut self, name: &str, value: String) {
        let place = match name {
            "host" | "hostaddr" => &mut self.host,
            "port" => &mut self.port,
            "user" => &mut self.user,
            "password" => &mut self.password,
            "dbname" => &mut self.database,
            "sslmode" => &mut self.ssl_mode,
            "sslrootcert" => &mut self.ssl_root_cert,
            "sslcert" => &mut self.ssl_cert,
            "sslkey" => &mut self.ssl_key,
            "connect_timeout" => &mut self.connect_timeout,
            "options" => return self.options.push(value),
            // Ours says what we do, so another's is not wanted.
            "application_name" => return,
            other => return self.notes.push(format!("the database URL's parameter `{other}` has no meaning here and is left aside")),
        };
        *place = Some(value);
    }
}

/// A mode that is misspelt must not be passed over, or a connection that was to be verified would not be.
fn ssl_mode(text: &str) -> Result<PgSslMode, SettingsError> {
    text.parse().map_err(|_| SettingsError::Value { name: "sslmode".to_owned(), expected: SSL_MODES })
}

fn connect_timeout(text: Option<String>) -> Result<Duration, SettingsError> {
    let Some(text) = text else { return Ok(CONNECT_TIMEOUT) };
    match text.trim().parse::<u64>() {
        Ok(0) => Ok(Duration::MAX),
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => Err(SettingsError::Value { name: "connect_timeout".to_owned(), expected: "it is a number of seconds" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cr3t";

    fn find(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let environment = |name: &str| variables.iter().find(|(candidate, _)| *candidate == name).map(|(_, value)| (*value).to_owned());
        Settings::find(None, &environment)
    }

    #[test]
    fn a_url_and_the_variables_that_fill_its_gaps_name_the_database() {
        let check = |variables: &[(&str, &str)], target: &str, user: &str| {
            let settings = find(variables).unwrap();
            assert_eq!((settings.target().as_str(), settings.user()), (target, user), "{variables:?}");
        };
        check(&[("DATABASE_URL", "postgres://joe:p%40ss@db.example:6432/shop")], "database `shop` at db.example:6432", "joe");
        check(&[("DATABASE_URL", "postgresql://joe@[::1]/shop"), ("PGPORT", "7000")], "database `shop` at ::1:7000", "joe");
        check(
            &[("DATABASE_URL", "postgresql:///shop?host=%2Frun%2Fpg&port=1&user=ann&schema=public")],
            "database `shop` at the socket in /run/pg",
            "ann",
        );
        check(&[("PGHOST", "h"), ("PGUSER", "u"), ("PGPORT", "1")], "database `u` at h:1", "u");
    }

    #[test]
    fn a_misspelt_setting_is_an_error_and_never_passed_over() {
        let check = |variables: &[(&str, &str)], says: &str| {
            let error = find(variables).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        };
        check(&[], "no database is named");
        check(&[("PGHOST", "h"), ("PGSSLMODE", "verify-fulll")], "`sslmode`");
        check(&[("PGHOST", "h"), ("PGPORT", "five")], "`PGPORT`");
        check(&[("DATABASE_URL", "postgres://h/d?connect_timeout=soon")], "`connect_timeout`");
        check(&[("DATABASE_URL", "mysql://h/d")], "does not begin with");
    }

    #[test]
    fn a_password_shows_up_in_no_error_and_no_debug_output() {
        let urls =
            ["postgres://joe:s3cr3t@h:port/d", "postgres://joe:a#s3cr3t@h/d", "s3cr3t", "postgres://joe:s3cr3t/@h/d", "mysql://s3cr3t@h"];
        for url in urls {
            let error = find(&[("DATABASE_URL", url)]).unwrap_err();
            assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
        }
        let settings = find(&[("DATABASE_URL", "postgres://joe:s3cr3t@h/d?nosuch=s3cr3t")]).unwrap();
        assert!(!format!("{settings:?} {} {:?}", settings.target(), settings.notes()).contains(SECRET));
    }
}

//! The password file that `psql` reads (PGPASSFILE, `~/.pgpass`). The driver has a reader too, but that one logs lines which it
//! doesn't understand, with their passwords.

use std::path::{Path, PathBuf};

use sqlx::postgres::PgConnectOptions;

use super::settings::Environment;

/// What the file says about a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// No file, or nothing in it that fits.
    None,
    /// There is a file, but others can read it, so that nothing in it is to be trusted.
    Ignored { note: String },
    /// A password.
    Found { password: String, file: PathBuf },
}

/// Looks up the password for a connection.
pub(super) fn look_up(options: &PgConnectOptions, environment: Environment<'_>) -> Answer {
    let Some(file) = place(environment) else { return Answer::None };
    let Ok(text) = std::fs::read_to_string(&file) else { return Answer::None };
    if is_open_to_others(&file) {
        return Answer::Ignored { note: format!("{} is left aside: others may read it; `chmod 600` it", file.display()) };
    }
    // https://www.postgresql.org/docs/18/libpq-pgpass.html: the default socket counts as `localhost`.
    let host = match options.get_socket() {
        Some(socket) if is_default_socket(socket) => "localhost".to_owned(),
        Some(socket) => socket.to_string_lossy().into_owned(),
        None if is_default_socket(Path::new(options.get_host())) => "localhost".to_owned(),
        None => options.get_host().to_owned(),
    };
    let port = options.get_port().to_string();
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    let wanted = [host.as_str(), port.as_str(), database, options.get_username()];
    match text.lines().find_map(|line| password(line, wanted)) {
        Some(password) => Answer::Found { password, file },
        None => Answer::None,
    }
}

fn place(environment: Environment<'_>) -> Option<PathBuf> {
    environment("PGPASSFILE").map(PathBuf::from).or_else(|| environment("HOME").map(|home| Path::new(&home).join(".pgpass")))
}

fn is_default_socket(folder: &Path) -> bool {
    ["/tmp", "/var/run/postgresql", "/run/postgresql"].iter().any(|place| folder == Path::new(place))
}

#[cfg(unix)]
fn is_open_to_others(file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(file).map_or(true, |metadata| metadata.mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

/// The password of a line `host:port:database:user:password`, if its first four fields fit. `*` fits everything; a
/// backslash takes the meaning from a `:` or another backslash.
fn password(line: &str, wanted: [&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = vec![String::new()];
    let mut stars = vec![true];
    let mut characters = line.trim_end_matches('\r').chars();
    while let Some(character) = characters.next() {
        let last = fields.len() - 1;
        match character {
            ':' if last < 4 => {
                fields.push(String::new());
                stars.push(true);
            }
            '\\' => {
                stars[last] = false;
                fields[last].extend(characters.next());
            }
            other => fields[last].push(other),
        }
    }
    let fits = |(index, wanted): (usize, &&str)| (stars[index] && fields[index] == "*") || fields[index] == *wanted;
    (fields.len() == 5 && wanted.iter().enumerate().all(fits)).then(|| fields.remove(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_gives_the_password() {
        let check = |line: &str, expected: Option<&str>| {
            assert_eq!(password(line, ["db", "5432", "shop", "joe"]).as_deref(), expected, "{line}");
        };
        check("db:5432:shop:joe:secret", Some("secret"));
        check("*:*:*:joe:se:c\\:r\\\\et", Some("se:c:r\\et"));
        check("*:*:*:ann:secret", None);
        check("\\*:*:*:joe:secret", None);
        check("# db:5432:shop:joe:secret", None);
        check("db:5432:shop:joe", None);
    }
}

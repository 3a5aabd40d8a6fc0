//! Why a database can't be reached, with what to do about it.

use std::time::Duration;

use super::settings::{Password, Settings};
use super::sqlstate;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody listens there, or the name is unknown.
    #[error("{target} can't be reached; is the server running, and are host and port right?")]
    Unreachable {
        /// The database.
        target: String,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// No answer.
    #[error("{target} did not answer within {waited:?}; is a firewall in the way?")]
    Silent {
        /// The database.
        target: String,
        /// How long we waited.
        waited: Duration,
    },
    /// The server did not let us in.
    #[error("{target} did not let user `{user}` in; {remedy}")]
    Refused {
        /// The database.
        target: String,
        /// The user.
        user: String,
        /// What to look at.
        remedy: String,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// There is no such database.
    #[error("{target} does not exist on that server; create it, or correct the name")]
    NoSuchDatabase {
        /// The database.
        target: String,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// The user may not connect to it.
    #[error("user `{user}` has no privilege to connect to {target}; `GRANT CONNECT ON DATABASE` gives it")]
    NoPrivilege {
        /// The database.
        target: String,
        /// The user.
        user: String,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// TLS failed.
    #[error("no TLS connection to {target}; look at `sslmode`, and name the authority's certificate by PGSSLROOTCERT or `sslrootcert`")]
    Tls {
        /// The database.
        target: String,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// The server is up but takes no (more) connections now.
    #[error("{target} takes no connections now; try again")]
    Busy {
        /// The database.
        target: String,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
    /// It can only be read.
    #[error("{target} is a standby, which can only be read; connect to the primary server")]
    Standby {
        /// The database.
        target: String,
    },
    /// Anything else.
    #[error("no connection to {target}")]
    Other {
        /// The database.
        target: String,
        /// The cause.
        #[source]
        source: sqlx::Error,
    },
}

impl ConnectError {
    /// Sorts a driver's error.
    pub(super) fn classify(settings: &Settings, source: sqlx::Error) -> Self {
        let target = settings.target();
        let user = settings.user().to_owned();
        // https://www.postgresql.org/docs/18/errcodes-appendix.html
        match sqlstate(&source).as_deref() {
            Some("28P01" | "28000") => Self::Refused { target, user, remedy: remedy(settings.password()), source },
            Some("3D000") => Self::NoSuchDatabase { target, source },
            Some("42501") => Self::NoPrivilege { target, user, source },
            Some("53300" | "57P01" | "57P02" | "57P03") => Self::Busy { target, source },
            Some(_) => Self::Other { target, source },
            #[expect(clippy::wildcard_enum_match_arm, reason = "the driver's enum is not ours; the rest is told as it is")]
            None => match source {
                // A certificate that is not accepted comes as data that is not valid.
                sqlx::Error::Io(ref error) if error.kind() == std::io::ErrorKind::InvalidData => Self::Tls { target, source },
                sqlx::Error::Io(_) => Self::Unreachable { target, source },
                sqlx::Error::Tls(_) => Self::Tls { target, source },
                _ => Self::Other { target, source },
            },
        }
    }
}

fn remedy(password: &Password) -> String {
    match password {
        Password::None => {
            "no password was given: put it into the URL, PGPASSWORD or ~/.pgpass, or let the user in without one in pg_hba.conf".to_owned()
        }
        Password::Given => "check user and password, and that pg_hba.conf lets this user in from here".to_owned(),
        Password::File(file) => format!("check the password in {}, and that pg_hba.conf lets this user in from here", file.display()),
    }
}

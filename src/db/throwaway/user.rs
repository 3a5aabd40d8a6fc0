//! Whom a throwaway server runs as: us, or an ordinary user when we are root, as which PostgreSQL refuses to run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Error;

/// Starts programs as the user of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Runner {
    /// We are no root.
    Ourselves,
    /// We are root.
    As { user: String, by: Switch },
}

/// The program that changes the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Switch {
    Setpriv,
    Runuser,
    Su,
}

impl Runner {
    pub(super) fn choose() -> Result<Self, Error> {
        if said("id", &["-u"]).as_deref() != Some("0") {
            return Ok(Self::Ourselves);
        }
        let user = ["postgres", "nobody"].into_iter().find(|user| said("id", &["-u", user]).is_some());
        let by = [(Switch::Setpriv, "setpriv"), (Switch::Runuser, "runuser"), (Switch::Su, "su")]
            .into_iter()
            .find(|(_, program)| said(program, &["--version"]).is_some());
        match (user, by) {
            (Some(user), Some((by, _))) => Ok(Self::As { user: user.to_owned(), by }),
            _ => Err(Error::NoUser),
        }
    }

    /// A program run as that user, ready for its arguments.
    pub(super) fn command(&self, program: &Path) -> Command {
        let Self::As { user, by } = self else { return Command::new(program) };
        let mut command;
        match by {
            Switch::Setpriv => {
                command = Command::new("setpriv");
                command.args(["--reuid", user, "--regid", &group(user), "--clear-groups", "--"]).arg(program);
            }
            Switch::Runuser => {
                command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(program);
            }
            Switch::Su => {
                command = Command::new("su");
                command.args([user, "-s", "/bin/sh", "-c", r#"exec "$0" "$@""#, "--"]).arg(program);
            }
        }
        command
    }

    /// Makes the user own a folder and what is in it.
    pub(super) fn give(&self, folder: &Path) -> Result<(), Error> {
        let Self::As { user, .. } = self else { return Ok(()) };
        let status = Command::new("chown").args(["-R", user]).arg(folder).stdin(Stdio::null()).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(Error::Program { program: "chown".to_owned(), output: format!("`{}` stays with root", folder.display()) }),
            Err(source) => Err(Error::Io { path: PathBuf::from("chown"), source }),
        }
    }
}

fn group(user: &str) -> String {
    said("id", &["-g", user]).unwrap_or_else(|| user.to_owned())
}

/// What a program says, if it is there and content.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

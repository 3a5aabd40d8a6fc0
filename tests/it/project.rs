//! A project in a folder of its own, and the program run in it as a user runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder with `concertina.toml` and migrations; gone when dropped.
pub(crate) struct Project {
    folder: tempfile::TempDir,
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Run {
    /// The exit code; 128 and the signal's number if a signal ended it.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Project {
    /// A project with the files, each by its path and text. `concertina.toml` is the one that `init` writes, if none is given.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        project.write("concertina.toml", "");
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in it.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder().join(path)
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A file's text.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The program with these arguments, separated by spaces, ready to run in the project's folder. It knows of no database.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_concertina"));
        command.args(arguments.split_whitespace()).current_dir(self.folder()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("PG") || name == "DATABASE_URL" || name.starts_with("CONCERTINA_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs the program with these arguments, separated by spaces.
    pub(crate) fn run(&self, arguments: &str) -> Run {
        Run::of(&mut self.command(arguments))
    }

    /// Runs the program on the database of that URL.
    pub(crate) fn run_on(&self, url: &str, arguments: &str) -> Run {
        Run::of(self.command(arguments).env("DATABASE_URL", url))
    }
}

impl Run {
    /// Runs the command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from_output(command.output().unwrap())
    }

    /// How a program ended that was started by other means.
    pub(crate) fn from_output(output: Output) -> Self {
        let Output { status, stdout, stderr } = output;
        let code = status.code().unwrap_or_else(|| 128 + std::os::unix::process::ExitStatusExt::signal(&status).unwrap());
        Self { code, out: String::from_utf8(stdout).unwrap(), err: String::from_utf8(stderr).unwrap() }
    }

    /// The run ended with that code, and what it said on standard error contains each of the texts.
    #[track_caller]
    pub(crate) fn failed_with(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, code, "{self:#?}");
        for text in texts {
            assert!(self.err.contains(text), "{text:?} is not in {self:#?}");
        }
        assert!(!self.err.contains("panicked"), "{self:#?}");
    }

    /// The run ended well.
    #[track_caller]
    pub(crate) fn ended_well(&self) -> &Self {
        assert_eq!(self.code, 0, "{self:#?}");
        self
    }
}

//! The binary as a user or a script meets it: exit codes, what goes to stdout and stderr, signals.

mod messages;
mod results;
mod settings;
#[cfg(unix)]
mod signals;

use std::path::{Path, PathBuf};

use assert_cmd::Command;

use crate::common::{self, QUICK, ordinary};

/// A folder to run the program in, with no setting from outside.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With `catalog.parquet` of `count` simulated spectra.
    fn with_catalog(count: u64) -> Self {
        let desk = Self::new();
        common::write_catalog(&desk.path("catalog.parquet"), &ordinary(21, count));
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SPECTRIAGE_"))
        {
            command.env_remove(name);
        }
        command
            .current_dir(self.0.path())
            .args(arguments)
            .timeout(std::time::Duration::from_secs(120));
        command
    }

    /// Runs the program: its exit code, stdout and stderr.
    fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).output().unwrap())
    }

    /// Runs it and expects success.
    fn good(&self, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.stderr);
        ended
    }

    fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let stdout = self.good(arguments).stdout;
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error} in {stdout}"))
    }

    /// A job that writes to the default folders.
    fn quick(&self, command: &[&str]) -> Ended {
        self.good(&[command, &["catalog.parquet"], &QUICK].concat())
    }
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_spectriage"))
}

#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn of(output: &std::process::Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the program speaks UTF-8");
        Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

//! Results on stdout: text for people, JSON for programs.

use std::io::Write;

use serde::Serialize;

/// Prints one line to stdout; a reader that has gone away (`| head`) is no error.
pub fn line(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        result => Ok(result?),
    }
}

/// The value as JSON where asked for, else the text.
pub fn json_or(json: bool, value: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    if json { line(&serde_json::to_string_pretty(value)?) } else { line(&text()) }
}

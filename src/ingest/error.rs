//! What can go wrong with a whole input; a single bad spectrum is a [`RowIssue`](crate::spectrum::RowIssue) instead.

use std::path::{Path, PathBuf};

/// Why an input could not be imported, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error("{input}: no such file or folder; check the path")]
    NotFound { input: String },
    #[error("{pattern}: no file matches; quote the pattern if the shell should not expand it")]
    NoMatch { pattern: String },
    #[error("{pattern}: not a valid file pattern ({reason}); * ? [..] and ** are understood")]
    BadPattern { pattern: String, reason: String },
    #[error("{}: cannot be read ({source}); check that it exists and that you may read it", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}: {what}", path.display())]
    NotASpectrum { path: PathBuf, what: String },
    #[error("{}: damaged: {reason}; get the file again", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("{}: damaged: reading it broke off in {place}; get the file again, and report it if that does not help", path.display())]
    Panicked { path: PathBuf, place: String },
    #[error("{}: more than {limit_mib} MiB once decompressed; gunzip it first: plain files are read row by row", path.display())]
    TooLarge { path: PathBuf, limit_mib: u64 },
    #[error("{}, {place}, {column}: {reason}", path.display())]
    Column {
        path: PathBuf,
        /// The HDU or the line.
        place: String,
        column: String,
        reason: String,
    },
}

impl IngestError {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn not_a_spectrum(path: &Path, what: impl Into<String>) -> Self {
        Self::NotASpectrum {
            path: path.to_owned(),
            what: what.into(),
        }
    }

    pub(crate) fn damaged(path: &Path, reason: impl ToString) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn column(path: &Path, place: &str, column: &str, reason: impl ToString) -> Self {
        Self::Column {
            path: path.to_owned(),
            place: place.to_owned(),
            column: column.to_owned(),
            reason: reason.to_string(),
        }
    }
}

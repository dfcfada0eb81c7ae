use std::io;
use std::path::{Path, PathBuf};

use crate::figure::FigureError;

/// Why an output file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    #[error(
        "no space left on disk to write {path}: free some, or choose another folder; nothing of it was kept"
    )]
    NoSpace { path: PathBuf },
    #[error(
        "{path} is there already and is never overwritten: another program wrote it during this run; move it away and run again"
    )]
    Exists { path: PathBuf },
    #[error("could not {action} {path}: {source}; check that the folder exists and may be written to")]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(
        "could not find a free run number in {images} and {metadata} after {tries} tries: too many runs start at once there"
    )]
    NoNumber {
        images: PathBuf,
        metadata: PathBuf,
        tries: usize,
    },
    #[error(
        "the verdict on {judged} was paired with the facts of {described}: please report this, nothing was written"
    )]
    Mismatch { judged: String, described: String },
    #[error("{path}: {what}")]
    Damaged { path: PathBuf, what: String },
    #[error("could not encode {path}: {reason}")]
    Encode { path: PathBuf, reason: String },
    #[error("could not draw {path}: {source}")]
    Figure { path: PathBuf, source: FigureError },
}

impl ArtifactError {
    /// The error for an operation on `path`, with a full disk told apart.
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { path },
            io::ErrorKind::AlreadyExists if action == "write" => Self::Exists { path },
            _ => Self::Io { action, path, source },
        }
    }
}

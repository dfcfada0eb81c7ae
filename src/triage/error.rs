use std::io;
use std::path::{Path, PathBuf};

/// Why labels could not be kept, read or written.
#[derive(Debug, thiserror::Error)]
pub enum TriageError {
    #[error(
        "`{scanner}` is no name of a scanner: 1 to 32 characters without spaces and commas are needed, e.g. your initials; give one with `--scanner`"
    )]
    Scanner { scanner: String },
    #[error("{object_id}: {what}; nothing was saved")]
    Label { object_id: String, what: String },
    #[error("no space left on disk for {}: the label was not saved; free some and label again", path.display())]
    NoSpace { path: PathBuf },
    #[error("{} cannot be written to: the label was not saved; `--journal FILE` names another file", path.display())]
    ReadOnly { path: PathBuf },
    #[error("could not {action} {}: {source}; {advice}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
        advice: &'static str,
    },
    #[error("{} has no labels that can be read: {what}; a journal, prospect's CSV or Marz's .mz is needed", path.display())]
    Foreign { path: PathBuf, what: String },
    #[error("{} line {line}, column {column}: `{value}` is {what}; correct it or empty it", path.display())]
    Cell {
        path: PathBuf,
        line: u64,
        column: String,
        value: String,
        what: String,
    },
}

impl TriageError {
    /// A failed write to the journal.
    pub(super) fn append(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            _ => Self::Io {
                action: "write to",
                path,
                source,
                advice: "the label was not saved",
            },
        }
    }

    pub(super) fn read(path: &Path, source: io::Error) -> Self {
        Self::Io {
            action: "read",
            path: path.to_owned(),
            source,
            advice: "check that it is there and may be read",
        }
    }
}

//! What can go wrong with a catalog as a whole; what is wrong with a single row is a [`RowIssue`](crate::spectrum::RowIssue).

use std::io;
use std::path::{Path, PathBuf};

/// Why a catalog could not be opened, read, searched or written.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// Nothing to open under this name.
    #[error("{input}: {reason}; give a .parquet file, a folder of them, a glob (quoted) or a HATS folder")]
    NoFiles { input: String, reason: String },
    /// Not Parquet, or damaged.
    #[error(
        "{}: not a sound Parquet file ({reason}); if it was cut off while being copied or written, get it anew",
        path.display()
    )]
    Corrupt { path: PathBuf, reason: String },
    /// The file was replaced while it was open.
    #[error("{}: changed on disk since it was opened; open the catalog again", path.display())]
    Changed { path: PathBuf },
    /// Written by a later release.
    #[error(
        "{}: its schema version is {found} and this program knows {known}; read it with the newer spectriage that wrote it",
        path.display()
    )]
    NewerSchema {
        path: PathBuf,
        found: String,
        known: &'static str,
    },
    /// A Parquet file, but no spectra are recognized in it.
    #[error(
        "{}: no spectra recognized: {missing}. Columns found: {found}. Looked for: {wanted}. \
         Its table alone can still be inspected",
        path.display()
    )]
    Unrecognized {
        path: PathBuf,
        missing: String,
        found: String,
        wanted: &'static str,
    },
    /// Spectra were asked of a catalog that was opened for its table alone.
    #[error(
        "{}: opened for its table alone, and it has no spectra; name a file with flux columns",
        path.display()
    )]
    NoSpectra { path: PathBuf },
    /// No such column.
    #[error("no column `{column}`{suggestion}; the columns are {columns}")]
    UnknownColumn {
        column: String,
        suggestion: String,
        columns: String,
    },
    /// A filter or sort that cannot be understood or run.
    #[error("{clause} `{expression}`: {reason}")]
    BadExpression {
        clause: &'static str,
        expression: String,
        reason: String,
        /// The reason without the list of columns, for a single line.
        brief: String,
        /// Byte in the expression where the trouble is, where that is known.
        at: Option<usize>,
    },
    /// No such row.
    #[error("row {row} was asked for, and the catalog has {len} rows (numbered from 0)")]
    RowOutOfRange { row: u64, len: u64 },
    /// A column whose values are of a kind that cannot be used.
    #[error("{}: column `{column}`: {reason}; convert it in the file, or leave it out", path.display())]
    Column {
        path: PathBuf,
        column: String,
        reason: String,
    },
    /// A spectrum that cannot be written because its parts do not fit each other or the catalog.
    #[error("spectrum {object_id}, {column}: {reason}; nothing of it was written")]
    Unwritable {
        object_id: String,
        column: String,
        reason: String,
    },
    /// Writer options that contradict themselves.
    #[error("cannot write a catalog so: {0}")]
    Options(String),
}

impl CatalogError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn corrupt(path: &Path, reason: impl ToString) -> Self {
        Self::Corrupt {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// What a Parquet error of this file is: the operating system's, or damage.
    pub(super) fn parquet(path: &Path, error: parquet::errors::ParquetError) -> Self {
        match error {
            parquet::errors::ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(source) => Self::io(path, *source),
                Err(other) => Self::corrupt(path, other),
            },
            other => Self::corrupt(path, other),
        }
    }

    /// That there is no such column, with the name that is meant where it can be told.
    pub fn unknown_column<'a>(column: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.collect();
        Self::UnknownColumn {
            suggestion: nearest_name(column, &known)
                .map_or_else(String::new, |n| format!(" (did you mean `{n}`?)")),
            column: column.to_owned(),
            columns: known.join(", "),
        }
    }
}

/// The name that differs least from `wanted`, where that is at most a third of its letters.
pub(super) fn nearest_name<'a>(wanted: &str, known: &[&'a str]) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    known
        .iter()
        .map(|name| (edit_distance(&wanted, name), *name))
        .min()
        .filter(|(distance, _)| *distance <= wanted.chars().count().div_ceil(3))
        .map(|(_, name)| name)
}

/// Levenshtein's distance.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_column_is_suggested_and_a_stranger_is_not() {
        let known = ["object_id", "spectype", "z", "zwarn"];
        assert_eq!(nearest_name("spectyp", &known), Some("spectype"));
        assert_eq!(nearest_name("ZWARM", &known), Some("zwarn"));
        assert_eq!(nearest_name("redshift", &known), None);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
    }
}

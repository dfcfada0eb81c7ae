//! One source from file to sink, and what became of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::settle::Place;
use super::{FileKind, FileOutcome, IngestError, REDSHIFTS_ALONE, Source, SourceKind, Status, read};
use crate::spectrum::{RowIssue, Spectrum};

/// The identities handed on so far, and the file that each came from: an object is imported once.
#[derive(Debug, Default)]
pub struct Identities(HashMap<String, PathBuf>);

impl Identities {
    /// Takes note of an object, or tells which file had it before.
    fn claim(&mut self, object_id: &str, path: &Path) -> Result<(), PathBuf> {
        match self.0.get(object_id) {
            Some(earlier) => Err(earlier.clone()),
            None => {
                self.0.insert(object_id.to_owned(), path.to_owned());
                Ok(())
            }
        }
    }

    /// The spectrum of row `row` of `path`, or the issue that an earlier file already had its object.
    pub fn first(&mut self, spectrum: Spectrum, path: &Path, row: u64) -> Result<Spectrum, RowIssue> {
        match self.claim(&spectrum.facts.object_id, path) {
            Ok(()) => Ok(spectrum),
            Err(earlier) => {
                let reason = format!(
                    "already imported from {}; make a catalog of its own to keep both",
                    earlier.display()
                );
                Err(Place { path, row }.issue(&spectrum.facts.object_id, "object_id", reason))
            }
        }
    }
}

/// Reads a source and hands its spectra to `sink`, batch by batch; says what became of it.
///
/// An object that an earlier file already had becomes a row issue. A file that fails is an outcome; a Parquet source is one too,
/// with no spectra, because the catalog reads it.
///
/// Errors: those of `sink` only, which end the reading.
pub fn import_file<E>(
    source: &Source,
    identities: &mut Identities,
    mut sink: impl FnMut(Vec<Spectrum>) -> Result<(), E>,
) -> Result<FileOutcome, E> {
    let mut outcome = FileOutcome {
        path: source.path.clone(),
        kind: FileKind::Unrecognized,
        status: Status::Failed,
        spectra: 0,
        issues: Vec::new(),
        message: String::new(),
    };
    let skipped = match &source.kind {
        SourceKind::Parquet => Some((FileKind::Parquet, String::new())),
        SourceKind::Redshifts => Some((FileKind::Redshifts, REDSHIFTS_ALONE.into())),
        SourceKind::Unrecognized(why) => Some((FileKind::Unrecognized, why.clone())),
        SourceKind::Fits { .. } | SourceKind::Table => None,
    };
    if let Some((kind, message)) = skipped {
        return Ok(FileOutcome {
            kind,
            message,
            status: Status::Skipped,
            ..outcome
        });
    }
    let reader = match read(source) {
        Ok(reader) => reader,
        Err(error) => {
            let nothing_wrong = matches!(error, IngestError::NotASpectrum { .. });
            outcome.status = if nothing_wrong {
                Status::Skipped
            } else {
                Status::Failed
            };
            outcome.message = without_path(&error, &source.path);
            return Ok(outcome);
        }
    };
    outcome.kind = reader.kind();
    let mut messages = reader.notes().to_vec();
    let mut row = 0;
    for batch in reader {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => {
                messages.insert(
                    0,
                    format!("reading broke off: {}", without_path(&error, &source.path)),
                );
                outcome.message = messages.join("; ");
                return Ok(outcome);
            }
        };
        let mut spectra = Vec::with_capacity(batch.len());
        for item in batch {
            match item.and_then(|spectrum| identities.first(spectrum, &source.path, row)) {
                Ok(spectrum) => spectra.push(spectrum),
                Err(issue) => outcome.issues.push(issue),
            }
            row += 1;
        }
        outcome.spectra += spectra.len() as u64;
        if !spectra.is_empty() {
            sink(spectra)?;
        }
    }
    if outcome.spectra > 0 {
        outcome.status = Status::Imported;
    } else {
        messages.push(match outcome.issues.first() {
            Some(issue) => format!(
                "no usable spectrum; the first: {}: {}",
                issue.column, issue.reason
            ),
            None => "no spectrum in it".into(),
        });
    }
    outcome.message = messages.join("; ");
    Ok(outcome)
}

/// The error's text without the path at its beginning, which the outcome has already.
fn without_path(error: &IngestError, path: &Path) -> String {
    let text = error.to_string();
    let start = path.display().to_string();
    text.strip_prefix(&start)
        .map_or(text.as_str(), |rest| rest.trim_start_matches([':', ',', ' ']))
        .to_owned()
}

//! Survey files and foreign Parquet to a catalog of our own.

use std::path::PathBuf;

use serde::Serialize;

use super::{CancelToken, Event, Observer, PipelineError, Stage};
use crate::catalog::{Catalog, CatalogWriter, WriterOptions};
use crate::ingest::{self, FileKind, FileOutcome, Identities, ImportReport, SourceKind, Status};
use crate::spectrum::Spectrum;

/// What to import, and where to.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    pub output: PathBuf,
    pub inputs: Vec<String>,
    pub mantissa_bits: Option<u32>,
    /// Replace a file of that name.
    pub force: bool,
}

/// What was imported.
#[derive(Debug, Clone, Serialize)]
pub struct ImportSummary {
    pub output: PathBuf,
    pub spectra: u64,
    pub bytes: u64,
    #[serde(flatten)]
    pub report: ImportReport,
    pub interrupted: bool,
}

/// Imports all inputs into one catalog. The file appears complete or, on an error, when cancelled or when no spectrum came out, not at all.
pub fn import(
    request: &ImportRequest,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<ImportSummary, PipelineError> {
    if request.output.exists() && !request.force {
        return Err(PipelineError::OutputExists {
            path: request.output.clone(),
        });
    }
    let sources = ingest::discover(&request.inputs)?;
    let provenance = serde_json::json!({
        "program": concat!("spectriage ", env!("CARGO_PKG_VERSION")),
        "inputs": sources.iter().map(|source| source.path.display().to_string()).collect::<Vec<_>>(),
    });
    let options = WriterOptions {
        mantissa_bits: request.mantissa_bits,
        provenance,
        ..WriterOptions::default()
    };
    let mut writer = CatalogWriter::create(&request.output, options)?;
    let mut identities = Identities::default();
    let mut summary = ImportSummary {
        output: request.output.clone(),
        spectra: 0,
        bytes: 0,
        report: ImportReport::default(),
        interrupted: false,
    };
    let total = sources.len() as u64;
    for (done, source) in sources.iter().enumerate() {
        let mut sink = |spectra: Vec<Spectrum>| -> Result<(), PipelineError> {
            spectra
                .iter()
                .try_for_each(|spectrum| writer.write(spectrum))
                .map_err(PipelineError::from)
        };
        let outcome = match &source.kind {
            SourceKind::Parquet => foreign(&source.path, &mut identities, cancel, &mut sink)?,
            _ => ingest::import_file(source, &mut identities, sink)?,
        };
        if cancel.is_cancelled() {
            summary.interrupted = true;
            return Ok(summary);
        }
        summary.report.files.push(outcome);
        observer.event(Event::Step {
            stage: Stage::Import,
            done: done as u64 + 1,
            total,
        });
    }
    summary.spectra = writer.rows();
    if summary.spectra > 0 {
        summary.bytes = writer.finish()?.bytes;
    }
    Ok(summary)
}

/// Copies the spectra of a foreign Parquet file.
fn foreign(
    path: &std::path::Path,
    identities: &mut Identities,
    cancel: &CancelToken,
    sink: &mut impl FnMut(Vec<Spectrum>) -> Result<(), PipelineError>,
) -> Result<FileOutcome, PipelineError> {
    let mut outcome = FileOutcome {
        path: path.into(),
        kind: FileKind::Parquet,
        status: Status::Failed,
        spectra: 0,
        issues: Vec::new(),
        message: String::new(),
    };
    let catalog = match Catalog::open(&[path.display().to_string()]) {
        Ok(catalog) => catalog,
        Err(error) => {
            outcome.message = error.to_string();
            return Ok(outcome);
        }
    };
    let rows: Vec<u64> = (0..catalog.len()).collect();
    for (row, read) in rows.iter().zip(catalog.spectra(&rows)) {
        if cancel.is_cancelled() {
            break;
        }
        match read {
            Ok(Ok(spectrum)) => match identities.first(spectrum, path, *row) {
                Ok(spectrum) => {
                    sink(vec![spectrum])?;
                    outcome.spectra += 1;
                }
                Err(issue) => outcome.issues.push(issue),
            },
            Ok(Err(issue)) => outcome.issues.push(issue),
            Err(error) => {
                outcome.message = format!("reading broke off: {error}");
                break;
            }
        }
    }
    if outcome.message.is_empty() && outcome.spectra > 0 {
        outcome.status = Status::Imported;
    }
    Ok(outcome)
}

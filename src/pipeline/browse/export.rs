//! Some rows of a catalog as a file of their own.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use serde::Serialize;

use super::cell::values;
use super::{Browser, ColumnInfo, ColumnKind, Rows, Value};
use crate::catalog::{CatalogWriter, ExtraColumn, ExtraKind, ExtraValue, WriterOptions, is_own_column};
use crate::durable::Draft;
use crate::pipeline::{CancelToken, Event, Observer, PipelineError, Stage};
use crate::spectrum::RowIssue;

/// Spectra in memory at once.
const SPECTRA: usize = 2048;
/// Rows of the table in memory at once. Sorted rows lie everywhere, so that the table is gone through once for each so many.
const TABLE_ROWS: usize = 262_144;
/// Of these, so many at once as values of their own, which are larger.
const VALUES: usize = 2048;
/// Issues that the summary lists.
const LISTED_ISSUES: usize = 1000;

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// A catalog with spectra and all columns, that can be opened again.
    Parquet,
    /// The table's columns, with a line of names.
    Csv,
    /// One `object_id` a line.
    Ids,
}

impl ExportFormat {
    /// The format that a file's name stands for: `.parquet`, `.csv`, `.txt` or `.ids`.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "parquet" | "parq" => Some(Self::Parquet),
            "csv" => Some(Self::Csv),
            "txt" | "ids" => Some(Self::Ids),
            _ => None,
        }
    }
}

/// Where to, and how.
#[derive(Debug, Clone)]
pub struct ExportRequest {
    pub path: PathBuf,
    pub format: ExportFormat,
    /// What the rows are (the filter, or `marked rows`): written into the provenance of a Parquet file.
    pub what: String,
    /// Replace a file of that name.
    pub force: bool,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExportSummary {
    pub path: PathBuf,
    pub format: ExportFormat,
    pub rows: u64,
    pub bytes: u64,
    /// Rows that could not be used.
    pub skipped: u64,
    /// The first thousand of them.
    pub issues: Vec<RowIssue>,
    pub interrupted: bool,
}

impl Browser {
    /// Writes some rows, in their order. The file appears complete or, on an error or when cancelled, not at all. A row that
    /// cannot be used is an issue and left out. Memory does not grow with the number of rows.
    ///
    /// Errors: a file of that name is there, or is part of this catalog; Parquet of a table without spectra; no space on disk.
    pub fn export(
        &self,
        rows: &Rows,
        request: &ExportRequest,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<ExportSummary, PipelineError> {
        let path = &request.path;
        let itself = path.canonicalize().is_ok_and(|path| {
            let same = |file: PathBuf| file.canonicalize().is_ok_and(|file| file == path);
            self.files().into_iter().any(|file| same(file.path))
        });
        if itself {
            return Err(PipelineError::OutputIsInput { path: path.clone() });
        }
        if path.exists() && !request.force {
            return Err(PipelineError::OutputExists { path: path.clone() });
        }
        let mut export = Export {
            browser: self,
            rows,
            request,
            observer,
            cancel,
            summary: ExportSummary {
                path: path.clone(),
                format: request.format,
                rows: 0,
                bytes: 0,
                skipped: 0,
                issues: Vec::new(),
                interrupted: false,
            },
        };
        match request.format {
            ExportFormat::Parquet => export.parquet()?,
            ExportFormat::Csv => export.csv()?,
            ExportFormat::Ids => export.ids()?,
        }
        if !export.summary.interrupted {
            export.observer.event(Event::Wrote(path.clone()));
        }
        Ok(export.summary)
    }
}

/// An export under way.
struct Export<'a> {
    browser: &'a Browser,
    rows: &'a Rows,
    request: &'a ExportRequest,
    observer: &'a mut dyn Observer,
    cancel: &'a CancelToken,
    summary: ExportSummary,
}

impl Export<'_> {
    /// The rows, `most` at a time; `None` at the end and when cancelled.
    fn chunk(&mut self, from: &mut u64, most: usize) -> Option<Vec<u64>> {
        let total = self.rows.len();
        if *from > 0 {
            self.observer.event(Event::Step {
                stage: Stage::Export,
                done: *from,
                total,
            });
        }
        if self.cancel.is_cancelled() {
            self.summary.interrupted = true;
            return None;
        }
        let rows = self.rows.slice(*from, most);
        *from += rows.len() as u64;
        (!rows.is_empty()).then_some(rows)
    }

    fn issue(&mut self, issue: RowIssue) {
        self.summary.skipped += 1;
        if self.summary.issues.len() < LISTED_ISSUES {
            self.summary.issues.push(issue.clone());
        }
        self.observer.event(Event::Issue(issue));
    }

    fn parquet(&mut self) -> Result<(), PipelineError> {
        let catalog = self.browser.catalog();
        let columns: Vec<ColumnInfo> = self
            .browser
            .columns()
            .into_iter()
            .filter(|column| column.name != "row" && !is_own_column(&column.name))
            .collect();
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let sources: Vec<_> = catalog.files().into_iter().zip(catalog.provenance()).collect();
        let sources: Vec<serde_json::Value> = sources
            .into_iter()
            .map(|(file, provenance)| serde_json::json!({ "file": file.path, "provenance": provenance }))
            .collect();
        let acknowledgements = catalog.acknowledgements();
        let options = WriterOptions {
            provenance: serde_json::json!({ "exported": self.request.what, "sources": sources }),
            acknowledgement: (!acknowledgements.is_empty()).then(|| acknowledgements.join(" ")),
            extra: columns.iter().map(extra_column).collect(),
            ..WriterOptions::default()
        };
        let mut writer = CatalogWriter::create(&self.request.path, options)?;
        let mut from = 0;
        while let Some(rows) = self.chunk(&mut from, SPECTRA) {
            let mut further: Vec<_> = match names.is_empty() {
                true => Vec::new(),
                false => {
                    let batch = catalog.table(&names, Some(&rows))?;
                    batch
                        .columns()
                        .iter()
                        .map(|array| values(array).into_iter())
                        .collect()
                }
            };
            for spectrum in catalog.spectra(&rows) {
                let extra: Vec<ExtraValue> = further
                    .iter_mut()
                    .zip(&columns)
                    .map(|(values, column)| extra_value(values.next(), column.kind))
                    .collect();
                match spectrum? {
                    Ok(spectrum) => writer.write_with(&spectrum, &extra)?,
                    Err(issue) => self.issue(issue),
                }
            }
        }
        if !self.summary.interrupted {
            self.summary.rows = writer.rows();
            self.summary.bytes = writer.finish()?.bytes;
        }
        Ok(())
    }

    fn csv(&mut self) -> Result<(), PipelineError> {
        let columns: Vec<ColumnInfo> = self
            .browser
            .columns()
            .into_iter()
            .filter(|column| column.name != "row")
            .collect();
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let failed = unwritable(&self.request.path);
        let mut csv = csv::Writer::from_writer(self.draft()?);
        csv.write_record(&names).map_err(|e| failed(e.into()))?;
        let mut from = 0;
        while let Some(rows) = self.chunk(&mut from, TABLE_ROWS) {
            let batch = self.browser.catalog().table(&names, Some(&rows))?;
            for part in parts(&batch) {
                let columns = part.columns().iter();
                let mut table: Vec<_> = columns.map(|array| values(array).into_iter()).collect();
                for _ in 0..part.num_rows() {
                    let cells = table
                        .iter_mut()
                        .map(|values| values.next().unwrap_or(Value::Null).in_full());
                    csv.write_record(cells).map_err(|e| failed(e.into()))?;
                }
            }
            self.summary.rows += rows.len() as u64;
        }
        let out = csv.into_inner().map_err(|e| failed(e.into_error()))?;
        self.publish(out)
    }

    fn ids(&mut self) -> Result<(), PipelineError> {
        let failed = unwritable(&self.request.path);
        let mut out = BufWriter::new(self.draft()?);
        let mut from = 0;
        while let Some(rows) = self.chunk(&mut from, TABLE_ROWS) {
            let batch = self.browser.catalog().table(&["object_id"], Some(&rows))?;
            let ids = parts(&batch).flat_map(|part| values(part.column(0)));
            for (id, row) in ids.zip(&rows) {
                match id.in_full() {
                    id if id.is_empty() => {
                        let issue = self.no_id(*row);
                        self.issue(issue);
                    }
                    id => {
                        // An id is one line, whatever is in it.
                        let id = id.replace(['\n', '\r'], " ");
                        writeln!(out, "{id}").map_err(&failed)?;
                        self.summary.rows += 1;
                    }
                }
            }
        }
        let out = out.into_inner().map_err(|e| failed(e.into_error()))?;
        self.publish(out)
    }

    fn no_id(&self, row: u64) -> RowIssue {
        let files = self.browser.files();
        let file = &files[files
            .partition_point(|file| file.first_row <= row)
            .saturating_sub(1)];
        RowIssue {
            file: file.path.display().to_string(),
            row: row - file.first_row,
            object_id: String::new(),
            column: "object_id".into(),
            reason: "the id is missing".into(),
        }
    }

    fn draft(&self) -> Result<Draft, PipelineError> {
        Draft::of(&self.request.path).map_err(unwritable(&self.request.path))
    }

    fn publish(&mut self, draft: Draft) -> Result<(), PipelineError> {
        if self.summary.interrupted {
            return Ok(());
        }
        let published = match self.request.force {
            true => draft.publish(),
            false => draft.publish_new(),
        };
        self.summary.bytes = published.map_err(unwritable(&self.request.path))?;
        Ok(())
    }
}

/// The rows of a batch, some at a time.
fn parts(batch: &RecordBatch) -> impl Iterator<Item = RecordBatch> + '_ {
    let starts = (0..batch.num_rows()).step_by(VALUES);
    starts.map(|start| batch.slice(start, VALUES.min(batch.num_rows() - start)))
}

fn unwritable(path: &Path) -> impl Fn(std::io::Error) -> PipelineError + use<> {
    let what = format!("{} cannot be written", path.display());
    move |source| PipelineError::Io {
        what: what.clone(),
        source,
    }
}

fn extra_column(column: &ColumnInfo) -> ExtraColumn {
    ExtraColumn {
        name: column.name.clone(),
        kind: match column.kind {
            ColumnKind::Number => ExtraKind::Float,
            ColumnKind::Integer => ExtraKind::Int,
            ColumnKind::Boolean => ExtraKind::Bool,
            ColumnKind::Text | ColumnKind::Other => ExtraKind::Text,
        },
        unit: column.unit.clone(),
        description: column.description.clone(),
    }
}

fn extra_value(value: Option<Value>, kind: ColumnKind) -> ExtraValue {
    match (value, kind) {
        (None | Some(Value::Null), _) => ExtraValue::Null,
        (Some(Value::Boolean(value)), _) => ExtraValue::Bool(value),
        (Some(Value::Integer(value)), _) => ExtraValue::Int(value),
        (Some(Value::Number(value)), _) => ExtraValue::Float(value),
        // An unsigned identity beyond the signed range: the signed integer of the same bits, as target ids have it.
        (Some(Value::Text(text)), ColumnKind::Integer) => text
            .parse::<u64>()
            .map_or(ExtraValue::Null, |bits| ExtraValue::Int(bits as i64)),
        (Some(Value::Text(text)), _) => ExtraValue::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, UInt64Array};
    use arrow::compute::concat_batches;

    use super::*;

    #[test]
    fn parts_are_the_whole_and_none_is_large() {
        for rows in [0, 1, VALUES, 2 * VALUES + 7] {
            let column: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..rows as u64));
            let batch = RecordBatch::try_from_iter([("row", column)]).unwrap();
            let parts: Vec<RecordBatch> = parts(&batch).collect();
            assert!(parts.iter().all(|part| part.num_rows() <= VALUES));
            assert_eq!(concat_batches(&batch.schema(), &parts).unwrap(), batch);
        }
    }
}

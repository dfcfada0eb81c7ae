//! Decodes spectra: the rows asked for, in the order asked for, a little ahead of the reader.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use parquet::arrow::ProjectionMask;

use super::catalog::{Inner, Run};
use super::file::{CatalogFile, guarded};
use super::layout::PixelColumns;
use super::lists::Pixels;
use super::row::{self, RowExtras};
use super::{CatalogError, facts, schema, table};
use crate::spectrum::{RowIssue, Spectrum};

/// Rows decoded at a time where the file says where its pages begin.
const CHUNK_ROWS: usize = 64;
/// And where it does not, so that a row group is gone through from its start less often.
const CHUNK_ROWS_UNINDEXED: usize = 256;
const MAX_THREADS: usize = 16;

/// A row's outcome.
pub(super) type Row = Result<Spectrum, RowIssue>;

/// Spectra of a catalog in the order in which their rows were asked for; see [`Catalog::spectra`](super::Catalog::spectra).
pub struct Spectra {
    inner: Arc<Inner>,
    rows: Arc<Vec<u64>>,
    chunk_rows: usize,
    /// One a worker; worker `w` decodes chunks `w`, `w + n`, … so that taking turns keeps the order.
    workers: Vec<Receiver<Result<Vec<Row>, CatalogError>>>,
    next_chunk: usize,
    decoded: std::vec::IntoIter<Row>,
    ended: bool,
}

impl Spectra {
    pub(super) fn new(inner: Arc<Inner>, rows: Vec<u64>) -> Self {
        let indexed = inner.files.iter().all(CatalogFile::has_page_index);
        let chunk_rows = if indexed { CHUNK_ROWS } else { CHUNK_ROWS_UNINDEXED };
        let mut spectra = Self {
            inner,
            rows: Arc::new(rows),
            chunk_rows,
            workers: Vec::new(),
            next_chunk: 0,
            decoded: Vec::new().into_iter(),
            ended: false,
        };
        spectra.start_workers();
        spectra
    }

    fn chunks(&self) -> usize {
        self.rows.len().div_ceil(self.chunk_rows)
    }

    /// A single chunk is decoded by whoever asks for it.
    fn start_workers(&mut self) {
        let (chunks, chunk_rows) = (self.chunks(), self.chunk_rows);
        let threads = rayon::current_num_threads().min(MAX_THREADS).min(chunks);
        if chunks < 2 {
            return;
        }
        for worker in 0..threads {
            let (sender, receiver) = sync_channel(1);
            let (inner, rows) = (self.inner.clone(), self.rows.clone());
            let work = move || {
                for chunk in (worker..chunks).step_by(threads) {
                    let decoded = decode(&inner, slice(&rows, chunk, chunk_rows));
                    let failed = decoded.is_err();
                    // Nobody listens any more where the iterator was dropped.
                    if sender.send(decoded).is_err() || failed {
                        return;
                    }
                }
            };
            let spawned = std::thread::Builder::new().name("spectra".into()).spawn(work);
            if spawned.is_err() {
                // Too many threads already: the caller decodes by itself.
                self.workers.clear();
                return;
            }
            self.workers.push(receiver);
        }
    }

    fn next_decoded(&mut self) -> Option<Result<Vec<Row>, CatalogError>> {
        if self.next_chunk >= self.chunks() {
            return None;
        }
        let chunk = self.next_chunk;
        self.next_chunk += 1;
        if self.workers.is_empty() {
            return Some(decode(&self.inner, slice(&self.rows, chunk, self.chunk_rows)));
        }
        let worker = &self.workers[chunk % self.workers.len()];
        Some(worker.recv().unwrap_or_else(|_| {
            // A worker that is gone without a word ran into something that no guard caught; try again here.
            decode(&self.inner, slice(&self.rows, chunk, self.chunk_rows))
        }))
    }
}

impl Iterator for Spectra {
    type Item = Result<Row, CatalogError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.decoded.next() {
                return Some(Ok(row));
            }
            if self.ended {
                return None;
            }
            match self.next_decoded() {
                Some(Ok(rows)) => self.decoded = rows.into_iter(),
                Some(Err(error)) => {
                    self.ended = true;
                    self.workers.clear();
                    return Some(Err(error));
                }
                None => self.ended = true,
            }
        }
    }
}

fn slice(rows: &[u64], chunk: usize, chunk_rows: usize) -> &[u64] {
    &rows[chunk * chunk_rows..rows.len().min((chunk + 1) * chunk_rows)]
}

/// Decodes rows, in the order given.
///
/// Errors: a row that is not there, or what the operating system refuses. A row whose pages are damaged is an issue.
pub(super) fn decode(inner: &Inner, rows: &[u64]) -> Result<Vec<Row>, CatalogError> {
    let mut sorted = rows.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut decoded: Vec<Option<Row>> = Vec::with_capacity(sorted.len());
    for run in inner.runs(&sorted)? {
        decoded.extend(decode_run(inner, &run)?.into_iter().map(Some));
    }
    let all_distinct = sorted.len() == rows.len();
    let take = |row: &u64| {
        let place = sorted.partition_point(|other| other < row);
        let outcome = if all_distinct {
            decoded[place].take()
        } else {
            decoded[place].clone()
        };
        outcome.ok_or(CatalogError::RowOutOfRange {
            row: *row,
            len: inner.rows,
        })
    };
    rows.iter().map(take).collect()
}

/// Decodes rows of one row group; where pages are damaged, row by row, so that only those in them are lost.
fn decode_run(inner: &Inner, run: &Run) -> Result<Vec<Row>, CatalogError> {
    let file = &inner.files[run.file];
    let columns = file
        .layout
        .pixels
        .as_ref()
        .ok_or_else(|| CatalogError::NoSpectra {
            path: file.path.clone(),
        })?;
    let damage = match guarded(&file.path, || {
        decode_places(inner, file, columns, run.group, &run.places)
    }) {
        Err(CatalogError::Corrupt { reason, .. }) => reason,
        other => return other,
    };
    if let [place] = run.places[..] {
        let row = file.group_starts[run.group] + place as u64;
        // The table may be sound where the pixels are not.
        let id = guarded(&file.path, || {
            inner.table(&["object_id"], Some(&[file.first_row + row]))
        });
        let facts = id.map(|batch| facts::facts_in(&batch)).unwrap_or_default();
        let object_id = facts
            .into_iter()
            .next()
            .map(|facts| facts.object_id.into())
            .unwrap_or_default();
        return Ok(vec![Err(RowIssue {
            file: file.name(),
            row,
            object_id,
            column: columns.flux.clone(),
            reason: format!("it cannot be decoded: {damage}"),
        })]);
    }
    let mut rows = Vec::with_capacity(run.places.len());
    for place in &run.places {
        let single = Run {
            file: run.file,
            group: run.group,
            places: vec![*place],
        };
        rows.extend(decode_run(inner, &single)?);
    }
    Ok(rows)
}

fn decode_places(
    inner: &Inner,
    file: &CatalogFile,
    columns: &PixelColumns,
    group: usize,
    places: &[usize],
) -> Result<Vec<Row>, CatalogError> {
    let fields = needed_fields(inner, file);
    let table = table::rows_of(file, &fields, group, places)?;
    let extras = extras_in(&table);
    let mut facts = facts::facts_in(&table).into_iter().zip(extras).zip(places);
    let mut rows: Vec<Row> = Vec::with_capacity(places.len());
    for batch in file.pixels_of(group, places, projection(file, columns))? {
        let batch = batch.map_err(|e| CatalogError::corrupt(&file.path, e))?;
        let pixels = Pixels::of(&batch, columns).map_err(|(column, reason)| CatalogError::Column {
            path: file.path.clone(),
            column,
            reason,
        })?;
        for i in 0..batch.num_rows() {
            let Some(((facts, extras), place)) = facts.next() else {
                return Err(CatalogError::corrupt(
                    &file.path,
                    "more rows in its pages than in its footer",
                ));
            };
            let spectrum = row::assemble(file, &inner.pool, &pixels, i, facts, &extras);
            rows.push(spectrum.map_err(|(facts, (column, reason))| RowIssue {
                file: file.name(),
                row: file.group_starts[group] + *place as u64,
                object_id: facts.object_id.to_string(),
                column: column.to_owned(),
                reason,
            }));
        }
    }
    if rows.len() == places.len() {
        Ok(rows)
    } else {
        Err(CatalogError::corrupt(
            &file.path,
            "fewer rows in its pages than in its footer",
        ))
    }
}

/// The table columns that a spectrum takes along, in the types of the catalog.
fn needed_fields(inner: &Inner, file: &CatalogFile) -> Vec<FieldRef> {
    let wanted = |name: &str| {
        let has = facts::COLUMNS.contains(&name) || ["grid", "mask_kind", "ivar_estimated"].contains(&name);
        has && file.layout.column(name).is_some()
    };
    let fields = inner.schema.fields().iter();
    fields.filter(|field| wanted(field.name())).cloned().collect()
}

fn projection(file: &CatalogFile, columns: &PixelColumns) -> ProjectionMask {
    let mut pixels = vec![columns.flux.as_str(), columns.noise.0.as_str()];
    pixels.extend(columns.mask.as_deref());
    pixels.extend(columns.wavelength.as_ref().map(|(name, _)| name.as_str()));
    file.projection(|path| match &columns.parent {
        _ if path.len() == 1 => false,
        None => pixels.contains(&path[0].as_str()),
        Some(parent) => path[0] == *parent && path[1..].iter().any(|part| pixels.contains(&part.as_str())),
    })
}

fn extras_in(table: &RecordBatch) -> Vec<RowExtras> {
    let column =
        |name: &str, wanted: DataType| table.column_by_name(name).and_then(|c| cast(c, &wanted).ok());
    let grid = column("grid", DataType::Int64);
    let mask_kind = column("mask_kind", DataType::Utf8);
    let estimated = column("ivar_estimated", DataType::Boolean);
    let extras = |row: usize| RowExtras {
        grid: grid
            .as_ref()
            .filter(|c| c.is_valid(row))
            .map(|c| c.as_primitive::<Int64Type>().value(row)),
        mask_kind: mask_kind
            .as_ref()
            .filter(|c| c.is_valid(row))
            .and_then(|c| schema::mask_kind_of(c.as_string::<i32>().value(row))),
        ivar_estimated: estimated
            .as_ref()
            .is_some_and(|c| c.is_valid(row) && c.as_boolean().value(row)),
    };
    (0..table.num_rows()).map(extras).collect()
}

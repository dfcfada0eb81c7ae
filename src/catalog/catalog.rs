//! The catalog: one table and one list of spectra over any number of files.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use rayon::prelude::*;
use serde_json::Value;

use super::file::CatalogFile;
use super::grids::GridPool;
use super::layout::LayoutKind;
use super::read::{self, Spectra};
use super::{CatalogError, Query, Stop, facts, find, inputs, query, schema, table};
use crate::spectrum::{Facts, RowIssue, Spectrum, WavelengthGrid};

/// A catalog of spectra, open for reading.
///
/// Rows are numbered from 0 over all files in their order. Opening reads the files' footers only; table columns are read
/// when they are asked for, and flux for the rows asked for. Copies share what they hold.
#[derive(Debug, Clone)]
pub struct Catalog {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub files: Vec<CatalogFile>,
    /// Canonical table columns, `row` first.
    pub schema: SchemaRef,
    pub rows: u64,
    pub pool: GridPool,
}

/// One file of a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    pub path: PathBuf,
    pub rows: u64,
    pub bytes: u64,
    pub row_groups: usize,
    pub layout: LayoutKind,
    /// Its first row's number in the catalog.
    pub first_row: u64,
}

/// Some rows of one row group: where they are in the sorted list, and where in the file.
#[derive(Debug)]
pub(super) struct Run {
    pub file: usize,
    pub group: usize,
    /// Ascending places in the row group.
    pub places: Vec<usize>,
}

impl Catalog {
    /// Opens files, folders, globs and HATS folders as one catalog.
    ///
    /// Errors: nothing is there, a file is no sound Parquet, or no spectra are recognized in it (the error lists the
    /// columns found and those looked for).
    pub fn open(inputs: &[String]) -> Result<Self, CatalogError> {
        let catalog = Self::open_table(inputs)?;
        catalog.require_spectra()?;
        Ok(catalog)
    }

    /// Opens what [`open`](Self::open) opens, and also tables without spectra, of which the rows can be inspected and queried.
    ///
    /// Errors: nothing is there, or a file is no sound Parquet.
    pub fn open_table(inputs: &[String]) -> Result<Self, CatalogError> {
        let mut seen = HashSet::new();
        let mut wanted = Vec::new();
        for input in inputs {
            let input = inputs::expand(input)?;
            for path in input.files {
                // The same file named twice is one file.
                if seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
                    wanted.push((path, input.position.clone()));
                }
            }
        }
        if wanted.is_empty() {
            return Err(CatalogError::NoFiles {
                input: "(nothing)".into(),
                reason: "no catalog is named".into(),
            });
        }
        let opened: Result<Vec<CatalogFile>, CatalogError> = wanted
            .par_iter()
            .map(|(path, position)| CatalogFile::open(path, position.as_ref()))
            .collect();
        let mut files = opened?;
        let pool = GridPool::default();
        let mut rows = 0u64;
        for file in &mut files {
            file.first_row = rows;
            rows = rows.checked_add(file.rows).ok_or_else(|| {
                CatalogError::corrupt(&file.path, "it claims more rows than can be counted")
            })?;
            for (_, grid) in &mut file.grids {
                *grid = pool.share(WavelengthGrid::clone(grid));
            }
        }
        let schema = Arc::new(table::union_schema(&files));
        let inner = Inner {
            files,
            schema,
            rows,
            pool,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Whether all files have spectra, which [`open`](Self::open) asks for.
    ///
    /// Errors: no spectra are recognized in a file.
    pub fn require_spectra(&self) -> Result<(), CatalogError> {
        self.inner.files.iter().try_for_each(CatalogFile::require_spectra)
    }

    /// Number of rows.
    pub fn len(&self) -> u64 {
        self.inner.rows
    }

    pub fn is_empty(&self) -> bool {
        self.inner.rows == 0
    }

    /// The files, in the order of their rows.
    pub fn files(&self) -> Vec<FileInfo> {
        let info = |file: &CatalogFile| FileInfo {
            path: file.path.clone(),
            rows: file.rows,
            bytes: file.bytes,
            row_groups: file.row_groups(),
            layout: file.layout.kind,
            first_row: file.first_row,
        };
        self.inner.files.iter().map(info).collect()
    }

    /// The table's columns under their canonical names, `row` first; fields carry `unit`, `ucd` and `description`.
    pub fn columns(&self) -> SchemaRef {
        self.inner.schema.clone()
    }

    /// The layouts of the files, each once, in the order of the files.
    pub fn layouts(&self) -> Vec<LayoutKind> {
        let mut kinds = Vec::new();
        for file in &self.inner.files {
            if !kinds.contains(&file.layout.kind) {
                kinds.push(file.layout.kind);
            }
        }
        kinds
    }

    /// The shared wavelength grids that the footers name, each once.
    pub fn grids(&self) -> Vec<Arc<WavelengthGrid>> {
        let mut grids: Vec<Arc<WavelengthGrid>> = Vec::new();
        for (_, grid) in self.inner.files.iter().flat_map(|file| &file.grids) {
            if !grids.iter().any(|known| Arc::ptr_eq(known, grid)) {
                grids.push(grid.clone());
            }
        }
        grids
    }

    /// The footer's own keys and values of a file (by its place in [`files`](Self::files)), Arrow's encoded schema left out.
    pub fn metadata(&self, file: usize) -> Vec<(String, String)> {
        let keys = self
            .inner
            .files
            .get(file)
            .map(CatalogFile::keys)
            .unwrap_or_default();
        keys.into_iter()
            .filter(|(key, _)| key != "ARROW:schema")
            .collect()
    }

    /// Provenance as the files' writers gave it, a file each; `None` where there is none or it is no JSON.
    pub fn provenance(&self) -> Vec<Option<Value>> {
        let value = |text: String| serde_json::from_str(&text).ok();
        self.values(schema::KEY_PROVENANCE)
            .into_iter()
            .map(|text| text.and_then(value))
            .collect()
    }

    /// The acknowledgements that the data ask for, each once.
    pub fn acknowledgements(&self) -> Vec<String> {
        let mut texts: Vec<String> = self
            .values(schema::KEY_ACKNOWLEDGEMENT)
            .into_iter()
            .flatten()
            .collect();
        let mut seen = HashSet::new();
        texts.retain(|text| seen.insert(text.clone()));
        texts
    }

    fn values(&self, key: &str) -> Vec<Option<String>> {
        let value = |file: &CatalogFile| {
            file.keys()
                .into_iter()
                .find(|(k, _)| k == key)
                .map(|(_, value)| value)
        };
        self.inner.files.iter().map(value).collect()
    }

    /// A hash that names this content: of the files' names, sizes, numbers of rows and footers (which have every column's
    /// size and statistics). It reads no flux; a file moved elsewhere keeps its digest.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for file in &self.inner.files {
            let name = file.path.file_name().unwrap_or_default().to_string_lossy();
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
            hasher.update(&file.bytes.to_le_bytes());
            hasher.update(&file.rows.to_le_bytes());
            hasher.update(file.footer_hash.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// The facts of these rows, in their order.
    ///
    /// Errors: a row that is not there; a damaged file.
    pub fn facts(&self, rows: &[u64]) -> Result<Vec<Facts>, CatalogError> {
        let has = |name: &&str| self.inner.schema.column_with_name(name).is_some();
        let columns: Vec<&str> = facts::COLUMNS.into_iter().filter(has).collect();
        let batch = self.inner.table(&columns, Some(rows))?;
        Ok(facts::facts_in(&batch))
    }

    /// Table columns (any case) of all rows, or of `rows` in their order. A null is "no value"; so is a stored NaN.
    ///
    /// Errors: an unknown column (with a suggestion); a row that is not there; a damaged file.
    pub fn table(&self, columns: &[&str], rows: Option<&[u64]>) -> Result<RecordBatch, CatalogError> {
        self.inner.table(columns, rows)
    }

    /// The rows of an object: by `object_id`, and by `targetid` where `id` is a number. Ascending; empty where there is none.
    ///
    /// Bloom filters and statistics spare nearly all of a large file.
    pub fn find(&self, id: &str) -> Result<Vec<u64>, CatalogError> {
        find::find(&self.inner, id)
    }

    /// The rows whose `object_id` an earlier row has already, with the issue each is; the first of its kind is kept.
    ///
    /// Reads one column of the whole catalog.
    pub fn duplicate_rows(&self) -> Result<Vec<(u64, RowIssue)>, CatalogError> {
        find::duplicates(&self.inner)
    }

    /// The rows that a query selects, in its order (of its sort, ties and unsorted results by row).
    ///
    /// Errors: an expression that cannot be understood; the error has the expression and the columns.
    pub fn select(&self, query: &Query) -> Result<Vec<u64>, CatalogError> {
        let rows = self.select_until(query, &Stop::never(), &|_| ())?;
        Ok(rows.unwrap_or_default())
    }

    /// As [`select`](Self::select), until `stop` is asked; `None` where it was. `told` hears now and then, from several threads, which share of
    /// the work is done.
    pub fn select_until(
        &self,
        query: &Query,
        stop: &Stop,
        told: &(dyn Fn(f64) + Sync),
    ) -> Result<Option<Vec<u64>>, CatalogError> {
        query::select(&self.inner, query, stop, told)
    }

    /// One row as a spectrum, or what is wrong with it.
    ///
    /// Errors: the row is not there; the file cannot be read.
    pub fn read(&self, row: u64) -> Result<Result<Spectrum, RowIssue>, CatalogError> {
        let mut rows = read::decode(&self.inner, &[row])?;
        rows.pop().ok_or(CatalogError::RowOutOfRange {
            row,
            len: self.inner.rows,
        })
    }

    /// Spectra of these rows, in their order, decoded by several threads that run a little ahead.
    ///
    /// Memory: a few hundred spectra, whatever the number of rows. After an error the iteration ends.
    pub fn spectra(&self, rows: &[u64]) -> Spectra {
        Spectra::new(self.inner.clone(), rows.to_vec())
    }
}

impl Inner {
    /// Sorted, distinct rows by row group.
    pub(super) fn runs(&self, sorted: &[u64]) -> Result<Vec<Run>, CatalogError> {
        let mut runs: Vec<Run> = Vec::new();
        for row in sorted {
            if *row >= self.rows {
                return Err(CatalogError::RowOutOfRange {
                    row: *row,
                    len: self.rows,
                });
            }
            let file = self.files.partition_point(|file| file.first_row <= *row) - 1;
            let (group, place) = self.files[file].locate(row - self.files[file].first_row);
            match runs.last_mut() {
                Some(run) if run.file == file && run.group == group => run.places.push(place),
                _ => runs.push(Run {
                    file,
                    group,
                    places: vec![place],
                }),
            }
        }
        Ok(runs)
    }
}

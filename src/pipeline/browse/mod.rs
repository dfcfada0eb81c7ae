//! A catalog to leaf through: pages of its table, small spectra, one row as a sheet, statistics, searches, and exports.
//!
//! Everything works on row numbers, so that twenty million rows need no list unless a query makes one. Nothing is kept but the
//! footers: a page is read when it is asked for. Functions that take a [`CancelToken`] return `None` when it was asked to stop.

mod cell;
mod columns;
mod complete;
mod export;
mod histogram;
mod rows;
mod search;
mod sheet;
mod sparks;
mod statistics;

pub use cell::{Cell, Rounding, Value};
pub use columns::{ColumnInfo, ColumnKind};
pub use complete::{Completion, Vocabulary};
pub use export::{ExportFormat, ExportRequest, ExportSummary};
pub use histogram::Histogram;
pub use rows::Rows;
pub use search::Direction;
pub use sheet::SheetLine;
pub use statistics::{ColumnStatistics, Numbers, TopValue};

use super::{CancelToken, PipelineError};
use crate::catalog::{Catalog, CatalogError, FileInfo, Footer, Query, Stop};

/// A catalog open for browsing. Copies share what they hold, so that every worker can have its own.
#[derive(Debug, Clone)]
pub struct Browser {
    catalog: Catalog,
}

/// Why an expression was refused, for a line below the one where it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryFault {
    /// `filter` or `order by`.
    pub clause: &'static str,
    pub text: String,
    /// Byte in the expression where the trouble is, where that is known.
    pub at: Option<usize>,
}

impl QueryFault {
    /// The fault that an error of [`Browser::select`] is about; `None` where it is about a file.
    pub fn of(error: &PipelineError) -> Option<Self> {
        match error {
            PipelineError::Catalog(CatalogError::BadExpression {
                clause, brief, at, ..
            }) => Some(Self {
                clause,
                text: brief.clone(),
                at: *at,
            }),
            _ => None,
        }
    }
}

impl Browser {
    /// Opens files, folders, globs and HATS folders as one catalog, with or without spectra. Reads the footers.
    ///
    /// Errors: nothing is there, or a file is no sound Parquet.
    pub fn open(inputs: &[String]) -> Result<Self, PipelineError> {
        Ok(Self {
            catalog: Catalog::open_table(inputs)?,
        })
    }

    /// Browses a catalog that is open already.
    pub fn of(catalog: Catalog) -> Self {
        Self { catalog }
    }

    /// The catalog itself.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Number of rows.
    pub fn len(&self) -> u64 {
        self.catalog.len()
    }

    pub fn is_empty(&self) -> bool {
        self.catalog.is_empty()
    }

    /// The files in the order of their rows.
    pub fn files(&self) -> Vec<FileInfo> {
        self.catalog.files()
    }

    /// Row groups, columns, codecs, sizes and keys of a file by its place in [`files`](Self::files).
    pub fn footer(&self, file: usize) -> Option<Footer> {
        self.catalog.footer(file)
    }

    /// The rows that a query selects, in its order; all of them, without a list, where it asks for nothing.
    ///
    /// Errors: an expression that cannot be understood ([`QueryFault::of`]); a damaged file.
    pub fn select(&self, query: &Query, cancel: &CancelToken) -> Result<Option<Rows>, PipelineError> {
        self.select_told(query, cancel, &|_| ())
    }

    /// As [`select`](Self::select); `told` hears, from several threads, which share of the work is done.
    pub fn select_told(
        &self,
        query: &Query,
        cancel: &CancelToken,
        told: &(dyn Fn(f64) + Sync),
    ) -> Result<Option<Rows>, PipelineError> {
        if query.filter.is_none() && query.order_by.is_none() {
            let rows = query.limit.unwrap_or(u64::MAX).min(self.len());
            return Ok(Some(Rows::All(rows)));
        }
        let selected = self.catalog.select_until(query, &stop(cancel), told)?;
        Ok(selected.map(|rows| Rows::Listed(rows.into())))
    }

    /// The rows of an object by `object_id` or `targetid`, ascending; empty where there is none.
    pub fn find(&self, id: &str) -> Result<Vec<u64>, PipelineError> {
        Ok(self.catalog.find(id)?)
    }
}

/// The catalog's word for a token.
fn stop(cancel: &CancelToken) -> Stop {
    let cancel = cancel.clone();
    Stop::when(move || cancel.is_cancelled())
}

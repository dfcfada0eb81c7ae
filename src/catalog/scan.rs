//! Goes through table columns batch by batch, so that twenty million rows do not fill the memory.

use std::ops::{ControlFlow, Range};

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;

use super::catalog::Catalog;
use super::table::TableScan;
use super::{CatalogError, Stop};

/// Where the rows asked for are more than one of so many, the whole table is gone through for them.
const DENSE: u64 = 32;

impl Catalog {
    /// Hands the table columns (any case) of the rows of `range` to `each`, in order, with the number of each batch's first row,
    /// until it breaks off.
    ///
    /// Errors: an unknown column (with a suggestion); a damaged file.
    pub fn scan(
        &self,
        columns: &[&str],
        range: Range<u64>,
        mut each: impl FnMut(u64, &RecordBatch) -> ControlFlow<()>,
    ) -> Result<(), CatalogError> {
        let fields = self.inner.fields(columns)?;
        for file in &self.inner.files {
            let (first, end) = (
                range.start.max(file.first_row),
                range.end.min(file.first_row + file.rows),
            );
            if first >= end {
                continue;
            }
            let (first_group, _) = file.locate(first - file.first_row);
            let (last_group, _) = file.locate(end - 1 - file.first_row);
            let mut row = file.row_number(first_group, 0);
            for batch in TableScan::new(file, &fields, first_group..last_group + 1, usize::MAX)? {
                let batch = batch?;
                let next = row + batch.num_rows() as u64;
                let (from, to) = (first.max(row), end.min(next));
                if from < to {
                    let part = batch.slice((from - row) as usize, (to - from) as usize);
                    if each(from, &part).is_break() {
                        return Ok(());
                    }
                }
                row = next;
                if row >= end {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Hands the table columns of all rows, or of `rows`, to `each` in catalog order; says whether it came to the end.
    ///
    /// Errors: as [`scan`](Self::scan); a row that is not there.
    pub fn scan_rows(
        &self,
        columns: &[&str],
        rows: Option<&[u64]>,
        stop: &Stop,
        mut each: impl FnMut(&RecordBatch),
    ) -> Result<bool, CatalogError> {
        let go_on = || match stop.is_asked() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let Some(rows) = rows else {
            self.scan(columns, 0..self.len(), |_, batch| {
                each(batch);
                go_on()
            })?;
            return Ok(!stop.is_asked());
        };
        let mut sorted = rows.to_vec();
        sorted.sort_unstable();
        if (sorted.len() as u64) < self.len() / DENSE {
            const CHUNK: usize = 1024;
            for chunk in sorted.chunks(CHUNK) {
                if stop.is_asked() {
                    return Ok(false);
                }
                each(&self.table(columns, Some(chunk))?);
            }
            return Ok(true);
        }
        if let Some(row) = sorted.last().copied().filter(|row| *row >= self.len()) {
            return Err(CatalogError::RowOutOfRange { row, len: self.len() });
        }
        let range = sorted.first().copied().unwrap_or(0)..sorted.last().map_or(0, |last| last + 1);
        let mut taken = 0;
        let mut failed = None;
        self.scan(columns, range, |first, batch| {
            let end = first + batch.num_rows() as u64;
            let here = sorted[taken..].iter().take_while(|row| **row < end);
            let places = UInt64Array::from_iter_values(here.map(|row| row - first));
            taken += places.len();
            match take_record_batch(batch, &places) {
                Ok(batch) => each(&batch),
                Err(error) => failed = Some(error),
            }
            match failed {
                Some(_) => ControlFlow::Break(()),
                None => go_on(),
            }
        })?;
        match failed {
            Some(error) => Err(self.inner.broken(error)),
            None => Ok(!stop.is_asked()),
        }
    }
}

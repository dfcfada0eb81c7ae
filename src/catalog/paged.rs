//! Rows from the middle of a large row group: only the pages that have them are decoded.
//!
//! Row groups of other writers have a million rows. Pages are skipped whole, by what their headers say, and a page is decoded
//! from its start: inside a page nothing is skipped, because parquet 59 does that for text without a look at where the page ends.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt64Array, new_null_array};
use arrow::compute::{concat, take};
use arrow::datatypes::{FieldRef, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{RowSelection, RowSelectionPolicy};
use parquet::column::page::PageReader;
use parquet::file::serialized_reader::SerializedPageReader;

use super::CatalogError;
use super::file::{CatalogFile, guarded};
use super::sweep::{Queue, in_threads, threads};
use super::table::{ROW, canonical_batch};

/// Canonical columns of some rows of a row group, whose places are ascending and distinct; `None` where the pages cannot be told
/// apart, and the row group has to be read from its start.
pub(super) fn rows_of(
    file: &CatalogFile,
    fields: &[FieldRef],
    group: usize,
    places: &[usize],
) -> Result<Option<RecordBatch>, CatalogError> {
    // A page of a large row group may have a hundred thousand values: the columns are shared out to a few threads. A single row is read
    // beside a page of the table, as a rule, which must not wait for it.
    let queue = Queue::new(fields.iter().enumerate());
    let several = if places.len() > 1 { threads() } else { 1 };
    let read = in_threads(several.min(fields.len()), || {
        let mut read = Vec::new();
        while let Some((place, field)) = queue.take() {
            read.push((place, column(file, field, group, places)));
        }
        read
    });
    let mut read: Vec<_> = read.into_iter().flatten().collect();
    read.sort_unstable_by_key(|(place, _)| *place);
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(fields.len());
    for (_, column) in read {
        match column? {
            Some(column) => columns.push(column),
            None => return Ok(None),
        }
    }
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(places.len()));
    RecordBatch::try_new_with_options(schema, columns, &options)
        .map(Some)
        .map_err(|e| CatalogError::corrupt(&file.path, e))
}

fn column(
    file: &CatalogFile,
    field: &FieldRef,
    group: usize,
    places: &[usize],
) -> Result<Option<ArrayRef>, CatalogError> {
    if field.name() == ROW {
        let rows = places.iter().map(|place| file.row_number(group, *place));
        return Ok(Some(Arc::new(UInt64Array::from_iter_values(rows))));
    }
    if file.layout.column(field.name()).is_none() {
        return Ok(Some(new_null_array(field.data_type(), places.len())));
    }
    guarded(&file.path, || column_of(file, field, group, places))
}

fn column_of(
    file: &CatalogFile,
    field: &FieldRef,
    group: usize,
    places: &[usize],
) -> Result<Option<ArrayRef>, CatalogError> {
    let damaged = |e: arrow::error::ArrowError| CatalogError::corrupt(&file.path, e);
    let Some(column) = file.layout.column(field.name()) else {
        return Ok(None);
    };
    let schema = file.footer().file_metadata().schema_descr();
    let leaf = (0..schema.num_columns())
        .find(|leaf| schema.column(*leaf).path().parts() == [column.stored.as_str()]);
    let Some(leaf) = leaf else {
        return Ok(None);
    };
    let Some(starts) = page_starts(file, group, leaf)? else {
        return Ok(None);
    };
    // From the start of each page that has a wanted row to the last one in it.
    let mut ranges: Vec<std::ops::Range<usize>> = Vec::new();
    for place in places {
        let page = starts.partition_point(|start| start <= place) - 1;
        match ranges.last_mut() {
            Some(range) if range.start == starts[page] => range.end = place + 1,
            _ => ranges.push(starts[page]..place + 1),
        }
    }
    let decoded: usize = ranges.iter().map(ExactSizeIterator::len).sum();
    // Where each wanted row is among the decoded ones.
    let mut wanted = Vec::with_capacity(places.len());
    let (mut before, mut range) = (0, 0);
    for place in places {
        while ranges[range].end <= *place {
            before += ranges[range].len();
            range += 1;
        }
        wanted.push((before + place - ranges[range].start) as u64);
    }
    let total = (file.group_starts[group + 1] - file.group_starts[group]) as usize;
    let reader = file
        .reader()?
        .with_row_groups(vec![group])
        .with_projection(ProjectionMask::leaves(schema, [leaf]))
        .with_row_selection(RowSelection::from_consecutive_ranges(ranges.into_iter(), total))
        .with_row_selection_policy(RowSelectionPolicy::Selectors)
        .with_batch_size(decoded.max(1))
        .build()
        .map_err(|e| CatalogError::parquet(&file.path, e))?;
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for batch in reader {
        let batch = batch.map_err(damaged)?;
        let numbers = UInt64Array::from(vec![0; batch.num_rows()]);
        let canonical = canonical_batch(file, &batch, std::slice::from_ref(field), &numbers)?;
        arrays.push(canonical.column(0).clone());
    }
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    if arrays.iter().map(|array| array.len()).sum::<usize>() != decoded {
        return Err(CatalogError::corrupt(
            &file.path,
            "fewer rows in its pages than in its footer",
        ));
    }
    let decoded = concat(&arrays).map_err(damaged)?;
    take(&decoded, &UInt64Array::from(wanted), None)
        .map(Some)
        .map_err(damaged)
}

/// The first row of every page of a column that has one value a row, by the pages' headers.
fn page_starts(file: &CatalogFile, group: usize, leaf: usize) -> Result<Option<Vec<usize>>, CatalogError> {
    let broken = |e| CatalogError::parquet(&file.path, e);
    let metadata = file.footer().row_group(group);
    let rows = (file.group_starts[group + 1] - file.group_starts[group]) as usize;
    let handle = Arc::new(file.handle()?);
    let mut pages = SerializedPageReader::new(handle, metadata.column(leaf), rows, None).map_err(broken)?;
    let mut starts = Vec::new();
    let mut next = 0usize;
    while let Some(page) = pages.peek_next_page().map_err(broken)? {
        if !page.is_dict {
            let Some(rows) = page.num_rows.or(page.num_levels) else {
                return Ok(None);
            };
            if rows > 0 {
                starts.push(next);
            }
            next = next.saturating_add(rows);
        }
        pages.skip_next_page().map_err(broken)?;
    }
    Ok((next == rows && !starts.is_empty()).then_some(starts))
}

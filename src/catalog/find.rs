//! Finds rows by identity, and identities that come twice.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, FieldRef, Int64Type, UInt64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::data_type::AsBytes;
use parquet::file::statistics::Statistics;
use rayon::prelude::*;

use super::CatalogError;
use super::catalog::Inner;
use super::file::{CatalogFile, Filters, guarded};
use super::layout::{TableColumn, Transform};
use super::table::{ROW, TableScan};
use crate::spectrum::RowIssue;

/// The rows of an object, ascending.
pub(super) fn find(inner: &Inner, id: &str) -> Result<Vec<u64>, CatalogError> {
    let id = id.trim();
    let number: Option<i64> = id.parse().ok();
    let found: Result<Vec<Vec<u64>>, CatalogError> = inner
        .files
        .par_iter()
        .map(|file| guarded(&file.path, || find_in(inner, file, id, number)))
        .collect();
    let mut rows: Vec<u64> = found?.into_iter().flatten().collect();
    rows.sort_unstable();
    rows.dedup();
    Ok(rows)
}

fn find_in(
    inner: &Inner,
    file: &CatalogFile,
    id: &str,
    number: Option<i64>,
) -> Result<Vec<u64>, CatalogError> {
    let mut rows = Vec::new();
    let text_column = file.layout.column("object_id");
    let number_column = file.layout.column("targetid");
    let groups = file.row_groups();
    // An object_id that is the target id in words needs no look of its own.
    let same = text_column.map(|c| &c.stored) == number_column.map(|c| &c.stored);
    if let Some(column) = text_column.filter(|_| !same) {
        let candidates = [id.to_owned(), format!("b'{id}'")];
        let sieve = Sieve::new(file, column)?;
        for group in
            (0..groups).filter(|group| candidates.iter().any(|text| sieve.may_have_text(*group, text)))
        {
            scan_group(inner, file, "object_id", group, &mut rows, |array, i| {
                array.as_string::<i32>().value(i) == id
            })?;
        }
    }
    if let (Some(column), Some(number)) = (number_column, number) {
        let sieve = Sieve::new(file, column)?;
        for group in (0..groups).filter(|group| sieve.may_have_number(*group, number)) {
            let is_it = |array: &dyn Array, i: usize| match array.data_type() {
                DataType::UInt64 => array.as_primitive::<UInt64Type>().value(i) as i64 == number,
                DataType::Int64 => array.as_primitive::<Int64Type>().value(i) == number,
                _ => false,
            };
            scan_group(inner, file, "targetid", group, &mut rows, is_it)?;
        }
    }
    Ok(rows)
}

fn scan_group(
    inner: &Inner,
    file: &CatalogFile,
    column: &str,
    group: usize,
    rows: &mut Vec<u64>,
    is_it: impl Fn(&dyn Array, usize) -> bool,
) -> Result<(), CatalogError> {
    let mut first = file.row_number(group, 0);
    let mut fields: Vec<FieldRef> = inner.fields(&[column])?;
    // In the file's own type: over several files a number may have become text.
    if let Some(own) = file.layout.column(column) {
        fields = vec![FieldRef::new(
            fields[0].as_ref().clone().with_data_type(own.data_type.clone()),
        )];
    }
    for batch in TableScan::new(file, &fields, group..group + 1, usize::MAX)? {
        let batch = batch?;
        let array = batch.column(0);
        let found = (0..array.len()).filter(|i| array.is_valid(*i) && is_it(array.as_ref(), *i));
        rows.extend(found.map(|i| first + i as u64));
        first += array.len() as u64;
    }
    Ok(())
}

/// Says of which row groups a value is certainly absent, by statistics and Bloom filters.
struct Sieve<'a> {
    file: &'a CatalogFile,
    /// `None` where the column is stored in a way that the filters cannot be asked.
    leaf: Option<usize>,
    reader: ParquetRecordBatchReaderBuilder<std::fs::File>,
    /// Those of the column, where they are kept.
    filters: Option<Arc<Filters>>,
}

impl<'a> Sieve<'a> {
    fn new(file: &'a CatalogFile, column: &TableColumn) -> Result<Self, CatalogError> {
        let schema = file.footer().file_metadata().schema_descr();
        let leaf =
            (0..schema.num_columns()).find(|i| schema.column(*i).path().parts() == [column.stored.clone()]);
        let askable = match column.transform {
            Transform::IdText => matches!(
                column.field.data_type(),
                DataType::Utf8
                    | DataType::LargeUtf8
                    | DataType::Utf8View
                    | DataType::Binary
                    | DataType::LargeBinary
            ),
            Transform::AsIs => *column.field.data_type() == DataType::Int64,
            _ => false,
        };
        let leaf = leaf.filter(|_| askable);
        let filters = leaf.map(|leaf| file.filters(leaf)).transpose()?;
        Ok(Self {
            file,
            leaf,
            reader: file.reader()?,
            filters: filters.flatten(),
        })
    }

    fn may_have_text(&self, group: usize, text: &str) -> bool {
        let Some(leaf) = self.leaf else {
            return true;
        };
        let column = self.file.footer().row_group(group).column(leaf);
        if let Some(Statistics::ByteArray(statistics)) = column.statistics() {
            // Longer texts may be cut in the statistics: a cut minimum is smaller and a cut maximum is larger, which is safe.
            let below = statistics
                .min_bytes_opt()
                .is_some_and(|min| text.as_bytes() < min);
            let above = statistics
                .max_bytes_opt()
                .is_some_and(|max| text.as_bytes() > max);
            if below || above {
                return false;
            }
        }
        self.bloom_may_have(group, leaf, text)
    }

    fn may_have_number(&self, group: usize, number: i64) -> bool {
        let Some(leaf) = self.leaf else {
            return true;
        };
        let column = self.file.footer().row_group(group).column(leaf);
        if let Some(Statistics::Int64(statistics)) = column.statistics() {
            let below = statistics.min_opt().is_some_and(|min| number < *min);
            let above = statistics.max_opt().is_some_and(|max| number > *max);
            if below || above {
                return false;
            }
        }
        self.bloom_may_have(group, leaf, &number)
    }

    fn bloom_may_have<T: AsBytes + ?Sized>(&self, group: usize, leaf: usize, value: &T) -> bool {
        if let Some(filters) = &self.filters {
            return filters[group].as_ref().is_none_or(|filter| filter.check(value));
        }
        let filter = self.reader.get_row_group_column_bloom_filter(group, leaf);
        filter.ok().flatten().is_none_or(|filter| filter.check(value))
    }
}

/// Rows whose `object_id` an earlier row has, with the issue each is.
pub(super) fn duplicates(inner: &Inner) -> Result<Vec<(u64, RowIssue)>, CatalogError> {
    if inner.schema.column_with_name("object_id").is_none() {
        return Ok(Vec::new());
    }
    let fields = inner.fields(&[ROW, "object_id"])?;
    let hasher = std::hash::RandomState::new();
    // Hashes, not texts: of 20 million ids they take a few hundred megabytes. What is equal by hash is compared in full.
    let mut first_with: HashMap<u64, u64> = HashMap::new();
    let mut suspects: Vec<(u64, u64, String)> = Vec::new();
    for file in &inner.files {
        for batch in TableScan::whole(file, &fields)? {
            let batch = batch?;
            let (rows, ids) = (
                batch.column(0).as_primitive::<UInt64Type>(),
                batch.column(1).as_string::<i32>(),
            );
            for (row, id) in rows.values().iter().zip(ids.iter()) {
                let Some(id) = id.filter(|id| !id.is_empty()) else {
                    continue;
                };
                let hash = std::hash::BuildHasher::hash_one(&hasher, id);
                match first_with.entry(hash) {
                    std::collections::hash_map::Entry::Occupied(first) => {
                        suspects.push((*row, *first.get(), id.to_owned()))
                    }
                    std::collections::hash_map::Entry::Vacant(free) => {
                        free.insert(*row);
                    }
                }
            }
        }
    }
    drop(first_with);
    let firsts: Vec<u64> = suspects.iter().map(|(_, first, _)| *first).collect();
    let first_ids = inner.table(&["object_id"], Some(&firsts))?;
    let first_ids = first_ids.column(0).as_string::<i32>();
    let mut duplicates = Vec::new();
    for (i, (row, first, id)) in suspects.into_iter().enumerate() {
        if first_ids.value(i) == id {
            duplicates.push((row, duplicate_issue(inner, row, first, id)));
        }
    }
    Ok(duplicates)
}

fn duplicate_issue(inner: &Inner, row: u64, first: u64, object_id: String) -> RowIssue {
    let place = |row: u64| {
        let file = inner
            .files
            .partition_point(|file| file.first_row <= row)
            .saturating_sub(1);
        let file = &inner.files[file];
        (file.name(), row - file.first_row)
    };
    let ((file, row), (first_file, first_row)) = (place(row), place(first));
    RowIssue {
        reason: format!("row {first_row} of {first_file} has this id already"),
        file,
        row,
        object_id,
        column: "object_id".into(),
    }
}

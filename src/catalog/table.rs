//! The table of a catalog: scalar columns under their canonical names, one table over all files.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    UInt64Array, new_null_array,
};
use arrow::compute::{cast, concat_batches, take_record_batch};
use arrow::datatypes::{
    DataType, Field, FieldRef, Float32Type, Float64Type, Int64Type, Schema, SchemaRef, UInt64Type,
};
use parquet::arrow::ProjectionMask;

use super::catalog::{Inner, Run};
use super::file::{CatalogFile, guarded};
use super::layout::{self, TableColumn, Transform};
use super::{CatalogError, condition, paged, schema};

/// Rows of a batch when the table is read through.
pub(super) const SCAN_ROWS: usize = 8192;
/// Row groups of so many rows are sooner read from their start than looked through by their pages.
const SMALL: usize = 8192;
/// The row's number in the catalog, which every table has as its first column.
pub(super) const ROW: &str = "row";

/// The columns of all files together, `row` first; a column that some files lack is null there.
pub(super) fn union_schema(files: &[CatalogFile]) -> Schema {
    let mut fields = vec![Field::new(ROW, DataType::UInt64, false)];
    for column in files.iter().flat_map(|file| &file.layout.table) {
        match fields.iter_mut().find(|field| field.name() == &column.name) {
            Some(field) => {
                let data_type = layout::common_type(field.data_type(), &column.data_type);
                field.set_data_type(data_type);
            }
            None => fields.push(canonical_field(column)),
        }
    }
    Schema::new(fields)
}

/// The column's field; units and descriptions are the file's, or ours where the file has none.
fn canonical_field(column: &TableColumn) -> Field {
    let field = Field::new(&column.name, column.data_type.clone(), true);
    let stored = column.field.metadata();
    let own = schema::COLUMNS.iter().find(|own| own.name == column.name);
    let text = |key: &str, own: Option<&'static str>| {
        let stored = stored.get(key).map(String::as_str);
        stored.or(own).unwrap_or_default().to_owned()
    };
    let unit = text("unit", own.map(|own| own.unit));
    let ucd = text("ucd", own.map(|own| own.ucd));
    let description = text("description", own.map(|own| own.description));
    schema::described(field, &unit, &ucd, &description)
}

impl Inner {
    /// The fields of these columns (any case), or the error that names the one that is not there.
    pub(super) fn fields(&self, columns: &[&str]) -> Result<Vec<FieldRef>, CatalogError> {
        columns
            .iter()
            .map(|column| {
                let found = self
                    .schema
                    .fields()
                    .iter()
                    .find(|field| field.name().eq_ignore_ascii_case(column));
                found.cloned().ok_or_else(|| {
                    let known = self.schema.fields().iter().map(|field| field.name().as_str());
                    CatalogError::unknown_column(column, known)
                })
            })
            .collect()
    }

    /// Some columns of all rows, or of `rows` in their order.
    pub(super) fn table(&self, columns: &[&str], rows: Option<&[u64]>) -> Result<RecordBatch, CatalogError> {
        let fields = self.fields(columns)?;
        let schema = Arc::new(Schema::new(fields.clone()));
        match rows {
            None => {
                let mut batches = Vec::new();
                for file in &self.files {
                    let scan = TableScan::whole(file, &fields)?;
                    for batch in scan {
                        batches.push(batch?);
                    }
                }
                self.joined(&schema, &batches)
            }
            Some(rows) => self.table_of(&fields, &schema, rows),
        }
    }

    fn table_of(
        &self,
        fields: &[FieldRef],
        schema: &SchemaRef,
        rows: &[u64],
    ) -> Result<RecordBatch, CatalogError> {
        let mut sorted = rows.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let batches = self.rows_of_runs(fields, &self.runs(&sorted)?)?;
        let found = self.joined(schema, &batches)?;
        let places = rows
            .iter()
            .map(|row| sorted.partition_point(|other| other < row) as u64);
        let places = UInt64Array::from_iter_values(places);
        take_record_batch(&found, &places).map_err(|e| self.broken(e))
    }

    /// The rows of each run, by a few threads where there are many. They are threads of their own, because a page of a table is
    /// waited for while a training has all of rayon's.
    fn rows_of_runs(&self, fields: &[FieldRef], runs: &[Run]) -> Result<Vec<RecordBatch>, CatalogError> {
        const ALONE: usize = 4;
        let read = |runs: &[Run]| -> Result<Vec<RecordBatch>, CatalogError> {
            runs.iter()
                .map(|run| rows_of(&self.files[run.file], fields, run.group, &run.places))
                .collect()
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
        if runs.len() <= ALONE || threads < 2 {
            return read(runs);
        }
        std::thread::scope(|scope| {
            let parts: Vec<_> = runs
                .chunks(runs.len().div_ceil(threads))
                .map(|part| (part, scope.spawn(move || read(part))))
                .collect();
            let mut batches = Vec::with_capacity(runs.len());
            for (part, thread) in parts {
                // Every decoder's panic is caught below; one that was not is met again here.
                batches.extend(thread.join().unwrap_or_else(|_| read(part))?);
            }
            Ok(batches)
        })
    }

    fn joined(&self, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch, CatalogError> {
        concat_batches(schema, batches).map_err(|e| self.broken(e))
    }

    pub(super) fn broken(&self, error: arrow::error::ArrowError) -> CatalogError {
        let path = self
            .files
            .first()
            .map(|file| file.path.clone())
            .unwrap_or_default();
        CatalogError::corrupt(&path, error)
    }
}

/// Canonical columns of some rows of a row group, whose places are ascending and distinct.
pub(super) fn rows_of(
    file: &CatalogFile,
    fields: &[FieldRef],
    group: usize,
    places: &[usize],
) -> Result<RecordBatch, CatalogError> {
    let damaged = |e: arrow::error::ArrowError| CatalogError::corrupt(&file.path, e);
    let limit = places.last().map_or(0, |last| last + 1);
    if file.group_starts[group + 1] - file.group_starts[group] > SMALL as u64
        && let Some(batch) = paged::rows_of(file, fields, group, places)?
    {
        return Ok(batch);
    }
    let mut batches = Vec::new();
    let (mut start, mut taken) = (0, 0);
    for batch in TableScan::new(file, fields, group..group + 1, limit)? {
        let batch = batch?;
        let end = start + batch.num_rows();
        let here = places[taken..].iter().take_while(|place| **place < end);
        let here = UInt64Array::from_iter_values(here.map(|place| (*place - start) as u64));
        taken += here.len();
        start = end;
        if here.len() == batch.num_rows() {
            batches.push(batch);
        } else if !here.is_empty() {
            batches.push(take_record_batch(&batch, &here).map_err(damaged)?);
        }
    }
    if taken < places.len() {
        return Err(CatalogError::corrupt(
            &file.path,
            "fewer rows in its pages than in its footer",
        ));
    }
    concat_batches(&Arc::new(Schema::new(fields.to_vec())), &batches).map_err(damaged)
}

impl CatalogFile {
    /// The catalog's number of a row.
    pub(super) fn row_number(&self, group: usize, place: usize) -> u64 {
        self.first_row + self.group_starts[group] + place as u64
    }
}

/// Table columns of some row groups of a file, batch by batch, under their canonical names and types.
pub(super) struct TableScan<'a> {
    file: &'a CatalogFile,
    fields: Vec<FieldRef>,
    reader: parquet::arrow::arrow_reader::ParquetRecordBatchReader,
    next_row: u64,
    failed: bool,
}

impl<'a> TableScan<'a> {
    pub(super) fn whole(file: &'a CatalogFile, fields: &[FieldRef]) -> Result<Self, CatalogError> {
        Self::new(file, fields, 0..file.row_groups(), usize::MAX)
    }

    /// The first `limit` rows of some row groups.
    pub(super) fn new(
        file: &'a CatalogFile,
        fields: &[FieldRef],
        groups: std::ops::Range<usize>,
        limit: usize,
    ) -> Result<Self, CatalogError> {
        let next_row = file.first_row + file.group_starts[groups.start];
        let coded: Vec<&str> = fields
            .iter()
            .filter(|field| *field.data_type() == condition::coded())
            .filter_map(|field| file.layout.column(field.name()))
            .map(|column| column.stored.as_str())
            .collect();
        let reader = guarded(&file.path, || {
            file.scan(groups, table_projection(file, fields), SCAN_ROWS, limit, &coded)
        })?;
        Ok(Self {
            file,
            fields: fields.to_vec(),
            reader,
            next_row,
            failed: false,
        })
    }
}

impl Iterator for TableScan<'_> {
    type Item = Result<RecordBatch, CatalogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let batch = guarded(&self.file.path, || {
            let Some(batch) = self.reader.next() else {
                return Ok(None);
            };
            let batch = batch.map_err(|e| CatalogError::corrupt(&self.file.path, e))?;
            let end = self.next_row + batch.num_rows() as u64;
            let rows = UInt64Array::from((self.next_row..end).collect::<Vec<u64>>());
            self.next_row = end;
            canonical_batch(self.file, &batch, &self.fields, &rows).map(Some)
        });
        self.failed = batch.is_err();
        batch.transpose()
    }
}

fn table_projection(file: &CatalogFile, fields: &[FieldRef]) -> ProjectionMask {
    let stored: Vec<&str> = fields
        .iter()
        .filter_map(|field| file.layout.column(field.name()))
        .map(|column| column.stored.as_str())
        .collect();
    file.projection(|path| path.len() == 1 && stored.contains(&path[0].as_str()))
}

/// The canonical columns `fields` of a batch as it is stored, whose rows have these numbers in the catalog.
pub(super) fn canonical_batch(
    file: &CatalogFile,
    stored: &RecordBatch,
    fields: &[FieldRef],
    rows: &UInt64Array,
) -> Result<RecordBatch, CatalogError> {
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(fields.len());
    for field in fields {
        let array = match file.layout.column(field.name()) {
            _ if field.name() == ROW => Arc::new(rows.clone()) as ArrayRef,
            None => new_null_array(field.data_type(), stored.num_rows()),
            Some(column) => {
                let wrong = |reason: String| CatalogError::Column {
                    path: file.path.clone(),
                    column: column.stored.clone(),
                    reason,
                };
                let array = stored.column_by_name(&column.stored);
                let array = array.ok_or_else(|| wrong("it is missing from the pages".into()))?;
                canonical(array, column.transform, field.data_type()).map_err(|e| wrong(e.to_string()))?
            }
        };
        columns.push(array);
    }
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(stored.num_rows()));
    RecordBatch::try_new_with_options(schema, columns, &options)
        .map_err(|e| CatalogError::corrupt(&file.path, e))
}

fn canonical(
    array: &ArrayRef,
    transform: Transform,
    data_type: &DataType,
) -> Result<ArrayRef, arrow::error::ArrowError> {
    let plain: ArrayRef = match transform {
        Transform::AsIs => match array.data_type() {
            DataType::FixedSizeBinary(_) => cast(array, &DataType::Binary)?,
            _ => array.clone(),
        },
        Transform::InvertedBool => {
            let good: &BooleanArray = array.as_boolean();
            Arc::new(
                good.iter()
                    .map(|good| good.map(|good| i64::from(!good)))
                    .collect::<Int64Array>(),
            )
        }
        Transform::IdText => {
            let text = match array.data_type() {
                DataType::FixedSizeBinary(_) => cast(array, &DataType::Binary)?,
                _ => array.clone(),
            };
            let text = cast(&text, &DataType::Utf8)?;
            let ids = text.as_string::<i32>();
            // Most catalogs write them as they are: millions need not be written anew.
            if ids.iter().flatten().all(is_plain) {
                text
            } else {
                Arc::new(ids.iter().map(|id| id.map(unquoted)).collect::<StringArray>())
            }
        }
        Transform::SignedBits => {
            let bits = array.as_primitive::<UInt64Type>();
            Arc::new(bits.unary::<_, Int64Type>(|bits| bits as i64))
        }
    };
    let plain = cast(&plain, data_type)?;
    Ok(without_nan(plain))
}

/// The text of an identity: Python's `b'…'` undone, padding cut.
pub(super) fn unquoted(id: &str) -> &str {
    let id = id.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let inner = |quote: char| id.strip_prefix('b')?.strip_prefix(quote)?.strip_suffix(quote);
    inner('\'').or_else(|| inner('"')).unwrap_or(id)
}

/// Whether the text of an identity has neither quotes nor padding, at a glance.
fn is_plain(id: &str) -> bool {
    let ends = [id.as_bytes().first(), id.as_bytes().last()];
    ends.into_iter().flatten().all(u8::is_ascii_alphanumeric)
}

/// NaN in a table says "no value", and in SQL it would pass every "greater than".
fn without_nan(array: ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Float32
            if array
                .as_primitive::<Float32Type>()
                .values()
                .iter()
                .any(|v| v.is_nan()) =>
        {
            let values = array.as_primitive::<Float32Type>().iter();
            Arc::new(
                values
                    .map(|v| v.filter(|v| !v.is_nan()))
                    .collect::<Float32Array>(),
            )
        }
        DataType::Float64
            if array
                .as_primitive::<Float64Type>()
                .values()
                .iter()
                .any(|v| v.is_nan()) =>
        {
            let values = array.as_primitive::<Float64Type>().iter();
            Arc::new(
                values
                    .map(|v| v.filter(|v| !v.is_nan()))
                    .collect::<Float64Array>(),
            )
        }
        _ => array,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_bytes_are_undone() {
        assert_eq!(unquoted("b'123'"), "123");
        assert_eq!(unquoted("b\"1-2-3\" "), "1-2-3");
        assert_eq!(unquoted("big'un"), "big'un");
        assert_eq!(unquoted("39627835563836963"), "39627835563836963");
        for plain in ["", "7", "266-51602-107", "spec-é-1"] {
            assert!(is_plain(plain) && unquoted(plain) == plain, "{plain}");
        }
        for other in ["b'123'", "b\"1-2-3\" ", "1 ", " 1", "1\0"] {
            assert!(!is_plain(other), "{other}");
        }
    }
}

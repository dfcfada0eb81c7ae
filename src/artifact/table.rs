//! Tables whose columns are named once and written as Parquet, CSV and JSON alike.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Builder, Float64Array, Int64Array, ListBuilder, StringArray,
};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value};

/// Rows that are in memory as columns at once, and rows of a row group.
const TOGETHER: usize = 1 << 14;
const GROUP: usize = 1 << 17;

/// A table by columns of one length.
pub(super) struct Table<'a> {
    /// What it is: written into the Parquet footer.
    pub kind: &'static str,
    pub rows: usize,
    pub columns: Vec<Column<'a>>,
}

/// A column with what it means.
pub(super) struct Column<'a> {
    pub name: &'static str,
    /// Empty where it has none.
    pub unit: &'static str,
    pub values: Values<'a>,
}

/// The values of a column; NaN and infinities are written as missing.
pub(super) enum Values<'a> {
    Text(Vec<Option<&'a str>>),
    Integer(Vec<Option<i64>>),
    Number(Vec<Option<f64>>),
    Flag(Vec<bool>),
    List(Vec<&'a [f32]>),
}

impl Values<'_> {
    fn data_type(&self) -> DataType {
        match self {
            Self::Text(_) => DataType::Utf8,
            Self::Integer(_) => DataType::Int64,
            Self::Number(_) => DataType::Float64,
            Self::Flag(_) => DataType::Boolean,
            Self::List(_) => DataType::List(Arc::new(Field::new("item", DataType::Float32, true))),
        }
    }

    fn array(&self) -> ArrayRef {
        match self {
            Self::Text(values) => Arc::new(StringArray::from_iter(values.iter().copied())),
            Self::Integer(values) => Arc::new(Int64Array::from(values.clone())),
            Self::Number(values) => Arc::new(Float64Array::from_iter(
                values.iter().map(|v| v.filter(|v| v.is_finite())),
            )),
            Self::Flag(values) => Arc::new(BooleanArray::from(values.clone())),
            Self::List(values) => {
                let mut list = ListBuilder::new(Float32Builder::new());
                for row in values {
                    for value in *row {
                        list.values()
                            .append_option(Some(*value).filter(|v| v.is_finite()));
                    }
                    list.append(true);
                }
                Arc::new(list.finish())
            }
        }
    }

    fn json(&self, row: usize) -> Value {
        match self {
            Self::Text(values) => Value::from(values[row]),
            Self::Integer(values) => Value::from(values[row]),
            // `Value::from` makes null of what is not finite
            Self::Number(values) => Value::from(values[row]),
            Self::Flag(values) => Value::from(values[row]),
            Self::List(values) => values[row].iter().map(|value| shortest(*value)).collect(),
        }
    }
}

impl Table<'_> {
    fn schema(&self) -> Schema {
        let fields = self.columns.iter().map(|column| {
            let required = matches!(column.values, Values::Flag(_) | Values::List(_));
            let field = Field::new(column.name, column.values.data_type(), !required);
            if column.unit.is_empty() {
                field
            } else {
                field.with_metadata(HashMap::from([("unit".to_owned(), column.unit.to_owned())]))
            }
        });
        Schema::new(fields.collect::<Vec<Field>>())
    }
}

/// Rows that become a table some at a time, when they are written: the columns of a million spectra are never in memory together.
pub(super) struct Rows<'r, R, T> {
    pub rows: &'r [R],
    /// The table of some of the rows, or of none.
    pub table: T,
}

impl<'r, R, T: Fn(&'r [R]) -> Table<'r>> Rows<'r, R, T> {
    fn tables(&self) -> impl Iterator<Item = Table<'r>> {
        self.rows.chunks(TOGETHER).map(&self.table)
    }

    /// Writes the table as Parquet (zstd 3).
    pub(super) fn write_parquet(&self, out: &mut (dyn Write + Send)) -> io::Result<()> {
        let none = (self.table)(&[]);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(
                ZstdLevel::try_new(3).map_err(io::Error::other)?,
            ))
            .set_max_row_group_row_count(Some(GROUP))
            .set_key_value_metadata(Some(vec![
                KeyValue::new("spectriage:kind".to_owned(), none.kind.to_owned()),
                KeyValue::new(
                    "spectriage:version".to_owned(),
                    env!("CARGO_PKG_VERSION").to_owned(),
                ),
            ]))
            .build();
        let written = || -> Result<(), ParquetError> {
            let schema = Arc::new(none.schema());
            let mut writer = ArrowWriter::try_new(out, schema.clone(), Some(properties))?;
            for table in self.tables() {
                let arrays = table.columns.iter().map(|column| column.values.array()).collect();
                writer.write(&RecordBatch::try_new(schema.clone(), arrays)?)?;
            }
            writer.close()?;
            Ok(())
        };
        written().map_err(unwrap_io)
    }

    /// Writes the table as CSV (RFC 4180, `\n`); missing values are empty, lists are JSON.
    pub(super) fn write_csv(&self, out: &mut (dyn Write + Send)) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record((self.table)(&[]).columns.iter().map(|column| column.name))?;
        for table in self.tables() {
            for row in 0..table.rows {
                csv.write_record(table.columns.iter().map(|column| match column.values.json(row) {
                    Value::Null => String::new(),
                    Value::String(text) => text,
                    other => other.to_string(),
                }))?;
            }
        }
        csv.flush()
    }

    /// Writes the table as a JSON array of one object a row, each on its own line; missing values are null.
    pub(super) fn write_json(&self, out: &mut (dyn Write + Send)) -> io::Result<()> {
        out.write_all(b"[")?;
        let mut between: &[u8] = b"\n";
        for table in self.tables() {
            for row in 0..table.rows {
                out.write_all(between)?;
                between = b",\n";
                let object: Map<String, Value> = table
                    .columns
                    .iter()
                    .map(|column| (column.name.to_owned(), column.values.json(row)))
                    .collect();
                serde_json::to_writer(&mut *out, &object)?;
            }
        }
        out.write_all(b"\n]\n")
    }
}

/// The number as its shortest decimal: 0.1 and not 0.10000000149011612.
fn shortest(value: f32) -> Value {
    value.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

/// The input/output error inside a Parquet error, so that a full disk is still told apart.
fn unwrap_io(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(inner) => io::Error::other(inner),
        },
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::*;

    #[test]
    fn rows_that_are_written_some_at_a_time_are_one_table() {
        let numbers: Vec<i64> = (0..2 * TOGETHER as i64 + 7).collect();
        let rows = Rows {
            rows: &numbers,
            table: |rows: &[i64]| Table {
                kind: "numbers",
                rows: rows.len(),
                columns: vec![Column {
                    name: "n",
                    unit: "",
                    values: Values::Integer(rows.iter().copied().map(Some).collect()),
                }],
            },
        };
        let mut json = Vec::new();
        rows.write_json(&mut json).unwrap();
        let read: Vec<HashMap<String, i64>> = serde_json::from_slice(&json).unwrap();
        assert!(read.iter().map(|row| row["n"]).eq(numbers.iter().copied()));
        let mut csv = Vec::new();
        rows.write_csv(&mut csv).unwrap();
        let lines = std::str::from_utf8(&csv).unwrap().lines();
        assert!(
            lines
                .skip(1)
                .map(|line| line.parse::<i64>().unwrap())
                .eq(numbers.iter().copied())
        );
        let mut file = tempfile::tempfile().unwrap();
        rows.write_parquet(&mut file).unwrap();
        let read = SerializedFileReader::new(file).unwrap();
        assert_eq!(read.metadata().file_metadata().num_rows(), numbers.len() as i64);
    }
}

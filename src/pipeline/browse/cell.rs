//! One value of the table, and its text as a person reads it.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};
use arrow::util::display::array_value_to_string;
use serde::Serialize;

use super::{Browser, ColumnInfo, ColumnKind};
use crate::pipeline::PipelineError;

/// A value of the table.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    #[default]
    Null,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(String),
}

/// A value with its text for a narrow column: numbers rounded to what their unit deserves, `-` where there is none.
///
/// Text is the file's own and may hold control characters: whoever shows it cleans it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cell {
    pub value: Value,
    pub text: String,
}

/// What stands where there is no value.
const NOTHING: &str = "-";

impl Browser {
    /// Cells of these rows, in their order, with the columns in theirs.
    ///
    /// Errors: an unknown column; a row that is not there; a damaged file.
    pub fn page(&self, rows: &[u64], columns: &[&str]) -> Result<Vec<Vec<Cell>>, PipelineError> {
        let batch = self.catalog.table(columns, Some(rows))?;
        let mut page = vec![Vec::with_capacity(columns.len()); rows.len()];
        for (column, array) in infos(&batch).iter().zip(batch.columns()) {
            let rounding = Rounding::of(column);
            for (cells, value) in page.iter_mut().zip(values(array)) {
                cells.push(Cell {
                    text: rounding.text(&value),
                    value,
                });
            }
        }
        Ok(page)
    }
}

pub(super) fn infos(batch: &RecordBatch) -> Vec<ColumnInfo> {
    let schema = batch.schema();
    schema
        .fields()
        .iter()
        .map(|field| ColumnInfo::of(field))
        .collect()
}

/// The values of a column. What is of no kind of its own is text.
pub(super) fn values(array: &ArrayRef) -> Vec<Value> {
    let valid = |row: usize| array.is_valid(row);
    let rows = 0..array.len();
    let kind = ColumnKind::of(array.data_type());
    let casted = match (kind, array.data_type()) {
        (ColumnKind::Number, DataType::Float32) => {
            // 0.1 stays 0.1, and does not become 0.10000000149011612.
            let singles = array.as_primitive::<arrow::datatypes::Float32Type>();
            let exact = |row: usize| match valid(row) {
                true => Value::Number(singles.value(row).to_string().parse().unwrap_or(f64::NAN)),
                false => Value::Null,
            };
            return rows.map(exact).collect();
        }
        (ColumnKind::Number, _) => cast(array, &DataType::Float64),
        (ColumnKind::Integer, DataType::UInt64) => {
            let numbers = array.as_primitive::<UInt64Type>();
            // Beyond the signed range a number is an identity, which has to keep its last digit.
            let exact = |row: usize| match (valid(row), i64::try_from(numbers.value(row))) {
                (false, _) => Value::Null,
                (true, Ok(number)) => Value::Integer(number),
                (true, Err(_)) => Value::Text(numbers.value(row).to_string()),
            };
            return rows.map(exact).collect();
        }
        (ColumnKind::Integer, _) => cast(array, &DataType::Int64),
        (ColumnKind::Boolean, _) => cast(array, &DataType::Boolean),
        (ColumnKind::Text, _) => cast(array, &DataType::Utf8),
        (ColumnKind::Other, _) => Ok(array.clone()),
    };
    let Ok(casted) = casted else {
        return rows.map(|_| Value::Null).collect();
    };
    let value = |row: usize| match kind {
        _ if casted.is_null(row) => Value::Null,
        ColumnKind::Number => Value::Number(casted.as_primitive::<Float64Type>().value(row)),
        ColumnKind::Integer => Value::Integer(casted.as_primitive::<Int64Type>().value(row)),
        ColumnKind::Boolean => Value::Boolean(casted.as_boolean().value(row)),
        ColumnKind::Text => Value::Text(casted.as_string::<i32>().value(row).trim_end().to_owned()),
        ColumnKind::Other => array_value_to_string(&casted, row).map_or(Value::Null, Value::Text),
    };
    rows.map(value).collect()
}

impl Value {
    /// All of it: every digit, and an empty text where there is none.
    pub fn in_full(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Number(value) if *value != 0.0 && !(1e-5..1e16).contains(&value.abs()) => {
                format!("{value:e}")
            }
            Self::Number(value) => value.to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(*value as f64),
            Self::Number(value) => Some(*value),
            _ => None,
        }
    }
}

/// How the numbers of a column are rounded for reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rounding {
    /// So many decimals.
    Fixed(usize),
    /// So many digits that count.
    Digits(usize),
}

impl Rounding {
    pub fn of(column: &ColumnInfo) -> Self {
        let name = column.name.as_str();
        match column.unit.as_str() {
            // A hundredth of an arcsecond is 3e-6 degrees; fibers are placed to a tenth.
            _ if matches!(name, "ra" | "dec") || name.ends_with("_ra") || name.ends_with("_dec") => {
                Self::Fixed(5)
            }
            // 1e-4 is 30 km/s, the width of a pixel.
            _ if name == "z" || (name.starts_with("z_") && column.kind == ColumnKind::Number) => {
                Self::Fixed(4)
            }
            _ if name == "sn" || name.starts_with("sn_") || name.starts_with("snr") => Self::Fixed(1),
            "deg" => Self::Fixed(5),
            "d" => Self::Fixed(3),
            "mag" => Self::Fixed(3),
            "s" => Self::Fixed(0),
            _ if name.contains("err") => Self::Digits(2),
            _ => Self::Digits(4),
        }
    }

    pub(super) fn text(self, value: &Value) -> String {
        match value {
            Value::Null => NOTHING.into(),
            Value::Number(number) => self.number(*number),
            other => other.in_full(),
        }
    }

    pub fn number(self, number: f64) -> String {
        // Beyond so many places a plain decimal is longer than its power of ten.
        let plain = number == 0.0 || (1e-3..1e7).contains(&number.abs());
        match self {
            _ if !number.is_finite() => number.to_string(),
            Self::Fixed(decimals) if number.abs() < 1e9 => tidy(format!("{number:.decimals$}")),
            Self::Fixed(decimals) => format!("{number:.decimals$e}"),
            Self::Digits(digits) if plain => {
                let magnitude = match number {
                    0.0 => 0,
                    _ => number.abs().log10().floor() as i64,
                };
                let decimals = (digits as i64 - 1 - magnitude).clamp(0, 9) as usize;
                tidy(format!("{number:.decimals$}"))
            }
            Self::Digits(digits) => format!("{number:.*e}", digits - 1),
        }
    }
}

/// Without the sign of a number that was rounded to zero.
fn tidy(text: String) -> String {
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|b| matches!(b, b'0' | b'.')) => rest.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounding(name: &str, unit: &str) -> Rounding {
        Rounding::of(&ColumnInfo {
            name: name.into(),
            kind: ColumnKind::Number,
            unit: unit.into(),
            description: String::new(),
        })
    }

    #[test]
    fn numbers_are_rounded_to_what_their_unit_deserves() {
        let shown = |name, unit, number| rounding(name, unit).number(number);
        assert_eq!(shown("z", "", 0.123456), "0.1235");
        assert_eq!(shown("ra", "deg", 150.078482), "150.07848");
        assert_eq!(shown("zerr", "", 1.234e-5), "1.2e-5");
        assert_eq!(shown("sn", "", 12.345), "12.3");
        assert_eq!(shown("mjd", "d", 59_000.5), "59000.500");
        assert_eq!(shown("exptime", "s", 1200.0), "1200");
        assert_eq!(shown("flux_r", "nmgy", 123.456), "123.5");
        assert_eq!(shown("flux_r", "nmgy", 0.0123456), "0.01235");
        assert_eq!(shown("deltachi2", "", 9_876.543), "9877");
        assert_eq!(shown("mass", "", 1.5e11), "1.500e11");
        assert_eq!(shown("z", "", -0.00001), "0.0000", "no minus before a zero");
        assert_eq!(shown("x", "", 0.0), "0.000");
        assert_eq!(shown("x", "", f64::INFINITY), "inf");
    }

    #[test]
    fn in_full_keeps_every_digit() {
        assert_eq!(Value::Number(0.1).in_full(), "0.1");
        assert_eq!(Value::Number(1e-7).in_full(), "1e-7");
        assert_eq!(Value::Number(150.0784822011637).in_full(), "150.0784822011637");
        assert_eq!(Value::Null.in_full(), "");
    }

    #[test]
    fn single_precision_and_wide_integers_stay_what_they_are() {
        use std::sync::Arc;

        use arrow::array::{Float32Array, UInt64Array};
        let singles: ArrayRef = Arc::new(Float32Array::from(vec![Some(0.1), None]));
        assert_eq!(values(&singles), [Value::Number(0.1), Value::Null]);
        let wide: ArrayRef = Arc::new(UInt64Array::from(vec![7, u64::MAX]));
        assert_eq!(
            values(&wide),
            [Value::Integer(7), Value::Text("18446744073709551615".into())]
        );
    }
}

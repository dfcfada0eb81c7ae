//! The columns of the table: what they hold, and which are shown at first.

use arrow::datatypes::{DataType, Field};
use serde::Serialize;

use super::Browser;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    Number,
    Integer,
    Text,
    Boolean,
    /// Dates, decimals, bytes: shown, and compared by SQL, but not counted or drawn.
    Other,
}

impl ColumnKind {
    pub fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Self::Number,
            data_type if data_type.is_integer() => Self::Integer,
            DataType::Boolean => Self::Boolean,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Dictionary(_, value) => Self::of(value),
            _ => Self::Other,
        }
    }

    /// Numbers stand at the right of their column.
    pub fn right_aligned(self) -> bool {
        matches!(self, Self::Number | Self::Integer)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Text => "text",
            Self::Boolean => "boolean",
            Self::Other => "other",
        }
    }
}

/// A column of the table. Unit and description are empty where the file and the schema have none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnInfo {
    pub name: String,
    pub kind: ColumnKind,
    pub unit: String,
    pub description: String,
}

impl ColumnInfo {
    pub(super) fn of(field: &Field) -> Self {
        let text = |key: &str| field.metadata().get(key).cloned().unwrap_or_default();
        let row = field.name() == "row";
        Self {
            name: field.name().clone(),
            kind: ColumnKind::of(field.data_type()),
            unit: text("unit"),
            description: match row {
                true => "number of the row in the catalog, from 0".into(),
                false => text("description"),
            },
        }
    }
}

/// The columns that say most of an object at a glance, in this order.
const TELLING: [&str; 10] = [
    "object_id",
    "z",
    "zwarn",
    "spectype",
    "subtype",
    "sn",
    "deltachi2",
    "flux_r",
    "ra",
    "dec",
];
/// With fewer than so many of them, columns of the file fill up.
const ENOUGH: usize = 6;

impl Browser {
    /// The table's columns, `row` first.
    pub fn columns(&self) -> Vec<ColumnInfo> {
        let schema = self.catalog.columns();
        schema
            .fields()
            .iter()
            .map(|field| ColumnInfo::of(field))
            .collect()
    }

    /// The columns to show at first: those that say most of an object, as far as they are there.
    pub fn default_columns(&self) -> Vec<String> {
        let columns = self.columns();
        let has = |name: &str| columns.iter().any(|column| column.name == name);
        let mut chosen: Vec<String> = TELLING
            .into_iter()
            .filter(|name| has(name))
            .map(str::to_owned)
            .collect();
        for column in &columns[1..] {
            if chosen.len() >= ENOUGH {
                break;
            }
            if !chosen.contains(&column.name) {
                chosen.push(column.name.clone());
            }
        }
        chosen
    }
}

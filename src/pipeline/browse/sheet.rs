//! One row as a sheet: every column with its value in full.

use serde::Serialize;

use super::cell::{infos, values};
use super::{Browser, Value};
use crate::pipeline::PipelineError;

/// A column of one row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SheetLine {
    pub name: String,
    pub value: Value,
    /// In full; `-` where there is none.
    pub text: String,
    pub unit: String,
    pub description: String,
}

impl Browser {
    /// All columns of one row.
    ///
    /// Errors: a row that is not there; a damaged file.
    pub fn sheet(&self, row: u64) -> Result<Vec<SheetLine>, PipelineError> {
        let schema = self.catalog.columns();
        let names: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        let batch = self.catalog.table(&names, Some(&[row]))?;
        let line = |(column, array): (super::ColumnInfo, &_)| {
            let value = values(array).into_iter().next().unwrap_or(Value::Null);
            let text = match value {
                Value::Null => "-".into(),
                _ => value.in_full(),
            };
            SheetLine {
                name: column.name,
                value,
                text,
                unit: column.unit,
                description: column.description,
            }
        };
        Ok(infos(&batch).into_iter().zip(batch.columns()).map(line).collect())
    }
}

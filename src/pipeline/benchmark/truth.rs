//! Tables of ids: which objects of a catalog are known to be strange.

use std::collections::HashMap;
use std::path::Path;

use super::material::Mark;
use crate::pipeline::PipelineError;

/// Ids of a file: one a line, or the column `object_id` (or `targetid`) of a CSV file.
///
/// Errors: a file that cannot be read or has no ids.
pub fn ids(path: &Path) -> Result<Vec<String>, PipelineError> {
    Ok(marks(path)?.into_keys().collect())
}

/// The truth by object id. Where a CSV file has a column `kind`, rows without one are ordinary; else every id is an anomaly.
/// Columns `artifact`, `strength`, `significance`, `wavelength_min` and `wavelength_max` are taken where they are there.
///
/// Errors: a file that cannot be read or has no ids.
pub(super) fn marks(path: &Path) -> Result<HashMap<String, Mark>, PipelineError> {
    let failed = |what: String| PipelineError::Truth {
        path: path.into(),
        what,
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let records: Vec<csv::StringRecord> = rows
        .records()
        .collect::<Result<_, _>>()
        .map_err(|error| failed(error.to_string()))?;
    let Some(first) = records.first() else {
        return Err(failed("has no ids".into()));
    };
    let column = |name: &str| first.iter().position(|cell| cell.eq_ignore_ascii_case(name));
    let id = column("object_id").or_else(|| column("targetid"));
    let kind = id.and_then(|_| column("kind"));
    let mut marks = HashMap::new();
    for record in records.iter().skip(usize::from(id.is_some())) {
        let cell = |column: Option<usize>| {
            let text = record.get(column?)?;
            (!text.is_empty()).then_some(text)
        };
        let number = |name: &str| cell(column(name)).and_then(|text| text.parse::<f64>().ok());
        let Some(object_id) = cell(Some(id.unwrap_or(0))) else {
            continue;
        };
        if kind.is_some() && cell(kind).is_none() {
            continue;
        }
        let mark = Mark {
            kind: Some(cell(kind).unwrap_or("listed").to_owned()),
            artifact: cell(id.and_then(|_| column("artifact"))).and_then(|text| text.parse().ok()),
            strength: id.and_then(|_| number("significance").or_else(|| number("strength"))),
            wavelength_min: id.and_then(|_| number("wavelength_min")),
            wavelength_max: id.and_then(|_| number("wavelength_max")),
            ..Mark::ordinary(object_id, object_id)
        };
        marks.insert(object_id.to_owned(), mark);
    }
    if marks.is_empty() {
        return Err(failed("names no anomaly".into()));
    }
    Ok(marks)
}

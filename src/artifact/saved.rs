//! Reading a ranking that an earlier run wrote.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float32Type, Float64Type, Int64Type};
use compact_str::CompactString;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::error::ArtifactError;
use super::manifest::Manifest;
use crate::anomaly::{Judgement, Reason, Region};
use crate::spectrum::Facts;

/// The verdicts of run `n`, or of the newest run of `folder`, with their regions, in the order of the ranking.
///
/// Errors: no such ranking; a file that is damaged or of another program.
pub fn read_ranking(folder: &Path, n: Option<u64>) -> Result<(u64, Vec<Judgement>), ArtifactError> {
    let (n, judgements, _) = read_ranking_with_facts(folder, n)?;
    Ok((n, judgements))
}

/// As [`read_ranking`], with the facts of the same objects in the same order: those that a ranking has, the others are unknown.
pub fn read_ranking_with_facts(
    folder: &Path,
    n: Option<u64>,
) -> Result<(u64, Vec<Judgement>, Vec<Facts>), ArtifactError> {
    let n = match n.or_else(|| newest_ranking(folder)) {
        Some(n) => n,
        None => {
            return Err(damaged(
                folder,
                "has no ranking_N.parquet yet: run `spectriage --no-tui` or `spectriage rank` first",
            ));
        }
    };
    let ranking = folder.join(format!("ranking_{n}.parquet"));
    if !ranking.is_file() {
        let newest = newest_ranking(folder)
            .map_or_else(String::new, |newest| format!("; the newest there is {newest}"));
        return Err(damaged(folder, format!("has no ranking {n}{newest}")));
    }
    let mut regions = read_regions(&folder.join(format!("regions_{n}.parquet")))?;
    let mut ranked: Vec<(Judgement, Facts)> = Vec::new();
    each_batch(&ranking, |columns| {
        for row in 0..columns.rows() {
            let object_id = columns.text("object_id", row)?;
            let regions = regions.remove(&object_id).unwrap_or_default();
            ranked.push((judgement(columns, row, regions)?, facts(columns, row)?));
        }
        Ok(())
    })?;
    ranked.sort_by_key(|(judgement, _)| judgement.rank);
    let (judgements, facts) = ranked.into_iter().unzip();
    Ok((n, judgements, facts))
}

/// The regions of every object that has some.
fn read_regions(path: &Path) -> Result<HashMap<String, Vec<Region>>, ArtifactError> {
    let mut regions: HashMap<String, Vec<Region>> = HashMap::new();
    each_batch(path, |columns| {
        for row in 0..columns.rows() {
            let of = regions.entry(columns.text("object_id", row)?).or_default();
            of.push(region(columns, row)?);
        }
        Ok(())
    })?;
    Ok(regions)
}

fn region(columns: &Columns, row: usize) -> Result<Region, String> {
    let reason = columns.text("reason", row)?;
    let reason: Reason =
        serde_json::from_value(reason.clone().into()).map_err(|_| format!("unknown reason `{reason}`"))?;
    Ok(Region {
        start: columns.integer("start", row)? as usize,
        end: columns.integer("end", row)? as usize,
        wavelength_min: columns.number("wavelength_min", row)?,
        wavelength_max: columns.number("wavelength_max", row)?,
        rest_min: columns.number("rest_min", row)?,
        rest_max: columns.number("rest_max", row)?,
        reason,
        value: columns.number("value", row)?,
        significance: columns.number("significance", row)?,
        line: columns.text("line", row).ok().filter(|line| !line.is_empty()),
        artifact_fraction: columns.number("artifact_fraction", row)?,
        // Regions of earlier versions have none.
        artifact_probability: columns.number("artifact_probability", row).ok(),
    })
}

fn judgement(columns: &Columns, row: usize, regions: Vec<Region>) -> Result<Judgement, String> {
    Ok(Judgement {
        object_id: columns.text("object_id", row)?.into(),
        targetid: columns.integer("targetid", row).ok(),
        rank: columns.integer("rank", row)? as u64,
        score: columns.number("score", row)?,
        percentile: columns.number("percentile", row)?,
        anomalous: columns.flag("anomalous", row)?,
        reason: columns.text("reason", row)?.into(),
        flagged_fraction: columns.number("flagged_fraction", row)?,
        reduced_chi2: columns.number("reduced_chi2", row)?,
        sn: columns.number("sn", row)?,
        masked_fraction: columns.number("masked_fraction", row)?,
        artifact_fraction: columns.number("artifact_fraction", row)?,
        // Rankings of earlier versions have neither.
        artifact_probability: columns.number("artifact_probability", row).ok(),
        suggested_kind: columns
            .text("suggested_kind", row)
            .ok()
            .and_then(|kind| serde_json::from_value(kind.into()).ok()),
        latent: columns.list("latent", row)?.into(),
        regions,
    })
}

/// What a ranking says of an object beside its verdict; the rest is unknown.
fn facts(columns: &Columns, row: usize) -> Result<Facts, String> {
    Ok(Facts {
        object_id: columns.text("object_id", row)?.into(),
        targetid: columns.integer("targetid", row).ok(),
        source: columns.text("source", row).unwrap_or_default().into(),
        ra: columns.number("ra", row).ok(),
        dec: columns.number("dec", row).ok(),
        z: columns.number("z", row).ok(),
        zwarn: columns.integer("zwarn", row).ok(),
        spectype: columns.text("spectype", row).ok().map(CompactString::from),
        subtype: columns.text("subtype", row).ok().map(CompactString::from),
        deltachi2: columns.number("deltachi2", row).ok(),
        ..Facts::default()
    })
}

/// The manifest of run `n`.
///
/// Errors: there is none; a file that is damaged or of another program.
pub fn read_manifest(folder: &Path, n: u64) -> Result<Manifest, ArtifactError> {
    let path = folder.join(format!("manifest_{n}.json"));
    let bytes = std::fs::read(&path).map_err(|error| damaged(&path, error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| damaged(&path, error.to_string()))
}

/// Whether an object is in the ranking of run `n`; reads the ids alone.
pub fn is_ranked(folder: &Path, n: u64, object_id: &str) -> Result<bool, ArtifactError> {
    let mut found = false;
    let ranking = folder.join(format!("ranking_{n}.parquet"));
    each_batch_of(&ranking, Some("object_id"), |columns| {
        for row in 0..columns.rows() {
            found |= columns.text("object_id", row)? == object_id;
        }
        Ok(())
    })?;
    Ok(found)
}

/// The highest N of the files `ranking_N.parquet`.
pub fn newest_ranking(folder: &Path) -> Option<u64> {
    rankings(folder).pop()
}

/// The numbers of the rankings of a folder, the newest last.
pub fn rankings(folder: &Path) -> Vec<u64> {
    let number = |name: &str| {
        name.strip_prefix("ranking_")?
            .strip_suffix(".parquet")?
            .parse()
            .ok()
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut found: Vec<u64> = entries
        .filter_map(|entry| number(entry.ok()?.file_name().to_str()?))
        .collect();
    found.sort_unstable();
    found
}

pub(super) fn damaged(path: &Path, what: impl Into<String>) -> ArtifactError {
    ArtifactError::Damaged {
        path: PathBuf::from(path),
        what: what.into(),
    }
}

/// The columns of one batch, by name.
pub(super) struct Columns<'a>(&'a RecordBatch);

impl Columns<'_> {
    pub(super) fn rows(&self) -> usize {
        self.0.num_rows()
    }

    pub(super) fn column(&self, name: &str, row: usize) -> Result<&dyn Array, String> {
        let column = self
            .0
            .column_by_name(name)
            .ok_or_else(|| format!("has no column `{name}`"))?;
        if column.is_null(row) {
            Err(format!("`{name}` is null in row {row}"))
        } else {
            Ok(column.as_ref())
        }
    }

    pub(super) fn text(&self, name: &str, row: usize) -> Result<String, String> {
        let column = self
            .column(name, row)?
            .as_string_opt::<i32>()
            .ok_or_else(|| format!("`{name}` is no text"))?;
        Ok(column.value(row).to_owned())
    }

    pub(super) fn integer(&self, name: &str, row: usize) -> Result<i64, String> {
        let column = self
            .column(name, row)?
            .as_primitive_opt::<Int64Type>()
            .ok_or_else(|| format!("`{name}` is no integer"))?;
        Ok(column.value(row))
    }

    pub(super) fn number(&self, name: &str, row: usize) -> Result<f64, String> {
        let column = self
            .column(name, row)?
            .as_primitive_opt::<Float64Type>()
            .ok_or_else(|| format!("`{name}` is no number"))?;
        Ok(column.value(row))
    }

    /// A list of numbers; those that are missing in it are NaN.
    pub(super) fn list(&self, name: &str, row: usize) -> Result<Vec<f32>, String> {
        let column = self
            .column(name, row)?
            .as_list_opt::<i32>()
            .ok_or_else(|| format!("`{name}` is no list"))?;
        let values = column.value(row);
        let values = values
            .as_primitive_opt::<Float32Type>()
            .ok_or_else(|| format!("`{name}` is no list of numbers"))?;
        Ok(values.iter().map(|value| value.unwrap_or(f32::NAN)).collect())
    }

    pub(super) fn flag(&self, name: &str, row: usize) -> Result<bool, String> {
        let column = self
            .column(name, row)?
            .as_boolean_opt()
            .ok_or_else(|| format!("`{name}` is no flag"))?;
        Ok(column.value(row))
    }
}

pub(super) fn each_batch(
    path: &Path,
    each: impl FnMut(&Columns) -> Result<(), String>,
) -> Result<(), ArtifactError> {
    each_batch_of(path, None, each)
}

/// The same with one column alone.
fn each_batch_of(
    path: &Path,
    column: Option<&str>,
    mut each: impl FnMut(&Columns) -> Result<(), String>,
) -> Result<(), ArtifactError> {
    let file = File::open(path).map_err(|error| damaged(path, error.to_string()))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| {
            let mask = column.map_or_else(ProjectionMask::all, |name| {
                ProjectionMask::columns(builder.parquet_schema(), [name])
            });
            builder.with_projection(mask).build()
        })
        .map_err(|error| damaged(path, error.to_string()))?;
    for batch in reader {
        let batch = batch.map_err(|error| damaged(path, error.to_string()))?;
        each(&Columns(&batch)).map_err(|what| damaged(path, what))?;
    }
    Ok(())
}

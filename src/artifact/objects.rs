//! Reading a ranking with what it says of each object: its facts and its latent vector too.

use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::Float32Type;

use super::error::ArtifactError;
use super::manifest::Manifest;
use super::saved::{Columns, damaged, each_batch, newest_ranking};
use crate::anomaly::Judgement;
use crate::spectrum::Facts;

/// An object of a ranking: the verdict, with its latent vector and without its regions, and the facts that the ranking keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedObject {
    pub judgement: Judgement,
    pub facts: Facts,
}

/// The objects of ranking `n`, or of the newest of `folder`, the strangest first.
///
/// Errors: no such ranking; a file that is damaged or of another program.
pub fn read_objects(folder: &Path, n: Option<u64>) -> Result<(u64, Vec<RankedObject>), ArtifactError> {
    let n = n.or_else(|| newest_ranking(folder)).ok_or_else(|| {
        damaged(
            folder,
            "has no ranking_N.parquet yet: run `spectriage --no-tui` or `spectriage rank` first",
        )
    })?;
    let mut objects = Vec::new();
    each_batch(&folder.join(format!("ranking_{n}.parquet")), |columns| {
        for row in 0..columns.rows() {
            objects.push(object(columns, row)?);
        }
        Ok(())
    })?;
    objects.sort_by_key(|object| object.judgement.rank);
    Ok((n, objects))
}

/// The manifest of run `n`.
///
/// Errors: it is missing or damaged.
pub fn read_manifest(folder: &Path, n: u64) -> Result<Manifest, ArtifactError> {
    let path = folder.join(format!("manifest_{n}.json"));
    let text = std::fs::read(&path).map_err(|error| damaged(&path, error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| damaged(&path, error.to_string()))
}

fn object(columns: &Columns, row: usize) -> Result<RankedObject, String> {
    let object_id = columns.text("object_id", row)?;
    let targetid = columns.integer("targetid", row).ok();
    // What the catalog did not have is null here.
    let number = |name| columns.number(name, row).ok();
    let text = |name| columns.text(name, row).ok();
    Ok(RankedObject {
        facts: Facts {
            object_id: object_id.clone(),
            targetid,
            source: text("source").unwrap_or_default(),
            ra: number("ra"),
            dec: number("dec"),
            z: number("z"),
            zwarn: columns.integer("zwarn", row).ok(),
            spectype: text("spectype"),
            subtype: text("subtype"),
            deltachi2: number("deltachi2"),
            ..Facts::default()
        },
        judgement: Judgement {
            object_id,
            targetid,
            rank: columns.integer("rank", row)? as u64,
            score: columns.number("score", row)?,
            percentile: columns.number("percentile", row)?,
            anomalous: columns.flag("anomalous", row)?,
            reason: columns.text("reason", row)?,
            flagged_fraction: number("flagged_fraction").unwrap_or(f64::NAN),
            reduced_chi2: number("reduced_chi2").unwrap_or(f64::NAN),
            sn: number("sn").unwrap_or(f64::NAN),
            masked_fraction: number("masked_fraction").unwrap_or(f64::NAN),
            artifact_fraction: number("artifact_fraction").unwrap_or(f64::NAN),
            latent: latent(columns, row)?,
            regions: Vec::new(),
        },
    })
}

/// The latent vector; a value that was no number is NaN again.
fn latent(columns: &Columns, row: usize) -> Result<Vec<f32>, String> {
    let list = columns
        .column("latent", row)?
        .as_list_opt::<i32>()
        .ok_or("`latent` is no list")?
        .value(row);
    let values = list
        .as_primitive_opt::<Float32Type>()
        .ok_or("`latent` has no float32")?;
    Ok(values.iter().map(|value| value.unwrap_or(f32::NAN)).collect())
}

//! `manifest_N.json`: how a run's files came about.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::digest::{FileRecord, InputFile};
use super::error::ArtifactError;
use super::run::RunFiles;
use crate::anomaly::Correlations;
use crate::spectrum::RowIssue;

/// All that is needed to repeat a run and to check its files. The same input and seed give the same manifest but for `timings` and the digest of a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of spectriage.
    pub version: String,
    pub run: u64,
    /// Every setting as resolved.
    pub settings: serde_json::Value,
    pub seed: u64,
    pub device: String,
    pub inputs: Vec<InputFile>,
    /// The networks that it trained, or judged or drew with; manifests of earlier versions do not say.
    #[serde(default)]
    pub checkpoint: Option<InputFile>,
    /// Of `plot`, the number of the ranking that it drew.
    #[serde(default)]
    pub ranking: Option<u64>,
    pub rows: RowCounts,
    /// Rows that could not be used; of very many, the first.
    pub row_issues: Vec<RowIssue>,
    pub correlations: Correlations,
    /// The other files of the run.
    pub files: Vec<FileRecord>,
    /// Seconds by step, and whatever else depends on the clock.
    pub timings: BTreeMap<String, f64>,
}

/// What became of the catalog's rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// Rows of the catalog that the filter chose.
    pub selected: u64,
    /// Rows with an issue, listed or not.
    pub skipped: u64,
    /// Rows with a score.
    pub ranked: u64,
    pub anomalous: u64,
}

/// Writes the manifest, its `run` and `files` filled in from the run; call it last. Returns the path.
pub fn write_manifest(run: &RunFiles, manifest: &Manifest) -> Result<PathBuf, ArtifactError> {
    let path = run.metadata("manifest", "json");
    let manifest = Manifest {
        run: run.n(),
        files: run.files(),
        ..manifest.clone()
    };
    run.write_with(&path, |out| {
        serde_json::to_writer_pretty(&mut *out, &manifest)?;
        out.write_all(b"\n")
    })?;
    Ok(path)
}

//! Why a job failed; every message says what to do next.

use std::path::PathBuf;

use super::settings::SettingsError;
use crate::artifact::ArtifactError;
use crate::catalog::CatalogError;
use crate::figure::FigureError;
use crate::ingest::IngestError;
use crate::model::ModelError;
use crate::triage::TriageError;

#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    #[error(
        "ranking {ranking} was made with the networks of {path}, which is no longer there as it was: name the networks with `--checkpoint`"
    )]
    CheckpointGone { ranking: u64, path: String },
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Ingest(#[from] IngestError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    #[error(transparent)]
    Figure(#[from] FigureError),
    #[error(transparent)]
    Triage(#[from] TriageError),
    #[error(
        "no spectrum is selected: `--where {condition}` matches none of the {rows} rows; `spectriage info` shows the columns"
    )]
    NothingSelected { condition: String, rows: u64 },
    #[error("the catalog has no rows: {}", inputs.join(", "))]
    EmptyCatalog { inputs: Vec<String> },
    #[error("none of the {selected} selected spectra can be used; the first reason: {first}")]
    NothingUsable { selected: u64, first: String },
    #[error(
        "the {spectra} spectra have no wavelength range in common: check the redshifts, or lower `--min-coverage`"
    )]
    NoCommonRange { spectra: usize },
    #[error("no checkpoint was found in {}: run `spectriage train` first, or name one with `--checkpoint`", folder.display())]
    NoCheckpoint { folder: PathBuf },
    #[error("{}: the training of this checkpoint has not ended; go on with `spectriage train --resume`", path.display())]
    UnfinishedCheckpoint { path: PathBuf },
    #[error("{} is there already; give another name, or --force to replace it", path.display())]
    OutputExists { path: PathBuf },
    #[error("{} is part of this catalog; give another name", path.display())]
    OutputIsInput { path: PathBuf },
    #[error("no ranking was found in {}: run `spectriage --no-tui` first", folder.display())]
    NoRanking { folder: PathBuf },
    #[error(
        "no ranking of this catalog was found in {}: the newest there, {ranking}, is of {inputs}; rank this one first (`spectriage plot --run {ranking}` draws from that one)", folder.display()
    )]
    OtherRanking {
        folder: PathBuf,
        ranking: u64,
        inputs: String,
    },
    #[error(
        "no folder can be written to keep images in ({}); give one with --cutout-dir",
        listed(folders)
    )]
    NoCutoutFolder { folders: Vec<PathBuf> },
    #[error("the truth table {}: {what}", path.display())]
    Truth { path: PathBuf, what: String },
    #[error(
        "none of the {spectra} spectra can carry any of these anomalies at this strength: ask for other `--kinds` or another `--strength`"
    )]
    NothingPlanted { spectra: usize },
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
    #[error("its row cannot be used: {issue}")]
    Unusable { issue: crate::spectrum::RowIssue },
    #[error(
        "ranking {ranking} has no latent vector of object `{id}` to compare; ids are those of its `object_id` column"
    )]
    NoLatent { id: String, ranking: u64 },
    #[error("no object `{id}` in this catalog; ids are those of its `object_id` or `targetid` column")]
    NoSuchObject { id: String },
    #[error("object `{id}` is not in this ranking: it was not selected, or could not be used")]
    NotRanked { id: String },
}

fn listed(folders: &[PathBuf]) -> String {
    let names: Vec<String> = folders
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();
    names.join(", ")
}

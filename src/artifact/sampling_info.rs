//! `sampling_info_N.json`: the file of the original project, with its keys, and ours beside them.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::error::ArtifactError;
use super::ranking::{Ranked, check};
use super::run::RunFiles;

/// The settings that the file names.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplingInfo {
    pub seed: u64,
    /// `window` or `significance`.
    pub method: String,
    /// The thresholds of the window method; `None` where another method was used.
    pub absolute_residual_threshold: Option<f64>,
    pub relative_residual_threshold: Option<f64>,
    pub range_mismatch_factor: Option<f64>,
}

/// Writes the anomalous spectra of the ranking, in its order, with their regions; returns the path.
///
/// Errors: a verdict paired with another object's facts; a file that cannot be written.
pub fn write_sampling_info(
    run: &RunFiles,
    info: &SamplingInfo,
    ranking: &[Ranked],
) -> Result<PathBuf, ArtifactError> {
    check(ranking)?;
    let path = run.metadata("sampling_info", "json");
    let document = document(info, ranking);
    run.write_with(&path, |out| {
        serde_json::to_writer_pretty(&mut *out, &document)?;
        out.write_all(b"\n")
    })?;
    Ok(path)
}

fn document(info: &SamplingInfo, ranking: &[Ranked]) -> Value {
    let anomalous: Vec<&Ranked> = ranking.iter().filter(|r| r.judgement.anomalous).collect();
    let spectra: Map<String, Value> = anomalous
        .iter()
        .map(|ranked| (ranked.judgement.object_id.clone(), spectrum(ranked)))
        .collect();
    json!({
        "Number of Anomalies": anomalous.len(),
        "Seed": info.seed,
        "absolute_residual_threshold": info.absolute_residual_threshold,
        "relative_residual_threshold": info.relative_residual_threshold,
        "range_mismatch_factor": info.range_mismatch_factor,
        "anomalous_spectra": spectra,
        "method": info.method,
        "number_of_spectra": ranking.len(),
        "version": env!("CARGO_PKG_VERSION"),
    })
}

fn spectrum(ranked: &Ranked) -> Value {
    let judgement = ranked.judgement;
    let ranges: Vec<Value> = judgement
        .regions
        .iter()
        .map(|region| {
            json!({
                "range_start": region.start,
                "range_end": region.end,
                "justification": region.reason,
                "value": region.value,
                "wavelength_min": region.wavelength_min,
                "wavelength_max": region.wavelength_max,
                "rest_min": region.rest_min,
                "rest_max": region.rest_max,
                "significance": region.significance,
                "line": region.line,
                "artifact_fraction": region.artifact_fraction,
                "artifact_probability": region.artifact_probability,
            })
        })
        .collect();
    json!({
        "anomaly_ranges": ranges,
        "targetid": judgement.targetid,
        "rank": judgement.rank,
        "score": judgement.score,
        "percentile": judgement.percentile,
        "reason": judgement.reason,
        "flagged_fraction": judgement.flagged_fraction,
        "ra": ranked.facts.ra,
        "dec": ranked.facts.dec,
        "z": ranked.facts.z,
    })
}

//! `sampling_info_N.json`: the file of the original project, with its keys, and ours beside them.

use std::path::PathBuf;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

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
    let document = Document {
        anomalies: ranking.iter().filter(|r| r.judgement.anomalous).count(),
        seed: info.seed,
        absolute_residual_threshold: info.absolute_residual_threshold,
        relative_residual_threshold: info.relative_residual_threshold,
        range_mismatch_factor: info.range_mismatch_factor,
        anomalous_spectra: Spectra(ranking),
        method: &info.method,
        number_of_spectra: ranking.len(),
        version: env!("CARGO_PKG_VERSION"),
    };
    run.write_with(&path, |out| {
        serde_json::to_writer_pretty(&mut *out, &document)?;
        out.write_all(b"\n")
    })?;
    Ok(path)
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "Number of Anomalies")]
    anomalies: usize,
    #[serde(rename = "Seed")]
    seed: u64,
    absolute_residual_threshold: Option<f64>,
    relative_residual_threshold: Option<f64>,
    range_mismatch_factor: Option<f64>,
    anomalous_spectra: Spectra<'a>,
    method: &'a str,
    number_of_spectra: usize,
    version: &'a str,
}

/// The anomalous ones of a ranking by identity, each made when it is written: those of a large catalog would take gigabytes together.
struct Spectra<'a>(&'a [Ranked<'a>]);

impl Serialize for Spectra<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let anomalous = self.0.iter().filter(|r| r.judgement.anomalous);
        serializer.collect_map(anomalous.map(|ranked| (&ranked.judgement.object_id, spectrum(ranked))))
    }
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

//! Writing a simulated catalog and its truth table, in parallel and in constant memory.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{CancelToken, Event, Observer, PipelineError, Stage};
use crate::catalog::{CatalogWriter, WriterOptions};
use crate::durable::Draft;
use crate::simulate::Simulation;

/// Spectra that are made at once.
const CHUNK: u64 = 256;

/// What to simulate, and where to.
#[derive(Debug, Clone)]
pub struct SimulateRequest {
    pub simulation: Simulation,
    pub output: PathBuf,
    /// The truth table, CSV.
    pub truth: PathBuf,
    /// Round flux and ivar to so many bits of mantissa; announced in the file's provenance.
    pub mantissa_bits: Option<u32>,
    /// Replace files of these names.
    pub force: bool,
}

impl SimulateRequest {
    /// Whether both files can be written without the loss of one.
    fn check(&self) -> Result<(), PipelineError> {
        let (output, truth) = (&self.output, &self.truth);
        // Whichever way leads to the folder.
        let place = |path: &Path| {
            let path = std::path::absolute(path).ok()?;
            Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
        };
        if place(output).is_some_and(|output| place(truth) == Some(output)) {
            return Err(PipelineError::Truth {
                path: truth.clone(),
                what: "it would be written over the catalog; give another name with `--truth`".into(),
            });
        }
        match [output, truth].into_iter().find(|path| path.exists()) {
            Some(path) if !self.force => Err(PipelineError::OutputExists { path: path.clone() }),
            _ => Ok(()),
        }
    }
}

/// What was written.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SimulateSummary {
    pub output: PathBuf,
    pub truth: PathBuf,
    pub spectra: u64,
    pub anomalies: u64,
    pub interrupted: bool,
}

/// Simulates the catalog. Both files appear complete or, on an error or when cancelled, not at all.
///
/// Errors: before anything is made, a file of either name that may not be replaced, or one name for both; no space on disk.
pub fn simulate(
    request: &SimulateRequest,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<SimulateSummary, PipelineError> {
    request.check()?;
    let simulation = &request.simulation;
    let provenance = serde_json::json!({
        "simulation": simulation,
        "program": concat!("spectriage ", env!("CARGO_PKG_VERSION")),
    });
    let options = WriterOptions {
        mantissa_bits: request.mantissa_bits,
        provenance,
        ..WriterOptions::default()
    };
    let io = |path: &Path| {
        let what = format!("{} cannot be written", path.display());
        move |source| PipelineError::Io { what, source }
    };
    let mut truths = csv::Writer::from_writer(Draft::of(&request.truth).map_err(io(&request.truth))?);
    let mut writer = CatalogWriter::create(&request.output, options)?;
    let mut summary = SimulateSummary {
        output: request.output.clone(),
        truth: request.truth.clone(),
        spectra: 0,
        anomalies: 0,
        interrupted: false,
    };
    while summary.spectra < simulation.count {
        if cancel.is_cancelled() {
            summary.interrupted = true;
            return Ok(summary);
        }
        let end = (summary.spectra + CHUNK).min(simulation.count);
        let made: Vec<_> = (summary.spectra..end)
            .into_par_iter()
            .map(|index| simulation.spectrum(index))
            .collect();
        for (spectrum, truth) in made {
            writer.write(&spectrum)?;
            summary.anomalies += u64::from(truth.kind.is_some());
            truths
                .serialize(&truth)
                .map_err(|error| io(&request.truth)(error.into()))?;
        }
        summary.spectra = end;
        observer.event(Event::Step {
            stage: Stage::Simulate,
            done: end,
            total: simulation.count,
        });
    }
    let truths = truths
        .into_inner()
        .map_err(|error| io(&request.truth)(error.into_error()))?;
    writer.finish()?;
    truths.publish().map_err(io(&request.truth))?;
    Ok(summary)
}

//! From prepared spectra to verdicts: reconstruct with the held-out network, measure, calibrate, rank.

use rayon::prelude::*;

use super::settings::{Method, Settings};
use super::source::{Selection, fold_key};
use super::{CancelToken, Event, Observer, PipelineError, Stage};
use crate::anomaly::window::{self, WindowThresholds, WindowThresholdsBuilder};
use crate::anomaly::{
    Calibration, Correlations, ErrorModel, ErrorModelBuilder, Evidence, GridRegion, Judgement, Residual,
    artifact_fraction, correlations, explain, flagged_fraction, rank, regions,
};
use crate::model::{Accelerator, Ensemble, Sample, fold_of};
use crate::spectrum::Facts;
use crate::spectrum::prepare::{Preparation, Prepared};

/// Spectra that are reconstructed at once.
const CHUNK: usize = 256;
/// Reconstructions are kept between the passes where they take at most so many numbers, else made again.
const KEPT_NUMBERS: usize = 400_000_000;

/// A prepared spectrum with what the network that has not seen it makes of it.
pub struct Scored {
    pub prepared: Prepared,
    /// Which network of the ensemble.
    pub member: usize,
    pub reconstruction: Vec<f32>,
    pub latent: Vec<f32>,
}

/// What was found in a catalog.
pub struct Verdicts {
    /// The strangest first.
    pub judgements: Vec<Judgement>,
    /// Of the same spectra, in the same order.
    pub facts: Vec<Facts>,
    pub correlations: Correlations,
    /// Of `--method window`.
    pub thresholds: Option<WindowThresholds>,
    pub mean_error: MeanError,
}

/// Mean squared residual by pixel of the model's grid, in units of the normalized flux squared; NaN where no spectrum has a valid pixel.
///
/// Shapes: `[grid.len()]`. Units: wavelength in the working frame, Angstrom vacuum.
pub struct MeanError {
    pub wavelength: Vec<f64>,
    pub mean_squared_residual: Vec<f64>,
}

/// Scores the rows of a selection with an ensemble.
pub struct Scorer<'a> {
    pub settings: &'a Settings,
    pub preparation: &'a Preparation,
    pub ensemble: &'a Ensemble,
    pub accelerator: &'a Accelerator,
    grid: Vec<f64>,
    /// All of the selection, where it fits into memory.
    kept: Option<Vec<Scored>>,
}

impl<'a> Scorer<'a> {
    pub fn new(
        settings: &'a Settings,
        preparation: &'a Preparation,
        ensemble: &'a Ensemble,
        accelerator: &'a Accelerator,
    ) -> Self {
        Self {
            settings,
            preparation,
            ensemble,
            accelerator,
            grid: preparation.grid.wavelengths(),
            kept: None,
        }
    }

    /// Judges and ranks the selection. `known` are all of its spectra where they are prepared already (after training on all of them).
    ///
    /// Returns `None` when cancelled.
    pub fn judge(
        mut self,
        selection: &mut Selection,
        known: Option<Vec<Prepared>>,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<Option<Verdicts>, PipelineError> {
        self.keep(selection, known, observer, cancel)?;
        let mut accumulated = Accumulated::new(self.grid.len(), self.settings);
        self.visit(selection, observer, cancel, |scorer, chunk| {
            accumulated.add(scorer, chunk)
        })?;
        if cancel.is_cancelled() {
            return Ok(None);
        }
        let Accumulated {
            errors,
            thresholds,
            squares,
            counts,
        } = accumulated;
        let mean_error = MeanError {
            wavelength: self.grid.clone(),
            mean_squared_residual: squares
                .iter()
                .zip(&counts)
                .map(|(sum, count)| sum / *count as f64)
                .collect(),
        };
        let mut judgements = Vec::new();
        let mut facts: Vec<Facts> = Vec::new();
        let mut used_thresholds = None;
        match self.settings.detect.method {
            Method::Significance => {
                let errors = errors.build();
                let mut evidence = Vec::new();
                self.visit(selection, observer, cancel, |scorer, chunk| {
                    evidence.par_extend(chunk.par_iter().map(|scored| scorer.evidence(scored, &errors)));
                })?;
                let calibration = Calibration::fit(&evidence, &self.settings.significance);
                let mut evidence = evidence.iter();
                self.visit(selection, observer, cancel, |scorer, chunk| {
                    let pairs: Vec<_> = chunk.iter().zip(evidence.by_ref()).collect();
                    judgements.par_extend(pairs.into_par_iter().map(|(scored, evidence)| {
                        scorer.by_significance(scored, evidence, &errors, &calibration)
                    }));
                    facts.extend(chunk.iter().map(|scored| scored.prepared.facts.clone()));
                })?;
            }
            Method::Window => {
                let thresholds = thresholds.build(&self.settings.window);
                self.visit(selection, observer, cancel, |scorer, chunk| {
                    judgements.par_extend(
                        chunk
                            .par_iter()
                            .map(|scored| scorer.by_windows(scored, &thresholds)),
                    );
                    facts.extend(chunk.iter().map(|scored| scored.prepared.facts.clone()));
                })?;
                used_thresholds = Some(thresholds);
            }
        }
        if cancel.is_cancelled() {
            return Ok(None);
        }
        if judgements.is_empty() {
            return Err(selection.nothing_usable());
        }
        let redshifts: Vec<f64> = facts.iter().map(|facts| facts.z.unwrap_or(f64::NAN)).collect();
        let column = |value: fn(&Judgement) -> f64| judgements.iter().map(value).collect::<Vec<_>>();
        let correlations = correlations(
            &column(|j| j.score),
            &column(|j| j.sn),
            &redshifts,
            &column(|j| j.masked_fraction),
        );
        rank(&mut judgements);
        // The verdicts were sorted; the facts follow them by identity.
        let mut by_id: std::collections::HashMap<String, Facts> = facts
            .into_iter()
            .map(|facts| (facts.object_id.clone(), facts))
            .collect();
        let facts = judgements
            .iter()
            .filter_map(|judgement| by_id.remove(&judgement.object_id))
            .collect();
        Ok(Some(Verdicts {
            judgements,
            facts,
            correlations,
            thresholds: used_thresholds,
            mean_error,
        }))
    }

    /// The residual of one spectrum; `observed` holds its observed wavelengths.
    fn with_residual<T>(&self, scored: &Scored, work: impl FnOnce(&Residual) -> T) -> T {
        let prepared = &scored.prepared;
        let observed: Vec<f64> = self
            .grid
            .iter()
            .map(|wavelength| wavelength * prepared.stretch)
            .collect();
        let residual = Residual {
            flux: &prepared.flux,
            ivar: &prepared.ivar,
            reconstruction: &scored.reconstruction,
            observed: &observed,
            artifact: &prepared.artifact,
            z: prepared.facts.z.unwrap_or(0.0),
        };
        work(&residual)
    }

    fn evidence(&self, scored: &Scored, errors: &ErrorModel) -> Evidence {
        self.with_residual(scored, |residual| {
            Evidence::measure(
                residual,
                &scored.latent,
                scored.member as u16,
                errors,
                &self.settings.significance,
            )
        })
    }

    fn by_significance(
        &self,
        scored: &Scored,
        evidence: &Evidence,
        errors: &ErrorModel,
        calibration: &Calibration,
    ) -> Judgement {
        self.with_residual(scored, |residual| {
            let score = calibration.score(evidence);
            let found = regions(residual, evidence, errors, calibration);
            let reason = explain(&score, evidence, &found, calibration);
            self.judgement(
                scored,
                residual,
                &found,
                evidence,
                score.score,
                calibration.is_anomalous(&score),
                reason,
            )
        })
    }

    fn by_windows(&self, scored: &Scored, thresholds: &WindowThresholds) -> Judgement {
        self.with_residual(scored, |residual| {
            let settings = &self.settings.window;
            let verdict = window::judge(
                residual,
                &window::windows(residual, settings),
                thresholds,
                settings,
            );
            let reason = match verdict.regions.first() {
                None => "no window beyond its threshold".into(),
                Some(region) => format!(
                    "{} at {:.0}-{:.0} A rest; {:.0}% of its pixels flagged",
                    words(region),
                    region.rest_min,
                    region.rest_max,
                    100.0 * verdict.flagged_fraction
                ),
            };
            let neutral = ErrorModel::neutral(residual.len(), &self.settings.significance);
            let evidence = self.evidence(scored, &neutral);
            self.judgement(
                scored,
                residual,
                &verdict.regions,
                &evidence,
                verdict.score,
                verdict.anomalous,
                reason,
            )
        })
    }

    #[allow(clippy::too_many_arguments)] // the one place where a verdict is put together
    fn judgement(
        &self,
        scored: &Scored,
        residual: &Residual,
        found: &[GridRegion],
        evidence: &Evidence,
        score: f64,
        anomalous: bool,
        reason: String,
    ) -> Judgement {
        let prepared = &scored.prepared;
        Judgement {
            object_id: prepared.facts.object_id.clone(),
            targetid: prepared.facts.targetid,
            rank: 0,
            score,
            percentile: 0.0,
            anomalous,
            reason,
            flagged_fraction: flagged_fraction(residual, found),
            reduced_chi2: f64::from(evidence.reduced_chi2),
            sn: f64::from(evidence.sn),
            masked_fraction: f64::from(evidence.masked_fraction),
            artifact_fraction: artifact_fraction(found),
            latent: scored.latent.clone(),
            regions: found
                .iter()
                .map(|region| {
                    let (start, end) = prepared.row_pixels(&self.preparation.grid, region.start, region.end);
                    region.in_row(start, end)
                })
                .collect(),
        }
    }

    /// Reconstructs spectra, each with the network of its fold.
    pub fn reconstruct(&self, prepared: Vec<Prepared>) -> Vec<Scored> {
        let folds = self.ensemble.members.len();
        let seed = self.settings.training.seed;
        let mut scored: Vec<Scored> = prepared
            .into_iter()
            .map(|prepared| {
                let member = fold_of(&fold_key(&prepared.facts), folds, seed);
                Scored {
                    prepared,
                    member,
                    reconstruction: Vec::new(),
                    latent: Vec::new(),
                }
            })
            .collect();
        for member in 0..folds {
            let mut sample = Sample::new(self.grid.len());
            let mut of_member: Vec<&mut Scored> = scored
                .iter_mut()
                .filter(|scored| scored.member == member)
                .collect();
            for scored in &of_member {
                sample.push(&scored.prepared.flux, &scored.prepared.ivar);
            }
            if sample.is_empty() {
                continue;
            }
            let out = self.ensemble.reconstruct(member, &sample, self.accelerator);
            let latent = out.latent.len() / sample.len();
            for (index, scored) in of_member.iter_mut().enumerate() {
                scored.reconstruction = out.flux[index * sample.pixels..(index + 1) * sample.pixels].to_vec();
                scored.latent = out.latent[index * latent..(index + 1) * latent].to_vec();
            }
        }
        scored
    }

    /// Keeps all spectra with their reconstructions where they fit.
    fn keep(
        &mut self,
        selection: &mut Selection,
        known: Option<Vec<Prepared>>,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<(), PipelineError> {
        if selection.rows.len().saturating_mul(3 * self.grid.len()) > KEPT_NUMBERS {
            return Ok(());
        }
        let prepared = match known {
            Some(known) => known,
            None => {
                let rows = selection.rows.clone();
                let mut all = Vec::new();
                selection.prepared(&rows, self.preparation, observer, cancel, |chunk| {
                    all.extend(chunk);
                    Ok(())
                })?;
                all
            }
        };
        let total = prepared.len() as u64;
        let mut kept = Vec::with_capacity(prepared.len());
        let mut rest = prepared.into_iter();
        loop {
            let chunk: Vec<Prepared> = rest.by_ref().take(CHUNK).collect();
            if chunk.is_empty() || cancel.is_cancelled() {
                break;
            }
            kept.extend(self.reconstruct(chunk));
            observer.event(Event::Step {
                stage: Stage::Reconstruct,
                done: kept.len() as u64,
                total,
            });
        }
        self.kept = Some(kept);
        Ok(())
    }

    /// Shows every spectrum of the selection to `each`, in order, some at a time.
    fn visit(
        &self,
        selection: &mut Selection,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
        mut each: impl FnMut(&Self, &[Scored]),
    ) -> Result<(), PipelineError> {
        if let Some(kept) = &self.kept {
            let total = kept.len() as u64;
            let mut done = 0;
            for chunk in kept.chunks(CHUNK) {
                if cancel.is_cancelled() {
                    break;
                }
                each(self, chunk);
                done += chunk.len() as u64;
                observer.event(Event::Step {
                    stage: Stage::Judge,
                    done,
                    total,
                });
            }
            return Ok(());
        }
        let rows = selection.rows.clone();
        selection.prepared(&rows, self.preparation, observer, cancel, |prepared| {
            each(self, &self.reconstruct(prepared));
            Ok(())
        })
    }
}

/// What a first pass over the population gathers.
struct Accumulated {
    errors: ErrorModelBuilder,
    thresholds: WindowThresholdsBuilder,
    squares: Vec<f64>,
    counts: Vec<u64>,
}

impl Accumulated {
    fn new(pixels: usize, settings: &Settings) -> Self {
        Self {
            errors: ErrorModelBuilder::new(pixels, &settings.significance),
            thresholds: WindowThresholdsBuilder::default(),
            squares: vec![0.0; pixels],
            counts: vec![0; pixels],
        }
    }

    fn add(&mut self, scorer: &Scorer, chunk: &[Scored]) {
        for scored in chunk {
            scorer.with_residual(scored, |residual| {
                match scorer.settings.detect.method {
                    Method::Significance => self.errors.add(residual),
                    Method::Window => self
                        .thresholds
                        .add(&window::windows(residual, &scorer.settings.window)),
                }
                for pixel in (0..residual.len()).filter(|pixel| residual.is_valid(*pixel)) {
                    let difference = f64::from(residual.flux[pixel] - residual.reconstruction[pixel]);
                    self.squares[pixel] += difference * difference;
                    self.counts[pixel] += 1;
                }
            });
        }
    }
}

/// The reason of a window region in words.
fn words(region: &GridRegion) -> String {
    use crate::anomaly::Reason;
    let what = match region.reason {
        Reason::HighAbsoluteResidual => "high absolute residual",
        Reason::HighRelativeResidual => "high relative residual",
        Reason::RangeMismatch => "range of model and data differ",
        _ => "residual",
    };
    format!("{what} ({:.2})", region.value)
}

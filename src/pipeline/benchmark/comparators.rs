//! Other ways to rank the same spectra, each with the settings that its authors or common practice give it.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::judged::judge;
use crate::anomaly::{ErrorModel, Evidence, among_neighbors, isolation_forest, local_outlier_factor};
use crate::model::{Architecture, ModelSettings, OptimizerKind, Pca, Sample, ScheduleKind, TrainingSettings};
use crate::pipeline::reconstructor::Scored;
use crate::pipeline::settings::{DetectSettings, Method, NormalizationKind, Settings};
use crate::pipeline::train::is_modeled;
use crate::pipeline::verdict::Look;
use crate::pipeline::{Assessment, CancelToken, Observer, PipelineError};
use crate::spectrum::prepare::Frame;

/// A method to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparator {
    /// The original's network, training and window rule.
    Original,
    /// Weighted PCA of 10 components, chi-square.
    PcaChi2,
    /// Weighted PCA of 10 components, windows of many widths among spectra of like S/N.
    PcaWindows,
    /// Isolation forest on the latent vectors.
    IsolationForest,
    /// Local outlier factor of the latent vectors.
    LocalOutlierFactor,
    /// Mean squared error of the reconstruction.
    MeanSquaredError,
}

/// Components of the PCA, and the error of its own as a share of the flux.
const COMPONENTS: usize = 10;
const PCA_FLOOR: f64 = 0.03;
/// Spectra of like S/N.
const NEIGHBORS: usize = 101;
/// Neighbors of the local outlier factor, scikit-learn's default.
const LOF_NEIGHBORS: usize = 20;

impl Comparator {
    pub const ALL: [Self; 6] = [
        Self::Original,
        Self::PcaChi2,
        Self::PcaWindows,
        Self::IsolationForest,
        Self::LocalOutlierFactor,
        Self::MeanSquaredError,
    ];

    /// The name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::PcaChi2 => "pca_chi2",
            Self::PcaWindows => "pca_windows",
            Self::IsolationForest => "isolation_forest",
            Self::LocalOutlierFactor => "local_outlier_factor",
            Self::MeanSquaredError => "mean_squared_error",
        }
    }

    /// Scores by object id; `None` when cancelled.
    pub(super) fn scores(
        self,
        assessment: &mut Assessment,
        inputs: &[String],
        settings: &Settings,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<Option<HashMap<String, f64>>, PipelineError> {
        if self == Self::Original {
            let original = judge(inputs, &original_settings(settings), observer, cancel)?;
            return Ok(original.map(|assessment| {
                let verdicts = assessment.verdicts();
                let judged = verdicts.judgements.iter();
                judged
                    .map(|judgement| (judgement.object_id.to_string(), judgement.flagged_fraction))
                    .collect()
            }));
        }
        let mut spectra: Vec<Arc<Scored>> = Vec::new();
        let whole = assessment
            .population
            .visit(observer, cancel, |chunk| spectra.extend_from_slice(chunk))?;
        if !whole {
            return Ok(None);
        }
        let reconstructor = &assessment.population.reconstructor;
        let (folds, grid) = (settings.training.folds, reconstructor.grid());
        let scores = match self {
            Self::MeanSquaredError => spectra
                .iter()
                .map(|spectrum| mean_squared_error(spectrum))
                .collect(),
            Self::IsolationForest => by_fold(&spectra, folds, |latents| {
                isolation_forest(latents, settings.training.seed)
            }),
            Self::LocalOutlierFactor => by_fold(&spectra, folds, |latents| {
                local_outlier_factor(latents, LOF_NEIGHBORS)
            }),
            Self::PcaChi2 | Self::PcaWindows | Self::Original => {
                let evidence = pca_evidence(&spectra, folds, grid, settings);
                let sn: Vec<f64> = evidence.iter().map(|e| f64::from(e.sn).max(0.3).ln()).collect();
                if self == Self::PcaChi2 {
                    evidence.iter().map(|e| f64::from(e.reduced_chi2)).collect()
                } else {
                    let strongest: Vec<f64> = evidence.iter().map(strongest_window).collect();
                    among_neighbors(&strongest, &sn, NEIGHBORS)
                }
            }
        };
        let ids = spectra
            .iter()
            .map(|spectrum| spectrum.prepared.facts.object_id.to_string());
        Ok(Some(ids.zip(scores).collect()))
    }
}

impl std::fmt::Display for Comparator {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The original's network, preparation, training and rule, but cross-fitted over the folds at hand and with its defects mended, see
/// `docs/detection.md`. Its list is that of the flagged fraction, which is what it compares with its last threshold.
fn original_settings(settings: &Settings) -> Settings {
    let mut original = settings.clone();
    original.prepare.frame = Frame::Observed;
    original.prepare.min_wavelength = Some(4000.0);
    original.prepare.normalization = NormalizationKind::Robust;
    original.model = ModelSettings {
        architecture: Architecture::Skip,
        ..ModelSettings::default()
    };
    original.training = TrainingSettings {
        device: settings.training.device,
        folds: settings.training.folds,
        seed: settings.training.seed,
        max_spectra: settings.training.max_spectra,
        epochs: 50.min(settings.training.epochs.max(1) * 5),
        batch_size: 8,
        learning_rate: 1e-3,
        optimizer: OptimizerKind::Adam,
        schedule: ScheduleKind::Constant,
        weight_decay: 0.0,
        gradient_clip: 1.0,
        l1: 1e-5,
        noise: 0.0,
        block_masks: 0,
        ..TrainingSettings::default()
    };
    original.detect = DetectSettings {
        method: Method::Window,
    };
    original.window = crate::anomaly::window::WindowSettings::default();
    original
}

/// Mean squared residual over the valid pixels, in units of the normalized flux; NaN without any.
fn mean_squared_error(spectrum: &Scored) -> f64 {
    let prepared = &spectrum.prepared;
    let valid = (0..prepared.flux.len()).filter(|i| prepared.ivar[*i] > 0.0);
    let (sum, count) = valid.fold((0.0, 0.0), |(sum, count), i| {
        let residual = f64::from(prepared.flux[i] - spectrum.reconstruction[i]);
        (sum + residual * residual, count + 1.0)
    });
    sum / count
}

/// Scores of the latent vectors, each fold's by itself: the latent spaces of two networks have nothing to do with each other.
fn by_fold(
    spectra: &[Arc<Scored>],
    folds: usize,
    score: impl Fn(&[Vec<f64>]) -> Vec<f64> + Sync,
) -> Vec<f64> {
    let mut scores = vec![f64::NAN; spectra.len()];
    for fold in 0..folds.max(1) {
        let of_fold: Vec<usize> = (0..spectra.len())
            .filter(|i| spectra[*i].member == fold)
            .collect();
        let latents: Vec<Vec<f64>> = of_fold
            .iter()
            .map(|i| spectra[*i].latent.iter().map(|value| f64::from(*value)).collect())
            .collect();
        for (i, value) in of_fold.into_iter().zip(score(&latents)) {
            scores[i] = value;
        }
    }
    scores
}

/// What the residuals of the principal components show, each spectrum by the components of the other folds.
fn pca_evidence(spectra: &[Arc<Scored>], folds: usize, grid: &[f64], settings: &Settings) -> Vec<Evidence> {
    let mut significance = settings.significance.clone();
    significance.model_floor = PCA_FLOOR;
    significance.line_floor = 0.0;
    let neutral = ErrorModel::neutral(grid.len(), &significance);
    let mut evidence: Vec<Option<Evidence>> = vec![None; spectra.len()];
    for fold in 0..folds.max(1) {
        let mut sample = Sample::new(grid.len());
        let teaches = |spectrum: &&Arc<Scored>| folds <= 1 || spectrum.member != fold;
        for spectrum in spectra.iter().filter(teaches) {
            if is_modeled(spectrum.prepared.coverage) {
                sample.push(&spectrum.prepared.flux, &spectrum.prepared.ivar);
            }
        }
        if sample.is_empty() {
            continue;
        }
        let pca = Pca::fit(&sample, COMPONENTS.min(sample.len()), PCA_FLOOR);
        evidence
            .par_iter_mut()
            .zip(spectra)
            .filter(|(_, spectrum)| spectrum.member == fold)
            .for_each(|(evidence, spectrum)| {
                let prepared = &spectrum.prepared;
                let (latent, reconstruction) = pca.reconstruct(&prepared.flux, &prepared.ivar, PCA_FLOOR);
                let look = Look {
                    prepared,
                    member: fold,
                    reconstruction: &reconstruction,
                    latent: &latent,
                };
                *evidence = Some(look.evidence(grid, &neutral, &significance));
            });
    }
    let empty = || Evidence {
        excess: [f32::NAN; crate::anomaly::MAX_WIDTHS],
        missing: [f32::NAN; crate::anomaly::MAX_WIDTHS],
        sn: 0.0,
        z: f32::NAN,
        reduced_chi2: f32::NAN,
        coverage: 0.0,
        masked_fraction: 1.0,
        model: 0,
        latent: Default::default(),
        statistics: Box::default(),
    };
    evidence.into_iter().map(|e| e.unwrap_or_else(empty)).collect()
}

/// asinh of the greatest |S| of any width; NaN without any.
fn strongest_window(evidence: &Evidence) -> f64 {
    let all = evidence.excess.iter().chain(&evidence.missing);
    let strongest = all.copied().filter(|s| s.is_finite()).reduce(f32::max);
    strongest.map_or(f64::NAN, |s| f64::from(s).asinh())
}

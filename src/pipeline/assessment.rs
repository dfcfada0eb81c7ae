//! A finished scoring that stays in hand: judged again at once when a threshold moves, looked at, and written when asked.

use std::path::PathBuf;
use std::sync::Arc;

use super::cutouts::cutouts;
use super::job::Job;
use super::judge::{Judge, MeanError, Verdicts};
use super::reconstructor::Reconstructor;
use super::score::Population;
use super::settings::{NormalizationKind, Settings};
use super::shelf::{Room, Shelf};
use super::similar::{Neighbors, similar_in};
use super::source::Selection;
use super::viewer::Viewer;
use super::{CancelToken, Observer, PipelineError, Summary};
use crate::anomaly::Judgement;
use crate::model::TrainingSettings;
use crate::model::checkpoint::Origin;
use crate::spectrum::WavelengthGrid;
use crate::spectrum::prepare::Normalization;

/// The verdicts on a catalog with all that they rest on: rows, networks, and the reconstructions where they fit into memory.
pub struct Assessment {
    inputs: Vec<String>,
    settings: Settings,
    pub(super) population: Population,
    judge: Judge,
    /// `None` only where the judging was cancelled.
    verdicts: Option<Arc<Verdicts>>,
}

impl std::fmt::Debug for Assessment {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("Assessment")
            .field("inputs", &self.inputs)
            .field("is_kept", &self.is_kept())
            .field(
                "verdicts",
                &self.verdicts.as_ref().map(|verdicts| verdicts.judgements.len()),
            )
            .finish_non_exhaustive()
    }
}

impl Assessment {
    /// Reconstructs and judges a selection. Cancelled, it has no verdicts.
    pub(super) fn make(
        inputs: &[String],
        settings: &Settings,
        selection: Selection,
        reconstructor: Arc<Reconstructor>,
        known: Option<Shelf>,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<Self, PipelineError> {
        let settings = as_trained(settings, &reconstructor.origin);
        let room = Room::of(&settings.store);
        let population = Population::gather(selection, reconstructor, known, &room, observer, cancel)?;
        let mut assessment = Self {
            inputs: inputs.to_vec(),
            settings,
            population,
            judge: Judge::default(),
            verdicts: None,
        };
        if !cancel.is_cancelled() {
            assessment.judge(observer, cancel)?;
        }
        Ok(assessment)
    }

    /// Judges with the current settings; returns whether it was not cancelled.
    fn judge(&mut self, observer: &mut dyn Observer, cancel: &CancelToken) -> Result<bool, PipelineError> {
        let verdicts = self
            .judge
            .verdicts(&mut self.population, &self.settings, observer, cancel)?;
        let judged = verdicts.is_some();
        if let Some(verdicts) = verdicts {
            self.verdicts = Some(Arc::new(verdicts));
        }
        Ok(judged)
    }

    pub(super) fn is_judged(&self) -> bool {
        self.verdicts.is_some()
    }

    /// The verdicts with the current settings.
    pub fn verdicts(&self) -> Arc<Verdicts> {
        let verdicts = self.verdicts.as_ref();
        Arc::clone(verdicts.expect("an assessment is handed out only once it is judged"))
    }

    /// The settings that the verdicts were made with: those of the trained model where it decides.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether a new judging needs neither the catalog nor the networks.
    pub fn is_kept(&self) -> bool {
        self.population.is_kept()
    }

    pub(super) fn selection(&self) -> &Selection {
        &self.population.selection
    }

    pub(super) fn mean_error(&self) -> Option<&MeanError> {
        self.judge.mean_error()
    }

    /// The verdicts with other settings of detection, and with other settings of output for what is written later. Nothing is trained,
    /// and nothing read where the reconstructions are kept; what does not depend on the change is not computed again. The result is that
    /// of [`rank_only`](super::rank_only) with these settings. Selection, preparation, model and training stay as they are.
    ///
    /// Returns `None` when cancelled; the assessment is then as it was before.
    ///
    /// Errors: settings that nothing can be judged with, and where spectra must be read again, what reading meets.
    pub fn rejudge(
        &mut self,
        settings: &Settings,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<Option<Arc<Verdicts>>, PipelineError> {
        settings.check()?;
        let changed = Settings {
            detect: settings.detect.clone(),
            window: settings.window.clone(),
            significance: settings.significance.clone(),
            output: settings.output.clone(),
            cutouts: settings.cutouts.clone(),
            ..self.settings.clone()
        };
        let before = std::mem::replace(&mut self.settings, changed);
        match self.judge(observer, cancel) {
            Ok(true) => Ok(Some(self.verdicts())),
            Ok(false) => {
                self.settings = before;
                Ok(None)
            }
            Err(error) => {
                self.settings = before;
                Err(error)
            }
        }
    }

    /// The `k` objects most like one of them; `None` where it has no usable latent vector. See [`similar`](crate::anomaly::similar).
    pub fn similar(&self, id: &str, k: usize) -> Option<Neighbors> {
        let (verdicts, training) = (self.verdicts(), &self.settings.training);
        similar_in(&verdicts.judgements, &verdicts.facts, training.folds, id, k)
    }

    /// Makes views of the spectra as this model sees them.
    pub fn viewer(&self) -> Viewer {
        let catalog = self.selection().catalog.clone();
        let cutouts = cutouts(&self.settings, &catalog);
        Viewer::new(catalog)
            .with_cutouts(Some(cutouts))
            .with_model(Some(Arc::clone(&self.population.reconstructor)))
    }

    /// Writes ranking, regions, figures and manifest under a new number, as the job without screens does with the current settings.
    pub fn write(&self, observer: &mut dyn Observer) -> Result<Summary, PipelineError> {
        let mut job = Job::begin(&self.inputs, &self.settings)?;
        job.uses(&self.population.reconstructor);
        job.write(self, observer, &CancelToken::default())?;
        job.finish(self.selection(), Some(&self.verdicts()), false, observer)
    }

    /// Draws the spectra of these objects under a new number, in the order of their rank, as `spectriage plot` does.
    ///
    /// Errors: an object that is not in the ranking.
    pub fn figures_of(&self, ids: &[String], observer: &mut dyn Observer) -> Result<Summary, PipelineError> {
        let verdicts = self.verdicts();
        let chosen = chosen(&verdicts.judgements, ids)?;
        let mut job = Job::begin(&self.inputs, &self.settings)?;
        job.uses(&self.population.reconstructor);
        job.draw(self.viewer(), &chosen, &chosen, observer, &CancelToken::default())?;
        job.finish(self.selection(), None, false, observer)
    }
}

/// The verdicts on `ids`, in the order of the ranking.
///
/// Errors: one that is not there.
pub(super) fn chosen<'a>(
    judgements: &'a [Judgement],
    ids: &[String],
) -> Result<Vec<&'a Judgement>, PipelineError> {
    let wanted: std::collections::HashSet<&str> = ids.iter().map(String::as_str).collect();
    let found: Vec<&Judgement> = judgements
        .iter()
        .filter(|judgement| wanted.contains(judgement.object_id.as_str()))
        .collect();
    match ids
        .iter()
        .find(|id| !found.iter().any(|judgement| judgement.object_id == **id))
    {
        Some(missing) => Err(PipelineError::NotRanked { id: missing.clone() }),
        None => Ok(found),
    }
}

/// Reconstructs and judges a catalog with a trained checkpoint (the newest one of the metadata folder where none is given) and keeps all
/// in hand; writes nothing. Returns `None` when cancelled.
pub fn assess(
    inputs: &[String],
    settings: &Settings,
    checkpoint: Option<PathBuf>,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<Option<Assessment>, PipelineError> {
    settings.check()?;
    let reconstructor = Reconstructor::open(
        checkpoint,
        &settings.output.metadata_dir,
        settings.training.device,
    )?;
    let selection = Selection::open(inputs, &settings.selection, observer)?;
    let model = Arc::new(reconstructor);
    let assessment = Assessment::make(inputs, settings, selection, model, None, observer, cancel)?;
    Ok(assessment.is_judged().then_some(assessment))
}

/// The settings with what a trained model decides, whatever they say: folds, network and preparation. The device stays as asked for.
pub(super) fn as_trained(settings: &Settings, origin: &Origin) -> Settings {
    let mut settings = settings.clone();
    settings.training = TrainingSettings {
        device: settings.training.device,
        ..origin.training.clone()
    };
    settings.model = origin.model.clone();
    settings.prepare.frame = origin.preparation.frame;
    settings.prepare.min_wavelength = origin.preparation.min_wavelength;
    settings.prepare.normalization = match origin.preparation.normalization {
        Normalization::Median { .. } => NormalizationKind::Median,
        Normalization::Robust => NormalizationKind::Robust,
    };
    if let WavelengthGrid::Log10 { step, .. } = origin.preparation.grid {
        settings.prepare.log_step = step;
    }
    settings
}

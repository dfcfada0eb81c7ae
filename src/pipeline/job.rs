//! The whole job, and the parts of it that are commands of their own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use super::report::{self, picked};
use super::score::{Scorer, Verdicts};
use super::settings::{Method, NormalizationKind, Settings};
use super::source::Selection;
use super::train::{self, Trained, TrainingSet, newest_checkpoint};
use super::{CancelToken, Event, Observer, PipelineError};
use crate::anomaly::{Correlations, Judgement};
use crate::artifact::{
    self, InputFile, Manifest, Ranked, RowCounts, RunFiles, SamplingInfo, write_manifest, write_ranking,
    write_regions, write_sampling_info,
};
use crate::model::checkpoint::{Checkpoint, Origin};
use crate::model::{Accelerator, Ensemble, TrainingSettings};
use crate::spectrum::WavelengthGrid;
use crate::spectrum::prepare::{Normalization, Prepared};

/// What a job did.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The number of the run, in the names of its files.
    pub run: u64,
    pub selected: u64,
    pub skipped: u64,
    pub ranked: u64,
    pub anomalous: u64,
    pub correlations: Option<Correlations>,
    /// The strangest, at most ten.
    pub top: Vec<Judgement>,
    /// All files written.
    pub files: Vec<PathBuf>,
    pub timings: BTreeMap<String, f64>,
    /// It was cancelled; the training can be resumed from the checkpoint among the files.
    pub interrupted: bool,
}

/// A job under way: its number, its clock and what it has read.
struct Job<'a> {
    settings: &'a Settings,
    run: RunFiles,
    selection: Selection,
    inputs: Vec<String>,
    timings: BTreeMap<String, f64>,
    clock: Instant,
    device: String,
}

impl<'a> Job<'a> {
    fn open(
        inputs: &[String],
        settings: &'a Settings,
        observer: &mut dyn Observer,
    ) -> Result<Self, PipelineError> {
        let clock = Instant::now();
        let selection = Selection::open(inputs, &settings.selection, observer)?;
        let run = RunFiles::reserve(&settings.output.images_dir, &settings.output.metadata_dir)?;
        let mut job = Self {
            settings,
            run,
            selection,
            inputs: inputs.to_vec(),
            timings: BTreeMap::new(),
            clock,
            device: settings.training.device.name().into(),
        };
        job.lap("open");
        Ok(job)
    }

    /// Notes the seconds since the last lap.
    fn lap(&mut self, name: &str) {
        *self.timings.entry(name.into()).or_default() += self.clock.elapsed().as_secs_f64();
        self.clock = Instant::now();
    }

    fn checkpoint_path(&self) -> PathBuf {
        self.run.metadata("checkpoint", "bpk")
    }

    /// Trains, or goes on from `resume`; returns the ensemble, and the prepared spectra where they are all of the selection.
    fn train(
        &mut self,
        accelerator: &Accelerator,
        resume: Option<&Path>,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<(Trained, Checkpoint, Option<Vec<Prepared>>), PipelineError> {
        let preparation = self.selection.choose_preparation(self.settings, observer)?;
        let set = TrainingSet::read(&mut self.selection, &preparation, self.settings, observer, cancel)?;
        self.lap("read");
        let origin = Origin {
            preparation,
            model: self.settings.model.clone(),
            training: self.settings.training.clone(),
            catalog_digest: self.selection.digest.clone(),
        };
        let path = self.checkpoint_path();
        let mut checkpoint = train::start(origin, resume)?;
        let trained = train::train(
            &set,
            &mut checkpoint,
            &path,
            self.settings,
            accelerator,
            observer,
            cancel,
        )?;
        self.lap("train");
        // Cancelled before the first batch there is none.
        if path.is_file() {
            observer.event(Event::Wrote(path));
        }
        let complete = self.selection.rows.len() <= self.settings.training.max_spectra;
        Ok((trained, checkpoint, complete.then_some(set.prepared)))
    }

    /// Scores, ranks and writes everything but the manifest.
    fn score(
        &mut self,
        checkpoint: &Checkpoint,
        ensemble: &Ensemble,
        accelerator: &Accelerator,
        known: Option<Vec<Prepared>>,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<Option<Verdicts>, PipelineError> {
        let preparation = &checkpoint.origin.preparation;
        let settings = as_trained(self.settings, checkpoint);
        let scorer = || Scorer::new(&settings, preparation, ensemble, accelerator);
        let Some(verdicts) = scorer().judge(&mut self.selection, known, observer, cancel)? else {
            return Ok(None);
        };
        self.lap("score");
        let ranked: Vec<Ranked> = verdicts
            .judgements
            .iter()
            .zip(&verdicts.facts)
            .map(|(judgement, facts)| Ranked { judgement, facts })
            .collect();
        let mut written = write_ranking(&self.run, &ranked)?;
        written.push(write_regions(&self.run, &ranked)?);
        let window = &self.settings.window;
        let info = SamplingInfo {
            seed: settings.training.seed,
            method: match self.settings.detect.method {
                Method::Significance => "significance".into(),
                Method::Window => "window".into(),
            },
            absolute_residual_threshold: verdicts.thresholds.map(|thresholds| thresholds.absolute),
            relative_residual_threshold: verdicts.thresholds.map(|thresholds| thresholds.relative),
            range_mismatch_factor: verdicts.thresholds.map(|_| window.range_mismatch_factor),
        };
        written.push(write_sampling_info(&self.run, &info, &ranked)?);
        for path in written {
            observer.event(Event::Wrote(path));
        }
        self.lap("write");
        report::draw_mean_error(&self.run, &verdicts, &settings, observer)?;
        let chosen = picked(&verdicts.judgements, &settings);
        report::draw_spectra(&self.run, &self.selection, &scorer(), &chosen, observer)?;
        self.lap("draw");
        Ok(Some(verdicts))
    }

    /// Writes the manifest and sums up.
    fn finish(
        mut self,
        verdicts: Option<&Verdicts>,
        interrupted: bool,
        observer: &mut dyn Observer,
    ) -> Result<Summary, PipelineError> {
        let inputs = self
            .selection
            .catalog
            .files()
            .iter()
            .map(|file| InputFile::read(&file.path, Some(file.rows)))
            .collect::<Result<_, _>>()?;
        self.lap("digest");
        let issues = &self.selection.issues;
        let judgements = verdicts.map_or(&[][..], |verdicts| &verdicts.judgements);
        let anomalous = judgements.iter().filter(|judgement| judgement.anomalous).count() as u64;
        let correlations = verdicts.map(|verdicts| verdicts.correlations);
        let rows = RowCounts {
            selected: self.selection.selected,
            skipped: issues.len() as u64,
            ranked: judgements.len() as u64,
            anomalous,
        };
        let manifest = Manifest {
            version: env!("CARGO_PKG_VERSION").into(),
            run: self.run.n(),
            settings: serde_json::json!({ "inputs": self.inputs, "settings": self.settings }),
            seed: self.settings.training.seed,
            device: self.device.clone(),
            inputs,
            rows,
            row_issues: issues.clone(),
            correlations: correlations.unwrap_or_default(),
            files: Vec::new(),
            timings: self.timings.clone(),
        };
        observer.event(Event::Wrote(write_manifest(&self.run, &manifest)?));
        let mut files: Vec<PathBuf> = self
            .run
            .files()
            .iter()
            .map(|record| match record.folder {
                artifact::Folder::Images => self.settings.output.images_dir.join(&record.name),
                artifact::Folder::Metadata => self.settings.output.metadata_dir.join(&record.name),
            })
            .collect();
        let checkpoint = self.checkpoint_path();
        if checkpoint.is_file() {
            files.push(checkpoint);
        }
        Ok(Summary {
            run: self.run.n(),
            selected: rows.selected,
            skipped: rows.skipped,
            ranked: rows.ranked,
            anomalous,
            correlations,
            top: judgements.iter().take(10).cloned().collect(),
            files,
            timings: self.timings,
            interrupted,
        })
    }
}

/// The whole job: train, score, rank, write figures and tables.
///
/// `resume` is a checkpoint to go on from. Errors: see [`PipelineError`]; what was written before stays.
pub fn run(
    inputs: &[String],
    settings: &Settings,
    resume: Option<PathBuf>,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<Summary, PipelineError> {
    let accelerator = Accelerator::open(settings.training.device)?;
    let mut job = Job::open(inputs, settings, observer)?;
    let (trained, checkpoint, known) = job.train(&accelerator, resume.as_deref(), observer, cancel)?;
    if trained.interrupted {
        return job.finish(None, true, observer);
    }
    report::draw_loss(&job.run, &trained.ensemble, settings, observer)?;
    let verdicts = job.score(
        &checkpoint,
        &trained.ensemble,
        &accelerator,
        known,
        observer,
        cancel,
    )?;
    let interrupted = verdicts.is_none();
    job.finish(verdicts.as_ref(), interrupted, observer)
}

/// Trains only.
pub fn train_only(
    inputs: &[String],
    settings: &Settings,
    resume: Option<PathBuf>,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<Summary, PipelineError> {
    let accelerator = Accelerator::open(settings.training.device)?;
    let mut job = Job::open(inputs, settings, observer)?;
    let (trained, _, _) = job.train(&accelerator, resume.as_deref(), observer, cancel)?;
    if !trained.interrupted {
        report::draw_loss(&job.run, &trained.ensemble, settings, observer)?;
    }
    job.finish(None, trained.interrupted, observer)
}

/// The settings with what a trained model decides, whatever they say: folds, network and preparation. The device stays as asked for.
fn as_trained(settings: &Settings, checkpoint: &Checkpoint) -> Settings {
    let origin = &checkpoint.origin;
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

/// Opens a finished checkpoint: the given one, or the newest of the metadata folder.
fn finished_checkpoint(
    settings: &Settings,
    path: Option<PathBuf>,
    accelerator: &Accelerator,
) -> Result<(PathBuf, Checkpoint, Ensemble), PipelineError> {
    let folder = &settings.output.metadata_dir;
    let path = match path {
        Some(path) => path,
        None => newest_checkpoint(folder).ok_or_else(|| PipelineError::NoCheckpoint {
            folder: folder.clone(),
        })?,
    };
    let checkpoint = Checkpoint::load(&path)?;
    if !checkpoint.is_complete() {
        return Err(PipelineError::UnfinishedCheckpoint { path });
    }
    let ensemble = checkpoint.ensemble(accelerator)?;
    Ok((path, checkpoint, ensemble))
}

/// Ranks a catalog with a trained checkpoint, the newest one where none is given.
pub fn rank_only(
    inputs: &[String],
    settings: &Settings,
    checkpoint: Option<PathBuf>,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<Summary, PipelineError> {
    let accelerator = Accelerator::open(settings.training.device)?;
    let (path, checkpoint, ensemble) = finished_checkpoint(settings, checkpoint, &accelerator)?;
    observer.event(Event::Note(format!("model: {}", path.display())));
    let settings = &as_trained(settings, &checkpoint);
    let mut job = Job::open(inputs, settings, observer)?;
    let verdicts = job.score(&checkpoint, &ensemble, &accelerator, None, observer, cancel)?;
    let interrupted = verdicts.is_none();
    job.finish(verdicts.as_ref(), interrupted, observer)
}

/// Draws spectra of ranking `of` (the newest one where none is given) again: those of `ids`, or what the settings pick.
pub fn plot(
    inputs: &[String],
    settings: &Settings,
    of: Option<u64>,
    ids: &[String],
    checkpoint: Option<PathBuf>,
    observer: &mut dyn Observer,
) -> Result<Summary, PipelineError> {
    let accelerator = Accelerator::open(settings.training.device)?;
    let (n, mut judgements) = artifact::read_ranking(&settings.output.metadata_dir, of)?;
    let own = settings.output.metadata_dir.join(format!("checkpoint_{n}.bpk"));
    let checkpoint = checkpoint.or_else(|| own.is_file().then_some(own));
    let (path, checkpoint, ensemble) = finished_checkpoint(settings, checkpoint, &accelerator)?;
    observer.event(Event::Note(format!("ranking {n}, model: {}", path.display())));
    let settings = &as_trained(settings, &checkpoint);
    let mut job = Job::open(inputs, settings, observer)?;
    let scorer = Scorer::new(settings, &checkpoint.origin.preparation, &ensemble, &accelerator);
    if let Some(missing) = ids
        .iter()
        .find(|id| !judgements.iter().any(|judgement| judgement.object_id == **id))
    {
        return Err(PipelineError::NoSuchObject { id: missing.clone() });
    }
    judgements.retain(|judgement| ids.is_empty() || ids.contains(&judgement.object_id));
    let chosen = if ids.is_empty() {
        picked(&judgements, settings)
    } else {
        judgements.iter().collect()
    };
    report::draw_spectra(&job.run, &job.selection, &scorer, &chosen, observer)?;
    job.lap("draw");
    job.finish(None, false, observer)
}

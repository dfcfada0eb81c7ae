//! The whole job, and the parts of it that are commands of their own.

use std::path::PathBuf;
use std::sync::Arc;

use super::assessment::{Assessment, as_trained, chosen};
use super::cutouts::cutouts;
use super::history::{checkpoint_of_run, own_ranking};
use super::job::{Job, Summary};
use super::reconstructor::Reconstructor;
use super::report::picked;
use super::settings::Settings;
use super::viewer::Viewer;
use super::{CancelToken, Event, Observer, PipelineError};
use crate::artifact;
use crate::catalog::Catalog;
use crate::model::Accelerator;

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
    run_kept(inputs, settings, resume, observer, cancel).map(|(summary, _)| summary)
}

/// As [`run`], and hands out what the ranking rests on, unless it was cancelled.
pub fn run_kept(
    inputs: &[String],
    settings: &Settings,
    resume: Option<PathBuf>,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<(Summary, Option<Assessment>), PipelineError> {
    settings.check()?;
    let (accelerator, settings) = &open_device(settings, observer)?;
    let (mut job, mut selection) = Job::open(inputs, settings, observer)?;
    let resume = resume.as_deref();
    let (trained, checkpoint, known) =
        job.train(&mut selection, accelerator, resume, true, observer, cancel)?;
    if trained.interrupted {
        return Ok((job.finish(&selection, None, true, observer)?, None));
    }
    job.draw_loss(&trained.ensemble, observer)?;
    let model = Reconstructor::new(
        checkpoint.origin,
        job.checkpoint_path(),
        &trained.ensemble,
        accelerator,
    );
    job.rank(selection, Arc::new(model), known, observer, cancel)
}

/// Opens the device of the settings; `auto` is told, and gives way to what it has led to.
fn open_device(
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<(Accelerator, Settings), PipelineError> {
    let accelerator = Accelerator::open(settings.training.device)?;
    if let Some(reason) = &accelerator.reason {
        observer.event(Event::Note(reason.clone()));
    }
    let mut settings = settings.clone();
    settings.training.device = accelerator.kind;
    Ok((accelerator, settings))
}

/// Trains only.
pub fn train_only(
    inputs: &[String],
    settings: &Settings,
    resume: Option<PathBuf>,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<Summary, PipelineError> {
    settings.check()?;
    let (accelerator, settings) = &open_device(settings, observer)?;
    let (mut job, mut selection) = Job::open(inputs, settings, observer)?;
    let resume = resume.as_deref();
    let (trained, _, _) = job.train(&mut selection, accelerator, resume, false, observer, cancel)?;
    if !trained.interrupted {
        job.draw_loss(&trained.ensemble, observer)?;
    }
    job.finish(&selection, None, trained.interrupted, observer)
}

/// Ranks a catalog with a trained checkpoint, the newest one where none is given.
pub fn rank_only(
    inputs: &[String],
    settings: &Settings,
    checkpoint: Option<PathBuf>,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<Summary, PipelineError> {
    rank_kept(inputs, settings, checkpoint, observer, cancel).map(|(summary, _)| summary)
}

/// As [`rank_only`], and hands out what the ranking rests on, unless it was cancelled.
pub fn rank_kept(
    inputs: &[String],
    settings: &Settings,
    checkpoint: Option<PathBuf>,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<(Summary, Option<Assessment>), PipelineError> {
    settings.check()?;
    let model = Reconstructor::open(
        checkpoint,
        &settings.output.metadata_dir,
        settings.training.device,
    )?;
    observer.event(Event::Note(format!("model: {}", model.file.display())));
    let settings = &as_trained(settings, &model.origin);
    let (job, selection) = Job::open(inputs, settings, observer)?;
    job.rank(selection, Arc::new(model), None, observer, cancel)
}

/// Draws spectra of ranking `of` (the newest one of this catalog where none is given) again: those of `ids`, or what the settings pick.
///
/// Cancelled, it fetches no more images and draws with those that it has.
pub fn plot(
    inputs: &[String],
    settings: &Settings,
    of: Option<u64>,
    ids: &[String],
    checkpoint: Option<PathBuf>,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<Summary, PipelineError> {
    settings.check()?;
    let folder = &settings.output.metadata_dir;
    let of = match of {
        Some(number) => number,
        None => own_ranking(folder, &Catalog::open(inputs)?)?,
    };
    let (n, judgements) = artifact::read_ranking(folder, Some(of))?;
    let checkpoint = match checkpoint {
        Some(path) => Some(path),
        None => checkpoint_of_run(folder, n)?,
    };
    let model = Reconstructor::open(checkpoint, folder, settings.training.device)?;
    observer.event(Event::Note(format!(
        "ranking {n}, model: {}",
        model.file.display()
    )));
    let settings = &as_trained(settings, &model.origin);
    let chosen = if ids.is_empty() {
        picked(&judgements, settings)
    } else {
        chosen(&judgements, ids)?
    };
    let (mut job, selection) = Job::open(inputs, settings, observer)?;
    job.uses(&model);
    job.draws_from(n);
    let catalog = selection.catalog.clone();
    let cutouts = cutouts(settings, &catalog);
    let viewer = Viewer::new(catalog)
        .with_cutouts(Some(cutouts))
        .with_model(Some(Arc::new(model)));
    let listed = if ids.is_empty() {
        judgements.iter().collect()
    } else {
        chosen.clone()
    };
    job.draw(viewer, &chosen, &listed, observer, cancel)?;
    job.finish(&selection, None, cancel.is_cancelled(), observer)
}

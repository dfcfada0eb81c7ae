//! A job under way: its number, its clock, its steps, and the files that each leaves. [`commands`](super::commands) puts them together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use super::assessment::Assessment;
use super::judge::Verdicts;
use super::reconstructor::Reconstructor;
use super::report::{self, picked};
use super::settings::Settings;
use super::shelf::{Room, Shelf};
use super::source::Selection;
use super::train::{self, Trained, TrainingSet};
use super::viewer::Viewer;
use super::{CancelToken, Event, Observer, PipelineError};
use crate::anomaly::{Correlations, Judgement};
use crate::artifact::{self, InputFile, Manifest, RowCounts, RunFiles, write_manifest};
use crate::model::checkpoint::{Asked, Checkpoint, Origin};
use crate::model::{Accelerator, Ensemble};

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

/// A job under way: its number and its clock.
pub(super) struct Job {
    inputs: Vec<String>,
    settings: Settings,
    run: RunFiles,
    /// The checkpoint of the networks that are used, where it is not the run's own.
    checkpoint: Option<PathBuf>,
    /// The ranking that is drawn, where it is that of another run.
    ranking: Option<u64>,
    timings: BTreeMap<String, f64>,
    clock: Instant,
}

impl Job {
    /// Takes a number for the files of a job.
    pub fn begin(inputs: &[String], settings: &Settings) -> Result<Self, PipelineError> {
        Ok(Self {
            inputs: inputs.to_vec(),
            settings: settings.clone(),
            run: RunFiles::reserve(&settings.output.images_dir, &settings.output.metadata_dir)?,
            checkpoint: None,
            ranking: None,
            timings: BTreeMap::new(),
            clock: Instant::now(),
        })
    }

    /// Selects the rows, then takes a number: a job that cannot begin leaves no folder.
    pub(super) fn open(
        inputs: &[String],
        settings: &Settings,
        observer: &mut dyn Observer,
    ) -> Result<(Self, Selection), PipelineError> {
        let clock = Instant::now();
        let selection = Selection::open(inputs, &settings.selection, observer)?;
        let mut job = Self {
            clock,
            ..Self::begin(inputs, settings)?
        };
        job.lap("open");
        Ok((job, selection))
    }

    /// Notes the seconds since the last lap.
    fn lap(&mut self, name: &str) {
        *self.timings.entry(name.into()).or_default() += self.clock.elapsed().as_secs_f64();
        self.clock = Instant::now();
    }

    /// Where the run's own checkpoint is, if it trains.
    pub(super) fn checkpoint_path(&self) -> PathBuf {
        self.run.metadata("checkpoint", "bpk")
    }

    /// Notes whose networks judge or draw.
    pub(super) fn uses(&mut self, model: &Reconstructor) {
        self.checkpoint = Some(model.file.clone());
    }

    /// Notes whose ranking is drawn.
    pub(super) fn draws_from(&mut self, ranking: u64) {
        self.ranking = Some(ranking);
    }

    /// Trains, or goes on from `resume`; returns the ensemble, and the prepared spectra where they are all of the selection. `for_all`: all of the
    /// selection are going to be scored.
    pub(super) fn train(
        &mut self,
        selection: &mut Selection,
        accelerator: &Accelerator,
        resume: Option<&Path>,
        for_all: bool,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<(Trained, Checkpoint, Option<Shelf>), PipelineError> {
        let (room, training) = (Room::of(&self.settings.store), &self.settings.training);
        let preparation = selection.choose_preparation(&self.settings, &room, observer)?;
        let rows = selection.training_rows(training.max_spectra, training.seed);
        let all = selection.rows.clone();
        // All at once where there is room for them, else those to learn from.
        let mut complete = for_all || rows.len() == all.len();
        let mut shelf = None;
        if complete {
            shelf = Shelf::fill(selection, &all, &preparation, &room, observer, cancel)?;
        }
        if shelf.is_none() && rows.len() < all.len() {
            complete = false;
            shelf = Shelf::fill(selection, &rows, &preparation, &room, observer, cancel)?;
        }
        let shelf = match shelf {
            Some(shelf) => shelf,
            None => Shelf::hold(selection, &rows, &preparation, observer, cancel)?,
        };
        if shelf.is_empty() && !cancel.is_cancelled() {
            return Err(selection.nothing_usable());
        }
        let set = TrainingSet::of(&shelf, &rows);
        self.lap("read");
        let rows = &self.settings.selection;
        let asked = Asked {
            catalog: selection.catalog.digest(),
            r#where: rows.r#where.clone(),
            order_by: rows.order_by.clone(),
            limit: rows.limit,
        };
        let origin = Origin {
            preparation,
            model: self.settings.model.clone(),
            training: self.settings.training.clone(),
            catalog_digest: selection.digest.clone(),
            asked: Some(asked),
        };
        let path = self.checkpoint_path();
        let mut checkpoint = train::start(origin, resume)?;
        let trained = train::train(
            &set,
            &mut checkpoint,
            &path,
            &self.settings,
            accelerator,
            observer,
            cancel,
        )?;
        self.lap("train");
        // Cancelled before the first batch there is none.
        if path.is_file() {
            observer.event(Event::Wrote(path));
        }
        Ok((trained, checkpoint, complete.then_some(shelf)))
    }

    /// Draws how the training went.
    pub(super) fn draw_loss(
        &self,
        ensemble: &Ensemble,
        observer: &mut dyn Observer,
    ) -> Result<(), PipelineError> {
        report::draw_loss(&self.run, ensemble, &self.settings, observer)
    }

    /// Writes all that an assessment says but the manifest.
    pub fn write(
        &mut self,
        assessment: &Assessment,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<(), PipelineError> {
        let (settings, verdicts) = (assessment.settings(), assessment.verdicts());
        report::write_tables(&self.run, &verdicts, settings, observer)?;
        self.lap("write");
        if let Some(error) = assessment.mean_error() {
            let mask_kind = assessment.selection().mask_kind()?;
            report::draw_mean_error(&self.run, error, mask_kind, settings, observer)?;
        }
        let chosen = picked(&verdicts.judgements, settings);
        let top: Vec<&Judgement> = verdicts.judgements.iter().collect();
        self.draw(assessment.viewer(), &chosen, &top, observer, cancel)
    }

    /// Draws the spectra of the chosen verdicts, and where asked for the contact sheet of the first of `listed`.
    pub fn draw(
        &mut self,
        viewer: Viewer,
        chosen: &[&Judgement],
        listed: &[&Judgement],
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<(), PipelineError> {
        let viewer = if self.settings.cutouts.fetch_cutouts {
            viewer.fetching(cancel.clone())
        } else {
            viewer
        };
        let output = &self.settings.output;
        report::draw_spectra(&self.run, &viewer, output, chosen, observer)?;
        report::draw_contact_sheet(&self.run, &viewer, output, listed, observer)?;
        self.lap("draw");
        Ok(())
    }

    /// Judges a selection, and writes what was found unless it was cancelled.
    pub(super) fn rank(
        mut self,
        selection: Selection,
        model: Arc<Reconstructor>,
        known: Option<Shelf>,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<(Summary, Option<Assessment>), PipelineError> {
        self.uses(&model);
        let (inputs, settings) = (&self.inputs, &self.settings);
        let assessment = Assessment::make(inputs, settings, selection, model, known, observer, cancel)?;
        if !assessment.is_judged() {
            return Ok((self.finish(assessment.selection(), None, true, observer)?, None));
        }
        self.lap("score");
        self.write(&assessment, observer, cancel)?;
        let summary = self.finish(
            assessment.selection(),
            Some(&assessment.verdicts()),
            false,
            observer,
        )?;
        Ok((summary, Some(assessment)))
    }

    /// Writes the manifest and sums up.
    pub fn finish(
        mut self,
        selection: &Selection,
        verdicts: Option<&Verdicts>,
        interrupted: bool,
        observer: &mut dyn Observer,
    ) -> Result<Summary, PipelineError> {
        let inputs = selection
            .catalog
            .files()
            .iter()
            .map(|file| InputFile::read(&file.path, Some(file.rows)))
            .collect::<Result<_, _>>()?;
        let checkpoint = self.checkpoint.clone().unwrap_or_else(|| self.checkpoint_path());
        self.lap("digest");
        let issues = &selection.issues;
        let judgements = verdicts.map_or(&[][..], |verdicts| &verdicts.judgements);
        let anomalous = judgements.iter().filter(|judgement| judgement.anomalous).count() as u64;
        let correlations = verdicts.map(|verdicts| verdicts.correlations);
        let rows = RowCounts {
            selected: selection.selected,
            skipped: issues.len() as u64,
            ranked: judgements.len() as u64,
            anomalous,
        };
        let manifest = Manifest {
            version: env!("CARGO_PKG_VERSION").into(),
            run: self.run.n(),
            settings: serde_json::json!({
                "inputs": self.inputs,
                "catalog": selection.catalog.digest(),
                "settings": self.settings,
            }),
            seed: self.settings.training.seed,
            device: self.settings.training.device.name().into(),
            inputs,
            // A run that was cancelled early has none.
            checkpoint: InputFile::read(&checkpoint, None).ok(),
            ranking: self.ranking,
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

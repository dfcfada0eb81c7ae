//! Training the cross-fitted ensemble, with checkpoints on the way.

use std::collections::HashSet;
use std::path::Path;
use std::thread;

use super::components::Starts;
use super::preview::Previewer;
use super::scribe::Scribe;
use super::settings::Settings;
use super::shelf::Shelf;
use super::source::fold_key;
use super::{CancelToken, Event, Observer, PipelineError};
use crate::model::checkpoint::{Checkpoint, Origin};
use crate::model::{
    Accelerator, Draft, Ensemble, Flow, Glance, ModelError, Outcome, Progress, Sample, Spectra, Trainer,
    Training, TrainingObserver, TrainingSettings, TrainingState, fold_of, lot_of,
};

/// Fewer spectra than this in a training set say nothing.
const FEWEST: usize = 8;

/// The spectra of a shelf that networks learn from and are watched with.
pub struct TrainingSet<'a> {
    pub shelf: &'a Shelf,
    /// Places on the shelf, ascending.
    pub places: Vec<usize>,
}

impl<'a> TrainingSet<'a> {
    /// The spectra of the training rows.
    pub fn of(shelf: &'a Shelf, rows: &[u64]) -> Self {
        let rows: HashSet<u64> = rows.iter().copied().collect();
        let places = (0..shelf.len()).filter(|place| rows.contains(&shelf.row(*place)));
        Self {
            shelf,
            places: places.collect(),
        }
    }

    /// Whether the networks of all folds have enough to learn from.
    ///
    /// Errors: more folds than spectra; a fold that would leave too few of them.
    fn check(&self, training: &TrainingSettings) -> Result<(), ModelError> {
        let of = self.places.len();
        if training.folds > of {
            return Err(ModelError::TooManyFolds {
                folds: training.folds,
                of,
            });
        }
        let mut held_out = vec![0; training.folds];
        let mut learned_from = 0;
        for &place in &self.places {
            let key = fold_key(self.shelf.facts(place));
            if is_modeled(self.shelf.coverage(place)) && !watches(&key, training) {
                learned_from += 1;
                held_out[fold_of(&key, training.folds)] += 1;
            }
        }
        let most = held_out.into_iter().max().filter(|_| training.folds > 1);
        let found = learned_from - most.unwrap_or(0);
        if found < FEWEST {
            return Err(ModelError::TooFewSpectra {
                found,
                of,
                needed: FEWEST,
            });
        }
        Ok(())
    }

    /// The spectra that may teach the network of `fold`, split into those it learns from and those that only watch.
    pub fn split(&self, fold: usize, settings: &Settings) -> (Part<'a>, Part<'a>) {
        let training = &settings.training;
        let (mut train, mut validation) = (Vec::new(), Vec::new());
        for &place in &self.places {
            if !is_modeled(self.shelf.coverage(place)) {
                continue;
            }
            let key = fold_key(self.shelf.facts(place));
            if training.folds > 1 && fold_of(&key, training.folds) == fold {
                continue;
            }
            let watches = watches(&key, training);
            if watches { &mut validation } else { &mut train }.push(place);
        }
        let part = |places| Part {
            shelf: self.shelf,
            places,
        };
        (part(train), part(validation))
    }
}

/// Some spectra of a shelf.
pub struct Part<'a> {
    shelf: &'a Shelf,
    places: Vec<usize>,
}

impl Part<'_> {
    /// At most `most` of the spectra, spread over all of them.
    pub fn spread(&self, most: usize) -> Result<Sample, ModelError> {
        let count = self.places.len().min(most);
        let spread: Vec<usize> = (0..count).map(|i| i * self.places.len() / count).collect();
        self.select(&spread)
    }
}

impl Spectra for Part<'_> {
    fn len(&self) -> usize {
        self.places.len()
    }

    fn select(&self, indices: &[usize]) -> Result<Sample, ModelError> {
        let places: Vec<usize> = indices.iter().map(|index| self.places[*index]).collect();
        self.shelf.sample(&places)
    }
}

/// Whether the objects of a key are held out from all folds, to watch the loss.
pub fn watches(key: &str, training: &TrainingSettings) -> bool {
    // A thousandth is fine enough for a share.
    ((lot_of(key, !training.seed) % 1000) as f64) < training.validation_fraction * 1000.0
}

/// Whether enough of the spectrum lies on the model's grid for the model to say anything of it.
pub fn is_modeled(coverage: f64) -> bool {
    const LEAST_COVERAGE: f64 = 0.1;
    coverage >= LEAST_COVERAGE
}

/// How a training ended.
pub struct Trained {
    pub ensemble: Ensemble,
    /// Not all folds are there: the checkpoint can be resumed.
    pub interrupted: bool,
}

/// Trains the networks of all folds that `checkpoint` does not have yet, and keeps it in `path`: every few seconds, at the end of a fold, and
/// where it was cancelled.
///
/// Errors: too few spectra, or spectra that cannot be read; a loss that is not finite; a checkpoint that cannot be written.
pub fn train(
    set: &TrainingSet,
    checkpoint: &mut Checkpoint,
    path: &Path,
    settings: &Settings,
    accelerator: &Accelerator,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<Trained, PipelineError> {
    let folds = settings.training.folds;
    if folds == 1 {
        let note = "one fold: every spectrum is judged by a model that has seen it, which hides part of what is strange about it";
        observer.event(Event::Note(note.into()));
    }
    if checkpoint.members.len() < folds && !cancel.is_cancelled() {
        set.check(&settings.training)?;
    }
    // What a resumed run builds on is kept under its own number too, even where nothing is left to train.
    if !checkpoint.members.is_empty() || checkpoint.running.is_some() {
        checkpoint.save(path)?;
    }
    let preparation = &checkpoint.origin.preparation;
    let mut previewer = observer
        .wants_previews()
        .then(|| Previewer::new(set, preparation, settings, accelerator));
    let mut scribe = Scribe::new(path);
    thread::scope(|scope| -> Result<(), PipelineError> {
        let mut starts = Starts::new(scope, set, settings, accelerator);
        while checkpoint.members.len() < folds && !cancel.is_cancelled() {
            let fold = checkpoint.members.len();
            let (train, validation) = set.split(fold, settings);
            let trainer = Trainer {
                model: &settings.model,
                settings: &settings.training,
                accelerator,
                seed: seed_of(settings.training.seed, fold),
            };
            let running = checkpoint.running.take();
            // A resumed network brings its components with it.
            let pca = match running {
                Some(_) => starts.nothing(),
                None => starts.of(fold, &train, observer)?,
            };
            starts.prepare(fold + 1);
            if let Some(previewer) = &mut previewer {
                previewer.fold_begins(&checkpoint.ensemble(accelerator)?);
            }
            let mut keeper = Keeper {
                previewer: previewer.as_mut(),
                checkpoint,
                scribe: &mut scribe,
                fold,
                folds,
                observer,
                cancel,
            };
            let (outcome, state) = trainer.train(&train, &validation, &pca, running, &mut keeper)?;
            let best = best_epoch(&state);
            observer.event(Event::Trained {
                fold,
                folds,
                outcome,
                best_epoch: best.0,
                best_loss: best.1,
            });
            enter(checkpoint, fold, (&train, &validation), outcome, state);
            scribe.settle()?;
            checkpoint.save(path)?;
            tracing::debug!(fold, "network kept");
        }
        Ok(())
    })?;
    Ok(Trained {
        ensemble: checkpoint.ensemble(accelerator)?,
        interrupted: !checkpoint.is_complete(),
    })
}

/// Enters what the training of a fold has come to: a network, or a state to go on from.
fn enter(
    checkpoint: &mut Checkpoint,
    fold: usize,
    (train, validation): (&Part, &Part),
    outcome: Outcome,
    state: TrainingState,
) {
    if outcome == Outcome::Cancelled {
        checkpoint.running = Some(state);
        return;
    }
    let training = Training {
        fold,
        train_spectra: train.len(),
        validation_spectra: validation.len(),
        outcome,
        history: state.header.history,
    };
    checkpoint.members.push((training, state.best_network));
    checkpoint.running = None;
}

/// The seed of a fold's network.
fn seed_of(seed: u64, fold: usize) -> u64 {
    seed.wrapping_mul(1_000_003).wrapping_add(fold as u64)
}

fn best_epoch(state: &TrainingState) -> (usize, f64) {
    state
        .header
        .history
        .iter()
        .map(|record| (record.epoch, record.validation_loss))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or((0, f64::NAN))
}

/// Passes progress on and keeps the state in the checkpoint file.
struct Keeper<'a, 'b> {
    previewer: Option<&'a mut Previewer<'b>>,
    checkpoint: &'a Checkpoint,
    scribe: &'a mut Scribe,
    fold: usize,
    folds: usize,
    observer: &'a mut dyn Observer,
    cancel: &'a CancelToken,
}

impl TrainingObserver for Keeper<'_, '_> {
    fn progress(&mut self, progress: &Progress) -> Flow {
        self.observer.event(Event::Training {
            fold: self.fold,
            folds: self.folds,
            progress: progress.clone(),
        });
        if self.cancel.is_cancelled() {
            Flow::Stop
        } else {
            Flow::Continue
        }
    }

    fn glance(&mut self, glance: &Glance) {
        let Some(previewer) = &mut self.previewer else {
            return;
        };
        if let Some(preview) = previewer.preview(glance, self.fold) {
            self.observer.event(Event::Preview(preview));
        }
        if glance.epoch_ended
            && let Some(provisional) = previewer.provisional(glance, self.fold)
        {
            self.observer.event(Event::Provisional(provisional));
        }
    }

    fn wants_state(&mut self, epoch_ended: bool) -> bool {
        self.scribe.is_due(epoch_ended)
    }

    fn keep(&mut self, draft: Draft) -> Result<(), ModelError> {
        let mut checkpoint = self.checkpoint.clone();
        self.scribe.begin(move || {
            checkpoint.running = Some(draft.finish()?);
            Ok(checkpoint)
        })
    }
}

/// Where to start from: an earlier checkpoint that fits, or nothing.
pub fn start(origin: Origin, resume: Option<&Path>) -> Result<Checkpoint, PipelineError> {
    match resume {
        None => Ok(Checkpoint::new(origin)),
        Some(path) => {
            let mut checkpoint = Checkpoint::load(path)?;
            checkpoint.check(&origin, path)?;
            // One of before does not tell how its rows are asked for; those that fit it are now known.
            checkpoint.origin.asked = checkpoint.origin.asked.or(origin.asked);
            Ok(checkpoint)
        }
    }
}

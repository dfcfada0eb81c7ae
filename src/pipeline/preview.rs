//! A look at a training while it runs: one spectrum that was held out from it, and what would head the list by now.
//!
//! Nothing here draws a random number or changes the network, and nothing is computed unless the observer asks: a run that is watched
//! ends with the same files.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::PipelineError;
use super::settings::Settings;
use super::source::fold_key;
use super::train::{TrainingSet, is_modeled, watches};
use super::verdict::{Look, Opinion};
use crate::anomaly::{Calibration, ErrorModelBuilder, Evidence, Judgement, places};
use crate::model::{Accelerator, Ensemble, Glance, Inference, Network, Reconstructed, Sample, fold_of};
use crate::spectrum::prepare::{Preparation, Prepared};
use crate::spectrum::{Facts, WavelengthGrid};

/// One held-out spectrum with what the network in training makes of it.
///
/// Shapes: every slice has one value a pixel of the model's grid; all but the reconstruction are the same ones during a run. Units:
/// wavelengths of the working frame, Angstrom vacuum; flux, sigma and reconstruction normalized alike, NaN where there is no valid
/// measurement.
#[derive(Debug, Clone)]
pub struct Preview {
    pub object_id: String,
    pub z: Option<f64>,
    /// No network of this run learns from it; else there is nothing that was held out.
    pub held_out: bool,
    pub fold: usize,
    pub folds: usize,
    /// Finished epochs of this fold.
    pub epoch: usize,
    pub wavelength: Arc<[f64]>,
    pub flux: Arc<[f32]>,
    pub sigma: Arc<[f32]>,
    pub reconstruction: Arc<[f32]>,
}

impl Preview {
    /// Mean of the squared residual in units of the noise, over the valid pixels; NaN without any.
    pub fn reduced_chi2(&self) -> f64 {
        let squares: Vec<f64> = (0..self.flux.len())
            .filter(|i| self.flux[*i].is_finite() && self.reconstruction[*i].is_finite())
            .map(|i| f64::from((self.flux[i] - self.reconstruction[i]) / self.sigma[i]).powi(2))
            .collect();
        squares.iter().sum::<f64>() / squares.len() as f64
    }
}

/// What would head the list by now: the significance score, whatever the method, of a fixed part of the spectra, each by a network that does not learn
/// from it. Those of finished folds are seen by their finished network, those of this fold by the network as it is. Ranks and percentiles are
/// among the judged.
#[derive(Debug, Clone)]
pub struct Provisional {
    pub fold: usize,
    pub folds: usize,
    /// Finished epochs of this fold.
    pub epoch: usize,
    /// Spectra judged.
    pub judged: usize,
    /// The strangest first, at most fifty.
    pub judgements: Arc<[Judgement]>,
    /// Of the same objects in the same order.
    pub facts: Arc<[Arc<Facts>]>,
}

/// A network is looked at so often between epochs.
const EVERY: Duration = Duration::from_secs(1);
/// Spectra judged for a provisional list, at most.
const JUDGED: usize = 2000;
/// Length of the provisional list.
const LISTED: usize = 50;
/// Least and most time for the reconstructions of a provisional list; between them it is a tenth of the epoch's.
const BUDGET: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(1));
/// A list that takes no longer than this is made after every epoch.
const LIGHT: Duration = Duration::from_millis(1500);
/// Spectra that are looked at together.
const BATCH: usize = 64;

/// A spectrum of the shelf, reconstructed.
struct Seen {
    place: usize,
    member: usize,
    flux: Vec<f32>,
    latent: Vec<f32>,
}

impl Seen {
    fn as_look<'a>(&'a self, prepared: &'a Prepared) -> Look<'a> {
        Look {
            prepared,
            member: self.member,
            reconstruction: &self.flux,
            latent: &self.latent,
        }
    }
}

/// Looks at the networks of a run.
pub struct Previewer<'a> {
    set: &'a TrainingSet<'a>,
    settings: &'a Settings,
    accelerator: &'a Accelerator,
    grid: WavelengthGrid,
    wavelength: Arc<[f64]>,
    shown: Option<Shown>,
    /// By the networks of the finished folds.
    finished: Vec<Seen>,
    /// So many spectra of a fold fit into the time; known once they did not.
    fitting: Option<usize>,
    epoch_began: Instant,
    last: Instant,
    /// When the last list was made, and how long that took.
    listed: Option<(Instant, Duration)>,
}

/// The spectrum of the previews.
struct Shown {
    place: usize,
    held_out: bool,
    flux: Arc<[f32]>,
    sigma: Arc<[f32]>,
}

impl<'a> Previewer<'a> {
    pub fn new(
        set: &'a TrainingSet<'a>,
        preparation: &Preparation,
        settings: &'a Settings,
        accelerator: &'a Accelerator,
    ) -> Self {
        Self {
            set,
            settings,
            accelerator,
            wavelength: preparation.grid.wavelengths().into(),
            grid: preparation.grid.clone(),
            shown: Shown::choose(set, settings),
            finished: Vec::new(),
            fitting: None,
            epoch_began: Instant::now(),
            last: Instant::now(),
            listed: None,
        }
    }

    /// Takes in the networks of the folds that are finished.
    pub fn fold_begins(&mut self, ensemble: &Ensemble) {
        let known = self
            .finished
            .iter()
            .map(|seen| seen.member + 1)
            .max()
            .unwrap_or(0);
        for member in known..ensemble.members.len() {
            let places = self.held_out_by(member);
            // A preview that cannot be made is none; the training itself says what cannot be read.
            if let Ok(sample) = self.set.shelf.sample(&places)
                && !sample.is_empty()
            {
                let made = self.by(&ensemble.members[member].network, &sample);
                self.finished.extend(seen(&places, member, made));
            }
        }
        self.epoch_began = Instant::now();
    }

    /// The spectrum of the previews as the network draws it now, where it is time for one.
    pub fn preview(&mut self, glance: &Glance, fold: usize) -> Option<Preview> {
        if !glance.first && !glance.epoch_ended && self.last.elapsed() < EVERY {
            return None;
        }
        let shown = self.shown.as_ref()?;
        let facts = self.set.shelf.facts(shown.place);
        let sample = self.set.shelf.sample(&[shown.place]).ok()?;
        let drawn = self.by(&glance.network(), &sample).pop()?;
        self.last = Instant::now();
        Some(Preview {
            object_id: facts.object_id.to_string(),
            z: facts.z,
            held_out: shown.held_out,
            fold,
            folds: self.settings.training.folds,
            epoch: glance.epochs,
            wavelength: self.wavelength.clone(),
            flux: shown.flux.clone(),
            sigma: shown.sigma.clone(),
            reconstruction: drawn.flux.into(),
        })
    }

    /// The provisional list at the end of an epoch; `None` where nothing is held out to be judged, or where lists would take more than
    /// a tenth of the time (on a fast accelerator).
    pub fn provisional(&mut self, glance: &Glance, fold: usize) -> Option<Provisional> {
        let began = Instant::now();
        if self
            .listed
            .is_some_and(|(when, took)| took > LIGHT && when.elapsed() < 9 * took)
        {
            return None;
        }
        let provisional = self.listing(glance, fold);
        self.listed = Some((Instant::now(), began.elapsed()));
        provisional
    }

    fn listing(&mut self, glance: &Glance, fold: usize) -> Option<Provisional> {
        let budget = (self.epoch_began.elapsed() / 10).clamp(BUDGET.0, BUDGET.1);
        let network = glance.network();
        let mut places = self.held_out_by(fold);
        if let Some(fitting) = self.fitting {
            places.truncate(fitting);
        }
        let (began, mut running) = (Instant::now(), Vec::new());
        for chunk in places.chunks(BATCH) {
            let sample = self.set.shelf.sample(chunk).ok()?;
            running.extend(seen(chunk, fold, self.by(&network, &sample)));
            if self.fitting.is_none() && running.len() < places.len() && began.elapsed() > budget {
                self.fitting = Some(running.len());
                break;
            }
        }
        let all: Vec<&Seen> = self.finished.iter().chain(&running).collect();
        let listed = self.list(&all).ok()?;
        self.epoch_began = Instant::now();
        let (judgements, facts): (Vec<Judgement>, Vec<Arc<Facts>>) = listed.into_iter().unzip();
        (!judgements.is_empty()).then(|| Provisional {
            fold,
            folds: self.settings.training.folds,
            epoch: glance.epochs,
            judged: all.len(),
            judgements: judgements.into(),
            facts: facts.into(),
        })
    }

    /// Judges by significance and returns the strangest.
    fn list(&self, all: &[&Seen]) -> Result<Vec<(Judgement, Arc<Facts>)>, PipelineError> {
        let settings = &self.settings.significance;
        let mut errors = ErrorModelBuilder::new(self.wavelength.len(), settings);
        for some in all.chunks(BATCH) {
            let places: Vec<usize> = some.iter().map(|seen| seen.place).collect();
            let prepared = self.set.shelf.some(&places)?;
            let pairs = some.iter().zip(&prepared);
            let looks: Vec<Look> = pairs.map(|(seen, prepared)| seen.as_look(prepared)).collect();
            Look::with_residuals(&looks, &self.wavelength, |residuals| errors.add(residuals));
        }
        let errors = errors.build();
        let evidence: Vec<Evidence> = all
            .par_iter()
            .map(|seen| self.look(seen, |look| look.evidence(&self.wavelength, &errors, settings)))
            .collect::<Result<_, _>>()?;
        let calibration = Calibration::fit(&evidence, settings);
        let scores: Vec<f64> = evidence
            .iter()
            .map(|evidence| calibration.score(evidence).score)
            .collect();
        let ids: Vec<&str> = all
            .iter()
            .map(|seen| self.set.shelf.facts(seen.place).object_id.as_str())
            .collect();
        let places = places(&scores, &ids);
        let judged = |i: usize| {
            let evidence = &evidence[i];
            self.look(all[i], |look| {
                let detail = look.significant(&self.wavelength, &self.grid, evidence, &errors, &calibration);
                let facts = &look.prepared.facts;
                let opinion = Opinion::by_significance(&calibration, None, evidence, &detail, None);
                let judgement = Judgement {
                    rank: places[i].rank,
                    percentile: places[i].percentile,
                    ..opinion.on(facts, evidence, &detail)
                };
                (judgement, Arc::clone(facts))
            })
        };
        let mut listed: Vec<(Judgement, Arc<Facts>)> = (0..all.len())
            .into_par_iter()
            .filter(|i| places[*i].rank <= LISTED as u64)
            .map(judged)
            .collect::<Result<_, _>>()?;
        listed.sort_unstable_by_key(|(judgement, _)| judgement.rank);
        Ok(listed)
    }

    fn look<T>(&self, seen: &Seen, work: impl FnOnce(Look) -> T) -> Result<T, PipelineError> {
        let prepared = self.set.shelf.get(seen.place)?;
        Ok(work(seen.as_look(&prepared)))
    }

    /// The spectra that a fold's network does not learn from, thinned to its share of those that are judged.
    fn held_out_by(&self, fold: usize) -> Vec<usize> {
        let training = &self.settings.training;
        let held_out = |place: usize| {
            let key = fold_key(self.set.shelf.facts(place));
            if training.folds > 1 {
                fold_of(&key, training.folds) == fold
            } else {
                watches(&key, training)
            }
        };
        let mut places = self.set.places.clone();
        places.retain(|place| held_out(*place));
        let share = (JUDGED / training.folds).max(1);
        let stride = places.len().div_ceil(share).max(1);
        places.into_iter().step_by(stride).collect()
    }

    fn by(&self, network: &Network, sample: &Sample) -> Vec<Reconstructed> {
        let error_floor = self.settings.model.error_floor;
        Inference::new(network, error_floor, self.accelerator).reconstruct(&sample.spectra())
    }
}

fn seen(places: &[usize], member: usize, made: Vec<Reconstructed>) -> impl Iterator<Item = Seen> {
    let pairs = places.iter().zip(made);
    pairs.map(move |(place, Reconstructed { flux, latent })| Seen {
        place: *place,
        member,
        flux,
        latent,
    })
}

impl Shown {
    /// A typical spectrum that no network learns from, of a signal-to-noise ratio as three quarters do not reach it; where none is held
    /// out, one that they do learn from.
    fn choose(set: &TrainingSet, settings: &Settings) -> Option<Self> {
        let shelf = set.shelf;
        let mut modeled = set.places.clone();
        modeled.retain(|place| is_modeled(shelf.coverage(*place)));
        let mut candidates: Vec<usize> = modeled
            .iter()
            .copied()
            .filter(|place| watches(&fold_key(shelf.facts(*place)), &settings.training))
            .collect();
        let held_out = !candidates.is_empty();
        if !held_out {
            candidates = modeled;
        }
        candidates.sort_by(|a, b| shelf.sn(*a).total_cmp(&shelf.sn(*b)));
        let place = *candidates.get(candidates.len() * 3 / 4)?;
        let spectrum = shelf.get(place).ok()?;
        let measured = |value: fn(f32, f32) -> f32| {
            spectrum
                .flux
                .iter()
                .zip(&spectrum.ivar)
                .map(|(flux, ivar)| {
                    if *ivar > 0.0 {
                        value(*flux, *ivar)
                    } else {
                        f32::NAN
                    }
                })
                .collect()
        };
        Some(Self {
            place,
            held_out,
            flux: measured(|flux, _| flux),
            sigma: measured(|_, ivar| 1.0 / ivar.sqrt()),
        })
    }
}

//! The prepared spectra of a job, within reach for every pass: in memory where they fit, in a file where they do not.
//!
//! The file stays for later jobs with the same catalog, rows and preparation, which then decode nothing. Spectra are read from it one by one at
//! their place, in any order, so that a training can shuffle them without having them in memory. Where neither has room, there is no shelf, and
//! spectra are prepared again for every pass.

mod record;
mod room;
mod stored;

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

use rayon::prelude::*;

pub use room::Room;
use stored::{FORMAT, Filling, Head, Stored};

use super::source::Selection;
use super::{CancelToken, Event, Observer, PipelineError, Stage};
use crate::model::{ModelError, Sample};
use crate::spectrum::Facts;
use crate::spectrum::prepare::{Preparation, Prepared};

/// What takes less on disk is prepared again sooner than it is worth a file.
const WORTH_A_FILE: u64 = 64_000_000;

/// The usable spectra of some rows, prepared, in the order of the rows.
pub struct Shelf {
    pixels: usize,
    held: Held,
}

enum Held {
    /// With the numbers of their rows.
    Memory(Vec<(u64, Prepared)>),
    File(Stored),
}

impl Held {
    fn in_memory(self) -> std::io::Result<Self> {
        let Self::File(file) = self else {
            return Ok(self);
        };
        let places = (0..file.cards.len()).into_par_iter();
        let read = places.map(|place| Ok((file.cards[place].row, file.get(place)?)));
        read.collect::<std::io::Result<_>>().map(Self::Memory)
    }
}

impl Shelf {
    /// Prepares the spectra of `rows`, or takes those that an earlier job has prepared; `None` where neither memory nor disk has room for them.
    ///
    /// Rows that cannot be used become issues of the selection. Cancelled, the shelf is not complete.
    ///
    /// Errors: what reading the catalog meets.
    pub fn fill(
        selection: &mut Selection,
        rows: &[u64],
        preparation: &Preparation,
        room: &Room,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<Option<Self>, PipelineError> {
        let pixels = preparation.grid.len();
        let fits = room.holds(rows.len(), pixels);
        let key = key(selection, rows, preparation);
        if let Some(stored) = room.find(&key) {
            let issues = stored.issues.clone();
            let file = Held::File(stored);
            // A damaged file is gone then, and its spectra are prepared anew.
            if let Ok(held) = if fits { file.in_memory() } else { Ok(file) } {
                selection.note(&issues, observer);
                let total = rows.len() as u64;
                observer.event(Event::Step {
                    stage: Stage::Read,
                    done: total,
                    total,
                });
                return Ok(Some(Self { pixels, held }));
            }
        }
        let bytes = record::most_bytes(pixels).saturating_mul(rows.len() as u64);
        let mut filling = None;
        if !fits || bytes >= WORTH_A_FILE {
            filling = match room.begin(&key, bytes) {
                Some(Ok(filling)) => Some(filling),
                Some(Err(why)) => {
                    tell(&why, fits, observer);
                    None
                }
                None => None,
            };
            if !fits && filling.is_none() {
                return Ok(None);
            }
        }
        let (mut memory, mut failed) = (Vec::new(), None);
        selection.prepared(rows, preparation, observer, cancel, |chunk| {
            if let Some(file) = &mut filling
                && let Err(error) = add(file, &chunk)
            {
                failed = Some(error);
                filling = None;
            }
            if fits {
                memory.extend(chunk);
            } else if filling.is_none() {
                return Ok(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let mut stored = None;
        if let Some(file) = filling.filter(|_| !cancel.is_cancelled()) {
            let head = Head {
                format: FORMAT,
                key,
                chosen_from: selection.chosen_from.clone(),
                preparation: preparation.clone(),
                issues: selection.issues_of(rows),
            };
            match file.finish(head) {
                Ok(file) => stored = Some(file),
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            tell(&error.to_string(), fits, observer);
            if !fits {
                return Ok(None);
            }
        }
        let held = match stored {
            Some(file) if !fits => Held::File(file),
            _ => Held::Memory(memory),
        };
        Ok(Some(Self { pixels, held }))
    }

    /// Prepares the spectra of `rows` and holds them in memory, however many they are.
    pub fn hold(
        selection: &mut Selection,
        rows: &[u64],
        preparation: &Preparation,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<Self, PipelineError> {
        let mut memory = Vec::new();
        selection.prepared(rows, preparation, observer, cancel, |chunk| {
            memory.extend(chunk);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Self {
            pixels: preparation.grid.len(),
            held: Held::Memory(memory),
        })
    }

    /// Number of spectra.
    pub fn len(&self) -> usize {
        match &self.held {
            Held::Memory(spectra) => spectra.len(),
            Held::File(file) => file.cards.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Pixels of the model's grid.
    pub fn pixels(&self) -> usize {
        self.pixels
    }

    /// The number of a spectrum's row in the catalog.
    pub fn row(&self, index: usize) -> u64 {
        match &self.held {
            Held::Memory(spectra) => spectra[index].0,
            Held::File(file) => file.cards[index].row,
        }
    }

    pub fn facts(&self, index: usize) -> &Arc<Facts> {
        match &self.held {
            Held::Memory(spectra) => &spectra[index].1.facts,
            Held::File(file) => &file.cards[index].facts,
        }
    }

    /// Share of the model's pixels with a valid measurement.
    pub fn coverage(&self, index: usize) -> f64 {
        match &self.held {
            Held::Memory(spectra) => spectra[index].1.coverage,
            Held::File(file) => file.cards[index].coverage,
        }
    }

    /// Median signal-to-noise ratio a pixel.
    pub fn sn(&self, index: usize) -> f64 {
        match &self.held {
            Held::Memory(spectra) => spectra[index].1.sn,
            Held::File(file) => file.cards[index].sn,
        }
    }

    /// One spectrum.
    ///
    /// Errors: the file cannot be read, or is damaged.
    pub fn get(&self, index: usize) -> Result<Cow<'_, Prepared>, PipelineError> {
        match &self.held {
            Held::Memory(spectra) => Ok(Cow::Borrowed(&spectra[index].1)),
            Held::File(file) => file
                .get(index)
                .map(Cow::Owned)
                .map_err(|error| damaged(file, error)),
        }
    }

    /// Some spectra at once. Errors: as [`get`](Self::get).
    pub fn some(&self, indices: &[usize]) -> Result<Vec<Prepared>, PipelineError> {
        let get = |index: &usize| self.get(*index).map(Cow::into_owned);
        indices.par_iter().map(get).collect()
    }

    /// All spectra where they are in memory, else the shelf as it is.
    pub fn into_memory(self) -> Result<Vec<Prepared>, Self> {
        match self.held {
            Held::Memory(spectra) => Ok(spectra.into_iter().map(|(_, prepared)| prepared).collect()),
            Held::File(_) => Err(self),
        }
    }

    /// Flux and ivar of some spectra.
    ///
    /// Errors: the file cannot be read, or is damaged.
    pub fn sample(&self, indices: &[usize]) -> Result<Sample, ModelError> {
        let mut sample = Sample::new(self.pixels);
        for index in indices {
            match &self.held {
                Held::Memory(spectra) => {
                    let (_, prepared) = &spectra[*index];
                    sample.push(&prepared.flux, &prepared.ivar);
                }
                Held::File(file) => file
                    .append(*index, &mut sample)
                    .map_err(|error| ModelError::Spectra(damaged(file, error).to_string()))?,
            }
        }
        Ok(sample)
    }
}

fn add(file: &mut Filling, chunk: &[(u64, Prepared)]) -> std::io::Result<()> {
    chunk
        .iter()
        .try_for_each(|(row, prepared)| file.add(*row, prepared))
}

/// Why there is no file, and what that means.
fn tell(why: &str, fits: bool, observer: &mut dyn Observer) {
    let so = if fits {
        "a later job prepares them again"
    } else {
        "they are prepared again for every pass, which takes longer"
    };
    observer.event(Event::Note(format!(
        "prepared spectra cannot be kept on disk: {why}; {so}"
    )));
}

fn damaged(file: &Stored, error: std::io::Error) -> PipelineError {
    PipelineError::Io {
        what: format!("{} cannot be read", file.path().display()),
        source: error,
    }
}

/// Names the prepared spectra of rows: another content of the files, another selection or preparation has another key.
fn key(selection: &Selection, rows: &[u64], preparation: &Preparation) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&FORMAT.to_le_bytes());
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    hasher.update(selection.content().as_bytes());
    hasher.update(&(rows.len() as u64).to_le_bytes());
    for row in rows {
        hasher.update(&row.to_le_bytes());
    }
    hasher.update(&serde_json::to_vec(preparation).unwrap_or_default());
    hasher.finalize().to_hex().to_string()
}

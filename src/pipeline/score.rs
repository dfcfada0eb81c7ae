//! The reconstructed spectra of a selection: kept in memory where they fit, else made again for every pass.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::reconstructor::{Reconstructor, Scored};
use super::shelf::{Room, Shelf};
use super::source::{CHUNK, Selection};
use super::{CancelToken, Event, Observer, PipelineError, Stage};
use crate::spectrum::prepare::Prepared;

/// All usable spectra of a selection with their held-out reconstructions.
pub struct Population {
    pub selection: Selection,
    pub reconstructor: Arc<Reconstructor>,
    held: Held,
    /// The rows in the order of the spectra, once they were asked for.
    usable: Option<Vec<u64>>,
}

enum Held {
    /// Nothing is computed again.
    Scored(Vec<Scored>),
    /// Reconstructed again for every pass.
    Prepared(Shelf),
    /// Read and prepared again, too.
    Nothing,
}

impl Population {
    /// Prepares and, where they fit into memory, reconstructs the spectra of the selection. `known` are all of them where they are prepared already
    /// (after training). Cancelled, it is not complete.
    pub fn gather(
        mut selection: Selection,
        reconstructor: Arc<Reconstructor>,
        known: Option<Shelf>,
        room: &Room,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<Self, PipelineError> {
        let shelf = match known {
            Some(shelf) => Some(shelf),
            None => {
                let (rows, preparation) = (selection.rows.clone(), reconstructor.preparation());
                Shelf::fill(&mut selection, &rows, preparation, room, observer, cancel)?
            }
        };
        let held = match shelf.map(Shelf::into_memory) {
            None => Held::Nothing,
            Some(Err(shelf)) => Held::Prepared(shelf),
            Some(Ok(prepared)) => Held::Scored(scored(&reconstructor, prepared, observer, cancel)),
        };
        Ok(Self {
            selection,
            reconstructor,
            held,
            usable: None,
        })
    }

    /// Whether a pass needs neither the catalog nor the networks.
    pub fn is_kept(&self) -> bool {
        matches!(self.held, Held::Scored(_))
    }

    /// Shows every spectrum to `each`, in order, [`CHUNK`] at a time; returns whether it came to the end before it was cancelled.
    pub fn visit(
        &mut self,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
        mut each: impl FnMut(&[Scored]),
    ) -> Result<bool, PipelineError> {
        let reconstructor = Arc::clone(&self.reconstructor);
        match &self.held {
            Held::Scored(kept) => {
                let total = kept.len();
                for (number, chunk) in kept.chunks(CHUNK).enumerate() {
                    if cancel.is_cancelled() {
                        break;
                    }
                    each(chunk);
                    observer.event(judged(number * CHUNK + chunk.len(), total));
                }
            }
            Held::Prepared(shelf) => {
                let all: Vec<usize> = (0..shelf.len()).collect();
                visit_shelf(shelf, &all, &reconstructor, observer, cancel, each)?;
            }
            Held::Nothing => {
                let rows = self.selection.rows.clone();
                let preparation = reconstructor.preparation();
                self.selection
                    .prepared(&rows, preparation, observer, cancel, |chunk| {
                        let prepared = chunk.into_iter().map(|(_, prepared)| prepared);
                        each(&reconstructor.reconstruct(prepared.collect()));
                        Ok(ControlFlow::Continue(()))
                    })?;
            }
        }
        Ok(!cancel.is_cancelled())
    }

    /// The spectra at `places`: ascending, in the order of [`visit`](Self::visit), which has been at all of them before.
    pub fn some(
        &mut self,
        places: &[usize],
        observer: &mut dyn Observer,
    ) -> Result<Vec<Cow<'_, Scored>>, PipelineError> {
        let reconstructor = &self.reconstructor;
        let scored = match &self.held {
            Held::Scored(kept) => {
                return Ok(places.iter().map(|place| Cow::Borrowed(&kept[*place])).collect());
            }
            Held::Prepared(shelf) => reconstructor.reconstruct(shelf.some(places)?),
            Held::Nothing => {
                let usable = self.usable.get_or_insert_with(|| self.selection.usable_rows());
                let rows: Vec<u64> = places.iter().map(|place| usable[*place]).collect();
                let (preparation, never) = (reconstructor.preparation(), CancelToken::default());
                let mut scored = Vec::with_capacity(rows.len());
                self.selection
                    .prepared(&rows, preparation, observer, &never, |chunk| {
                        let prepared = chunk.into_iter().map(|(_, prepared)| prepared);
                        scored.extend(reconstructor.reconstruct(prepared.collect()));
                        Ok(ControlFlow::Continue(()))
                    })?;
                scored
            }
        };
        Ok(scored.into_iter().map(Cow::Owned).collect())
    }
}

/// Reconstructs all spectra, as far as it is not cancelled.
fn scored(
    reconstructor: &Reconstructor,
    prepared: Vec<Prepared>,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Vec<Scored> {
    let total = prepared.len() as u64;
    let mut scored = Vec::with_capacity(prepared.len());
    let mut rest = prepared.into_iter();
    while !cancel.is_cancelled() {
        let chunk: Vec<Prepared> = rest.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            break;
        }
        scored.extend(reconstructor.reconstruct(chunk));
        observer.event(Event::Step {
            stage: Stage::Reconstruct,
            done: scored.len() as u64,
            total,
        });
    }
    scored
}

/// Reads and reconstructs spectra of a shelf; the next ones are read beside the work on these.
fn visit_shelf(
    shelf: &Shelf,
    places: &[usize],
    reconstructor: &Reconstructor,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
    mut each: impl FnMut(&[Scored]),
) -> Result<(), PipelineError> {
    let mut chunks = places.chunks(CHUNK).peekable();
    let mut read = chunks.peek().map(|first| shelf.some(first));
    let mut done = 0;
    while let Some(chunk) = chunks.next() {
        if cancel.is_cancelled() {
            break;
        }
        let Some(prepared) = read.take() else {
            break;
        };
        let prepared = prepared?;
        rayon::in_place_scope(|scope| {
            if let Some(next) = chunks.peek().copied() {
                scope.spawn(|_| read = Some(shelf.some(next)));
            }
            each(&reconstructor.reconstruct(prepared));
        });
        done += chunk.len();
        observer.event(judged(done, places.len()));
    }
    Ok(())
}

fn judged(done: usize, total: usize) -> Event {
    Event::Step {
        stage: Stage::Judge,
        done: done as u64,
        total: total as u64,
    }
}

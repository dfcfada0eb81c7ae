//! The reconstructed spectra of a selection: kept in memory where they fit, else made again for every pass.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::beside::beside;
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
    Scored(Vec<Arc<Scored>>),
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

    /// Shows every spectrum to `each`, in order, [`CHUNK`] at a time; returns whether it came to the end before it was cancelled. The next ones are read and
    /// reconstructed beside its work.
    pub fn visit(
        &mut self,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
        mut each: impl FnMut(&[Arc<Scored>]) + Send,
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
            Held::Prepared(shelf) => beside(
                |give| {
                    let all: Vec<usize> = (0..shelf.len()).collect();
                    for (number, chunk) in all.chunks(CHUNK).enumerate() {
                        if cancel.is_cancelled() {
                            break;
                        }
                        give(reconstructor.shared(shelf.some(chunk)?));
                        observer.event(judged(number * CHUNK + chunk.len(), all.len()));
                    }
                    Ok(())
                },
                |scored: Vec<Arc<Scored>>| each(&scored),
            )?,
            Held::Nothing => beside(
                |give| {
                    let rows = self.selection.rows.clone();
                    let preparation = reconstructor.preparation();
                    self.selection
                        .prepared(&rows, preparation, observer, cancel, |chunk| {
                            let prepared = chunk.into_iter().map(|(_, prepared)| prepared);
                            give(reconstructor.shared(prepared.collect()));
                            Ok(ControlFlow::Continue(()))
                        })
                },
                |scored: Vec<Arc<Scored>>| each(&scored),
            )?,
        }
        Ok(!cancel.is_cancelled())
    }

    /// The spectra at `places`: ascending, in the order of [`visit`](Self::visit), which has been at all of them before.
    pub fn some(
        &mut self,
        places: &[usize],
        observer: &mut dyn Observer,
    ) -> Result<Vec<Arc<Scored>>, PipelineError> {
        let reconstructor = &self.reconstructor;
        Ok(match &self.held {
            Held::Scored(kept) => places.iter().map(|place| Arc::clone(&kept[*place])).collect(),
            Held::Prepared(shelf) => reconstructor.shared(shelf.some(places)?),
            Held::Nothing => {
                let usable = self.usable.get_or_insert_with(|| self.selection.usable_rows());
                let rows: Vec<u64> = places.iter().map(|place| usable[*place]).collect();
                let (preparation, never) = (reconstructor.preparation(), CancelToken::default());
                let mut scored = Vec::with_capacity(rows.len());
                self.selection
                    .prepared(&rows, preparation, observer, &never, |chunk| {
                        let prepared = chunk.into_iter().map(|(_, prepared)| prepared);
                        scored.extend(reconstructor.shared(prepared.collect()));
                        Ok(ControlFlow::Continue(()))
                    })?;
                scored
            }
        })
    }
}

/// Reconstructs all spectra, as far as it is not cancelled.
fn scored(
    reconstructor: &Reconstructor,
    prepared: Vec<Prepared>,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Vec<Arc<Scored>> {
    let total = prepared.len() as u64;
    let mut scored = Vec::with_capacity(prepared.len());
    let mut rest = prepared.into_iter();
    while !cancel.is_cancelled() {
        let chunk: Vec<Prepared> = rest.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            break;
        }
        scored.extend(reconstructor.shared(chunk));
        observer.event(Event::Step {
            stage: Stage::Reconstruct,
            done: scored.len() as u64,
            total,
        });
    }
    scored
}

fn judged(done: usize, total: usize) -> Event {
    Event::Step {
        stage: Stage::Judge,
        done: done as u64,
        total: total as u64,
    }
}

//! The reconstructed spectra of a selection: kept in memory where they fit, else made again for every pass.

use std::sync::Arc;

use super::reconstructor::{Reconstructor, Scored};
use super::source::Selection;
use super::{CancelToken, Event, Observer, PipelineError, Stage};
use crate::spectrum::prepare::Prepared;

/// Spectra that are reconstructed at once.
const CHUNK: usize = 256;
/// Reconstructions are kept between the passes where they take at most so many numbers, else made again.
const KEPT_NUMBERS: usize = 400_000_000;

/// All usable spectra of a selection with their held-out reconstructions.
pub struct Population {
    pub selection: Selection,
    pub reconstructor: Arc<Reconstructor>,
    /// All of them, where they fit into memory.
    kept: Option<Vec<Scored>>,
}

impl Population {
    /// Reconstructs the selection, where it fits into memory. `known` are all of its spectra where they are prepared already (after
    /// training on all of them). Cancelled, it is not complete.
    pub fn gather(
        selection: Selection,
        reconstructor: Arc<Reconstructor>,
        known: Option<Vec<Prepared>>,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<Self, PipelineError> {
        let mut population = Self {
            selection,
            reconstructor,
            kept: None,
        };
        let pixels = population.reconstructor.grid().len();
        if population.selection.rows.len().saturating_mul(3 * pixels) <= KEPT_NUMBERS {
            population.keep(known, observer, cancel)?;
        }
        Ok(population)
    }

    /// Whether a pass needs neither the catalog nor the networks.
    pub fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    fn keep(
        &mut self,
        known: Option<Vec<Prepared>>,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
    ) -> Result<(), PipelineError> {
        let prepared = match known {
            Some(known) => known,
            None => {
                let rows = self.selection.rows.clone();
                let mut all = Vec::new();
                let preparation = self.reconstructor.preparation();
                self.selection
                    .prepared(&rows, preparation, observer, cancel, |chunk| {
                        all.extend(chunk);
                        Ok(())
                    })?;
                all
            }
        };
        let total = prepared.len() as u64;
        let mut kept = Vec::with_capacity(prepared.len());
        let mut rest = prepared.into_iter();
        loop {
            let chunk: Vec<Prepared> = rest.by_ref().take(CHUNK).collect();
            if chunk.is_empty() || cancel.is_cancelled() {
                break;
            }
            kept.extend(self.reconstructor.reconstruct(chunk));
            observer.event(Event::Step {
                stage: Stage::Reconstruct,
                done: kept.len() as u64,
                total,
            });
        }
        self.kept = Some(kept);
        Ok(())
    }

    /// Shows every spectrum to `each`, in order, some at a time; returns whether it came to the end before it was cancelled.
    pub fn visit(
        &mut self,
        observer: &mut dyn Observer,
        cancel: &CancelToken,
        mut each: impl FnMut(&[Scored]),
    ) -> Result<bool, PipelineError> {
        if let Some(kept) = &self.kept {
            let total = kept.len() as u64;
            let mut done = 0;
            for chunk in kept.chunks(CHUNK) {
                if cancel.is_cancelled() {
                    break;
                }
                each(chunk);
                done += chunk.len() as u64;
                observer.event(Event::Step {
                    stage: Stage::Judge,
                    done,
                    total,
                });
            }
        } else {
            let rows = self.selection.rows.clone();
            let reconstructor = Arc::clone(&self.reconstructor);
            let preparation = reconstructor.preparation();
            self.selection
                .prepared(&rows, preparation, observer, cancel, |prepared| {
                    each(&reconstructor.reconstruct(prepared));
                    Ok(())
                })?;
        }
        Ok(!cancel.is_cancelled())
    }
}

//! Anomalies planted into copies of a population's own spectra, reconstructed and measured as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::beside::beside;
use super::reconstructor::{Reconstructor, Scored};
use super::score::Population;
use super::source::CHUNK;
use super::{CancelToken, Event, Observer, PipelineError, Stage};
use crate::anomaly::{
    Calibration, ErrorModel, Evidence, GridRegion, InjectedEvidence, Injection, Planted, RegionFacts,
    Residual, SignificanceSettings, appeared, inject, region_facts, regions, unit_of,
};
use crate::spectrum::Facts;
use crate::spectrum::prepare::{Frame, Prepared};

/// Copies of one spectrum, at most.
const MOST_COPIES: usize = 5;
/// Copies of catalogs with fewer spectra than that: more of them make their lists no better. Larger ones are copied once a spectrum, up to what the settings say.
const COPIES_OF_FEW: usize = 3000;
/// Kinds that are tried on a spectrum which cannot carry the first.
const TRIES: u64 = 6;
/// What few spectra can carry is tried on more of them, so many times as often as the rest: one in five galaxies has two groups of lines of which one can go.
const SCARCE: [(Injection, usize); 2] = [(Injection::LinesGone, 12), (Injection::DoublePeak, 5)];

/// Copies with planted anomalies, as they were measured; both lists are of the same copies in the same order.
#[derive(Debug, Default)]
pub(super) struct Injections {
    pub evidence: Vec<InjectedEvidence>,
    /// The regions that appeared.
    pub planted: Vec<Planted>,
}

/// Measures copies of some spectra with planted anomalies, `settings.injections` of them where the population is large; `None` where it was cancelled.
///
/// Which spectra, kinds and strengths depends on the identities alone. Copies are looked at by the networks of their originals. Their regions are those of the default thresholds,
/// so that a threshold that is moved does not plant anew.
pub(super) fn injections(
    population: &mut Population,
    errors: &ErrorModel,
    facts: &[Arc<Facts>],
    evidence: &[Evidence],
    settings: &SignificanceSettings,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<Option<Injections>, PipelineError> {
    if settings.injections == 0 {
        return Ok(Some(Injections::default()));
    }
    let (chosen, copies) = chosen(facts, evidence, settings.injections);
    // Another spectrum lends something to each: its next one. Of a large catalog only these are looked at.
    let other_of = |place: usize| {
        let first = place / CHUNK * CHUNK;
        first + (place - first + 1) % CHUNK.min(evidence.len() - first)
    };
    let measures = Measures {
        reconstructor: population.reconstructor.clone(),
        errors,
        evidence,
        calibration: Calibration::fit(evidence, settings),
        settings,
    };
    let mut injected = Injections::default();
    let make = |give: &mut dyn FnMut(Batch)| {
        for (number, here) in chosen.chunks(CHUNK / 2).enumerate() {
            if cancel.is_cancelled() {
                break;
            }
            let places: BTreeSet<usize> = here.iter().flat_map(|at| [*at, other_of(*at)]).collect();
            let places: Vec<usize> = places.into_iter().collect();
            let scored = population.some(&places, observer)?;
            let looked_at = places.into_iter().zip(scored).collect();
            give(measures.batch(here, looked_at, other_of, copies));
            observer.event(Event::Step {
                stage: Stage::Judge,
                done: (number * (CHUNK / 2) + here.len()) as u64,
                total: chosen.len() as u64,
            });
        }
        Ok(())
    };
    beside(make, |batch| {
        for (evidence, planted) in measures.measure(&batch) {
            injected.evidence.push(evidence);
            injected.planted.push(planted);
        }
    })?;
    Ok((!cancel.is_cancelled()).then_some(injected))
}

/// Some spectra, and copies of them with something planted, as the networks see both.
struct Batch {
    originals: ByPlace,
    /// The places of the copies' originals, and what was planted.
    labels: Vec<(usize, Injection)>,
    copies: Vec<Scored>,
}

/// The places of the spectra that are copied, and how often each is, for so many copies in all.
fn chosen(facts: &[Arc<Facts>], evidence: &[Evidence], injections: usize) -> (Vec<usize>, u64) {
    let usable = evidence.iter().filter(|evidence| evidence.coverage > 0.0).count();
    let (share, copies) = dealt(injections, usable);
    // A share of the spectra by a hash of their names, so that a catalog in another order gives the same copies.
    let is_chosen = |place: &usize| evidence[*place].coverage > 0.0 && unit_of(hash(&facts[*place])) < share;
    ((0..evidence.len()).filter(is_chosen).collect(), copies)
}

/// The share of so many spectra that is copied, and how often each of them is, for at most so many copies in all.
fn dealt(injections: usize, usable: usize) -> (f64, u64) {
    let wanted = injections.min(usable.max(COPIES_OF_FEW));
    let copies = wanted.div_ceil(usable.max(1)).min(MOST_COPIES);
    (
        wanted as f64 / (usable.max(1) * copies.max(1)) as f64,
        copies as u64,
    )
}

/// Spectra by their place in the population.
type ByPlace = BTreeMap<usize, Arc<Scored>>;

/// What copies are made and measured with.
struct Measures<'a> {
    reconstructor: Arc<Reconstructor>,
    errors: &'a ErrorModel,
    /// Of the originals.
    evidence: &'a [Evidence],
    calibration: Calibration,
    settings: &'a SignificanceSettings,
}

impl Measures<'_> {
    /// Plants into copies of the spectra `here`, and reconstructs them; each is lent something by another one, `other_of` it.
    fn batch(
        &self,
        here: &[usize],
        originals: ByPlace,
        other_of: impl Fn(usize) -> usize + Sync,
        copies: u64,
    ) -> Batch {
        let planted: Vec<((usize, Injection), Prepared)> = here
            .par_iter()
            .flat_map_iter(|&place| {
                let (scored, other) = (&originals[&place], &originals[&other_of(place)]);
                (0..copies).filter_map(move |copy| {
                    let (kind, prepared) = self.planted(scored, other, copy)?;
                    Some(((place, kind), prepared))
                })
            })
            .collect();
        let (labels, prepared): (Vec<_>, Vec<_>) = planted.into_iter().unzip();
        Batch {
            labels,
            copies: self.reconstructor.reconstruct(prepared),
            originals,
        }
    }

    /// Measures the copies.
    fn measure(&self, batch: &Batch) -> Vec<(InjectedEvidence, Planted)> {
        // By index, once for all copies of one spectrum.
        let copied: BTreeSet<usize> = batch.labels.iter().map(|(of, _)| *of).collect();
        let originals: BTreeMap<usize, Vec<GridRegion>> = copied
            .into_par_iter()
            .map(|of| (of, self.regions(&batch.originals[&of], &self.evidence[of]).0))
            .collect();
        let copies = batch.labels.par_iter().zip(&batch.copies);
        copies
            .map(|(&(of, kind), scored)| {
                let evidence = self.reconstructor.evidence(scored, self.errors, self.settings);
                let (found, facts) = self.regions(scored, &evidence);
                let planted = Planted {
                    artifact: kind.is_artifact(),
                    regions: appeared(&found, &facts, &originals[&of]),
                };
                (InjectedEvidence { kind, of, evidence }, planted)
            })
            .collect()
    }

    fn regions(&self, scored: &Scored, evidence: &Evidence) -> (Vec<GridRegion>, Vec<RegionFacts>) {
        scored
            .as_look()
            .with_residual(self.reconstructor.grid(), |residual| {
                let found = regions(residual, evidence, self.errors, &self.calibration);
                let facts = region_facts(residual, self.errors, &found);
                (found, facts)
            })
    }

    /// A copy with something planted; `None` where this spectrum carries nothing.
    fn planted(&self, scored: &Scored, other: &Scored, copy: u64) -> Option<(Injection, Prepared)> {
        let (preparation, grid) = (self.reconstructor.preparation(), self.reconstructor.grid());
        let seed = hash(&scored.prepared.facts).wrapping_add(copy);
        let kinds = tried_kinds();
        // The upper half chose the spectrum: the kind is of other bits. Copies of one spectrum get different ones.
        let mut next = (seed & 0xffff) + 7 * copy;
        (0..TRIES).find_map(|attempt| {
            let kind = kinds[(next % kinds.len() as u64) as usize];
            next = (seed.rotate_left(24) ^ attempt).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
            if kind == Injection::WrongRedshift && preparation.frame != Frame::Rest {
                return None;
            }
            let change = |residual: &Residual| inject(kind, residual, &other.reconstruction, seed);
            let injected = scored.as_look().with_residual(grid, change)?;
            let mut prepared = Prepared {
                flux: injected.flux,
                ivar: injected.ivar,
                ..scored.prepared.clone()
            };
            if injected.moved != 0 {
                moved(&mut prepared, injected.moved, grid);
            }
            preparation.renormalize(&mut prepared);
            Some((kind, prepared))
        })
    }
}

fn hash(facts: &Facts) -> u64 {
    let digest = blake3::hash(facts.object_id.as_bytes());
    u64::from_le_bytes(digest.as_bytes()[..8].try_into().expect("a hash has 32 bytes"))
}

/// Every kind, the scarce ones several times.
fn tried_kinds() -> Vec<Injection> {
    let times = |kind: &Injection| {
        SCARCE
            .iter()
            .find(|(scarce, _)| scarce == kind)
            .map_or(1, |(_, times)| *times)
    };
    Injection::ALL
        .iter()
        .flat_map(|kind| std::iter::repeat_n(*kind, times(kind)))
        .collect()
}

/// The redshift at which what was seen stands `pixels` further on, and the artifact-prone pixels with it.
fn moved(prepared: &mut Prepared, pixels: isize, grid: &[f64]) {
    let ratio = (grid[grid.len() - 1] / grid[0]).powf(pixels as f64 / (grid.len() - 1) as f64);
    prepared.stretch /= ratio;
    Arc::make_mut(&mut prepared.facts).z = Some(prepared.stretch - 1.0);
    let before = std::mem::take(&mut prepared.artifact);
    prepared.artifact = (0..before.len() as isize)
        .map(|pixel| {
            let from = usize::try_from(pixel - pixels).ok();
            from.and_then(|from| before.get(from)).copied().unwrap_or(false)
        })
        .collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_catalogs_are_copied_often_and_large_ones_once() {
        // A share above one is all of them.
        assert_eq!(dealt(10_000, 500), (3000.0 / 2500.0, 5));
        assert_eq!(dealt(10_000, 1000), (1.0, 3));
        assert_eq!(dealt(10_000, 8000), (1.0, 1));
        assert_eq!(dealt(10_000, 1_000_000), (0.01, 1));
        assert_eq!(dealt(90, 1000), (0.09, 1));
        assert_eq!(dealt(10_000, 0).1, 5);
    }

    #[test]
    fn every_kind_is_tried_and_the_scarce_ones_more_often() {
        let kinds = tried_kinds();
        let times = |kind| kinds.iter().filter(|other| **other == kind).count();
        for kind in Injection::ALL {
            let scarce = SCARCE.iter().find(|(scarce, _)| *scarce == kind);
            assert_eq!(times(kind), scarce.map_or(1, |(_, times)| *times), "{kind:?}");
        }
        // Copies of one spectrum are seven kinds apart: with a common divisor some would never be tried on it.
        assert_ne!(kinds.len() % 7, 0);
    }
}

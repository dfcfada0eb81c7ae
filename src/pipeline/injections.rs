//! Anomalies planted into copies of a population's own spectra, reconstructed and measured as they were.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::reconstructor::Scored;
use super::score::Population;
use super::{CancelToken, Observer, PipelineError};
use crate::anomaly::{
    Calibration, ErrorModel, Evidence, GridRegion, InjectedEvidence, Injection, Planted, Residual,
    SignificanceSettings, appeared, inject, region_facts, regions,
};
use crate::spectrum::prepare::{Frame, Preparation, Prepared};

/// Copies of one spectrum, at most.
const MOST_COPIES: usize = 3;
/// Kinds that are tried on a spectrum which cannot carry the first.
const TRIES: u64 = 4;

/// Copies with planted anomalies, as they were measured; both lists are of the same copies in the same order.
#[derive(Debug, Default)]
pub(super) struct Injections {
    pub evidence: Vec<InjectedEvidence>,
    /// The regions that appeared.
    pub planted: Vec<Planted>,
}

/// Measures copies of some spectra with planted anomalies, `settings.injections` of them where the population has enough; `None` where it was cancelled.
///
/// Which spectra, kinds and strengths depends on the identities alone. Copies are looked at by the networks of their originals. Their regions are those of the default thresholds,
/// so that a threshold that is moved does not plant anew.
pub(super) fn injections(
    population: &mut Population,
    errors: &ErrorModel,
    evidence: &[Evidence],
    settings: &SignificanceSettings,
    observer: &mut dyn Observer,
    cancel: &CancelToken,
) -> Result<Option<Injections>, PipelineError> {
    if settings.injections == 0 {
        return Ok(Some(Injections::default()));
    }
    let calibration = Calibration::fit(evidence, settings);
    let usable = evidence.iter().filter(|evidence| evidence.coverage > 0.0).count();
    let copies = settings.injections.div_ceil(usable.max(1)).min(MOST_COPIES) as u64;
    // A share of the spectra by a hash of their names, so that a catalog in another order gives the same copies.
    let share = settings.injections as f64 / (usable.max(1) as u64 * copies) as f64;
    let reconstructor = population.reconstructor.clone();
    let preparation = reconstructor.preparation();
    let grid = reconstructor.grid();
    let mut injected = Injections::default();
    let mut first = 0;
    let whole = population.visit(observer, cancel, |chunk| {
        let planted: Vec<(usize, Injection, Prepared)> = chunk
            .par_iter()
            .enumerate()
            .filter(|(index, scored)| evidence[first + index].coverage > 0.0 && unit(hash(scored)) < share)
            .flat_map_iter(|(index, scored)| {
                let other = &chunk[(index + 1) % chunk.len()];
                (0..copies).filter_map(move |copy| {
                    let (kind, prepared) = planted(scored, other, copy, preparation, grid)?;
                    Some((first + index, kind, prepared))
                })
            })
            .collect();
        let labels: Vec<(usize, Injection)> = planted.iter().map(|(of, kind, _)| (*of, *kind)).collect();
        let prepared = planted.into_iter().map(|(_, _, prepared)| prepared).collect();
        let looked = reconstructor.reconstruct(prepared);
        let found = |scored: &Scored, evidence: &Evidence| {
            scored.as_look().with_residual(grid, |residual| {
                let found = regions(residual, evidence, errors, &calibration);
                let facts = region_facts(residual, errors, &found);
                (found, facts)
            })
        };
        // By index, once for all copies of one spectrum.
        let originals: BTreeMap<usize, Vec<GridRegion>> = labels
            .iter()
            .map(|(of, _)| *of)
            .collect::<BTreeSet<usize>>()
            .into_par_iter()
            .map(|of| (of, found(&chunk[of - first], &evidence[of]).0))
            .collect();
        let measured: Vec<(InjectedEvidence, Planted)> = labels
            .par_iter()
            .zip(&looked)
            .map(|((of, kind), scored)| {
                let evidence = reconstructor.evidence(scored, errors, settings);
                let (found, facts) = found(scored, &evidence);
                let planted = Planted {
                    artifact: kind.is_artifact(),
                    regions: appeared(&found, &facts, &originals[of]),
                };
                let (kind, of) = (*kind, *of);
                (InjectedEvidence { kind, of, evidence }, planted)
            })
            .collect();
        for (evidence, planted) in measured {
            injected.evidence.push(evidence);
            injected.planted.push(planted);
        }
        first += chunk.len();
    })?;
    Ok(whole.then_some(injected))
}

fn hash(scored: &Scored) -> u64 {
    let digest = blake3::hash(scored.prepared.facts.object_id.as_bytes());
    u64::from_le_bytes(digest.as_bytes()[..8].try_into().expect("a hash has 32 bytes"))
}

fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

/// A copy with something planted; `None` where this spectrum carries nothing.
fn planted(
    scored: &Scored,
    other: &Scored,
    copy: u64,
    preparation: &Preparation,
    grid: &[f64],
) -> Option<(Injection, Prepared)> {
    let seed = hash(scored).wrapping_add(copy);
    // The upper half chose the spectrum: the kind is of other bits.
    let first = (seed & 0xffff) + 7 * copy;
    let kinds = Injection::ALL.len() as u64;
    (0..TRIES).find_map(|attempt| {
        let kind = Injection::ALL[((first + 5 * attempt) % kinds) as usize];
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

/// The redshift at which what was seen stands `pixels` further on, and the artifact-prone pixels with it.
fn moved(prepared: &mut Prepared, pixels: isize, grid: &[f64]) {
    let ratio = (grid[grid.len() - 1] / grid[0]).powf(pixels as f64 / (grid.len() - 1) as f64);
    prepared.stretch /= ratio;
    prepared.facts.z = Some(prepared.stretch - 1.0);
    let before = std::mem::take(&mut prepared.artifact);
    prepared.artifact = (0..before.len() as isize)
        .map(|pixel| {
            let from = usize::try_from(pixel - pixels).ok();
            from.and_then(|from| before.get(from)).copied().unwrap_or(false)
        })
        .collect();
}

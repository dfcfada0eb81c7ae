//! A vote on how strange a spectrum is, by trees that have seen what strange would look like in this very population.
//!
//! Which scale of residual counts how much, next to which others, cannot be said once for all surveys and models. So anomalies of many kinds are planted
//! into copies of the population's own spectra ([`inject`](super::inject)), and extremely randomized trees learn to tell their evidence from that of the population
//! as it is. No spectrum is voted on by trees that have seen it or a copy of it.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::draw::{split_mix, unit_of};
use super::forest::{Examples, Forest};
use super::logistic::{Case, Logistic, chance, log_odds};
use super::{Calibration, Evidence, Injection};

/// Juries; each spectrum is voted on by one, which has been grown on the spectra of the others.
const JURIES: usize = 3;
/// This share of the population, the strangest by residuals, does not stand for what is normal.
const LEFT_OUT: f64 = 0.05;
/// Fewer spectra than this say too little of what is normal: a vote among sixty has put a spike of 60 sigma into the middle of the list.
const LEAST: usize = 150;
/// At most about so many spectra stand for what is normal: more of them make trees larger, and not wiser.
const MOST_NORMAL: f64 = 20_000.0;
/// Fewer copies say too little of what is not.
const LEAST_COPIES: usize = 60;
/// What instrument and reduction make is told from the sky's by the votes, and by a weighted sum of the evidence that counts with this factor: trees see where something
/// begins, a sum how much of it there is. Neither alone tells it as well.
const RULE_WEIGHT: f64 = 0.5;
/// Inverse variance of the weights of that sum, for evidence of unit variance.
const RULE_PRIOR: f64 = 5.0;
/// A smaller share of the votes for normal is as good as none, however many vote.
const LEAST_NORMAL: f64 = 1.0 / 400.0;
/// The repeatable seed of the trees.
const SEED: u64 = 0x7265_6573;

/// A copy with something planted into it, as it was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct InjectedEvidence {
    pub kind: Injection,
    /// Index of the spectrum in the population that it is a copy of.
    pub of: usize,
    pub evidence: Evidence,
}

/// Trees that know a population and what was planted into it.
#[derive(Debug, Clone, PartialEq)]
pub struct Jury {
    benches: Vec<Bench>,
    by_model: bool,
}

/// What has been learned from the spectra of the other juries.
#[derive(Debug, Clone, PartialEq)]
struct Bench {
    forest: Forest,
    /// The odds of an artifact among what was planted.
    rule: Option<Logistic>,
}

/// What a jury makes of a spectrum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Vote {
    /// Share of the votes for anything but normal, 0 to 1.
    pub strange: f64,
    /// How likely instrument or reduction made what is strange, 0 to 1.
    pub artifact: f64,
    /// The planted kind with most votes, and its share of those for anything but normal.
    pub kind: Injection,
    pub kind_share: f64,
}

impl Jury {
    /// Grows the trees; `None` where there are too few spectra or copies to learn from.
    ///
    /// The result depends on the order of neither list.
    pub fn seat(
        calibration: &Calibration,
        population: &[Evidence],
        injected: &[InjectedEvidence],
        trees: usize,
    ) -> Option<Self> {
        if trees == 0 || population.len() < LEAST || injected.len() < LEAST_COPIES {
            return None;
        }
        let first = population[0].model;
        let by_model = population.iter().any(|evidence| evidence.model != first);
        let mut strangeness: Vec<f64> = population
            .par_iter()
            .map(|evidence| calibration.score(evidence).score)
            .collect();
        let scores = strangeness.clone();
        let kept = ((1.0 - LEFT_OUT) * scores.len() as f64) as usize;
        let limit = *strangeness
            .select_nth_unstable_by(kept.min(scores.len() - 1), f64::total_cmp)
            .1;
        // Where so many are equally strange that hardly any is less so than the limit, these are the normal ones.
        let below = scores.iter().filter(|score| **score < limit).count();
        let is_normal = |score: f64| score < limit || (score == limit && below < kept / 2);
        let share = MOST_NORMAL / kept.max(1) as f64;
        let mut vectors: Vec<(usize, u16, Vec<f32>)> = population
            .par_iter()
            .zip(&scores)
            .filter(|(evidence, score)| is_normal(**score) && evidence.coverage > 0.0)
            .filter(|(evidence, _)| share >= 1.0 || lot(evidence) < share)
            .map(|(evidence, _)| (jury_of(evidence, by_model), 0, calibration.columns(evidence)))
            .collect();
        let normal = vectors.len();
        if normal == 0 {
            return None;
        }
        vectors.par_extend(injected.par_iter().map(|copy| {
            let own = jury_of(&population[copy.of], by_model);
            (own, 1 + copy.kind as u16, calibration.columns(&copy.evidence))
        }));
        // Both halves weigh the same: the vote is no statement on how common the strange is.
        let mut weights = vec![normal as f64 / injected.len() as f64; 1 + Injection::ALL.len()];
        weights[0] = 1.0;
        vectors.par_sort_by(|a, b| {
            let unequal = a.2.iter().zip(&b.2).map(|(a, b)| a.total_cmp(b));
            let by_value = unequal.into_iter().find(|order| order.is_ne());
            (a.0, a.1)
                .cmp(&(b.0, b.1))
                .then(by_value.unwrap_or(std::cmp::Ordering::Equal))
        });
        let benches = (0..JURIES)
            .into_par_iter()
            .map(|jury| {
                let others = || vectors.iter().filter(|(own, _, _)| *own != jury);
                let kind: Vec<u16> = others().map(|(_, kind, _)| *kind).collect();
                let columns = vectors[0].2.len();
                let values: Vec<f32> = others().flat_map(|(_, _, vector)| vector).copied().collect();
                let examples = Examples {
                    values: &values,
                    columns,
                    kind: &kind,
                    weights: &weights,
                };
                let (forest, rule) = rayon::join(
                    || Forest::grow(examples, trees, SEED + jury as u64),
                    || artifact_rule(others()),
                );
                Bench { forest, rule }
            })
            .collect();
        Some(Self { benches, by_model })
    }

    /// The vote on a spectrum; the calibration is the one that the jury was seated with.
    pub fn vote(&self, calibration: &Calibration, evidence: &Evidence) -> Vote {
        let bench = &self.benches[jury_of(evidence, self.by_model)];
        let columns = calibration.columns(evidence);
        let shares = bench.forest.vote(&columns);
        let strange = 1.0 - shares[0];
        let (mut artifact, mut most) = (0.0, (Injection::ALL[0], 0.0));
        for (kind, share) in Injection::ALL.into_iter().zip(&shares[1..]) {
            artifact += if kind.is_artifact() { *share } else { 0.0 };
            if *share > most.1 {
                most = (kind, *share);
            }
        }
        let all = strange.max(1e-12);
        let summed = bench
            .rule
            .as_ref()
            .map_or(0.0, |rule| rule.log_odds(&wide(&columns)));
        Vote {
            strange: strange.clamp(0.0, 1.0),
            artifact: chance(log_odds(artifact / all) + RULE_WEIGHT * summed),
            kind: most.0,
            kind_share: (most.1 / all).clamp(0.0, 1.0),
        }
    }
}

impl Vote {
    /// -ln of the share of the votes for normal: 3 where a twentieth is left, 6 where none is.
    pub fn score(&self) -> f64 {
        -(1.0 - self.strange).max(LEAST_NORMAL).ln()
    }
}

/// What tells artifacts from the sky's among planted vectors, both kinds alike; the vectors of the population are left aside.
fn artifact_rule<'a>(vectors: impl Iterator<Item = &'a (usize, u16, Vec<f32>)>) -> Option<Logistic> {
    let mut cases: Vec<Case> = vectors
        .filter_map(|(_, kind, vector)| {
            let kind = Injection::ALL[usize::from(kind.checked_sub(1)?)];
            Some(Case {
                numbers: wide(vector),
                is: kind.is_artifact(),
                weight: 1.0,
            })
        })
        .collect();
    let artifacts = cases.iter().filter(|case| case.is).count();
    let (all, artifacts) = (cases.len() as f64, artifacts as f64);
    for case in &mut cases {
        case.weight = 0.5 * all / if case.is { artifacts } else { all - artifacts };
    }
    Logistic::fit(&cases, RULE_PRIOR)
}

fn wide(vector: &[f32]) -> Vec<f64> {
    vector.iter().map(|value| f64::from(*value)).collect()
}

/// A number from 0 to 1 that depends on the spectrum alone, whatever the order of the catalog.
fn lot(evidence: &Evidence) -> f64 {
    let bits = u64::from(evidence.sn.to_bits()) << 32 | u64::from(evidence.z.to_bits());
    unit_of(split_mix(&mut (bits ^ SEED)))
}

/// Spectra of one place on the sky have one cross-fitted model, and so one jury; where there is but one model, chance decides.
fn jury_of(evidence: &Evidence, by_model: bool) -> usize {
    if by_model {
        return usize::from(evidence.model) % JURIES;
    }
    let mut state = u64::from(evidence.sn.to_bits());
    (split_mix(&mut state) % JURIES as u64) as usize
}

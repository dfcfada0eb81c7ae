//! Sky or instrument: where a region comes from, as odds, from what is known of the region itself.
//!
//! The weights of the facts are not said but learned, in the run, from regions whose origin is known: those that appear where something was planted into a copy of
//! the catalog's own spectra ([`inject`](super::inject)). What recurs at one observed wavelength in many spectra is no property of a galaxy; that is counted in the sample itself
//! ([`Recurrence`]).

use super::logistic::{Case, Logistic, chance};
use super::{ErrorModel, GridRegion, Reason, Residual};
use crate::spectrum::order::median;

/// What is known of a region, in the order of [`RegionFacts`]' numbers.
pub const FACTS: [&str; 16] = [
    // Share of its pixels in sky lines, telluric bands, camera overlaps or under a sky bit.
    "prone",
    // A masked pixel in it or beside it.
    "gap",
    // How near it lies to the end of what was observed: 1 at the last pixel, 1/e at 15 pixels from it.
    "end",
    // ln of the velocity width over 700 km/s, and its square.
    "width",
    "width_squared",
    // How much of its strongest pixel none of the neighbors has: 1 for one pixel alone.
    "sharp",
    // ln of the mean squared difference of neighboring residuals over that of noise.
    "ragged",
    // Less flux than the model.
    "missing",
    // A lack of nearly all the flux.
    "dark",
    // It touches a known line; it touches one and lacks flux.
    "line",
    "line_missing",
    // A wide one that begins or ends in a sky line, telluric band or camera overlap.
    "prone_end",
    // ln of the noise in it over the noise beside it.
    "noisier",
    // ln of its significance.
    "strong",
    // Share of the significance of the spectrum's other regions at known lines, and at no known line.
    "others_lined",
    "others_unlined",
];

/// Velocity width of a broad line, km/s.
const BROAD: f64 = 700.0;
/// Pixels from the end of what was observed over which being near to it fades.
const END: f64 = 15.0;
/// Wider than this, where a region ends tells more than what it covers, km/s.
const WIDE: f64 = 3000.0;
/// Pixels about an end in which a prone one is looked for.
const NEAR: usize = 4;
/// Pixels on either side that the noise is compared with.
const BESIDE: usize = 60;
/// Prior of the weights: one case's worth of doubt each.
const PRIOR: f64 = 1.0;
/// Fewer regions of known origin, of either kind, teach nothing.
const LEAST: usize = 40;

/// The facts of one region.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegionFacts([f32; FACTS.len()]);

/// The facts of the regions of a spectrum, in their order.
///
/// Panics where the residual is of another grid than the error model.
pub fn region_facts(residual: &Residual, errors: &ErrorModel, regions: &[GridRegion]) -> Vec<RegionFacts> {
    let valid = || (0..residual.len()).filter(|&pixel| residual.is_valid(pixel));
    let (false, Some(first), Some(last)) = (regions.is_empty(), valid().next(), valid().next_back()) else {
        return regions.iter().map(|_| RegionFacts([0.0; FACTS.len()])).collect();
    };
    let corrected = errors.correct(residual);
    let seen = Seen {
        residual,
        observed: (first, last),
        sigma: corrected
            .residual
            .iter()
            .zip(&corrected.weight)
            .map(|(residual, weight)| residual * weight.sqrt())
            .collect(),
    };
    regions
        .iter()
        .enumerate()
        .map(|(index, region)| {
            let others = regions.iter().enumerate().filter(|(other, _)| *other != index);
            let (mut lined, mut all) = (0.0, 0.0);
            for (_, other) in others {
                all += other.significance.abs();
                lined += if other.line.is_some() {
                    other.significance.abs()
                } else {
                    0.0
                };
            }
            let share = |part: f64| part / (all + region.significance.abs()).max(1e-9);
            seen.facts(region, (share(lined), share(all - lined)))
        })
        .collect()
}

/// A spectrum as the facts are read from it.
struct Seen<'a> {
    residual: &'a Residual<'a>,
    /// First and last valid pixel.
    observed: (usize, usize),
    /// Residuals in units of their error; 0 where invalid.
    sigma: Vec<f64>,
}

impl Seen<'_> {
    fn facts(&self, region: &GridRegion, others: (f64, f64)) -> RegionFacts {
        let (start, end) = (
            region.start,
            region.end.min(self.sigma.len()).max(region.start + 1),
        );
        let pixels = (end - start) as f64;
        let yes = |is: bool| if is { 1.0 } else { 0.0 };
        let prone = self.residual.artifact[start..end]
            .iter()
            .filter(|prone| **prone)
            .count() as f64
            / pixels;
        let (first, last) = self.observed;
        let near = start.saturating_sub(2).max(first)..(end + 2).min(last + 1);
        let gap = near.clone().any(|pixel| !self.residual.is_valid(pixel));
        let to_end = start.saturating_sub(first).min(last.saturating_sub(end - 1)) as f64;
        let width = ((region.velocity_width() + 69.0) / BROAD).ln();
        let missing = region.reason == Reason::MissingFlux;
        let ends = [start, end - 1].into_iter().any(|at| {
            let about = at.saturating_sub(NEAR)..(at + NEAR + 1).min(self.sigma.len());
            self.residual.artifact[about].iter().any(|prone| *prone)
        });
        let dark = if missing { self.dark(start, end) } else { 0.0 };
        RegionFacts(
            [
                prone,
                yes(gap),
                (-to_end / END).exp(),
                width,
                width * width,
                self.sharp(start, end),
                self.ragged(start, end),
                yes(missing),
                dark,
                yes(region.line.is_some()),
                yes(region.line.is_some() && missing),
                yes(ends && region.velocity_width() > WIDE),
                self.noisier(start, end),
                region.significance.abs().max(1.0).ln(),
                others.0,
                others.1,
            ]
            .map(|fact| fact as f32),
        )
    }

    fn sharp(&self, start: usize, end: usize) -> f64 {
        let strongest = (start..end).max_by(|a, b| self.sigma[*a].abs().total_cmp(&self.sigma[*b].abs()));
        let Some(at) = strongest else { return 0.0 };
        let beside = |pixel: Option<usize>| {
            let sigma = pixel
                .and_then(|pixel| self.sigma.get(pixel))
                .copied()
                .unwrap_or(0.0);
            (sigma * self.sigma[at].signum()).max(0.0)
        };
        let most = beside(at.checked_sub(1)).max(beside(Some(at + 1)));
        let top = self.sigma[at].abs();
        ((top - most) / top.max(4.0)).clamp(0.0, 1.0)
    }

    fn ragged(&self, start: usize, end: usize) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for pixel in start.saturating_sub(1)..(end + 1).min(self.sigma.len()) - 1 {
            if self.residual.is_valid(pixel) && self.residual.is_valid(pixel + 1) {
                sum += (self.sigma[pixel + 1] - self.sigma[pixel]).powi(2) / 2.0;
                count += 1.0;
            }
        }
        // One pair's worth of noise keeps few pairs from saying much.
        ((sum + 1.0) / (count + 1.0)).ln().clamp(-1.0, 6.0)
    }

    /// The fourth power of the share of the flux that is not there: near 0 but where hardly any is left.
    fn dark(&self, start: usize, end: usize) -> f64 {
        let (mut flux, mut model) = (0.0, 0.0);
        for pixel in (start..end).filter(|&pixel| self.residual.is_valid(pixel)) {
            flux += f64::from(self.residual.flux[pixel]);
            model += f64::from(self.residual.reconstruction[pixel]);
        }
        if model <= 0.0 {
            return 0.0;
        }
        (1.0 - flux / model).clamp(0.0, 1.0).powi(4)
    }

    fn noisier(&self, start: usize, end: usize) -> f64 {
        let noise = |pixels: &mut dyn Iterator<Item = usize>| {
            let (mut sum, mut count) = (0.0, 0.0);
            for pixel in pixels.filter(|&pixel| self.residual.is_valid(pixel)) {
                sum -= 0.5 * f64::from(self.residual.ivar[pixel]).ln();
                count += 1.0;
            }
            (count > 0.0).then(|| sum / count)
        };
        let within = noise(&mut (start..end));
        let before = start.saturating_sub(BESIDE)..start;
        let after = end..(end + BESIDE).min(self.sigma.len());
        match (within, noise(&mut before.chain(after))) {
            (Some(within), Some(beside)) => (within - beside).clamp(-1.5, 1.5),
            _ => 0.0,
        }
    }
}

impl RegionFacts {
    fn numbers(&self) -> Vec<f64> {
        self.0.iter().map(|fact| f64::from(*fact)).collect()
    }
}

/// Regions that appeared where something was planted into a copy of a spectrum.
#[derive(Debug, Clone, PartialEq)]
pub struct Planted {
    /// Whether an artifact was.
    pub artifact: bool,
    pub regions: Vec<PlantedRegion>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlantedRegion {
    pub facts: RegionFacts,
    pub significance: f64,
}

/// The regions of a copy that its original does not have: of those in the same place with the same sign nobody knows whose they are.
pub fn appeared(regions: &[GridRegion], facts: &[RegionFacts], before: &[GridRegion]) -> Vec<PlantedRegion> {
    let overlap = |a: &GridRegion, b: &GridRegion| {
        let shared = a.end.min(b.end).saturating_sub(a.start.max(b.start));
        2 * shared >= (a.end - a.start).min(b.end - b.start)
    };
    regions
        .iter()
        .zip(facts)
        .filter(|(region, _)| {
            !before
                .iter()
                .any(|old| old.reason == region.reason && overlap(old, region))
        })
        .map(|(region, facts)| PlantedRegion {
            facts: *facts,
            significance: region.significance.abs(),
        })
        .collect()
}

/// The odds of the instrument by the facts of a region.
#[derive(Debug, Clone, PartialEq)]
pub struct Origins {
    rule: Logistic,
}

impl Origins {
    /// Learns the rule from planted regions; `None` where there are too few. Each copy counts once, however many regions it has, and artifacts
    /// count as much as the rest.
    pub fn learn(planted: &[Planted]) -> Option<Self> {
        let count = |artifact: bool| {
            let with = planted.iter().filter(|one| one.artifact == artifact);
            with.filter(|one| !one.regions.is_empty()).count()
        };
        let (artifacts, others) = (count(true), count(false));
        if artifacts.min(others) < LEAST {
            return None;
        }
        let cases: Vec<Case> = planted
            .iter()
            .flat_map(|one| {
                let all: f64 = one.regions.iter().map(|region| region.significance).sum();
                let of_kind = if one.artifact { artifacts } else { others };
                let balance = (artifacts + others) as f64 / (2 * of_kind) as f64;
                one.regions.iter().map(move |region| Case {
                    numbers: region.facts.numbers(),
                    is: one.artifact,
                    weight: balance * region.significance / all.max(1e-9),
                })
            })
            .collect();
        Some(Self {
            rule: Logistic::fit(&cases, PRIOR)?,
        })
    }

    /// The logarithm of the odds that instrument or reduction made a region, by its facts.
    pub fn log_odds(&self, facts: &RegionFacts) -> f64 {
        self.rule.log_odds(&facts.numbers())
    }

    /// The weight of each of [`FACTS`] in the logarithm of the odds.
    pub fn weights(&self) -> &[f64] {
        self.rule.weights()
    }
}

/// The probability of logarithmic odds.
pub fn probability(log_odds: f64) -> f64 {
    chance(log_odds)
}

/// Observed bins in which regions are counted: start, end, width, Angstrom.
const BINS: (f64, f64, f64) = (3000.0, 11_500.0, 10.0);
/// Wider regions are no feature of a place, Angstrom.
const NARROW: f64 = 150.0;
/// More than this the odds are not raised.
const MOST: f64 = 3.0;

/// How often spectra of the sample have a region at an observed wavelength.
///
/// Galaxies have their lines at all redshifts, so what the sky makes is spread over the observed wavelengths; what stands above that is the instrument's. The odds of the
/// instrument are then what stands above over what is spread.
#[derive(Debug, Clone, Default)]
pub struct Recurrence {
    hits: Vec<f64>,
    covered: Vec<f64>,
    /// Median share of the spectra that have a region in a bin.
    typical: f64,
}

impl Recurrence {
    /// Of the spectra of a sample: the observed wavelengths of each from and to, and its regions' from and to.
    pub fn of<'a, R>(spectra: impl Iterator<Item = ((f64, f64), R)>) -> Self
    where
        R: Iterator<Item = &'a GridRegion>,
    {
        let bins = ((BINS.1 - BINS.0) / BINS.2) as usize;
        let mut of = Self {
            hits: vec![0.0; bins],
            covered: vec![0.0; bins],
            typical: 0.0,
        };
        for ((from, to), regions) in spectra {
            bins_of(from, to).for_each(|bin| of.covered[bin] += 1.0);
            let mut own = std::collections::BTreeSet::new();
            for region in regions.filter(|region| is_narrow(region.wavelength_min, region.wavelength_max)) {
                own.extend(bins_of(region.wavelength_min, region.wavelength_max));
            }
            own.into_iter().for_each(|bin| of.hits[bin] += 1.0);
        }
        let well = of.covered.iter().copied().fold(0.0, f64::max) / 2.0;
        let pairs = of.hits.iter().zip(&of.covered);
        let mut rates: Vec<f64> = pairs
            .filter(|(_, covered)| **covered > well)
            .map(|(hits, covered)| hits / covered)
            .collect();
        // In a small sample most bins have none.
        let mean = rates.iter().sum::<f64>() / rates.len().max(1) as f64;
        of.typical = median(&mut rates).unwrap_or(0.0).max(0.5 * mean);
        of
    }

    /// What the sample adds to the logarithm of the odds of a region from `from` to `to` (observed, Angstrom): 0 where it recurs no more than chance has it, two standard deviations granted.
    pub fn log_odds(&self, from: f64, to: f64) -> f64 {
        if !is_narrow(from, to) {
            return 0.0;
        }
        bins_of(from, to)
            .map(|bin| {
                let hits = self.hits[bin] - 1.0;
                let expected = self.typical * self.covered[bin];
                let sure = hits - 2.0 * hits.max(0.0).sqrt();
                if expected > 0.0 && sure > expected {
                    (sure / expected).ln().min(MOST)
                } else {
                    0.0
                }
            })
            .fold(0.0, f64::max)
    }
}

fn is_narrow(from: f64, to: f64) -> bool {
    to - from <= NARROW
}

fn bins_of(from: f64, to: f64) -> std::ops::Range<usize> {
    let bins = ((BINS.1 - BINS.0) / BINS.2) as usize;
    let bin = |wavelength: f64| (((wavelength - BINS.0) / BINS.2).max(0.0) as usize).min(bins);
    bin(from)..(bin(to) + 1).min(bins)
}

#[cfg(test)]
mod tests;

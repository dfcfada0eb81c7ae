//! Lines that are split, faint, missing, unknown, or of another redshift.

use super::projection::Projection;
use crate::anomaly::Residual;
use crate::anomaly::errormodel::Corrected;
use crate::spectrum::lines::{self, LineKind};

/// Sigma of the line that is looked for, pixels, and how far it reaches.
const SIGMA: f64 = 1.7;
const REACH: usize = 6;
/// A pixel counts with at most so many sigma.
const BOUND: f64 = 8.0;
/// This near to a known line, pixels, a line is not unknown.
const KNOWN: usize = 25;
/// Half-separations of split lines, pixels.
const SPLITS: [usize; 5] = [2, 3, 4, 5, 6];
/// Half-width of the running mean under the model's lines, pixels.
const CONTINUUM: usize = 50;
/// Groups of emission lines that stand apart: rest wavelengths from and to, Angstrom vacuum.
const GROUPS: [(f64, f64); 5] = [
    (6530.0, 6605.0),
    (4935.0, 5030.0),
    (3715.0, 3742.0),
    (4845.0, 4880.0),
    (6700.0, 6750.0),
];
/// A group of this significance (sigma) is half believed.
const BELIEVED: f64 = 8.0;
/// Lines of a galaxy at another redshift: rest wavelength, typical flux.
const SECOND: [(f64, f64); 6] = [
    (3728.5, 1.0),
    (4862.68, 0.35),
    (4960.30, 0.25),
    (5008.24, 0.75),
    (6564.61, 1.0),
    (6585.27, 0.3),
];
/// Another redshift is at least so many pixels away.
const OTHER: isize = 30;

#[derive(Debug, Clone)]
pub(super) struct Lines {
    /// Pixels of the major emission lines.
    known: Vec<usize>,
    /// Whether a pixel is near a known line.
    near: Vec<bool>,
    /// Pixels of the second galaxy's lines from its first one, with their fluxes; empty on a grid that does not know redshifts.
    second: Vec<(isize, f64)>,
    /// Where the first of them would stand at the spectrum's own redshift.
    own: isize,
    /// Pixels of the groups, ends exclusive.
    groups: Vec<(usize, usize)>,
}

impl Lines {
    pub fn new(grid: &[f64]) -> Self {
        let last = grid.len() - 1;
        let pixel = |rest: f64| grid.partition_point(|wavelength| *wavelength < rest);
        let on_grid = |at: &usize| *at > REACH && *at + REACH < last;
        let of = |major: bool| {
            lines::all()
                .iter()
                .filter(move |line| line.kind != LineKind::Sky && (line.major || !major))
                .map(|line| (line.kind, pixel(line.wavelength)))
                .filter(|(_, at)| on_grid(at))
        };
        let mut near = vec![false; grid.len()];
        for (_, at) in of(false) {
            near[at.saturating_sub(KNOWN)..(at + KNOWN + 1).min(grid.len())].fill(true);
        }
        let known = of(true)
            .filter(|(kind, _)| *kind == LineKind::Emission)
            .map(|(_, at)| at)
            .collect();
        let step = (grid[last] / grid[0]).ln() / last as f64;
        let even = ((grid[1] / grid[0]).ln() / step - 1.0).abs() < 0.05;
        let away = |rest: f64| ((rest / SECOND[0].0).ln() / step).round() as isize;
        Self {
            known,
            near,
            second: if even {
                SECOND.map(|(rest, flux)| (away(rest), flux)).to_vec()
            } else {
                Vec::new()
            },
            groups: GROUPS
                .iter()
                .map(|(low, high)| (pixel(*low), pixel(*high)))
                .collect(),
            own: ((SECOND[0].0 / grid[0]).ln() / step).round() as isize,
        }
    }

    /// Split lines, faint lines, a known line missing, a known line in excess, an unknown line, the lines of a second galaxy, a group gone, a group doubled.
    pub fn measure(
        &self,
        projection: &Projection,
        corrected: &Corrected,
        residual: &Residual,
        model: &[f64],
        latent: &[f32],
    ) -> [f64; 12] {
        let pixels = model.len();
        let light = light(model);
        let split = SPLITS
            .iter()
            .map(|&apart| {
                let shape: Vec<f64> = (0..pixels)
                    .map(|pixel| {
                        let (left, right) = (pixel.saturating_sub(apart), (pixel + apart).min(pixels - 1));
                        0.5 * (light[left] + light[right]) - light[pixel]
                    })
                    .collect();
                projection.significance(&shape)
            })
            .fold(f64::NEG_INFINITY, f64::max);
        let faint = -projection.significance(&light);
        let (product, norm) = matched(corrected);
        let sigma = |pixel: usize| {
            if norm[pixel] > 0.0 {
                product[pixel] / norm[pixel].sqrt()
            } else {
                0.0
            }
        };
        let at_known = || self.known.iter().map(|&pixel| sigma(pixel));
        let missing = at_known().map(|sigma| -sigma).fold(0.0, f64::max);
        let excess = at_known().fold(0.0, f64::max);
        let unknown = (0..pixels)
            .filter(|&pixel| !self.near[pixel])
            .map(sigma)
            .fold(0.0, f64::max);
        let second = self.second(&product, &norm);
        let (gone, doubled) = self.groups(residual, model, &light);
        let foretold = self.foretold(projection, residual, model, latent);
        [
            split,
            faint,
            missing,
            excess,
            unknown,
            second,
            gone,
            doubled,
            foretold[0],
            foretold[1],
            foretold[2],
            foretold[3],
        ]
    }

    /// Of the groups, what the rest of the spectrum foretells of them: the greatest share that is not there, the greatest share that there is too much, the greatest
    /// lack in sigma, and how much fainter the faintest is than the others.
    fn foretold(
        &self,
        projection: &Projection,
        residual: &Residual,
        model: &[f64],
        latent: &[f32],
    ) -> [f64; 4] {
        let pixels = model.len();
        let (mut gone, mut doubled, mut lack) = (0.0f64, 0.0f64, 0.0f64);
        let mut shares = Vec::new();
        for &(start, end) in &self.groups {
            if start == 0 || end >= pixels || start >= end {
                continue;
            }
            let shown = start.saturating_sub(CONTINUUM)..(end + CONTINUUM).min(pixels);
            let change = if latent.is_empty() {
                vec![0.0; shown.len()]
            } else {
                projection.without(start..end, latent, shown.clone())
            };
            let drawn: Vec<f64> = shown
                .clone()
                .zip(&change)
                .map(|(pixel, change)| model[pixel] + change)
                .collect();
            // The level beside the lines, of the model and of what is left of the flux.
            let (mut beside, mut count, mut rest, mut weights) = (0.0, 0.0, 0.0, 0.0);
            for (index, pixel) in shown.clone().enumerate() {
                if !(start..end).contains(&pixel) {
                    beside += drawn[index];
                    count += 1.0;
                    if residual.is_valid(pixel) {
                        let weight = f64::from(residual.ivar[pixel]);
                        rest += weight * (f64::from(residual.flux[pixel]) - drawn[index]);
                        weights += weight;
                    }
                }
            }
            if count == 0.0 || weights == 0.0 {
                continue;
            }
            let (level, offset) = (beside / count, rest / weights);
            let (mut product, mut norm, mut valid) = (0.0, 0.0, 0);
            for (index, pixel) in shown.clone().enumerate() {
                if (start..end).contains(&pixel) && residual.is_valid(pixel) {
                    let light = (drawn[index] - level).max(0.0);
                    let weight = f64::from(residual.ivar[pixel]);
                    product += weight * light * (f64::from(residual.flux[pixel]) - drawn[index] - offset);
                    norm += weight * light * light;
                    valid += 1;
                }
            }
            if norm > 0.0 && 2 * valid >= end - start {
                let believed = norm.sqrt() / (norm.sqrt() + BELIEVED);
                let share = product / norm;
                gone = gone.max(-share * believed);
                doubled = doubled.max(share * believed);
                lack = lack.max(-product / norm.sqrt());
                shares.push((share, believed));
            }
        }
        let mut contrast = 0.0f64;
        for (i, (share, believed)) in shares.iter().enumerate() {
            let (mut sum, mut weights) = (0.0, 0.0);
            for (j, (other, weight)) in shares.iter().enumerate() {
                if i != j {
                    sum += weight * other.min(1.0);
                    weights += weight;
                }
            }
            if weights > 0.0 {
                contrast = contrast.max((sum / weights - share) * believed * (weights / (weights + 0.3)));
            }
        }
        [gone, doubled, lack, contrast]
    }

    /// How much of a group of lines is missing, and how much there is too much, as shares of what the model draws; less where the group is hidden by noise.
    ///
    /// With the survey's own errors: the error model forgives what lines are wrong by, and a line that is not there at all is wrong by no more.
    fn groups(&self, residual: &Residual, model: &[f64], light: &[f64]) -> (f64, f64) {
        let (mut gone, mut doubled) = (0.0f64, 0.0f64);
        for &(start, end) in &self.groups {
            let (mut product, mut norm) = (0.0, 0.0);
            for pixel in (start..end).filter(|&pixel| residual.is_valid(pixel)) {
                let weight = f64::from(residual.ivar[pixel]);
                product += weight * light[pixel] * (f64::from(residual.flux[pixel]) - model[pixel]);
                norm += weight * light[pixel] * light[pixel];
            }
            if norm > 0.0 {
                let share = product / norm * norm.sqrt() / (norm.sqrt() + BELIEVED);
                gone = gone.max(-share);
                doubled = doubled.max(share);
            }
        }
        (gone, doubled)
    }

    /// The greatest significance of the second galaxy's lines together.
    fn second(&self, product: &[f64], norm: &[f64]) -> f64 {
        let pixels = product.len() as isize;
        let Some((reach, _)) = self.second.last() else {
            return 0.0;
        };
        let mut best = 0.0f64;
        for first in -reach..pixels {
            if (first - self.own).abs() < OTHER {
                continue;
            }
            let (mut sum, mut square) = (0.0, 0.0);
            for (away, flux) in &self.second {
                let at = first + away;
                if (0..pixels).contains(&at) {
                    sum += flux * product[at as usize];
                    square += flux * flux * norm[at as usize];
                }
            }
            if square > 0.0 {
                best = best.max(sum / square.sqrt());
            }
        }
        best
    }
}

/// What the model has above its running mean.
fn light(model: &[f64]) -> Vec<f64> {
    let pixels = model.len();
    let mut sums = vec![0.0; pixels + 1];
    for pixel in 0..pixels {
        sums[pixel + 1] = sums[pixel] + model[pixel];
    }
    (0..pixels)
        .map(|pixel| {
            let (start, end) = (
                pixel.saturating_sub(CONTINUUM),
                (pixel + CONTINUUM + 1).min(pixels),
            );
            (model[pixel] - (sums[end] - sums[start]) / (end - start) as f64).max(0.0)
        })
        .collect()
}

/// Products with a narrow line at every pixel: with the bounded residual, and with itself.
fn matched(corrected: &Corrected) -> (Vec<f64>, Vec<f64>) {
    let pixels = corrected.residual.len();
    let profile: Vec<f64> = (0..=2 * REACH)
        .map(|i| {
            let x = (i as f64 - REACH as f64) / SIGMA;
            (-0.5 * x * x).exp()
        })
        .collect();
    let mut product = vec![0.0; pixels];
    let mut norm = vec![0.0; pixels];
    for (pixel, weight) in corrected
        .weight
        .iter()
        .enumerate()
        .filter(|(_, weight)| **weight > 0.0)
    {
        let root = weight.sqrt();
        let weighted = (corrected.residual[pixel] * root).clamp(-BOUND, BOUND) * root;
        for (i, value) in profile.iter().enumerate() {
            let Some(center) = (pixel + REACH).checked_sub(i).filter(|center| *center < pixels) else {
                continue;
            };
            product[center] += value * weighted;
            norm[center] += value * value * weight;
        }
    }
    (product, norm)
}

//! Whether a spectrum fits the model better at another redshift than at the catalog's.

use nalgebra::{DMatrix, DVector};

use super::Residual;
use super::products::{add_times, dot, times};

/// Pixels that are one in the first, coarse search.
const COARSE: usize = 4;
/// Redshifts that are looked at.
const RANGE: (f64, f64) = (-0.002, 1.0);
/// Nearer to the catalog's, in pixels, is no other redshift: 1400 km/s on the default grid.
const OTHER: usize = 20;
/// At another redshift at least this share of the valid pixels must be covered by the model.
const LEAST_COVERED: f64 = 0.6;
/// Share of the model that it is not sure of.
const FLOOR: f64 = 0.03;
/// A pixel counts with at most this chi-square: no single line or cosmic ray moves a redshift.
const BOUND: f64 = 25.0;
/// Coarse minima that are refined.
const CANDIDATES: usize = 3;

/// Another redshift.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OtherRedshift {
    pub z: f64,
    /// By how much chi-square is less there, on the pixels that both redshifts cover.
    pub gain: f64,
    /// Chi-square at the catalog's redshift on these pixels.
    pub chi2: f64,
}

/// What a network can draw, to first order: center + latent · directions. Shapes: `center` `[pixels]`, `directions` `[latent, pixels]` row by row.
#[derive(Debug, Clone, Copy)]
pub struct Drawable<'a> {
    pub center: &'a [f32],
    pub directions: &'a [f32],
}

/// The best redshift other than the catalog's, where it fits better at all; `None` also on a grid that is not logarithmic, where another redshift is no shift.
///
/// Center and directions are fitted anew at each redshift, with a unit prior on the latents, in flux of any scale.
pub fn other_redshift(residual: &Residual, drawable: Drawable) -> Option<OtherRedshift> {
    let pixels = residual.len();
    let step = (residual.observed[pixels - 1] / residual.observed[0]).ln() / (pixels - 1) as f64;
    let first = (residual.observed[1] / residual.observed[0]).ln();
    if drawable.directions.is_empty() || !(step > 0.0 && (first / step - 1.0).abs() < 0.05) {
        return None;
    }
    let fine = Fit::new(residual, drawable);
    let coarse = fine.coarse();
    let stretch = 1.0 + residual.z;
    // The spectrum moves by d pixels to the red on the model's grid where 1 + z is exp(-d step) times as much.
    let shift = |z: f64| (stretch / (1.0 + z)).ln() / step;
    let (low, high) = (
        shift(RANGE.1) as isize / COARSE as isize,
        shift(RANGE.0) as isize / COARSE as isize,
    );
    let mut found: Vec<(f64, isize)> = (low..=high)
        .filter(|shift| shift.unsigned_abs() * COARSE >= OTHER)
        .filter_map(|shift| Some((coarse.gain(shift)?.0, shift * COARSE as isize)))
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let reach = COARSE as isize;
    let best = found
        .iter()
        .take(CANDIDATES)
        .flat_map(|(_, at)| (at - reach..=at + reach).step_by(2))
        .filter_map(|shift| Some((fine.gain(shift)?, shift)))
        .max_by(|a, b| a.0.0.total_cmp(&b.0.0))?;
    let ((gain, chi2), shift) = best;
    (gain > 0.0).then(|| OtherRedshift {
        z: stretch * (-(shift as f64) * step).exp() - 1.0,
        gain,
        chi2,
    })
}

struct Fit {
    flux: Vec<f64>,
    weight: Vec<f64>,
    /// Chi-square of the pixels before each at the catalog's redshift.
    own: Vec<f64>,
    valid: usize,
    /// The center and the directions.
    rows: Vec<Vec<f64>>,
}

impl Fit {
    fn new(residual: &Residual, drawable: Drawable) -> Self {
        let pixels = residual.len();
        let weight: Vec<f64> = (0..pixels)
            .map(|pixel| {
                if residual.is_valid(pixel) {
                    let floor = FLOOR * f64::from(residual.reconstruction[pixel]);
                    1.0 / (1.0 / f64::from(residual.ivar[pixel]) + floor * floor)
                } else {
                    0.0
                }
            })
            .collect();
        let flux: Vec<f64> = (0..pixels)
            .map(|pixel| {
                if weight[pixel] > 0.0 {
                    f64::from(residual.flux[pixel])
                } else {
                    0.0
                }
            })
            .collect();
        let rows = std::iter::once(drawable.center)
            .chain(drawable.directions.chunks_exact(pixels))
            .map(|row| row.iter().map(|value| f64::from(*value)).collect())
            .collect();
        let own = (0..pixels).map(|pixel| {
            let model = f64::from(residual.reconstruction[pixel]);
            if weight[pixel] > 0.0 {
                weight[pixel] * (flux[pixel] - model).powi(2)
            } else {
                0.0
            }
        });
        let mut fit = Self {
            valid: weight.iter().filter(|weight| **weight > 0.0).count(),
            own: cumulated(own),
            flux,
            weight,
            rows,
        };
        // The catalog's redshift is to be fitted no worse than the others are.
        if let Some(again) = fit.squares(0).map(|(_, squares)| cumulated(squares.into_iter()))
            && again[pixels] < fit.own[pixels]
        {
            fit.own = again;
        }
        fit
    }

    /// The same with several pixels in one.
    fn coarse(&self) -> Self {
        let pixels = self.flux.len() / COARSE;
        let within = |pixel: usize| pixel * COARSE..(pixel + 1) * COARSE;
        let weight: Vec<f64> = (0..pixels)
            .map(|pixel| self.weight[within(pixel)].iter().sum())
            .collect();
        let flux = (0..pixels)
            .map(|pixel| {
                let sum: f64 = within(pixel).map(|i| self.weight[i] * self.flux[i]).sum();
                if weight[pixel] > 0.0 {
                    sum / weight[pixel]
                } else {
                    0.0
                }
            })
            .collect();
        let mean = |row: &Vec<f64>| -> Vec<f64> {
            (0..pixels)
                .map(|pixel| row[within(pixel)].iter().sum::<f64>() / COARSE as f64)
                .collect()
        };
        Self {
            valid: weight.iter().filter(|weight| **weight > 0.0).count(),
            flux,
            own: (0..=pixels).map(|pixel| self.own[pixel * COARSE]).collect(),
            rows: self.rows.iter().map(mean).collect(),
            weight,
        }
    }

    /// Gain in chi-square where the spectrum is moved by `shift` pixels, and chi-square as it is on the same pixels; `None` where too little is covered.
    fn gain(&self, shift: isize) -> Option<(f64, f64)> {
        let (start, squares) = self.squares(shift)?;
        let bounded = self.own[start + squares.len()] - self.own[start];
        let chi2: f64 = squares.into_iter().map(|square| square.min(BOUND)).sum();
        Some((bounded - chi2, bounded))
    }

    /// The spectrum moved by `shift` pixels: the first of its pixels that land on the model, and chi-square of each from there on.
    fn squares(&self, shift: isize) -> Option<(usize, Vec<f64>)> {
        let pixels = self.flux.len() as isize;
        // Pixels of the spectrum that land on the model.
        let (start, end) = ((-shift).max(0), (pixels - shift).min(pixels));
        if start >= end {
            return None;
        }
        let (start, end) = (start as usize, end as usize);
        let covered = self.weight[start..end]
            .iter()
            .filter(|weight| **weight > 0.0)
            .count();
        if (covered as f64) < LEAST_COVERED * self.valid as f64 {
            return None;
        }
        let count = self.rows.len();
        let at = |pixel: usize| (pixel as isize + shift) as usize;
        let (mut normal, mut right) = (DMatrix::<f64>::zeros(count, count), DVector::<f64>::zeros(count));
        let (weight, flux) = (&self.weight[start..end], &self.flux[start..end]);
        let rows: Vec<&[f64]> = self
            .rows
            .iter()
            .map(|row| &row[at(start)..at(start) + (end - start)])
            .collect();
        for i in 0..count {
            let weighted = times(rows[i], weight);
            right[i] = dot(&weighted, flux);
            for j in 0..=i {
                let sum = dot(&weighted, rows[j]);
                normal[(i, j)] = sum;
                normal[(j, i)] = sum;
            }
        }
        for i in 1..count {
            normal[(i, i)] += 1.0;
        }
        normal[(0, 0)] += 1e-9;
        let solution = normal.cholesky()?.solve(&right);
        // A spectrum upside down is none, however well it fits.
        if solution[0] <= 0.0 {
            return None;
        }
        let mut model = vec![0.0; end - start];
        for (row, value) in rows.iter().zip(solution.iter()) {
            add_times(&mut model, *value, row);
        }
        let squares = model.iter().zip(flux).zip(weight);
        let squares = squares.map(|((model, flux), weight)| weight * (flux - model).powi(2));
        Some((start, squares.collect()))
    }
}

fn cumulated(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sums = vec![0.0];
    for value in values {
        let last = sums[sums.len() - 1];
        sums.push(last + value.min(BOUND));
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::draw::Draw;

    const PIXELS: usize = 4000;

    fn rest() -> Vec<f64> {
        (0..PIXELS).map(|i| 10f64.powf(3.55 + 1e-4 * i as f64)).collect()
    }

    /// A galaxy with three lines and a break.
    fn galaxy(rest: f64) -> f64 {
        let line = |center: f64, depth: f64| depth * (-0.5 * ((rest - center) / 6.0).powi(2)).exp();
        let fall = 1.0 / (1.0 + ((4000.0 - rest) / 40.0).exp());
        0.5 + 0.5 * fall + line(6564.6, 1.0) + line(5008.2, 0.6) - line(5176.0, 0.3) - line(3934.8, 0.3)
    }

    fn found(true_z: f64, catalog_z: f64) -> Option<OtherRedshift> {
        found_at(1.0, true_z, catalog_z)
    }

    /// The flux times `scale`, beside a model that is not.
    fn found_at(scale: f64, true_z: f64, catalog_z: f64) -> Option<OtherRedshift> {
        let mut draw = Draw::new(2, 0);
        let grid = rest();
        let observed: Vec<f64> = grid.iter().map(|rest| rest * (1.0 + catalog_z)).collect();
        let flux: Vec<f32> = observed
            .iter()
            .map(|seen| (scale * galaxy(seen / (1.0 + true_z)) + 0.05 * draw.normal()) as f32)
            .collect();
        let center: Vec<f32> = grid.iter().map(|rest| galaxy(*rest) as f32).collect();
        let tilt: Vec<f32> = (0..PIXELS)
            .map(|i| 0.1 * (2.0 * i as f32 / PIXELS as f32 - 1.0))
            .collect();
        let residual = Residual {
            flux: &flux,
            ivar: &[400.0; PIXELS],
            reconstruction: &center,
            observed: &observed,
            artifact: &[false; PIXELS],
            z: catalog_z,
        };
        other_redshift(
            &residual,
            Drawable {
                center: &center,
                directions: &tilt,
            },
        )
    }

    #[test]
    fn the_true_redshift_is_found() {
        let other = found(0.31, 0.22).unwrap();
        assert!((other.z - 0.31).abs() < 0.0006, "{other:?}");
        assert!(other.gain > 1000.0 && other.gain < other.chi2);
    }

    #[test]
    fn a_spectrum_upside_down_has_no_other_redshift() {
        assert!(found_at(-1.0, 0.31, 0.22).is_none());
        assert!(found_at(0.5, 0.31, 0.22).is_some());
    }

    #[test]
    fn a_right_redshift_is_not_doubted() {
        let other = found(0.22, 0.22);
        assert!(other.is_none_or(|other| other.gain < 30.0), "{other:?}");
    }
}

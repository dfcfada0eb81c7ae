//! Light of another thing in the spectrum: broad Balmer lines, a supernova, a star.

use super::projection::Projection;
use crate::anomaly::{Residual, templates};
use crate::spectrum::SPEED_OF_LIGHT;

const BALMER: [(f64, f64); 4] = [(6564.61, 1.0), (4862.68, 0.33), (4341.68, 0.15), (4102.89, 0.08)];
const BALMER_WIDTHS: [f64; 3] = [1000.0, 2000.0, 4000.0];
/// Kind (0 is Ia), expansion in km/s.
const SUPERNOVAE: [(usize, f64); 4] = [(0, 8000.0), (0, 10_500.0), (0, 13_000.0), (1, 9000.0)];
/// Temperature, strength of the metals.
const STARS: [(f64, f64); 10] = [
    (20_000.0, 1.0),
    (12_000.0, 1.0),
    (9000.0, 1.0),
    (7500.0, 1.0),
    (6200.0, 1.0),
    (5400.0, 1.0),
    (4700.0, 1.0),
    (4000.0, 1.0),
    (3500.0, 1.0),
    (3100.0, 1.0),
];
/// The grid of the stars, which stand still in the observed frame: ln of the first wavelength (2000 Angstrom), step, number.
const STAR_GRID: (f64, f64, usize) = (7.600_902_46, 2.3e-4, 8200);

/// Shapes: `at_rest` has `[grid]` each, `stars` `[STAR_GRID]`.
#[derive(Debug, Clone)]
pub(super) struct Sources {
    at_rest: Vec<Vec<f64>>,
    stars: Vec<Vec<f64>>,
}

impl Sources {
    /// For a grid in the working frame, Angstrom vacuum.
    pub fn new(grid: &[f64]) -> Self {
        let balmer = BALMER_WIDTHS.map(|width| -> Vec<f64> {
            let light = |rest: f64| {
                let profile = |(center, flux): (f64, f64)| {
                    let x = (rest / center - 1.0) * SPEED_OF_LIGHT / width;
                    flux * (-0.5 * x * x).exp()
                };
                BALMER.into_iter().map(profile).sum()
            };
            grid.iter().map(|rest| light(*rest)).collect()
        });
        let supernovae = SUPERNOVAE.map(|(kind, speed)| -> Vec<f64> {
            let light = |rest: &f64| templates::supernova(kind, *rest, 9500.0, speed, 1.0);
            grid.iter().map(light).collect()
        });
        let (start, step, length) = STAR_GRID;
        let stars = STARS.map(|(temperature, metals)| -> Vec<f64> {
            let rest = |i: usize| (start + step * i as f64).exp();
            (0..length)
                .map(|i| templates::star(rest(i), temperature, metals))
                .collect()
        });
        Self {
            at_rest: balmer.into_iter().chain(supernovae).collect(),
            stars: stars.into(),
        }
    }

    /// Balmer lines of three widths, four supernovae, ten stars: signed significances.
    pub fn measure(&self, projection: &Projection, residual: &Residual) -> Vec<f64> {
        let (start, step, length) = STAR_GRID;
        // The place on the grid of the stars before each pixel, and the share of the way to the next.
        let places: Vec<(usize, f64)> = residual
            .observed
            .iter()
            .map(|wavelength| {
                let place = ((wavelength.ln() - start) / step).clamp(0.0, (length - 2) as f64);
                (place as usize, place.fract())
            })
            .collect();
        let seen = |star: &Vec<f64>| -> Vec<f64> {
            places
                .iter()
                .map(|&(low, share)| star[low] + share * (star[low + 1] - star[low]))
                .collect()
        };
        let at_rest = self.at_rest.iter().map(|shape| projection.significance(shape));
        let stars = self.stars.iter().map(|star| projection.significance(&seen(star)));
        at_rest.chain(stars).collect()
    }
}

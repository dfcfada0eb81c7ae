//! The light of what is no galaxy, as far as a hypothesis needs it: analytic, by rest wavelength (Angstrom vacuum), in arbitrary units.

use crate::spectrum::SPEED_OF_LIGHT;
use crate::spectrum::light::{Feature, QUASAR_LINES, TYPE_IA, TYPE_II};

/// Planck's law B_lambda relative to 5500 Angstrom.
pub(crate) fn blackbody(wavelength: f64, temperature: f64) -> f64 {
    let planck = |wavelength: f64| wavelength.powi(-5) / (1.438_777e8 / (wavelength * temperature)).exp_m1();
    planck(wavelength) / planck(5500.0)
}

/// A supernova: `kind` 0 is type Ia, else type II; expanding at `speed` km/s, features `depth` times as deep as usual.
pub(crate) fn supernova(kind: usize, rest: f64, temperature: f64, speed: f64, depth: f64) -> f64 {
    let features: &[Feature] = if kind == 0 { &TYPE_IA } else { &TYPE_II };
    // Iron-peak lines blanket the ultraviolet.
    let mut flux = blackbody(rest, temperature) / (1.0 + ((3600.0 - rest) / 250.0).exp());
    for (center, absorbed, emitted, width) in features {
        let profile = |at: f64, km_s: f64| {
            let x = (rest / at - 1.0) * SPEED_OF_LIGHT / km_s;
            (-0.5 * x * x).exp()
        };
        flux *= 1.0 - (depth * absorbed).min(0.95) * profile(center * (1.0 - speed / SPEED_OF_LIGHT), *width);
        flux *= 1.0 + depth * emitted * profile(*center, 1.2 * width);
    }
    flux
}

/// Metal features of cool stars: wavelength, depth, half-width (Angstrom).
const METALS: [(f64, f64, f64); 9] = [
    (3934.78, 1.5, 8.0),
    (3969.59, 1.3, 8.0),
    (4227.9, 0.4, 4.0),
    (4305.6, 0.5, 14.0),
    (5176.7, 0.35, 12.0),
    (5892.9, 0.5, 4.0),
    (8500.4, 0.4, 4.0),
    (8544.4, 0.6, 4.0),
    (8664.5, 0.5, 4.0),
];
/// Band heads of titanium oxide, degraded to the red: wavelength, depth, length (Angstrom).
const TITANIUM_OXIDE: [(f64, f64, f64); 10] = [
    (4761.0, 0.35, 60.0),
    (4954.0, 0.50, 80.0),
    (5167.0, 0.60, 90.0),
    (5448.0, 0.40, 90.0),
    (5847.0, 0.50, 120.0),
    (6159.0, 0.60, 140.0),
    (6651.0, 0.60, 160.0),
    (7053.0, 0.90, 170.0),
    (7589.0, 0.70, 190.0),
    (8432.0, 0.50, 190.0),
];

/// A star: Planck's law less Balmer lines (strongest near 9000 K), metals below 7500 K and titanium oxide below 4300 K.
pub(crate) fn star(rest: f64, temperature: f64, metals: f64) -> f64 {
    let lorentz = |x: f64| (-(x / 9.0).powi(2)).exp() / (1.0 + x * x);
    let mut depth = 0.0;
    let balmer = (-0.5 * ((temperature / 9000.0).ln() / 0.33).powi(2)).exp();
    let width = if temperature > 7000.0 { 12.0 } else { 5.0 };
    for n in 3..20 {
        let center = 911.7535 / (0.25 - 1.0 / f64::from(n * n));
        let strength = match n {
            3 => 0.75,
            4..=8 => 1.0,
            _ => (8.0 / f64::from(n)).powf(1.6),
        };
        depth += balmer * strength * lorentz((rest - center) / width);
    }
    let cool = metals * (1.0 / (1.0 + ((temperature - 5800.0) / 500.0).exp()) * 1.3 + 0.1);
    for (center, strength, width) in METALS {
        depth += cool * strength * lorentz((rest - center) / width);
    }
    // Countless faint lines take ever more of the blue.
    depth += 0.6 * cool * (4000.0 / rest).powi(4);
    let oxide = 1.8 / (1.0 + ((temperature - 3550.0) / 220.0).exp());
    if oxide > 0.01 {
        for (head, strength, length) in TITANIUM_OXIDE {
            let x = rest - head;
            let edge = 1.0 + (-x / 4.0).clamp(-50.0, 50.0).exp();
            depth += oxide * strength * (-x.max(0.0) / length).exp() / edge;
        }
    }
    blackbody(rest, temperature) * (-depth).exp()
}

/// H alpha of a quasar as [`QUASAR_LINES`] has the others: those of low redshift show it.
const QUASAR_H_ALPHA: (f64, f64, f64) = (6564.6, 190.0, 1.0);

/// A quasar: a power law of `slope` in wavelength with broad lines of `width` km/s (sigma), `strength` times as strong as usual, and the mean
/// absorption blueward of Lyman alpha.
pub(crate) fn quasar(rest: f64, slope: f64, width: f64, strength: f64) -> f64 {
    let lines: f64 = QUASAR_LINES
        .iter()
        .chain([&QUASAR_H_ALPHA])
        .map(|(center, equivalent, factor)| {
            let sigma = center * width * factor / SPEED_OF_LIGHT;
            let x = (rest - center) / sigma;
            if x.abs() > 5.0 {
                0.0
            } else {
                strength * equivalent / (sigma * 2.506_628) * (-0.5 * x * x).exp()
            }
        })
        .sum();
    let forest = match rest {
        r if r < 912.0 => 0.08,
        r if r < 1215.67 => 0.65,
        _ => 1.0,
    };
    (rest / 3000.0).powf(slope) * (1.0 + lines) * forest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_where_they_belong() {
        // H beta in an A star, TiO in an M star, C IV in a quasar, Si II in a supernova.
        assert!(star(4862.7, 9500.0, 1.0) < 0.6 * star(4950.0, 9500.0, 1.0));
        assert!(star(7070.0, 3200.0, 1.0) < 0.5 * star(7040.0, 3200.0, 1.0));
        assert!(quasar(1549.0, -1.5, 2500.0, 1.0) > 1.5 * quasar(1470.0, -1.5, 2500.0, 1.0));
        let trough = 6355.0 * (1.0 - 10_500.0 / SPEED_OF_LIGHT);
        assert!(
            supernova(0, trough, 9500.0, 10_500.0, 1.0) < 0.7 * supernova(0, 6500.0, 9500.0, 10_500.0, 1.0)
        );
    }

    #[test]
    fn hot_is_blue() {
        assert!(blackbody(4000.0, 20_000.0) > 1.0 && blackbody(4000.0, 3500.0) < 0.5);
    }
}

//! A spectrum as a shorter exposure would have given it.

use super::random::{Draw, Purpose};
use crate::spectrum::Spectrum;
use crate::spectrum::noise::median_sn;

/// Sets the streams of this room apart from those of a simulated survey of the same seed.
const SALT: u64 = 0x6465_6772_6164_6500;

/// Median signal-to-noise ratio a pixel over the valid pixels; 0 without any.
pub fn signal_to_noise(spectrum: &Spectrum) -> f64 {
    let ivar: Vec<f32> = (0..spectrum.len())
        .map(|i| {
            if spectrum.is_valid(i) {
                spectrum.ivar[i]
            } else {
                0.0
            }
        })
        .collect();
    median_sn(&spectrum.flux, &ivar).map_or(0.0, f64::from)
}

/// Adds noise until the median signal-to-noise ratio a pixel is `sn`, and lowers the inverse variance accordingly: with k the ratio of the ratios,
/// every pixel gets normal noise of variance (k^2 - 1) / ivar, and ivar becomes ivar / k^2. The shape of the noise against wavelength stays,
/// sky lines included. A spectrum that is no better than `sn` comes back as it is: nothing is ever made better.
///
/// The catalog's own word on S/N (`facts.sn`) follows. Depends on `seed` and `index` alone.
pub fn degrade(spectrum: &Spectrum, sn: f64, seed: u64, index: u64) -> Spectrum {
    let mut worse = spectrum.clone();
    let factor = signal_to_noise(spectrum) / sn;
    if !(factor > 1.0 && factor.is_finite()) {
        return worse;
    }
    let mut draw = Draw::new(seed.wrapping_add(SALT), Purpose::Noise, index);
    let more = (factor * factor - 1.0).sqrt();
    for (flux, ivar) in worse.flux.iter_mut().zip(&mut worse.ivar) {
        // Drawn for every pixel, so that the noise of one does not depend on the mask of another.
        let deviate = draw.gauss();
        if *ivar > 0.0 && ivar.is_finite() {
            *flux = (f64::from(*flux) + more * deviate / f64::from(*ivar).sqrt()) as f32;
            *ivar = (f64::from(*ivar) / (factor * factor)) as f32;
        }
    }
    worse.facts.sn = worse.facts.sn.map(|sn| (f64::from(sn) / factor) as f32);
    worse
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::Simulation;

    fn bright() -> Spectrum {
        // A constant source, so that S/N is known without noise in its own estimate.
        let (mut spectrum, _) = Simulation::default().spectrum(0);
        spectrum.flux.fill(50.0);
        spectrum.ivar.iter_mut().for_each(|ivar| {
            if *ivar > 0.0 {
                *ivar = 1.0;
            }
        });
        spectrum
    }

    #[test]
    fn it_has_the_signal_to_noise_asked_for_and_says_its_noise_truly() {
        let spectrum = bright();
        for sn in [5.0, 12.0, 30.0] {
            let worse = degrade(&spectrum, sn, 3, 8);
            assert!((signal_to_noise(&worse) / sn - 1.0).abs() < 0.05, "{sn}");
            // Against the undisturbed flux, in units of the noise that was added: the inverse of 1/new - 1/old.
            let squares: Vec<f64> = (0..spectrum.len())
                .filter(|i| spectrum.is_valid(*i))
                .map(|i| {
                    let added = 1.0 / f64::from(worse.ivar[i]) - 1.0 / f64::from(spectrum.ivar[i]);
                    f64::from(worse.flux[i] - spectrum.flux[i]).powi(2) / added
                })
                .collect();
            let chi2 = squares.iter().sum::<f64>() / squares.len() as f64;
            // The standard error of a mean of n squares is sqrt(2/n), here 0.016.
            assert!((chi2 - 1.0).abs() < 0.07, "{sn}: {chi2}");
        }
    }

    #[test]
    fn nothing_is_made_better_and_pixels_without_measurement_stay() {
        let spectrum = bright();
        assert_eq!(degrade(&spectrum, 80.0, 3, 8), spectrum);
        let worse = degrade(&spectrum, 10.0, 3, 8);
        for i in (0..spectrum.len()).filter(|i| spectrum.ivar[*i] == 0.0) {
            assert_eq!((worse.flux[i], worse.ivar[i]), (spectrum.flux[i], 0.0));
        }
        assert_eq!(
            degrade(&spectrum, 10.0, 3, 8),
            worse,
            "the same seed, the same noise"
        );
        assert_ne!(degrade(&spectrum, 10.0, 3, 9).flux, worse.flux);
    }
}

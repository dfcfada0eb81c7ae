//! From an observed spectrum to what the model sees: masked, in one frame, on one grid, normalized.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::order::{quantile_of_sorted, upper_median};
use super::resample::{Resampled, edges, rebin};
use super::{Facts, Spectrum, WavelengthGrid, artifact_zone};

/// The frame in which the model works.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// Each spectrum is moved to its rest frame, so that its redshift does not mix into the score.
    #[default]
    Rest,
    /// As observed, the original's way.
    Observed,
}

/// What flux and error are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Normalization {
    /// The median flux between two wavelengths of the working frame, Angstrom vacuum (spender's 5300-5850).
    Median { low: f64, high: f64 },
    /// The original's robust scaling, (flux - median) / (q75 - q25), over the valid pixels.
    Robust,
}

impl Default for Normalization {
    fn default() -> Self {
        Self::Median {
            low: 5300.0,
            high: 5850.0,
        }
    }
}

/// How spectra are prepared; saved with every checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preparation {
    pub frame: Frame,
    /// Observed pixels below this wavelength (Angstrom vacuum) are dropped; the original drops those below 4000.
    pub min_wavelength: Option<f64>,
    pub normalization: Normalization,
    /// The model's pixels, in the working frame.
    pub grid: WavelengthGrid,
}

/// A spectrum on the model's grid.
///
/// Shapes: `flux` and `ivar` have `grid.len()` elements. Units: flux in units of `scale`, shifted by `offset`; `ivar` in its
/// inverse square; 0 where there is no valid measurement, and flux is 0 there too.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// Shared by all that is said of the spectrum: a survey has a million of them.
    pub facts: Arc<Facts>,
    /// 1 + z in the rest frame, 1 in the observed frame: observed wavelength = grid wavelength * `stretch`.
    pub stretch: f64,
    pub flux: Vec<f32>,
    pub ivar: Vec<f32>,
    /// Original flux = `offset + scale * flux` (per (1+z) in the rest frame).
    pub scale: f64,
    pub offset: f64,
    /// Median of flux * sqrt(ivar) over the valid pixels of the observed spectrum.
    pub sn: f64,
    /// Share of the model's pixels with a valid measurement (0 to 1).
    pub coverage: f64,
    /// Pixels prone to artifacts: sky, telluric or camera overlap by wavelength, or sky by the survey's bits. Shape: `[grid.len()]`.
    pub artifact: Vec<bool>,
    /// The grid of the observed spectrum, to say where in the catalog's row a pixel lies.
    pub source: Arc<WavelengthGrid>,
}

impl Prepared {
    /// The pixels of the catalog's row under the pixels `start..end` of the model's grid (end exclusive on both sides).
    pub fn row_pixels(&self, grid: &WavelengthGrid, start: usize, end: usize) -> (usize, usize) {
        let last = self.source.len() - 1;
        let pixel = |i: usize| {
            let wavelength = grid.at(i) * self.stretch;
            let beyond = if wavelength < self.source.at(0) { 0 } else { last };
            self.source.nearest(wavelength).unwrap_or(beyond)
        };
        (pixel(start), pixel(end.max(start + 1) - 1) + 1)
    }
}

impl Preparation {
    /// Prepares one spectrum.
    ///
    /// `target` holds the edges of `self.grid`, computed once by [`Preparation::edges`]. In the rest frame a missing redshift counts as 0 here; a job leaves such rows out before.
    pub fn prepare(&self, spectrum: &Spectrum, target: &[f64]) -> Prepared {
        let stretch = match self.frame {
            Frame::Rest => 1.0 + spectrum.facts.z.unwrap_or(0.0),
            Frame::Observed => 1.0,
        };
        let ivar = self.valid_ivar(spectrum);
        let sn = upper_median(
            (0..ivar.len())
                .filter(|i| ivar[*i] > 0.0)
                .map(|i| f64::from(spectrum.flux[i] * ivar[i].sqrt())),
        )
        .unwrap_or(0.0);
        // The same grid in the same frame needs no resampling: the original's case.
        let Resampled { mut flux, mut ivar } = if *spectrum.grid == self.grid && stretch == 1.0 {
            Resampled {
                flux: spectrum
                    .flux
                    .iter()
                    .zip(&ivar)
                    .map(|(f, v)| if *v > 0.0 { *f } else { 0.0 })
                    .collect(),
                ivar,
            }
        } else {
            rebin(&edges(&spectrum.grid), &spectrum.flux, &ivar, target, stretch)
        };
        let (offset, scale) = self.normalization.measure(&flux, &ivar, &self.grid);
        let mut valid = 0usize;
        for (flux, ivar) in flux.iter_mut().zip(&mut ivar) {
            if *ivar > 0.0 {
                *flux = ((f64::from(*flux) - offset) / scale) as f32;
                *ivar = (f64::from(*ivar) * scale * scale) as f32;
                valid += 1;
            }
        }
        Prepared {
            facts: Arc::new(spectrum.facts.clone()),
            stretch,
            scale,
            offset,
            sn,
            coverage: valid as f64 / flux.len().max(1) as f64,
            artifact: self.artifact_prone(spectrum, stretch),
            source: Arc::clone(&spectrum.grid),
            flux,
            ivar,
        }
    }

    /// Normalizes a prepared spectrum again whose flux was changed.
    pub fn renormalize(&self, prepared: &mut Prepared) {
        let (offset, scale) = self
            .normalization
            .measure(&prepared.flux, &prepared.ivar, &self.grid);
        let mut valid = 0usize;
        for (flux, ivar) in prepared.flux.iter_mut().zip(&mut prepared.ivar) {
            if *ivar > 0.0 {
                *flux = ((f64::from(*flux) - offset) / scale) as f32;
                *ivar = (f64::from(*ivar) * scale * scale) as f32;
                valid += 1;
            }
        }
        prepared.offset += prepared.scale * offset;
        prepared.scale *= scale;
        prepared.coverage = valid as f64 / prepared.flux.len().max(1) as f64;
    }

    fn artifact_prone(&self, spectrum: &Spectrum, stretch: f64) -> Vec<bool> {
        let mut prone: Vec<bool> = (0..self.grid.len())
            .map(|i| artifact_zone(self.grid.at(i) * stretch, spectrum.mask_kind).is_some())
            .collect();
        for (pixel, bits) in spectrum.mask.iter().flatten().enumerate() {
            if spectrum.mask_kind.is_sky(*bits)
                && let Some(i) = self.grid.nearest(spectrum.grid.at(pixel) / stretch)
            {
                prone[i] = true;
            }
        }
        prone
    }

    /// Edges of the model's pixels, for [`Preparation::prepare`].
    pub fn edges(&self) -> Vec<f64> {
        edges(&self.grid)
    }

    /// `ivar` of the valid pixels, 0 for all others.
    fn valid_ivar(&self, spectrum: &Spectrum) -> Vec<f32> {
        let first = self.min_wavelength.map_or(0, |minimum| {
            (0..spectrum.len())
                .find(|i| spectrum.grid.at(*i) >= minimum)
                .unwrap_or(spectrum.len())
        });
        (0..spectrum.len())
            .map(|i| {
                if i >= first && spectrum.is_valid(i) {
                    spectrum.ivar[i]
                } else {
                    0.0
                }
            })
            .collect()
    }
}

impl Normalization {
    /// Offset and scale (always positive) by which the flux is normalized.
    ///
    /// A spectrum without a significant median is divided by three times the error of that median instead, so that pure noise stays
    /// noise of a bounded size instead of being blown up.
    fn measure(self, flux: &[f32], ivar: &[f32], grid: &WavelengthGrid) -> (f64, f64) {
        let valid = |range: std::ops::Range<usize>| range.filter(|i| ivar[*i] > 0.0);
        match self {
            Self::Median { low, high } => {
                let range = pixels(grid, low, high);
                // Where the window is not covered, the whole spectrum stands in for it.
                let range = if valid(range.clone()).count() * 4 < range.len().max(1) {
                    0..flux.len()
                } else {
                    range
                };
                let value = upper_median(valid(range.clone()).map(|i| f64::from(flux[i]))).unwrap_or(0.0);
                let noise = upper_median(valid(range.clone()).map(|i| 1.0 / f64::from(ivar[i]).sqrt()))
                    .unwrap_or(1.0);
                let error = 1.253 * noise / (valid(range).count().max(1) as f64).sqrt();
                (0.0, value.max(3.0 * error).max(f64::MIN_POSITIVE))
            }
            Self::Robust => {
                let mut values: Vec<f64> = valid(0..flux.len()).map(|i| f64::from(flux[i])).collect();
                values.sort_by(f64::total_cmp);
                let quantile = |q| quantile_of_sorted(&values, q).unwrap_or(0.0);
                let spread = quantile(0.75) - quantile(0.25);
                (quantile(0.5), if spread > 0.0 { spread } else { 1.0 })
            }
        }
    }
}

/// The pixels of `grid` between two wavelengths.
fn pixels(grid: &WavelengthGrid, low: f64, high: f64) -> std::ops::Range<usize> {
    let first = |limit: f64| {
        let (mut left, mut right) = (0, grid.len());
        while left < right {
            let middle = (left + right) / 2;
            if grid.at(middle) < limit {
                left = middle + 1
            } else {
                right = middle
            }
        }
        left
    };
    first(low)..first(high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spectrum::MaskKind;

    fn spectrum(flux: Vec<f32>, ivar: Vec<f32>, z: f64) -> Spectrum {
        Spectrum {
            facts: Facts {
                object_id: "1".into(),
                z: Some(z),
                ..Facts::default()
            },
            grid: Arc::new(WavelengthGrid::DESI),
            flux,
            ivar,
            mask: None,
            mask_kind: MaskKind::Desi,
            ivar_estimated: false,
        }
    }

    fn rest() -> Preparation {
        Preparation {
            frame: Frame::Rest,
            min_wavelength: None,
            normalization: Normalization::default(),
            grid: WavelengthGrid::Log10 {
                start: 3.45,
                step: 1e-4,
                n: 5000,
            },
        }
    }

    #[test]
    fn flux_and_error_are_scaled_alike_and_bad_pixels_have_no_weight() {
        // Defects 3 and 4 of the original: sigma was not scaled, and the mask was `flux > 0` after centering.
        let n = WavelengthGrid::DESI.len();
        let mut observed = spectrum(
            (0..n).map(|i| 10.0 + (i % 7) as f32).collect(),
            vec![0.25; n],
            0.0,
        );
        let mut mask = vec![0; n];
        mask[100] = 4;
        observed.mask = Some(mask);
        observed.flux[200] = f32::NAN;
        observed.ivar[200] = 0.0;
        let preparation = Preparation {
            frame: Frame::Observed,
            min_wavelength: Some(4000.0),
            normalization: Normalization::Robust,
            grid: WavelengthGrid::DESI,
        };
        let prepared = preparation.prepare(&observed, &preparation.edges());
        assert_eq!(
            prepared.ivar.iter().filter(|v| **v > 0.0).count(),
            n - 500,
            "7281 pixels from 4000 A on"
        );
        assert!(prepared.flux[600] < 0.0 || prepared.flux[601] < 0.0 || prepared.flux[602] < 0.0);
        let i = 1234;
        let sigma_in_flux = prepared.scale / f64::from(prepared.ivar[i]).sqrt();
        assert!((sigma_in_flux - 2.0).abs() < 1e-5);
        assert!(
            (prepared.offset + prepared.scale * f64::from(prepared.flux[i]) - f64::from(observed.flux[i]))
                .abs()
                < 1e-4
        );
        let preparation = Preparation {
            min_wavelength: None,
            ..preparation
        };
        let prepared = preparation.prepare(&observed, &preparation.edges());
        assert_eq!(
            (prepared.ivar[100], prepared.ivar[200], prepared.flux[200]),
            (0.0, 0.0, 0.0)
        );
    }

    #[test]
    fn a_line_stands_at_its_rest_wavelength_whatever_the_redshift() {
        let preparation = rest();
        for z in [0.02, 0.2, 0.45] {
            let n = WavelengthGrid::DESI.len();
            let mut observed = spectrum(vec![1.0; n], vec![100.0; n], z);
            let pixel = WavelengthGrid::DESI.nearest(5008.24 * (1.0 + z)).unwrap();
            observed.flux[pixel] = 50.0;
            let prepared = preparation.prepare(&observed, &preparation.edges());
            let peak = (0..5000)
                .max_by(|a, b| prepared.flux[*a].total_cmp(&prepared.flux[*b]))
                .unwrap();
            assert!((preparation.grid.at(peak) - 5008.24).abs() < 1.0);
            assert!(
                (prepared.flux[2000] - 1.0).abs() < 1e-4,
                "the continuum is normalized to one"
            );
        }
    }

    proptest! {
        #[test]
        fn the_unit_of_the_flux_does_not_matter(factor in 1e-3f32..1e3, z in 0.0f64..0.5) {
            let n = WavelengthGrid::DESI.len();
            let flux: Vec<f32> = (0..n).map(|i| 5.0 + (i as f32 * 0.01).sin()).collect();
            let preparation = rest();
            let edges = preparation.edges();
            let one = preparation.prepare(&spectrum(flux.clone(), vec![1.0; n], z), &edges);
            let scaled = spectrum(flux.iter().map(|f| f * factor).collect(), vec![1.0 / (factor * factor); n], z);
            let other = preparation.prepare(&scaled, &edges);
            for i in 0..one.flux.len() {
                prop_assert!((one.flux[i] - other.flux[i]).abs() < 1e-4);
                prop_assert!((one.ivar[i] - other.ivar[i]).abs() <= 1e-3 * one.ivar[i]);
            }
            prop_assert!((one.sn - other.sn).abs() < 1e-3 * one.sn);
        }
    }
}

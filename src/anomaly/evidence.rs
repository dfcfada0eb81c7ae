//! What one spectrum shows by itself: small enough to keep for every spectrum of a survey.

use serde::{Deserialize, Serialize};

use super::scan::Sums;
use super::settings::MAX_WIDTHS;
use super::{Corrected, Hypotheses, Latent, Residual, SignificanceSettings};

/// The statistics of one spectrum that its place in the ranking is made of.
///
/// 168 bytes, the latent vector, and 288 bytes where hypotheses were tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Greatest significance of excess flux by window width, sigma; NaN where no window of that width fits.
    pub excess: [f32; MAX_WIDTHS],
    /// Greatest significance of missing flux by window width, sigma, positive; NaN where no window of that width fits.
    pub missing: [f32; MAX_WIDTHS],
    /// Median of flux times the root of ivar over the valid pixels; 0 without any.
    pub sn: f32,
    pub z: f32,
    /// Mean of residual^2 / (1/ivar + (floor * model)^2) over the valid pixels; 0 without any.
    pub reduced_chi2: f32,
    /// Share of the grid from the first to the last valid pixel (0 to 1).
    pub coverage: f32,
    /// Share of the grid without a valid measurement (0 to 1).
    pub masked_fraction: f32,
    /// Which of the cross-fitted models made the latent vector: those of different models cannot be compared.
    pub model: u16,
    pub latent: Latent,
    /// Of the hypotheses, in the order of [`STATISTICS`](super::STATISTICS); empty where none was tried.
    pub statistics: Box<[f32]>,
}

impl Evidence {
    /// Measures a spectrum.
    ///
    /// `corrected` is its residual after the error model; `latent` may be empty; `model` numbers the cross-fitted models.
    ///
    /// Panics where both residuals are not of one grid, or `settings.widths` has more than [`MAX_WIDTHS`]
    /// ([`SignificanceSettings::check`] says so first).
    pub fn measure(
        residual: &Residual,
        corrected: &Corrected,
        latent: &[f32],
        model: u16,
        settings: &SignificanceSettings,
    ) -> Self {
        assert_eq!(residual.len(), corrected.residual.len(), "residuals on one grid");
        let sums = Sums::new(corrected);
        let mut evidence = Self {
            excess: [f32::NAN; MAX_WIDTHS],
            missing: [f32::NAN; MAX_WIDTHS],
            sn: 0.0,
            z: residual.z as f32,
            reduced_chi2: 0.0,
            coverage: 0.0,
            masked_fraction: 1.0,
            model,
            latent: latent.into(),
            statistics: Box::default(),
        };
        for (index, &width) in settings.widths.iter().enumerate() {
            if let Some((excess, missing)) = sums.extremes(width) {
                evidence.excess[index] = excess as f32;
                evidence.missing[index] = missing as f32;
            }
        }
        evidence.describe(residual, settings);
        evidence
    }

    /// The evidence with the statistics of `hypotheses`; `corrected` is the residual after the error model, `basis` are the spectra along which the model can change, row by row.
    pub fn with_hypotheses(
        mut self,
        hypotheses: &Hypotheses,
        residual: &Residual,
        corrected: &Corrected,
        basis: &[f32],
    ) -> Self {
        let latent: &[f32] = if basis.is_empty() { &[] } else { &self.latent };
        self.statistics = hypotheses.measure(residual, corrected, basis, latent).into();
        self
    }

    /// S/N, chi-square, coverage.
    fn describe(&mut self, residual: &Residual, settings: &SignificanceSettings) {
        let mut sn = Vec::with_capacity(residual.len());
        let (mut chi2, mut first, mut last) = (0.0, None, 0);
        for pixel in (0..residual.len()).filter(|&pixel| residual.is_valid(pixel)) {
            first.get_or_insert(pixel);
            last = pixel;
            let ivar = f64::from(residual.ivar[pixel]);
            let model = settings.model_floor * f64::from(residual.reconstruction[pixel]);
            let difference = f64::from(residual.flux[pixel]) - f64::from(residual.reconstruction[pixel]);
            chi2 += difference * difference / (1.0 / ivar + model * model);
            sn.push(residual.flux[pixel] * residual.ivar[pixel].sqrt());
        }
        let Some(first) = first else { return };
        let pixels = residual.len() as f64;
        let valid = sn.len();
        self.reduced_chi2 = (chi2 / valid as f64) as f32;
        self.coverage = ((last - first + 1) as f64 / pixels) as f32;
        self.masked_fraction = (1.0 - valid as f64 / pixels) as f32;
        let (_, middle, _) = sn.select_nth_unstable_by(valid / 2, f32::total_cmp);
        self.sn = *middle;
    }

    /// ln(S/N), bounded below where the noise has swallowed all.
    pub(crate) fn ln_sn(&self) -> f64 {
        f64::from(self.sn).max(0.3).ln()
    }
}

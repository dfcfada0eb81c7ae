//! What else could explain a residual: each hypothesis is a shape of light, and its statistic says how much better the spectrum is explained with it.
//!
//! A boxcar knows nothing of what things look like. Broad Balmer lines are four windows that are each not much; a step is a window that the model has half explained
//! away. So shapes of known things are fitted beside the model, all of its freedom kept ([`projection::Projection`]), and their significance joins the evidence.

mod continuum;
mod contrast;
mod detector;
mod lines;
mod portrait;
mod projection;
mod sources;

use super::{Corrected, Residual};
pub(super) use contrast::contrasts;
use portrait::Portrait;
use projection::Projection;
use sources::Sources;

/// Widths of the windows that are measured with the model's freedom taken into account, pixels.
const WIDTHS: [usize; 8] = [25, 45, 75, 127, 255, 511, 1023, 2047];
/// A residual counts with at most so many sigma where a wide shape is fitted: one cosmic ray is no continuum.
const BOUND: f64 = 6.0;

/// The names of the statistics, in their order: significances in sigma unless the comment says otherwise.
pub const STATISTICS: [&str; 72] = [
    // The most significant excess and the most significant lack in windows of 25 to 2047 pixels.
    "excess_25",
    "missing_25",
    "excess_45",
    "missing_45",
    "excess_75",
    "missing_75",
    "excess_127",
    "missing_127",
    "excess_255",
    "missing_255",
    "excess_511",
    "missing_511",
    "excess_1023",
    "missing_1023",
    "excess_2047",
    "missing_2047",
    "step",
    "step_at_joint",
    "slope",
    "curvature",
    "balmer_1000",
    "balmer_2000",
    "balmer_4000",
    "supernova_ia_8000",
    "supernova_ia_10500",
    "supernova_ia_13000",
    "supernova_ii",
    "star_20000",
    "star_12000",
    "star_9000",
    "star_7500",
    "star_6200",
    "star_5400",
    "star_4700",
    "star_4000",
    "star_3500",
    "star_3100",
    "split_lines",
    "faint_lines",
    "known_line_missing",
    "known_line_excess",
    "unknown_line",
    "second_lines",
    // How much of a group of lines that the model draws is not there, and how much there is more of it: shares, less where noise hides them.
    "group_gone",
    "group_doubled",
    // The same beside what the rest of the spectrum foretells of a group: the share gone, the share doubled, the lack in sigma, and how much fainter the faintest
    // group is than the others.
    "foretold_gone",
    "foretold_doubled",
    "foretold_lack",
    "foretold_contrast",
    // Mean square of the bounded residual, in sigma^2: of all pixels, of those prone to artifacts, of the others.
    "chi2",
    "chi2_prone",
    "chi2_clean",
    // The worst artifact-prone stretch: (chi2 - n) / sqrt(2 n).
    "worst_prone",
    // The worst 15, 60 and 240 pixels anywhere, the same.
    "worst_15",
    "worst_60",
    "worst_240",
    // How much one pixel stands out of its neighbors, sigma.
    "sharpest",
    // The least flux over model within 25 pixels, less from 1.
    "darkest",
    // Of the model: logarithms of the continuum over its mean, from the blue to the red.
    "color_3825",
    "color_4175",
    "color_4600",
    "color_5325",
    "color_6100",
    "color_7000",
    "color_7900",
    // The logarithm of its break, and equivalent widths, Angstrom.
    "break_4000",
    "width_h_alpha",
    "width_o_iii",
    "width_h_beta",
    "width_o_ii",
    "width_mg_b",
    "width_na_d",
];

/// Where a statistic stands; panics where there is none of the name.
pub(super) fn place_of(name: &str) -> usize {
    STATISTICS
        .iter()
        .position(|other| *other == name)
        .expect("a statistic of this name")
}

/// Shapes that are the same for all spectra on one grid.
#[derive(Debug, Clone)]
pub struct Hypotheses {
    lines: lines::Lines,
    sources: Sources,
    portrait: Portrait,
}

impl Hypotheses {
    /// For a grid in the working frame, Angstrom vacuum.
    pub fn new(grid: &[f64]) -> Self {
        Self {
            lines: lines::Lines::new(grid),
            sources: Sources::new(grid),
            portrait: Portrait::new(grid),
        }
    }

    /// The statistics of a spectrum, in the order of [`STATISTICS`]; NaN where one cannot be said.
    ///
    /// `corrected` is the residual after the error model; `basis` are the spectra along which the model can change, row by row; it may be empty. Shapes: `basis`
    /// `[latent, pixels]`, `latent` `[latent]`.
    ///
    /// Panics where the residuals are not of this grid.
    pub fn measure(
        &self,
        residual: &Residual,
        corrected: &Corrected,
        basis: &[f32],
        latent: &[f32],
    ) -> Vec<f32> {
        let valid = corrected.weight.iter().filter(|weight| **weight > 0.0).count();
        if valid < 100 {
            return vec![f32::NAN; STATISTICS.len()];
        }
        let bounded = bounded(corrected);
        let projection = Projection::new(&bounded, basis);
        let model: Vec<f64> = (0..residual.len())
            .map(|pixel| {
                let value = f64::from(residual.reconstruction[pixel]);
                if value.is_finite() { value } else { 0.0 }
            })
            .collect();
        let mut found = Vec::with_capacity(STATISTICS.len());
        for (excess, missing) in projection.windows(&WIDTHS) {
            found.extend([excess, missing]);
        }
        found.extend(continuum::measure(&projection, residual, &model));
        found.extend(self.sources.measure(&projection, residual));
        found.extend(
            self.lines
                .measure(&projection, corrected, residual, &model, latent),
        );
        found.extend(detector::measure(corrected, residual, &model));
        found.extend(self.portrait.measure(&model));
        debug_assert_eq!(found.len(), STATISTICS.len());
        found.into_iter().map(|value| value as f32).collect()
    }
}

fn bounded(corrected: &Corrected) -> Corrected {
    let bounded = corrected.residual.iter().zip(&corrected.weight).map(|(r, w)| {
        let limit = BOUND / w.sqrt();
        if *w > 0.0 { r.clamp(-limit, limit) } else { 0.0 }
    });
    Corrected {
        residual: bounded.collect(),
        weight: corrected.weight.clone(),
    }
}

#[cfg(test)]
mod tests;

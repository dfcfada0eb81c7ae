//! Spectra small enough for a line of a table.

use super::Browser;
use crate::pipeline::PipelineError;
use crate::spectrum::{RowIssue, Spectrum};

impl Browser {
    /// Each row's flux in `width` bins of equal width in wavelength, from 0 (bottom) to 1 (top); NaN where nothing was measured.
    ///
    /// The range is that of the bulk: the middle four fifths of the bins and half their width on either side, so that one line does not
    /// flatten the rest. Rows that cannot be used come back as their issue.
    ///
    /// Errors: a row of a file without spectra, see [`has_spectra`](Self::has_spectra); a row that is not there; what the operating
    /// system refuses.
    pub fn sparks(
        &self,
        rows: &[u64],
        width: usize,
    ) -> Result<Vec<Result<Vec<f32>, RowIssue>>, PipelineError> {
        let mut sparks = Vec::with_capacity(rows.len());
        for read in self.catalog.spectra(rows) {
            sparks.push(read?.map(|spectrum| scaled(binned(&spectrum, width))));
        }
        Ok(sparks)
    }

    /// Whether any file has spectra.
    pub fn has_spectra(&self) -> bool {
        use crate::catalog::LayoutKind;
        self.catalog
            .layouts()
            .iter()
            .any(|layout| *layout != LayoutKind::TableOnly)
    }
}

/// Inverse-variance-weighted mean of the valid pixels in each of `width` bins of wavelength.
fn binned(spectrum: &Spectrum, width: usize) -> Vec<f32> {
    let wavelengths = spectrum.grid.wavelengths();
    let (Some(first), Some(last)) = (wavelengths.first(), wavelengths.last()) else {
        return vec![f32::NAN; width];
    };
    let per_bin = (last - first).max(f64::MIN_POSITIVE) / width.max(1) as f64;
    let mut sums = vec![(0.0f64, 0.0f64); width];
    for (pixel, wavelength) in wavelengths.iter().enumerate() {
        if width > 0 && spectrum.is_valid(pixel) {
            let bin = (((wavelength - first) / per_bin) as usize).min(width - 1);
            let weight = f64::from(spectrum.ivar[pixel]);
            sums[bin].0 += weight * f64::from(spectrum.flux[pixel]);
            sums[bin].1 += weight;
        }
    }
    let mean = |(flux, weight): (f64, f64)| match weight > 0.0 {
        true => (flux / weight) as f32,
        false => f32::NAN,
    };
    sums.into_iter().map(mean).collect()
}

/// How far beyond the middle four fifths of the bins the range reaches, in widths of that middle.
const HEADROOM: f32 = 0.5;
/// A range narrower than this part of the flux is noise on a flat spectrum, and stays flat.
const FLATTEST: f32 = 0.2;

/// Brought to 0..1: the middle four fifths and half their width on either side, so that one line does not flatten the rest. What is
/// beyond is cut off there.
fn scaled(mut bins: Vec<f32>) -> Vec<f32> {
    let mut sorted: Vec<f32> = bins.iter().copied().filter(|v| v.is_finite()).collect();
    if sorted.is_empty() {
        return bins;
    }
    sorted.sort_unstable_by(f32::total_cmp);
    let at = |share: f32| sorted[(share * (sorted.len() - 1) as f32).round() as usize];
    let (low, middle, high) = (at(0.1), at(0.5), at(0.9));
    let room = HEADROOM * (high - low);
    let mut bottom = (low - room).max(sorted[0]);
    let mut top = (high + room).min(sorted[sorted.len() - 1]);
    let least = (FLATTEST * middle.abs()).max(f32::MIN_POSITIVE);
    if top - bottom < least {
        let center = 0.5 * (top + bottom);
        (bottom, top) = (center - 0.5 * least, center + 0.5 * least);
    }
    for bin in &mut bins {
        *bin = ((*bin - bottom) / (top - bottom)).clamp(0.0, 1.0);
    }
    bins
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::spectrum::{Facts, MaskKind, WavelengthGrid};

    fn spectrum(flux: Vec<f32>, ivar: Vec<f32>, mask: Option<Vec<u32>>) -> Spectrum {
        Spectrum {
            facts: Facts::default(),
            grid: Arc::new(WavelengthGrid::Linear {
                start: 4000.0,
                step: 1.0,
                n: flux.len(),
            }),
            flux,
            ivar,
            mask,
            mask_kind: MaskKind::Plain,
            ivar_estimated: false,
        }
    }

    #[test]
    fn bins_are_weighted_means_of_what_is_valid() {
        // Two bins; in the first weights 1 and 3, in the second one masked and one without weight.
        let spectrum = spectrum(
            vec![1.0, 5.0, 7.0, 1e6, -1e6, 9.0],
            vec![1.0, 3.0, 0.0, 1.0, 0.0, 2.0],
            Some(vec![0, 0, 0, 1, 0, 0]),
        );
        assert_eq!(binned(&spectrum, 2), [4.0, 9.0]);
        assert!(binned(&spectrum, 6)[3].is_nan());
        assert_eq!(binned(&spectrum, 0), Vec::<f32>::new());
    }

    #[test]
    fn one_line_does_not_flatten_the_rest() {
        let mut slope: Vec<f32> = (0..30).map(|i| 10.0 + i as f32).collect();
        let plain = scaled(slope.clone());
        assert_eq!((plain[0], plain[29]), (0.0, 1.0), "a slope has all of the room");
        slope[15] = 1000.0;
        let with_line = scaled(slope);
        assert_eq!(with_line[15], 1.0);
        assert!(with_line[28] - with_line[1] > 0.5, "{with_line:?}");
    }

    #[test]
    fn a_flat_spectrum_stays_flat_and_gaps_stay_gaps() {
        let noise: Vec<f32> = (0..20).map(|i| 100.0 + (i % 3) as f32 * 0.1).collect();
        let flat = scaled(noise);
        assert!(flat.iter().all(|v| (v - 0.5).abs() < 0.05), "{flat:?}");
        let gaps = scaled(vec![f32::NAN, 1.0, 2.0, f32::NAN]);
        assert!(gaps[0].is_nan() && gaps[3].is_nan() && gaps[1] < gaps[2]);
        assert!(scaled(vec![f32::NAN; 3]).iter().all(|v| v.is_nan()));
        assert!(scaled(vec![0.0; 4]).iter().all(|v| v.is_finite()));
    }
}

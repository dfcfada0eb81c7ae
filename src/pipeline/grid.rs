//! Which pixels the model sees.

use std::sync::Arc;

use super::PipelineError;
use super::settings::{NormalizationKind, PrepareSettings};
use crate::spectrum::WavelengthGrid;
use crate::spectrum::prepare::{Frame, Normalization, Preparation};

/// Observed range and redshift of one spectrum.
#[derive(Debug, Clone)]
pub struct Extent {
    pub grid: Arc<WavelengthGrid>,
    /// 0 where the catalog has none.
    pub z: f64,
}

/// Chooses the grid and returns the whole preparation.
///
/// Rest frame: a logarithmic grid over the wavelengths that at least `min_coverage` of the spectra cover. Observed frame: the spectra's own grid
/// where they share one, as in the original, else a logarithmic grid over their common range.
pub fn choose(settings: &PrepareSettings, extents: &[Extent]) -> Result<Preparation, PipelineError> {
    let grid = match settings.frame {
        Frame::Rest => covered(
            settings,
            extents.iter().map(|extent| (extent, 1.0 + extent.z)),
            settings.min_coverage,
        )?,
        Frame::Observed => match extents {
            [first, rest @ ..] if rest.iter().all(|extent| extent.grid == first.grid) => {
                from(&first.grid, settings.min_wavelength)
            }
            _ => covered(settings, extents.iter().map(|extent| (extent, 1.0)), 0.5)?,
        },
    };
    Ok(Preparation {
        frame: settings.frame,
        min_wavelength: settings.min_wavelength,
        normalization: match settings.normalization {
            NormalizationKind::Median => Normalization::default(),
            NormalizationKind::Robust => Normalization::Robust,
        },
        grid,
    })
}

/// The logarithmic grid over the wavelengths that at least `share` of the spectra cover.
fn covered<'a>(
    settings: &PrepareSettings,
    extents: impl Iterator<Item = (&'a Extent, f64)>,
    share: f64,
) -> Result<WavelengthGrid, PipelineError> {
    let step = settings.log_step;
    let pixel = |wavelength: f64| (wavelength.log10() / step).round() as i64;
    let ranges: Vec<(i64, i64)> = extents
        .filter(|(extent, stretch)| extent.grid.len() > 1 && *stretch > 0.0)
        .map(|(extent, stretch)| {
            let low = extent.grid.at(0).max(settings.min_wavelength.unwrap_or(0.0));
            (
                pixel(low / stretch),
                pixel(extent.grid.at(extent.grid.len() - 1) / stretch),
            )
        })
        .collect();
    let needed = ((share * ranges.len() as f64).ceil() as usize).max(1);
    let mut starts: Vec<i64> = ranges.iter().map(|range| range.0).collect();
    let mut ends: Vec<i64> = ranges.iter().map(|range| range.1).collect();
    starts.sort_unstable();
    ends.sort_unstable();
    // Pixel p is covered by (starts <= p) - (ends < p) spectra; the grid runs from the first to the last pixel with enough.
    let covering = |p: i64| starts.partition_point(|s| *s <= p) - ends.partition_point(|e| *e < p);
    let first = starts.iter().copied().find(|p| covering(*p) >= needed);
    let last = ends.iter().rev().copied().find(|p| covering(*p) >= needed);
    match (first, last) {
        (Some(first), Some(last)) if last > first => Ok(WavelengthGrid::Log10 {
            start: first as f64 * step,
            step,
            n: (last - first + 1) as usize,
        }),
        _ => Err(PipelineError::NoCommonRange {
            spectra: ranges.len(),
        }),
    }
}

/// The part of a grid from `minimum` on.
fn from(grid: &WavelengthGrid, minimum: Option<f64>) -> WavelengthGrid {
    let first = minimum.map_or(0, |minimum| {
        (0..grid.len()).find(|i| grid.at(*i) >= minimum).unwrap_or(0)
    });
    match grid {
        WavelengthGrid::Linear { start, step, n } => WavelengthGrid::Linear {
            start: start + step * first as f64,
            step: *step,
            n: n - first,
        },
        WavelengthGrid::Log10 { start, step, n } => WavelengthGrid::Log10 {
            start: start + step * first as f64,
            step: *step,
            n: n - first,
        },
        WavelengthGrid::Listed { wavelength } => WavelengthGrid::Listed {
            wavelength: wavelength[first..].to_vec(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extents(redshifts: &[f64]) -> Vec<Extent> {
        let grid = Arc::new(WavelengthGrid::DESI);
        redshifts
            .iter()
            .map(|z| Extent {
                grid: grid.clone(),
                z: *z,
            })
            .collect()
    }

    #[test]
    fn the_rest_frame_grid_covers_what_enough_spectra_cover() {
        let settings = PrepareSettings {
            min_coverage: 0.5,
            ..Default::default()
        };
        let preparation = choose(&settings, &extents(&[0.0, 0.0, 0.5, 0.5])).unwrap();
        let grid = preparation.grid;
        assert!(
            (grid.at(0) / 2400.0 - 1.0).abs() < 2e-4,
            "half the spectra begin at 3600 / 1.5"
        );
        assert!((grid.at(grid.len() - 1) / 9824.0 - 1.0).abs() < 2e-4);
        // One spectrum of a hundred does not widen the grid.
        let mut redshifts = vec![0.1; 99];
        redshifts.push(2.5);
        let grid = choose(&PrepareSettings::default(), &extents(&redshifts))
            .unwrap()
            .grid;
        assert!((grid.at(0) / (3600.0 / 1.1) - 1.0).abs() < 2e-4);
    }

    #[test]
    fn the_original_grid_has_7281_pixels_from_4000_angstrom_on() {
        let settings = PrepareSettings {
            frame: Frame::Observed,
            min_wavelength: Some(4000.0),
            ..Default::default()
        };
        let grid = choose(&settings, &extents(&[0.1, 0.3])).unwrap().grid;
        assert_eq!((grid.len(), grid.at(0)), (7281, 4000.0));
    }
}

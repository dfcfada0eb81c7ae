//! One spectrum beside what the model made of it.

use super::AnomalyError;
use crate::spectrum::order::location_and_scale;

/// One spectrum and its reconstruction on the model's grid, all normalized alike.
///
/// The reconstruction must come from a model that was not fitted to this spectrum (held out or cross-fitted): a model that saw
/// it has learned part of what is strange about it.
///
/// Shapes: every slice has one value a grid pixel. Units: `flux`, `reconstruction` and `ivar^-1/2` in the same (any) unit.
#[derive(Debug, Clone, Copy)]
pub struct Residual<'a> {
    pub flux: &'a [f32],
    /// Inverse variance; not positive or not finite where there is no valid measurement (already masked).
    pub ivar: &'a [f32],
    pub reconstruction: &'a [f32],
    /// Observed-frame vacuum wavelengths, Angstrom, ascending: on a rest-frame grid the grid times `1 + z`.
    pub observed: &'a [f64],
    /// Pixels prone to artifacts: sky line, telluric band, camera overlap, or a survey bit that says so.
    pub artifact: &'a [bool],
    /// Redshift, for rest wavelengths and line names.
    pub z: f64,
}

impl<'a> Residual<'a> {
    /// A residual whose slices fit together.
    ///
    /// Errors: a slice of another length than `flux`.
    pub fn new(
        flux: &'a [f32],
        ivar: &'a [f32],
        reconstruction: &'a [f32],
        observed: &'a [f64],
        artifact: &'a [bool],
        z: f64,
    ) -> Result<Self, AnomalyError> {
        let expected = flux.len();
        for (column, found) in [
            ("ivar", ivar.len()),
            ("reconstruction", reconstruction.len()),
            ("observed wavelength", observed.len()),
            ("artifact flags", artifact.len()),
        ] {
            if found != expected {
                return Err(AnomalyError::Length {
                    column,
                    expected,
                    found,
                });
            }
        }
        Ok(Self {
            flux,
            ivar,
            reconstruction,
            observed,
            artifact,
            z,
        })
    }

    /// Number of grid pixels.
    pub fn len(&self) -> usize {
        self.flux.len()
    }

    pub fn is_empty(&self) -> bool {
        self.flux.is_empty()
    }

    /// Whether the pixel can be judged: a measurement, and a finite reconstruction of it.
    pub fn is_valid(&self, pixel: usize) -> bool {
        let ivar = self.ivar[pixel];
        ivar > 0.0
            && ivar.is_finite()
            && self.flux[pixel].is_finite()
            && self.reconstruction[pixel].is_finite()
    }

    /// Rest-frame wavelength of a pixel, Angstrom.
    pub fn rest(&self, pixel: usize) -> f64 {
        self.observed[pixel] / (1.0 + self.z)
    }

    /// Share of the pixels of `start..end` that are prone to artifacts, invalid, or beside an invalid pixel (0 to 1).
    ///
    /// The neighbors of a gap count because what spoiled the gap rarely ends where its mask does.
    pub fn artifact_fraction(&self, start: usize, end: usize) -> f64 {
        let prone = |i: usize| {
            self.artifact[i]
                || !self.is_valid(i)
                || (i > start && !self.is_valid(i - 1))
                || (i + 1 < end && !self.is_valid(i + 1))
        };
        let count = (start..end).filter(|&i| prone(i)).count();
        count as f64 / (end - start).max(1) as f64
    }

    /// How much more flux there is at an observed wavelength than beside it; `None` where too little of it is observed.
    ///
    /// What lies within the first distance of the center is compared with the median of what lies from the second to the third; Angstrom.
    pub(super) fn above(&self, center: f64, (line, near, far): (f64, f64, f64)) -> Option<Above> {
        let at = |wavelength: f64| self.observed.partition_point(|other| *other < wavelength);
        let flux = |from: usize, to: usize| {
            let valid = (from..to).filter(|&pixel| self.is_valid(pixel));
            valid.map(|pixel| f64::from(self.flux[pixel])).collect::<Vec<_>>()
        };
        let (start, end) = (at(center - line), at(center + line));
        let within = flux(start, end);
        let mut beside = flux(at(center - far), at(center - near));
        beside.extend(flux(at(center + near), at(center + far)));
        if within.len() < 3 || 10 * within.len() < 7 * (end - start) || beside.len() < 12 {
            return None;
        }
        let count = beside.len() as f64;
        let (continuum, scatter) = location_and_scale(&mut beside)?;
        let mean = within.iter().sum::<f64>() / within.len() as f64;
        // 1.25: the error of a median over that of a mean.
        let error = scatter * (1.0 / within.len() as f64 + 1.25 * 1.25 / count).sqrt();
        (error > 0.0).then_some(Above {
            mean: mean - continuum,
            error,
        })
    }
}

/// Mean flux at a line above the median beside it, and its standard deviation by the scatter there; in the unit of the flux.
pub(super) struct Above {
    pub mean: f64,
    pub error: f64,
}

impl Above {
    pub fn sigma(&self) -> f64 {
        self.mean / self.error
    }
}

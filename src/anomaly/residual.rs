//! One spectrum beside what the model made of it.

use super::AnomalyError;

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
}

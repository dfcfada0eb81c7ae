//! A spectrum and what can be computed from it alone: pure functions on plain slices.
//!
//! Conventions of the whole crate: wavelengths are in Angstrom, **vacuum**, barycentric or heliocentric; flux is f_lambda in
//! 1e-17 erg s⁻¹ cm⁻² Å⁻¹; `ivar` is the inverse variance of the flux, and 0 means "no measurement". Flux where `ivar` is 0
//! is never looked at.

mod facts;
mod grid;
pub mod light;
pub mod lines;
mod mask;
pub mod measure;
pub mod noise;
pub(crate) mod order;
pub mod prepare;
pub mod resample;
mod smooth;

pub use facts::{Facts, RowIssue};
pub use grid::WavelengthGrid;
pub use mask::{ArtifactZone, MaskKind, artifact_zone, bits_of, bits_of_text};
pub use smooth::{Smoothed, smooth};

use std::sync::Arc;

/// km/s.
pub const SPEED_OF_LIGHT: f64 = 299_792.458;

/// Redshifts that objects have: blueshifts of stars and neighbors to beyond the first galaxies.
pub const REDSHIFTS: std::ops::Range<f64> = -0.1..20.0;

/// One observed spectrum with the identity and the facts of its catalog row.
///
/// It carries its identity all the way to the model, the score, the figure and the file: nothing is joined by position.
///
/// Shapes: `flux`, `ivar` and, where present, `mask` have `grid.len()` elements.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    pub facts: Facts,
    /// Observed-frame vacuum wavelengths, Angstrom, shared between the spectra of a catalog where they are equal.
    pub grid: Arc<WavelengthGrid>,
    /// Flux density, 1e-17 erg s⁻¹ cm⁻² Å⁻¹.
    pub flux: Vec<f32>,
    /// Inverse variance of the flux; 0 where there is no measurement.
    pub ivar: Vec<f32>,
    /// The survey's own bits by pixel, of the kind that `mask_kind` names; `None` where no pixel carries a bit.
    pub mask: Option<Vec<u32>>,
    pub mask_kind: MaskKind,
    /// `ivar` was estimated from the scatter of the flux because the source has none.
    pub ivar_estimated: bool,
}

impl Spectrum {
    /// Number of pixels.
    pub fn len(&self) -> usize {
        self.flux.len()
    }

    pub fn is_empty(&self) -> bool {
        self.flux.is_empty()
    }

    /// Whether the pixel is a measurement: positive finite `ivar`, finite flux, no bad survey bit.
    pub fn is_valid(&self, pixel: usize) -> bool {
        let ivar = self.ivar[pixel];
        ivar > 0.0
            && ivar.is_finite()
            && self.flux[pixel].is_finite()
            && self
                .mask
                .as_ref()
                .is_none_or(|mask| !self.mask_kind.is_bad(mask[pixel]))
    }
}

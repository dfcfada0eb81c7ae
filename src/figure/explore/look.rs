//! How one looks at a spectrum: layers, stretch, frame, heights, lines.

use crate::spectrum::lines::{Line, LineKind};
use crate::spectrum::prepare::Frame;

/// Which curve is how high in the panel.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum FluxScale {
    /// Every pixel in a narrow view, the bulk of them in a wide one.
    #[default]
    Auto,
    /// The bulk of data and model, so that one line does not flatten the rest.
    Bulk,
    /// From the lowest pixel in view to the highest.
    All,
    Fixed {
        low: f64,
        high: f64,
    },
}

/// Which of the object's lines are marked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LineSet {
    /// The major ones, and those that a flagged region touches.
    #[default]
    Major,
    Emission,
    Absorption,
    All,
    None,
}

impl LineSet {
    /// Whether a line of the object (not of the sky) is in the set.
    pub fn contains(self, line: &Line) -> bool {
        match self {
            Self::Major => line.kind != LineKind::Sky && line.major,
            Self::Emission => line.kind == LineKind::Emission,
            Self::Absorption => line.kind == LineKind::Absorption,
            Self::All => line.kind != LineKind::Sky,
            Self::None => false,
        }
    }
}

/// How a spectrum is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    pub data: bool,
    pub noise: bool,
    pub model: bool,
    pub residual: bool,
    pub regions: bool,
    pub masked: bool,
    /// Night sky, telluric absorption, camera overlaps.
    pub zones: bool,
    /// Sigma of the Gaussian, pixels.
    pub smoothing: Option<f64>,
    /// Where nothing is smoothed, the data are noisy and many pixels share a column: a smoothed curve over the data, without which
    /// one sees a wall of noise.
    pub trend: bool,
    /// Of the wavelengths; flux stays the observed f_lambda in both.
    pub frame: Frame,
    /// The redshift of the lines and of the rest frame.
    pub z: Option<f64>,
    /// The stretch in view, observed Angstrom; `None` for all.
    pub range: Option<(f64, f64)>,
    pub scale: FluxScale,
    /// How much taller than the scale says; 1 as it says.
    pub taller: f64,
    pub lines: LineSet,
    pub sky_lines: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            data: true,
            noise: true,
            model: true,
            residual: true,
            regions: true,
            masked: true,
            zones: true,
            smoothing: None,
            trend: true,
            frame: Frame::Observed,
            z: None,
            range: None,
            scale: FluxScale::Auto,
            taller: 1.0,
            lines: LineSet::Major,
            sky_lines: false,
        }
    }
}

impl Look {
    /// The redshift, where it is one.
    pub fn redshift(&self) -> Option<f64> {
        self.z.filter(|z| z.is_finite() && *z > -1.0)
    }

    /// Observed wavelengths over those of the x axis.
    fn shrink(&self) -> f64 {
        match self.frame {
            Frame::Rest => 1.0 + self.redshift().unwrap_or(0.0),
            Frame::Observed => 1.0,
        }
    }

    /// The place of an observed wavelength on the x axis, Angstrom.
    pub fn x_of(&self, observed: f64) -> f64 {
        observed / self.shrink()
    }

    /// The observed wavelength at a place on the x axis, Angstrom.
    pub fn observed_at(&self, x: f64) -> f64 {
        x * self.shrink()
    }
}

//! What would be strange, made from what is there: changes planted into copies of a population's own spectra, on the model's grid.
//!
//! A jury learns from these copies how each kind of change shows in the evidence (see [`Jury`](super::Jury)). They are no benchmark: they are
//! made with analytic light on prepared spectra, so that nothing has to be read again, and their kinds and strengths are many rather than faithful.

mod canvas;
mod defects;
mod light;
mod lines;

use serde::{Deserialize, Serialize};

use super::Residual;
use super::draw::Draw;
use canvas::Canvas;

/// Tries with other places and strengths before a spectrum is given up.
const TRIES: usize = 6;

/// A kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Injection {
    /// One to three narrow emission lines anywhere.
    NarrowLine,
    BroadBalmer,
    /// The lines that the model draws, split in two.
    DoublePeak,
    /// The emission lines of a galaxy at another redshift.
    SecondLines,
    /// A group of emission lines gone, or nearly, while others are as they were.
    LinesGone,
    /// The lines of a starburst or of an active nucleus besides its own.
    StrongLines,
    /// Absorption lines of one to some tens of pixels anywhere.
    Absorption,
    Supernova,
    Star,
    Quasar,
    /// The model of another spectrum, moved to another redshift.
    Blend,
    /// The spectrum itself at another redshift.
    WrongRedshift,
    Bump,
    /// One side of a place is too bright or too faint.
    Step,
    Slope,
    CosmicRay,
    /// A comb of sharp lines of one sign within a band.
    SkyResidual,
    /// No flux where there should be.
    Dead,
    /// More noise than the errors say, within a band.
    NoisyBand,
}

impl Injection {
    pub const ALL: [Self; 19] = [
        Self::NarrowLine,
        Self::BroadBalmer,
        Self::DoublePeak,
        Self::SecondLines,
        Self::LinesGone,
        Self::StrongLines,
        Self::Absorption,
        Self::Supernova,
        Self::Star,
        Self::Quasar,
        Self::Blend,
        Self::WrongRedshift,
        Self::Bump,
        Self::Step,
        Self::Slope,
        Self::CosmicRay,
        Self::SkyResidual,
        Self::Dead,
        Self::NoisyBand,
    ];

    /// Whether instrument or reduction makes it.
    pub fn is_artifact(self) -> bool {
        matches!(
            self,
            Self::LinesGone
                | Self::Bump
                | Self::Step
                | Self::Slope
                | Self::CosmicRay
                | Self::SkyResidual
                | Self::Dead
                | Self::NoisyBand
        )
    }

    /// Least visibility that is planted: narrow features show at 8 sigma; what changes the whole continuum must stand out of what galaxies differ by anyway.
    fn least(self) -> f64 {
        match self {
            Self::NarrowLine | Self::SecondLines | Self::CosmicRay => 8.0,
            Self::DoublePeak | Self::LinesGone | Self::Absorption | Self::SkyResidual | Self::Dead => 10.0,
            Self::BroadBalmer | Self::StrongLines | Self::NoisyBand => 12.0,
            Self::Supernova | Self::Blend | Self::Step => 20.0,
            Self::Star | Self::Quasar | Self::Bump => 25.0,
            Self::Slope => 35.0,
            Self::WrongRedshift => 0.0,
        }
    }
}

/// The strongest is so many times as visible as the faintest.
const RANGE: f64 = 12.0;

/// A changed copy of a spectrum, on the same grid.
///
/// Shapes: `[pixels]`. Units: those of the spectrum, which is to be normalized again.
#[derive(Debug, Clone, PartialEq)]
pub struct Injected {
    pub kind: Injection,
    pub flux: Vec<f32>,
    pub ivar: Vec<f32>,
    /// What was at pixel i is at pixel i + `moved` now: another redshift, `1 + z` lower by this many pixels of the grid.
    pub moved: isize,
}

/// Plants `kind` into a copy of a spectrum; `other` is the model of another one on the same grid.
///
/// Depends on the arguments alone. Returns `None` where this spectrum cannot carry it: no lines to split, a grid that does not know redshifts, no
/// valid pixels.
pub fn inject(kind: Injection, residual: &Residual, other: &[f32], seed: u64) -> Option<Injected> {
    let canvas = Canvas::new(residual)?;
    let mut draw = Draw::new(seed, kind as u64);
    (0..TRIES).find_map(|_| {
        let visibility = draw.log_uniform(kind.least().max(1.0), RANGE * kind.least().max(1.0));
        let draw = &mut draw;
        match kind {
            Injection::NarrowLine => canvas.add(kind, &lines::narrow(&canvas, draw)?, visibility),
            Injection::BroadBalmer => canvas.add(kind, &lines::broad_balmer(&canvas, draw), visibility),
            Injection::DoublePeak => canvas.add_once(kind, &lines::double_peak(&canvas, draw)?),
            Injection::SecondLines => canvas.add(kind, &lines::second(&canvas, draw)?, visibility),
            Injection::LinesGone => canvas.add_once(kind, &lines::gone(&canvas, draw, kind.least())?),
            Injection::StrongLines => canvas.add(kind, &lines::strong(&canvas, draw)?, visibility),
            Injection::Absorption => canvas.absorb(kind, &lines::absorption(&canvas, draw), visibility),
            Injection::Supernova => canvas.add(kind, &light::supernova(&canvas, draw), visibility),
            Injection::Star => canvas.mix(kind, &light::star(&canvas, draw), visibility, draw),
            Injection::Quasar => canvas.mix(kind, &light::quasar(&canvas, draw), visibility, draw),
            Injection::Blend => canvas.add(kind, &light::blend(&canvas, other, draw)?, visibility),
            Injection::WrongRedshift => canvas.moved(draw),
            Injection::Bump => canvas.calibrate(kind, &defects::bump(&canvas, draw), visibility),
            Injection::Step => canvas.calibrate(kind, &defects::step(&canvas, draw), visibility),
            Injection::Slope => canvas.calibrate(kind, &defects::slope(&canvas, draw), visibility),
            Injection::CosmicRay => canvas.add(kind, &defects::cosmic_ray(&canvas, draw)?, visibility),
            Injection::SkyResidual => canvas.add(kind, &defects::sky_residual(&canvas, draw)?, visibility),
            Injection::Dead => canvas.add_once(kind, &defects::dead(&canvas, draw)?),
            Injection::NoisyBand => canvas.add(kind, &defects::noisy_band(&canvas, draw), visibility),
        }
    })
}

#[cfg(test)]
mod tests;

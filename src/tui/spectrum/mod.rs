//! The spectrum pane: one spectrum, closely looked at.
//!
//! [`Pane`] holds what is shown and how; [`Act`] is what can be asked of it; [`Pane::draw`] puts it into cells. What is to be drawn is
//! worked out when something changes ([`Pane::show`], [`Pane::act`], [`Pane::layout`]), not at every frame.

mod act;
mod draw;
mod jump;
mod measured;
mod mouse;
mod pane;
mod readout;
mod redshift;
mod stops;
#[cfg(test)]
mod tests;
mod views;

pub use act::Act;
pub use pane::Pane;

/// What the pane cannot do, in words for the status line.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PaneError {
    #[error("no spectrum is shown")]
    NoSpectrum,
    #[error("`{0}` is no redshift: give a number above -1, such as 0.1234")]
    BadRedshift(String),
    #[error(
        "`{0}` is no line of the list: give a name and, where several share it, a wavelength, such as `Ha` or `[O III] 5007`"
    )]
    UnknownLine(String),
    #[error("the crosshair is off: put it on the line first")]
    NoCrosshair,
    #[error("{line} at {observed:.1} Å would be at a redshift of {z:.4}")]
    ImpossibleRedshift { line: String, observed: f64, z: f64 },
    #[error("`{0}` is no stretch of wavelengths: give two numbers, such as 6500 6700")]
    BadRange(String),
}

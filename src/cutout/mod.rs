//! Images of the sky around an object: from a folder, from the cache, from a service on the network.
//!
//! The way of an image: a [`Field`] says which square of the sky is wanted; [`Cutouts`] looks in the astronomer's folder, then in the cache, then asks the
//! services in their order; what comes back is a [`Found`], either a [`Cutout`] whose bytes have been checked or the reason why there is none. Of a
//! simulated object an image is drawn.
//!
//! All images: north up, east left, positions in degrees (ICRS), scales in arcseconds a pixel.

mod cache;
mod drawn;
mod entry;
mod fetch;
mod field;
mod folder;
mod gate;
mod http;
mod judge;
mod service;
mod settings;
mod source;
mod sweep;

pub use field::Field;
pub use service::{Answer, Service, Square, Step, all as services};
pub use settings::CutoutSettings;
pub use source::{Cutouts, Origin, Reach, Search};
pub use sweep::{Holding, clear, holdings};

use std::sync::Arc;

/// A checked image of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Cutout {
    /// JPEG or PNG.
    pub bytes: Arc<[u8]>,
    /// Pixels.
    pub width: u32,
    pub height: u32,
    /// Arcseconds a pixel, where known.
    pub scale: Option<f64>,
    /// Which service it comes from, as the settings name it: `sdss`, `legacy`, …; `folder` for a file of the astronomer's own, `simulated` for a
    /// drawing.
    pub service: String,
    /// The service's layer: `ls-dr9`, `CDS/P/DSS2/color`, …; empty where it has none.
    pub layer: String,
    /// Whose image it is, as it must stand beside it.
    pub credit: String,
}

/// What came of looking for an image.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    Image(Cutout),
    /// In words for the astronomer, with what to do where something can be done.
    Missing {
        why: String,
    },
}

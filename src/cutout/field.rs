//! The square of sky that is wanted.

use crate::spectrum::Facts;

/// A square of the sky around an object, and how finely it is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub object_id: String,
    /// Where the spectrum comes from ([`Facts::source`]); decides which services are tried first.
    pub source: String,
    /// Degrees, ICRS; `None` where the catalog has no position, so that only a folder can have an image.
    pub position: Option<(f64, f64)>,
    /// Arcseconds a pixel.
    pub scale: f64,
    /// Width and height, pixels.
    pub pixels: u32,
    /// A service to ask alone, as the settings name it; `None`: all, in the order of the settings.
    pub service: Option<String>,
}

impl Field {
    /// The field around an object at a scale and size.
    pub fn of(facts: &Facts, scale: f64, pixels: u32) -> Self {
        Self {
            object_id: facts.object_id.to_string(),
            source: facts.source.to_string(),
            position: facts.ra.zip(facts.dec),
            scale,
            pixels,
            service: None,
        }
    }
}

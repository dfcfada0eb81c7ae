//! What falls into the fiber: a galaxy's light in the observed frame, before the Milky Way and the spectrograph.

use super::galaxy::Galaxy;
use super::gas::EmissionLine;

/// The light of one pointing and what the catalog will say of it.
pub(super) struct Scene {
    pub galaxy: Galaxy,
    /// The emission lines behind `emission`.
    pub lines: Vec<EmissionLine>,
    /// Stars and gas of the galaxy, 1e-17 erg/s/cm2/Angstrom. Shape: `[LEN]`.
    pub continuum: Vec<f64>,
    pub emission: Vec<f64>,
    /// From units of the flux density at 5500 Angstrom rest frame to 1e-17 erg/s/cm2/Angstrom.
    pub scale: f64,
    /// The object's true redshift and the one that the catalog will give.
    pub z_true: f64,
    pub z_catalog: f64,
}

impl Scene {
    pub(super) fn new(galaxy: Galaxy) -> Self {
        let lines = galaxy.lines();
        let (continuum, emission, scale) = galaxy.light(&lines);
        let z = galaxy.z;
        Self {
            galaxy,
            lines,
            continuum,
            emission,
            scale,
            z_true: z,
            z_catalog: z,
        }
    }

    /// All the light. Shape: `[LEN]`.
    pub(super) fn total(&self) -> Vec<f64> {
        self.continuum
            .iter()
            .zip(&self.emission)
            .map(|(c, e)| c + e)
            .collect()
    }
}

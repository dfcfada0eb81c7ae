//! Features of supernovae and quasars: constants of nature, as far as light is made from them here.
//!
//! The simulation and the hypotheses of the ranking both start from these tables; temperatures, speeds, depths and all that is random are each one's own.

/// One P Cygni or absorption feature: rest wavelength (Angstrom), depth of the absorption, height of the emission, width in km/s.
pub type Feature = (f64, f64, f64, f64);

/// Type Ia near maximum. Source of the identifications: Filippenko 1997 (ARA&A 35, 309).
pub const TYPE_IA: [Feature; 11] = [
    (3951.0, 0.55, 0.25, 4500.0),
    (4131.0, 0.15, 0.05, 2500.0),
    (4481.0, 0.35, 0.15, 5000.0),
    (5018.0, 0.35, 0.15, 4500.0),
    (5169.0, 0.20, 0.10, 4000.0),
    (5454.0, 0.16, 0.05, 2000.0),
    (5640.0, 0.20, 0.05, 2200.0),
    (5972.0, 0.12, 0.03, 2500.0),
    (6355.0, 0.48, 0.20, 3300.0),
    (7774.0, 0.22, 0.10, 4500.0),
    (8579.0, 0.40, 0.30, 5500.0),
];
/// Type II on its plateau.
pub const TYPE_II: [Feature; 8] = [
    (3951.0, 0.40, 0.15, 4000.0),
    (4341.7, 0.35, 0.15, 3500.0),
    (4862.7, 0.35, 0.25, 3500.0),
    (5018.0, 0.20, 0.05, 2500.0),
    (5169.0, 0.30, 0.10, 2500.0),
    (5893.0, 0.20, 0.10, 3000.0),
    (6564.6, 0.30, 0.95, 3800.0),
    (8579.0, 0.35, 0.40, 4500.0),
];

/// Broad lines of quasars: rest wavelength and equivalent width in Angstrom (vacuum), sigma over that of C IV.
///
/// Source: Vanden Berk et al. 2001 (AJ 122, 549), table 2, rounded; the last two stand for iron and the Balmer continuum.
pub const QUASAR_LINES: [(f64, f64, f64); 13] = [
    (1033.0, 9.0, 1.0),
    (1216.5, 60.0, 1.0),
    (1240.1, 12.0, 1.0),
    (1398.3, 8.0, 1.0),
    (1549.0, 26.0, 1.0),
    (1640.4, 4.0, 1.2),
    (1905.0, 22.0, 1.3),
    (2799.1, 32.0, 0.9),
    (4341.7, 12.0, 1.0),
    (4862.7, 45.0, 1.0),
    (5008.2, 13.0, 0.15),
    (2500.0, 45.0, 8.0),
    (3200.0, 60.0, 12.0),
];

//! Stellar absorption: which lines and bands there are, and how strong they are in stars of which temperature.
//!
//! Wavelengths are given in **air**, as in the solar atlases they come from, and converted to vacuum when rendered.

/// What absorbs. The strength of each varies from galaxy to galaxy by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Species {
    /// Iron-peak lines and the line blanketing of the blue and ultraviolet.
    Iron,
    Magnesium,
    Calcium,
    Sodium,
    /// The G band of CH.
    Methylidyne,
    /// CN bands, and C2 at 4668.
    Cyanogen,
    TitaniumOxide,
}

pub(super) const SPECIES: [Species; 7] = [
    Species::Iron,
    Species::Magnesium,
    Species::Calcium,
    Species::Sodium,
    Species::Methylidyne,
    Species::Cyanogen,
    Species::TitaniumOxide,
];

/// One star of the mixture.
#[derive(Debug, Clone, Copy)]
pub(super) struct StarType {
    /// Temperature of the blackbody under the absorption, K.
    pub temperature: f64,
    /// Balmer jump at 3646 Angstrom, dex.
    pub jump: f64,
    /// Optical depth at the core of H beta, and half-width at half-maximum of its Lorentz profile, Angstrom.
    pub balmer_depth: f64,
    pub balmer_width: f64,
    /// Strength of the helium lines.
    pub helium: f64,
    /// Strength of every [`SPECIES`] relative to the Sun (TiO: to an M giant).
    pub metals: [f64; 7],
}

const fn star(temperature: f64, jump: f64, balmer: (f64, f64), helium: f64, metals: [f64; 7]) -> StarType {
    StarType {
        temperature,
        jump,
        balmer_depth: balmer.0,
        balmer_width: balmer.1,
        helium,
        metals,
    }
}

/// From O stars to M giants. Balmer jumps and equivalent widths follow Gray & Corbally, "Stellar Spectral Classification" (2009).
pub(super) const STARS: [StarType; 9] = [
    star(36000.0, 0.03, (0.35, 2.0), 0.8, [0.0; 7]),
    star(
        18000.0,
        0.20,
        (0.70, 3.5),
        1.0,
        [0.02, 0.0, 0.03, 0.0, 0.0, 0.0, 0.0],
    ),
    star(
        10500.0,
        0.46,
        (1.30, 6.0),
        0.1,
        [0.06, 0.02, 0.06, 0.02, 0.0, 0.0, 0.0],
    ),
    star(
        8300.0,
        0.40,
        (1.15, 5.5),
        0.0,
        [0.18, 0.10, 0.25, 0.10, 0.02, 0.0, 0.0],
    ),
    star(
        6900.0,
        0.18,
        (0.85, 3.0),
        0.0,
        [0.45, 0.35, 0.60, 0.30, 0.35, 0.05, 0.0],
    ),
    star(
        5800.0,
        0.06,
        (0.70, 1.2),
        0.0,
        [1.00, 1.00, 1.00, 1.00, 1.00, 0.45, 0.0],
    ),
    star(
        4900.0,
        0.0,
        (0.45, 0.9),
        0.0,
        [1.45, 1.75, 1.15, 2.0, 1.25, 1.6, 0.03],
    ),
    star(
        4150.0,
        0.0,
        (0.25, 0.8),
        0.0,
        [1.75, 2.4, 1.25, 3.2, 0.9, 1.6, 0.25],
    ),
    star(3200.0, 0.0, (0.10, 0.8), 0.0, [1.6, 1.8, 1.1, 4.0, 0.3, 0.6, 1.0]),
];

/// An atomic line: air Angstrom, solar equivalent width in Angstrom.
///
/// Source: Moore, Minnaert & Houtgast 1966, "The Solar Spectrum 2935 A to 8770 A" (NBS Monograph 61), the strong lines.
pub(super) const ATOMIC: [(f64, f64, Species); 104] = {
    use Species::{Calcium as Ca, Iron as Fe, Magnesium as Mg, Sodium as Na};
    [
        (2795.5, 14.0, Mg),
        (2802.7, 12.0, Mg),
        (2852.1, 9.0, Mg),
        (3440.6, 1.6, Fe),
        (3490.6, 1.2, Fe),
        (3524.5, 1.3, Fe),
        (3570.1, 1.38, Fe),
        (3581.2, 2.14, Fe),
        (3618.8, 1.41, Fe),
        (3631.5, 1.36, Fe),
        (3647.8, 0.97, Fe),
        (3719.9, 1.66, Fe),
        (3734.9, 3.03, Fe),
        (3737.1, 1.07, Fe),
        (3745.6, 1.20, Fe),
        (3749.5, 1.91, Fe),
        (3758.2, 1.65, Fe),
        (3763.8, 0.83, Fe),
        (3767.2, 0.82, Fe),
        (3815.8, 1.27, Fe),
        (3820.4, 1.71, Fe),
        (3825.9, 1.52, Fe),
        (3829.4, 0.87, Mg),
        (3832.3, 1.69, Mg),
        (3838.3, 1.92, Mg),
        (3859.9, 1.55, Fe),
        (3878.3, 0.78, Fe),
        (3886.3, 0.92, Fe),
        (3933.7, 17.0, Ca),
        (3961.5, 0.62, Fe),
        (3968.5, 13.0, Ca),
        (4005.2, 0.40, Fe),
        (4045.8, 1.17, Fe),
        (4063.6, 0.79, Fe),
        (4071.7, 0.72, Fe),
        (4077.7, 0.43, Fe),
        (4132.1, 0.40, Fe),
        (4143.9, 0.47, Fe),
        (4187.4, 0.50, Fe),
        (4202.0, 0.33, Fe),
        (4226.7, 1.48, Ca),
        (4235.9, 0.39, Fe),
        (4250.5, 0.74, Fe),
        (4254.3, 0.39, Fe),
        (4260.5, 0.60, Fe),
        (4271.8, 0.76, Fe),
        (4274.8, 0.25, Fe),
        (4307.9, 0.72, Fe),
        (4325.8, 0.79, Fe),
        (4383.5, 1.01, Fe),
        (4404.8, 0.90, Fe),
        (4415.1, 0.42, Fe),
        (4427.3, 0.30, Fe),
        (4454.8, 0.35, Ca),
        (4482.2, 0.30, Fe),
        (4494.6, 0.22, Fe),
        (4528.6, 0.28, Fe),
        (4534.0, 0.35, Fe),
        (4549.5, 0.34, Fe),
        (4554.0, 0.24, Fe),
        (4703.0, 0.33, Mg),
        (4871.3, 0.23, Fe),
        (4891.5, 0.31, Fe),
        (4920.5, 0.47, Fe),
        (4957.6, 0.70, Fe),
        (4983.0, 0.30, Fe),
        (5006.1, 0.30, Fe),
        (5015.0, 0.40, Fe),
        (5041.4, 0.30, Fe),
        (5050.5, 0.30, Fe),
        (5079.5, 0.28, Fe),
        (5139.4, 0.30, Fe),
        (5167.4, 0.55, Mg),
        (5172.7, 0.85, Mg),
        (5183.6, 1.05, Mg),
        (5191.5, 0.25, Fe),
        (5204.6, 0.50, Fe),
        (5208.4, 0.35, Fe),
        (5227.2, 0.40, Fe),
        (5232.9, 0.35, Fe),
        (5269.8, 0.75, Fe),
        (5281.8, 0.20, Fe),
        (5328.2, 0.55, Fe),
        (5341.0, 0.30, Fe),
        (5371.5, 0.30, Fe),
        (5397.1, 0.25, Fe),
        (5405.8, 0.35, Fe),
        (5429.7, 0.30, Fe),
        (5446.9, 0.30, Fe),
        (5528.4, 0.30, Mg),
        (5587.0, 0.30, Ca),
        (5615.7, 0.28, Fe),
        (5709.4, 0.25, Fe),
        (5782.1, 0.16, Fe),
        (5857.5, 0.16, Ca),
        (5889.95, 0.75, Na),
        (5895.92, 0.56, Na),
        (6122.2, 0.25, Ca),
        (6162.2, 0.28, Ca),
        (6495.7, 0.40, Ca),
        (8183.3, 0.25, Na),
        (8498.0, 0.80, Ca),
        (8542.1, 2.3, Ca),
        (8662.1, 1.75, Ca),
    ]
};

/// How a molecular band falls off from its head.
#[derive(Debug, Clone, Copy)]
pub(super) enum Degrade {
    /// Exponentially to the red over so many Angstrom.
    Red(f64),
    /// Linearly to the blue over so many Angstrom.
    Blue(f64),
    /// Gaussian of this sigma.
    Both(f64),
}

/// A molecular band: air Angstrom of head or center, optical depth there at unit strength, shape.
///
/// Source: heads of TiO, CN and CH from Pearse & Gaydon, "The Identification of Molecular Spectra"; depths set by the comparison
/// with galaxies in `docs/simulation.md`.
pub(super) const BANDS: [(f64, f64, Degrade, Species); 21] = {
    use Degrade::{Blue, Both, Red};
    use Species::{Cyanogen as Cn, Magnesium as Mg, Methylidyne as Ch, TitaniumOxide as Tio};
    [
        (3883.4, 0.30, Blue(75.0), Cn),
        (4216.0, 0.10, Blue(90.0), Cn),
        (4668.0, 0.06, Both(22.0), Cn),
        (4304.0, 0.42, Both(10.0), Ch),
        (4320.0, 0.10, Both(12.0), Ch),
        (5180.0, 0.05, Blue(140.0), Mg),
        (5140.0, 0.04, Both(40.0), Mg),
        (4761.0, 0.5, Red(80.0), Tio),
        (4954.0, 0.8, Red(90.0), Tio),
        (5167.0, 0.8, Red(100.0), Tio),
        (5448.0, 0.5, Red(80.0), Tio),
        (5847.0, 0.5, Red(60.0), Tio),
        (6158.0, 0.75, Red(110.0), Tio),
        (6651.0, 0.6, Red(110.0), Tio),
        (7054.0, 0.6, Red(80.0), Tio),
        (7125.0, 0.6, Red(100.0), Tio),
        (7589.0, 0.35, Red(110.0), Tio),
        (8206.0, 0.2, Red(90.0), Tio),
        (8432.0, 0.15, Red(110.0), Tio),
        (8859.0, 0.2, Red(140.0), Tio),
        (9209.0, 0.3, Red(150.0), Tio),
    ]
};

/// Mean optical depth of the countless iron-peak lines of the Sun where [`super::blanketing`] has no finer table: vacuum Angstrom, depth.
pub(super) const BLANKETING: [(f64, f64); 11] = [
    (2200.0, 3.0),
    (2500.0, 2.2),
    (2630.0, 2.0),
    (2660.0, 1.5),
    (2800.0, 1.4),
    (2900.0, 1.0),
    (3050.0, 0.85),
    (3200.0, 0.70),
    (3395.0, 0.55),
    (8905.0, 0.09),
    (10300.0, 0.08),
];

/// How much brighter stars cooler than 6000 K are in the near infrared than the blackbody that fits their optical: vacuum Angstrom, nepers.
pub(super) const RED_EXCESS: [(f64, f64); 7] = [
    (6800.0, 0.0),
    (7200.0, 0.04),
    (7500.0, 0.08),
    (8000.0, 0.06),
    (8500.0, 0.15),
    (9000.0, 0.23),
    (10300.0, 0.36),
];

/// Neutral helium lines of hot stars: vacuum Angstrom, equivalent width in Angstrom at unit strength.
pub(super) const HELIUM: [(f64, f64); 7] = [
    (3820.7, 0.8),
    (4027.3, 1.2),
    (4144.9, 0.6),
    (4389.2, 0.7),
    (4472.8, 1.2),
    (4923.3, 0.6),
    (5877.2, 0.6),
];

/// Light at 5500 Angstrom by star type in a population of one age: log10 age in years, light-to-mass ratio there, shares.
///
/// The light-to-mass ratios follow the solar-metallicity populations of Bruzual & Charlot 2003 (MNRAS 344, 1000) in trend; the
/// shares by star type are our own, set by the comparison with galaxies in `docs/simulation.md`.
pub(super) const AGES: [(f64, f64, [f64; 9]); 8] = [
    (6.7, 30.0, [0.70, 0.24, 0.02, 0.0, 0.0, 0.0, 0.0, 0.02, 0.02]),
    (7.5, 14.0, [0.10, 0.70, 0.10, 0.02, 0.01, 0.01, 0.01, 0.03, 0.02]),
    (8.1, 7.5, [0.0, 0.46, 0.36, 0.07, 0.03, 0.02, 0.02, 0.03, 0.01]),
    (8.6, 3.5, [0.0, 0.09, 0.58, 0.17, 0.05, 0.04, 0.03, 0.03, 0.01]),
    (9.05, 1.25, [0.0, 0.0, 0.14, 0.36, 0.23, 0.09, 0.10, 0.06, 0.02]),
    (9.4, 0.55, [0.0, 0.0, 0.0, 0.05, 0.37, 0.23, 0.20, 0.11, 0.04]),
    (9.77, 0.28, [0.0, 0.0, 0.0, 0.0, 0.15, 0.37, 0.28, 0.15, 0.05]),
    (10.05, 0.17, [0.0, 0.0, 0.0, 0.01, 0.06, 0.38, 0.32, 0.17, 0.06]),
];
/// Years between the edges of the age bins.
pub(super) const AGE_EDGES: [f64; 9] = [0.0, 1e7, 6e7, 2e8, 6e8, 1.6e9, 4e9, 8e9, 13e9];

/// Vacuum wavelength of a line given in air; Angstrom, above 2000.
///
/// Source: Ciddor 1996 (Applied Optics 35, 1566), iterated.
pub(super) fn vacuum(air: f64) -> f64 {
    let mut vacuum = air;
    for _ in 0..3 {
        let s2 = (1e4 / vacuum).powi(2);
        vacuum = air * (1.0 + 0.057_921_05 / (238.0185 - s2) + 0.001_679_17 / (57.362 - s2));
    }
    vacuum
}

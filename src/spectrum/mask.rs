//! Survey mask bits, and the wavelengths at which spectra are prone to artifacts.

use serde::{Deserialize, Serialize};

/// Whose bits a mask carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MaskKind {
    /// DESI `specmask`: any bit is bad. Source: `desispec.maskbits`.
    #[default]
    Desi,
    /// SDSS `SPPIXMASK` (the `and_mask` column). Source: `sdssMaskbits.par`.
    Sdss,
    /// 0 good, anything else bad (boolean masks of foreign files).
    Plain,
}

/// SPPIXMASK bits that spoil the pixel: NOPLUG, BADTRACE, BADFLAT, BADARC of the fiber; LOWFLAT, FULLREJECT, SCATTEREDLIGHT,
/// CROSSTALK, NOSKY, NODATA, BADFLUXFACTOR, BADSKYCHI, REDMONSTER of the pixel.
///
/// Left out on purpose: the smear bits 10-12, which are information only; whole-fiber warnings 4-9, which would drop every
/// pixel of a usable spectrum; NEARBADPIXEL, PARTIALREJECT and COMBINEREJ, which `ivar` accounts for; and BRIGHTSKY, whose
/// pixels are measurements and are reported as artifact-prone instead.
const SDSS_BAD: u32 =
    0b1111 | 1 << 17 | 1 << 18 | 1 << 20 | 1 << 21 | 1 << 22 | 1 << 24 | 1 << 26 | 1 << 27 | 1 << 28;
const SDSS_BRIGHTSKY: u32 = 1 << 23;
const DESI_SKY: u32 = 1 << 5 | 1 << 6;

impl MaskKind {
    /// Whether a pixel with these bits must not be used.
    pub fn is_bad(self, bits: u32) -> bool {
        match self {
            Self::Desi | Self::Plain => bits != 0,
            Self::Sdss => bits & SDSS_BAD != 0,
        }
    }

    /// Whether the survey says that the night sky dominates this pixel.
    pub fn is_sky(self, bits: u32) -> bool {
        match self {
            Self::Desi => bits & DESI_SKY != 0,
            Self::Sdss => bits & SDSS_BRIGHTSKY != 0,
            Self::Plain => false,
        }
    }
}

/// The bits of a mask out of a whole number as files have it. Signed numbers keep their pattern; of 64 bits the upper half is folded in, so that no bit is
/// lost as "good".
pub fn bits_of(number: i64) -> u32 {
    let narrow = u32::try_from(number).or_else(|_| i32::try_from(number).map(i32::cast_unsigned));
    narrow.unwrap_or(number as u32 | (number >> 32) as u32)
}

/// The same out of a number of a text table: what is no whole number is bad by every kind of mask.
pub fn bits_of_text(number: f64) -> u32 {
    let is_whole = number.fract() == 0.0 && number.abs() < 2f64.powi(63);
    if is_whole {
        bits_of(number as i64)
    } else {
        u32::MAX
    }
}

/// Why a wavelength is prone to artifacts, whatever the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactZone {
    /// Strong night-sky line.
    Sky,
    /// Absorption by the Earth's atmosphere.
    Telluric,
    /// Two cameras meet.
    Overlap,
}

/// Strong night-sky emission: line or band, half-width of the residual it leaves, Angstrom vacuum, observed frame.
///
/// Source: Hanuschik 2003 (A&A 407, 1157) for the lines; the OH bands redward of 7240 A are given as bands.
const SKY_BANDS: [(f64, f64); 12] = [
    (5573.0, 5584.0), // [O I] 5578.9
    (5889.0, 5901.0), // Na I D
    (6297.0, 6307.0), // [O I] 6302
    (6361.0, 6370.0), // [O I] 6365
    (7716.0, 7870.0), // OH 9-4
    (7910.0, 8080.0), // OH 5-1
    (8280.0, 8510.0), // OH 6-2
    (8755.0, 8970.0), // OH 7-3
    (9000.0, 9070.0),
    (9370.0, 9480.0), // OH 8-4
    (9490.0, 9580.0),
    (9690.0, 9824.0),
];
/// O2 B, O2 A and H2O bands, Angstrom vacuum, observed frame.
const TELLURIC_BANDS: [(f64, f64); 4] = [
    (6868.0, 6950.0),
    (7160.0, 7340.0),
    (7592.0, 7700.0),
    (8125.0, 8340.0),
];
/// Where DESI's cameras meet, and where residuals of their junction are seen (arXiv 2606.21035).
const DESI_OVERLAPS: [(f64, f64); 2] = [(5660.0, 5930.0), (7470.0, 7720.0)];
/// Where the blue and red cameras of the SDSS and BOSS spectrographs meet (dichroic near 6000 A).
const SDSS_OVERLAPS: [(f64, f64); 1] = [(5900.0, 6250.0)];

/// The reason why `wavelength` (observed, Angstrom vacuum) is prone to artifacts in spectra of this survey, if there is one.
pub fn artifact_zone(wavelength: f64, kind: MaskKind) -> Option<ArtifactZone> {
    let within = |bands: &[(f64, f64)]| {
        bands
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&wavelength))
    };
    let overlaps: &[(f64, f64)] = match kind {
        MaskKind::Desi => &DESI_OVERLAPS,
        MaskKind::Sdss => &SDSS_OVERLAPS,
        MaskKind::Plain => &[],
    };
    if within(&SKY_BANDS) {
        Some(ArtifactZone::Sky)
    } else if within(&TELLURIC_BANDS) {
        Some(ArtifactZone::Telluric)
    } else if within(overlaps) {
        Some(ArtifactZone::Overlap)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bit_of_a_mask_is_lost_as_good() {
        for (number, bits) in [
            (0, 0),
            (4, 4),
            (-1, u32::MAX),
            (1 << 31, 1 << 31),
            (1 << 32, 1),
            (i64::MIN, 1 << 31),
        ] {
            assert_eq!(bits_of(number), bits, "{number}");
            assert_eq!(
                bits_of_text(number as f64),
                if number == i64::MIN { u32::MAX } else { bits },
                "{number}"
            );
        }
        for number in [0.5, -0.5, f64::NAN, f64::INFINITY, 1e300] {
            let bits = bits_of_text(number);
            for kind in [MaskKind::Desi, MaskKind::Sdss, MaskKind::Plain] {
                assert!(kind.is_bad(bits), "{number} {kind:?}");
            }
        }
    }
}

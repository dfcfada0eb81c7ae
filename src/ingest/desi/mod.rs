//! DESI coadds: one row a target, one image an arm.

mod andes;
mod arms;
mod mask;
mod targets;

pub(super) use andes::Andes;

use std::path::Path;
use std::sync::{Arc, LazyLock};

use super::fits::{Fits, Hdu};
use super::settle::{Place, settle};
use super::{Batch, IngestError, Rows};
use crate::spectrum::{Facts, MaskKind, RowIssue, Spectrum, WavelengthGrid, noise};
use arms::{Arm, PIXELS, combine};
use mask::MaskRows;
use targets::Targets;

/// Rows read at a time.
const ROWS: usize = 64;
/// How far a wavelength may be from the combined grid, Angstrom.
const TOLERANCE: f64 = 1e-3;

const UNEQUAL_ARMS: &str = "an IVAR or MASK image of one arm is missing";

/// The grid that all DESI spectra share.
pub(super) static GRID: LazyLock<Arc<WavelengthGrid>> = LazyLock::new(|| Arc::new(WavelengthGrid::DESI));

/// Where one arm lies in the file and on the combined grid.
struct ArmImages {
    offset: usize,
    pixels: usize,
    flux: Hdu,
    ivar: Option<Hdu>,
    mask: Option<MaskRows>,
}

/// A coadd file, read [`ROWS`] targets at a time.
pub(super) struct Coadd {
    fits: Fits,
    arms: Vec<ArmImages>,
    facts: Vec<Facts>,
    next: usize,
}

/// Whether the file has the HDUs of a coadd: `X_WAVELENGTH` and `X_FLUX` for an arm `X` (or the combined `BRZ`).
pub(super) fn is_coadd(fits: &Fits) -> bool {
    prefixes(fits).any(|prefix| fits.hdu(&[&format!("{prefix}_FLUX")]).is_some())
}

/// Whether the file is a redshift table without spectra.
pub(super) fn is_redshifts(fits: &Fits) -> bool {
    targets::has_redshifts(fits) && !is_coadd(fits)
}

fn prefixes(fits: &Fits) -> impl Iterator<Item = &str> {
    fits.hdus()
        .iter()
        .filter_map(|hdu| hdu.name.strip_suffix("_WAVELENGTH"))
}

impl Coadd {
    /// Prepares a coadd, with its redshifts from `companion` or from itself; says in `notes` what it had to do without.
    pub(super) fn open(
        fits: Fits,
        companion: Option<&Path>,
        notes: &mut Vec<String>,
    ) -> Result<Self, IngestError> {
        let fibermap = fits.hdu(&["FIBERMAP"]).ok_or_else(|| {
            IngestError::damaged(fits.path(), "a coadd without FIBERMAP, which names its targets")
        })?;
        if fibermap.has("EXPID") && !fibermap.has("COADD_NUMEXP") {
            let what =
                "single exposures (spectra-…), not coadded; import the coadd-… file of the same targets";
            return Err(IngestError::not_a_spectrum(fits.path(), what));
        }
        let mut facts = targets::coadd_facts(&fits, fibermap)?;
        let arms = prefixes(&fits)
            .map(|prefix| arm(&fits, prefix, facts.len()))
            .collect::<Result<Vec<_>, _>>()?;
        let some = |has: fn(&ArmImages) -> bool| {
            let count = arms.iter().filter(|arm| has(arm)).count();
            if count == 0 || count == arms.len() {
                Ok(count > 0)
            } else {
                Err(IngestError::damaged(fits.path(), UNEQUAL_ARMS))
            }
        };
        some(|arm| arm.mask.is_some())?;
        if !some(|arm| arm.ivar.is_some())? {
            notes.push("no ivar in the file: estimated from the scatter of the flux".into());
        }
        if arms.iter().map(|arm| arm.pixels).sum::<usize>() < PIXELS {
            let names: Vec<&str> = prefixes(&fits).collect();
            notes.push(format!(
                "only the arms {}: nothing is known of the other wavelengths",
                names.join(", ")
            ));
        }
        let inside = if targets::has_redshifts(&fits) {
            Some(Targets::redshifts(&fits)?)
        } else {
            None
        };
        if let Some(redshifts) = inside.or_else(|| read_redshifts(companion, notes)) {
            join(&mut facts, &redshifts, notes);
        }
        let next = 0;
        Ok(Self {
            fits,
            arms,
            facts,
            next,
        })
    }

    /// The spectra of rows `start..end`.
    fn read(&self, start: usize, end: usize) -> Result<Batch, IngestError> {
        let loaded = self
            .arms
            .iter()
            .map(|arm| Loaded::read(&self.fits, arm, start, end))
            .collect::<Result<Vec<_>, _>>()?;
        Ok((start..end)
            .map(|row| self.spectrum(&loaded, row, row - start))
            .collect())
    }

    fn spectrum(&self, loaded: &[Loaded], row: usize, at: usize) -> Result<Spectrum, RowIssue> {
        let slices: Vec<Arm> = self
            .arms
            .iter()
            .zip(loaded)
            .map(|(arm, pixels)| pixels.row(arm, at))
            .collect();
        let mut combined = combine(&slices);
        let ivar_estimated = self.arms.iter().all(|arm| arm.ivar.is_none());
        if ivar_estimated {
            let estimate = noise::estimate_ivar(&combined.flux);
            for (ivar, estimate) in combined.ivar.iter_mut().zip(estimate) {
                *ivar = if *ivar > 0.0 { estimate } else { 0.0 };
            }
        }
        let spectrum = Spectrum {
            facts: self.facts[row].clone(),
            grid: Arc::clone(&GRID),
            flux: combined.flux,
            ivar: combined.ivar,
            mask: Some(combined.mask),
            mask_kind: MaskKind::Desi,
            ivar_estimated,
        };
        settle(
            spectrum,
            &Place {
                path: self.fits.path(),
                row: row as u64,
            },
        )
    }
}

impl Rows for Coadd {
    fn next_batch(&mut self) -> Result<Option<Batch>, IngestError> {
        if self.next >= self.facts.len() {
            return Ok(None);
        }
        let (start, end) = (self.next, (self.next + ROWS).min(self.facts.len()));
        self.next = end;
        self.read(start, end).map(Some)
    }
}

/// One arm's pixels for a few rows.
struct Loaded {
    flux: Vec<f32>,
    ivar: Vec<f32>,
    mask: Vec<u32>,
}

impl Loaded {
    fn read(fits: &Fits, arm: &ArmImages, start: usize, end: usize) -> Result<Self, IngestError> {
        let (first, last) = (start * arm.pixels, end * arm.pixels);
        Ok(Self {
            flux: fits.pixels(&arm.flux, first, last)?,
            ivar: match &arm.ivar {
                Some(hdu) => fits.pixels(hdu, first, last)?,
                None => vec![1.0; last - first],
            },
            mask: match &arm.mask {
                Some(mask) => mask.read(fits, start, end)?,
                None => Vec::new(),
            },
        })
    }

    fn row(&self, arm: &ArmImages, at: usize) -> Arm<'_> {
        let range = at * arm.pixels..(at + 1) * arm.pixels;
        Arm {
            offset: arm.offset,
            flux: &self.flux[range.clone()],
            ivar: &self.ivar[range.clone()],
            mask: self.mask.get(range).unwrap_or_default(),
        }
    }
}

/// The images of one arm, of equal shapes, on the combined grid.
fn arm(fits: &Fits, prefix: &str, rows: usize) -> Result<ArmImages, IngestError> {
    let image = |suffix: &str| fits.hdu(&[&format!("{prefix}_{suffix}")]).cloned();
    let (Some(wave), Some(flux)) = (image("WAVELENGTH"), image("FLUX")) else {
        return Err(IngestError::damaged(
            fits.path(),
            format!("arm {prefix} without wavelengths or flux"),
        ));
    };
    let (ivar, mask) = (image("IVAR"), image("MASK"));
    let pixels = wave.pixels();
    for hdu in [Some(&flux), ivar.as_ref(), mask.as_ref()].into_iter().flatten() {
        let fits_in = match hdu.shape() {
            Some([n]) => *n == pixels && rows == 1,
            Some([spectra, n]) => *n == pixels && *spectra == rows,
            _ => false,
        };
        if !fits_in {
            let reason = format!(
                "{} is {:?}, not {rows} targets of {pixels} pixels",
                hdu.title(),
                hdu.shape()
            );
            return Err(IngestError::damaged(fits.path(), reason));
        }
    }
    let wavelengths: Vec<f64> = if pixels <= PIXELS {
        fits.pixels(&wave, 0, pixels)?
    } else {
        Vec::new()
    };
    let offset = offset_on_grid(&wavelengths).ok_or_else(|| {
        let reason = "not on DESI's grid (3600 to 9824 Angstrom by 0.8); export the spectra as tables (wave, flux, ivar) instead";
        IngestError::column(fits.path(), &wave.title(), "wavelength", reason)
    })?;
    let mask = mask.map(|hdu| MaskRows::open(fits, hdu, pixels)).transpose()?;
    Ok(ArmImages {
        offset,
        pixels,
        flux,
        ivar,
        mask,
    })
}

/// Index on the combined grid of the first of `wavelengths`, if all of them lie on it.
fn offset_on_grid(wavelengths: &[f64]) -> Option<usize> {
    let offset = WavelengthGrid::DESI.nearest(*wavelengths.first()?)?;
    let on_grid = |(i, wavelength): (usize, &f64)| {
        offset + i < PIXELS && (WavelengthGrid::DESI.at(offset + i) - wavelength).abs() < TOLERANCE
    };
    wavelengths.iter().enumerate().all(on_grid).then_some(offset)
}

/// The redshifts of a companion file; without one, or with one that cannot be read, `None` and a note.
fn read_redshifts(companion: Option<&Path>, notes: &mut Vec<String>) -> Option<Targets> {
    let Some(path) = companion else {
        notes.push("no redrock-… or zbest-… file beside it: imported without redshifts".into());
        return None;
    };
    match Fits::open(path).and_then(|fits| Targets::redshifts(&fits)) {
        Ok(targets) => Some(targets),
        Err(error) => {
            notes.push(format!(
                "imported without redshifts, because its redshift file failed: {error}"
            ));
            None
        }
    }
}

/// Gives each target its redshift, by TARGETID.
fn join(facts: &mut [Facts], redshifts: &Targets, notes: &mut Vec<String>) {
    let mut missing = 0;
    for facts in facts {
        if facts.targetid.and_then(|id| redshifts.get(id)).is_none() {
            missing += 1;
            continue;
        }
        let before = facts.zwarn.take();
        redshifts.complete(facts);
        targets::keep_sky_bit(facts, before);
    }
    if missing > 0 {
        notes.push(format!("{missing} targets are not in the redshift file"));
    }
}

//! A plain stack of spectra on one grid: images WAVE, FLUX and IVAR, with MASK and Z where there are any.
//!
//! The layout of MaNGA's test spectra, and what one gets who saves arrays under their names.

use std::sync::Arc;

use super::fits::{Fits, Hdu};
use super::settle::{Place, settle};
use super::table::{grid_of, stem};
use super::{Batch, IngestError, Rows};
use crate::spectrum::{Facts, Spectrum, WavelengthGrid, bits_of, noise};

/// Rows read at a time.
const ROWS: usize = 64;
const WAVE: [&str; 3] = ["WAVE", "WAVELENGTH", "LAMBDA"];

/// Such a file, read [`ROWS`] spectra at a time.
pub(super) struct Stack {
    fits: Fits,
    grid: Arc<WavelengthGrid>,
    spectra: usize,
    redshifts: Vec<f64>,
    next: usize,
}

/// Whether the file is of this kind.
pub(super) fn is_stack(fits: &Fits) -> bool {
    let image = |names: &[&str]| fits.hdu(names).is_some_and(|hdu| hdu.shape().is_some());
    image(&WAVE) && image(&["FLUX"])
}

impl Stack {
    pub(super) fn open(fits: Fits, notes: &mut Vec<String>) -> Result<Self, IngestError> {
        let damaged = |what: String| IngestError::damaged(fits.path(), what);
        let (Some(wave), Some(flux)) = (fits.hdu(&WAVE), fits.hdu(&["FLUX"])) else {
            return Err(damaged("no WAVE or FLUX image".into()));
        };
        let shape = flux.shape().unwrap_or_default();
        let (spectra, pixels) = match *shape {
            [pixels] => (1, pixels),
            [spectra, pixels] => (spectra, pixels),
            _ => {
                return Err(damaged(format!(
                    "FLUX is {shape:?}, not spectra by pixels; data cubes are not read"
                )));
            }
        };
        if wave.shape() != Some(&[pixels]) {
            return Err(damaged(format!("WAVE is {:?}, FLUX {shape:?}", wave.shape())));
        }
        for name in ["IVAR", "MASK"] {
            if let Some(hdu) = fits.hdu(&[name]).filter(|hdu| hdu.shape() != Some(shape)) {
                return Err(damaged(format!("{name} is {:?}, FLUX {shape:?}", hdu.shape())));
            }
        }
        let wavelengths: Vec<f64> = fits.pixels(wave, 0, pixels)?;
        let grid = grid_of(wavelengths)
            .map_err(|reason| IngestError::column(fits.path(), "HDU WAVE", "wavelength", reason))?;
        if fits.hdu(&["IVAR"]).is_none() {
            notes.push("no ivar in the file: estimated from the scatter of the flux".into());
        }
        let redshifts = match fits.hdu(&["Z"]).filter(|hdu| hdu.shape() == Some(&[spectra])) {
            Some(hdu) => fits.pixels(hdu, 0, spectra)?,
            None => Vec::new(),
        };
        let grid = Arc::new(grid);
        Ok(Self {
            fits,
            grid,
            spectra,
            redshifts,
            next: 0,
        })
    }

    fn read(&self, start: usize, end: usize) -> Result<Batch, IngestError> {
        let n = self.grid.len();
        let (first, last) = (start * n, end * n);
        let hdu = |name: &str| self.fits.hdu(&[name]);
        let flux: Vec<f32> = match hdu("FLUX") {
            Some(hdu) => self.fits.pixels(hdu, first, last)?,
            None => Vec::new(),
        };
        let ivar: Option<Vec<f32>> = hdu("IVAR")
            .map(|hdu: &Hdu| self.fits.pixels(hdu, first, last))
            .transpose()?;
        let mask: Option<Vec<i64>> = hdu("MASK")
            .map(|hdu: &Hdu| self.fits.pixels(hdu, first, last))
            .transpose()?;
        let name = stem(self.fits.path());
        let (source, mask_kind) = super::table::survey_of(&self.grid);
        let spectrum = |row: usize| {
            let range = (row - start) * n..(row - start + 1) * n;
            let flux = flux[range.clone()].to_vec();
            let facts = Facts {
                object_id: if self.spectra == 1 {
                    name.clone().into()
                } else {
                    format!("{name}-{row}").into()
                },
                source: source.into(),
                z: self.redshifts.get(row).copied().filter(|z| z.is_finite()),
                ..Facts::default()
            };
            let spectrum = Spectrum {
                facts,
                grid: Arc::clone(&self.grid),
                ivar: ivar.as_ref().map_or_else(
                    || noise::estimate_ivar(&flux),
                    |ivar| ivar[range.clone()].to_vec(),
                ),
                flux,
                mask: mask
                    .as_ref()
                    .map(|mask| mask[range].iter().map(|number| bits_of(*number)).collect()),
                // Whose bits they are is not said.
                mask_kind: if mask.is_some() {
                    crate::spectrum::MaskKind::Plain
                } else {
                    mask_kind
                },
                ivar_estimated: ivar.is_none(),
            };
            settle(
                spectrum,
                &Place {
                    path: self.fits.path(),
                    row: row as u64,
                },
            )
        };
        Ok((start..end).map(spectrum).collect())
    }
}

impl Rows for Stack {
    fn next_batch(&mut self) -> Result<Option<Batch>, IngestError> {
        if self.next >= self.spectra {
            return Ok(None);
        }
        let (start, end) = (self.next, (self.next + ROWS).min(self.spectra));
        self.next = end;
        self.read(start, end).map(Some)
    }
}

//! The mask image of one arm, plain or tile-compressed.

use super::super::IngestError;
use super::super::fits::{Fits, Hdu};

/// The masks of an arm, to be read some rows at a time.
pub(super) enum MaskRows {
    /// Read as needed.
    Plain { hdu: Hdu, pixels: usize },
    /// Unpacked once, because asking for a few rows unpacks all: of each row the pixels that carry bits, which few do.
    Unpacked {
        rows: Vec<Vec<(u32, u32)>>,
        pixels: usize,
    },
}

impl MaskRows {
    /// Takes an image of rows of `pixels`.
    pub(super) fn open(fits: &Fits, hdu: Hdu, pixels: usize) -> Result<Self, IngestError> {
        if pixels == 0 || !fits.is_compressed(&hdu) {
            return Ok(Self::Plain { hdu, pixels });
        }
        let all = bits(fits, &hdu, 0, hdu.pixels())?;
        let marked = |row: &[u32]| {
            (0u32..)
                .zip(row)
                .filter(|(_, bits)| **bits != 0)
                .map(|(pixel, bits)| (pixel, *bits))
                .collect()
        };
        let rows = all.chunks(pixels).map(marked).collect();
        Ok(Self::Unpacked { rows, pixels })
    }

    /// The bits of rows `start..end`, one row behind the other.
    pub(super) fn read(&self, fits: &Fits, start: usize, end: usize) -> Result<Vec<u32>, IngestError> {
        match self {
            Self::Plain { hdu, pixels } => bits(fits, hdu, start * pixels, end * pixels),
            Self::Unpacked { rows, pixels } => {
                let mut mask = vec![0; (end - start) * pixels];
                for (row, marked) in mask.chunks_mut(*pixels).zip(&rows[start..end]) {
                    for (pixel, bits) in marked {
                        row[*pixel as usize] = *bits;
                    }
                }
                Ok(mask)
            }
        }
    }
}

/// Signed in files of newer pipelines, offset by 2^31 in older ones; the low 32 bits are the mask in both.
fn bits(fits: &Fits, hdu: &Hdu, start: usize, end: usize) -> Result<Vec<u32>, IngestError> {
    let pixels: Vec<i64> = fits.pixels(hdu, start, end)?;
    Ok(pixels.into_iter().map(|bits| bits as u32).collect())
}

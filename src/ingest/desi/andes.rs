//! Early DESI files ("andes") of one table: WAVELENGTH, and the flux of each target in a column `TARGET` + its TARGETID.
//!
//! The arms' pixels stand side by side in them, sorted by wavelength, so a wavelength of an overlap occurs twice. There is no ivar,
//! and the flux is smoothed.

use std::path::Path;
use std::sync::Arc;

use compact_str::format_compact;

use super::targets;
use super::{GRID, PIXELS, ROWS, join, read_redshifts};
use crate::ingest::fits::{Fits, Hdu};
use crate::ingest::settle::{Place, settle};
use crate::ingest::{Batch, IngestError, Rows};
use crate::spectrum::{Facts, MaskKind, RowIssue, Spectrum, WavelengthGrid, noise};

const PREFIX: &str = "TARGET";

/// Such a file, read a few targets at a time.
pub(in crate::ingest) struct Andes {
    fits: Fits,
    table: Hdu,
    /// Index on the combined grid of each row of the table.
    pixels: Vec<usize>,
    /// Column name and facts of each target.
    targets: Vec<(String, Facts)>,
    next: usize,
}

impl Andes {
    /// The table, if the file is of this kind.
    pub(in crate::ingest) fn table(fits: &Fits) -> Option<&Hdu> {
        fits.hdus()
            .iter()
            .find(|hdu| hdu.has("WAVELENGTH") && hdu.columns().any(|column| target_id(column).is_some()))
    }

    pub(in crate::ingest) fn open(
        fits: Fits,
        table: Hdu,
        companion: Option<&Path>,
        notes: &mut Vec<String>,
    ) -> Result<Self, IngestError> {
        let wavelengths: Vec<f64> = fits.required(&table, &["WAVELENGTH"])?;
        let pixels = wavelengths
            .iter()
            .map(|wavelength| {
                let pixel = WavelengthGrid::DESI.nearest(*wavelength);
                pixel.filter(|pixel| (WavelengthGrid::DESI.at(*pixel) - wavelength).abs() < super::TOLERANCE)
            })
            .collect::<Option<Vec<usize>>>()
            .ok_or_else(|| {
                let reason = "not on DESI's grid (3600 to 9824 Angstrom by 0.8)";
                IngestError::column(fits.path(), &table.title(), "WAVELENGTH", reason)
            })?;
        notes.push("no ivar in the file: estimated from the scatter of the flux".into());
        let source = targets::source(&fits);
        let (names, mut facts): (Vec<String>, Vec<Facts>) = table
            .columns()
            .filter_map(|column| {
                let id = target_id(column)?;
                let facts = Facts {
                    object_id: format_compact!("{id}"),
                    targetid: Some(id),
                    source: source.clone(),
                    ..Facts::default()
                };
                Some((column.to_owned(), facts))
            })
            .unzip();
        if let Some(redshifts) = read_redshifts(companion, notes) {
            join(&mut facts, &redshifts, notes);
        }
        let targets = names.into_iter().zip(facts).collect();
        Ok(Self {
            fits,
            table,
            pixels,
            targets,
            next: 0,
        })
    }

    fn spectrum(&self, row: usize) -> Result<Result<Spectrum, RowIssue>, IngestError> {
        let (column, facts) = &self.targets[row];
        let values: Vec<f64> = self.fits.required(&self.table, &[column])?;
        let flux = average(&self.pixels, &values);
        let spectrum = Spectrum {
            facts: facts.clone(),
            grid: Arc::clone(&GRID),
            ivar: noise::estimate_ivar(&flux),
            flux,
            mask: None,
            mask_kind: MaskKind::Desi,
            ivar_estimated: true,
        };
        let place = Place {
            path: self.fits.path(),
            row: row as u64,
        };
        Ok(settle(spectrum, &place))
    }
}

impl Rows for Andes {
    fn next_batch(&mut self) -> Result<Option<Batch>, IngestError> {
        if self.next >= self.targets.len() {
            return Ok(None);
        }
        let rows = self.next..(self.next + ROWS).min(self.targets.len());
        self.next = rows.end;
        rows.map(|row| self.spectrum(row))
            .collect::<Result<Batch, _>>()
            .map(Some)
    }
}

/// Values on the combined grid: the plain mean of those of the same pixel, NaN where there is none.
fn average(pixels: &[usize], values: &[f64]) -> Vec<f32> {
    let mut sums = vec![(0f64, 0u32); PIXELS];
    for (pixel, value) in pixels.iter().zip(values) {
        sums[*pixel].0 += value;
        sums[*pixel].1 += 1;
    }
    sums.iter()
        .map(|(sum, count)| (sum / f64::from(*count)) as f32)
        .collect()
}

fn target_id(column: &str) -> Option<i64> {
    let upper = column.to_ascii_uppercase();
    upper.strip_prefix(PREFIX)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wavelength_that_occurs_twice_is_averaged() {
        let flux = average(&[0, 1, 1, 2], &[5.0, 1.0, 2.0, 7.0]);
        assert_eq!(flux[..3], [5.0, 1.5, 7.0]);
        assert!(flux[3].is_nan() && flux.len() == PIXELS);
    }

    #[test]
    fn columns_that_name_targets() {
        assert_eq!(target_id("TARGET35191325330507548"), Some(35191325330507548));
        assert_eq!(target_id("TARGET_RA"), None);
        assert_eq!(target_id("WAVELENGTH"), None);
    }
}

//! One row as a spectrum, or what is wrong with it.

use std::sync::Arc;

use super::file::CatalogFile;
use super::grids::{self, GridPool};
use super::layout;
use super::lists::Pixels;
use super::schema;
use crate::spectrum::{Facts, MaskKind, Spectrum, WavelengthGrid};

/// The column that is at fault, and how.
pub(super) type Fault = (&'static str, String);

/// What a row has beside its facts and pixels, where the file has such columns.
#[derive(Debug, Clone, Default)]
pub(super) struct RowExtras {
    pub grid: Option<i64>,
    pub mask_kind: Option<MaskKind>,
    pub ivar_estimated: bool,
}

/// Row `row` of a decoded batch as a spectrum.
#[allow(clippy::result_large_err)] // the facts come back with the fault, to say whose it is
pub(super) fn assemble(
    file: &CatalogFile,
    pool: &GridPool,
    pixels: &Pixels,
    row: usize,
    facts: Facts,
    extras: &RowExtras,
) -> Result<Spectrum, (Facts, Fault)> {
    match assemble_pixels(file, pool, pixels, row, &facts, extras) {
        Ok((grid, flux, ivar, mask, mask_kind)) => Ok(Spectrum {
            facts,
            grid,
            flux,
            ivar,
            mask,
            mask_kind,
            ivar_estimated: extras.ivar_estimated,
        }),
        Err(fault) => Err((facts, fault)),
    }
}

type Assembled = (
    Arc<WavelengthGrid>,
    Vec<f32>,
    Vec<f32>,
    Option<Vec<u32>>,
    MaskKind,
);

fn assemble_pixels(
    file: &CatalogFile,
    pool: &GridPool,
    pixels: &Pixels,
    row: usize,
    facts: &Facts,
    extras: &RowExtras,
) -> Result<Assembled, Fault> {
    if facts.object_id.is_empty() {
        return Err(("object_id", "the id is missing".into()));
    }
    let flux = pixels.flux.row(row).ok_or(("flux", "it is null".to_owned()))?;
    let ivar = pixels.ivar.row(row).ok_or(("ivar", "it is null".to_owned()))?;
    let mask = pixels.mask.as_ref().and_then(|mask| mask.row(row));
    let wavelength = pixels
        .wavelength
        .as_ref()
        .and_then(|wavelength| wavelength.row(row));
    let n = flux.len();
    let lengths = [
        ("ivar", Some(ivar.len())),
        ("mask", mask.map(<[u32]>::len)),
        ("wavelength", wavelength.map(<[f64]>::len)),
    ];
    for (column, length) in lengths {
        if let Some(length) = length.filter(|length| *length != n) {
            return Err((column, format!("{length} values, and flux has {n}")));
        }
    }
    let mask = mask.filter(|mask| mask.iter().any(|bits| *bits != 0));
    let mask_kind = mask_kind(file, pixels, facts, extras);
    let padding = |w: &f64| *w <= 0.0;
    let (grid, flux, ivar, mask) = match wavelength {
        // The MultimodalUniverse pads its spectra to one length with wavelength -1.
        Some(wavelength) if !file.is_native() && wavelength.iter().any(padding) => {
            let kept: Vec<usize> = (0..n).filter(|i| !padding(&wavelength[*i])).collect();
            let wavelength: Vec<f64> = kept.iter().map(|i| wavelength[*i]).collect();
            (
                listed(pool, &wavelength, true)?,
                kept.iter().map(|i| flux[*i]).collect(),
                kept.iter().map(|i| ivar[*i]).collect(),
                mask.map(|mask| kept.iter().map(|i| mask[*i]).collect::<Vec<u32>>()),
            )
        }
        Some(wavelength) => {
            let grid = listed(pool, wavelength, !file.is_native())?;
            (grid, flux.to_vec(), ivar.to_vec(), mask.map(<[u32]>::to_vec))
        }
        None => {
            let grid = shared(file, pool, n, extras)?;
            (grid, flux.to_vec(), ivar.to_vec(), mask.map(<[u32]>::to_vec))
        }
    };
    let mask = mask.filter(|mask| mask.iter().any(|bits| *bits != 0));
    check(&flux, &ivar, mask.as_deref(), mask_kind)?;
    Ok((grid, flux, ivar, mask, mask_kind))
}

/// The grid of a row that has its own wavelengths.
fn listed(pool: &GridPool, wavelength: &[f64], recover: bool) -> Result<Arc<WavelengthGrid>, Fault> {
    if let Some(reason) = grids::fault(wavelength) {
        return Err(("wavelength", reason));
    }
    let grid = if recover {
        grids::recover(wavelength)
    } else {
        WavelengthGrid::Listed {
            wavelength: wavelength.to_vec(),
        }
    };
    Ok(pool.share(grid))
}

/// The grid of a row without wavelengths: by its number in the footer, or by its length.
fn shared(
    file: &CatalogFile,
    pool: &GridPool,
    n: usize,
    extras: &RowExtras,
) -> Result<Arc<WavelengthGrid>, Fault> {
    let by_length = || file.grids.iter().find(|(_, grid)| grid.len() == n);
    let grid = match extras.grid {
        Some(id) if id == i64::from(schema::OWN_WAVELENGTHS) => {
            return Err(("wavelength", "it is null, and grid is -1".into()));
        }
        Some(id) if !file.grids.is_empty() => {
            let known = file.grids.iter().find(|(known, _)| i64::from(*known) == id);
            known.ok_or((
                "grid",
                format!("grid {id} is not in the footer's {}", schema::KEY_GRIDS),
            ))?
        }
        _ => match by_length() {
            Some(grid) => grid,
            None if n == WavelengthGrid::DESI.len() => return Ok(pool.share(WavelengthGrid::DESI)),
            None => {
                let reason = format!("there is none, and {n} pixels are no known grid (DESI's has 7781)");
                return Err(("wavelength", reason));
            }
        },
    };
    if grid.1.len() == n {
        Ok(grid.1.clone())
    } else {
        Err((
            "flux",
            format!("{n} values, and its wavelength grid has {}", grid.1.len()),
        ))
    }
}

fn mask_kind(file: &CatalogFile, pixels: &Pixels, facts: &Facts, extras: &RowExtras) -> MaskKind {
    if let Some(kind) = extras.mask_kind {
        return kind;
    }
    let by_name = file
        .layout
        .pixels
        .as_ref()
        .is_some_and(|columns| columns.mask_is_sdss);
    if pixels.mask_is_bool {
        MaskKind::Plain
    } else if by_name {
        MaskKind::Sdss
    } else {
        layout::mask_kind_of_source(&facts.source).unwrap_or(MaskKind::Plain)
    }
}

/// A ratio of flux to error that no instrument reaches, within a pixel or between two of one spectrum, which is brought to a common scale. Squares of
/// larger ones leave the range of float32, and one such pixel would make the loss of a whole training NaN. It is a ratio because catalogs differ in
/// the unit of flux.
const ABSURD_RATIO: f64 = 1e12;

/// What makes the pixels of a row unusable.
fn check(flux: &[f32], ivar: &[f32], mask: Option<&[u32]>, kind: MaskKind) -> Result<(), Fault> {
    if flux.is_empty() {
        return Err(("flux", "it has no pixels".into()));
    }
    if let Some(i) = ivar.iter().position(|ivar| !(ivar.is_finite() && *ivar >= 0.0)) {
        return Err((
            "ivar",
            format!("{} at pixel {i}; an inverse variance is 0 or more", ivar[i]),
        ));
    }
    if let Some(i) = (0..flux.len()).find(|i| ivar[*i] > 0.0 && !flux[*i].is_finite()) {
        return Err((
            "flux",
            format!("{} at pixel {i}, where ivar says it was measured", flux[i]),
        ));
    }
    if ivar.iter().all(|ivar| *ivar == 0.0) {
        return Err(("ivar", "it is 0 everywhere: nothing was measured".into()));
    }
    let usable = |i: usize| ivar[i] > 0.0 && mask.is_none_or(|mask| !kind.is_bad(mask[i]));
    if !(0..flux.len()).any(usable) {
        return Err(("mask", "every measured pixel is masked".into()));
    }
    let ratio = |i: usize| f64::from(flux[i]).abs() * f64::from(ivar[i]).sqrt();
    if let Some(i) = (0..flux.len()).find(|i| usable(*i) && ratio(*i) > ABSURD_RATIO) {
        return Err((
            "flux",
            format!(
                "{:e} at pixel {i} is {:.0e} times its error: one of the two is wrong",
                flux[i],
                ratio(i)
            ),
        ));
    }
    let measured = || (0..flux.len()).filter(|i| usable(*i));
    let brightest = measured().map(|i| f64::from(flux[i]).abs()).fold(0.0, f64::max);
    let most = (ABSURD_RATIO / brightest).powi(2);
    if let Some(i) = measured().find(|i| f64::from(ivar[*i]) > most) {
        return Err((
            "ivar",
            format!(
                "{:e} at pixel {i} is an error of {:.0e} beside a flux of {brightest:e}: one of the two is wrong",
                ivar[i],
                f64::from(ivar[i]).sqrt().recip()
            ),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_names_its_column_and_pixel() {
        let column = |flux: &[f32], ivar: &[f32], mask: Option<&[u32]>| {
            check(flux, ivar, mask, MaskKind::Desi)
                .err()
                .map(|(column, _)| column)
        };
        assert_eq!(column(&[1.0, 2.0], &[1.0, 0.0], None), None);
        assert_eq!(
            column(&[1.0, f32::NAN], &[1.0, 0.0], None),
            None,
            "NaN where nothing was measured"
        );
        assert_eq!(column(&[1.0, f32::NAN], &[1.0, 1.0], None), Some("flux"));
        assert_eq!(column(&[1.0, f32::INFINITY], &[1.0, 1.0], None), Some("flux"));
        assert_eq!(column(&[1.0, 1e38], &[1.0, 1.0], None), Some("flux"));
        assert_eq!(column(&[1.0, 2.0], &[1.0, 1e38], None), Some("flux"));
        assert_eq!(column(&[1.0, 0.0], &[1.0, 3e38], None), Some("ivar"));
        assert_eq!(column(&[1e6, 0.0], &[1.0, 1e30], None), Some("ivar"));
        assert_eq!(
            column(&[1e6, 0.0], &[0.0, 1e30], None),
            None,
            "the bright pixel was not measured"
        );
        assert_eq!(column(&[1e-17, 2e-17], &[1e36, 1e36], None), None, "another unit");
        assert_eq!(column(&[1.0, 2.0], &[1.0, -1.0], None), Some("ivar"));
        assert_eq!(column(&[1.0, 2.0], &[1.0, f32::NAN], None), Some("ivar"));
        assert_eq!(column(&[1.0, 2.0], &[0.0, 0.0], None), Some("ivar"));
        assert_eq!(column(&[1.0, 2.0], &[1.0, 0.0], Some(&[4, 0])), Some("mask"));
        assert_eq!(column(&[], &[], None), Some("flux"));
    }
}

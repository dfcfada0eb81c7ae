//! SDSS `spec-*.fits`: lite and full, SDSS-I to IV and SDSS-V, column names in either case.

use std::sync::Arc;

use compact_str::CompactString;

use super::fits::{Fits, Hdu, non_blank};
use super::settle::{Place, settle};
use super::{Batch, IngestError};
use crate::spectrum::{Facts, MaskKind, Spectrum, WavelengthGrid, bits_of};

/// Bins a dex of SDSS's logarithmic grid.
const BINS_A_DEX: f64 = 1e4;
/// How far `loglam` may be from a whole bin, in bins; the single precision of the column is good to 0.003.
const BIN_TOLERANCE: f64 = 0.05;
/// A_r / E(B-V) of the `EXTINCTION` column. Source: Stoughton et al. 2002, AJ 123, 485, table 22.
const EXTINCTION_R: f32 = 2.751;
/// Place of a band in the five-band columns (u g r i z).
const G: usize = 1;
const R: usize = 2;
const Z: usize = 4;

/// The coadd, if the file has one: the first table with `flux` and `loglam`.
pub(super) fn coadd(fits: &Fits) -> Option<&Hdu> {
    fits.hdus()
        .iter()
        .find(|hdu| hdu.has("loglam") && hdu.has("flux") && hdu.rows() > 0)
}

/// The one spectrum of the file.
pub(super) fn read(fits: &Fits, coadd: &Hdu) -> Result<Batch, IngestError> {
    let loglam: Vec<f64> = fits.required(coadd, &["loglam"])?;
    let mask: Option<Vec<i64>> = fits.column(coadd, &["and_mask", "mask"])?;
    let spectrum = Spectrum {
        facts: facts(fits)?,
        grid: Arc::new(grid(fits, coadd, &loglam)?),
        flux: fits.required(coadd, &["flux"])?,
        ivar: fits.required(coadd, &["ivar"])?,
        mask: mask.map(|mask| mask.into_iter().map(bits_of).collect()),
        mask_kind: MaskKind::Sdss,
        ivar_estimated: false,
    };
    Ok(vec![settle(
        spectrum,
        &Place {
            path: fits.path(),
            row: 0,
        },
    )])
}

/// The exact grid behind the single-precision `loglam`: whole bins of 1e-4 dex, else every wavelength by itself.
fn grid(fits: &Fits, coadd: &Hdu, loglam: &[f64]) -> Result<WavelengthGrid, IngestError> {
    let first = (loglam[0] * BINS_A_DEX).round();
    let on_grid = |(i, value): (usize, &f64)| (value * BINS_A_DEX - first - i as f64).abs() < BIN_TOLERANCE;
    if loglam.iter().enumerate().all(on_grid) {
        return Ok(WavelengthGrid::Log10 {
            start: first / BINS_A_DEX,
            step: 1.0 / BINS_A_DEX,
            n: loglam.len(),
        });
    }
    let optical = loglam.iter().all(|value| (2.0..6.0).contains(value));
    if !optical || !loglam.is_sorted_by(|a, b| a < b) {
        let reason = "not ascending, or no log10 of a wavelength in Angstrom";
        return Err(IngestError::column(fits.path(), &coadd.title(), "loglam", reason));
    }
    Ok(WavelengthGrid::Listed {
        wavelength: loglam.iter().map(|value| 10f64.powf(*value)).collect(),
    })
}

/// The table of the object, which stands behind the coadd.
fn object_table(fits: &Fits) -> Option<&Hdu> {
    let named = fits.hdu(&["SPECOBJ", "SPALL"]).filter(|hdu| hdu.rows() > 0);
    named.or_else(|| {
        fits.hdus()
            .iter()
            .find(|hdu| hdu.rows() == 1 && hdu.has("CLASS") && hdu.has("Z"))
    })
}

fn facts(fits: &Fits) -> Result<Facts, IngestError> {
    let Some(table) = object_table(fits) else {
        return Ok(identify(fits, None, Facts::default()));
    };
    let number = |names: &[&str]| -> Result<Option<f64>, IngestError> {
        Ok(fits
            .column::<f64>(table, names)?
            .and_then(|values| values.first().copied())
            .filter(|value| value.is_finite()))
    };
    let band = |names: &[&str], band: usize| -> Result<Option<f32>, IngestError> {
        let values = fits
            .column::<f32>(table, names)?
            .filter(|values| values.len() == 5);
        Ok(values
            .map(|values| values[band])
            .filter(|value| value.is_finite()))
    };
    let text = |names: &[&str]| -> Result<Option<CompactString>, IngestError> {
        Ok(fits
            .column::<String>(table, names)?
            .and_then(|values| Some(non_blank(values.first()?)?.into())))
    };
    // The imaging fluxes where the file has them, else those of the spectrum through the bands.
    let fluxes: &[&str] = if table.has("CMODELFLUX") {
        &["CMODELFLUX"]
    } else {
        &["SPECTROFLUX"]
    };
    let reduced = number(&["RCHI2DIFF"])?;
    let facts = Facts {
        survey: text(&["SURVEY"])?,
        program: text(&["PROGRAMNAME"])?,
        ra: number(&["PLUG_RA", "RACAT", "FIBER_RA", "RA"])?,
        dec: number(&["PLUG_DEC", "DECCAT", "FIBER_DEC", "DEC"])?,
        z: number(&["Z"])?,
        zerr: number(&["Z_ERR", "ZERR"])?,
        zwarn: fits
            .column::<i64>(table, &["ZWARNING", "ZWARN"])?
            .and_then(|values| values.first().copied()),
        spectype: text(&["CLASS"])?,
        subtype: text(&["SUBCLASS"])?,
        deltachi2: number(&["DOF"])?.and_then(|freedom| Some(freedom * reduced?)),
        sn: number(&["SN_MEDIAN_ALL"])?
            .map(|sn| sn as f32)
            .or(band(&["SN_MEDIAN"], R)?),
        ebv: match number(&["EBV", "SFD_EBV"])? {
            Some(ebv) => Some(ebv as f32),
            None => band(&["EXTINCTION"], R)?.map(|extinction| extinction / EXTINCTION_R),
        },
        flux_g: band(fluxes, G)?,
        flux_r: band(fluxes, R)?,
        flux_z: band(fluxes, Z)?,
        ..Facts::default()
    };
    Ok(identify(fits, Some(table), facts))
}

/// Adds who it is and when it was observed, from the object's table or the primary header, at last from the file's name.
fn identify(fits: &Fits, table: Option<&Hdu>, facts: Facts) -> Facts {
    let integer = |column: &str, key: &str| -> Option<i64> {
        let value = table.and_then(|table| fits.column::<i64>(table, &[column]).ok()??.first().copied());
        value.or_else(|| fits.key(key))
    };
    let exptime = fits.key::<f64>("EXPTIME").map(|seconds| seconds as f32);
    let mjd = integer("MJD", "MJD");
    // SDSS-V counts fields and catalog numbers instead of plates and fibers.
    let catalog = integer("CATALOGID", "CATALOGID").filter(|id| *id > 0);
    let field = integer("FIELD", "FIELDID");
    let plate = integer("PLATE", "PLATEID");
    let fiber = integer("FIBERID", "FIBERID");
    let stem = fits.path().file_name().unwrap_or_default().to_string_lossy();
    let stem = stem.trim_end_matches(".gz").trim_end_matches(".fits");
    let (object_id, targetid, source) = match (catalog, field, plate, mjd, fiber) {
        (Some(catalog), Some(field), _, Some(mjd), _) => {
            (format!("{field}-{mjd}-{catalog}"), Some(catalog), "SDSS-V")
        }
        (_, _, Some(plate), Some(mjd), Some(fiber)) => {
            let id = table.and_then(|table| specobjid(fits, table));
            (format!("{plate}-{mjd}-{fiber}"), id, "SDSS")
        }
        _ => (stem.to_owned(), None, "SDSS"),
    };
    Facts {
        object_id: object_id.into(),
        targetid,
        source: source.into(),
        mjd: mjd.map(|mjd| mjd as f64),
        exptime: exptime.filter(|seconds| seconds.is_finite()),
        ra: facts.ra.or_else(|| fits.key("PLUG_RA")),
        dec: facts.dec.or_else(|| fits.key("PLUG_DEC")),
        ..facts
    }
}

/// specObjID: text in SDSS-I to III, an unsigned or signed integer in later files; kept bit for bit in an `i64`.
fn specobjid(fits: &Fits, table: &Hdu) -> Option<i64> {
    let name = &["SPECOBJID"];
    if let Ok(Some(texts)) = fits.column::<String>(table, name) {
        return texts.first()?.trim().parse::<u64>().ok().map(u64::cast_signed);
    }
    if let Ok(Some(ids)) = fits.column::<u64>(table, name) {
        return ids.first().copied().map(u64::cast_signed);
    }
    fits.column::<i64>(table, name).ok()??.first().copied()
}

//! Our own schema: the columns of a catalog and their units, the footer's keys, the shared wavelength grids.
//!
//! One row a spectrum; `docs/catalog.md` describes it for readers of the files.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema};
use serde::{Deserialize, Serialize};

use crate::spectrum::{MaskKind, WavelengthGrid};

/// Version of the schema, in the footer; a reader refuses a newer one.
pub const SCHEMA_VERSION: &str = "1";

/// Footer key: JSON list of the wavelength grids that rows share.
pub const KEY_GRIDS: &str = "spectra.grids";
/// Footer key: [`SCHEMA_VERSION`].
pub const KEY_SCHEMA_VERSION: &str = "spectra.schema_version";
/// Footer key: JSON, where the spectra come from and what was done to them.
pub const KEY_PROVENANCE: &str = "spectra.provenance";
/// Footer key: the sentence that users of the data owe to those who made it.
pub const KEY_ACKNOWLEDGEMENT: &str = "spectra.acknowledgement";
/// Footer keys of VOParquet 1.0 (IVOA Note, 2025): its version, and a VOTable header without data.
pub const KEY_VOTABLE_VERSION: &str = "IVOA.VOTable-Parquet.version";
pub const KEY_VOTABLE: &str = "IVOA.VOTable-Parquet.content";

/// Name of the list columns' inner field, as the Parquet specification has it; it is part of the leaf's path.
pub(super) const ELEMENT: &str = "element";
/// The columns that hold a list a row.
pub(super) const LIST_COLUMNS: [&str; 4] = ["flux", "ivar", "mask", "wavelength"];
/// `grid` of a row that has its own wavelengths.
pub(super) const OWN_WAVELENGTHS: i16 = -1;

/// A column of the schema.
pub(super) struct Column {
    pub name: &'static str,
    pub data_type: DataType,
    pub nullable: bool,
    pub unit: &'static str,
    /// IVOA unified content descriptor.
    pub ucd: &'static str,
    pub description: &'static str,
}

/// Text that repeats.
pub(super) fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

pub(super) fn list_of(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new(ELEMENT, element, false)))
}

/// The columns in their order in the file.
#[rustfmt::skip]
pub(super) static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    use DataType::{Boolean, Float32, Float64, Int16, Int32, Int64, UInt32, Utf8};
    let flux = "1e-17 erg s-1 cm-2 Angstrom-1";
    let column = |name, data_type, nullable, unit, ucd, description| {
        Column { name, data_type, nullable, unit, ucd, description }
    };
    vec![
        column("targetid", Int64, true, "", "meta.id", "DESI TARGETID, or SDSS specObjID as a signed integer"),
        column("source", dictionary(), false, "", "meta.curation", "survey and data release"),
        column("survey", dictionary(), true, "", "meta.dataset", "part of the survey"),
        column("program", dictionary(), true, "", "meta.dataset", "observing program"),
        column("object_id", Utf8, false, "", "meta.id;meta.main", "identity of the spectrum"),
        column("ra", Float64, true, "deg", "pos.eq.ra;meta.main", "right ascension, ICRS"),
        column("dec", Float64, true, "deg", "pos.eq.dec;meta.main", "declination, ICRS"),
        column("_healpix_29", Int64, true, "", "pos.healpix", "HEALPix index, order 29, nested"),
        column("healpix", Int32, true, "", "pos.healpix", "HEALPix index, nside 64, nested"),
        column("z", Float64, true, "", "src.redshift", "redshift"),
        column("zerr", Float64, true, "", "stat.error;src.redshift", "error of the redshift"),
        column("zwarn", Int64, true, "", "meta.code.qual", "redshift warning bits, 0 is good"),
        column("spectype", dictionary(), true, "", "src.class", "spectral class"),
        column("subtype", dictionary(), true, "", "src.class", "spectral subclass"),
        column("deltachi2", Float64, true, "", "stat.fit.chi2", "chi-square from the best redshift to the next"),
        column("mjd", Float64, true, "d", "time.epoch", "modified Julian date of the observation"),
        column("exptime", Float32, true, "s", "time.duration;obs.exposure", "exposure time"),
        column("sn", Float32, true, "", "stat.snr", "median signal-to-noise ratio a pixel"),
        column("coadd_fiberstatus", Int32, true, "", "meta.code.status", "fiber status bits, 0 is good"),
        column("ebv", Float32, true, "mag", "phot.color.excess", "Galactic reddening E(B-V)"),
        column("flux_g", Float32, true, "nmgy", "phot.flux;em.opt.B", "g-band flux"),
        column("flux_r", Float32, true, "nmgy", "phot.flux;em.opt.R", "r-band flux"),
        column("flux_z", Float32, true, "nmgy", "phot.flux;em.opt.I", "z-band flux"),
        column("ivar_estimated", Boolean, false, "", "meta.code", "ivar was estimated from the scatter of the flux"),
        column("mask_kind", dictionary(), false, "", "meta.code", "whose bits the mask has: desi, sdss or plain"),
        column("grid", Int16, false, "", "meta.id", "wavelength grid in spectra.grids; -1: see wavelength"),
        column("flux", list_of(Float32), false, flux, "phot.flux.density;em.wl", "flux density"),
        column("ivar", list_of(Float32), false, "1e34 erg-2 s2 cm4 Angstrom2", "stat.weight", "inverse variance; 0 is no data"),
        column("mask", list_of(UInt32), true, "", "meta.code.qual", "mask bits; null is all zero"),
        column("wavelength", list_of(Float64), true, "Angstrom", "em.wl", "vacuum; null where grid has it"),
    ]
});

/// Whether a column of this name is one of the schema's.
pub fn is_own_column(name: &str) -> bool {
    COLUMNS.iter().any(|column| column.name == name)
}

/// An Arrow field that carries unit, UCD and description where it has them.
pub(super) fn described(field: Field, unit: &str, ucd: &str, description: &str) -> Field {
    let metadata: HashMap<String, String> = [("unit", unit), ("ucd", ucd), ("description", description)]
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(key, text)| (key.to_owned(), text.to_owned()))
        .collect();
    field.with_metadata(metadata)
}

/// The Arrow schema of our files, with `extra` columns before the spectra's.
pub(super) fn arrow_schema(extra: &[Field]) -> Schema {
    let own = |column: &Column| {
        let field = Field::new(column.name, column.data_type.clone(), column.nullable);
        described(field, column.unit, column.ucd, column.description)
    };
    let at = COLUMNS
        .iter()
        .position(|c| c.name == "ivar_estimated")
        .unwrap_or(COLUMNS.len());
    let mut fields: Vec<Field> = COLUMNS[..at].iter().map(own).collect();
    fields.extend(extra.iter().cloned());
    fields.extend(COLUMNS[at..].iter().map(own));
    Schema::new(fields)
}

/// A wavelength grid in the footer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct FooterGrid {
    pub id: i16,
    #[serde(flatten)]
    pub grid: WavelengthGrid,
    #[serde(default = "angstrom")]
    pub unit: String,
    #[serde(default = "vacuum")]
    pub medium: String,
    #[serde(default = "barycentric")]
    pub frame: String,
}

fn angstrom() -> String {
    "Angstrom".into()
}

fn vacuum() -> String {
    "vacuum".into()
}

fn barycentric() -> String {
    "barycentric".into()
}

impl FooterGrid {
    pub(super) fn new(id: i16, grid: WavelengthGrid) -> Self {
        Self {
            id,
            grid,
            unit: angstrom(),
            medium: vacuum(),
            frame: barycentric(),
        }
    }
}

/// The word for a mask's kind in the column `mask_kind`.
pub(super) fn mask_kind_name(kind: MaskKind) -> &'static str {
    match kind {
        MaskKind::Desi => "desi",
        MaskKind::Sdss => "sdss",
        MaskKind::Plain => "plain",
    }
}

pub(super) fn mask_kind_of(name: &str) -> Option<MaskKind> {
    match name {
        "desi" => Some(MaskKind::Desi),
        "sdss" => Some(MaskKind::Sdss),
        "plain" => Some(MaskKind::Plain),
        _ => None,
    }
}

/// HEALPix index of order 29, nested, of a position in degrees (ICRS), or `None` where there is no position.
///
/// Source: Górski et al. 2005, ApJ 622, 759; the HATS column `_healpix_29`.
pub(super) fn healpix_29(ra: Option<f64>, dec: Option<f64>) -> Option<i64> {
    let (ra, dec) = (ra?, dec?);
    if !ra.is_finite() || !(-90.0..=90.0).contains(&dec) {
        return None;
    }
    let index = cdshealpix::nested::hash(29, ra.rem_euclid(360.0).to_radians(), dec.to_radians());
    i64::try_from(index).ok()
}

/// The index at nside 64 (order 6), by which DESI names its files.
pub(super) fn healpix_nside_64(healpix_29: i64) -> i32 {
    i32::try_from(healpix_29 >> (2 * (29 - 6))).unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn healpix_agrees_with_desi_and_hats() {
        // TARGETID 39627835563836963 of DESI DR1: HEALPIX and _healpix_29 as published.
        let index = healpix_29(Some(150.0784822011637), Some(2.0457909803057146)).unwrap();
        assert_eq!(index, 1918022984176263696);
        assert_eq!(healpix_nside_64(index), 27256);
        assert_eq!(healpix_29(None, Some(1.0)), None);
        assert_eq!(healpix_29(Some(10.0), Some(90.1)), None);
        assert_eq!(healpix_29(Some(f64::NAN), Some(0.0)), None);
    }

    #[test]
    fn footer_grids_read_as_documented() {
        let text = r#"[{"id":0,"kind":"linear","start":3600.0,"step":0.8,"n":7781,"unit":"Angstrom","medium":"vacuum",
            "frame":"barycentric"},{"id":1,"kind":"log10","start":3.5000,"step":0.0001,"n":5200}]"#;
        let grids: Vec<FooterGrid> = serde_json::from_str(text).unwrap();
        assert_eq!(grids[0].grid, WavelengthGrid::DESI);
        assert_eq!(grids[1].grid.len(), 5200);
        let again: Vec<FooterGrid> = serde_json::from_str(&serde_json::to_string(&grids).unwrap()).unwrap();
        assert_eq!(again, grids);
    }
}

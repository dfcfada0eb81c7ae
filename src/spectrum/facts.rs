//! What the catalog says of an object beside its spectrum, and what is wrong with a row that cannot be used.

use serde::{Deserialize, Serialize};

/// The table columns that spectriage itself uses; a catalog may have many more.
///
/// Units: `ra`, `dec` in degrees (ICRS); `mjd` in days; `exptime` in seconds; `ebv` in magnitudes; `flux_*` in nanomaggies.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The identity everywhere: the text of the catalog's `object_id`, or of its `targetid` where it has no other.
    pub object_id: String,
    /// DESI TARGETID, or the SDSS specObjID reinterpreted as a signed integer.
    pub targetid: Option<i64>,
    /// Where the spectrum comes from: `DESI-DR1`, `SDSS`, `SIMULATED`, …
    pub source: String,
    pub survey: Option<String>,
    pub program: Option<String>,
    pub ra: Option<f64>,
    pub dec: Option<f64>,
    pub z: Option<f64>,
    pub zerr: Option<f64>,
    /// The redshift pipeline's warning bits; 0 is good.
    pub zwarn: Option<i64>,
    pub spectype: Option<String>,
    pub subtype: Option<String>,
    pub deltachi2: Option<f64>,
    pub mjd: Option<f64>,
    pub exptime: Option<f32>,
    /// Median signal-to-noise ratio a pixel as the catalog gives it.
    pub sn: Option<f32>,
    pub coadd_fiberstatus: Option<i32>,
    pub ebv: Option<f32>,
    pub flux_g: Option<f32>,
    pub flux_r: Option<f32>,
    pub flux_z: Option<f32>,
}

/// A catalog row that cannot be used, and why: counted, shown, written to the manifest, never fatal and never silent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{file} row {row} ({object_id}), {column}: {reason}")]
pub struct RowIssue {
    pub file: String,
    /// Row number within the file, from 0.
    pub row: u64,
    /// Empty where the id itself is missing.
    pub object_id: String,
    pub column: String,
    pub reason: String,
}

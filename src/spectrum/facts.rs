//! What the catalog says of an object beside its spectrum, and what is wrong with a row that cannot be used.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// The table columns that spectriage itself uses; a catalog may have many more.
///
/// Texts are short, and of a million spectra: up to 24 bytes are kept in place.
///
/// Units: `ra`, `dec` in degrees (ICRS); `mjd` in days; `exptime` in seconds; `ebv` in magnitudes; `flux_*` in nanomaggies.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The identity everywhere: the text of the catalog's `object_id`, or of its `targetid` where it has no other.
    pub object_id: CompactString,
    /// DESI TARGETID, or the SDSS specObjID reinterpreted as a signed integer.
    pub targetid: Option<i64>,
    /// Where the spectrum comes from: `DESI-DR1`, `SDSS`, `SIMULATED`, …
    pub source: CompactString,
    pub survey: Option<CompactString>,
    pub program: Option<CompactString>,
    pub ra: Option<f64>,
    pub dec: Option<f64>,
    pub z: Option<f64>,
    pub zerr: Option<f64>,
    /// The redshift pipeline's warning bits; 0 is good.
    pub zwarn: Option<i64>,
    pub spectype: Option<CompactString>,
    pub subtype: Option<CompactString>,
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

/// The first plate of BOSS; earlier ones are of SDSS-I and II.
const FIRST_BOSS_PLATE: u64 = 3510;

impl Facts {
    /// Diameter of the fiber on the sky, arcseconds; `None` where the survey does not tell.
    ///
    /// Source: DESI Collaboration 2022 (AJ 164, 207) for 1.5 arcseconds; Smee et al. 2013 (AJ 146, 32) for 3 of SDSS and 2 of BOSS.
    pub fn fiber_diameter(&self) -> Option<f64> {
        let source = self.source.to_ascii_uppercase();
        if source.contains("DESI") {
            return Some(1.5);
        }
        if source.contains("BOSS") || source.starts_with("SDSS-V") {
            return Some(2.0);
        }
        if !source.contains("SDSS") {
            return None;
        }
        // From `plate-mjd-fiber`, else from the highest bits of the specObjID.
        let named = self
            .object_id
            .split('-')
            .next()
            .filter(|_| self.object_id.contains('-'));
        let plate = named
            .and_then(|plate| plate.parse().ok())
            .or_else(|| self.targetid.map(|id| id.cast_unsigned() >> 50))
            .or_else(|| self.object_id.parse::<u64>().ok().map(|id| id >> 50))?;
        Some(if plate < FIRST_BOSS_PLATE { 3.0 } else { 2.0 })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn fiber(source: &str, object_id: &str, targetid: Option<i64>) -> Option<f64> {
        let facts = Facts {
            source: source.into(),
            object_id: object_id.into(),
            targetid,
            ..Facts::default()
        };
        facts.fiber_diameter()
    }

    #[test]
    fn every_survey_has_its_fiber() {
        assert_eq!(fiber("DESI-DR1", "39627652591521181", None), Some(1.5));
        assert_eq!(fiber("SIMULATED-DESI", "1", None), Some(1.5));
        assert_eq!(fiber("SDSS", "266-51602-1", None), Some(3.0));
        assert_eq!(fiber("SDSS", "4055-55359-10", None), Some(2.0));
        assert_eq!(fiber("SDSS-V", "112360-60000-27021598150202075", None), Some(2.0));
        assert_eq!(fiber("eBOSS", "x", None), Some(2.0));
        // The specObjID of plate 266, and of a plate whose number makes it negative as i64.
        assert_eq!(fiber("sdss-dr17", "299489677444933632", None), Some(3.0));
        assert_eq!(
            fiber("SDSS", "", Some((10_000u64 << 50).cast_signed())),
            Some(2.0)
        );
        assert_eq!(fiber("6dFGS", "a-b", None), None);
    }
}

//! What is known of an object, from the columns of a table.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type};

use compact_str::CompactString;

use crate::spectrum::Facts;

/// The columns that make [`Facts`].
pub(super) const COLUMNS: [&str; 21] = [
    "object_id",
    "targetid",
    "source",
    "survey",
    "program",
    "ra",
    "dec",
    "z",
    "zerr",
    "zwarn",
    "spectype",
    "subtype",
    "deltachi2",
    "mjd",
    "exptime",
    "sn",
    "coadd_fiberstatus",
    "ebv",
    "flux_g",
    "flux_r",
    "flux_z",
];

/// The facts in a batch of canonical columns, of which any may be missing.
pub(super) fn facts_in(batch: &RecordBatch) -> Vec<Facts> {
    let column = |name: &str, wanted: DataType| {
        let array = batch.column_by_name(name)?;
        cast(array, &wanted).ok()
    };
    let texts = |name| column(name, DataType::Utf8);
    let doubles = |name| column(name, DataType::Float64);
    let singles = |name| column(name, DataType::Float32);
    let integers = |name| column(name, DataType::Int64);
    let (object_id, targetid) = (texts("object_id"), integers("targetid"));
    let (source, survey, program) = (texts("source"), texts("survey"), texts("program"));
    let (spectype, subtype) = (texts("spectype"), texts("subtype"));
    let (ra, dec, z, zerr) = (doubles("ra"), doubles("dec"), doubles("z"), doubles("zerr"));
    let (deltachi2, mjd, zwarn) = (doubles("deltachi2"), doubles("mjd"), integers("zwarn"));
    let (exptime, sn, ebv) = (singles("exptime"), singles("sn"), singles("ebv"));
    let (flux_g, flux_r, flux_z) = (singles("flux_g"), singles("flux_r"), singles("flux_z"));
    let coadd_fiberstatus = integers("coadd_fiberstatus");
    let facts = |row: usize| {
        let (object_id, targetid) = (text(&object_id, row), integer(&targetid, row));
        let source = text(&source, row);
        Facts {
            source: source.unwrap_or_else(|| guessed_source(targetid, object_id.as_deref()).into()),
            object_id: object_id.unwrap_or_default(),
            targetid,
            survey: text(&survey, row),
            program: text(&program, row),
            ra: double(&ra, row),
            dec: double(&dec, row),
            z: double(&z, row),
            zerr: double(&zerr, row),
            zwarn: integer(&zwarn, row),
            spectype: text(&spectype, row),
            subtype: text(&subtype, row),
            deltachi2: double(&deltachi2, row),
            mjd: double(&mjd, row),
            exptime: single(&exptime, row),
            sn: single(&sn, row),
            coadd_fiberstatus: integer(&coadd_fiberstatus, row).map(|bits| bits as i32),
            ebv: single(&ebv, row),
            flux_g: single(&flux_g, row),
            flux_r: single(&flux_r, row),
            flux_z: single(&flux_z, row),
        }
    };
    (0..batch.num_rows()).map(facts).collect()
}

fn text(column: &Option<ArrayRef>, row: usize) -> Option<CompactString> {
    let column = column.as_ref()?.as_string::<i32>();
    let text = column.is_valid(row).then(|| column.value(row).trim_end())?;
    (!text.is_empty()).then(|| text.into())
}

fn double(column: &Option<ArrayRef>, row: usize) -> Option<f64> {
    let column = column.as_ref()?.as_primitive::<Float64Type>();
    column.is_valid(row).then(|| column.value(row))
}

fn single(column: &Option<ArrayRef>, row: usize) -> Option<f32> {
    let column = column.as_ref()?.as_primitive::<Float32Type>();
    column.is_valid(row).then(|| column.value(row))
}

fn integer(column: &Option<ArrayRef>, row: usize) -> Option<i64> {
    let column = column.as_ref()?.as_primitive::<Int64Type>();
    column.is_valid(row).then(|| column.value(row))
}

/// The survey of a row whose file does not say: SDSS writes plate-mjd-fiber, DESI a target id.
fn guessed_source(targetid: Option<i64>, object_id: Option<&str>) -> &'static str {
    let parts: Vec<&str> = object_id.unwrap_or_default().split('-').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if parts.len() == 3 && parts.iter().all(is_number) {
        "SDSS"
    } else if targetid.is_some_and(|id| id > 0) {
        "DESI"
    } else {
        "unknown"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_survey_is_guessed_from_the_identity() {
        assert_eq!(guessed_source(None, Some("267-51608-508")), "SDSS");
        assert_eq!(
            guessed_source(Some(39627835563836963), Some("39627835563836963")),
            "DESI"
        );
        assert_eq!(guessed_source(None, Some("a-b-c")), "unknown");
        assert_eq!(guessed_source(None, None), "unknown");
    }
}

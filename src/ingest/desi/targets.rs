//! What DESI's tables say of their targets: fibermaps, redshift tables, scores.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use compact_str::{CompactString, format_compact};

use super::super::IngestError;
use super::super::fits::{Fits, Hdu, non_blank};
use crate::spectrum::Facts;

/// HDU names of redrock's redshifts, newest first.
const REDSHIFT_HDUS: [&str; 2] = ["REDSHIFTS", "ZBEST"];
/// `ZWARN` bit of a fiber that looked at empty sky. Source: `redrock.zwarning`.
const ZWARN_SKY: i64 = 1;

/// Facts by TARGETID, gathered from several tables; what was said first stands.
#[derive(Default)]
pub(super) struct Targets(HashMap<i64, Facts>);

impl Targets {
    /// Adds what `hdu`, a table with a TARGETID column, says.
    fn learn(&mut self, fits: &Fits, hdu: &Hdu) -> Result<(), IngestError> {
        for facts in facts_by_row(fits, hdu)? {
            let Some(id) = facts.targetid else { continue };
            match self.0.entry(id) {
                Entry::Vacant(entry) => {
                    entry.insert(facts);
                }
                Entry::Occupied(mut entry) => complete(entry.get_mut(), &facts),
            }
        }
        Ok(())
    }

    /// Redshifts (and what else the same file says) from a redrock or zbest file, or those inside a coadd itself.
    ///
    /// Errors: no REDSHIFTS or ZBEST table.
    pub(super) fn redshifts(fits: &Fits) -> Result<Self, IngestError> {
        let hdu = fits
            .hdu(&REDSHIFT_HDUS)
            .ok_or_else(|| IngestError::not_a_spectrum(fits.path(), "no REDSHIFTS or ZBEST table in it"))?;
        let mut targets = Self::default();
        targets.learn(fits, hdu)?;
        if let Some(fibermap) = fits.hdu(&["FIBERMAP"]).filter(|hdu| hdu.has("TARGETID")) {
            targets.learn(fits, fibermap)?;
        }
        Ok(targets)
    }

    pub(super) fn get(&self, id: i64) -> Option<&Facts> {
        self.0.get(&id)
    }

    pub(super) fn complete(&self, facts: &mut Facts) {
        if let Some(known) = facts.targetid.and_then(|id| self.get(id)) {
            complete(facts, known);
        }
    }
}

/// Whether the file has a redshift table.
pub(super) fn has_redshifts(fits: &Fits) -> bool {
    fits.hdu(&REDSHIFT_HDUS).is_some_and(|hdu| hdu.has("TARGETID"))
}

/// Facts of every row of a coadd, in the order of its FIBERMAP.
pub(super) fn coadd_facts(fits: &Fits, fibermap: &Hdu) -> Result<Vec<Facts>, IngestError> {
    let mut all = facts_by_row(fits, fibermap)?;
    let mut more = Targets::default();
    if let Some(scores) = fits.hdu(&["SCORES"]).filter(|hdu| hdu.has("TARGETID")) {
        more.learn(fits, scores)?;
    }
    let exposures = exposures(fits)?;
    let sky = sky_fibers(fits, fibermap)?;
    let source = source(fits);
    let (survey, program) = survey_and_program(fits, fibermap);
    for (row, facts) in all.iter_mut().enumerate() {
        more.complete(facts);
        if let Some((mjd, exptime)) = facts.targetid.and_then(|id| exposures.get(&id)) {
            facts.mjd = facts.mjd.or(*mjd);
            facts.exptime = facts.exptime.or(*exptime);
        }
        if sky.get(row) == Some(&true) {
            facts.zwarn = Some(facts.zwarn.unwrap_or(0) | ZWARN_SKY);
        }
        facts.source.clone_from(&source);
        facts.survey = facts.survey.take().or_else(|| survey.clone());
        facts.program = facts.program.take().or_else(|| program.clone());
    }
    Ok(all)
}

/// Marks a sky fiber whose redshift came from elsewhere.
pub(super) fn keep_sky_bit(facts: &mut Facts, before: Option<i64>) {
    if before.is_some_and(|bits| bits & ZWARN_SKY != 0) {
        facts.zwarn = Some(facts.zwarn.unwrap_or(0) | ZWARN_SKY);
    }
}

fn sky_fibers(fits: &Fits, fibermap: &Hdu) -> Result<Vec<bool>, IngestError> {
    let types: Vec<String> = fits.column(fibermap, &["OBJTYPE"])?.unwrap_or_default();
    Ok(types.iter().map(|kind| kind.trim() == "SKY").collect())
}

/// One [`Facts`] a row, with what the columns of this table say; the columns that it does not have stay `None`.
fn facts_by_row(fits: &Fits, hdu: &Hdu) -> Result<Vec<Facts>, IngestError> {
    let ids: Vec<i64> = fits.required(hdu, &["TARGETID"])?;
    let mut all: Vec<Facts> = ids
        .iter()
        .map(|id| Facts {
            object_id: format_compact!("{id}"),
            targetid: Some(*id),
            ..Facts::default()
        })
        .collect();
    let doubles = |names: &[&str]| fits.column::<f64>(hdu, names).map(Option::unwrap_or_default);
    let floats = |names: &[&str]| fits.column::<f32>(hdu, names).map(Option::unwrap_or_default);
    let integers = |names: &[&str]| fits.column::<i64>(hdu, names).map(Option::unwrap_or_default);
    let texts = |names: &[&str]| fits.column::<String>(hdu, names).map(Option::unwrap_or_default);

    fill(&mut all, doubles(&["TARGET_RA", "RA"])?, |facts, value| {
        facts.ra = finite(value)
    });
    fill(&mut all, doubles(&["TARGET_DEC", "DEC"])?, |facts, value| {
        facts.dec = finite(value)
    });
    fill(&mut all, doubles(&["Z"])?, |facts, value| facts.z = finite(value));
    fill(&mut all, doubles(&["ZERR"])?, |facts, value| {
        facts.zerr = finite(value)
    });
    fill(&mut all, doubles(&["DELTACHI2"])?, |facts, value| {
        facts.deltachi2 = finite(value)
    });
    fill(&mut all, doubles(&["MEAN_MJD"])?, |facts, value| {
        facts.mjd = finite(value)
    });
    fill(&mut all, integers(&["ZWARN"])?, |facts, value| {
        facts.zwarn = Some(value)
    });
    fill(
        &mut all,
        integers(&["COADD_FIBERSTATUS", "FIBERSTATUS"])?,
        |facts, value| {
            facts.coadd_fiberstatus = i32::try_from(value).ok();
        },
    );
    fill(&mut all, floats(&["COADD_EXPTIME"])?, |facts, value| {
        facts.exptime = finite32(value)
    });
    fill(&mut all, floats(&["MEDIAN_COADD_SNR_R"])?, |facts, value| {
        facts.sn = finite32(value)
    });
    fill(&mut all, floats(&["EBV"])?, |facts, value| {
        facts.ebv = finite32(value)
    });
    fill(&mut all, floats(&["FLUX_G"])?, |facts, value| {
        facts.flux_g = finite32(value)
    });
    fill(&mut all, floats(&["FLUX_R"])?, |facts, value| {
        facts.flux_r = finite32(value)
    });
    fill(&mut all, floats(&["FLUX_Z"])?, |facts, value| {
        facts.flux_z = finite32(value)
    });
    fill(&mut all, texts(&["SPECTYPE"])?, |facts, value| {
        facts.spectype = non_blank(&value).map(CompactString::from)
    });
    fill(&mut all, texts(&["SUBTYPE"])?, |facts, value| {
        facts.subtype = non_blank(&value).map(CompactString::from)
    });
    fill(&mut all, texts(&["SURVEY"])?, |facts, value| {
        facts.survey = non_blank(&value).map(CompactString::from)
    });
    fill(&mut all, texts(&["PROGRAM"])?, |facts, value| {
        facts.program = non_blank(&value).map(CompactString::from)
    });
    Ok(all)
}

fn fill<T>(all: &mut [Facts], column: Vec<T>, set: impl Fn(&mut Facts, T)) {
    for (facts, value) in all.iter_mut().zip(column) {
        set(facts, value);
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn finite32(value: f32) -> Option<f32> {
    value.is_finite().then_some(value)
}

/// Fills what `facts` lacks from `more`.
fn complete(facts: &mut Facts, more: &Facts) {
    macro_rules! fields {
        ($($field:ident)*) => {$( if facts.$field.is_none() { facts.$field = more.$field.clone(); } )*};
    }
    fields!(survey program ra dec z zerr zwarn spectype subtype deltachi2 mjd exptime sn coadd_fiberstatus ebv flux_g flux_r flux_z);
}

/// Mean MJD (days) and summed exposure time (seconds) of a target.
type Observed = (Option<f64>, Option<f32>);

/// When each target was observed, by TARGETID, from the table of single exposures.
fn exposures(fits: &Fits) -> Result<HashMap<i64, Observed>, IngestError> {
    let Some(hdu) = fits.hdu(&["EXP_FIBERMAP"]).filter(|hdu| hdu.has("TARGETID")) else {
        return Ok(HashMap::new());
    };
    let ids: Vec<i64> = fits.required(hdu, &["TARGETID"])?;
    let means = |names: &[&str]| -> Result<HashMap<i64, (f64, u32)>, IngestError> {
        let values: Vec<f64> = fits.column(hdu, names)?.unwrap_or_default();
        let mut sums = HashMap::new();
        for (id, value) in ids.iter().zip(values).filter(|(_, value)| value.is_finite()) {
            let (sum, count) = sums.entry(*id).or_insert((0.0, 0));
            *sum += value;
            *count += 1;
        }
        Ok(sums)
    };
    let (mjd, exptime) = (means(&["MJD"])?, means(&["EXPTIME"])?);
    let of = |id: &i64| {
        let mjd = mjd.get(id).map(|(sum, count)| sum / f64::from(*count));
        (*id, (mjd, exptime.get(id).map(|(sum, _)| *sum as f32)))
    };
    Ok(ids.iter().map(of).collect())
}

/// `DESI-EDR`, `DESI-DR1` or `DESI-` and the production's name; `DESI` where the file does not say.
pub(super) fn source(fits: &Fits) -> CompactString {
    let primary = fits.hdus().first();
    let production = fits.text_key(primary, "SPECPROD").or_else(|| {
        (0..100).find_map(|i| {
            let name = fits.text_key(primary, &format!("DEPNAM{i:02}"))?;
            (name == "SPECPROD").then(|| fits.text_key(primary, &format!("DEPVER{i:02}")))?
        })
    });
    match production.as_deref() {
        Some("fuji") => "DESI-EDR".into(),
        Some("iron") => "DESI-DR1".into(),
        Some(other) => format_compact!("DESI-{other}"),
        None => "DESI".into(),
    }
}

/// From the headers, else from a name like `coadd-main-bright-1234.fits`.
fn survey_and_program(fits: &Fits, fibermap: &Hdu) -> (Option<CompactString>, Option<CompactString>) {
    let key = |name: &str| {
        fits.text_key(fits.hdus().first(), name)
            .or_else(|| fits.text_key(Some(fibermap), name))
            .map(CompactString::from)
    };
    let (named_survey, named_program) = named_survey_and_program(fits.path());
    (key("SURVEY").or(named_survey), key("PROGRAM").or(named_program))
}

fn named_survey_and_program(path: &Path) -> (Option<CompactString>, Option<CompactString>) {
    const SURVEYS: [&str; 6] = ["cmx", "main", "special", "sv1", "sv2", "sv3"];
    const PROGRAMS: [&str; 4] = ["backup", "bright", "dark", "other"];
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut parts = name.split_once("coadd-").map_or("", |(_, rest)| rest).split('-');
    match (parts.next(), parts.next()) {
        (Some(survey), Some(program)) if SURVEYS.contains(&survey) && PROGRAMS.contains(&program) => {
            (Some(survey.into()), Some(program.into()))
        }
        _ => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survey_and_program_are_read_from_healpix_names_only() {
        let of = |name: &str| named_survey_and_program(Path::new(name));
        assert_eq!(
            of("x/coadd-main-bright-1234.fits"),
            (Some("main".into()), Some("bright".into()))
        );
        assert_eq!(of("coadd-4-80613-thru20210324.fits"), (None, None));
    }

    #[test]
    fn what_was_said_first_stands() {
        let mut facts = Facts {
            z: Some(0.1),
            ..Facts::default()
        };
        complete(
            &mut facts,
            &Facts {
                z: Some(0.2),
                ra: Some(10.0),
                ..Facts::default()
            },
        );
        assert_eq!((facts.z, facts.ra), (Some(0.1), Some(10.0)));
    }
}

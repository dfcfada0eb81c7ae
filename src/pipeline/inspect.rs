//! One object: its spectrum and, where it was ranked, the verdict.

use std::path::Path;

use super::PipelineError;
use super::history::newest_ranking_of;
use crate::anomaly::Judgement;
use crate::artifact::read_ranking;
use crate::catalog::Catalog;
use crate::spectrum::Spectrum;
use crate::spectrum::noise::median;

/// What is known of one object.
pub struct Inspection {
    pub spectrum: Spectrum,
    pub valid_pixels: usize,
    /// Median of flux times the root of ivar over the valid pixels.
    pub median_sn: f64,
    /// What a ranking says of it, where there is a ranking.
    pub ranked: Option<Ranked>,
}

/// An object in a ranking.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Of the newest ranking of the catalog, else of the newest of all.
    pub ranking: u64,
    pub of_this_catalog: bool,
    /// `None` where the ranking does not have the object.
    pub verdict: Option<Judgement>,
}

/// What the rankings of a folder say of an object of the catalog; `None` where there is none yet, or it cannot be read.
pub fn ranked(catalog: &Catalog, object_id: &str, metadata_dir: &Path) -> Option<Ranked> {
    let (number, of_this_catalog) = newest_ranking_of(metadata_dir, catalog)?;
    let (ranking, judgements) = read_ranking(metadata_dir, Some(number)).ok()?;
    let verdict = judgements
        .into_iter()
        .find(|judgement| judgement.object_id == object_id);
    Some(Ranked {
        ranking,
        of_this_catalog,
        verdict,
    })
}

/// Looks an object up by its object id or target id.
pub fn inspect(catalog: &Catalog, id: &str, metadata_dir: &Path) -> Result<Inspection, PipelineError> {
    let row = *catalog
        .find(id)?
        .first()
        .ok_or_else(|| PipelineError::NoSuchObject { id: id.into() })?;
    let spectrum = catalog
        .read(row)?
        .map_err(|issue| PipelineError::Unusable { issue })?;
    let ratios: Vec<f32> = (0..spectrum.len())
        .filter(|pixel| spectrum.is_valid(*pixel))
        .map(|pixel| spectrum.flux[pixel] * spectrum.ivar[pixel].sqrt())
        .collect();
    let valid_pixels = ratios.len();
    let median_sn = median(ratios).map_or(0.0, f64::from);
    let ranked = ranked(catalog, &spectrum.facts.object_id, metadata_dir);
    Ok(Inspection {
        spectrum,
        valid_pixels,
        median_sn,
        ranked,
    })
}

//! One object: its spectrum and, where it was ranked, the verdict.

use std::path::Path;

use super::PipelineError;
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
    /// The newest ranking of the metadata folder that has it, and what it says.
    pub ranking: Option<u64>,
    pub verdict: Option<Judgement>,
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
    let found = read_ranking(metadata_dir, None).ok().and_then(|(n, judgements)| {
        judgements
            .into_iter()
            .find(|judgement| judgement.object_id == spectrum.facts.object_id)
            .map(|judgement| (n, judgement))
    });
    let (ranking, verdict) = found.unzip();
    Ok(Inspection {
        spectrum,
        valid_pixels,
        median_sn,
        ranking,
        verdict,
    })
}

//! One spectrum as it is shown on a screen or in a figure, with what a model makes of it where there is one.

use std::sync::Arc;

use super::reconstructor::Reconstructor;
use super::{CancelToken, PipelineError};
use crate::anomaly::Judgement;
use crate::catalog::Catalog;
use crate::cutout::{Cutouts, Field, Found, Reach};
use crate::figure::{SkyImage, SpectrumView};
use crate::spectrum::noise::median;
use crate::spectrum::{Facts, Spectrum};

/// Makes views of the spectra of a catalog; plain browsing needs no model.
#[derive(Debug, Clone)]
pub struct Viewer {
    catalog: Catalog,
    model: Option<Arc<Reconstructor>>,
    /// Where the views have their images from; the screens look for theirs in another thread.
    cutouts: Option<Cutouts>,
    /// Images that are not on disk are fetched until this is cancelled.
    fetching: Option<CancelToken>,
}

impl Viewer {
    /// Without model and images.
    pub fn new(catalog: Catalog) -> Self {
        Self {
            catalog,
            model: None,
            cutouts: None,
            fetching: None,
        }
    }

    /// The same with the images that lie on this machine, or with none.
    pub fn with_cutouts(self, cutouts: Option<Cutouts>) -> Self {
        Self { cutouts, ..self }
    }

    /// The same, which fetches the images that are not there, until it is cancelled.
    pub fn fetching(self, cancel: CancelToken) -> Self {
        Self {
            fetching: Some(cancel),
            ..self
        }
    }

    /// The same with a trained model, or with none.
    pub fn with_model(self, model: Option<Arc<Reconstructor>>) -> Self {
        Self { model, ..self }
    }

    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub fn has_model(&self) -> bool {
        self.model.is_some()
    }

    /// The view of a row of the catalog; `verdict` is asked for the judgement on its object.
    ///
    /// Errors: the row is not there or cannot be used, with its file, row and column; a damaged file.
    pub fn row<'a>(
        &self,
        row: u64,
        verdict: impl FnOnce(&str) -> Option<&'a Judgement>,
    ) -> Result<SpectrumView, PipelineError> {
        let spectrum = self
            .catalog
            .read(row)?
            .map_err(|issue| PipelineError::Unusable { issue })?;
        let judgement = verdict(&spectrum.facts.object_id);
        Ok(self.view(spectrum, judgement))
    }

    /// The view of an object by its object id or target id: of its first usable row.
    ///
    /// Errors: no such object; none of its rows can be used (the reason of the first); a damaged file.
    pub fn object(&self, id: &str, judgement: Option<&Judgement>) -> Result<SpectrumView, PipelineError> {
        let mut unusable = None;
        for row in self.catalog.find(id)? {
            match self.catalog.read(row)? {
                Ok(spectrum) => return Ok(self.view(spectrum, judgement)),
                Err(issue) => {
                    unusable.get_or_insert(issue);
                }
            }
        }
        Err(match unusable {
            Some(issue) => PipelineError::Unusable { issue },
            None => PipelineError::NoSuchObject { id: id.into() },
        })
    }

    /// Everything that is shown of one spectrum, in its observed pixels and physical units.
    ///
    /// Without a model the reconstruction is NaN, and without a judgement rank is 0, score and percentile are NaN.
    pub fn view(&self, spectrum: Spectrum, judgement: Option<&Judgement>) -> SpectrumView {
        let wavelength = spectrum.grid.wavelengths();
        let model = self.model.as_deref().map(|model| Drawn::of(model, &spectrum));
        let reconstruction: Vec<f32> = match (&self.model, &model) {
            (Some(model), Some(drawn)) => wavelength.iter().map(|at| drawn.at(model, *at)).collect(),
            _ => vec![f32::NAN; spectrum.len()],
        };
        let valid: Vec<bool> = (0..spectrum.len())
            .map(|pixel| spectrum.is_valid(pixel))
            .collect();
        let sigma: Vec<f32> = spectrum
            .ivar
            .iter()
            .map(|ivar| if *ivar > 0.0 { 1.0 / ivar.sqrt() } else { f32::NAN })
            .collect();
        let residual_sigma = (0..spectrum.len())
            .map(|i| {
                if valid[i] {
                    (spectrum.flux[i] - reconstruction[i]) / sigma[i]
                } else {
                    f32::NAN
                }
            })
            .collect();
        let unseen = model.as_ref().is_some_and(|drawn| !drawn.seen);
        let sn = match judgement {
            Some(_) if unseen => f64::NAN,
            Some(judgement) => judgement.sn,
            None => {
                let ratios = (0..spectrum.len())
                    .filter(|pixel| valid[*pixel])
                    .map(|pixel| spectrum.flux[pixel] / sigma[pixel]);
                median(ratios).map_or(f64::NAN, f64::from)
            }
        };
        SpectrumView {
            rank: judgement.map_or(0, |judgement| judgement.rank),
            score: judgement.map_or(f64::NAN, |judgement| judgement.score),
            percentile: judgement.map_or(f64::NAN, |judgement| judgement.percentile),
            anomalous: judgement.is_some_and(|judgement| judgement.anomalous),
            reason: judgement.map_or_else(String::new, |judgement| judgement.reason.to_string()),
            sn,
            wavelength,
            sigma,
            valid,
            reconstruction,
            residual_sigma,
            regions: judgement.map_or_else(Vec::new, |judgement| judgement.regions.clone()),
            mask_kind: spectrum.mask_kind,
            sky: self.sky(&spectrum.facts),
            flux: spectrum.flux,
            facts: spectrum.facts,
        }
    }

    /// The image of the sky about an object, at the scale and size of the settings.
    fn sky(&self, facts: &Facts) -> SkyImage {
        let Some(cutouts) = &self.cutouts else {
            return SkyImage::Missing {
                why: "no image was looked for".into(),
            };
        };
        let settings = cutouts.settings();
        let field = Field::of(facts, settings.cutout_scale, settings.cutout_pixels);
        let found = match &self.fetching {
            Some(cancel) => cutouts.find(&field, Reach::Network, &|| cancel.is_cancelled()),
            None => cutouts.find(&field, Reach::Disk, &|| false),
        };
        match found {
            Found::Image(cutout) => SkyImage::Image {
                bytes: cutout.bytes.to_vec(),
                pixscale: cutout.scale,
                credit: cutout.credit,
                fiber_diameter: facts.fiber_diameter(),
            },
            Found::Missing { why } => SkyImage::Missing { why },
        }
    }
}

/// A reconstruction on the model's grid, and the way back to physical units.
struct Drawn {
    flux: Vec<f32>,
    stretch: f64,
    offset: f64,
    scale: f64,
    /// Without a valid pixel in its range the model has said nothing.
    seen: bool,
}

impl Drawn {
    fn of(model: &Reconstructor, spectrum: &Spectrum) -> Self {
        let scored = model.look(spectrum);
        Self {
            flux: scored.reconstruction,
            stretch: scored.prepared.stretch,
            offset: scored.prepared.offset,
            scale: scored.prepared.scale,
            seen: scored.prepared.coverage > 0.0,
        }
    }

    /// The reconstructed flux at an observed wavelength; NaN beyond the model's grid.
    fn at(&self, model: &Reconstructor, observed: f64) -> f32 {
        match model.preparation().grid.nearest(observed / self.stretch) {
            Some(pixel) if self.seen => {
                ((self.offset + self.scale * f64::from(self.flux[pixel])) / self.stretch) as f32
            }
            _ => f32::NAN,
        }
    }
}

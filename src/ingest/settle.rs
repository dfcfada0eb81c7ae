//! The last look at a spectrum before it leaves: the rules that every row keeps, whatever file it came from.

use std::path::Path;

use crate::spectrum::{RowIssue, Spectrum, noise};

/// Where a row comes from, for its issue.
pub(super) struct Place<'a> {
    pub(super) path: &'a Path,
    pub(super) row: u64,
}

impl Place<'_> {
    pub(super) fn issue(&self, object_id: &str, column: &str, reason: impl Into<String>) -> RowIssue {
        RowIssue {
            file: self.path.display().to_string(),
            row: self.row,
            object_id: object_id.to_owned(),
            column: column.to_owned(),
            reason: reason.into(),
        }
    }
}

/// The spectrum ready for the catalog, or why it cannot be used.
///
/// Flux that is not finite becomes 0 where `ivar` is 0, an empty mask is dropped, and `sn` is computed where the file gave none.
pub(super) fn settle(mut spectrum: Spectrum, place: &Place) -> Result<Spectrum, RowIssue> {
    let issue = |column: &str, reason: String| Err(place.issue(&spectrum.facts.object_id, column, reason));
    let n = spectrum.grid.len();
    if spectrum.facts.object_id.is_empty() {
        return issue("object_id", "no identity".into());
    }
    if spectrum.flux.len() != n
        || spectrum.ivar.len() != n
        || spectrum.mask.as_ref().is_some_and(|mask| mask.len() != n)
    {
        return issue(
            "flux",
            format!(
                "{n} wavelengths but {} flux and {} ivar values",
                spectrum.flux.len(),
                spectrum.ivar.len()
            ),
        );
    }
    if let Some(pixel) = spectrum
        .ivar
        .iter()
        .position(|ivar| !ivar.is_finite() || *ivar < 0.0)
    {
        return issue("ivar", format!("{} at pixel {pixel}", spectrum.ivar[pixel]));
    }
    if let Some(pixel) =
        (0..n).find(|pixel| spectrum.ivar[*pixel] > 0.0 && !spectrum.flux[*pixel].is_finite())
    {
        return issue(
            "flux",
            format!("{} at pixel {pixel}, where ivar > 0", spectrum.flux[pixel]),
        );
    }
    if !spectrum.ivar.iter().any(|ivar| *ivar > 0.0) {
        return issue("ivar", "0 at every pixel: nothing was measured".into());
    }
    if !(0..n).any(|pixel| spectrum.is_valid(pixel)) {
        return issue("mask", "every measured pixel is masked".into());
    }
    for flux in spectrum.flux.iter_mut().filter(|flux| !flux.is_finite()) {
        *flux = 0.0;
    }
    spectrum.mask = spectrum.mask.filter(|mask| mask.iter().any(|bits| *bits != 0));
    spectrum.facts.sn = spectrum
        .facts
        .sn
        .or_else(|| noise::median_sn(&spectrum.flux, &spectrum.ivar));
    Ok(spectrum)
}

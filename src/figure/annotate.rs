//! What is marked on a spectrum: flagged regions, masked pixels, zones prone to artifacts, known lines.

use std::collections::BTreeMap;

use super::axis::Axis;
use super::description::{Band, BandKind, Mark, MarkKind};
use super::spectrum::SpectrumView;
use super::words;
use crate::anomaly::{Reason, Region};
use crate::spectrum::lines::{self, Line, LineKind};
use crate::spectrum::{ArtifactZone, MaskKind, artifact_zone};

/// A line that a region names lies within this of it, Angstrom in the rest frame.
pub(super) const NEAR: f64 = 30.0;

/// The flagged regions, those of one reason that touch as one band with the label of the strongest.
pub(super) fn regions(regions: &[Region]) -> Vec<Band> {
    let mut sorted: Vec<&Region> = regions
        .iter()
        .filter(|r| r.wavelength_min.is_finite() && r.wavelength_max.is_finite())
        .collect();
    sorted.sort_by(|a, b| {
        (a.reason as u8, a.wavelength_min)
            .partial_cmp(&(b.reason as u8, b.wavelength_min))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let strength = |region: &Region| {
        let strength = if region.significance != 0.0 {
            region.significance
        } else {
            region.value
        };
        if strength.is_finite() { strength.abs() } else { 0.0 }
    };
    let mut bands: Vec<Band> = Vec::new();
    for region in sorted {
        let band = Band {
            from: region.wavelength_min,
            to: region.wavelength_max,
            kind: BandKind::Region(region.reason),
            label: Some(words::region_label(region)),
            weight: strength(region),
        };
        match bands.last_mut() {
            Some(open) if open.kind == band.kind && band.from <= open.to => {
                open.to = open.to.max(band.to);
                if band.weight > open.weight {
                    open.weight = band.weight;
                    open.label = band.label;
                }
            }
            _ => bands.push(band),
        }
    }
    bands
}

/// How many regions there are of each reason, in the order of the reasons.
pub(super) fn count_reasons(regions: &[Region]) -> Vec<(Reason, usize)> {
    let mut counts: BTreeMap<u8, (Reason, usize)> = BTreeMap::new();
    for region in regions {
        counts.entry(region.reason as u8).or_insert((region.reason, 0)).1 += 1;
    }
    counts.into_values().collect()
}

/// Stretches without measurement; those closer than `join` Angstrom are one.
pub(super) fn masked(wavelength: &[f64], valid: &[bool], join: f64) -> Vec<Band> {
    runs(wavelength, join, |i| (!valid[i]).then_some(BandKind::Masked))
}

/// Stretches prone to artifacts, whatever the object.
pub(super) fn zones(view: &SpectrumView, wavelength: &[f64]) -> Vec<Band> {
    wavelength_zones(wavelength, view.mask_kind)
}

/// The same of wavelengths that are no spectrum's.
pub(super) fn wavelength_zones(wavelength: &[f64], mask_kind: MaskKind) -> Vec<Band> {
    runs(wavelength, 0.0, |i| {
        artifact_zone(wavelength[i], mask_kind).map(|zone| match zone {
            ArtifactZone::Sky => BandKind::Sky,
            ArtifactZone::Telluric => BandKind::Telluric,
            ArtifactZone::Overlap => BandKind::Overlap,
        })
    })
}

/// Runs of pixels of one kind, from half a pixel before the first to half a pixel after the last.
fn runs(wavelength: &[f64], join: f64, kind: impl Fn(usize) -> Option<BandKind>) -> Vec<Band> {
    let half = |i: usize| {
        let neighbor = wavelength
            .get(i + 1)
            .or_else(|| wavelength.get(i.wrapping_sub(1)));
        neighbor.map_or(0.5, |n| (n - wavelength[i]).abs() / 2.0)
    };
    let mut bands: Vec<Band> = Vec::new();
    for i in 0..wavelength.len() {
        let Some(kind) = kind(i).filter(|_| wavelength[i].is_finite()) else {
            continue;
        };
        let (from, to) = (wavelength[i] - half(i), wavelength[i] + half(i));
        match bands.last_mut() {
            Some(open) if open.kind == kind && from <= open.to + join.max(half(i) * 0.1) => open.to = to,
            _ => bands.push(Band {
                from,
                to,
                kind,
                label: None,
                weight: 0.0,
            }),
        }
    }
    bands
}

/// Known lines within the axis: the major ones and those that a region touches; sky lines where they are observed.
///
/// Of lines of one name that stand closer than `crowded` Angstrom, the last carries the name.
pub(super) fn marks(view: &SpectrumView, axis: &Axis, crowded: f64) -> Vec<Mark> {
    let z = view.facts.z.filter(|z| z.is_finite() && *z > -1.0);
    let touched = |line: &Line| {
        view.regions.iter().any(|region| {
            region.line.as_deref() == Some(line.name.as_str())
                && (region.rest_min - NEAR..=region.rest_max + NEAR).contains(&line.wavelength)
        })
    };
    let mut marks: Vec<Mark> = Vec::new();
    for line in lines::all() {
        if !line.major && !touched(line) {
            continue;
        }
        let kind = match line.kind {
            LineKind::Emission => MarkKind::Emission,
            LineKind::Absorption => MarkKind::Absorption,
            LineKind::Sky => MarkKind::Sky,
        };
        let x = match (line.kind, z) {
            (LineKind::Sky, _) => line.wavelength,
            (_, Some(z)) => line.wavelength * (1.0 + z),
            (_, None) => continue,
        };
        let name = words::line_name(&line.name);
        let known = |mark: &Mark| mark.name == name && (mark.x - x).abs() < 1.5 && mark.kind != MarkKind::Sky;
        if (axis.min..=axis.max).contains(&x) && !marks.iter().any(known) {
            marks.push(Mark { x, name, kind });
        }
    }
    marks.sort_by(|a, b| a.x.total_cmp(&b.x));
    for i in 0..marks.len() {
        let (mark, rest) = (&marks[i], &marks[i + 1..]);
        let again = |other: &Mark| {
            other.x - mark.x < crowded
                && other.name == mark.name
                && (other.kind == MarkKind::Sky) == (mark.kind == MarkKind::Sky)
        };
        if rest.iter().any(again) {
            marks[i].name.clear();
        }
    }
    // the night sky's own lines carry no name: they would crowd those of the object
    for mark in marks.iter_mut().filter(|mark| mark.kind == MarkKind::Sky) {
        mark.name.clear();
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(from: f64, to: f64, reason: Reason, significance: f64) -> Region {
        Region {
            start: 0,
            end: 1,
            wavelength_min: from,
            wavelength_max: to,
            rest_min: from,
            rest_max: to,
            reason,
            value: 0.0,
            significance,
            line: None,
            artifact_fraction: 0.0,
            artifact_probability: None,
        }
    }

    #[test]
    fn overlapping_windows_of_one_reason_become_one_band() {
        let bands = regions(&[
            region(5000.0, 5040.0, Reason::ExcessFlux, 5.0),
            region(5020.0, 5060.0, Reason::ExcessFlux, 9.0),
            region(5030.0, 5050.0, Reason::MissingFlux, -4.0),
            region(6000.0, 6010.0, Reason::ExcessFlux, 20.0),
        ]);
        let spans: Vec<_> = bands.iter().map(|b| (b.from, b.to, b.label.as_deref())).collect();
        assert_eq!(
            spans,
            [
                (5000.0, 5060.0, Some("+9.0σ")),
                (6000.0, 6010.0, Some("+20σ")),
                (5030.0, 5050.0, Some("\u{2212}4.0σ")),
            ]
        );
    }

    #[test]
    fn masked_runs_cover_their_pixels() {
        let wavelength: Vec<f64> = (0..10).map(|i| 4000.0 + 2.0 * f64::from(i)).collect();
        let valid = [true, false, false, true, true, true, false, true, true, false];
        let spans: Vec<_> = masked(&wavelength, &valid, 0.0)
            .iter()
            .map(|b| (b.from, b.to))
            .collect();
        assert_eq!(spans, [(4001.0, 4005.0), (4011.0, 4013.0), (4017.0, 4019.0)]);
        assert_eq!(masked(&wavelength, &valid, 7.0).len(), 1);
    }
}

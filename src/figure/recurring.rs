//! What the residuals of a whole catalog have in common, against observed wavelength and against the model's.

use std::sync::Arc;

use super::annotate::wavelength_zones;
use super::axis::{Axis, Scale};
use super::description::{
    Anchor, Band, BandKind, Figure, Guide, Legend, Mark, MarkKind, Panel, Rect, Series, SeriesStyle, Shape,
    Swatch, Text, Weight,
};
use super::words;
use crate::anomaly::{Reason, Recurring};
use crate::spectrum::lines::{self, LineKind};
use crate::spectrum::{ArtifactZone, MaskKind, artifact_zone};

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub struct RecurringResiduals<'a> {
    /// By observed wavelength, ascending.
    pub observed: &'a [Recurring],
    /// By the model's pixels, ascending.
    pub model: &'a [Recurring],
    /// The model works in the rest frame, else in the observed one.
    pub at_rest: bool,
    /// Whose spectrographs the spectra are of: tells where cameras meet.
    pub mask_kind: MaskKind,
}

/// Features that are named in a panel.
const NAMED: usize = 8;
/// Features of one panel are at least so far apart, as a share of the wavelength: what is nearer is the same.
const APART: f64 = 0.006;
/// A mean that differs from 0 by this many of its own errors recurs; a scatter this far above that of noise does.
const SURE: f64 = 5.0;
const LEAST_MEAN: f64 = 0.15;
const LEAST_SCATTER: f64 = 0.3;
/// Bins that fewer spectra cover than this share of the most say little.
const COVERED: f64 = 0.1;
const LEFT: f64 = 72.0;
const WIDTH: f64 = 708.0;
const HEIGHT: f64 = 190.0;
/// Room for the names of what recurs below a panel, and for its axis and them.
const NAMES: f64 = 36.0;
const BELOW: f64 = 42.0 + NAMES;

/// Mean and scatter of the residuals in sigma, above against observed wavelength, below against the model's; the features that recur most are shaded and named.
pub fn recurring_residuals(residuals: &RecurringResiduals) -> Figure {
    let (model_label, model_lines): (_, &[LineKind]) = if residuals.at_rest {
        (
            "Rest-frame wavelength (Å, vacuum)",
            &[LineKind::Emission, LineKind::Absorption],
        )
    } else {
        ("Wavelength of the model's pixels (Å, vacuum)", &[LineKind::Sky])
    };
    let top = 84.0;
    let mut observed = panel(
        residuals.observed,
        top,
        "Observed wavelength (Å, vacuum)",
        &[LineKind::Sky],
        |at| observed_name(at, residuals.mask_kind),
    );
    let wavelengths: Vec<f64> = residuals.observed.iter().map(|r| r.wavelength).collect();
    let zones = wavelength_zones(&wavelengths, residuals.mask_kind);
    observed.bands.extend(zones);
    let model = panel(
        residuals.model,
        top + HEIGHT + BELOW + 14.0,
        model_label,
        model_lines,
        |at| {
            if residuals.at_rest {
                rest_name(at)
            } else {
                observed_name(at, residuals.mask_kind)
            }
        },
    );
    let text = |y: f64, size: f64, weight: Weight, content: &str| Text {
        x: LEFT,
        y,
        size,
        anchor: Anchor::Start,
        weight,
        content: content.to_owned(),
    };
    let height = model.rect.bottom() + BELOW;
    let panels = vec![observed, model];
    Figure {
        width: 800.0,
        height,
        title: "Mean and scatter of all residuals against observed and against the model's wavelength"
            .to_owned(),
        texts: vec![
            text(20.0, 14.0, Weight::Strong, "Recurring residuals"),
            text(
                36.0,
                11.0,
                Weight::Faint,
                "Mean of (data - model) / noise over the sample: 0 where noise is all there is, and a scatter of 1 about it",
            ),
        ],
        legends: vec![Legend {
            rect: Rect {
                x: LEFT,
                y: 42.0,
                width: WIDTH,
                height: 0.0,
            },
            columns: 4,
            entries: legend(&panels),
        }],
        panels,
        pictures: Vec::new(),
        rules: Vec::new(),
    }
}

fn legend(panels: &[Panel]) -> Vec<(Swatch, String)> {
    let mut entries = vec![
        (Swatch::Series(SeriesStyle::Data), "mean".to_owned()),
        (Swatch::Series(SeriesStyle::NoiseBand), "± scatter".to_owned()),
    ];
    for (kind, name) in [
        (BandKind::Region(Reason::ExcessFlux), "excess recurs"),
        (BandKind::Region(Reason::MissingFlux), "lack recurs"),
        (BandKind::Region(Reason::HighAbsoluteResidual), "scatter recurs"),
        (BandKind::Sky, "sky"),
        (BandKind::Telluric, "telluric"),
        (BandKind::Overlap, "cameras meet"),
    ] {
        if panels
            .iter()
            .flat_map(|panel| &panel.bands)
            .any(|band| band.kind == kind)
        {
            entries.push((Swatch::Band(kind), name.to_owned()));
        }
    }
    entries
}

/// A panel without the zones of the sky.
fn panel(
    values: &[Recurring],
    top: f64,
    label: &str,
    kinds: &[LineKind],
    name: impl Fn(f64) -> Option<String>,
) -> Panel {
    let most = values.iter().map(|r| r.count).max().unwrap_or(0) as f64;
    let values: Vec<&Recurring> = values
        .iter()
        .filter(|r| r.count as f64 >= COVERED * most)
        .collect();
    let x: Arc<[f64]> = values.iter().map(|r| r.wavelength).collect();
    let axis = Axis::covering(label, x.iter().copied(), 0.0, Scale::Linear);
    let mean: Vec<f64> = values.iter().map(|r| r.mean).collect();
    let half_width: Vec<f64> = values.iter().map(|r| r.scatter).collect();
    // The greatest bin of a bright sky line would flatten all the others.
    let mut reach: Vec<f64> = values
        .iter()
        .map(|r| r.mean.abs() + r.scatter)
        .filter(|reach| reach.is_finite())
        .collect();
    reach.sort_by(f64::total_cmp);
    let high = reach
        .get((0.99 * reach.len() as f64) as usize)
        .copied()
        .unwrap_or(1.5);
    let high = (1.15 * high).max(1.5);
    let series = |name: &str, shape: Shape, style: SeriesStyle| Series {
        name: name.to_owned(),
        x: Arc::clone(&x),
        y: mean.clone(),
        shape,
        style,
    };
    let marks = lines::all()
        .iter()
        .filter(|line| line.major && kinds.contains(&line.kind))
        .filter(|line| (axis.min..=axis.max).contains(&line.wavelength))
        .map(|line| Mark {
            x: line.wavelength,
            name: String::new(),
            kind: match line.kind {
                LineKind::Emission => MarkKind::Emission,
                LineKind::Absorption => MarkKind::Absorption,
                LineKind::Sky => MarkKind::Sky,
            },
        });
    Panel {
        rect: Rect {
            x: LEFT,
            y: top,
            width: WIDTH,
            height: HEIGHT,
        },
        marks: marks.collect(),
        bands: features(&values, name),
        series: vec![
            series("scatter", Shape::Envelope { half_width }, SeriesStyle::NoiseBand),
            series("mean", Shape::Line, SeriesStyle::Data),
        ],
        x: axis,
        y: Axis::new("Residual (σ)", -high, high, Scale::Linear),
        top: None,
        guides: [(-1.0, true), (0.0, false), (1.0, true)]
            .map(|(y, limit)| Guide { y, limit })
            .to_vec(),
        band_labels: NAMES,
        note: None,
    }
}

/// How much a bin recurs, and as what: the mean in units of the least that is told, or the scatter.
fn strength(value: &Recurring) -> Option<(f64, Reason)> {
    let error = value.scatter / (value.count.max(1) as f64).sqrt();
    let mean = value.mean.abs() / LEAST_MEAN.max(SURE * error);
    // The error of a root mean square of n deviates is its size over the root of 2 n.
    let scatter = (value.scatter - 1.0) / LEAST_SCATTER.max(SURE * error / std::f64::consts::SQRT_2);
    let (strength, reason) = if mean >= 1.0 {
        let reason = if value.mean > 0.0 {
            Reason::ExcessFlux
        } else {
            Reason::MissingFlux
        };
        (mean, reason)
    } else {
        (scatter, Reason::HighAbsoluteResidual)
    };
    (strength >= 1.0).then_some((strength, reason))
}

/// The features that recur most, each from where it begins to recur to where it ends, with name and size.
fn features(values: &[&Recurring], name: impl Fn(f64) -> Option<String>) -> Vec<Band> {
    let mut peaks: Vec<(usize, f64, Reason)> = values
        .iter()
        .enumerate()
        .filter_map(|(at, value)| strength(value).map(|(strength, reason)| (at, strength, reason)))
        .collect();
    peaks.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut bands: Vec<Band> = Vec::new();
    for (at, strength_here, reason) in peaks {
        let peak = values[at];
        let near = |band: &Band| {
            (band.from - APART * peak.wavelength..=band.to + APART * peak.wavelength)
                .contains(&peak.wavelength)
        };
        if bands.iter().any(near) {
            continue;
        }
        let goes_on = |other: usize| strength(values[other]).is_some_and(|(_, kind)| kind == reason);
        let first = (0..at).rev().take_while(|&i| goes_on(i)).last().unwrap_or(at);
        let last = (at + 1..values.len())
            .take_while(|&i| goes_on(i))
            .last()
            .unwrap_or(at);
        let size = match reason {
            Reason::HighAbsoluteResidual => format!("±{:.1}σ", peak.scatter),
            _ => format!("{:+.1}σ", peak.mean).replace('-', "\u{2212}"),
        };
        let place = name(peak.wavelength).map_or_else(String::new, |name| format!(" {name}"));
        bands.push(Band {
            from: values[first].wavelength,
            to: values[last].wavelength,
            kind: BandKind::Region(reason),
            label: Some(format!("{:.0}{place} {size}", peak.wavelength)),
            weight: strength_here,
        });
        if bands.len() == NAMED {
            break;
        }
    }
    bands
}

/// What is at an observed wavelength, whatever the object.
fn observed_name(wavelength: f64, mask_kind: MaskKind) -> Option<String> {
    if let Some(line) = lines::nearest(wavelength, 6.0, &[LineKind::Sky]) {
        return Some(words::line_name(&line.name));
    }
    let zone = match artifact_zone(wavelength, mask_kind)? {
        ArtifactZone::Sky => "OH",
        ArtifactZone::Telluric => "telluric",
        ArtifactZone::Overlap => "joint",
    };
    Some(zone.to_owned())
}

/// The line of galaxies at a rest wavelength.
fn rest_name(wavelength: f64) -> Option<String> {
    lines::nearest(wavelength, 8.0, &[LineKind::Emission, LineKind::Absorption])
        .map(|line| words::line_name(&line.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise, with a sky line left in at 5578.9 Angstrom and scatter in the A band.
    fn observed() -> Vec<Recurring> {
        (0..3000)
            .map(|i| {
                let wavelength = 3600.0 + 2.0 * f64::from(i);
                let sky = (-0.5 * ((wavelength - 5578.9) / 3.0).powi(2)).exp();
                Recurring {
                    wavelength,
                    mean: 0.02 * f64::from(i % 3 - 1) + 0.8 * sky,
                    scatter: if (7600.0..7630.0).contains(&wavelength) {
                        1.9
                    } else {
                        1.02
                    },
                    count: 600,
                }
            })
            .collect()
    }

    #[test]
    fn what_recurs_is_named_with_its_size_and_noise_is_not() {
        let figure = recurring_residuals(&RecurringResiduals {
            observed: &observed(),
            model: &observed()[..400],
            at_rest: true,
            mask_kind: MaskKind::Desi,
        });
        let named = |panel: &Panel| -> Vec<(f64, f64, String)> {
            let bands = panel
                .bands
                .iter()
                .filter(|band| matches!(band.kind, BandKind::Region(_)));
            bands
                .filter_map(|band| Some((band.from, band.to, band.label.clone()?)))
                .collect()
        };
        let found = named(&figure.panels[0]);
        assert_eq!(found.len(), 2, "{found:?}");
        let sky = found.iter().find(|(from, _, _)| *from < 6000.0).unwrap();
        assert!(sky.0 > 5570.0 && sky.1 < 5590.0, "{sky:?}");
        assert!(sky.2.contains("[O I]") && sky.2.contains("+0.8σ"), "{sky:?}");
        let scatter = found.iter().find(|(from, _, _)| *from > 7000.0).unwrap();
        assert!(
            scatter.2.contains("telluric") && scatter.2.contains("±1.9σ"),
            "{scatter:?}"
        );
        assert!(named(&figure.panels[1]).is_empty(), "noise alone");
    }

    #[test]
    fn few_spectra_are_no_recurrence() {
        let value = Recurring {
            wavelength: 5000.0,
            mean: 0.9,
            scatter: 1.1,
            count: 9,
        };
        assert_eq!(strength(&value), None, "a mean of nine has an error of 0.37");
        assert!(strength(&Recurring { count: 900, ..value }).is_some());
    }
}

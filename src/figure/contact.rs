//! The contact sheet: many objects on one page, each with its picture of the sky and its spectrum, small enough to be taken in at a glance.

use std::sync::Arc;

use super::axis::{Axis, Scale};
use super::description::{
    Anchor, Figure, Legend, Panel, PictureContent, Rect, Series, SeriesStyle, Shape, Swatch, Text, Weight,
};
use super::pixels::Pixels;
use super::sky::SkyImage;
use super::spectrum::SpectrumView;
use super::{annotate, font, sky, words};
use crate::spectrum::Facts;

const WIDTH: f64 = 1000.0;
const MARGIN: f64 = 12.0;
const COLUMNS: usize = 3;
const GAP: f64 = 18.0;
const CELL: f64 = (WIDTH - 2.0 * MARGIN - GAP * (COLUMNS as f64 - 1.0)) / COLUMNS as f64;
/// Of the picture and of the spectrum beside it.
const SIDE: f64 = 112.0;
const NAME: f64 = 11.5;
const SMALL: f64 = 10.0;
/// Above and below the picture: two lines of words each.
const ABOVE: f64 = 31.0;
const BELOW: f64 = 34.0;
/// Of a spectrum's data in its small panel: four a page unit, so that noise sinks and lines stay.
const BINS: usize = 750;

/// A page with all `views`, the first at the upper left, row by row.
///
/// All spectra share one axis of observed wavelength, from the shortest to the longest of them; each has the flux axis that shows it best.
pub fn contact_sheet(views: &[SpectrumView]) -> Figure {
    let rows = views.len().div_ceil(COLUMNS);
    let mut page = Figure {
        width: WIDTH,
        height: 0.0,
        title: format!("Contact sheet of {} objects", views.len()),
        panels: Vec::new(),
        pictures: Vec::new(),
        texts: Vec::new(),
        legends: Vec::new(),
        rules: Vec::new(),
    };
    let x = Axis::covering(
        "Observed wavelength (Å, vacuum)",
        views.iter().flat_map(|view| view.wavelength.iter().copied()),
        0.0,
        Scale::Linear,
    );
    let mut credits: Vec<String> = Vec::new();
    for (place, view) in views.iter().enumerate() {
        let left = MARGIN + (place % COLUMNS) as f64 * (CELL + GAP);
        let top = 10.0 + (place / COLUMNS) as f64 * (ABOVE + SIDE + BELOW);
        let credit = cell(&mut page, view, &x, (left, top));
        credits.extend(credit.filter(|credit| !credits.contains(credit)));
    }
    let foot = 10.0 + rows as f64 * (ABOVE + SIDE + BELOW);
    page.rules.push(foot - 4.0);
    page.legends.push(legend(foot + 4.0));
    let axis = format!(
        "Spectra: {:.0} to {:.0} Å observed (vacuum), a tick every {:.0} Å; flux on a scale of its own each. Images: north up, east left.",
        x.min,
        x.max,
        step(&x)
    );
    let mut y = foot + 30.0;
    let mut lines = vec![axis];
    if !credits.is_empty() {
        lines.extend(font::wrap(
            &format!("Images from: {}", credits.join("; ")),
            SMALL,
            WIDTH - 2.0 * MARGIN,
            3,
        ));
    }
    for content in lines {
        page.texts
            .push(text((MARGIN, y), SMALL, Anchor::Start, Weight::Faint, content));
        y += 14.0;
    }
    page.height = y;
    page
}

/// Adds one object; returns the credit of its picture.
fn cell(page: &mut Figure, view: &SpectrumView, x: &Axis, (left, top): (f64, f64)) -> Option<String> {
    let right = left + CELL;
    let score = if view.score.is_finite() {
        format!("score {:.2}", view.score)
    } else {
        String::new()
    };
    let room = CELL - font::width(&score, SMALL, false) - 8.0;
    let name = font::shorten(
        &format!("#{} {}", view.rank, view.facts.object_id),
        NAME,
        true,
        room,
    );
    let mut write =
        |at, size, anchor, weight, content| page.texts.push(text(at, size, anchor, weight, content));
    write((left, top + 10.0), NAME, Anchor::Start, Weight::Strong, name);
    write((right, top + 10.0), SMALL, Anchor::End, Weight::Normal, score);
    let facts = font::shorten(&known(&view.facts), SMALL, false, CELL);
    write((left, top + 23.0), SMALL, Anchor::Start, Weight::Faint, facts);
    let square = Rect {
        x: left,
        y: top + ABOVE,
        width: SIDE,
        height: SIDE,
    };
    for (line, content) in font::wrap(&view.reason, SMALL, CELL, 2).into_iter().enumerate() {
        let at = (left, square.bottom() + 12.0 + 12.0 * line as f64);
        write(at, SMALL, Anchor::Start, Weight::Normal, content);
    }
    let (mut picture, shown) = sky::picture(&view.sky, square);
    if let PictureContent::Missing(lines) = &mut picture.content {
        lines.truncate(4);
        // What there is no room for is what to do about it.
        if let Some(last) = lines.last_mut() {
            last.truncate(last.trim_end_matches([';', ',']).len());
        }
    }
    page.pictures.push(picture);
    let frame = Rect {
        x: square.right() + 8.0,
        y: square.y,
        width: right - square.right() - 8.0,
        height: SIDE,
    };
    page.panels.push(panel(view, x, frame));
    match &view.sky {
        // In full, where the line below a picture has no room for it.
        SkyImage::Image { credit, .. } if shown.is_some() => Some(credit.clone()),
        _ => None,
    }
}

/// The spectrum without its noise, which a small panel has no room for: data, model, flagged regions.
fn panel(view: &SpectrumView, x: &Axis, rect: Rect) -> Panel {
    let bands = annotate::regions(&view.regions)
        .into_iter()
        .map(|band| super::Band { label: None, ..band });
    Panel {
        rect,
        x: x.clone().unlabeled(),
        y: Pixels::of(view).flux_axis().unlabeled(),
        top: None,
        series: series(view),
        bands: bands.collect(),
        guides: Vec::new(),
        marks: Vec::new(),
        band_labels: 0.0,
        note: None,
    }
}

/// Data and model in at most [`BINS`] bins of as many pixels each: means weighted by inverse variance, a gap where nothing is valid.
fn series(view: &SpectrumView) -> Vec<Series> {
    let n = view.wavelength.len().min(view.flux.len()).min(view.sigma.len());
    let width = n.div_ceil(BINS).max(1);
    let (mut wavelength, mut data, mut model) = (Vec::new(), Vec::new(), Vec::new());
    for first in (0..n).step_by(width) {
        let pixels = first..(first + width).min(n);
        let (mut sum, mut weight) = (0.0, 0.0);
        let (mut modeled, mut count) = (0.0, 0.0);
        for i in pixels.clone() {
            let (flux, sigma) = (f64::from(view.flux[i]), f64::from(view.sigma[i]));
            let value = flux / (sigma * sigma);
            if view.valid.get(i).copied().unwrap_or(false) && sigma > 0.0 && value.is_finite() {
                sum += value;
                weight += 1.0 / (sigma * sigma);
            }
            let known = view
                .reconstruction
                .get(i)
                .copied()
                .filter(|value| value.is_finite());
            if let Some(value) = known {
                modeled += f64::from(value);
                count += 1.0;
            }
        }
        wavelength.push(view.wavelength[(pixels.start + pixels.end) / 2]);
        // 0 / 0 is a gap
        data.push(sum / weight);
        model.push(modeled / count);
    }
    let x: Arc<[f64]> = Arc::from(wavelength);
    let line = |name: &str, y: Vec<f64>, style| Series {
        name: name.to_owned(),
        x: x.clone(),
        y,
        shape: Shape::Line,
        style,
    };
    vec![
        line("data", data, SeriesStyle::Smoothed),
        line("model", model, SeriesStyle::Reconstruction),
    ]
}

/// Class, redshift and survey.
fn known(facts: &Facts) -> String {
    let class = facts.spectype.as_deref().unwrap_or_default().to_owned();
    let redshift = facts.z.map(words::redshift).unwrap_or_default();
    let warned = facts.zwarn.filter(|zwarn| *zwarn != 0);
    let warned = warned.map(|zwarn| format!("ZWARN {zwarn}")).unwrap_or_default();
    let parts = [class, redshift, warned, facts.source.to_string()];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.trim().is_empty()).collect();
    parts.join(" · ")
}

/// Angstrom between the ticks of the small panels.
fn step(x: &Axis) -> f64 {
    let ticks = x.ticks(2).major;
    match ticks[..] {
        [(first, _), (second, _), ..] => second - first,
        _ => x.max - x.min,
    }
}

fn legend(y: f64) -> Legend {
    let series = |style| Swatch::Series(style);
    Legend {
        rect: Rect {
            x: MARGIN,
            y,
            width: 520.0,
            height: 0.0,
        },
        columns: 4,
        entries: vec![
            (series(SeriesStyle::Smoothed), "data".to_owned()),
            (series(SeriesStyle::Reconstruction), "model".to_owned()),
            (
                Swatch::Band(super::BandKind::Region(crate::anomaly::Reason::ExcessFlux)),
                "excess flux".to_owned(),
            ),
            (
                Swatch::Band(super::BandKind::Region(crate::anomaly::Reason::MissingFlux)),
                "missing flux".to_owned(),
            ),
        ],
    }
}

fn text(at: (f64, f64), size: f64, anchor: Anchor, weight: Weight, content: String) -> Text {
    Text {
        x: at.0,
        y: at.1,
        size,
        anchor,
        weight,
        content,
    }
}

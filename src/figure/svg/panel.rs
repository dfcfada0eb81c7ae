//! A panel as SVG: bands and their labels, named marks, and what the other files draw into it.

use super::write::{Label, Writer};
use super::{curve, frame, size};
use crate::figure::description::{Anchor, Band, BandKind, Mark, Panel, Rect};
use crate::figure::palette::{self, Stroke};
use crate::figure::{font, place};

/// Narrower bands are drawn this wide, so that a flagged line of few pixels is seen.
const NARROWEST_BAND: f64 = 1.6;
/// A panel with the places of its values on the page.
pub(super) struct Plot<'a> {
    pub panel: &'a Panel,
    /// The frame less the strip of the marks' names.
    pub area: Rect,
}

impl Plot<'_> {
    pub fn x(&self, value: f64) -> f64 {
        self.area.x + self.panel.x.fraction(value) * self.area.width
    }

    pub fn y(&self, value: f64) -> f64 {
        self.area.bottom() - self.panel.y.fraction(value) * self.area.height
    }
}

pub(super) fn draw(out: &mut Writer, panel: &Panel) {
    let strip = strip_height(panel);
    let rect = panel.rect;
    let area = Rect {
        y: rect.y + strip,
        height: rect.height - strip,
        ..rect
    };
    let plot = Plot { panel, area };
    bands(out, &plot);
    marks(out, &plot);
    for guide in &panel.guides {
        let y = plot.y(guide.y);
        if (area.y..=area.bottom()).contains(&y) {
            let dashes = guide.limit.then_some("4 3");
            let stroke = Stroke {
                color: "#9a9a9a",
                width: 0.6,
                dashes,
            };
            out.line((area.x, y), (area.right(), y), &stroke);
        }
    }
    for series in &panel.series {
        curve::draw(out, &plot, series);
    }
    if strip > 0.0 {
        let stroke = Stroke {
            color: palette::HAIR,
            width: 0.5,
            dashes: None,
        };
        out.line((area.x, area.y), (area.right(), area.y), &stroke);
    }
    frame::draw(out, &plot);
    band_labels(out, &plot);
    if let Some(note) = &panel.note {
        out.text(&Label {
            at: (area.x + 8.0, area.y + 14.0),
            size: size::TICK,
            anchor: Anchor::Start,
            color: palette::INK,
            bold: true,
            upright: false,
            content: note,
        });
    }
}

/// Height of the strip for the names of the marks, if any has one.
fn strip_height(panel: &Panel) -> f64 {
    let longest = panel
        .marks
        .iter()
        .filter(|mark| (0.0..=1.0).contains(&panel.x.fraction(mark.x)))
        .map(|mark| font::width(&mark.name, size::MARK, false))
        .fold(0.0, f64::max);
    if longest > 0.0 {
        (longest + 17.0).min(panel.rect.height * 0.45)
    } else {
        0.0
    }
}

/// The shades, those of one kind as one shape.
fn bands(out: &mut Writer, plot: &Plot) {
    let area = plot.area;
    let mut shapes: Vec<(BandKind, Writer)> = Vec::new();
    for band in &plot.panel.bands {
        let Some((left, right)) = span(plot, band) else {
            continue;
        };
        let (top, bottom) = match band.kind {
            BandKind::Region(_) | BandKind::Masked => (area.y, area.bottom()),
            BandKind::Sky => (area.bottom() - 3.0, area.bottom()),
            BandKind::Telluric => (area.bottom() - 6.2, area.bottom() - 3.2),
            BandKind::Overlap => (area.bottom() - 9.4, area.bottom() - 6.4),
        };
        let known = shapes.iter().position(|(kind, _)| *kind == band.kind);
        let shape = known.unwrap_or_else(|| {
            shapes.push((band.kind, Writer::new()));
            shapes.len() - 1
        });
        let path = &mut shapes[shape].1;
        path.points(&[(left, top), (right, top), (right, bottom), (left, bottom)]);
        path.raw("Z");
    }
    for (kind, path) in shapes {
        let (fill, opacity) = palette::band(kind);
        out.open("path");
        out.attribute("fill", fill);
        if opacity < 1.0 {
            out.number("fill-opacity", opacity);
        }
        out.attribute("d", &path.finish());
        out.close();
    }
}

/// Left and right end of a band on the page, or `None` outside the panel.
fn span(plot: &Plot, band: &Band) -> Option<(f64, f64)> {
    let area = plot.area;
    let (from, to) = (plot.x(band.from.min(band.to)), plot.x(band.from.max(band.to)));
    if !(from.is_finite() && to.is_finite()) || to < area.x || from > area.right() {
        return None;
    }
    let (mut from, mut to) = (from, to);
    if to - from < NARROWEST_BAND && matches!(band.kind, BandKind::Region(_)) {
        let middle = (from + to) / 2.0;
        (from, to) = (middle - NARROWEST_BAND / 2.0, middle + NARROWEST_BAND / 2.0);
    }
    Some((from.max(area.x), to.min(area.right())))
}

fn marks(out: &mut Writer, plot: &Plot) {
    let area = plot.area;
    let mut placed: Vec<(f64, &Mark)> = plot
        .panel
        .marks
        .iter()
        .map(|mark| (plot.x(mark.x), mark))
        .filter(|(x, _)| (area.x..=area.right()).contains(x))
        .collect();
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (x, mark) in &placed {
        let mut stroke = palette::mark(mark.kind);
        stroke.width = 0.45;
        out.line((*x, area.y), (*x, area.bottom()), &stroke);
    }
    placed.retain(|(_, mark)| !mark.name.is_empty());
    let line_height = size::MARK * 1.08;
    placed.truncate(place::fitting(line_height, area.width));
    let wanted: Vec<f64> = placed.iter().map(|(x, _)| *x).collect();
    let places = place::spread(&wanted, &vec![line_height; wanted.len()], area.x, area.right());
    for ((x, mark), label) in placed.iter().zip(places) {
        let stroke = palette::mark(mark.kind);
        out.open("path");
        out.stroke(&stroke);
        out.raw(" d=\"");
        out.points(&[
            (*x, area.y),
            (*x, area.y - 3.0),
            (label, area.y - 8.0),
            (label, area.y - 10.0),
        ]);
        out.raw("\"");
        out.close();
        out.text(&Label {
            at: (label + size::MARK * 0.34, area.y - 12.0),
            size: size::MARK,
            anchor: Anchor::Start,
            color: palette::INK,
            bold: false,
            upright: true,
            content: &mark.name,
        });
    }
}

/// Numbers and label of an axis take so much below the frame.
const AXIS_ROOM: f64 = 34.0;

/// The labels of the bands in lanes below the frame, and its axis where that has numbers, the heaviest first; those without room are left out.
fn band_labels(out: &mut Writer, plot: &Plot) {
    let lane_height = size::BAND * 1.2;
    let lanes = place::fitting(lane_height, plot.panel.band_labels);
    if lanes == 0 {
        return;
    }
    let mut bands: Vec<(&Band, &str)> = plot
        .panel
        .bands
        .iter()
        .filter_map(|band| band.label.as_deref().map(|label| (band, label)))
        .collect();
    bands.sort_by(|a, b| {
        b.0.weight
            .total_cmp(&a.0.weight)
            .then(a.0.from.total_cmp(&b.0.from))
    });
    let area = plot.area;
    let under = if plot.panel.x.labeled { AXIS_ROOM } else { 0.0 };
    let mut room = place::Lanes::new(lanes, area.x, area.right());
    for (band, label) in bands {
        let Some((from, to)) = span(plot, band) else {
            continue;
        };
        let width = font::width(label, size::BAND, false);
        let center = (from + to) / 2.0;
        let Some((lane, at)) = room.place(center, width + 7.0, (width / 2.0).max((to - from) / 2.0)) else {
            continue;
        };
        let color = match band.kind {
            BandKind::Region(reason) => palette::region(reason).1,
            _ => palette::FAINT,
        };
        let baseline = plot.panel.rect.bottom() + under + lane_height * (lane as f64 + 1.0) - 1.0;
        out.text(&Label {
            at: (at, baseline),
            size: size::BAND,
            anchor: Anchor::Middle,
            color,
            bold: false,
            upright: false,
            content: label,
        });
    }
}

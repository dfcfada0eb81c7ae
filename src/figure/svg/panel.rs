//! A panel as SVG: frame, ticks, bands, curves, named marks.

use super::size;
use super::write::{Label, Writer};
use crate::figure::axis::Axis;
use crate::figure::decimate::{self, Point};
use crate::figure::description::{Anchor, Band, BandKind, Mark, Panel, Rect, Series, SeriesStyle, Shape};
use crate::figure::palette::{self, Stroke};
use crate::figure::{font, place};

/// Width of the columns to which curves are thinned: a pixel at the default scale of the PNG.
const COLUMN: f64 = 0.5;
/// Narrower bands are drawn this wide, so that a flagged line of few pixels is seen.
const NARROWEST_BAND: f64 = 1.6;
const TICK: f64 = 4.5;
const MINOR_TICK: f64 = 2.5;

const FRAME: Stroke = Stroke {
    color: palette::INK,
    width: 0.9,
    dashes: None,
};

/// A panel with the places of its values on the page.
struct Plot<'a> {
    panel: &'a Panel,
    /// The frame less the strip of the marks' names.
    area: Rect,
}

impl Plot<'_> {
    fn x(&self, value: f64) -> f64 {
        self.area.x + self.panel.x.fraction(value) * self.area.width
    }

    fn y(&self, value: f64) -> f64 {
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
        curve(out, &plot, series);
    }
    if strip > 0.0 {
        let stroke = Stroke {
            color: palette::HAIR,
            width: 0.5,
            dashes: None,
        };
        out.line((area.x, area.y), (area.right(), area.y), &stroke);
    }
    frame(out, &plot);
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

fn curve(out: &mut Writer, plot: &Plot, series: &Series) {
    let area = plot.area;
    let stroke = palette::series(series.style);
    let points = || {
        series
            .x
            .iter()
            .zip(&series.y)
            .map(|(x, y)| (plot.x(*x), plot.y(*y)))
            .map(|(x, y)| {
                if x < area.x - 0.01 || x > area.right() + 0.01 {
                    (x, f64::NAN)
                } else {
                    (x, y)
                }
            })
    };
    if let Shape::Envelope { half_width } = &series.shape {
        let points = series
            .x
            .iter()
            .zip(&series.y)
            .zip(half_width)
            .map(|((x, y), half)| {
                let clamped = |value: f64| plot.y(value).clamp(area.y, area.bottom());
                (plot.x(*x), clamped(y + half), clamped(y - half))
            });
        envelope(out, decimate::envelope(points, COLUMN), stroke.color);
        return;
    }
    let steps = matches!(series.shape, Shape::Step) && series.x.len() as f64 * 2.0 < area.width;
    let pieces = if steps {
        decimate::line(stairs(points().collect()).into_iter(), COLUMN)
    } else {
        decimate::line(points(), COLUMN)
    };
    out.open("path");
    out.stroke(&stroke);
    out.attribute("stroke-linejoin", "bevel");
    out.raw(" d=\"");
    for piece in &pieces {
        for part in decimate::clip(piece, area.y, area.bottom()) {
            out.points(&part);
        }
    }
    out.raw("\"");
    out.close();
    if matches!(series.shape, Shape::Dots) {
        for (x, y) in points().filter(|p| p.1 >= area.y && p.1 <= area.bottom()) {
            out.open("circle");
            out.number("cx", x);
            out.number("cy", y);
            out.number("r", 1.9);
            out.attribute("fill", stroke.color);
            out.close();
        }
    }
    if matches!(
        series.style,
        SeriesStyle::Data | SeriesStyle::Raw | SeriesStyle::Residual
    ) {
        carets(out, &pieces, area);
    }
}

/// The corners of a staircase through the points, level from half-way to half-way.
fn stairs(points: Vec<Point>) -> Vec<Point> {
    let mut corners = Vec::with_capacity(points.len() * 2);
    for (i, (x, y)) in points.iter().enumerate() {
        let before = i
            .checked_sub(1)
            .and_then(|i| points.get(i))
            .map(|p| (p.0 + x) / 2.0);
        let after = points.get(i + 1).map(|p| (p.0 + x) / 2.0);
        let half = before.map(|b| x - b).or(after.map(|a| a - x)).unwrap_or(0.5);
        corners.push((before.unwrap_or(x - half), *y));
        corners.push((after.unwrap_or(x + half), *y));
    }
    corners
}

fn envelope(out: &mut Writer, pieces: Vec<Vec<(f64, f64, f64)>>, fill: &str) {
    out.open("path");
    out.attribute("fill", fill);
    out.raw(" d=\"");
    for piece in pieces {
        let mut outline: Vec<Point> = piece.iter().map(|(x, top, _)| (*x, *top)).collect();
        outline.extend(piece.iter().rev().map(|(x, _, bottom)| (*x, *bottom)));
        if piece.len() == 1 {
            let (x, top, bottom) = piece[0];
            outline = vec![(x, top), (x + COLUMN, top), (x + COLUMN, bottom), (x, bottom)];
        }
        out.points(&outline);
        out.raw("Z");
    }
    out.raw("\"");
    out.close();
}

/// Small arrow heads at the edge where the curve goes on beyond it.
fn carets(out: &mut Writer, pieces: &[Vec<Point>], area: Rect) {
    let mut path = Writer::new();
    for (edge, direction) in [(area.y, 1.0), (area.bottom(), -1.0)] {
        // runs of neighboring columns beyond the edge, and how far and where they go furthest
        let mut run: Option<(f64, f64, f64)> = None;
        let mut heads = Vec::new();
        for (x, y) in pieces.iter().flatten() {
            let beyond = (edge - y) * direction;
            if beyond <= 0.5 {
                continue;
            }
            run = match run {
                Some((last, furthest, _)) if x - last < 7.0 && beyond > furthest => Some((*x, beyond, *x)),
                Some((last, furthest, at)) if x - last < 7.0 => Some((*x, furthest, at)),
                done => {
                    heads.extend(done.map(|(_, _, at)| at));
                    Some((*x, beyond, *x))
                }
            };
        }
        heads.extend(run.map(|(_, _, at)| at));
        for x in heads {
            let x = x.clamp(area.x + 3.0, area.right() - 3.0);
            path.points(&[
                (x - 2.6, edge + 5.0 * direction),
                (x, edge + 1.0 * direction),
                (x + 2.6, edge + 5.0 * direction),
            ]);
            path.raw("Z");
        }
    }
    let path = path.finish();
    if !path.is_empty() {
        out.open("path");
        out.attribute("fill", "#7d1d54");
        out.attribute("d", &path);
        out.close();
    }
}

fn frame(out: &mut Writer, plot: &Plot) {
    let (panel, area, rect) = (plot.panel, plot.area, plot.panel.rect);
    let mut ticks = Writer::new();
    let mut tick = |from: Point, to: Point| ticks.points(&[from, to]);
    let along_x = (rect.width / 90.0).round().max(2.0) as usize;
    let bottom = panel.x.ticks(along_x);
    for (value, length) in lengths(&bottom.major, &bottom.minor) {
        let x = plot.x(value);
        tick((x, rect.bottom()), (x, rect.bottom() - length));
        if panel.top.is_none() {
            tick((x, rect.y), (x, rect.y + length));
        }
    }
    let top = panel.top.as_ref().map(|axis| (axis, axis.ticks(along_x)));
    if let Some((axis, top)) = &top {
        for (value, length) in lengths(&top.major, &top.minor) {
            let x = area.x + axis.fraction(value) * area.width;
            tick((x, rect.y), (x, rect.y + length));
        }
    }
    let left = panel.y.ticks((area.height / 36.0).round().max(2.0) as usize);
    for (value, length) in lengths(&left.major, &left.minor) {
        let y = plot.y(value);
        tick((rect.x, y), (rect.x + length, y));
        tick((rect.right(), y), (rect.right() - length, y));
    }
    let stroke = Stroke { width: 0.7, ..FRAME };
    out.open("path");
    out.stroke(&stroke);
    out.attribute("d", &ticks.finish());
    out.close();
    out.open("rect");
    out.number("x", rect.x);
    out.number("y", rect.y);
    out.number("width", rect.width);
    out.number("height", rect.height);
    out.stroke(&FRAME);
    out.close();

    if panel.x.labeled {
        numbers_along(out, &bottom.major, |v| plot.x(v), rect.bottom() + 14.5);
        axis_label(
            out,
            &panel.x,
            ((rect.x + rect.right()) / 2.0, rect.bottom() + 30.5),
            false,
        );
    }
    if let Some((axis, top)) = &top {
        numbers_along(
            out,
            &top.major,
            |v| area.x + axis.fraction(v) * area.width,
            rect.y - 5.5,
        );
        axis_label(out, axis, ((rect.x + rect.right()) / 2.0, rect.y - 20.5), false);
    }
    if panel.y.labeled {
        let mut widest: f64 = 0.0;
        for (value, label) in &left.major {
            widest = widest.max(font::width(label, size::TICK, false));
            out.text(&Label {
                at: (rect.x - 6.0, plot.y(*value) + size::TICK * 0.34),
                size: size::TICK,
                anchor: Anchor::End,
                color: palette::INK,
                bold: false,
                upright: false,
                content: label,
            });
        }
        let middle = (area.y + area.bottom()) / 2.0;
        axis_label(
            out,
            &panel.y,
            (rect.x - 6.0 - widest.max(26.0) - 8.0, middle),
            true,
        );
    }
}

/// Ticks with their lengths.
fn lengths<'a>(major: &'a [(f64, String)], minor: &'a [f64]) -> impl Iterator<Item = (f64, f64)> + 'a {
    let major = major.iter().map(|(value, _)| (*value, TICK));
    major.chain(minor.iter().map(|value| (*value, MINOR_TICK)))
}

fn numbers_along(out: &mut Writer, ticks: &[(f64, String)], place: impl Fn(f64) -> f64, y: f64) {
    for (value, label) in ticks {
        out.text(&Label {
            at: (place(*value), y),
            size: size::TICK,
            anchor: Anchor::Middle,
            color: palette::INK,
            bold: false,
            upright: false,
            content: label,
        });
    }
}

fn axis_label(out: &mut Writer, axis: &Axis, at: Point, upright: bool) {
    out.text(&Label {
        at,
        size: size::LABEL,
        anchor: Anchor::Middle,
        color: palette::INK,
        bold: false,
        upright,
        content: &axis.label,
    });
}

/// The labels of the bands in lanes below the frame, the heaviest first; those without room are left out.
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
        let baseline = plot.panel.rect.bottom() + lane_height * (lane as f64 + 1.0) - 1.0;
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

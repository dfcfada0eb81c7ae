//! Curves as SVG paths: thinned to the page, cut at the frame, with arrow heads where they leave it.

use super::panel::Plot;
use super::write::Writer;
use crate::figure::decimate::{self, Point};
use crate::figure::description::{Rect, Series, SeriesStyle, Shape};
use crate::figure::palette;

/// Width of the columns to which curves are thinned: a pixel at the default scale of the PNG.
const COLUMN: f64 = 0.5;

pub(super) fn draw(out: &mut Writer, plot: &Plot, series: &Series) {
    let area = plot.area;
    let stroke = palette::series(series.style);
    // what lies outside the frame is a gap
    let place = |x: f64| match plot.x(x) {
        x if x < area.x - 0.01 || x > area.right() + 0.01 => f64::NAN,
        x => x,
    };
    let points = || {
        let pairs = series.x.iter().zip(&series.y);
        pairs.map(|(x, y)| (place(*x), plot.y(*y)))
    };
    if let Shape::Envelope { half_width } = &series.shape {
        let clamped = |value: f64| plot.y(value).clamp(area.y, area.bottom());
        let triples = series.x.iter().zip(&series.y).zip(half_width);
        let points = triples.map(|((x, y), half)| (place(*x), clamped(y + half), clamped(y - half)));
        envelope(out, decimate::envelope(points, COLUMN), stroke.color);
        return;
    }
    let steps = matches!(series.shape, Shape::Step) && series.x.len() as f64 * 2.0 < area.width;
    let pieces = if steps {
        let corners = stairs(&points().collect::<Vec<Point>>());
        let within = |(x, y): Point| (x.clamp(area.x, area.right()), y);
        decimate::line(corners.into_iter().map(within), COLUMN)
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
fn stairs(points: &[Point]) -> Vec<Point> {
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

//! The frame of a panel as SVG: ticks on all sides, numbers, labels of the axes.

use super::panel::Plot;
use super::size;
use super::write::{Label, Writer};
use crate::figure::axis::Axis;
use crate::figure::decimate::Point;
use crate::figure::description::Anchor;
use crate::figure::font;
use crate::figure::palette::{self, Stroke};

const TICK: f64 = 4.5;
const MINOR_TICK: f64 = 2.5;

const FRAME: Stroke = Stroke {
    color: palette::INK,
    width: 0.9,
    dashes: None,
};

pub(super) fn draw(out: &mut Writer, plot: &Plot) {
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
    let left = panel.y.ticks((area.height / 36.0).ceil().max(2.0) as usize);
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

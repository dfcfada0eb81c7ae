//! The lines about a chart with their ticks, numbers and titles.

use super::frame::Frame;
use super::lanes::Lanes;
use super::layout::{Layout, most_ticks};
use super::{Pen, text};
use crate::figure::{Axis, Panel};
use crate::tui::theme::Role;

/// Cells from one number of the x axis to the next, at least.
const SPACING: u16 = 11;

pub(super) fn draw(pen: &mut Pen, panel: &Panel, layout: &Layout, frame: &Frame) {
    let plot = layout.plot;
    if !layout.framed || plot.is_empty() {
        return;
    }
    let axis = plot.x - 1;
    let ticks = x_ticks(&panel.x, plot.width);
    if let Some(row) = layout.top_line {
        horizontal(pen, layout, row, pen.glyph('┌', '+'));
        match &panel.top {
            Some(top) if layout.top_numbers.is_some() => {
                let place = along(top, layout);
                stick(
                    pen,
                    &top.ticks(wanted(plot.width)).major,
                    &place,
                    row,
                    pen.glyph('┴', '+'),
                );
            }
            _ => stick(pen, &ticks, &along(&panel.x, layout), row, pen.glyph('┬', '+')),
        }
        top_titles(pen, panel, layout, row);
    }
    if let (Some(row), Some(top)) = (layout.top_numbers, &panel.top) {
        numbers(
            pen,
            layout,
            &top.ticks(wanted(plot.width)).major,
            &along(top, layout),
            row,
        );
    }
    let side = pen.glyph('│', '|');
    let between = layout.top_line.map_or(plot.top(), |row| row + 1);
    for y in between..layout.bottom_line.unwrap_or(layout.area.bottom()) {
        pen.put(axis, y, side, Role::Axis);
    }
    if let Some(row) = layout.bottom_line {
        horizontal(pen, layout, row, pen.glyph('└', '+'));
        stick(pen, &ticks, &along(&panel.x, layout), row, pen.glyph('┬', '+'));
        if panel.x.labeled {
            let room = plot.width.saturating_sub(4);
            if let Some(title) = title_within(pen, &panel.x.label, room) {
                title_at_right(pen, layout, row, &title);
            }
        }
    }
    if let Some(row) = layout.numbers {
        numbers(pen, layout, &ticks, &along(&panel.x, layout), row);
    }
    left_numbers(pen, panel, layout, frame, axis);
}

fn wanted(width: u16) -> usize {
    usize::from(width / SPACING).max(2)
}

/// As many ticks as have room for their numbers.
fn x_ticks(axis: &Axis, width: u16) -> Vec<(f64, String)> {
    axis.ticks(wanted(width)).major
}

/// Where the values of an axis that spans the plot stand.
fn along<'a>(axis: &'a Axis, layout: &Layout) -> impl Fn(f64) -> Option<u16> + 'a {
    let plot = layout.plot;
    move |value| {
        let at = axis.fraction(value);
        let column = (at * f64::from(plot.width)) as u16;
        (-1e-9..=1.0 + 1e-9)
            .contains(&at)
            .then(|| plot.x + column.min(plot.width - 1))
    }
}

fn horizontal(pen: &mut Pen, layout: &Layout, row: u16, corner: char) {
    let line = pen.glyph('─', '-');
    pen.put(layout.plot.x - 1, row, corner, Role::Axis);
    for x in layout.plot.left()..layout.plot.right() {
        pen.put(x, row, line, Role::Axis);
    }
}

fn stick(pen: &mut Pen, ticks: &[(f64, String)], place: &dyn Fn(f64) -> Option<u16>, row: u16, glyph: char) {
    for x in ticks.iter().filter_map(|(value, _)| place(*value)) {
        pen.put(x, row, glyph, Role::Axis);
    }
}

/// Numbers below (or above) their ticks; one that would touch another or leave the area is left out.
fn numbers(
    pen: &mut Pen,
    layout: &Layout,
    ticks: &[(f64, String)],
    place: &dyn Fn(f64) -> Option<u16>,
    row: u16,
) {
    let mut lanes = Lanes::new(1, layout.area.left(), layout.area.right(), 1);
    for (value, label) in ticks {
        let shown = pen.spelled(label).into_owned();
        let width = cells(&shown);
        let Some(column) = place(*value) else {
            continue;
        };
        // at the ends a number may move aside as far as it still stands at its tick
        if let Some((_, at)) = lanes.place(column, width, width / 2) {
            pen.text(at, row, &shown, width, Role::Axis);
        }
    }
}

fn left_numbers(pen: &mut Pen, panel: &Panel, layout: &Layout, frame: &Frame, axis: u16) {
    if layout.plot.height < 2 {
        return;
    }
    let tick = pen.glyph('┤', '+');
    let room = axis.saturating_sub(layout.area.x);
    for (label, row) in y_ticks(panel, frame, most_ticks(layout.area.height)) {
        if panel.y.labeled {
            pen.put(axis, row, tick, Role::Axis);
        }
        let shown = pen.spelled(&label).into_owned();
        // a number cut off is a wrong number
        if layout.numbered && cells(&shown) <= room {
            pen.text(axis - cells(&shown), row, &shown, cells(&shown), Role::Axis);
        }
    }
}

/// At most as many ticks as wanted, with their rows: fewer where two would stand on one row or on neighboring ones, for then some
/// numbers would have to be left out of their regular sequence.
fn y_ticks(panel: &Panel, frame: &Frame, most: usize) -> Vec<(String, u16)> {
    let placed = |wanted: usize| -> Vec<(String, u16)> {
        let ticks = panel.y.ticks(wanted).major.into_iter();
        ticks
            .filter_map(|(value, label)| Some((label, frame.row_of(value)?)))
            .collect()
    };
    let apart = |ticks: &[(String, u16)]| ticks.windows(2).all(|pair| pair[0].1.abs_diff(pair[1].1) >= 2);
    let mut candidates = (1..=most).rev().map(placed);
    candidates.find(|ticks| apart(ticks)).unwrap_or_default()
}

/// The title of the y axis at the left of the upper line, that of the second scale at its right where both have room.
fn top_titles(pen: &mut Pen, panel: &Panel, layout: &Layout, row: u16) {
    let plot = layout.plot;
    let mut room = plot.width.saturating_sub(2);
    if panel.y.labeled
        && let Some(title) = title_within(pen, &panel.y.label, room)
    {
        let title = format!(" {title} ");
        pen.text(plot.x, row, &title, room, Role::Dim);
        room = room.saturating_sub(cells(&title) + 1);
    }
    if let Some(top) = panel.top.as_ref().filter(|_| layout.top_numbers.is_some())
        && let Some(title) = title_within(pen, &top.label, room.saturating_sub(2))
    {
        title_at_right(pen, layout, row, &title);
    }
}

fn title_at_right(pen: &mut Pen, layout: &Layout, row: u16, title: &str) {
    let title = format!(" {title} ");
    let width = cells(&title);
    pen.text(
        layout.plot.right().saturating_sub(width),
        row,
        &title,
        width,
        Role::Dim,
    );
}

/// The longest form of a title that has room: in full, without what goes without saying, without its unit.
fn title_within(pen: &Pen, label: &str, room: u16) -> Option<String> {
    let full = pen.spelled(label).into_owned();
    let shorter = full.replace(", vacuum)", ")");
    let name = full.split(" (").next().unwrap_or_default().to_owned();
    [full, shorter, name]
        .into_iter()
        .find(|title| !title.is_empty() && cells(title) <= room)
}

fn cells(text: &str) -> u16 {
    u16::try_from(text::width(text)).unwrap_or(u16::MAX)
}

//! Stretches of the x axis: tints behind the curves, markers and labels above them, zones at the foot.

use super::Pen;
use super::frame::Frame;
use super::lanes::Lanes;
use super::layout::Layout;
use super::text;
use crate::figure::{Band, BandKind, Panel, Series, Shape};
use crate::tui::theme::Role;

/// Noise of fewer rows of dots than this would be a tint in patches.
const THIN: f64 = 6.0;

fn role(kind: BandKind) -> Role {
    match kind {
        BandKind::Region(reason) => Role::Region(reason),
        BandKind::Masked => Role::Masked,
        BandKind::Sky => Role::Sky,
        BandKind::Telluric => Role::Telluric,
        BandKind::Overlap => Role::Overlap,
    }
}

/// Tints the cells behind flagged and masked stretches, and behind the noise.
pub(super) fn tints(pen: &mut Pen, panel: &Panel, frame: &Frame) {
    let plot = frame.plot;
    let mut columns: Vec<Vec<Role>> = vec![Vec::new(); usize::from(plot.width)];
    for band in &panel.bands {
        let shaded = match band.kind {
            BandKind::Region(_) => frame.span(band.from, band.to),
            // of a few masked pixels in a column, the column is not masked
            BandKind::Masked => mostly(frame, band),
            _ => None,
        };
        let Some((first, last)) = shaded else {
            continue;
        };
        for column in &mut columns[usize::from(first - plot.x)..=usize::from(last - plot.x)] {
            let role = role(band.kind);
            // what is flagged comes first: where tints cannot be mixed, it is the one shown
            match band.kind {
                _ if column.contains(&role) => {}
                BandKind::Region(_) => column.insert(0, role),
                _ => column.push(role),
            }
        }
    }
    let noise = noise(panel, frame);
    for (i, mut roles) in columns.into_iter().enumerate() {
        let x = plot.x + i as u16;
        if let Some(tint) = pen.theme.tint(&roles) {
            for y in plot.top()..plot.bottom() {
                if let Some(cell) = pen.buf.cell_mut((x, y)) {
                    cell.set_bg(tint);
                }
            }
        }
        roles.push(Role::Noise);
        let (Some((top, bottom)), Some(tint)) = (noise[i], pen.theme.tint(&roles)) else {
            continue;
        };
        if bottom - top < THIN {
            continue;
        }
        // cells that the noise covers by half
        let from = (top / 4.0).round().max(0.0) as u16;
        let to = ((bottom / 4.0).round().max(0.0) as u16).min(plot.height);
        for y in from..to {
            if let Some(cell) = pen.buf.cell_mut((x, plot.y + y)) {
                cell.set_bg(tint);
            }
        }
    }
}

/// The columns of which a band covers at least half.
fn mostly(frame: &Frame, band: &Band) -> Option<(u16, u16)> {
    let (first, last) = frame.span(band.from, band.to)?;
    let covered = |column: u16| {
        let middle = frame.x_of(column);
        (band.from.min(band.to)..=band.from.max(band.to)).contains(&middle)
    };
    let first = if covered(first) { first } else { first + 1 };
    let last = if covered(last) { last } else { last.checked_sub(1)? };
    (first <= last).then_some((first, last))
}

/// The mean envelope of the noise in each column of cells, as rows of dots from the top.
pub(super) fn noise(panel: &Panel, frame: &Frame) -> Vec<Option<(f64, f64)>> {
    let width = usize::from(frame.plot.width);
    let mut sums = vec![(0.0f64, 0.0f64, 0.0f64); width];
    let (across, down) = (width as f64, f64::from(frame.plot.height) * 4.0);
    for series in &panel.series {
        let Series {
            x,
            y,
            shape: Shape::Envelope { half_width },
            ..
        } = series
        else {
            continue;
        };
        for ((x, y), half) in x.iter().zip(y).zip(half_width) {
            let column = panel.x.fraction(*x) * across;
            let row = |value: f64| (1.0 - panel.y.fraction(value)) * down;
            let (top, bottom) = (row(y + half), row(y - half));
            if !((0.0..=across).contains(&column) && top.is_finite() && bottom.is_finite()) {
                continue;
            }
            let sum = &mut sums[(column as usize).min(width - 1)];
            *sum = (sum.0 + top, sum.1 + bottom, sum.2 + 1.0);
        }
    }
    let mean = |(top, bottom, count): (f64, f64, f64)| (count > 0.0).then(|| (top / count, bottom / count));
    sums.into_iter().map(mean).collect()
}

/// Bars for the zones that are prone to artifacts, of different heights, so that they can be told without color.
pub(super) fn foot(pen: &mut Pen, panel: &Panel, layout: &Layout, frame: &Frame) {
    let Some(row) = layout.foot else {
        return;
    };
    let rank = |kind: BandKind| match kind {
        BandKind::Sky => Some(0),
        BandKind::Telluric => Some(1),
        BandKind::Overlap => Some(2),
        _ => None,
    };
    // the rarer over the more common
    let mut bands: Vec<(u8, &Band)> = panel
        .bands
        .iter()
        .filter_map(|b| Some((rank(b.kind)?, b)))
        .collect();
    bands.sort_by_key(|(rank, _)| *rank);
    for (_, band) in bands {
        let Some((first, last)) = frame.span(band.from, band.to) else {
            continue;
        };
        let glyph = zone_glyph(pen, band.kind);
        for x in first..=last {
            pen.put(x, row, glyph, role(band.kind));
        }
    }
}

/// The bar of a zone.
pub(super) fn zone_glyph(pen: &Pen, kind: BandKind) -> char {
    match kind {
        BandKind::Sky => pen.glyph('▁', '.'),
        BandKind::Telluric => pen.glyph('▃', '~'),
        _ => pen.glyph('▆', 'x'),
    }
}

/// Markers over the flagged stretches, with as many of their labels as have room, the heaviest first.
///
/// Without a row of their own (or without labels), the markers stand on the upper line.
pub(super) fn flags(pen: &mut Pen, panel: &Panel, layout: &Layout, frame: &Frame) {
    let mut bands: Vec<(&Band, u16, u16)> = panel
        .bands
        .iter()
        .filter(|band| matches!(band.kind, BandKind::Region(_)))
        .filter_map(|band| {
            frame
                .span(band.from, band.to)
                .map(|(first, last)| (band, first, last))
        })
        .collect();
    bands.sort_by(|a, b| {
        b.0.weight
            .total_cmp(&a.0.weight)
            .then(a.0.from.total_cmp(&b.0.from))
    });
    let marker = match layout.flags {
        Some(_) => pen.glyph('▔', '='),
        None => pen.glyph('━', '='),
    };
    let Some(row) = layout.flags.or(layout.top_line) else {
        return;
    };
    for (band, first, last) in bands.iter().rev() {
        for x in *first..=*last {
            // A blank of the upper line is one between the words of a title.
            let line = |cell: &ratatui::buffer::Cell| match cell.symbol() {
                " " => layout.flags.is_some(),
                symbol => ["▔", "─", "━", "┬", "┴", "-", "=", "+"].contains(&symbol),
            };
            if pen.buf.cell((x, row)).is_some_and(line) {
                pen.put(x, row, marker, role(band.kind));
            } else if let Some(cell) = pen.buf.cell_mut((x, row)) {
                // a title stands here
                cell.modifier |= ratatui::style::Modifier::UNDERLINED;
            }
        }
    }
    if layout.flags.is_none() {
        return;
    }
    let mut lanes = Lanes::new(1, frame.plot.left(), frame.plot.right(), 1);
    for (band, first, last) in bands {
        let Some(label) = band.label.as_deref() else {
            continue;
        };
        let shown = pen.spelled(label).into_owned();
        let width = u16::try_from(text::width(&shown)).unwrap_or(u16::MAX);
        let reach = (width / 2).max((last - first) / 2);
        if let Some((_, at)) = lanes.place(first + (last - first) / 2, width, reach) {
            pen.text(at, row, &shown, width, role(band.kind));
        }
    }
}

//! Small charts: a curve in one row, and a histogram.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Pen;
use super::canvas::{ACROSS, DOWN, bit, braille, plain};
use super::lanes::Lanes;
use super::text;
use crate::figure::{Axis, Scale};
use crate::tui::theme::{Role, Theme};

/// A curve in one row of `width` cells, two columns of dots a cell, scaled to its own range (without the outermost percent at each
/// end, so that one line does not flatten the rest); NaN makes a gap.
pub fn spark(values: &[f32], width: usize, theme: &Theme) -> String {
    let mut sorted: Vec<f32> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return " ".repeat(width);
    };
    let at = |share: f64| sorted[(share * last as f64).round() as usize];
    let (low, high) = (at(0.01), at(0.99));
    let (low, high) = if low < high {
        (low, high)
    } else {
        (sorted[0], sorted[last])
    };
    spark_within(values, (low, high), width, theme)
}

/// A curve in one row of `width` cells between the given values, which are the lowest and the highest dot; what lies beyond is
/// drawn at the edge.
///
/// More values than columns are drawn from the lowest to the highest of a column; fewer are repeated.
pub fn spark_within(values: &[f32], (low, high): (f32, f32), width: usize, theme: &Theme) -> String {
    tall_spark(values, (low, high), (width, 1), theme).concat()
}

/// The same in several rows, from the top down.
pub fn tall_spark(
    values: &[f32],
    (low, high): (f32, f32),
    (width, height): (usize, usize),
    theme: &Theme,
) -> Vec<String> {
    let columns = width * ACROSS;
    let (low, span) = (f64::from(low), f64::from(high) - f64::from(low));
    let dots = (DOWN * height).max(1);
    let row = |value: f32| {
        let height = if span > 0.0 {
            (f64::from(value) - low) / span
        } else {
            0.5
        };
        ((1.0 - height.clamp(0.0, 1.0)) * (dots - 1) as f64).round() as usize
    };
    let mut cells = vec![0u8; width * height];
    for column in 0..columns {
        let from = column * values.len() / columns;
        let to = ((column + 1) * values.len()).div_ceil(columns).max(from + 1);
        let seen = values[from.min(values.len())..to.min(values.len())].iter();
        let rows = seen.filter(|v| v.is_finite()).map(|v| row(*v));
        let range = rows.fold(None, |range: Option<(usize, usize)>, row| {
            Some(range.map_or((row, row), |(top, bottom)| (top.min(row), bottom.max(row))))
        });
        for down in range.into_iter().flat_map(|(top, bottom)| top..=bottom) {
            cells[down / DOWN * width + column / ACROSS] |= bit(column, down);
        }
    }
    let glyph = |bits: u8| match bits {
        0 => ' ',
        bits if theme.ascii => plain(bits),
        bits => braille(bits),
    };
    let rows = cells.chunks(width.max(1)).take(height);
    rows.map(|row| row.iter().map(|bits| glyph(*bits)).collect())
        .collect()
}

/// Eighths of a cell, from the bottom.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A histogram: `counts[i]` between `edges[i]` and `edges[i + 1]`, with the largest count above and the range below where there
/// is room. A count that is not zero is always seen.
pub fn histogram(counts: &[u64], edges: &[f64], area: Rect, buf: &mut Buffer, theme: &Theme) {
    let area = area.intersection(buf.area);
    let bins = counts.len().min(edges.len().saturating_sub(1));
    let largest = counts.iter().take(bins).copied().max().unwrap_or(0);
    if area.is_empty() || bins == 0 || largest == 0 {
        return;
    }
    let mut pen = Pen { buf, theme };
    let (low, high) = (edges[0], edges[bins]);
    let framed = area.height >= 4 && area.width >= 12 && low.is_finite() && high.is_finite() && low < high;
    let bars = Rect {
        height: if framed { area.height - 2 } else { area.height },
        ..area
    };
    // bins of one width, and as many columns for each as there are, or the largest of several
    let width = usize::from(bars.width);
    let eighths = f64::from(bars.height) * 8.0;
    for column in 0..width {
        let from = column * bins / width;
        let to = ((column + 1) * bins).div_ceil(width).clamp(from + 1, bins);
        let count = counts[from..to].iter().copied().max().unwrap_or(0);
        let mut level = (count as f64 / largest as f64 * eighths).round() as usize;
        level = level.max(usize::from(count > 0));
        for row in 0..usize::from(bars.height) {
            let filled = level.saturating_sub(row * 8).min(8);
            let glyph = match filled {
                0 => break,
                filled if theme.ascii => {
                    if filled >= 4 {
                        '#'
                    } else {
                        '.'
                    }
                }
                filled => EIGHTHS[filled],
            };
            pen.put(
                bars.x + column as u16,
                bars.bottom() - 1 - row as u16,
                glyph,
                Role::Curve(0),
            );
        }
    }
    if framed {
        range(&mut pen, area, (low, high));
        let most = largest.to_string();
        let room = most.len() as u16;
        let at = area.right().saturating_sub(room);
        let free =
            (at..area.right()).all(|x| pen.buf.cell((x, area.y)).is_some_and(|cell| cell.symbol() == " "));
        if free && room < area.width {
            pen.text(at, area.y, &most, room, Role::Axis);
        }
    }
}

/// A line with ticks and their numbers below the bars.
fn range(pen: &mut Pen, area: Rect, (low, high): (f64, f64)) {
    let axis = Axis::new("", low, high, Scale::Linear);
    let line = pen.glyph('─', '-');
    for x in area.left()..area.right() {
        pen.put(x, area.bottom() - 2, line, Role::Axis);
    }
    let mut lanes = Lanes::new(1, area.left(), area.right(), 1);
    for (value, label) in axis.ticks(usize::from(area.width / 10).max(2)).major {
        let at = (axis.fraction(value) * f64::from(area.width)) as u16;
        let column = area.x + at.min(area.width - 1);
        let tick = pen.glyph('┬', '+');
        pen.put(column, area.bottom() - 2, tick, Role::Axis);
        let shown = pen.spelled(&label).into_owned();
        let width = text::width(&shown) as u16;
        if let Some((_, at)) = lanes.place(column, width, width / 2) {
            pen.text(at, area.bottom() - 1, &shown, width, Role::Axis);
        }
    }
}

//! Where values lie among the cells, and what is laid over a chart: crosshair and chosen interval.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Pen;
use crate::figure::{Panel, Scale};
use crate::tui::theme::{Depth, Role, Theme};

/// The cells of a chart's curves and the values at their edges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    pub plot: Rect,
    /// Values at the left edge of the first column and at the right edge of the last.
    pub x: (f64, f64),
    /// Values at the lower edge of the last row and at the upper edge of the first.
    pub y: (f64, f64),
    pub x_scale: Scale,
    pub y_scale: Scale,
}

impl Frame {
    pub(super) fn new(panel: &Panel, plot: Rect) -> Self {
        Self {
            plot,
            x: (panel.x.min, panel.x.max),
            y: (panel.y.min, panel.y.max),
            x_scale: panel.x.scale,
            y_scale: panel.y.scale,
        }
    }

    /// The column of a value; `None` outside the plot.
    pub fn column_of(&self, x: f64) -> Option<u16> {
        let column = cell(fraction(x, self.x, self.x_scale), self.plot.width)?;
        Some(self.plot.x + column)
    }

    /// The row of a value; `None` outside the plot.
    pub fn row_of(&self, y: f64) -> Option<u16> {
        let row = cell(1.0 - fraction(y, self.y, self.y_scale), self.plot.height)?;
        Some(self.plot.y + row)
    }

    /// The value at the middle of a column; beyond the ends of the axis outside the plot, NaN where there is no plot.
    pub fn x_of(&self, column: u16) -> f64 {
        let at = (f64::from(column) - f64::from(self.plot.x) + 0.5) / f64::from(self.plot.width);
        value(at, self.x, self.x_scale)
    }

    /// The value at the middle of a row; beyond the ends of the axis outside the plot, NaN where there is no plot.
    pub fn y_of(&self, row: u16) -> f64 {
        let at = (f64::from(row) - f64::from(self.plot.y) + 0.5) / f64::from(self.plot.height);
        value(1.0 - at, self.y, self.y_scale)
    }

    /// The columns that an interval covers, at least one where it touches the plot, as the first and the last.
    pub(super) fn span(&self, from: f64, to: f64) -> Option<(u16, u16)> {
        let (from, to) = (from.min(to), from.max(to));
        let width = f64::from(self.plot.width);
        let at = |x: f64| fraction(x, self.x, self.x_scale) * width;
        let (left, right) = (at(from), at(to));
        if !(left < width && right >= 0.0) || self.plot.is_empty() {
            return None;
        }
        let last = width - 1.0;
        let first = left.floor().clamp(0.0, last);
        // an interval that ends where a column begins does not cover it
        let end = (right.ceil() - 1.0).clamp(first, last);
        Some((self.plot.x + first as u16, self.plot.x + end as u16))
    }
}

fn fraction(value: f64, (min, max): (f64, f64), scale: Scale) -> f64 {
    match scale {
        Scale::Linear => (value - min) / (max - min),
        Scale::Log if value > 0.0 => (value / min).ln() / (max / min).ln(),
        Scale::Log => f64::NAN,
    }
}

fn value(fraction: f64, (min, max): (f64, f64), scale: Scale) -> f64 {
    match scale {
        Scale::Linear => min + fraction * (max - min),
        Scale::Log => min * (max / min).powf(fraction),
    }
}

/// The cell of a fraction of a length; the far end belongs to the last cell.
fn cell(fraction: f64, length: u16) -> Option<u16> {
    let last = length.checked_sub(1)?;
    // a value at the very end may miss it by a rounding error
    (-1e-9..=1.0 + 1e-9)
        .contains(&fraction)
        .then(|| ((fraction.max(0.0) * f64::from(length)) as u16).min(last))
}

/// Lays a crosshair over a drawn chart: a vertical line at `x`, a horizontal one at `y` (none where it is NaN or outside).
///
/// Curves stay as they are; where the lines meet, the cell is marked.
pub fn crosshair(frame: &Frame, x: f64, y: f64, buf: &mut Buffer, theme: &Theme) {
    let mut pen = Pen { buf, theme };
    let plot = frame.plot;
    let (column, row) = (frame.column_of(x), frame.row_of(y));
    let free = |pen: &Pen, x: u16, y: u16| pen.buf.cell((x, y)).is_some_and(|cell| cell.symbol() == " ");
    if let Some(column) = column {
        for y in plot.top()..plot.bottom() {
            if free(&pen, column, y) {
                let line = pen.glyph('│', '|');
                pen.put(column, y, line, Role::Crosshair);
            }
        }
    }
    if let Some(row) = row {
        for x in plot.left()..plot.right() {
            if free(&pen, x, row) {
                let line = pen.glyph('─', '-');
                pen.put(x, row, line, Role::Crosshair);
            }
        }
    }
    if let (Some(column), Some(row)) = (column, row) {
        let cross = pen.glyph('┼', '+');
        pen.put(column, row, cross, Role::Crosshair);
    }
}

/// Shows an interval of the x axis as chosen; curves keep their colors.
pub fn selection(frame: &Frame, from: f64, to: f64, buf: &mut Buffer, theme: &Theme) {
    let Some((first, last)) = frame.span(from, to) else {
        return;
    };
    let style = theme.style(Role::Selection);
    for y in frame.plot.top()..frame.plot.bottom() {
        for x in first..=last {
            let Some(cell) = buf.cell_mut((x, y)) else {
                continue;
            };
            match (theme.depth, style.bg) {
                (Depth::True | Depth::Indexed, Some(bg)) => {
                    cell.set_bg(bg);
                }
                _ => cell.modifier |= style.add_modifier,
            }
        }
    }
}

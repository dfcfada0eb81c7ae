//! Charts in cells: what [`crate::figure`] describes, drawn in braille (or in plain characters).
//!
//! A cell holds 2 x 4 dots and has one color. Of the samples that share a column of dots, all between the lowest and the highest
//! is drawn, so that no narrow line is lost. Everything here is a function of its arguments: the same panel gives the same cells,
//! and a terminal is sent nothing for them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text;
use super::theme::{Role, Theme};
use crate::figure::Panel;

mod axes;
mod bands;
mod canvas;
mod columns;
mod frame;
mod lanes;
mod layout;
mod legend;
mod marks;
mod series;
mod small;
#[cfg(test)]
mod tests;

pub use frame::{Frame, crosshair, selection};
pub use legend::legend;
pub use small::{histogram, spark, spark_within, tall_spark};

use layout::Layout;

/// Draws a panel and tells where its values lie.
///
/// What has no room is left out, from the least needed on: a panel of a few cells is a bare curve, one of none is nothing.
pub fn draw(panel: &Panel, area: Rect, buf: &mut Buffer, theme: &Theme) -> Frame {
    let gutter = layout::gutter(panel, area);
    draw_with(panel, area, gutter, buf, theme)
}

/// Draws panels that share an x axis below one another, their left edges aligned: one frame for each pair of panel and area.
pub fn stack(panels: &[&Panel], areas: &[Rect], buf: &mut Buffer, theme: &Theme) -> Vec<Frame> {
    let pairs = || panels.iter().zip(areas);
    let gutter = pairs()
        .map(|(panel, area)| layout::gutter(panel, *area))
        .max()
        .unwrap_or(0);
    pairs()
        .map(|(panel, area)| draw_with(panel, *area, gutter, buf, theme))
        .collect()
}

fn draw_with(panel: &Panel, area: Rect, gutter: u16, buf: &mut Buffer, theme: &Theme) -> Frame {
    let area = area.intersection(buf.area);
    let layout = Layout::new(panel, area, gutter);
    let frame = Frame::new(panel, layout.plot);
    if area.is_empty() {
        return frame;
    }
    let mut pen = Pen { buf, theme };
    axes::draw(&mut pen, panel, &layout, &frame);
    if !layout.plot.is_empty() {
        bands::tints(&mut pen, panel, &frame);
        let mut canvas = canvas::Canvas::new(frame.plot, theme);
        marks::guides(&mut canvas, panel);
        marks::lines(&mut canvas, panel);
        let leaving = series::draw(&mut canvas, panel, theme);
        canvas.flush(&mut pen);
        series::carets(&mut pen, &frame, &leaving);
    }
    bands::foot(&mut pen, panel, &layout, &frame);
    bands::flags(&mut pen, panel, &layout, &frame);
    marks::names(&mut pen, panel, &layout, &frame);
    if let Some(note) = panel.note.as_deref().filter(|_| layout.framed) {
        let plot = layout.plot;
        pen.text(
            plot.x + 1,
            plot.y,
            note,
            plot.width.saturating_sub(1),
            Role::Title,
        );
    }
    frame
}

/// A buffer with the looks it is drawn in.
struct Pen<'a> {
    buf: &'a mut Buffer,
    theme: &'a Theme,
}

impl Pen<'_> {
    /// One character, with the cell's background left as it is.
    fn put(&mut self, x: u16, y: u16, c: char, role: Role) {
        self.styled(x, y, c, self.theme.style(role));
    }

    fn styled(&mut self, x: u16, y: u16, c: char, style: Style) {
        if let Some(cell) = self.buf.cell_mut((x, y)) {
            cell.set_char(c);
            if let Some(fg) = style.fg {
                cell.set_fg(fg);
            }
            cell.modifier |= style.add_modifier;
        }
    }

    /// A text in at most `room` cells, with the background left as it is.
    fn text(&mut self, x: u16, y: u16, content: &str, room: u16, role: Role) {
        let shown = text::fit(&self.spelled(content), usize::from(room));
        let mut style = self.theme.style(role);
        style.bg = None;
        if self.buf.area.contains((x, y).into()) {
            self.buf.set_stringn(x, y, shown, usize::from(room), style);
        }
    }

    /// The text as this terminal can show it.
    fn spelled<'a>(&self, content: &'a str) -> std::borrow::Cow<'a, str> {
        match text::clean(content) {
            std::borrow::Cow::Borrowed(clean) if self.theme.ascii => text::ascii(clean),
            std::borrow::Cow::Owned(clean) if self.theme.ascii => text::ascii(&clean).into_owned().into(),
            clean => clean,
        }
    }

    /// The first of a pair of characters, or the second where only ASCII may be drawn.
    fn glyph(&self, fine: char, plain: char) -> char {
        if self.theme.ascii { plain } else { fine }
    }
}

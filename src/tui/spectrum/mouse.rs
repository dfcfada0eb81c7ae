//! The mouse: click for the crosshair, drag for a box, wheel to zoom where it points.

use crossterm::event::{MouseButton, MouseEventKind};

use super::pane::{Pane, ZOOM};

/// A box as flat as this leaves the flux axis as it is, rows.
const FLAT: u16 = 3;

impl Pane {
    /// Does what a mouse event at this cell of the screen asks for; `true` where something may look different now.
    pub fn mouse(&mut self, column: u16, row: u16, kind: MouseEventKind) -> bool {
        match kind {
            MouseEventKind::Down(MouseButton::Left) => {
                let inside = self.wavelength_at(column, row).is_some();
                self.drag = inside.then_some(((column, row), (column, row)));
                inside
            }
            MouseEventKind::Drag(MouseButton::Left) => match &mut self.drag {
                Some((_, to)) => {
                    *to = (column, row);
                    true
                }
                None => false,
            },
            MouseEventKind::Up(MouseButton::Left) => match self.drag.take() {
                Some((from, _)) => {
                    self.release(from, (column, row));
                    true
                }
                None => false,
            },
            MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
                let Some(at) = self.wavelength_at(column, row) else {
                    return false;
                };
                let inward = kind == MouseEventKind::ScrollUp;
                self.zoom(if inward { 1.0 / ZOOM } else { ZOOM }, at);
                self.refresh();
                true
            }
            _ => false,
        }
    }

    /// The observed wavelength under a cell, where that is within one of the charts.
    fn wavelength_at(&self, column: u16, row: u16) -> Option<f64> {
        let frames = &self.drawn.as_ref()?.frames;
        let frame = frames
            .iter()
            .find(|frame| frame.plot.contains((column, row).into()))?;
        let observed = self.look.observed_at(frame.x_of(column));
        observed.is_finite().then_some(observed)
    }

    fn release(&mut self, from: (u16, u16), to: (u16, u16)) {
        let Some(frame) = self
            .drawn
            .as_ref()
            .and_then(|drawn| drawn.frames.first().copied())
        else {
            return;
        };
        let plot = frame.plot;
        let clamped = |(column, row): (u16, u16)| {
            (
                column.clamp(plot.left(), plot.right().saturating_sub(1).max(plot.left())),
                row.clamp(plot.top(), plot.bottom().saturating_sub(1).max(plot.top())),
            )
        };
        let in_main = plot.contains(from.into());
        let (a, b) = (clamped(from), clamped(to));
        if a.0 == b.0 {
            self.cursor = self.snapped(self.look.observed_at(frame.x_of(a.0)));
        } else {
            let range = [a.0, b.0].map(|column| self.look.observed_at(frame.x_of(column)));
            let tall = in_main && a.1.abs_diff(b.1) >= FLAT;
            let flux = tall.then(|| (frame.y_of(a.1.max(b.1)), frame.y_of(a.1.min(b.1))));
            self.zoom_to_box(range[0], range[1], flux);
        }
        self.refresh();
    }
}

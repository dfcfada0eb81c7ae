//! The pane in cells.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::pane::Pane;
use super::readout::Part;
use crate::figure::{Explored, Panel, Series, SeriesStyle, Shape, explore};
use crate::tui::chart::{self, Frame};
use crate::tui::text;
use crate::tui::theme::{Role, Theme};

/// With fewer rows for the charts there is no residual panel.
const WITH_RESIDUAL: u16 = 11;
/// The residual panel carries the numbers of the x axis: two rows, and three for its curve.
const LEAST_RESIDUAL: u16 = 5;
/// Below this height there is the chart alone.
const WITH_WORDS: u16 = 6;
/// From this height on there is room for the legend.
const WITH_LEGEND: u16 = 18;

/// What is to be drawn in an area, worked out once.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    pub explored: Explored,
    pub rows: Rows,
    /// Where values lie: of the main panel and, where it is there, of the residual.
    pub frames: Vec<Frame>,
}

/// The places of the parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Rows {
    pub title: Option<Rect>,
    pub main: Rect,
    pub residual: Option<Rect>,
    pub readout: Option<Rect>,
    pub measurement: Option<Rect>,
    pub legend: Option<Rect>,
}

impl Rows {
    fn of(area: Rect, pane: &Pane) -> Self {
        let mut top = area.y;
        let mut left = area.height;
        let row = |y: u16| Rect { y, height: 1, ..area };
        let words = area.height >= WITH_WORDS;
        let mut rows = Self::default();
        if words {
            rows.title = Some(row(top));
            top += 1;
            left -= 1;
        }
        let mut take = |wanted: bool, least: u16| {
            (words && wanted && left > least).then(|| {
                left -= 1;
                row(top + left)
            })
        };
        rows.legend = take(area.height >= WITH_LEGEND, 12);
        rows.measurement = take(pane.measured.is_some(), 4);
        rows.readout = take(pane.cursor.is_some(), 4);
        let charts = Rect {
            y: top,
            height: left,
            ..area
        };
        let residual = pane.look.residual && pane.has_model() && left >= WITH_RESIDUAL;
        let below = if residual {
            ((left * 3 + 5) / 10).max(LEAST_RESIDUAL)
        } else {
            0
        };
        rows.main = Rect {
            height: left - below,
            ..charts
        };
        rows.residual = residual.then_some(Rect {
            y: top + left - below,
            height: below,
            ..charts
        });
        rows
    }
}

impl Pane {
    fn has_model(&self) -> bool {
        let known = |view: &crate::figure::SpectrumView| view.reconstruction.iter().any(|v| v.is_finite());
        self.view.as_deref().is_some_and(known)
    }

    /// Gives the pane its place, so that drawing it there costs the least.
    pub fn layout(&mut self, area: Rect) {
        if self.area != area || self.drawn.is_none() {
            self.area = area;
            self.refresh();
        }
    }

    /// Columns of the chart.
    pub(super) fn columns(&self) -> u16 {
        let drawn = self.drawn.as_ref().and_then(|drawn| drawn.frames.first());
        drawn.map_or(self.area.width, |frame| frame.plot.width)
    }

    /// Works out what is to be drawn, after anything has changed.
    pub(super) fn refresh(&mut self) {
        self.drawn = self.worked_out(self.area);
    }

    fn worked_out(&self, area: Rect) -> Option<Drawn> {
        let view = self.view.as_deref()?;
        if area.is_empty() {
            return None;
        }
        let rows = Rows::of(area, self);
        let mut look = self.look.clone();
        look.residual = rows.residual.is_some();
        let mut explored = explore(view, &look, usize::from(area.width) * 2);
        self.add_continuum(&mut explored.main);
        // where values lie is known when it has been drawn once
        let mut scratch = Buffer::empty(area);
        let frames = draw_charts(&explored, &rows, &mut scratch, &Theme::default());
        Some(Drawn {
            explored,
            rows,
            frames,
        })
    }

    /// The continuum of the measurement, as a curve.
    fn add_continuum(&self, main: &mut Panel) {
        if let Some(m) = self.measurement() {
            main.series.push(Series {
                name: "continuum".to_owned(),
                x: [m.from, m.to].map(|x| self.look.x_of(x)).into(),
                y: vec![m.continuum.0, m.continuum.1],
                shape: Shape::Line,
                style: SeriesStyle::Curve(0),
            });
        }
    }

    /// Draws the pane.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let fresh;
        let drawn = match &self.drawn {
            Some(drawn) if self.area == area => Some(drawn),
            _ => {
                fresh = self.worked_out(area);
                fresh.as_ref()
            }
        };
        let Some(drawn) = drawn else {
            words(&self.title(), Rect { height: 1, ..area }, buf, theme);
            return;
        };
        let rows = &drawn.rows;
        let frames = draw_charts(&drawn.explored, rows, buf, theme);
        for (i, frame) in frames.iter().enumerate() {
            self.overlay(frame, i == 0, buf, theme);
        }
        if let Some(row) = rows.title {
            let mut parts = self.title();
            parts.extend(self.manner());
            words(&parts, row, buf, theme);
        }
        if let Some(row) = rows.readout {
            words(&self.readout(), row, buf, theme);
        }
        if let Some(row) = rows.measurement {
            words(&self.measurement_words(), row, buf, theme);
        }
        if let Some(row) = rows.legend {
            let mut legend = chart::legend(&drawn.explored.main, theme);
            // Whole entries only: each is a sample and a name.
            while legend.width() > usize::from(row.width) && legend.spans.len() > 1 {
                legend.spans.truncate(legend.spans.len() - 2);
            }
            buf.set_line(row.x, row.y, &legend, row.width);
        }
    }

    /// The chosen interval and the crosshair.
    fn overlay(&self, frame: &Frame, main: bool, buf: &mut Buffer, theme: &Theme) {
        let mut select = |from: f64, to: f64| chart::selection(frame, from, to, buf, theme);
        if let Some(measured) = &self.measured {
            select(self.look.x_of(measured.from), self.look.x_of(measured.to));
        }
        if let Some(edge) = &self.edge {
            let to = self.cursor.unwrap_or(edge.at);
            select(self.look.x_of(edge.at), self.look.x_of(to));
        }
        if let Some((from, to)) = self.drag
            && from.0 != to.0
        {
            select(frame.x_of(from.0), frame.x_of(to.0));
        }
        let Some(cursor) = self.cursor else {
            return;
        };
        let height = || {
            let view = self.view.as_deref()?;
            let pixel = self.pixel_at(cursor)?;
            let list = if main { &view.flux } else { &view.residual_sigma };
            list.get(pixel).map(|value| f64::from(*value))
        };
        let x = self.look.x_of(cursor);
        chart::crosshair(frame, x, f64::NAN, buf, theme);
        // a line all across would cover much of a curve; a cross on the pixel is enough
        let row = height().and_then(|height| frame.row_of(height));
        if let Some(cell) = frame.column_of(x).zip(row).and_then(|place| buf.cell_mut(place)) {
            cell.set_char(if theme.ascii { '+' } else { '┼' });
            cell.set_style(text_style(theme, Role::Crosshair));
        }
    }
}

fn draw_charts(explored: &Explored, rows: &Rows, buf: &mut Buffer, theme: &Theme) -> Vec<Frame> {
    match (&explored.residual, rows.residual) {
        (Some(residual), Some(below)) => {
            chart::stack(&[&explored.main, residual], &[rows.main, below], buf, theme)
        }
        _ => vec![chart::draw(&explored.main, rows.main, buf, theme)],
    }
}

/// The look of words: colors of grounds are for charts.
fn text_style(theme: &Theme, role: Role) -> Style {
    Style {
        bg: None,
        ..theme.style(role)
    }
}

/// Writes the parts that fit, the first ones first, two spaces apart; a first part that does not fit is cut.
fn words(parts: &[Part], row: Rect, buf: &mut Buffer, theme: &Theme) {
    let mut x = row.x;
    for (i, (content, role)) in parts.iter().enumerate() {
        let clean = text::clean(content);
        let content = if theme.ascii {
            text::ascii(&clean)
        } else {
            Cow::Borrowed(&*clean)
        };
        let room = usize::from(row.right().saturating_sub(x));
        if i > 0 && text::width(&content) > room {
            continue;
        }
        let mut shown = text::fit(&content, room);
        if theme.ascii {
            shown = shown.replace('…', "~");
        }
        let (end, _) = buf.set_stringn(x, row.y, shown, room, text_style(theme, *role));
        x = end.saturating_add(2);
        if x >= row.right() {
            return;
        }
    }
}

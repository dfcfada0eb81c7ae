//! The contact sheet: the list as a grid of small sky images, each with its spectrum.

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::draw::{Placed, show};
use super::kept::Outcome;
use crate::tui::app::App;
use crate::tui::chart;
use crate::tui::draw::cover;
use crate::tui::text::{self, thousands};
use crate::tui::theme::Role;

/// Where one is on the sheet: places of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    pub cursor: u64,
    top: u64,
}

/// Rows of the small spectrum below an image.
const SPECTRUM: u16 = 2;

/// The sheet cut up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// With its border.
    pub area: Rect,
    /// Columns and rows of tiles.
    tiles: (u16, u16),
    /// Columns and rows that an image may take.
    pub room: (u16, u16),
}

impl Grid {
    /// Images of a size that fills the sheet best, at least twelve where they fit.
    pub fn of(area: Rect, (cell_w, cell_h): (u16, u16)) -> Self {
        const WIDTHS: [u16; 6] = [32, 26, 20, 16, 12, 8];
        const ENOUGH: u32 = 12;
        let inside = (area.width.saturating_sub(2), area.height.saturating_sub(2));
        let cut = |width: u16| {
            let rows = (u32::from(width) * u32::from(cell_w)).div_ceil(u32::from(cell_h.max(1)));
            let room = (width, u16::try_from(rows).unwrap_or(u16::MAX).max(1));
            let tiles = (
                inside.0 / (room.0 + 2),
                inside.1 / room.1.saturating_add(1 + SPECTRUM),
            );
            Self { area, tiles, room }
        };
        let grids = WIDTHS.map(cut);
        let tiles = |grid: &&Self| u32::from(grid.tiles.0) * u32::from(grid.tiles.1);
        let filled = |grid: &&Self| tiles(grid) * u32::from(grid.room.0) * u32::from(grid.room.1);
        // Of two alike, the larger images: the last one would win.
        let enough = grids.iter().rev().filter(|grid| tiles(grid) >= ENOUGH);
        let any = grids.iter().max_by_key(tiles);
        *enough.max_by_key(filled).or(any).unwrap_or(&grids[0])
    }

    pub fn columns(&self) -> i64 {
        i64::from(self.tiles.0.max(1))
    }

    /// Tiles on the sheet.
    pub fn count(&self) -> i64 {
        self.columns() * i64::from(self.tiles.1.max(1))
    }

    /// The tile at a place of the sheet.
    fn tile(&self, at: u64) -> Rect {
        let columns = u64::from(self.tiles.0.max(1));
        let (column, row) = ((at % columns) as u16, (at / columns) as u16);
        let (width, height) = (self.room.0 + 2, self.room.1 + 1 + SPECTRUM);
        let left = (self.area.width.saturating_sub(2 + self.tiles.0 * width)) / 2;
        Rect {
            x: self.area.x + 1 + left + column * width,
            y: self.area.y + 1 + row * height,
            width,
            height,
        }
        .intersection(self.area)
    }
}

impl Contact {
    pub fn at(cursor: u64) -> Self {
        Self { cursor, top: cursor }
    }

    /// Places of the list that are on the sheet.
    pub fn places(&self, grid: &Grid, count: u64) -> Range<u64> {
        self.top..(self.top + grid.count() as u64).min(count)
    }

    pub fn step(&mut self, step: i64, last: u64) {
        self.cursor = self.cursor.saturating_add_signed(step).min(last);
    }

    /// Whole rows of tiles, the cursor among them.
    pub fn turn(&mut self, grid: &Grid) {
        let (columns, count) = (grid.columns() as u64, grid.count() as u64);
        let row = self.cursor / columns * columns;
        let top = self.top / columns * columns;
        self.top = top.clamp((row + columns).saturating_sub(count), row);
    }
}

/// Draws the sheet over everything between tabs and status.
pub fn draw(frame: &mut Frame, app: &App) -> Vec<Placed> {
    let (Some(contact), Some((count, _))) = (&app.contact, app.front().extent()) else {
        return Vec::new();
    };
    let theme = &app.shell.theme;
    let grid = app.contact_grid();
    let places = contact.places(&grid, count);
    let title = format!(
        "{} to {} of {}: arrows move, Enter goes there, Esc closes",
        thousands(places.start + 1),
        thousands(places.end),
        thousands(count)
    );
    cover(frame, grid.area, theme, &title);
    let mut placed = Vec::new();
    for (at, place) in places.enumerate() {
        let Some((target, names)) = app.front().listed(place) else {
            continue;
        };
        let tile = grid.tile(at as u64);
        let inside = Rect {
            width: tile.width.saturating_sub(2).min(grid.room.0),
            ..tile
        };
        let row = |y: u16, height: u16| {
            Rect {
                y: tile.y + y,
                height,
                ..inside
            }
            .intersection(tile)
        };
        let is_marked = matches!(&target, crate::tui::app::Target::Id(id) if app.shell.marks.contains(id));
        let role = match (place == contact.cursor, is_marked) {
            (true, _) => Role::Selected,
            (_, true) => Role::Marked,
            _ => Role::Dim,
        };
        let name = named(&names, usize::from(inside.width));
        frame.render_widget(Line::styled(name, theme.style(role)), row(0, 1));
        let order = app.small_order(place, &grid);
        match order.and_then(|order| app.pictures.get(&order)) {
            Some(Outcome::Ready(picture)) => {
                placed.extend(show(picture, row(1, grid.room.1), frame.buffer_mut(), theme));
            }
            Some(Outcome::OnItsWay) => say(frame, row(1, 1), "on its way", theme),
            Some(Outcome::Missing(_)) => say(frame, row(1, 1), "no image", theme),
            None => (),
        }
        if let Some(Some(values)) = app.pictures.spectrum(&target) {
            let size = (usize::from(inside.width), usize::from(SPECTRUM));
            let rows = chart::tall_spark(values, (0.0, 1.0), size, theme);
            let lines: Vec<Line> = rows
                .into_iter()
                .map(|row| Line::styled(row, theme.style(Role::Data)))
                .collect();
            frame.render_widget(Paragraph::new(lines), row(1 + grid.room.1, SPECTRUM));
        }
    }
    placed
}

/// The names that there is room for, the last one always.
fn named(names: &[String], width: usize) -> String {
    let Some((id, before)) = names.split_last() else {
        return String::new();
    };
    let clean = |name: &String| text::clean(name).into_owned();
    let with = |kept: usize| before[..kept].iter().chain([id]).map(clean).collect::<Vec<_>>();
    let whole = (0..=before.len()).rev().map(|kept| with(kept).join(" "));
    let fitting = whole.into_iter().find(|name| text::width(name) <= width);
    ending(&fitting.unwrap_or_else(|| clean(id)), width)
}

/// A name in so many cells; of a long one the end, by which ids differ.
fn ending(name: &str, width: usize) -> String {
    let count = name.chars().count();
    if count <= width {
        return text::pad(name, width);
    }
    let tail: String = name.chars().skip(count + 1 - width.max(1)).collect();
    format!("…{tail}")
}

fn say(frame: &mut Frame, area: Rect, words: &'static str, theme: &crate::tui::theme::Theme) {
    frame.render_widget(Line::styled(words, theme.style(Role::Dim)), area);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_lie_on_the_sheet_and_apart() {
        for (width, height) in [(80, 21), (120, 37), (200, 57), (60, 13), (500, 200)] {
            let area = Rect::new(0, 1, width, height);
            for cell in [(8, 16), (10, 10), (7, 20)] {
                let grid = Grid::of(area, cell);
                assert!(grid.count() >= 1);
                let tiles: Vec<Rect> = (0..grid.count() as u64).map(|at| grid.tile(at)).collect();
                for (n, tile) in tiles.iter().enumerate() {
                    assert!(area.union(*tile) == area);
                    assert!(
                        tiles[..n].iter().all(|other| !other.intersects(*tile)),
                        "{grid:?}"
                    );
                }
            }
        }
        assert!(Grid::of(Rect::new(0, 1, 120, 37), (8, 16)).count() >= 12);
        assert!(Grid::of(Rect::new(0, 1, 80, 21), (8, 16)).count() >= 12);
    }

    #[test]
    fn ids_are_told_apart() {
        assert_eq!(ending("288234774198222850", 8), "…8222850");
        assert_eq!(ending("sim-1", 8), "sim-1   ");
        assert_eq!(ending("sim-1", 0), "…");
        let names = ["#3", "12.5", "876-52346-270"].map(str::to_owned);
        for (width, shown) in [
            (22, "#3 12.5 876-52346-270 "),
            (20, "#3 876-52346-270    "),
            (15, "876-52346-270  "),
            (8, "…346-270"),
        ] {
            assert_eq!(named(&names, width), shown);
        }
    }

    #[test]
    fn the_cursor_stays_on_the_sheet() {
        let grid = Grid::of(Rect::new(0, 1, 120, 37), (8, 16));
        let mut contact = Contact::at(0);
        for step in [1, 7, 500, -3, i64::MIN / 2, i64::MAX / 2, -40, 12, -1] {
            contact.step(step, 233);
            contact.turn(&grid);
            assert!(
                contact.places(&grid, 234).contains(&contact.cursor),
                "{contact:?}"
            );
            assert_eq!(contact.top % grid.columns() as u64, 0);
        }
    }
}

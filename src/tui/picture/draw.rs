//! Pictures in the frame: as colors, as places that characters name, or as a hole that is filled after it.

use std::sync::Arc;

use ratatui::Frame;
use ratatui::buffer::{Buffer, CellDiffOption};
use ratatui::layout::{Alignment, Rect};
use ratatui::style::Color;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget as _, Wrap};
use ratatui_image::Image;

use super::encode::{Caption, Payload, Picture};
use super::kept::{Outcome, Pictures};
use super::marks::arcseconds;
use super::order::{Order, View};
use crate::tui::draw::framed;
use crate::tui::text;
use crate::tui::theme::{Depth, Role, Theme};

/// A picture that the characters alone do not show, and where it stands.
#[derive(Debug, Clone)]
pub struct Placed {
    pub area: Rect,
    pub picture: Arc<Picture>,
}

impl PartialEq for Placed {
    /// The same picture at the same place.
    fn eq(&self, other: &Self) -> bool {
        self.area == other.area && Arc::ptr_eq(&self.picture, &other.picture)
    }
}

/// Rows below a sky image: its scale, its credit.
pub const CAPTION: u16 = 2;

/// Columns and rows that the picture of a pane may take.
pub fn room(area: Rect) -> (u16, u16) {
    (
        area.width.saturating_sub(2),
        area.height.saturating_sub(2 + CAPTION),
    )
}

/// Draws the pane of the sky image.
pub fn draw(
    frame: &mut Frame,
    area: Rect,
    order: Option<&Order>,
    pictures: &Pictures,
    theme: &Theme,
) -> Option<Placed> {
    let outcome = order.and_then(|order| pictures.get(order));
    let title = title(&pictures.view, outcome);
    let block = framed(theme, &title);
    let inside = block.inner(area);
    frame.render_widget(block, area);
    let words = match outcome? {
        Outcome::Ready(picture) => {
            let height = inside.height.saturating_sub(CAPTION);
            let below = Rect {
                y: inside.y + height,
                height: inside.height - height,
                ..inside
            };
            frame.render_widget(Paragraph::new(caption(&picture.caption, theme)), below);
            let above = Rect { height, ..inside };
            return show(picture, above, frame.buffer_mut(), theme);
        }
        Outcome::OnItsWay => "The image is on its way.".into(),
        Outcome::Missing(why) => format!("No sky image: {}", text::clean(why)),
    };
    let words = Paragraph::new(words)
        .style(theme.style(Role::Dim))
        .wrap(Wrap { trim: true });
    frame.render_widget(words, inside);
    None
}

fn title(view: &View, outcome: Option<&Outcome>) -> String {
    let mut title = "sky".to_owned();
    let service = match outcome {
        Some(Outcome::Ready(picture)) => picture.caption.service.as_str(),
        _ => view.service.as_deref().unwrap_or(""),
    };
    for part in [
        service.to_owned(),
        match view.zoom {
            0 => String::new(),
            zoom => format!("x{}", 2f64.powi(i32::from(zoom))),
        },
        match view.brightness {
            0 => String::new(),
            steps => format!("{steps:+}"),
        },
    ] {
        if !part.is_empty() {
            title = format!("{title} {}", text::clean(&part));
        }
    }
    title
}

/// The two lines below: what the bar is long and how large the field is; whose image it is.
fn caption(caption: &Caption, theme: &Theme) -> Vec<Line<'static>> {
    let mut parts = Vec::new();
    parts.extend(caption.bar.map(|bar| format!("bar {}", arcseconds(bar))));
    if let Some(width) = caption.width {
        parts.push(match width < 100.0 {
            true => format!("{width:.0}\" wide"),
            false => format!("{:.1}' wide", width / 60.0),
        });
    }
    parts.push(if theme.ascii { "N^ E<" } else { "N↑ E←" }.into());
    let dim = theme.style(Role::Dim);
    let credit = match caption.note.as_str() {
        "" => caption.credit.clone(),
        note => format!("{note}; {}", caption.credit),
    };
    vec![
        Line::from(Span::styled(parts.join("  "), theme.style(Role::Text))).alignment(Alignment::Center),
        Line::from(Span::styled(text::clean(&credit).into_owned(), dim)).alignment(Alignment::Center),
    ]
}

/// Puts a picture into the middle of an area.
pub fn show(picture: &Arc<Picture>, area: Rect, buf: &mut Buffer, theme: &Theme) -> Option<Placed> {
    let area = area.intersection(buf.area);
    let place = Rect {
        x: area.x + area.width.saturating_sub(picture.cells.0) / 2,
        y: area.y + area.height.saturating_sub(picture.cells.1) / 2,
        width: picture.cells.0.min(area.width),
        height: picture.cells.1.min(area.height),
    };
    if place.is_empty() {
        return None;
    }
    let placed = Placed {
        area: place,
        picture: Arc::clone(picture),
    };
    match &picture.payload {
        Payload::Colors(cells) => {
            Image::new(cells).allow_clipping(true).render(place, buf);
            if theme.depth == Depth::Indexed {
                few_colors(place, buf, theme);
            }
            None
        }
        Payload::Kitty { id, places, .. } => {
            Image::new(places).allow_clipping(true).render(place, buf);
            // The low byte names it; the high one is in the characters.
            for position in place.positions() {
                if let Some(cell) = buf.cell_mut(position) {
                    cell.set_fg(Color::Indexed(*id as u8));
                }
            }
            Some(placed)
        }
        // It cannot be cut.
        Payload::Sent(_) if (place.width, place.height) != picture.cells => None,
        Payload::Sent(_) => {
            for position in place.positions() {
                if let Some(cell) = buf.cell_mut(position) {
                    cell.reset();
                    cell.set_diff_option(CellDiffOption::Skip);
                }
            }
            Some(placed)
        }
    }
}

fn few_colors(area: Rect, buf: &mut Buffer, theme: &Theme) {
    for position in area.positions() {
        if let Some(cell) = buf.cell_mut(position) {
            let few = |color: Color| match color {
                Color::Rgb(r, g, b) => theme.nearest(r, g, b),
                color => color,
            };
            (cell.fg, cell.bg) = (few(cell.fg), few(cell.bg));
        }
    }
}

/// Which of the pictures are seen whole, when everything is drawn: what lies over cells cannot show around a popup, and is left out of
/// the frame while there is one.
pub fn settle(placed: Vec<Placed>, buf: &mut Buffer) -> Vec<Placed> {
    let is_hole = |buf: &Buffer, area: Rect| {
        area.positions().all(|at| {
            buf.cell(at)
                .is_some_and(|cell| cell.diff_option == CellDiffOption::Skip)
        })
    };
    let over: Vec<Rect> = placed.iter().map(|one| one.area).collect();
    let seen = placed
        .into_iter()
        .enumerate()
        .filter(|(n, one)| {
            let covered = over[n + 1..].iter().any(|area| area.intersects(one.area));
            !matches!(one.picture.payload, Payload::Sent(_)) || (!covered && is_hole(buf, one.area))
        })
        .map(|(_, one)| one)
        .collect();
    for area in over {
        for position in area.positions() {
            if let Some(cell) = buf.cell_mut(position)
                && cell.diff_option == CellDiffOption::Skip
            {
                cell.reset();
            }
        }
    }
    seen
}

/// Takes back the characters that place a picture which is not sent yet.
pub fn postpone(placed: &Placed, buf: &mut Buffer) {
    if matches!(placed.picture.payload, Payload::Kitty { .. }) {
        for position in placed.area.positions() {
            // A popup's characters stay.
            if let Some(cell) = buf.cell_mut(position)
                && cell.symbol().starts_with('\u{10EEEE}')
            {
                cell.reset();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Arc<Picture> {
        Arc::new(Picture {
            payload: Payload::Sent("SIXEL".into()),
            cells: (4, 2),
            caption: Caption::default(),
        })
    }

    #[test]
    fn a_covered_picture_is_left_out_whole() {
        let area = Rect::new(0, 0, 20, 10);
        let theme = Theme::default();
        let mut buf = Buffer::empty(area);
        let placed = show(&picture(), area, &mut buf, &theme).unwrap();
        assert_eq!(placed.area, Rect::new(8, 4, 4, 2), "in the middle");
        let seen = settle(vec![placed.clone()], &mut buf);
        assert_eq!(seen, std::slice::from_ref(&placed));
        assert_eq!(buf, Buffer::empty(area), "ratatui sees blank cells");

        show(&picture(), area, &mut buf, &theme);
        ratatui::widgets::Clear.render(Rect::new(0, 0, 9, 5), &mut buf);
        assert!(settle(vec![placed.clone()], &mut buf).is_empty());
        assert_eq!(buf, Buffer::empty(area));

        // A picture over another one.
        let above = show(&picture(), Rect::new(8, 4, 4, 2), &mut buf, &theme).unwrap();
        let both = settle(vec![placed, above.clone()], &mut buf);
        assert_eq!(both, [above]);
        // No room to stand whole.
        assert!(show(&picture(), Rect::new(0, 0, 3, 9), &mut buf, &theme).is_none());
    }
}

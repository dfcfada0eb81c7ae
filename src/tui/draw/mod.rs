//! The frame: tabs, panes, status, keys, and what covers them. It decides nothing.

mod facts;
mod popup;
mod status;

pub use popup::reach;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph, Wrap};

use super::app::App;
use super::keys::ScreenId;
use super::layout::{LEAST, Panes, Zoomed};
use super::picture::{self, Placed};
use super::text;
use super::theme::{Role, Theme};

pub use popup::Hyperlink;

/// Draws everything; returns the pictures that are seen and that characters alone do not show.
pub fn draw(frame: &mut Frame, app: &App) -> Vec<Placed> {
    // The terminal may be of another size already than the app was told.
    let area = frame.area();
    let shell = &app.shell;
    let panes = app.layout.panes(area, app.screen);
    if panes.is_too_small() {
        let words = format!(
            "spectriage needs {} x {} characters; this is {} x {}. Widen the terminal, or q to leave.",
            LEAST.0, LEAST.1, area.width, area.height
        );
        frame.render_widget(Paragraph::new(words).wrap(Wrap { trim: true }), area);
        return Vec::new();
    }
    tabs(frame, panes.tabs, app);
    let front = app.front();
    if !panes.list.is_empty() {
        front.draw(frame, panes.list, shell);
    }
    let order = app.picture_order();
    let mut placed = Vec::new();
    if !panes.spectrum.is_empty() {
        match app.screen {
            ScreenId::Files => {
                let figure = order.as_ref().and_then(|order| app.pictures.get(order));
                placed.extend(app.files.draw_preview(frame, panes.spectrum, figure, shell));
            }
            _ => spectrum(frame, panes.spectrum, app),
        }
    }
    if !panes.image.is_empty() {
        let shown = picture::draw(frame, panes.image, order.as_ref(), &app.pictures, &shell.theme);
        placed.extend(shown);
    }
    if !panes.facts.is_empty() {
        facts::draw(frame, panes.facts, app);
    }
    status::draw(frame, panes.status, app);
    status::keys(frame, panes.keys, app);
    let body = body(&panes, area);
    placed.extend(picture::contact::draw(frame, app));
    front.draw_popup(frame, body, shell);
    popup::draw(frame, body, app);
    popup::pending(frame, body, app);
    if app.welcome {
        popup::welcome(frame, body, app);
    }
    if let Some(prompt) = &shell.prompt {
        popup::prompt(frame, panes.status, panes.keys, body, prompt, &shell.theme);
    }
    picture::settle(placed, frame.buffer_mut())
}

/// Between the tabs and the status.
fn body(panes: &Panes, area: Rect) -> Rect {
    Rect {
        y: panes.tabs.bottom(),
        height: panes.status.y - panes.tabs.bottom(),
        ..area
    }
}

/// The addresses that [`draw`] has put on a screen of this size.
pub fn hyperlinks(area: Rect, app: &App) -> Vec<Hyperlink> {
    let panes = app.layout.panes(area, app.screen);
    match panes.is_too_small() {
        true => Vec::new(),
        false => popup::hyperlinks(body(&panes, area), &app.shell),
    }
}

fn tabs(frame: &mut Frame, area: Rect, app: &App) {
    let theme = &app.shell.theme;
    let mut spans = vec![Span::raw(" ")];
    for (n, id) in ScreenId::ALL.into_iter().enumerate() {
        let style = if id == app.screen {
            theme.style(Role::Selected).add_modifier(Modifier::BOLD)
        } else {
            theme.style(Role::Dim)
        };
        spans.push(Span::styled(format!(" {} {} ", n + 1, id.name()), style));
        spans.push(Span::raw(" "));
    }
    if app.shell.labels.inspecting {
        let style = theme
            .style(Role::Label)
            .add_modifier(Modifier::BOLD | Modifier::REVERSED);
        spans.push(Span::styled(" INSPECT 0-4 ", style));
    }
    let left = Line::from(spans);
    let room = usize::from(area.width).saturating_sub(left.width() + 1);
    let name = text::fit(&text::clean(&app.shell.inputs.join(" ")), room);
    let name = Line::styled(name, theme.style(Role::Dim)).right_aligned();
    frame.render_widget(name, area);
    frame.render_widget(left, area);
}

/// The screen whose name stands at a column of the tabs.
pub fn tab_at(column: u16) -> Option<ScreenId> {
    let mut from = 1;
    for id in ScreenId::ALL {
        let to = from + id.name().len() as u16 + 4;
        if (from..to).contains(&column) {
            return Some(id);
        }
        from = to + 1;
    }
    None
}

fn spectrum(frame: &mut Frame, area: Rect, app: &App) {
    let theme = &app.shell.theme;
    match (app.shown.failure(), app.front().target()) {
        (Some(failure), _) => {
            let words = Paragraph::new(text::clean(failure).into_owned())
                .style(theme.style(Role::Warn))
                .wrap(Wrap { trim: true });
            let block = framed(theme, "no spectrum");
            frame.render_widget(words.block(block), area);
        }
        (None, None) => {
            let words = match app.layout.zoomed {
                Zoomed::None => "Nothing is selected.",
                _ => "Nothing is selected. Esc brings the list back.",
            };
            let block = framed(theme, "spectrum");
            frame.render_widget(
                Paragraph::new(words).style(theme.style(Role::Dim)).block(block),
                area,
            );
        }
        (None, Some(_)) => app.pane.draw(area, frame.buffer_mut(), theme),
    }
}

/// A border with a title, in plain characters where the theme asks for them.
pub fn framed<'a>(theme: &Theme, title: &'a str) -> Block<'a> {
    let block = Block::bordered()
        .border_style(theme.style(Role::Border))
        .title(Span::styled(format!(" {title} "), theme.style(Role::Title)));
    match theme.ascii {
        true => block.border_set(ratatui::symbols::border::Set {
            top_left: "+",
            top_right: "+",
            bottom_left: "+",
            bottom_right: "+",
            vertical_left: "|",
            vertical_right: "|",
            horizontal_top: "-",
            horizontal_bottom: "-",
        }),
        false => block.border_type(BorderType::Rounded),
    }
}

/// A place in the middle of `area` for something that covers it.
pub fn centered(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}

/// Clears a place and puts a border around it; returns what is inside.
pub fn cover(frame: &mut Frame, area: Rect, theme: &Theme, title: &str) -> Rect {
    frame.render_widget(Clear, area);
    let block = framed(theme, title).border_style(theme.style(Role::Focus));
    let inside = block.inner(area);
    frame.render_widget(block, area);
    inside
}

/// Puts the cursor of the terminal into a line.
fn cursor(frame: &mut Frame, area: Rect, column: usize) {
    let column = u16::try_from(column).unwrap_or(u16::MAX);
    frame.set_cursor_position(Position {
        x: area.x.saturating_add(column).min(area.right().saturating_sub(1)),
        y: area.y,
    });
}

//! What covers the frame: help, messages, links, questions, the line at the foot and its completions.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Clear, Paragraph, Wrap};

use super::{centered, cover, cursor};
use crate::tui::app::{App, Level, Page, Popup, Prompt, Shell, commands};
use crate::tui::keys::{Found, Keymap, Place, table::TABLE};
use crate::tui::text;
use crate::tui::theme::{Role, Theme};

pub fn draw(frame: &mut Frame, area: Rect, app: &App) {
    let shell = &app.shell;
    let theme = &shell.theme;
    match &shell.popup {
        None => (),
        Some(popup @ (Popup::Help { .. } | Popup::Messages { .. } | Popup::Page(_))) => {
            let columns = width(popup).min(area.width);
            let lines = lines(popup, shell, usize::from(columns.saturating_sub(2)));
            let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
            let place = centered(area, columns, height);
            let inside = cover(frame, place, theme, &title(popup));
            let rows = usize::from(inside.height);
            let top = popup.top().min(lines.len().saturating_sub(rows));
            let shown: Vec<Line> = lines.into_iter().skip(top).take(rows).collect();
            frame.render_widget(Text::from(shown), inside);
        }
        Some(Popup::Links { links, chosen }) => {
            let place = links_place(area, links.len());
            let inside = cover(frame, place, theme, "pages of the object");
            let mut lines = Vec::new();
            for (n, link) in links.iter().enumerate() {
                let role = if n == *chosen { Role::Selected } else { Role::Title };
                lines.push(Line::styled(link.name, theme.style(role)));
                lines.push(Line::styled(link.address.clone(), theme.style(Role::Text)));
            }
            lines.push(Line::styled("Enter copies the address", theme.style(Role::Dim)));
            frame.render_widget(Text::from(lines), inside);
        }
        Some(Popup::Confirm { question, .. }) => {
            let inside = cover(frame, centered(area, 60, 6), theme, "sure?");
            let words = format!("{question}\n\ny: yes    any other key: no");
            frame.render_widget(Paragraph::new(words).wrap(Wrap { trim: true }), inside);
        }
    }
}

/// Columns of a page, borders included.
fn width(popup: &Popup) -> u16 {
    match popup {
        Popup::Help { .. } => 92,
        _ => 110,
    }
}

fn title(popup: &Popup) -> String {
    match popup {
        Popup::Help { search, .. } if search.is_empty() => {
            "keys: type to search, arrows scroll, Esc closes".into()
        }
        Popup::Help { search, .. } => format!("keys with \"{}\"", text::clean(search)),
        Popup::Messages { .. } => "messages, newest first".into(),
        Popup::Page(page) => text::clean(&page.title).into_owned(),
        Popup::Links { .. } | Popup::Confirm { .. } => String::new(),
    }
}

/// The lines of a page, none longer than it is wide.
fn lines(popup: &Popup, shell: &Shell, width: usize) -> Vec<Line<'static>> {
    let theme = &shell.theme;
    let paragraph = |words: &str, role: Role| -> Vec<Line<'static>> {
        text::wrapped(&text::clean(words), width)
            .into_iter()
            .map(|line| Line::styled(line, theme.style(role)))
            .collect()
    };
    match popup {
        Popup::Help { search, .. } => help(&shell.keymap, search, width, theme),
        Popup::Messages { .. } => {
            let newest_first = shell.messages.iter().rev();
            newest_first
                .flat_map(|message| {
                    let role = match message.level {
                        Level::Note => Role::Dim,
                        Level::Done => Role::Good,
                        Level::Warning => Role::Warn,
                        Level::Error => Role::Bad,
                    };
                    paragraph(&message.text, role)
                })
                .collect()
        }
        Popup::Page(Page { lines, .. }) => lines
            .iter()
            .flat_map(|line| paragraph(line, Role::Text))
            .collect(),
        Popup::Links { .. } | Popup::Confirm { .. } => Vec::new(),
    }
}

fn links_place(area: Rect, count: usize) -> Rect {
    centered(area, 130, count as u16 * 2 + 3)
}

/// Where on the screen an address stands, and as much of it as is seen: the terminal can make a link of it.
pub struct Hyperlink {
    pub place: Position,
    pub seen: String,
    pub address: String,
}

/// The addresses that are on the screen.
pub fn hyperlinks(area: Rect, shell: &Shell) -> Vec<Hyperlink> {
    let Some(Popup::Links { links, .. }) = &shell.popup else {
        return Vec::new();
    };
    let place = links_place(area, links.len());
    let width = usize::from(place.width.saturating_sub(2));
    let rows = (place.y + 2..place.bottom().saturating_sub(1)).step_by(2);
    rows.zip(links)
        .map(|(y, link)| Hyperlink {
            place: Position { x: place.x + 1, y },
            seen: link.address.chars().take(width).collect(),
            address: link.address.clone(),
        })
        .collect()
}

/// Rows that are seen of the page that covers the frame, and the last line with which it may begin.
pub fn reach(popup: &Popup, shell: &Shell) -> (usize, usize) {
    let columns = width(popup).min(shell.size.0).saturating_sub(2);
    // Without tabs, status and keys, and the border.
    let rows = usize::from(shell.size.1.saturating_sub(5));
    let lines = lines(popup, shell, usize::from(columns)).len();
    (rows, lines.saturating_sub(rows))
}

/// All keys and commands that have `search` in their words.
fn help(keymap: &Keymap, search: &str, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    /// Columns of the keys.
    const KEYS: usize = 26;
    let search = search.to_lowercase();
    let mut lines = Vec::new();
    let mut section = |title: &str, rows: Vec<(String, String)>| {
        if rows.is_empty() {
            return;
        }
        lines.push(Line::styled(title.to_owned(), theme.style(Role::Title)));
        for (keys, about) in rows {
            let mut keys = text::pad(&format!("  {keys}"), KEYS);
            for about in text::wrapped(&about, width.saturating_sub(KEYS).max(1)) {
                lines.push(Line::from(vec![
                    Span::styled(keys, theme.style(Role::Key)),
                    Span::styled(about, theme.style(Role::Text)),
                ]));
                keys = " ".repeat(KEYS);
            }
        }
        lines.push(Line::default());
    };
    let has = |texts: &[&str]| texts.iter().any(|text| text.to_lowercase().contains(&search));
    for place in Place::ALL {
        let rows = TABLE
            .iter()
            .filter(|row| row.place == place && !row.about.is_empty())
            .map(|row| (keymap.keys_of(row).join("  "), row))
            .filter(|(keys, row)| has(&[row.about, row.name, keys, place.title()]))
            .map(|(keys, row)| (keys, row.about.to_owned()))
            .collect();
        section(place.title(), rows);
    }
    let rows = commands()
        .iter()
        .filter(|command| has(&[command.name, command.about]))
        .map(|command| {
            (
                format!(":{} {}", command.name, command.takes),
                command.about.to_owned(),
            )
        })
        .collect();
    section("Commands (and the name of every key)", rows);
    lines
}

/// What may follow the keys of a sequence under way.
pub fn pending(frame: &mut Frame, area: Rect, app: &App) {
    if app.pending.is_empty() {
        return;
    }
    let Found::Prefix(next) = app.shell.keymap.find(&app.places(), &app.pending) else {
        return;
    };
    let theme = &app.shell.theme;
    let height = (next.len() as u16 + 2).min(area.height);
    let place = Rect {
        x: area.x,
        y: area.bottom() - height,
        width: area.width.min(64),
        height,
    };
    let title = format!("{} and then", crate::tui::keys::written(&app.pending));
    let inside = cover(frame, place, theme, &title);
    let lines: Vec<Line> = next
        .into_iter()
        .map(|(key, row)| {
            Line::from(vec![
                Span::styled(format!("{key:<6}"), theme.style(Role::Key)),
                Span::styled(row.about, theme.style(Role::Text)),
            ])
        })
        .collect();
    frame.render_widget(Text::from(lines), inside);
}

/// For a newcomer: the way through the program in six lines.
pub fn welcome(frame: &mut Frame, area: Rect, app: &App) {
    let theme = &app.shell.theme;
    let inside = cover(frame, centered(area, 78, 12), theme, "spectriage");
    let key = |keys: &'static str, about: &'static str| {
        Line::from(vec![
            Span::styled(format!("  {keys:<10}"), theme.style(Role::Key)),
            Span::styled(about, theme.style(Role::Text)),
        ])
    };
    let lines = vec![
        Line::styled(
            "Find the strange galaxies of this catalog:",
            theme.style(Role::Text),
        ),
        Line::default(),
        key("1  j k", "browse the catalog; f filters, s sorts"),
        key(
            "2  s",
            "train the autoencoder and rank: under a minute for the sample",
        ),
        key(
            "3  j k",
            "walk the ranking; ] [ go through what is strange about each",
        ),
        key("v  0-4", "label what you see; u undoes"),
        key("w w", "write the figure; 4 shows the files"),
        key("?", "all keys; : the command line; q leaves"),
        Line::default(),
        Line::styled("Any key closes this.", theme.style(Role::Dim)),
    ];
    frame.render_widget(Text::from(lines), inside);
}

/// The line at the foot takes the place of the status; its error or its completions that of the keys and above.
pub fn prompt(frame: &mut Frame, line: Rect, under: Rect, body: Rect, prompt: &Prompt, theme: &Theme) {
    frame.render_widget(Clear, line);
    frame.render_widget(Clear, under);
    let sign = format!(" {}", prompt.purpose.sign());
    let before = sign.chars().count();
    // The end of a long line is what is being typed.
    let room = usize::from(line.width).saturating_sub(before + 1);
    let skipped = (prompt.cursor_column() + 1).saturating_sub(room);
    let text: String = text::clean(prompt.text())
        .chars()
        .skip(skipped)
        .take(room)
        .collect();
    let shown = Line::from(vec![
        Span::styled(sign, theme.style(Role::Key).add_modifier(Modifier::BOLD)),
        Span::styled(text, theme.style(Role::Text)),
    ]);
    frame.render_widget(shown, line);
    cursor(frame, line, before + prompt.cursor_column() - skipped);
    if let Some(error) = &prompt.error {
        let error = text::fit(&text::clean(error), usize::from(under.width).saturating_sub(1));
        frame.render_widget(Line::styled(format!(" {error}"), theme.style(Role::Bad)), under);
    } else {
        let hint = " Enter takes it, Tab completes, arrows recall, Esc leaves";
        frame.render_widget(Line::styled(hint, theme.style(Role::Dim)), under);
    }
    let (ways, chosen) = prompt.completions();
    if ways.is_empty() {
        return;
    }
    const SHOWN: usize = 8;
    let first = chosen.unwrap_or(0).saturating_sub(SHOWN - 1);
    let rows = ways.len().min(SHOWN);
    let place = Rect {
        x: body.x,
        y: body.bottom().saturating_sub(rows as u16),
        width: body.width.min(90),
        height: (rows as u16).min(body.height),
    };
    frame.render_widget(Clear, place);
    let lines: Vec<Line> = ways
        .iter()
        .enumerate()
        .skip(first)
        .take(rows)
        .map(|(n, way)| {
            let role = if Some(n) == chosen {
                Role::Selected
            } else {
                Role::Text
            };
            Line::from(vec![
                Span::styled(format!(" {:<22}", text::clean(&way.text)), theme.style(role)),
                Span::styled(format!(" {}", text::clean(&way.about)), theme.style(Role::Dim)),
            ])
        })
        .collect();
    frame.render_widget(Text::from(lines), place);
}

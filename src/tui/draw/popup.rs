//! What covers the frame: help, messages, links, questions, the line at the foot and its completions.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Clear, Paragraph, Wrap};

use super::{centered, cover, cursor};
use crate::tui::app::{App, Level, Page, Popup, Prompt, commands};
use crate::tui::keys::{Found, Keymap, Place, table::TABLE};
use crate::tui::text;
use crate::tui::theme::{Role, Theme};

pub fn draw(frame: &mut Frame, area: Rect, app: &App) {
    let shell = &app.shell;
    let theme = &shell.theme;
    match &shell.popup {
        None => (),
        Some(Popup::Help { top, search }) => {
            let title = match search.is_empty() {
                true => "keys: type to search, arrows scroll, Esc closes".to_owned(),
                false => format!("keys with \"{search}\""),
            };
            let lines = help(&shell.keymap, search, theme);
            page(
                frame,
                centered(area, 92, area.height),
                theme,
                &title,
                &lines,
                *top,
            );
        }
        Some(Popup::Messages { top }) => {
            let lines: Vec<Line> = shell
                .messages
                .iter()
                .rev()
                .map(|message| {
                    let role = match message.level {
                        Level::Note => Role::Dim,
                        Level::Done => Role::Good,
                        Level::Warning => Role::Warn,
                        Level::Error => Role::Bad,
                    };
                    Line::styled(text::clean(&message.text).into_owned(), theme.style(role))
                })
                .collect();
            page(
                frame,
                centered(area, 110, area.height),
                theme,
                "messages, newest first",
                &lines,
                *top,
            );
        }
        Some(Popup::Page(Page { title, lines, top })) => {
            let lines: Vec<Line> = lines
                .iter()
                .map(|line| Line::styled(text::clean(line).into_owned(), theme.style(Role::Text)))
                .collect();
            page(
                frame,
                centered(area, 110, area.height),
                theme,
                title,
                &lines,
                *top,
            );
        }
        Some(Popup::Links { links, chosen }) => {
            let place = centered(area, 100, links.len() as u16 * 2 + 3);
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

/// Lines in a frame, scrolled as far as there are any.
fn page(frame: &mut Frame, area: Rect, theme: &Theme, title: &str, lines: &[Line], top: usize) {
    let inside = cover(frame, area, theme, title);
    let rows = usize::from(inside.height);
    let top = top.min(lines.len().saturating_sub(rows));
    let shown: Vec<Line> = lines.iter().skip(top).take(rows).cloned().collect();
    frame.render_widget(Text::from(shown), inside);
}

/// All keys and commands that have `search` in their words.
fn help(keymap: &Keymap, search: &str, theme: &Theme) -> Vec<Line<'static>> {
    let search = search.to_lowercase();
    let mut lines = Vec::new();
    let mut section = |title: &str, rows: Vec<(String, String)>| {
        if rows.is_empty() {
            return;
        }
        lines.push(Line::styled(title.to_owned(), theme.style(Role::Title)));
        for (keys, about) in rows {
            lines.push(Line::from(vec![
                Span::styled(format!("  {keys:<24}"), theme.style(Role::Key)),
                Span::styled(about, theme.style(Role::Text)),
            ]));
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
            "train the autoencoder and rank: half a minute for the sample",
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

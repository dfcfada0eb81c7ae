//! The last two lines: what is going on, and the keys that matter now.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use crate::tui::app::{App, Level};
use crate::tui::keys::ScreenId;
use crate::tui::text::{self, counted, thousands};
use crate::tui::theme::Role;

/// Rows of the catalog (on its screen with the filter), model, device, labels, the running job; or the newest message for a while.
pub fn draw(frame: &mut Frame, area: Rect, app: &App) {
    let shell = &app.shell;
    let theme = &shell.theme;
    let mut right = Vec::new();
    let counts = shell.labels.counts();
    if counts.total > 0 {
        let text = match counts.interesting {
            0 => format!(" {} ", counted(counts.total, "label")),
            n => format!(" {}, {n} interesting ", counted(counts.total, "label")),
        };
        right.push(Span::styled(text, theme.style(Role::Label)));
    }
    if !shell.marks.is_empty() {
        right.push(Span::styled(
            format!(" {} marked ", shell.marks.len()),
            theme.style(Role::Marked),
        ));
    }
    match &shell.job {
        Some(job) => {
            let bar = bar(job.share(), 10, theme.ascii);
            right.push(Span::styled(
                format!(" {} ", job.words()),
                theme.style(Role::Focus),
            ));
            right.push(Span::styled(
                format!("{bar} {:3.0}% ", 100.0 * job.share()),
                theme.style(Role::Focus),
            ));
        }
        None => right.push(Span::styled(
            format!(" {} ", shell.settings.training.device.name()),
            theme.style(Role::Dim),
        )),
    }
    let right = Line::from(right);
    let room = usize::from(area.width).saturating_sub(right.width());
    let left = match shell.shown() {
        Some(message) => {
            let role = match message.level {
                Level::Note => Role::Text,
                Level::Done => Role::Good,
                Level::Warning => Role::Warn,
                Level::Error => Role::Bad,
            };
            let more = if message.level == Level::Error {
                " (! shows it in full)"
            } else {
                ""
            };
            let words = text::clean(&message.text);
            let words = text::fit(&words, room.saturating_sub(more.len() + 1));
            Line::styled(format!(" {words}{more}"), theme.style(role))
        }
        None => Line::styled(
            text::fit(&format!(" {}", facts(app)), room),
            theme.style(Role::Text),
        ),
    };
    frame.render_widget(left, area);
    let width = u16::try_from(right.width()).unwrap_or(u16::MAX).min(area.width);
    frame.render_widget(
        right,
        Rect {
            x: area.right() - width,
            width,
            ..area
        },
    );
}

fn facts(app: &App) -> String {
    let shell = &app.shell;
    let mut parts = Vec::new();
    // What the catalog's list is filtered by says nothing of a ranking.
    let filtered = app.screen == ScreenId::Catalog;
    match shell.rows {
        None => parts.push("opening the catalog".into()),
        Some((listed, all)) if filtered && listed < all => {
            parts.push(format!("{} of {}", thousands(listed), counted(all, "row")));
        }
        Some((_, all)) => parts.push(counted(all, "row")),
    }
    if let Some(filter) = shell.filter.as_ref().filter(|_| filtered) {
        parts.push(format!("where {}", text::clean(filter)));
    }
    parts.push(shell.model.clone().unwrap_or_else(|| "no model yet".into()));
    parts.join(" | ")
}

/// The sequence or count under way, or what the keys do here.
pub fn keys(frame: &mut Frame, area: Rect, app: &App) {
    let theme = &app.shell.theme;
    if let Some(count) = app.count {
        frame.render_widget(Line::styled(format!(" {count} "), theme.style(Role::Key)), area);
        return;
    }
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    for (key, row) in app.shell.keymap.hints(&app.places()) {
        let name = row.name.replace('-', " ");
        let width = key.width() + name.width() + 3;
        if used + width > usize::from(area.width) {
            continue;
        }
        used += width;
        spans.push(Span::styled(key, theme.style(Role::Key)));
        spans.push(Span::styled(format!(" {name}  "), theme.style(Role::Dim)));
    }
    frame.render_widget(Line::from(spans), area);
}

/// A bar of `width` characters.
pub fn bar(share: f64, width: usize, ascii: bool) -> String {
    let full = (share.clamp(0.0, 1.0) * width as f64).round() as usize;
    let (done, left) = if ascii { ("#", ".") } else { ("█", "░") };
    done.repeat(full) + &left.repeat(width - full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_wide_as_asked() {
        assert_eq!(bar(0.5, 4, true), "##..");
        assert_eq!(bar(f64::NAN, 2, true).len(), 2);
    }
}

//! The screen of the training: settings at the left; numbers, losses and a spectrum at the right.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Paragraph, Wrap};

use super::{Train, charts};
use crate::figure::LossRun;
use crate::model::{Outcome, Progress};
use crate::tui::app::Shell;
use crate::tui::chart;
use crate::tui::draw::framed;
use crate::tui::text;
use crate::tui::theme::{Role, Theme};

/// Where the parts stand, borders included; an empty one is not drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Areas {
    pub form: Rect,
    pub numbers: Rect,
    pub losses: Rect,
    pub spectrum: Rect,
}

/// Lines of numbers, and two of border.
const NUMBERS: u16 = 6;
/// Lines below the form that say what a setting does, unless that takes more.
const ABOUT: u16 = 3;

/// Cuts the screen up.
pub fn areas(area: Rect) -> Areas {
    if area.width < 64 {
        // One column: what runs stands over the settings.
        let losses = if area.height >= 20 { area.height / 3 } else { 0 };
        let numbers = NUMBERS.min(area.height / 2);
        let at = |y: u16, height: u16| Rect {
            y: area.y + y,
            height,
            ..area
        };
        return Areas {
            numbers: at(0, numbers),
            losses: at(numbers, losses),
            form: at(numbers + losses, area.height - numbers - losses),
            spectrum: Rect::default(),
        };
    }
    let left = (area.width * 2 / 5).clamp(30, 56);
    let right = Rect {
        x: area.x + left,
        width: area.width - left,
        ..area
    };
    let numbers = NUMBERS.min(right.height);
    let rest = right.height - numbers;
    // The spectrum is the last to come and the first to go.
    let spectrum = if rest >= 14 { rest / 2 } else { 0 };
    let at = |y: u16, height: u16| Rect {
        y: right.y + y,
        height,
        ..right
    };
    Areas {
        form: Rect { width: left, ..area },
        numbers: at(0, numbers),
        losses: at(numbers, rest - spectrum),
        spectrum: at(numbers + rest - spectrum, spectrum),
    }
}

/// What is left inside a border.
fn within(pane: Rect) -> Rect {
    Rect {
        x: pane.x.saturating_add(1),
        y: pane.y.saturating_add(1),
        width: pane.width.saturating_sub(2),
        height: pane.height.saturating_sub(2),
    }
}

impl Train {
    pub(super) fn draw_all(&self, frame: &mut Frame, area: Rect, shell: &Shell) {
        let areas = areas(area);
        self.draw_form(frame, areas.form, shell);
        self.draw_numbers(frame, areas.numbers, shell);
        self.draw_losses(frame, areas.losses, shell);
        self.draw_spectrum(frame, areas.spectrum, shell);
    }

    fn draw_form(&self, frame: &mut Frame, pane: Rect, shell: &Shell) {
        if pane.is_empty() {
            return;
        }
        let theme = &shell.theme;
        let title = if shell.job.is_some() {
            "settings of the next run"
        } else {
            "settings"
        };
        frame.render_widget(framed(theme, title), pane);
        let rows = self.form_rows(pane);
        self.form.draw(&shell.settings, rows, frame.buffer_mut(), theme);
        let about = Rect {
            y: rows.bottom(),
            height: within(pane).height - rows.height,
            ..rows
        };
        let words = self.form.about(about.width, theme);
        frame.render_widget(Text::from(words), about);
    }

    /// The rows of the form in its pane: what its setting does stands below in full, as long as half of the pane is the form's.
    pub(super) fn form_rows(&self, pane: Rect) -> Rect {
        let inside = within(pane);
        let lines = self.form.about(inside.width, &Theme::default()).len() as u16;
        let about = lines.min(inside.height / 2).max(ABOUT);
        Rect {
            height: inside.height.saturating_sub(about),
            ..inside
        }
    }

    fn draw_numbers(&self, frame: &mut Frame, pane: Rect, shell: &Shell) {
        if pane.is_empty() {
            return;
        }
        let theme = &shell.theme;
        let title = match &shell.job {
            Some(job) if job.stopping => "stopping after this batch",
            Some(_) => "training",
            None => "no job runs",
        };
        frame.render_widget(framed(theme, title), pane);
        let inside = within(pane);
        let width = usize::from(inside.width);
        let lines = match (&self.live.now, &shell.job) {
            (Some((fold, folds, progress)), job) => {
                let memory = job.as_ref().and_then(|job| job.memory);
                let device = job
                    .as_ref()
                    .map_or("", |job| job.spec.settings.training.device.name());
                self.running(*fold, *folds, progress, device, memory, width, theme)
            }
            (None, Some(job)) => {
                let memory = job
                    .memory
                    .map_or_else(String::new, |bytes| format!(", {}", size(bytes)));
                let words = format!("{}{memory}", job.words());
                vec![Line::styled(words, theme.style(Role::Text))]
            }
            (None, None) => {
                let words = Paragraph::new(self.at_rest(theme)).wrap(Wrap { trim: true });
                frame.render_widget(words, inside);
                return;
            }
        };
        frame.render_widget(Text::from(lines), inside);
    }

    #[allow(clippy::too_many_arguments)] // the one place where they come together
    fn running(
        &self,
        fold: usize,
        folds: usize,
        progress: &Progress,
        device: &str,
        memory: Option<u64>,
        width: usize,
        theme: &Theme,
    ) -> Vec<Line<'static>> {
        let dim = |words: &'static str| Span::styled(words, theme.style(Role::Dim));
        let value = |words: String| Span::styled(words, theme.style(Role::Text));
        let spark =
            |name: &'static str, number: String, values: &std::collections::VecDeque<f32>, curve: usize| {
                let head = vec![dim(name), value(format!("{number:<9}"))];
                let used: usize = head.iter().map(Span::width).sum();
                let values: Vec<f32> = values.iter().copied().collect();
                let curve_of = chart::spark(&values, width.saturating_sub(used).min(60), theme);
                let mut spans = head;
                spans.push(Span::styled(curve_of, theme.style(Role::Curve(curve))));
                Line::from(spans)
            };
        let mut where_it_is = vec![
            dim("network "),
            value(format!("{}/{folds}", fold + 1)),
            dim("  epoch "),
            value(format!("{}/{}", progress.epoch, progress.epochs)),
            dim("  batch "),
            value(format!("{}/{}", progress.batch, progress.batches)),
        ];
        if let Some((epoch, loss)) = progress.best {
            where_it_is.extend([
                dim("  best "),
                Span::styled(format!("{loss:.4}"), theme.style(Role::Good)),
                value(format!(" in epoch {epoch}")),
            ]);
        }
        let memory = memory.map_or_else(|| "-".into(), size);
        let speed = Line::from(vec![
            value(format!("{:.0}", progress.spectra_per_second)),
            dim(" spectra/s  "),
            value(duration(progress.left)),
            dim(" left  rate "),
            value(format!("{:.2e}", progress.learning_rate)),
            dim("  "),
            value(format!("{device} {memory}")),
        ]);
        vec![
            Line::from(where_it_is),
            speed,
            spark(
                "loss     ",
                format!("{:.4}", progress.train_loss),
                &self.live.losses,
                0,
            ),
            spark(
                "gradient ",
                format!("{:.3}", progress.gradient_norm),
                &self.live.gradients,
                1,
            ),
        ]
    }

    /// What there is to go on from.
    fn at_rest(&self, theme: &Theme) -> Vec<Line<'static>> {
        let line = |words: String, role| Line::styled(words, theme.style(role));
        let begin = "s trains the autoencoder with these settings and ranks the spectra.";
        let mut lines = match (self.newest(), self.runs.first()) {
            (None, None) => vec![line(begin.into(), Role::Text)],
            (None, Some(other)) => vec![
                line(begin.into(), Role::Text),
                line(
                    format!("run {} in this folder is of another catalog", other.number),
                    Role::Dim,
                ),
            ],
            (Some(run), _) => {
                let epochs: usize = run.folds.iter().map(|fold| fold.history.len()).sum();
                let state = match run.complete {
                    true => "complete; A ranks with it",
                    false => "unfinished; R goes on from it",
                };
                let networks = text::counted(run.folds.len(), "network");
                let epochs = text::counted(epochs, "epoch");
                let device = run.device().name();
                vec![
                    line(format!("newest: run {}, {state}", run.number), Role::Text),
                    line(format!("{networks}, {epochs} on {device}"), Role::Dim),
                ]
            }
        };
        let ended: Vec<String> = self
            .live
            .ended
            .iter()
            .map(|(fold, outcome)| {
                let how = match outcome {
                    Outcome::Finished => "all epochs",
                    Outcome::StoppedEarly => "stopped early, it learned no more",
                    Outcome::Cancelled => "stopped",
                };
                format!("network {}: {how}", fold + 1)
            })
            .collect();
        if !ended.is_empty() {
            lines.push(Line::styled(ended.join("; "), theme.style(Role::Dim)));
        }
        lines
    }

    fn draw_losses(&self, frame: &mut Frame, pane: Rect, shell: &Shell) {
        if pane.is_empty() {
            return;
        }
        let theme = &shell.theme;
        let title = if self.logarithmic {
            "loss, logarithmic"
        } else {
            "loss"
        };
        frame.render_widget(framed(theme, title), pane);
        let inside = within(pane);
        let curves = self.curves();
        if curves.iter().all(|run| run.epochs.is_empty()) {
            let words = "The losses of each network by epoch will be drawn here.";
            let words = Paragraph::new(words)
                .style(theme.style(Role::Dim))
                .wrap(Wrap { trim: true });
            frame.render_widget(words, inside);
            return;
        }
        let (mut loss, rate) = charts::losses(&curves, self.logarithmic);
        let at = |y: u16, height: u16| Rect {
            y: inside.y + y,
            height,
            ..inside
        };
        let named = u16::from(inside.height >= 5);
        let line = names(&curves, theme, usize::from(inside.width));
        frame.render_widget(line, at(0, named));
        let room = inside.height - named;
        let buf = frame.buffer_mut();
        // The learning rate gets a strip of its own where there is room for it.
        if room >= 13 {
            let below = room / 3;
            let areas = [at(named, room - below), at(named + room - below, below)];
            let mut rate = rate;
            rate.note = Some("learning rate".into());
            chart::stack(&[&loss, &rate], &areas, buf, theme);
        } else {
            loss.x.labeled = true;
            loss.x.label.clear();
            chart::draw(&loss, at(named, room), buf, theme);
        }
    }

    fn draw_spectrum(&self, frame: &mut Frame, pane: Rect, shell: &Shell) {
        if pane.is_empty() {
            return;
        }
        let theme = &shell.theme;
        let Some(shown) = &self.live.shown else {
            frame.render_widget(framed(theme, "a held-out spectrum"), pane);
            let words = "While a network is trained, a spectrum that it does not learn from is drawn here with what it makes of it.";
            let words = Paragraph::new(words)
                .style(theme.style(Role::Dim))
                .wrap(Wrap { trim: true });
            frame.render_widget(words, within(pane));
            return;
        };
        let (preview, (first, now)) = (&shown.preview, shown.chi2);
        let what = if preview.held_out { "held-out" } else { "learned" };
        let id = text::clean(&preview.object_id);
        let after = match preview.epoch {
            0 => "before the first epoch".to_owned(),
            epochs => format!("after {}", text::counted(epochs, "epoch")),
        };
        let chi2 = if theme.ascii { "chi2" } else { "χ²" };
        let better = if first == now {
            String::new()
        } else {
            format!(", at first {first:.3}")
        };
        let title = format!("{chi2} {now:.3}{better}, {after}, of {what} {id}");
        let title = text::fit(&title, usize::from(pane.width.saturating_sub(4)));
        frame.render_widget(framed(theme, &title), pane);
        chart::draw(&shown.panel, within(pane), frame.buffer_mut(), theme);
    }
}

/// Which color is whose.
fn names(curves: &[LossRun], theme: &Theme, width: usize) -> Line<'static> {
    let sample = if theme.ascii { "--" } else { "──" };
    let mut spans = Vec::new();
    if let [_] = curves {
        for (place, name) in ["training", "validation"].into_iter().enumerate() {
            spans.push(Span::styled(sample, theme.style(Role::Curve(place))));
            spans.push(Span::styled(format!(" {name}  "), theme.style(Role::Dim)));
        }
        return Line::from(spans);
    }
    let mut used = 0;
    for (place, run) in curves.iter().enumerate() {
        let name = format!(" {}  ", text::clean(&run.name));
        used += 2 + name.len();
        if used > width {
            break;
        }
        spans.push(Span::styled(sample, theme.style(Role::Curve(place))));
        spans.push(Span::styled(name, theme.style(Role::Dim)));
    }
    let dashes = "dashed: training";
    if used + dashes.len() <= width {
        spans.push(Span::styled(dashes, theme.style(Role::Dim)));
    }
    Line::from(spans)
}

/// A time as one says it.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02} h", seconds / 3600, seconds / 60 % 60),
    }
}

fn size(bytes: u64) -> String {
    const MEBI: f64 = 1024.0 * 1024.0;
    let mebi = bytes as f64 / MEBI;
    if mebi < 1000.0 {
        format!("{mebi:.0} MB")
    } else {
        format!("{:.1} GB", mebi / 1024.0)
    }
}

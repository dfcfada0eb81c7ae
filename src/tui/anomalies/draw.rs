//! The ranking on the screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Paragraph, Wrap};

use super::{Anomalies, Source};
use crate::anomaly::{Correlations, Judgement, Reason, percentile_words};
use crate::spectrum::Facts;
use crate::tui::app::Shell;
use crate::tui::draw::{centered, cover, framed};
use crate::tui::form::Form;
use crate::tui::labels::Labels;
use crate::tui::text;
use crate::tui::theme::{Role, Theme};

/// Lines above the first row.
pub const HEADER: usize = 2;

/// A column: its title, its width (0 takes what is left), its text.
struct Column {
    title: &'static str,
    width: usize,
    right: bool,
    text: fn(&Anomalies, &Judgement, &Facts, &Shell) -> String,
}

const fn column(
    title: &'static str,
    width: usize,
    right: bool,
    text: fn(&Anomalies, &Judgement, &Facts, &Shell) -> String,
) -> Column {
    Column {
        title,
        width,
        right,
        text,
    }
}

const RANK: Column = column("#", 5, true, |_, judgement, _, _| judgement.rank.to_string());
const SCORE: Column = column("score", 6, true, |_, judgement, _, _| {
    format!("{:.2}", judgement.score)
});
const LABEL: Column = column("label", 5, false, |_, judgement, _, shell| {
    shell
        .labels
        .get(&judgement.object_id)
        .map(Labels::short)
        .unwrap_or_default()
});
const SORTED: Column = column("by", 6, true, |screen, judgement, facts, shell| {
    screen.sorted_value(judgement, facts, shell)
});
const PERCENT: Column = column("pct", 5, true, |_, judgement, _, _| {
    percentile_words(judgement.percentile)
});
const ARTIFACT: Column = column("art%", 4, true, |_, judgement, _, _| {
    format!("{:.0}", 100.0 * judgement.artifact())
});
const SN: Column = column("S/N", 5, true, |_, judgement, _, _| {
    format!("{:.1}", judgement.sn)
});
const Z: Column = column("z", 7, true, |_, _, facts, _| {
    facts.z.map_or_else(|| "-".into(), |z| format!("{z:.4}"))
});
const CLASS: Column = column("class", 7, false, |_, _, facts, _| {
    facts.spectype.as_deref().unwrap_or_default().to_owned()
});
const WARN: Column = column("zwarn", 5, true, |_, _, facts, _| {
    facts.zwarn.map_or_else(|| "-".into(), |bits| bits.to_string())
});
const CHI2: Column = column("chi2", 6, true, |_, judgement, _, _| {
    format!("{:.2}", judgement.reduced_chi2)
});
const FLAGGED: Column = column("flag%", 5, true, |_, judgement, _, _| {
    format!("{:.1}", 100.0 * judgement.flagged_fraction)
});
const ID: Column = column("object", 18, false, |_, judgement, _, _| {
    judgement.object_id.to_string()
});
const REASON: Column = column("reason", 0, false, |_, judgement, _, _| {
    judgement.reason.to_string()
});
const BRIEF: Column = column("reason", 0, false, |_, judgement, _, _| brief(judgement));

/// Cells that a reason needs to tell more than its beginning.
const SENTENCE: usize = 40;

/// The reason in few columns: what it is most like, which way the flux departs, and where: the line there, or rest frame, Angstrom.
fn brief(judgement: &Judgement) -> String {
    let Some(region) = judgement.regions.first() else {
        return judgement.reason.to_string();
    };
    let way = match region.reason {
        Reason::MissingFlux => '-',
        Reason::ExcessFlux => '+',
        _ => '~',
    };
    let line = region.line.as_deref().unwrap_or_default();
    match judgement.suggested_kind.filter(|_| judgement.anomalous) {
        Some(kind) if line.is_empty() => {
            let middle = 0.5 * (region.rest_min + region.rest_max);
            format!("{} {way} {middle:.0} A", kind.name().replace('_', " "))
        }
        Some(kind) => format!("{} {way} {line}", kind.name().replace('_', " ")),
        None => format!("{way} {:.0}-{:.0} {line}", region.rest_min, region.rest_max),
    }
}

impl Anomalies {
    /// What the list is sorted by, where no column shows it.
    fn sorted_value(&self, judgement: &Judgement, facts: &Facts, shell: &Shell) -> String {
        use super::SortKey as Key;
        let number = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value:.2}"));
        let id = &judgement.object_id;
        match self.order.key {
            Key::Interest => number(
                self.learned
                    .as_ref()
                    .and_then(|learned| learned.interest.get(id.as_str()).copied()),
            ),
            Key::Distance => {
                let near = self
                    .similar
                    .as_ref()
                    .and_then(|similar| similar.neighbors.iter().find(|near| near.object_id == *id));
                let itself = self
                    .similar
                    .as_ref()
                    .is_some_and(|similar| similar.object_id == *id);
                number(near.map(|near| near.distance).or(itself.then_some(0.0)))
            }
            Key::Chi2 => number(Some(judgement.reduced_chi2)),
            Key::Flagged => number(Some(judgement.flagged_fraction)),
            Key::Artifact => number(Some(judgement.artifact())),
            Key::Sn => number(Some(judgement.sn)),
            Key::Redshift => number(facts.z),
            Key::Masked => number(Some(judgement.masked_fraction)),
            Key::Quality => number(
                shell
                    .labels
                    .get(id)
                    .and_then(|label| label.quality)
                    .map(f64::from),
            ),
            Key::Score | Key::Id => String::new(),
        }
    }

    /// As many columns as there is room for, the most telling first.
    fn columns(&self, width: usize) -> Vec<&'static Column> {
        use super::SortKey as Key;
        let sorted = !matches!(self.order.key, Key::Score | Key::Id);
        let mut columns: Vec<&Column> = vec![&RANK, &SCORE];
        if sorted {
            columns.push(&SORTED);
        }
        columns.push(&LABEL);
        if width >= 118 {
            columns.extend([&ID, &PERCENT, &ARTIFACT, &SN, &Z, &CLASS, &WARN, &CHI2, &FLAGGED]);
        } else if width >= 74 {
            columns.extend([&ID, &ARTIFACT, &SN, &Z]);
        } else if width >= 58 {
            columns.extend([&ARTIFACT, &Z]);
        } else if width >= 50 {
            columns.push(&Z);
        }
        let used: usize = columns.iter().map(|column| column.width + 1).sum();
        columns.push(if width >= used + SENTENCE { &REASON } else { &BRIEF });
        columns
    }

    pub(super) fn draw_list(&self, frame: &mut Frame, area: Rect, shell: &Shell) {
        let theme = &shell.theme;
        let title = self.title();
        let block = framed(theme, &title);
        let inside = block.inner(area);
        frame.render_widget(block, area);
        let Some(ranking) = &self.ranking else {
            let words = "No ranking of this catalog yet.\n\nPress 2 (or F2), then s: the autoencoder is trained and the spectra are \
                         ranked by how strange they are; the list fills meanwhile. Instead of s, A ranks by networks that are trained \
                         already, and R goes on with a training that was interrupted.";
            let words = Paragraph::new(words)
                .style(theme.style(Role::Dim))
                .wrap(Wrap { trim: true });
            frame.render_widget(words, inside);
            return;
        };
        let width = usize::from(inside.width);
        let columns = self.columns(width);
        let mut lines = vec![self.summary(&ranking.verdicts.correlations, shell, width)];
        let cell = |column: &Column, text: &str, used: usize| -> String {
            let room = match column.width {
                0 => width.saturating_sub(used),
                width => width,
            };
            let text = text::fit(&text::clean(text), room);
            match column.right {
                true => text::pad_left(&text, room),
                false => text::pad(&text, room),
            }
        };
        let row = |texts: &mut dyn FnMut(&Column) -> String| -> String {
            let mut line = String::new();
            for column in &columns {
                let used = unicode_width::UnicodeWidthStr::width(line.as_str());
                line += &cell(column, &texts(column), used);
                line.push(' ');
            }
            line
        };
        lines.push(Line::styled(
            row(&mut |column| column.title.into()),
            theme.style(Role::Axis).add_modifier(Modifier::UNDERLINED),
        ));
        let shown = self
            .order
            .places()
            .iter()
            .enumerate()
            .skip(self.top)
            .take(self.rows);
        for (at, place) in shown {
            let Some((judgement, facts)) = ranking.at(*place) else {
                continue;
            };
            let text = row(&mut |column| (column.text)(self, judgement, facts, shell));
            let marked = shell.marks.contains(judgement.object_id.as_str());
            let role = match (at == self.cursor, marked, judgement.anomalous) {
                (true, ..) => Role::Selected,
                (_, true, _) => Role::Marked,
                (_, _, true) => Role::Text,
                _ => Role::Dim,
            };
            let mut style = theme.style(role);
            if marked && at == self.cursor {
                style = style.add_modifier(Modifier::UNDERLINED);
            }
            lines.push(Line::styled(text, style));
        }
        frame.render_widget(Text::from(lines), inside);
    }

    fn title(&self) -> String {
        let Some(ranking) = &self.ranking else {
            return "anomalies".into();
        };
        let listed = self.order.places().len();
        let all = ranking.verdicts.judgements.len();
        let of = if listed == all {
            format!("{all}")
        } else {
            format!("{listed} of {all}")
        };
        let what = match &ranking.source {
            Source::Saved(n) => format!("ranking {n}: {of}"),
            Source::Judged => format!("ranking: {of}"),
            Source::Provisional(fold, folds, epoch) => {
                format!("{of} so far: fold {fold}/{folds}, epoch {epoch}")
            }
        };
        match &self.similar {
            Some(similar) => format!("like {}: {listed}", text::clean(&similar.object_id)),
            None => what,
        }
    }

    /// What the list is of: method, filter, correlations of the score.
    fn summary(&self, correlations: &Correlations, shell: &Shell, width: usize) -> Line<'static> {
        let theme = &shell.theme;
        if let Some((stage, done, total)) = self.progress {
            let text = format!("{} {done}/{total}", stage.words().0);
            return Line::styled(text, theme.style(Role::Focus));
        }
        let part = |name: &str, value: Option<f64>| value.map(|value| format!("{name} {value:+.2}"));
        let parts: Vec<String> = [
            part("S/N", correlations.sn),
            part("z", correlations.redshift),
            part("masked", correlations.masked_fraction),
        ]
        .into_iter()
        .flatten()
        .collect();
        let correlated = match parts.is_empty() {
            true => String::new(),
            false => format!("score with {}", parts.join(", ")),
        };
        let mut text = match &self.filter {
            Some(filter) => format!("where {}", text::clean(filter)),
            None => correlated,
        };
        if self.order.only_unlabeled {
            text = format!("unlabeled; {text}");
        }
        match self.order.shown {
            super::Shown::All => (),
            super::Shown::Astrophysics => text = format!("without artifacts; {text}"),
            super::Shown::Artifacts => text = format!("artifacts; {text}"),
        }
        if let Some(learned) = &self.learned
            && self.order.key == super::SortKey::Interest
        {
            text = learned.reranked.explanation.first().cloned().unwrap_or(text);
        }
        Line::from(Span::styled(text::fit(&text, width), theme.style(Role::Dim)))
    }

    pub(super) fn draw_parameters(&self, form: &Form, frame: &mut Frame, area: Rect, shell: &Shell) {
        let theme: &Theme = &shell.theme;
        // At the right, so that the list is seen to follow.
        let width = 58.min(area.width);
        let place = Rect {
            x: area.right() - width,
            width,
            ..centered(area, width, area.height)
        };
        let inside = cover(
            frame,
            place,
            theme,
            "parameters: arrows change, Enter types, Esc closes",
        );
        let rows = inside.height.saturating_sub(3);
        form.draw(
            &shell.settings,
            Rect {
                height: rows,
                ..inside
            },
            frame.buffer_mut(),
            theme,
        );
        let about = Rect {
            y: inside.y + rows,
            height: inside.height - rows,
            ..inside
        };
        frame.render_widget(Text::from(form.about(about.width, theme)), about);
    }
}

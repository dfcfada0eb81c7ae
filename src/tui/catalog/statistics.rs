//! The statistics of a column, with its histogram or its most frequent values.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Text};

use crate::pipeline::browse::{ColumnStatistics, Numbers, Rounding, TopValue};
use crate::tui::chart;
use crate::tui::draw::{centered, cover};
use crate::tui::text;
use crate::tui::theme::{Role, Theme};

pub fn draw(statistics: &ColumnStatistics, frame: &mut Frame, area: Rect, theme: &Theme) {
    let column = &statistics.column;
    let unit = match column.unit.as_str() {
        "" => String::new(),
        unit => format!(" [{unit}]"),
    };
    let title = text::clean(&format!("{}{unit}", column.name)).into_owned();
    let inside = cover(frame, centered(area, 84, 28), theme, &title);
    let width = usize::from(inside.width);
    let mut lines = Vec::new();
    let mut say = |role: Role, text: &str| {
        lines.push(Line::styled(
            text::fit(&text::clean(text), width),
            theme.style(role),
        ));
    };
    if !column.description.is_empty() {
        say(Role::Dim, &column.description);
    }
    let distinct = statistics
        .distinct
        .map_or_else(|| "very many".to_owned(), |n| n.to_string());
    say(
        Role::Text,
        &format!(
            "{}, {} with a value, {} without, {distinct} different",
            text::counted(statistics.rows, "row"),
            statistics.count,
            statistics.nulls
        ),
    );
    if let Some((first, last)) = &statistics.texts {
        say(Role::Text, &format!("from {first} to {last}"));
    }
    if let Some(numbers) = &statistics.numbers {
        for line in number_lines(numbers, Rounding::of(column)) {
            say(Role::Text, &line);
        }
    }
    let used = (lines.len() as u16).min(inside.height);
    frame.render_widget(Text::from(lines), inside);
    let below = Rect {
        y: inside.y + used,
        height: inside.height - used,
        ..inside
    };
    // Few values are better named than drawn.
    match &statistics.numbers {
        Some(numbers) if statistics.top.is_empty() || statistics.distinct.is_none_or(|n| n > 8) => {
            histogram(numbers, frame, below, theme);
        }
        _ => frame.render_widget(Text::from(bars(statistics, width, theme)), below),
    }
}

fn number_lines(numbers: &Numbers, rounding: Rounding) -> Vec<String> {
    let n = |value: f64| rounding.number(value);
    let mut lines = vec![
        format!(
            "mean {}  std {}  min {}  max {}",
            n(numbers.mean),
            n(numbers.std),
            n(numbers.min),
            n(numbers.max)
        ),
        format!(
            "percentiles: 1 {}  16 {}  50 {}  84 {}  99 {}",
            n(numbers.p1),
            n(numbers.p16),
            n(numbers.p50),
            n(numbers.p84),
            n(numbers.p99)
        ),
    ];
    if numbers.infinite > 0 {
        lines.push(format!("{} infinite values are left out", numbers.infinite));
    }
    lines
}

fn histogram(numbers: &Numbers, frame: &mut Frame, area: Rect, theme: &Theme) {
    let histogram = &numbers.histogram;
    let beyond = format!("{} below, {} above the bars", histogram.below, histogram.above);
    let scale = match histogram.logarithmic {
        true => ", bars equally wide in the logarithm",
        false => "",
    };
    let note = Line::styled(
        text::fit(&format!("{beyond}{scale}"), usize::from(area.width)),
        theme.style(Role::Dim),
    );
    let [chart, line] = ratatui::layout::Layout::vertical([
        ratatui::layout::Constraint::Min(0),
        ratatui::layout::Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(note, line);
    // The axis shows the range; in the logarithm that of the exponent.
    let edges: Vec<f64> = match histogram.logarithmic {
        true => histogram.edges.iter().map(|edge| edge.log10()).collect(),
        false => histogram.edges.clone(),
    };
    chart::histogram(&histogram.counts, &edges, chart, frame.buffer_mut(), theme);
}

/// A line for each of the most frequent values.
fn bars(statistics: &ColumnStatistics, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let top: &[TopValue] = &statistics.top;
    let most = top.first().map_or(1, |top| top.count.max(1));
    let name = |top: &TopValue| text::clean(&top.value.in_full()).into_owned();
    let widest = top
        .iter()
        .map(|top| text::width(&name(top)))
        .max()
        .unwrap_or(0)
        .clamp(4, 30);
    let room = width.saturating_sub(widest + 22);
    top.iter()
        .map(|top| {
            let share = 100.0 * top.count as f64 / statistics.count.max(1) as f64;
            let length = (room as f64 * top.count as f64 / most as f64).ceil() as usize;
            let bar = if theme.ascii { "#" } else { "█" }.repeat(length);
            let text = format!(
                "{} {:>11} {share:>6.2}% {bar}",
                text::pad(&name(top), widest),
                top.count
            );
            Line::styled(text, theme.style(Role::Text))
        })
        .collect()
}

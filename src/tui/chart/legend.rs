//! What the looks of a chart mean, in one line.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::text;
use super::{marks, series};
use crate::figure::{BandKind, MarkKind, Panel, Series, SeriesStyle};
use crate::tui::theme::{Role, Theme};

/// The curves, zones and lines that a panel has, each with a sample of its look.
pub fn legend(panel: &Panel, theme: &Theme) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    let pick = |fine: &'static str, plain: &'static str| if theme.ascii { plain } else { fine };
    let mut add = |sample: String, style: Style, name: &str| {
        let name = text::clean(name).into_owned();
        let name = if theme.ascii {
            text::ascii(&name).into_owned()
        } else {
            name
        };
        spans.push(Span::styled(sample, style));
        spans.push(Span::styled(format!(" {name}   "), theme.style(Role::Dim)));
    };
    let mut seen: Vec<SeriesStyle> = Vec::new();
    let mut curves: Vec<&Series> = panel.series.iter().collect();
    // Where there is no room for all, what one looks for first is told first.
    curves.sort_by_key(|curve| match curve.style {
        SeriesStyle::Data | SeriesStyle::Smoothed => 0,
        SeriesStyle::Reconstruction => 1,
        SeriesStyle::NoiseBand => 3,
        SeriesStyle::Raw | SeriesStyle::Masked => 4,
        _ => 2,
    });
    for curve in curves {
        if seen.contains(&curve.style) || curve.y.iter().all(|y| !y.is_finite()) {
            continue;
        }
        seen.push(curve.style);
        let sample = match (series::plain(curve.style), curve.style) {
            (Some(plain), _) if theme.ascii => plain.to_string().repeat(2),
            (_, SeriesStyle::NoiseBand) => pick("▒▒", "..").to_owned(),
            (_, SeriesStyle::DashedCurve(_)) => pick("╌╌", "- ").to_owned(),
            _ => pick("──", "--").to_owned(),
        };
        add(sample, theme.style(series::role(curve.style)), &curve.name);
    }
    let zones = [
        (BandKind::Sky, Role::Sky, pick("▁▁", ".."), "sky"),
        (BandKind::Telluric, Role::Telluric, pick("▃▃", "~~"), "telluric"),
        (BandKind::Overlap, Role::Overlap, pick("▆▆", "xx"), "cameras meet"),
    ];
    for (kind, role, sample, name) in zones {
        if panel.bands.iter().any(|band| band.kind == kind) {
            add(sample.to_owned(), theme.style(role), name);
        }
    }
    let kinds = [
        (MarkKind::Emission, pick("⠅", ":"), "emission"),
        (MarkKind::Absorption, pick("⠃", ";"), "absorption"),
        (MarkKind::Sky, pick("⠂", ","), "sky line"),
        (MarkKind::Best, pick("⡇", "!"), "best epoch"),
    ];
    for (kind, sample, name) in kinds {
        if panel.marks.iter().any(|mark| mark.kind == kind) {
            add(sample.to_owned(), theme.style(marks::role(kind)), name);
        }
    }
    Line::from(spans)
}

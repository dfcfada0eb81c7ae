//! The right pane: what is known of the selected object, its verdict and its label.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Paragraph, Wrap};

use super::framed;
use crate::anomaly::percentile_words;
use crate::figure::SpectrumView;
use crate::tui::app::App;
use crate::tui::text;
use crate::tui::theme::{Role, Theme};

pub fn draw(frame: &mut Frame, area: Rect, app: &App) {
    let theme = &app.shell.theme;
    let block = framed(theme, "object");
    let Some(view) = app.shown.view() else {
        frame.render_widget(block, area);
        return;
    };
    let inside = block.inner(area);
    frame.render_widget(block, area);
    // What was found and said of it first: the rest is cut off where there is no room.
    let mut lines = vec![Line::styled(
        text::clean(&view.facts.object_id).into_owned(),
        theme.style(Role::Title),
    )];
    lines.extend(label(view, app));
    lines.extend(verdict(view, theme));
    lines.extend(facts(view, theme));
    lines.extend(regions(view, theme));
    frame.render_widget(
        Paragraph::new(Text::from(lines)).wrap(Wrap { trim: false }),
        inside,
    );
}

fn pair(name: &str, value: impl Into<String>, theme: &Theme) -> Line<'static> {
    Line::from(vec![
        Span::styled(format!("{name:<9}"), theme.style(Role::Dim)),
        Span::styled(text::clean(&value.into()).into_owned(), theme.style(Role::Text)),
    ])
}

fn facts(view: &SpectrumView, theme: &Theme) -> Vec<Line<'static>> {
    let facts = &view.facts;
    let mut lines = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        lines.extend(
            value
                .filter(|value| !value.is_empty())
                .map(|value| pair(name, value, theme)),
        );
    };
    let class = [facts.spectype.as_deref(), facts.subtype.as_deref()];
    add(
        "class",
        Some(class.into_iter().flatten().collect::<Vec<_>>().join(" ")),
    );
    let error = facts.zerr.filter(|error| *error > 0.0);
    let error = error.map_or_else(String::new, |error| format!(" ± {error:.1e}"));
    add("z", facts.z.map(|z| format!("{z:.5}{error}")));
    add("zwarn", facts.zwarn.map(|bits| bits.to_string()));
    add("Δχ²", facts.deltachi2.map(|delta| format!("{delta:.1}")));
    add(
        "S/N",
        view.sn.is_finite().then(|| format!("{:.1} a pixel", view.sn)),
    );
    add("ra", facts.ra.map(|ra| format!("{ra:.5}°")));
    add("dec", facts.dec.map(|dec| format!("{dec:+.5}°")));
    let magnitudes = [facts.flux_g, facts.flux_r, facts.flux_z].map(|flux| {
        flux.filter(|flux| *flux > 0.0).map_or_else(
            || "-".to_owned(),
            |flux| format!("{:.1}", 22.5 - 2.5 * flux.log10()),
        )
    });
    let known = magnitudes.iter().any(|magnitude| magnitude != "-");
    add("AB g r z", known.then(|| magnitudes.join(" ")));
    add("source", Some(facts.source.to_string()));
    let survey = [facts.survey.as_deref(), facts.program.as_deref()];
    let survey: Vec<&str> = survey
        .into_iter()
        .flatten()
        .filter(|text| !text.is_empty())
        .collect();
    add("survey", Some(survey.join(" ")));
    add("mjd", facts.mjd.map(|mjd| format!("{mjd:.1}")));
    add("exposure", facts.exptime.map(|seconds| format!("{seconds:.0} s")));
    lines
}

fn verdict(view: &SpectrumView, theme: &Theme) -> Vec<Line<'static>> {
    if !view.score.is_finite() {
        return Vec::new();
    }
    let role = if view.anomalous {
        Role::Interesting
    } else {
        Role::Text
    };
    vec![
        Line::styled(
            format!("#{} score {:.2}", view.rank, view.score),
            theme.style(role),
        ),
        pair("percent", percentile_words(view.percentile), theme),
        Line::styled(text::clean(&view.reason).into_owned(), theme.style(Role::Text)),
    ]
}

/// The flagged regions, the strongest first.
fn regions(view: &SpectrumView, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for region in view.regions.iter().take(8) {
        let what = region.line.clone().unwrap_or_default();
        let doubt = match region.artifact() {
            share if share >= 0.5 => format!(" artifact {:.0}%", 100.0 * share),
            _ => String::new(),
        };
        let words = format!(
            "{:.0}-{:.0} {:+.0}σ {what}{doubt}",
            region.wavelength_min, region.wavelength_max, region.significance
        );
        lines.push(Line::styled(
            text::clean(words.trim_end()).into_owned(),
            theme.style(Role::Region(region.reason)),
        ));
    }
    lines
}

fn label(view: &SpectrumView, app: &App) -> Vec<Line<'static>> {
    let theme = &app.shell.theme;
    let Some(label) = app.shell.labels.get(&view.facts.object_id) else {
        return Vec::new();
    };
    let words = text::clean(&label.to_string()).into_owned();
    vec![Line::styled(words, theme.style(Role::Label))]
}

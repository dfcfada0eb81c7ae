//! `spectriage doctor`: what the terminal was asked, what it answered, how pictures are shown, and what to do where that is not right.

use std::io::{self, IsTerminal as _, Write as _, stdout};

use image::{Rgb, RgbImage};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Value, json};

use super::{Common, End, SettingFlags, print, start_logging};
use crate::tui::picture::{Payload, Source, encode, show};
use crate::tui::printed;
use crate::tui::terminal::{self, Answers, Choice, Graphics, Protocol, Surroundings};
use crate::tui::theme::{Depth, Theme};

#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// Draw the test card by every protocol, not by the chosen one alone
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    settings: SettingFlags,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<End> {
    start_logging(&arguments.common);
    let settings = arguments.settings.resolve()?.settings;
    let around = Surroundings::here();
    let (answers, asked) = ask(&around)?;
    let theme = answers.refine(Theme::detect(&|name| std::env::var(name).ok()));
    let choice = terminal::choose(&settings.screens, &answers, &around, &theme);
    let report = Report {
        around,
        answers,
        asked,
        theme,
        choice,
    };
    print::json_or(arguments.common.json, &report.json(), || report.text())?;
    if !arguments.common.json && asked {
        let chosen = report.choice.graphics;
        let protocols: Vec<Protocol> = match arguments.all {
            true => Protocol::ALL
                .into_iter()
                .filter(|one| *one != Protocol::None)
                .collect(),
            false => vec![chosen.protocol],
        };
        for protocol in protocols.into_iter().filter(|one| *one != Protocol::None) {
            test_card(&Graphics { protocol, ..chosen }, &report.theme)?;
        }
    }
    Ok(End::Done)
}

/// In raw mode, so that the answers are not echoed; nothing where there is no terminal.
fn ask(around: &Surroundings) -> io::Result<(Answers, bool)> {
    if !(io::stdin().is_terminal() && stdout().is_terminal()) {
        return Ok((Answers::default(), false));
    }
    crossterm::terminal::enable_raw_mode()?;
    let answers = terminal::probe(around);
    crossterm::terminal::disable_raw_mode()?;
    Ok((answers, true))
}

struct Report {
    around: Surroundings,
    answers: Answers,
    /// There was a terminal to ask.
    asked: bool,
    theme: Theme,
    choice: Choice,
}

impl Report {
    fn advice(&self) -> Vec<String> {
        let mut advice = Vec::new();
        if !self.asked {
            advice.push(
                "Standard input or output is no terminal, so that nothing could be asked; run it in the terminal that you use."
                    .to_owned(),
            );
            return advice;
        }
        advice.extend(self.choice.advice.iter().cloned());
        if self.theme.ascii {
            advice.push(format!(
                "The locale {} is not UTF-8, or the console has no braille: charts are drawn in plain characters. LANG=C.UTF-8 changes it; in tmux also `tmux -u`.",
                or_unset(&self.around.locale)
            ));
        }
        match self.theme.depth {
            Depth::Indexed if self.answers.multiplexer.is_some() => advice.push(
                "tmux shows 256 colors: `set -as terminal-features ',*:RGB'` in tmux.conf and COLORTERM=truecolor give 16 million.".into(),
            ),
            Depth::Indexed => advice.push("256 colors: where the terminal has more, COLORTERM=truecolor says so.".into()),
            _ => (),
        }
        advice
    }

    fn text(&self) -> String {
        let (answers, around) = (&self.answers, &self.around);
        let mut lines = Vec::new();
        let mut add = |name: &str, value: String| lines.push(format!("{name:<14} {value}"));
        let unknown = || "did not say".to_owned();
        add("terminal", answers.name.clone().unwrap_or_else(unknown));
        if let Some(tmux) = &answers.multiplexer {
            let through = if answers.passthrough {
                "lets pictures through"
            } else {
                "lets nothing through"
            };
            add("multiplexer", format!("{tmux}, {through}"));
        }
        add("TERM", or_unset(&around.term).into());
        add("over ssh", if around.ssh { "yes" } else { "no" }.into());
        let cell = |cell: Option<(u16, u16)>| cell.map_or_else(unknown, |(w, h)| format!("{w} x {h} pixels"));
        add(
            "cell",
            format!(
                "{} (the system: {})",
                cell(answers.cell),
                cell(answers.window_cell)
            ),
        );
        let depth = match self.theme.depth {
            Depth::True => "16 million",
            Depth::Indexed => "256",
            Depth::Ansi16 => "16",
            Depth::Mono => "none",
        };
        let no_color = if around.no_color { " (NO_COLOR is set)" } else { "" };
        add("colors", format!("{depth}{no_color}"));
        add(
            "background",
            if self.theme.dark { "dark" } else { "light" }.into(),
        );
        add(
            "locale",
            format!(
                "{}, {}",
                or_unset(&around.locale),
                if self.theme.ascii {
                    "plain characters"
                } else {
                    "UTF-8"
                }
            ),
        );
        if self.asked {
            add("asked in", format!("{:.0} ms", answers.took.as_secs_f64() * 1e3));
        }
        for said in &answers.said {
            let through = if said.through { "through tmux" } else { "asked" };
            let questions: Vec<String> = said.asked.iter().map(|question| readable(question)).collect();
            add(through, questions.join("  "));
            add(
                "answered",
                if said.text.is_empty() {
                    "nothing".into()
                } else {
                    readable(&said.text)
                },
            );
        }
        let graphics = &self.choice.graphics;
        let through = if graphics.passthrough {
            ", through tmux"
        } else {
            ""
        };
        add(
            "pictures",
            format!("{}{through}: {}", graphics.protocol.name(), self.choice.why),
        );
        for advice in self.advice() {
            add("what to do", advice);
        }
        lines.join("\n")
    }

    fn json(&self) -> Value {
        let (answers, around) = (&self.answers, &self.around);
        let said = answers
            .said
            .iter()
            .map(|said| json!({ "asked": said.asked, "through_tmux": said.through, "answer": said.text }));
        json!({
            "asked": self.asked,
            "terminal": answers.name,
            "multiplexer": answers.multiplexer,
            "passthrough": answers.passthrough,
            "attributes": answers.attributes,
            "term": around.term,
            "ssh": around.ssh,
            "no_color": around.no_color,
            "locale": around.locale,
            "utf8": !self.theme.ascii,
            "cell": answers.cell,
            "window_cell": answers.window_cell,
            "synchronized": answers.synchronized,
            "colors": match self.theme.depth {
                Depth::True => 1 << 24,
                Depth::Indexed => 256,
                Depth::Ansi16 => 16,
                Depth::Mono => 0,
            },
            "dark": self.theme.dark,
            "milliseconds": answers.took.as_secs_f64() * 1e3,
            "conversation": said.collect::<Vec<_>>(),
            "graphics": {
                "protocol": self.choice.graphics.protocol.name(),
                "passthrough": self.choice.graphics.passthrough,
                "cell": self.choice.graphics.cell,
                "why": self.choice.why,
            },
            "advice": self.advice(),
        })
    }
}

fn or_unset(value: &str) -> &str {
    if value.is_empty() { "(not set)" } else { value }
}

/// A sequence as it is written about.
fn readable(text: &str) -> String {
    let mut readable = String::new();
    for c in text.chars() {
        match c {
            '\x1b' => readable += "ESC ",
            c if c.is_control() => readable += &c.escape_default().to_string(),
            c => readable.push(c),
        }
    }
    readable
}

/// Red and green above, blue and white below.
fn test_card(graphics: &Graphics, theme: &Theme) -> anyhow::Result<()> {
    let card = RgbImage::from_fn(128, 128, |x, y| match (x < 64, y < 64) {
        (true, true) => Rgb([255, 0, 0]),
        (false, true) => Rgb([0, 255, 0]),
        (true, false) => Rgb([0, 0, 255]),
        (false, false) => Rgb([255, 255, 255]),
    });
    let source = Source {
        image: &card,
        original: None,
        marks: None,
    };
    println!(
        "\ntest card by {}: red and green above, blue and white below",
        graphics.protocol.name()
    );
    let id = (1 + std::process::id() % 255) << 24 | (16 + graphics.protocol as u32);
    let picture = std::sync::Arc::new(encode(&source, (20, 10), graphics, id).map_err(anyhow::Error::msg)?);
    let (width, height) = picture.cells;
    let mut out = stdout().lock();
    match &picture.payload {
        Payload::Sent(data) => {
            // Room first: at the foot of the screen the picture would scroll it.
            write!(
                out,
                "{}\x1b[{height}A\x1b7{data}\x1b8\x1b[{height}B\r",
                "\n".repeat(height.into())
            )?;
        }
        payload => {
            if let Payload::Kitty { transmission, .. } = payload {
                out.write_all(transmission.as_bytes())?;
            }
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            let area = buffer.area;
            show(&picture, area, &mut buffer, theme);
            for line in printed(&buffer, true) {
                writeln!(out, "{line}")?;
            }
        }
    }
    out.flush()?;
    Ok(())
}

//! What the terminal said of itself, understood.

use std::time::Duration;

use crate::tui::theme::{Depth, Theme};

/// One round of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub asked: Vec<&'static str>,
    /// Through tmux, of the terminal that it runs in.
    pub through: bool,
    pub text: String,
}

/// What the terminal said of itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers {
    /// Of the terminal, not of the tmux in it: `kitty(0.41.1)`, `XTerm(379)`, …
    pub name: Option<String>,
    /// tmux between the program and the terminal, as it calls itself.
    pub multiplexer: Option<String>,
    /// The terminal answered through tmux.
    pub passthrough: bool,
    /// Device attributes of the terminal; 4 is sixel.
    pub attributes: Vec<u16>,
    /// Those of tmux, where there is one.
    pub multiplexer_attributes: Vec<u16>,
    /// Pixels of a character cell, as the terminal says.
    pub cell: Option<(u16, u16)>,
    /// As the system says.
    pub window_cell: Option<(u16, u16)>,
    /// Of the background, 0 to 1.
    pub luminance: Option<f64>,
    pub truecolor: bool,
    /// Frames can be shown whole.
    pub synchronized: bool,
    pub took: Duration,
    pub said: Vec<Said>,
}

impl Answers {
    pub fn understand(said: &[Said]) -> Self {
        let inner = said.iter().find(|said| !said.through);
        let inner = inner.map_or("", |said| &said.text);
        let outer = said.iter().find(|said| said.through);
        let multiplexer = name(inner).filter(|name| name.starts_with("tmux"));
        let text = match (&multiplexer, outer) {
            (Some(_), outer) => outer.map_or("", |said| &said.text),
            (None, _) => inner,
        };
        // Rec. 709 weights; the terminal's gamma does not matter for light or dark.
        let luminance = background(text).or_else(|| background(inner));
        Self {
            name: name(text),
            passthrough: multiplexer.is_some() && attributes(text).is_some(),
            attributes: attributes(text).unwrap_or_default(),
            multiplexer_attributes: match multiplexer {
                Some(_) => attributes(inner).unwrap_or_default(),
                None => Vec::new(),
            },
            multiplexer,
            cell: cell(text),
            window_cell: None,
            luminance: luminance.map(|[r, g, b]| 0.2126 * r + 0.7152 * g + 0.0722 * b),
            truecolor: ["48:2:1:2:3", "48:2::1:2:3", "48;2;1;2;3"]
                .iter()
                .any(|answer| text.contains(answer)),
            synchronized: ["?2026;1$y", "?2026;2$y"]
                .iter()
                .any(|answer| text.contains(answer)),
            took: Duration::ZERO,
            said: said.to_vec(),
        }
    }

    /// The theme as the terminal can show it; what it has not said is as the environment has it.
    pub fn refine(&self, theme: Theme) -> Theme {
        let depth = match theme.depth {
            // Asked for by NO_COLOR or a terminal that has none.
            Depth::Mono => Depth::Mono,
            _ if self.truecolor && self.multiplexer.is_none() => Depth::True,
            depth => depth,
        };
        Theme {
            depth,
            dark: self.luminance.map_or(theme.dark, |luminance| luminance < 0.5),
            ..theme
        }
    }

    /// Whether anything was heard.
    pub fn any(&self) -> bool {
        self.said.iter().any(|said| !said.text.is_empty())
    }
}

/// The answer to XTVERSION.
fn name(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("\x1bP>|")?;
    let name: String = rest.chars().take_while(|c| !c.is_control()).collect();
    Some(name).filter(|name| !name.is_empty())
}

/// The numbers of the last answer to DA1 in a text.
pub(super) fn attributes(text: &str) -> Option<Vec<u16>> {
    text.rmatch_indices("\x1b[?").find_map(|(at, start)| {
        let rest = &text[at + start.len()..];
        let (numbers, _) = rest.split_once('c')?;
        // kitty leaves one out: `62;`.
        let numbers = numbers.split(';').filter(|number| !number.is_empty());
        let numbers: Option<Vec<u16>> = numbers.map(|number| number.parse().ok()).collect();
        numbers.filter(|numbers| !numbers.is_empty())
    })
}

/// Width and height of a cell in the answer to CSI 16 t, which tells the height first.
fn cell(text: &str) -> Option<(u16, u16)> {
    let (_, rest) = text.split_once("\x1b[6;")?;
    let (numbers, _) = rest.split_once('t')?;
    let (height, width) = numbers.split_once(';')?;
    let cell = (width.parse().ok()?, height.parse().ok()?);
    // What is beyond has been misunderstood by one of the two.
    ((2..=200).contains(&cell.0) && (2..=400).contains(&cell.1)).then_some(cell)
}

fn background(text: &str) -> Option<[f64; 3]> {
    let (_, rest) = text.split_once("]11;rgb:")?;
    let mut parts = rest.split(|c: char| !c.is_ascii_hexdigit()).take(3).map(|part| {
        Some(f64::from(u32::from_str_radix(part, 16).ok()?) / f64::from(16u32.pow(part.len() as u32) - 1))
    });
    Some([parts.next()??, parts.next()??, parts.next()??])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(through: bool, text: &str) -> Said {
        Said {
            asked: Vec::new(),
            through,
            text: text.into(),
        }
    }

    #[test]
    fn answers_are_understood() {
        let xterm = "\x1bP>|XTerm(379)\x1b\\\x1b]11;rgb:ffff/ffff/dddd\x1b\\\x1bP1$r0;48:2::1:2:3m\x1b\\\x1b[?64;1;2;6;22c";
        let answers = Answers::understand(&[said(false, xterm)]);
        assert_eq!(answers.name.as_deref(), Some("XTerm(379)"));
        assert!(answers.truecolor && answers.luminance.unwrap() > 0.9);
        assert_eq!(answers.attributes, [64, 1, 2, 6, 22]);
        assert_eq!(answers.multiplexer, None);
        let kitty = "\x1bP>|kitty(0.41.1)\x1b\\\x1b[6;17;8t\x1b[?2026;2$y\x1b[?62;c";
        let answers = Answers::understand(&[said(false, kitty)]);
        assert_eq!(answers.cell, Some((8, 17)));
        assert!(answers.synchronized);
        for nothing in [
            "",
            "\x1b]11;rgb:",
            "\x1b]11;rgb:zz/1/1",
            "\x1b[6;1",
            "\x1b[6;x;yt",
            "\x1b[6;0;0t",
            "\x1b[?",
            "\x1b[?;c",
        ] {
            let mut answers = Answers::understand(&[said(false, nothing)]);
            answers.said.clear();
            assert_eq!(answers, Answers::default(), "{nothing:?}");
        }
    }

    #[test]
    fn tmux_and_the_terminal_that_it_runs_in_are_two() {
        let tmux = said(false, "\x1bP>|tmux 3.3a\x1b\\\x1b[?1;2c");
        let outer = said(true, "\x1bP>|XTerm(379)\x1b\\\x1b[6;17;8t\x1b[?63;1;2;4;6c");
        let answers = Answers::understand(&[tmux.clone(), outer]);
        assert_eq!(answers.multiplexer.as_deref(), Some("tmux 3.3a"));
        assert_eq!(answers.name.as_deref(), Some("XTerm(379)"));
        assert!(answers.passthrough && answers.attributes.contains(&4));
        assert_eq!(answers.multiplexer_attributes, [1, 2]);
        let answers = Answers::understand(&[tmux, said(true, "")]);
        assert!(!answers.passthrough && answers.name.is_none() && answers.attributes.is_empty());
    }
}

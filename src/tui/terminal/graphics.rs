//! How pictures are shown: by which protocol, through what, and why.

use super::{Answers, Surroundings};
use crate::pipeline::settings::{GraphicsWish, ScreenSettings};
use crate::tui::theme::{Depth, Theme};

/// A way to show a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// kitty's graphics protocol, placed by its Unicode placeholders.
    Kitty,
    /// iTerm2's inline images.
    Iterm2,
    Sixel,
    /// Two pixels a cell, in colors.
    Halfblocks,
    /// Not at all.
    None,
}

impl Protocol {
    pub const ALL: [Self; 5] = [
        Self::Kitty,
        Self::Iterm2,
        Self::Sixel,
        Self::Halfblocks,
        Self::None,
    ];

    /// As the setting names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kitty => "kitty",
            Self::Iterm2 => "iterm2",
            Self::Sixel => "sixel",
            Self::Halfblocks => "halfblocks",
            Self::None => "none",
        }
    }

    /// Pictures are pixels that lie over the characters.
    pub fn has_pixels(self) -> bool {
        matches!(self, Self::Kitty | Self::Iterm2 | Self::Sixel)
    }
}

/// How pictures are made for the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Graphics {
    pub protocol: Protocol,
    /// Sequences go through tmux to the terminal that it runs in.
    pub passthrough: bool,
    /// Width and height of a character cell, pixels.
    pub cell: (u16, u16),
    /// Bytes matter, and what passes by quickly is not sent.
    pub remote: bool,
    /// Colors of a sixel picture at most.
    pub colors: u16,
}

impl Default for Graphics {
    /// Where nothing is known of the terminal but that it has colors.
    fn default() -> Self {
        Self {
            protocol: Protocol::Halfblocks,
            passthrough: false,
            cell: GUESS,
            remote: false,
            colors: 256,
        }
    }
}

impl Graphics {
    /// Pixels of a cell, where pictures are shown.
    pub fn shown_in(&self) -> Option<(u16, u16)> {
        (self.protocol != Protocol::None).then_some(self.cell)
    }
}

/// A usual cell, where the terminal has not said.
const GUESS: (u16, u16) = (8, 16);

/// What was chosen, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub graphics: Graphics,
    pub why: String,
    /// What could be done to see more, each in a sentence.
    pub advice: Vec<String>,
}

/// Chooses by what the terminal said; what the settings wish for goes before.
pub fn choose(settings: &ScreenSettings, answers: &Answers, around: &Surroundings, theme: &Theme) -> Choice {
    let mut advice = Vec::new();
    let (protocol, passthrough, why) = match settings.graphics {
        GraphicsWish::Auto => automatic(answers, around, theme, &mut advice),
        wish => {
            let protocol = match wish {
                GraphicsWish::Kitty => Protocol::Kitty,
                GraphicsWish::Iterm2 => Protocol::Iterm2,
                GraphicsWish::Sixel => Protocol::Sixel,
                GraphicsWish::None => Protocol::None,
                _ => Protocol::Halfblocks,
            };
            // What tmux shows by itself must not go around it.
            let by_tmux = protocol == Protocol::Sixel && answers.multiplexer_attributes.contains(&SIXEL);
            let through = answers.multiplexer.is_some() && protocol.has_pixels() && !by_tmux;
            (protocol, through, "the setting `graphics` asks for it".into())
        }
    };
    let cell = answers.cell.or(answers.window_cell);
    Choice {
        graphics: Graphics {
            protocol,
            passthrough,
            cell: cell.unwrap_or(GUESS),
            remote: around.ssh,
            colors: settings.sixel_colors.unwrap_or(if around.ssh { 64 } else { 256 }),
        },
        why,
        advice,
    }
}

/// The device attribute of sixel.
const SIXEL: u16 = 4;

fn automatic(
    answers: &Answers,
    around: &Surroundings,
    theme: &Theme,
    advice: &mut Vec<String>,
) -> (Protocol, bool, String) {
    let tmux = answers.multiplexer.is_some();
    let name = answers.name.as_deref().unwrap_or("");
    let lower = name.to_lowercase();
    let sixel = answers.attributes.contains(&SIXEL);
    let cells = |why: String, advice: &mut Vec<String>| match theme.depth {
        Depth::True | Depth::Indexed => (Protocol::Halfblocks, false, why),
        Depth::Mono if around.no_color => {
            advice.push("NO_COLOR is set: half-blocks are made of colors; --graphics halfblocks shows them all the same.".into());
            (Protocol::None, false, format!("{why}, and NO_COLOR is set"))
        }
        Depth::Ansi16 | Depth::Mono => {
            let term = if around.term.is_empty() {
                "not set"
            } else {
                &around.term
            };
            advice.push(format!("TERM is {term}: half-blocks need 256 colors; set TERM=xterm-256color where the terminal has them."));
            (
                Protocol::None,
                false,
                format!("{why}, and too few colors for half-blocks"),
            )
        }
    };
    if tmux && !answers.passthrough {
        advice.push("tmux hands nothing on: `tmux set -g allow-passthrough on` (tmux 3.3 or newer) lets pictures through; then open the screens again.".into());
        return cells("tmux does not let the terminal be asked".into(), advice);
    }
    let kitty = version(&lower, "kitty");
    if kitty.is_some_and(|version| version >= (0, 28)) || lower.starts_with("ghostty") {
        let why = format!("{name} places pictures by Unicode placeholders");
        return (Protocol::Kitty, tmux, why);
    }
    if kitty.is_some() {
        advice.push(format!(
            "{name} has no Unicode placeholders: kitty 0.28 or newer shows pixels."
        ));
        return cells(format!("{name} is older than 0.28"), advice);
    }
    if ["konsole", "wezterm", "iterm2", "mintty"]
        .iter()
        .any(|known| lower.starts_with(known))
    {
        return (
            Protocol::Iterm2,
            tmux,
            format!("{name} shows inline images of iTerm2"),
        );
    }
    if sixel && (answers.cell.is_some() || answers.window_cell.is_some()) {
        let by_tmux = answers.multiplexer_attributes.contains(&SIXEL);
        let why = match (tmux, by_tmux) {
            (true, true) => "the terminal and tmux have sixel (device attribute 4)",
            _ => "the terminal has sixel (device attribute 4)",
        };
        return (Protocol::Sixel, tmux && !by_tmux, why.into());
    }
    if sixel {
        return cells(
            "the terminal has sixel but tells nobody the size of its cells".into(),
            advice,
        );
    }
    if lower.starts_with("xterm") {
        advice.push("xterm shows sixel pictures when it is started as `xterm -ti vt340`.".into());
    }
    if !answers.any() {
        advice.push("The terminal answered nothing within a second. Where it can show pictures, name the protocol: --graphics kitty, iterm2 or sixel.".into());
        return cells("the terminal did not answer".into(), advice);
    }
    let who = if name.is_empty() { "the terminal" } else { name };
    cells(format!("{who} names no graphics protocol"), advice)
}

/// Major and minor version in `kitty(0.41.1)` or `kitty 0.41.1`.
fn version(name: &str, of: &str) -> Option<(u32, u32)> {
    let rest = name.strip_prefix(of)?;
    let mut numbers = rest
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|part| part.parse().ok());
    Some((numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::terminal::answers::Said;

    fn answers(inner: &str, outer: Option<&str>) -> Answers {
        let said = |through, text: &str| Said {
            asked: Vec::new(),
            through,
            text: text.into(),
        };
        let mut all = vec![said(false, inner)];
        all.extend(outer.map(|text| said(true, text)));
        Answers::understand(&all)
    }

    fn chosen(inner: &str, outer: Option<&str>) -> (Protocol, bool) {
        let around = Surroundings {
            term: "xterm-256color".into(),
            ..Surroundings::default()
        };
        let choice = choose(
            &ScreenSettings::default(),
            &answers(inner, outer),
            &around,
            &Theme::default(),
        );
        assert!(!choice.why.is_empty());
        (choice.graphics.protocol, choice.graphics.passthrough)
    }

    const CELL: &str = "\x1b[6;17;8t";

    #[test]
    fn each_terminal_gets_what_it_can_show() {
        for (name, expected) in [
            ("kitty(0.41.1)", Protocol::Kitty),
            ("kitty(0.28.0)", Protocol::Kitty),
            ("kitty(0.26.5)", Protocol::Halfblocks),
            ("ghostty 1.0.0", Protocol::Kitty),
            ("WezTerm 20240203", Protocol::Iterm2),
            ("iTerm2 3.5.0", Protocol::Iterm2),
            ("Konsole 22.12.3", Protocol::Iterm2),
            ("mintty 3.6.1", Protocol::Iterm2),
            ("XTerm(379)", Protocol::Halfblocks),
        ] {
            let text = format!("\x1bP>|{name}\x1b\\{CELL}\x1b[?62;22c");
            assert_eq!(chosen(&text, None), (expected, false), "{name}");
        }
        let vt340 = format!("\x1bP>|XTerm(379)\x1b\\{CELL}\x1b[?63;1;2;4;6c");
        assert_eq!(chosen(&vt340, None), (Protocol::Sixel, false));
        // Without the size of a cell no sixel can be made to fit.
        assert_eq!(chosen("\x1b[?63;1;2;4;6c", None), (Protocol::Halfblocks, false));
        assert_eq!(chosen("", None), (Protocol::Halfblocks, false));
    }

    #[test]
    fn through_tmux_where_it_lets_through() {
        let tmux = "\x1bP>|tmux 3.3a\x1b\\\x1b[?1;2c";
        let kitty = format!("\x1bP>|kitty(0.41.1)\x1b\\{CELL}\x1b[?62;c");
        let xterm = format!("\x1bP>|XTerm(379)\x1b\\{CELL}\x1b[?63;4c");
        assert_eq!(chosen(tmux, Some(&kitty)), (Protocol::Kitty, true));
        assert_eq!(chosen(tmux, Some(&xterm)), (Protocol::Sixel, true));
        assert_eq!(chosen(tmux, Some("")), (Protocol::Halfblocks, false));
        let newer = "\x1bP>|tmux 3.5a\x1b\\\x1b[?1;2;4c";
        assert_eq!(chosen(newer, Some(&xterm)), (Protocol::Sixel, false));
        // It claims sixel within a kitty, which has none.
        assert_eq!(chosen(newer, Some(&kitty)), (Protocol::Kitty, true));
    }

    #[test]
    fn wishes_and_colors_go_before() {
        let around = Surroundings {
            no_color: true,
            ..Surroundings::default()
        };
        let mono = Theme {
            depth: Depth::Mono,
            ..Theme::default()
        };
        let none = answers("\x1b[?62;22c", None);
        let protocol = |graphics, of: &Answers| {
            let settings = ScreenSettings {
                graphics,
                sixel_colors: None,
            };
            choose(&settings, of, &around, &mono).graphics.protocol
        };
        assert_eq!(protocol(GraphicsWish::Auto, &none), Protocol::None);
        assert_eq!(protocol(GraphicsWish::Halfblocks, &none), Protocol::Halfblocks);
        // Pixels are no colors of the text.
        let kitty = answers("\x1bP>|kitty(0.41.1)\x1b\\\x1b[?62;c", None);
        assert_eq!(protocol(GraphicsWish::Auto, &kitty), Protocol::Kitty);
        assert_eq!(protocol(GraphicsWish::None, &kitty), Protocol::None);
    }
}

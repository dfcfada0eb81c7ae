//! How each thing on the screen looks, on any terminal: truecolor, 256 colors, 16 colors, none; dark and light.
//!
//! The colors of truecolor stand in one table; those of 256 colors are the nearest of these. The hues are those of the figures
//! that are written as PNG, so that one color means one thing in both.
//!
//! Source: Okabe & Ito 2008, "Color Universal Design", and Wong 2011, Nature Methods 8, 441, for hues that the color-blind tell
//! apart.

use ratatui::style::{Color, Modifier, Style};

use crate::anomaly::Reason;

mod color;
#[cfg(test)]
mod tests;

use color::Rgb;

/// How many colors the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// 24 bits.
    #[default]
    True,
    /// The 256 of xterm.
    Indexed,
    /// The 16 whose shades the user chose.
    Ansi16,
    /// None: bold, dim, underlined and reversed must do.
    Mono,
}

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Text,
    Dim,
    Title,
    Border,
    /// The border of the pane that has the keys.
    Focus,
    /// The row under the cursor.
    Selected,
    /// A row that the user marked.
    Marked,
    /// A key in the line of keys.
    Key,
    Good,
    Warn,
    Bad,
    /// A label that somebody gave.
    Label,
    Interesting,
    Data,
    /// Noisy data behind its smoothed curve.
    Raw,
    Smoothed,
    Noise,
    Model,
    Residual,
    /// Pixels that are not to be believed.
    Masked,
    /// Zones prone to artifacts, as the next two.
    Sky,
    Telluric,
    /// Where two cameras meet.
    Overlap,
    /// A flagged stretch of a spectrum.
    Region(Reason),
    /// Lines by their kind, as the next two.
    Emission,
    Absorption,
    SkyLine,
    Crosshair,
    /// A chosen interval.
    Selection,
    /// One of several curves.
    Curve(usize),
    /// Horizontal lines at a value.
    Guide,
    Axis,
}

/// The looks of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    pub depth: Depth,
    /// Whether the background is dark.
    pub dark: bool,
    /// Plain characters instead of braille and box drawing.
    pub ascii: bool,
}

impl Default for Theme {
    fn default() -> Self {
        Self {
            depth: Depth::True,
            dark: true,
            ascii: false,
        }
    }
}

/// The color of a role's glyphs and of what is behind them, and what is bold or otherwise stressed.
#[derive(Debug, Clone, Copy, Default)]
struct Look {
    fg: Option<Rgb>,
    bg: Option<Rgb>,
    stress: Modifier,
}

impl Theme {
    /// The theme that the environment asks for, with `env` to look up a variable.
    ///
    /// `NO_COLOR` (not empty) takes all colors, as `TERM=dumb` and an unset `TERM` do; `COLORTERM` of `truecolor` or `24bit`, or
    /// a `TERM` of `*-direct`, gives 24 bits; `*256color` the 256; anything else 16. `COLORFGBG` tells a light background. Braille
    /// needs UTF-8: a locale (`LC_ALL`, else `LC_CTYPE`, else `LANG`) that names another encoding, or the `linux` console, gets ASCII.
    pub fn detect(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str| env(name).filter(|value| !value.is_empty());
        let term = value("TERM").unwrap_or_default();
        let direct = value("COLORTERM").is_some_and(|v| v == "truecolor" || v == "24bit");
        let depth = if value("NO_COLOR").is_some() || term.is_empty() || term == "dumb" {
            Depth::Mono
        } else if term.starts_with("screen") {
            // GNU screen garbles what it does not know; tmux calls itself so too where it is not told better
            Depth::Indexed
        } else if direct || term.ends_with("-direct") {
            Depth::True
        } else if term.contains("256color") || ["xterm-kitty", "foot", "alacritty"].contains(&term.as_str()) {
            Depth::Indexed
        } else {
            Depth::Ansi16
        };
        // the background is the last field; white is 15, light gray 7
        let background = value("COLORFGBG").and_then(|v| v.rsplit(';').next()?.parse::<u8>().ok());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value);
        let foreign = locale.is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            !(locale.contains("utf-8") || locale.contains("utf8"))
        });
        Self {
            depth,
            dark: !matches!(background, Some(7 | 9..=15)),
            ascii: foreign || term == "linux" || term == "dumb",
        }
    }

    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        match self.depth {
            Depth::Mono => Style::new().add_modifier(mono(role)),
            Depth::Ansi16 => {
                let (color, stress) = ansi(role, self.dark);
                let style = Style::new().add_modifier(stress);
                if color == Color::Reset {
                    style
                } else {
                    style.fg(color)
                }
            }
            Depth::True | Depth::Indexed => {
                let look = if self.dark { dark(role) } else { light(role) };
                let mut style = Style::new().add_modifier(look.stress);
                style.fg = look.fg.map(|rgb| self.color(rgb));
                style.bg = look.bg.map(|rgb| self.color(rgb));
                style
            }
        }
    }

    /// How a role looks where it must not draw the eye: half-way to the background.
    pub(super) fn faint(&self, role: Role) -> Style {
        let ground = if self.dark {
            Rgb(0x18, 0x18, 0x18)
        } else {
            Rgb(0xff, 0xff, 0xff)
        };
        let look = if self.dark { dark(role) } else { light(role) };
        match (self.depth, look.fg) {
            (Depth::True | Depth::Indexed, Some(fg)) => {
                let mixed = color::mean(&[fg, ground]).unwrap_or(fg);
                Style::new().fg(self.color(mixed))
            }
            _ => self
                .style(role)
                .add_modifier(Modifier::DIM)
                .remove_modifier(Modifier::BOLD),
        }
    }

    /// The tint behind what lies in these zones at once; `None` where the terminal has no tints to give.
    ///
    /// With 24 bits the tints are mixed; with 256 colors the first zone's is taken.
    pub(super) fn tint(&self, zones: &[Role]) -> Option<Color> {
        let mut tints = zones.iter().filter_map(|role| tint(*role, self.dark));
        match self.depth {
            Depth::True => {
                let tints: Vec<Rgb> = tints.filter_map(|(hex, _)| rgb(hex)).collect();
                color::mean(&tints).map(|rgb| self.color(rgb))
            }
            Depth::Indexed => tints.next().map(|(_, index)| Color::Indexed(index)),
            Depth::Ansi16 | Depth::Mono => None,
        }
    }

    /// A color of a picture as this terminal has it.
    pub fn nearest(&self, red: u8, green: u8, blue: u8) -> Color {
        self.color(Rgb(red, green, blue))
    }

    fn color(&self, rgb: Rgb) -> Color {
        match self.depth {
            Depth::Indexed => Color::Indexed(color::nearest(rgb)),
            _ => Color::Rgb(rgb.0, rgb.1, rgb.2),
        }
    }
}

const fn rgb(hex: u32) -> Option<Rgb> {
    Some(Rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8))
}

fn fg(hex: u32) -> Look {
    Look {
        fg: rgb(hex),
        ..Look::default()
    }
}

fn both(fg: u32, bg: u32) -> Look {
    Look {
        fg: rgb(fg),
        bg: rgb(bg),
        ..Look::default()
    }
}

impl Look {
    fn bold(mut self) -> Self {
        self.stress |= Modifier::BOLD;
        self
    }
}

fn dark(role: Role) -> Look {
    match role {
        Role::Text => Look::default(),
        Role::Title => Look::default().bold(),
        Role::Dim => fg(0x9a9a9a),
        Role::Border => fg(0x626262),
        Role::Focus => fg(0x56b4e9).bold(),
        Role::Selected => both(0xffffff, 0x1f4468),
        Role::Marked | Role::Interesting => fg(0xf0e442).bold(),
        Role::Key => fg(0x56b4e9),
        Role::Good => fg(0x2fbf8f),
        Role::Warn => fg(0xe69f00),
        Role::Bad => fg(0xf5764a).bold(),
        Role::Label => fg(0xd98cb8),
        Role::Data => fg(0xe4e4e4),
        Role::Raw => fg(0x7b8491),
        Role::Smoothed => fg(0xffffff),
        Role::Noise => fg(0x6f8fbf),
        Role::Model => fg(0xf5764a),
        Role::Residual => fg(0xd0d0d0),
        Role::Masked => fg(0x6c6c6c),
        Role::Sky => fg(0x8f8f8f),
        Role::Telluric => fg(0x4f9a84),
        Role::Overlap => fg(0x9c83a8),
        Role::Region(reason) => match reason {
            Reason::ExcessFlux => fg(0xe69f00),
            Reason::MissingFlux => fg(0x56b4e9),
            Reason::HighAbsoluteResidual => fg(0xd98cb8),
            Reason::HighRelativeResidual => fg(0xe0cf30),
            Reason::RangeMismatch => fg(0xb0a0e6),
            Reason::RareLatent | Reason::OutsideModelRange => fg(0xb0b0b0),
        },
        Role::Emission => fg(0xb3a6dc),
        Role::Absorption => fg(0x8fa8d8),
        Role::SkyLine => fg(0x868686),
        Role::Crosshair => fg(0xf0e442),
        Role::Selection => both(0xffffff, 0x3a3a5a),
        Role::Curve(i) => fg([
            0x3aa0e0, 0xf5764a, 0x20b98c, 0xd98cb8, 0xe69f00, 0x9ad4f8, 0xe4e4e4,
        ][i % 7]),
        Role::Guide => fg(0xb0b0b0),
        Role::Axis => fg(0x949494),
    }
}

fn light(role: Role) -> Look {
    match role {
        Role::Text => Look::default(),
        Role::Title => Look::default().bold(),
        Role::Dim => fg(0x666666),
        Role::Border => fg(0xa8a8a8),
        Role::Focus => fg(0x0068a3).bold(),
        Role::Selected => both(0x000000, 0xc5ddf2),
        Role::Marked | Role::Interesting => fg(0x6b6000).bold(),
        Role::Key => fg(0x0068a3),
        Role::Good => fg(0x00694d),
        Role::Warn => fg(0x8a5700),
        Role::Bad => fg(0xa32b00).bold(),
        Role::Label => fg(0x8e3f6b),
        Role::Data => fg(0x262626),
        Role::Raw => fg(0x949daa),
        Role::Smoothed => fg(0x111111),
        Role::Noise => fg(0x7f97bd),
        Role::Model => fg(0xb02a00),
        Role::Residual => fg(0x333333),
        Role::Masked => fg(0xa0a0a0),
        Role::Sky => fg(0x8f8f8f),
        Role::Telluric => fg(0x2f8f74),
        Role::Overlap => fg(0x9468a3),
        Role::Region(reason) => match reason {
            Reason::ExcessFlux => fg(0x7a4d00),
            Reason::MissingFlux => fg(0x00558a),
            Reason::HighAbsoluteResidual => fg(0x8e3f6b),
            Reason::HighRelativeResidual => fg(0x5f5600),
            Reason::RangeMismatch => fg(0x57429a),
            Reason::RareLatent | Reason::OutsideModelRange => fg(0x555555),
        },
        Role::Emission => fg(0x63568a),
        Role::Absorption => fg(0x40588f),
        Role::SkyLine => fg(0x707070),
        Role::Crosshair => fg(0x8a00a8),
        Role::Selection => both(0x000000, 0xd8d8f0),
        Role::Curve(i) => fg([
            0x0072b2, 0xd55e00, 0x009e73, 0xb8588c, 0xc98a00, 0x2f96d0, 0x1a1a1a,
        ][i % 7]),
        Role::Guide => fg(0x606060),
        Role::Axis => fg(0x6b6b6b),
    }
}

/// The tints behind zones, for 24 bits and among the 256: the nearest of these few dark and light ones would be gray.
fn tint(role: Role, dark: bool) -> Option<(u32, u8)> {
    let pick = |on_dark, on_light| Some(if dark { on_dark } else { on_light });
    match role {
        Role::Noise => pick((0x232d40, 236), (0xe3eaf4, 255)),
        Role::Masked => pick((0x2a2a2a, 235), (0xebebeb, 254)),
        Role::Region(reason) => match reason {
            Reason::ExcessFlux => pick((0x45350d, 58), (0xf9e8c4, 223)),
            Reason::MissingFlux => pick((0x10364f, 24), (0xd2e8f7, 153)),
            Reason::HighAbsoluteResidual => pick((0x45293a, 89), (0xf5e0ea, 225)),
            Reason::HighRelativeResidual => pick((0x3f3c0c, 94), (0xf5f0bd, 229)),
            Reason::RangeMismatch => pick((0x322b4e, 54), (0xe6e0f6, 189)),
            Reason::RareLatent | Reason::OutsideModelRange => pick((0x363636, 238), (0xe2e2e2, 252)),
        },
        _ => None,
    }
}

/// The colors of the 16: the bright ones on dark ground, the others on light.
fn ansi(role: Role, dark: bool) -> (Color, Modifier) {
    let pick = |bright: Color, plain: Color| if dark { bright } else { plain };
    let red = pick(Color::LightRed, Color::Red);
    let green = pick(Color::LightGreen, Color::Green);
    let yellow = pick(Color::LightYellow, Color::Yellow);
    let blue = pick(Color::LightBlue, Color::Blue);
    let magenta = pick(Color::LightMagenta, Color::Magenta);
    let cyan = pick(Color::LightCyan, Color::Cyan);
    let strong = pick(Color::White, Color::Black);
    let gray = pick(Color::Gray, Color::DarkGray);
    let none = Modifier::empty();
    match role {
        Role::Text | Role::Data | Role::Residual => (Color::Reset, none),
        Role::Title => (Color::Reset, Modifier::BOLD),
        Role::Dim | Role::Axis | Role::Sky | Role::SkyLine => (gray, none),
        Role::Border | Role::Guide | Role::Raw | Role::Masked => (Color::DarkGray, none),
        Role::Focus => (cyan, Modifier::BOLD),
        Role::Selected | Role::Selection => (Color::Reset, Modifier::REVERSED),
        Role::Marked | Role::Interesting => (yellow, Modifier::BOLD),
        Role::Key => (cyan, none),
        Role::Good => (green, none),
        Role::Warn => (yellow, none),
        Role::Bad => (red, Modifier::BOLD),
        Role::Label => (magenta, none),
        Role::Smoothed => (strong, none),
        Role::Noise => (blue, none),
        Role::Model => (red, none),
        Role::Telluric => (green, none),
        Role::Overlap => (magenta, none),
        Role::Region(Reason::ExcessFlux) => (yellow, Modifier::BOLD),
        Role::Region(Reason::MissingFlux) => (cyan, Modifier::BOLD),
        Role::Region(Reason::HighAbsoluteResidual | Reason::HighRelativeResidual) => {
            (magenta, Modifier::BOLD)
        }
        Role::Region(Reason::RangeMismatch) => (blue, Modifier::BOLD),
        Role::Region(Reason::RareLatent | Reason::OutsideModelRange) => (gray, Modifier::BOLD),
        Role::Emission => (magenta, none),
        Role::Absorption => (blue, none),
        Role::Crosshair => (green, Modifier::BOLD),
        Role::Curve(i) => ([blue, red, green, magenta, yellow, cyan, strong][i % 7], none),
    }
}

/// The stress that stands for a color where there is none.
fn mono(role: Role) -> Modifier {
    match role {
        Role::Title | Role::Focus | Role::Key | Role::Warn | Role::Model | Role::Smoothed => Modifier::BOLD,
        Role::Marked | Role::Interesting | Role::Bad => Modifier::BOLD | Modifier::UNDERLINED,
        Role::Dim | Role::Border | Role::Raw | Role::Masked | Role::Noise | Role::Guide => Modifier::DIM,
        Role::Sky | Role::SkyLine | Role::Emission | Role::Absorption | Role::Axis => Modifier::DIM,
        Role::Selected | Role::Selection => Modifier::REVERSED,
        Role::Crosshair | Role::Region(_) => Modifier::BOLD,
        Role::Label => Modifier::UNDERLINED,
        Role::Curve(i) if i % 2 == 1 => Modifier::BOLD,
        Role::Text | Role::Good | Role::Data | Role::Residual | Role::Curve(_) => Modifier::empty(),
        Role::Telluric | Role::Overlap => Modifier::empty(),
    }
}

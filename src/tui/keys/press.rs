//! A key as it is written in the table, the help and the settings file: `j`, `G`, `ctrl-d`, `alt-5`, `shift-tab`, `f1`.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One key with its modifiers. Of a character, shift is in the character itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Press {
    pub code: KeyCode,
    pub ctrl: bool,
    pub alt: bool,
    pub shift: bool,
}

impl Press {
    /// A key without modifiers.
    pub fn plain(code: KeyCode) -> Self {
        Self {
            code,
            ctrl: false,
            alt: false,
            shift: false,
        }
    }

    /// The character it types, where it types one.
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

impl From<KeyEvent> for Press {
    fn from(key: KeyEvent) -> Self {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let shift = key.modifiers.contains(KeyModifiers::SHIFT);
        let code = match key.code {
            KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            code => code,
        };
        Self {
            code,
            ctrl,
            alt: key.modifiers.contains(KeyModifiers::ALT),
            shift: shift && !matches!(code, KeyCode::Char(_) | KeyCode::BackTab),
        }
    }
}

/// Names of the keys that type no character.
const NAMES: &[(&str, KeyCode)] = &[
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
];

impl FromStr for Press {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut press = Self::plain(KeyCode::Null);
        let mut rest = text;
        loop {
            if let Some((_, code)) = NAMES.iter().find(|(name, _)| *name == rest) {
                press.code = *code;
                return Ok(press);
            }
            let (modifier, after) = match rest.split_once('-') {
                Some((modifier, after)) if !modifier.is_empty() && !after.is_empty() => (modifier, after),
                _ => break,
            };
            match modifier {
                "ctrl" => press.ctrl = true,
                "alt" => press.alt = true,
                "shift" => press.shift = true,
                _ => break,
            }
            rest = after;
        }
        let mut letters = rest.chars();
        press.code = match (letters.next(), letters.as_str()) {
            (Some(c), "") => KeyCode::Char(c),
            (Some('f'), number) => match number.parse() {
                Ok(n @ 1..=12) => KeyCode::F(n),
                _ => return Err(format!("`{text}` is no key")),
            },
            _ => {
                return Err(format!(
                    "`{text}` is no key; keys are written like j, G, ctrl-d, alt-5, space, f1"
                ));
            }
        };
        Ok(press)
    }
}

impl fmt::Display for Press {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "Ctrl-"), (self.alt, "Alt-"), (self.shift, "Shift-")] {
            if held {
                f.write_str(name)?;
            }
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(n) => write!(f, "F{n}"),
            KeyCode::Up => f.write_str("↑"),
            KeyCode::Down => f.write_str("↓"),
            KeyCode::Left => f.write_str("←"),
            KeyCode::Right => f.write_str("→"),
            KeyCode::BackTab => f.write_str("Shift-Tab"),
            KeyCode::PageUp => f.write_str("PgUp"),
            KeyCode::PageDown => f.write_str("PgDn"),
            code => write!(f, "{code:?}"),
        }
    }
}

/// A sequence of keys, written with spaces between them: `g g`.
pub fn sequence(text: &str) -> Result<Vec<Press>, String> {
    let presses: Vec<Press> = text
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    if presses.is_empty() {
        return Err("no key is named".into());
    }
    Ok(presses)
}

/// A sequence as the help shows it.
pub fn written(presses: &[Press]) -> String {
    let single = presses
        .iter()
        .all(|press| matches!(press.code, KeyCode::Char(c) if c != ' ') && !press.ctrl && !press.alt);
    let parts: Vec<String> = presses.iter().map(ToString::to_string).collect();
    parts.join(if single { "" } else { " " })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        for text in [
            "j",
            "G",
            "-",
            "ctrl-d",
            "alt-5",
            "space",
            "shift-tab",
            "f12",
            "ctrl--",
            "shift-left",
        ] {
            let press: Press = text.parse().unwrap();
            let shown = press.to_string();
            let expected = match text {
                "space" => "Space",
                "shift-tab" => "Shift-Tab",
                "ctrl-d" => "Ctrl-d",
                "ctrl--" => "Ctrl--",
                "alt-5" => "Alt-5",
                "f12" => "F12",
                "shift-left" => "Shift-←",
                other => other,
            };
            assert_eq!(shown, expected);
        }
        for text in ["", "jj", "f13", "hyper-j", "ctrl-"] {
            assert!(text.parse::<Press>().is_err(), "{text}");
        }
    }

    #[test]
    fn shift_is_in_the_character() {
        let event = KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!(Press::from(event), "G".parse().unwrap());
        let event = KeyEvent::new(KeyCode::Char('D'), KeyModifiers::CONTROL | KeyModifiers::SHIFT);
        assert_eq!(Press::from(event), "ctrl-d".parse().unwrap());
    }
}

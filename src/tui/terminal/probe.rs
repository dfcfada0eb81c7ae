//! Asks the terminal itself for its background and its colors: environment variables do not cross ssh.

use std::io::{self, Write, stdin, stdout};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::tui::theme::{Depth, Theme};

/// Longest wait for an answer; a terminal on the other side of the world takes 0.3 s.
const PATIENCE: Duration = Duration::from_millis(400);

/// What the terminal said of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Answer {
    /// Of the background, 0 to 1.
    luminance: Option<f64>,
    truecolor: bool,
}

/// The theme as the terminal can show it. Call it in raw mode and before anything else reads keys.
///
/// A terminal that does not answer leaves the theme as the environment has it. Keys typed meanwhile are lost.
pub fn refine(theme: Theme) -> Theme {
    let Ok(text) = ask() else { return theme };
    let answer = understand(&text);
    tracing::debug!("the terminal answered {text:?}: {answer:?}");
    let depth = match theme.depth {
        // Asked for by NO_COLOR or a terminal that has none.
        Depth::Mono => Depth::Mono,
        _ if answer.truecolor => Depth::True,
        depth => depth,
    };
    Theme {
        depth,
        dark: answer.luminance.map_or(theme.dark, |luminance| luminance < 0.5),
        ..theme
    }
}

/// One write, then reads until the answer to the last question, which every terminal answers.
fn ask() -> io::Result<String> {
    // Background (OSC 11); is a truecolor background remembered (DECRQSS of SGR)?; device attributes, which end the conversation.
    const QUESTIONS: &str = "\x1b]11;?\x1b\\\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[m\x1b[c";
    let mut out = stdout();
    out.write_all(QUESTIONS.as_bytes())?;
    out.flush()?;
    let started = Instant::now();
    let mut heard = Vec::new();
    while let Some(left) = PATIENCE.checked_sub(started.elapsed()) {
        let input = stdin();
        let mut ready = [PollFd::new(&input, PollFlags::IN)];
        let left = Timespec {
            tv_sec: 0,
            tv_nsec: left.subsec_nanos().into(),
        };
        if poll(&mut ready, Some(&left))? == 0 {
            break;
        }
        let mut bytes = [0; 512];
        let read = rustix::io::read(&input, &mut bytes)?;
        if read == 0 {
            break;
        }
        heard.extend_from_slice(&bytes[..read]);
        let text = String::from_utf8_lossy(&heard);
        if text.rfind("\x1b[?").is_some_and(|at| text[at..].contains('c')) {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&heard).into_owned())
}

fn understand(text: &str) -> Answer {
    let background = text.split_once("]11;rgb:").and_then(|(_, rest)| {
        let mut parts = rest.split(|c: char| !c.is_ascii_hexdigit()).take(3).map(|part| {
            Some(f64::from(u32::from_str_radix(part, 16).ok()?) / f64::from(16u32.pow(part.len() as u32) - 1))
        });
        Some([parts.next()??, parts.next()??, parts.next()??])
    });
    Answer {
        // Rec. 709 weights; the terminal's gamma does not matter for light or dark.
        luminance: background.map(|[r, g, b]| 0.2126 * r + 0.7152 * g + 0.0722 * b),
        truecolor: ["48:2:1:2:3", "48:2::1:2:3", "48;2;1;2;3"]
            .iter()
            .any(|answer| text.contains(answer)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_understood() {
        let xterm = "\x1b]11;rgb:ffff/ffff/dddd\x1b\\\x1bP1$r0;48:2::1:2:3m\x1b\\\x1b[?64;1;2;6;22c";
        let answer = understand(xterm);
        assert!(answer.truecolor && answer.luminance.unwrap() > 0.9);
        assert!(understand("\x1b]11;rgb:1c/1c/1c\x07\x1b[?6c").luminance.unwrap() < 0.2);
        for nothing in ["", "\x1b[?6c", "\x1b]11;rgb:", "\x1b]11;rgb:zz/1/1"] {
            assert_eq!(understand(nothing), Answer::default(), "{nothing:?}");
        }
    }
}

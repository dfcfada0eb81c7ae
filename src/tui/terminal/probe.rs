//! Asks the terminal itself what it is and what it can do: environment variables do not cross ssh.

use std::io::{self, Write, stdin, stdout};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::answers::{Answers, Said};

/// Longest wait for an answer; a terminal on the other side of the world takes 0.3 s, one that has just been started for the program 0.7 s.
const PATIENCE: Duration = Duration::from_millis(1000);
/// And for one through tmux, which has answered itself by then.
const PATIENCE_THROUGH: Duration = Duration::from_millis(500);

/// What it calls itself, its version included (XTVERSION).
const NAME: &str = "\x1b[>0q";
/// Pixels of a character cell.
const CELL: &str = "\x1b[16t";
/// The background (OSC 11).
const BACKGROUND: &str = "\x1b]11;?\x1b\\";
/// Synchronized updates (DECRQM of mode 2026).
const SYNCHRONIZED: &str = "\x1b[?2026$p";
/// Is a truecolor background remembered (DECRQSS of SGR)?
const TRUECOLOR: &str = "\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[m";
/// Device attributes (DA1): every terminal answers, so it ends the conversation.
const ATTRIBUTES: &str = "\x1b[c";

/// What the environment says of the terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// `TERM`.
    pub term: String,
    /// In a tmux of this machine.
    pub tmux: bool,
    /// Over ssh.
    pub ssh: bool,
    /// `NO_COLOR`, not empty.
    pub no_color: bool,
    /// `COLORTERM`.
    pub colorterm: String,
    /// The locale that is in force for characters.
    pub locale: String,
}

impl Surroundings {
    /// As `env` has them.
    pub fn of(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str| env(name).filter(|value| !value.is_empty());
        Self {
            term: value("TERM").unwrap_or_default(),
            tmux: value("TMUX").is_some(),
            ssh: value("SSH_CONNECTION").or_else(|| value("SSH_TTY")).is_some(),
            no_color: value("NO_COLOR").is_some(),
            colorterm: value("COLORTERM").unwrap_or_default(),
            locale: ["LC_ALL", "LC_CTYPE", "LANG"]
                .into_iter()
                .find_map(value)
                .unwrap_or_default(),
        }
    }

    /// As this process has them.
    pub fn here() -> Self {
        Self::of(&|name| std::env::var(name).ok())
    }

    /// GNU screen and tmux call themselves so; screen hands on what it does not know, which must not be asked then.
    fn in_multiplexer(&self) -> bool {
        self.term.starts_with("screen") || self.term.starts_with("tmux") || self.tmux
    }

    /// It answers nothing, or writes the questions on the screen.
    fn is_mute(&self) -> bool {
        matches!(self.term.as_str(), "" | "dumb" | "linux")
    }
}

/// Holds the conversation. Call it in raw mode and before anything else reads keys.
///
/// A terminal that does not answer leaves the answers empty. Keys typed meanwhile are lost.
pub fn probe(surroundings: &Surroundings) -> Answers {
    let started = Instant::now();
    let mut said = Vec::new();
    let heard = |said: &mut Vec<Said>, questions: &[&'static str], through: bool| {
        let text = ask(questions, through).unwrap_or_default();
        let asked = questions.to_vec();
        said.push(Said { asked, through, text });
    };
    if !surroundings.is_mute() {
        if surroundings.in_multiplexer() {
            heard(&mut said, &[NAME, ATTRIBUTES], false);
            if Answers::understand(&said).multiplexer.is_some() {
                allow_passthrough(surroundings);
                heard(&mut said, &[NAME, CELL, BACKGROUND, TRUECOLOR, ATTRIBUTES], true);
            }
        } else {
            let all = [NAME, CELL, BACKGROUND, SYNCHRONIZED, TRUECOLOR, ATTRIBUTES];
            heard(&mut said, &all, false);
        }
    }
    let mut answers = Answers::understand(&said);
    answers.window_cell = window_cell();
    answers.took = started.elapsed();
    tracing::debug!("the terminal answered {said:?}: {answers:?}");
    answers
}

/// Pixels of a cell by what the system knows of the window (TIOCGWINSZ).
pub fn window_cell() -> Option<(u16, u16)> {
    let size = crossterm::terminal::window_size().ok()?;
    let cell = (
        size.width.checked_div(size.columns)?,
        size.height.checked_div(size.rows)?,
    );
    (cell.0 > 0 && cell.1 > 0).then_some(cell)
}

/// tmux hands nothing on until it is told to; the pane's own option is changed, and only where this tmux can be asked.
fn allow_passthrough(surroundings: &Surroundings) {
    if !surroundings.tmux {
        return;
    }
    let nothing = std::process::Stdio::null;
    let _ = std::process::Command::new("tmux")
        .args(["set-option", "-p", "allow-passthrough", "on"])
        .stdin(nothing())
        .stdout(nothing())
        .stderr(nothing())
        .status();
}

/// A sequence as tmux hands it on to the terminal that it runs in.
pub fn through_tmux(sequence: &str) -> String {
    format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b"))
}

/// One write, then reads until the answer to the last question.
fn ask(questions: &[&str], through: bool) -> io::Result<String> {
    let mut out = stdout();
    let questions = questions.concat();
    let questions = match through {
        true => through_tmux(&questions),
        false => questions,
    };
    out.write_all(questions.as_bytes())?;
    out.flush()?;
    let patience = if through { PATIENCE_THROUGH } else { PATIENCE };
    let started = Instant::now();
    let mut heard = Vec::new();
    while let Some(left) = patience.checked_sub(started.elapsed()) {
        let input = stdin();
        let mut ready = [PollFd::new(&input, PollFlags::IN)];
        let left = Timespec {
            tv_sec: left.as_secs().cast_signed(),
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
        if super::answers::attributes(&String::from_utf8_lossy(&heard)).is_some() {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&heard).into_owned())
}

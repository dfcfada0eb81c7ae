//! A terminal for the tests: a pseudo-terminal that answers what a terminal is asked, and keeps the screen.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// Nothing takes so long, even where many tests share two cores.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which terminal is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As it comes: no pictures, and cells of unknown size.
    Xterm,
    /// With sixel, as `xterm -ti vt340`.
    Sixel,
    /// Newer than 0.28.
    Kitty,
    WezTerm,
    /// It answers nothing at all.
    Mute,
}

impl Kind {
    /// Questions that the program asks, and what this terminal answers.
    fn answers(self) -> Vec<(&'static str, &'static str)> {
        let mut answers = vec![
            ("\x1b]11;?\x1b\\", "\x1b]11;rgb:1c1c/1c1c/1c1c\x1b\\"),
            ("\x1bP$qm\x1b\\", "\x1bP1$r0;48:2::1:2:3m\x1b\\"),
            ("\x1b[?2026$p", "\x1b[?2026;2$y"),
        ];
        let cell = ("\x1b[16t", "\x1b[6;17;8t");
        const NAME: &str = "\x1b[>0q";
        const ATTRIBUTES: &str = "\x1b[c";
        answers.extend(match self {
            Self::Xterm => vec![
                (NAME, "\x1bP>|XTerm(379)\x1b\\"),
                (ATTRIBUTES, "\x1b[?64;1;2;6;22c"),
            ],
            Self::Sixel => vec![
                (NAME, "\x1bP>|XTerm(379)\x1b\\"),
                cell,
                (ATTRIBUTES, "\x1b[?63;1;2;4;6;9;15;22c"),
            ],
            Self::Kitty => vec![
                (NAME, "\x1bP>|kitty(0.41.1)\x1b\\"),
                cell,
                (ATTRIBUTES, "\x1b[?62;c"),
            ],
            Self::WezTerm => vec![
                (NAME, "\x1bP>|WezTerm 20240203-110809-5046fc22\x1b\\"),
                cell,
                (ATTRIBUTES, "\x1b[?65;4;6;18;22c"),
            ],
            Self::Mute => return Vec::new(),
        });
        answers
    }
}

/// What stands on the screen.
pub struct Screen(pub String);

impl Screen {
    pub fn has(&self, text: &str) -> bool {
        self.0.contains(text)
    }
}

/// What the thread that reads keeps.
struct Heard {
    raw: Vec<u8>,
    parser: vt100::Parser,
    /// Where the next question is looked for.
    asked: usize,
    watched: BTreeSet<String>,
    seen: BTreeSet<String>,
    /// The thread ends with what it reads next.
    closing: bool,
}

/// The program on its terminal.
pub struct Terminal {
    heard: Arc<Mutex<Heard>>,
    writer: Arc<Mutex<Option<Box<dyn Write + Send>>>>,
    reader: Option<thread::JoinHandle<()>>,
    master: Option<Box<dyn MasterPty + Send>>,
    child: Box<dyn Child + Send + Sync>,
    /// Nothing is read meanwhile, as of a terminal that hangs.
    held: Arc<AtomicBool>,
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap_or(NonZeroU16::MIN)
}

fn pty((columns, rows): (u16, u16)) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

impl Terminal {
    /// Starts a program in a folder, which is its home as well.
    pub fn start(program: &Path, arguments: &[&str], folder: &Path, size: (u16, u16)) -> Self {
        Self::start_on(Kind::Xterm, program, arguments, folder, size)
    }

    /// The same on another terminal.
    pub fn start_on(kind: Kind, program: &Path, arguments: &[&str], folder: &Path, size: (u16, u16)) -> Self {
        let pair = native_pty_system().openpty(pty(size)).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.cwd(folder);
        command.env_clear();
        let home = folder.to_str().unwrap();
        let state = folder.join("state");
        for (name, value) in [
            ("TERM", "xterm-256color"),
            ("LANG", "C.UTF-8"),
            ("PATH", "/usr/bin:/bin"),
            ("HOME", home),
            ("XDG_STATE_HOME", state.to_str().unwrap()),
        ] {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let from = pair.master.try_clone_reader().unwrap();
        let writer = Arc::new(Mutex::new(Some(pair.master.take_writer().unwrap())));
        let heard = Arc::new(Mutex::new(Heard {
            raw: Vec::new(),
            parser: vt100::Parser::new(cells(size.1), cells(size.0), 0),
            asked: 0,
            watched: BTreeSet::new(),
            seen: BTreeSet::new(),
            closing: false,
        }));
        let held = Arc::new(AtomicBool::new(false));
        let (of, answers, hold) = (Arc::clone(&heard), Arc::clone(&writer), Arc::clone(&held));
        let reader = thread::spawn(move || read(from, &of, &answers, &kind.answers(), &hold));
        Self {
            heard,
            writer,
            reader: Some(reader),
            master: Some(pair.master),
            child,
            held,
        }
    }

    /// Types, as bytes of a keyboard.
    pub fn press(&self, keys: &str) {
        self.write(keys.as_bytes());
    }

    pub fn write(&self, bytes: &[u8]) {
        let mut writer = self.writer.lock().unwrap();
        let writer = writer.as_mut().expect("the terminal is open");
        // A program that has just ended does not read any more.
        let _ = writer.write_all(bytes).and_then(|()| writer.flush());
    }

    pub fn screen(&self) -> Screen {
        Screen(self.heard.lock().unwrap().parser.screen().contents())
    }

    /// Waits until the screen is as it should be.
    #[track_caller]
    pub fn wait(&self, what: &str, is: impl Fn(&Screen) -> bool) -> Duration {
        let since = Instant::now();
        loop {
            let screen = self.screen();
            if is(&screen) {
                return since.elapsed();
            }
            assert!(
                since.elapsed() < PATIENCE,
                "waited in vain for {what}; the screen:\n{}",
                screen.0
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until a text is on the screen.
    #[track_caller]
    pub fn sees(&self, text: &str) -> Duration {
        self.wait(text, |screen| screen.has(text))
    }

    /// From now on it is noticed when this text is on the screen, for however short a time.
    pub fn watch_for(&self, text: &str) {
        self.heard.lock().unwrap().watched.insert(text.to_owned());
    }

    #[track_caller]
    pub fn saw(&self, text: &str) {
        self.wait(text, |_| self.heard.lock().unwrap().seen.contains(text));
    }

    /// All that was written to the terminal so far.
    pub fn raw(&self) -> Vec<u8> {
        self.heard.lock().unwrap().raw.clone()
    }

    /// What was written since there were so many bytes.
    pub fn since(&self, bytes: usize) -> Vec<u8> {
        self.heard.lock().unwrap().raw[bytes..].to_vec()
    }

    /// Colors of the characters and behind them of all half-blocks on the screen, by column and row.
    pub fn halfblocks(&self) -> Vec<((u16, u16), [vt100::Color; 2])> {
        let heard = self.heard.lock().unwrap();
        let screen = heard.parser.screen();
        let (rows, columns) = screen.size();
        let cells = (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (column, row)));
        cells
            .filter_map(|(column, row)| {
                let cell = screen.cell(row, column)?;
                let half = matches!(cell.contents(), "▀" | "▄" | " ");
                let colored = matches!(cell.bgcolor(), vt100::Color::Rgb(..));
                (half && colored).then(|| ((column, row), [cell.fgcolor(), cell.bgcolor()]))
            })
            .collect()
    }

    pub fn bytes(&self) -> usize {
        self.heard.lock().unwrap().raw.len()
    }

    pub fn wrote(&self, bytes: &[u8]) -> bool {
        find(&self.heard.lock().unwrap().raw, bytes).is_some()
    }

    /// From now on the terminal takes nothing any more.
    pub fn hold(&self) {
        self.held.store(true, Ordering::SeqCst);
    }

    pub fn resize(&self, size: (u16, u16)) {
        let mut heard = self.heard.lock().unwrap();
        heard.parser.set_size(cells(size.1), cells(size.0));
        self.master.as_ref().unwrap().resize(pty(size)).unwrap();
    }

    pub fn id(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let status = std::process::Command::new("kill")
            .args([&format!("-{name}"), &self.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// A field of `/proc/ID/status`.
    pub fn status(&self, field: &str) -> String {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{field}:")));
        line.unwrap_or_default().trim().to_owned()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the end of the program, but not longer than `patience`; all that it wrote has been read then.
    #[track_caller]
    pub fn ended(&mut self, patience: Duration) -> ExitStatus {
        let since = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                since.elapsed() < patience,
                "still running after {patience:?}; the screen:\n{}",
                self.screen().0
            );
            thread::sleep(Duration::from_millis(10));
        };
        self.held.store(false, Ordering::SeqCst);
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status
    }

    /// Whether lines are edited and echoed, as a shell wants it.
    pub fn is_cooked(&self) -> bool {
        // Of termios(3) on Linux.
        const ICANON: u32 = 0o2;
        const ECHO: u32 = 0o10;
        let modes = self.master.as_ref().unwrap().get_termios().unwrap();
        modes.local_flags.bits() & (ICANON | ECHO) == ICANON | ECHO
    }

    /// The terminal is as it was before the program.
    #[track_caller]
    pub fn is_given_back(&self) {
        // What the program wrote last may still be on its way here.
        self.wait("the main screen", |_| {
            !self.heard.lock().unwrap().parser.screen().alternate_screen()
        });
        let heard = self.heard.lock().unwrap();
        let screen = heard.parser.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is still there");
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert!(!screen.bracketed_paste());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        drop(heard);
        assert!(self.is_cooked(), "raw mode");
    }

    /// Takes the terminal away, as a dropped connection does. The thread that reads must let go of it too: a key that gives
    /// it something to read sees to that.
    pub fn close(&mut self, key: &str) {
        self.heard.lock().unwrap().closing = true;
        self.press(key);
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.writer.lock().unwrap().take();
        self.master.take();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.is_running() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn read(
    mut from: Box<dyn Read + Send>,
    heard: &Mutex<Heard>,
    answers: &Mutex<Option<Box<dyn Write + Send>>>,
    known: &[(&str, &str)],
    held: &AtomicBool,
) {
    let mut bytes = [0; 65536];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        while held.load(Ordering::SeqCst) && !heard.lock().unwrap().closing {
            thread::sleep(Duration::from_millis(5));
        }
        let mut heard = heard.lock().unwrap();
        let Heard {
            raw,
            parser,
            asked,
            watched,
            seen,
            closing,
        } = &mut *heard;
        parser.process(&bytes[..count]);
        raw.extend_from_slice(&bytes[..count]);
        if !watched.is_empty() {
            let screen = parser.screen().contents();
            let (new, rest) = std::mem::take(watched)
                .into_iter()
                .partition(|text| screen.contains(text.as_str()));
            *watched = rest;
            seen.extend::<BTreeSet<String>>(new);
        }
        if *closing {
            return;
        }
        let mut said = Vec::new();
        while let Some((at, (question, answer))) = known
            .iter()
            .filter_map(|pair| Some((find(&raw[*asked..], pair.0.as_bytes())?, pair)))
            .min_by_key(|(at, _)| *at)
        {
            *asked += at + question.len();
            said.extend_from_slice(answer.as_bytes());
        }
        // The beginning of a question may be there already.
        *asked = (*asked).max(raw.len().saturating_sub(16));
        drop(heard);
        if let Some(writer) = answers.lock().unwrap().as_mut().filter(|_| !said.is_empty()) {
            let _ = writer.write_all(&said).and_then(|()| writer.flush());
        }
    }
}

pub fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

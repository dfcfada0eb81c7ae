//! The loop: wait for an event, drain all that are there, change the state, run the effects, draw once.

use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::layout::Rect;

use crossterm::cursor::MoveTo;
use crossterm::event::Event as Input;
use crossterm::queue;

use super::app::{App, AppEvent, Effect, Saved, Shell};
use super::draw::{Hyperlink, draw, hyperlinks};
use super::keys::Keymap;
use super::picture::{Painter, postpone};
use super::priority;
use super::store::Store;
use super::terminal::{self, Canvas, Ending, Output, Session, Surroundings};
use super::theme::Theme;
use super::trace::Trace;
use super::workers::Workers;
use crate::pipeline::settings::Settings;

/// What the screens are opened with.
pub struct Options {
    pub inputs: Vec<String>,
    pub settings: Settings,
    pub keymap: Keymap,
    /// As the environment has it; the terminal is asked for the rest.
    pub theme: Theme,
    /// The light or dark of the theme was asked for, and the terminal is not.
    pub fixed_theme: bool,
    pub mouse: bool,
    /// Who labels.
    pub scanner: String,
    /// A file to which times and bytes of every frame are written.
    pub trace: Option<PathBuf>,
}

/// Between frames of what goes on by itself.
const FRAME: Duration = Duration::from_millis(33);
/// And of what was asked for by a key: it does not wait for the frame of a job, and a held key does not flood the link.
const PROMPT: Duration = Duration::from_millis(3);
/// The same over ssh.
const PROMPT_REMOTE: Duration = Duration::from_millis(8);
/// A frame waits so long for what the key asked for: shown at once, it is one frame and not two, the first without what matters.
const PATIENCE: Duration = Duration::from_millis(6);
/// Answers that come so soon after a key are what it asked for.
const ANSWER: Duration = Duration::from_millis(250);
/// Between ticks, while something moves by itself.
const TICK: Duration = Duration::from_millis(125);
/// The keys rest when none has come for so long.
const REST: Duration = Duration::from_millis(90);
/// The session is written down when nothing was touched for so long.
const QUIET: Duration = Duration::from_secs(2);

/// Opens the screens and stays until the astronomer leaves. Returns the exit code.
///
/// Errors: there is no terminal, or a thread cannot be started. Errors of the work are shown on the screens.
pub fn run(options: Options) -> anyhow::Result<u8> {
    let session = Session::begin(options.mouse)?;
    let around = Surroundings::here();
    let answers = terminal::probe(&around);
    let theme = match options.fixed_theme {
        true => options.theme,
        false => answers.refine(options.theme),
    };
    let choice = terminal::choose(&options.settings.screens, &answers, &around, &theme);
    tracing::info!("pictures: {:?}, because {}", choice.graphics, choice.why);
    priority::behind_the_screen();
    // Without colors the theme uses none; pictures still must, and the places of kitty's are named by them.
    crossterm::style::force_color_output(true);
    let (events, inbox) = mpsc::channel();
    let ending = events.clone();
    let saved = terminal::watch(move |what| drop(ending.send(AppEvent::Ending(what))))?;
    let store = Store::open(&options.inputs);
    let mut shell = Shell::new(options.inputs, options.settings, theme, options.keymap);
    shell.labels.scanner = options.scanner;
    shell.graphics = choice.graphics;
    shell.size = crossterm::terminal::size()?;
    let mut app = App::new(shell);
    match store.load() {
        Ok(Some(state)) => app.restore(&state),
        Ok(None) => app.welcome = !store.any(),
        Err(error) => app.shell.error(error),
    }
    let (output, spent) = Output::new();
    let beside = output.clone();
    // Dropped, it would complain on standard error of a terminal that is gone, which panics. The session gives back all there is.
    let mut terminal = ManuallyDrop::new(Terminal::new(Canvas::new(output))?);
    read_input(events.clone())?;
    let mut looping = Loop {
        workers: Workers::start(&app.shell, &events)?,
        app,
        session,
        store,
        trace: options
            .trace
            .map(|path| Trace::create(&path, spent))
            .transpose()?,
        ending: None,
        unsaved: false,
        requests: Vec::new(),
        painter: Painter::new(choice.graphics.passthrough),
        beside,
        window_cell: answers.window_cell,
        touched: Instant::now(),
    };
    // Whatever ends the loop, a fault of the program or a terminal that takes no more: what is under way is brought to disk.
    let stayed = catch_unwind(AssertUnwindSafe(|| -> io::Result<()> {
        let effects = looping.app.start();
        looping.perform(effects, &mut terminal)?;
        looping.hand_over();
        looping.stay(&mut terminal, &inbox)
    }));
    let code = match (looping.ending, &stayed) {
        // It refuses what is written to it, or to tell its size, sooner than anything else tells of its end.
        (None, Ok(Err(_))) if terminal::is_gone() => Some(HANGUP),
        (code, _) => code,
    };
    if !matches!(stayed, Ok(Ok(()))) {
        looping.save();
    }
    // A terminal that is gone needs no pictures taken away.
    let _ = looping.painter.clear(&mut looping.beside);
    // With what there was of a frame that a fault has ended.
    let _ = looping.beside.end_frame();
    let Loop { workers, session, .. } = looping;
    workers.finish(Duration::from_secs(6));
    drop(session);
    match (stayed, code) {
        (Err(panic), _) => resume_unwind(panic),
        (Ok(Err(error)), None) => Err(error.into()),
        (Ok(Ok(())), None) => Ok(0),
        (Ok(_), Some(code)) => {
            // The watching thread ends the process when it hears this.
            drop(saved);
            Ok(code)
        }
    }
}

/// The exit code of a program whose terminal has gone away.
const HANGUP: u8 = 129;

/// Reads the terminal in a thread of its own.
fn read_input(events: Sender<AppEvent>) -> io::Result<()> {
    thread::Builder::new().name("input".into()).spawn(move || {
        while let Ok(event) = crossterm::event::read() {
            if events.send(AppEvent::Input(event)).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

/// Makes a link of an address that is on the screen already (OSC 8); a terminal that knows none shows the same.
fn hyperlink(out: &mut impl Write, link: &Hyperlink) -> io::Result<()> {
    queue!(out, MoveTo(link.place.x, link.place.y))?;
    write!(out, "\x1b]8;;{}\x1b\\{}\x1b]8;;\x1b\\", link.address, link.seen)
}

/// Clears the terminal; the next frame is drawn whole.
///
/// ratatui's own `clear` would ask the terminal where its cursor is and wait for the answer, which the thread that reads keys gets: it
/// would fail after two seconds.
fn afresh(terminal: &mut Screen) -> io::Result<()> {
    let size = terminal.size()?;
    terminal.resize(Rect::new(0, 0, size.width, size.height))
}

type Screen = Terminal<Canvas>;

/// The state with all that acts for it.
struct Loop {
    app: App,
    workers: Workers,
    /// Gives the terminal back when it is dropped.
    session: Session,
    store: Store,
    trace: Option<Trace>,
    /// Ended from outside, with this exit code.
    ending: Option<u8>,
    /// Something was touched since the session was written down.
    unsaved: bool,
    /// What the workers are to do.
    requests: Vec<Effect>,
    /// Knows what pictures are on the terminal.
    painter: Painter,
    /// The output, for what is written beside the characters.
    beside: Output,
    /// Pixels of a cell, as the system had them.
    window_cell: Option<(u16, u16)>,
    /// The last key.
    touched: Instant,
}

impl Loop {
    fn stay(&mut self, terminal: &mut Screen, inbox: &Receiver<AppEvent>) -> io::Result<()> {
        let mut drawn = Instant::now() - FRAME;
        let mut ticked = Instant::now();
        let mut dirty = !self.frame(terminal)?;
        let mut pace = FRAME;
        let prompt = match self.app.shell.graphics.remote {
            true => PROMPT_REMOTE,
            false => PROMPT,
        };
        loop {
            let wait = match dirty {
                true => pace.saturating_sub(drawn.elapsed()).max(self.patience()),
                false => TICK,
            };
            let first = match inbox.recv_timeout(wait) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            let mut leaves = false;
            for event in first.into_iter().chain(inbox.try_iter()) {
                if matches!(event, AppEvent::Input(_)) {
                    self.touched = Instant::now();
                    self.unsaved = true;
                    if let Some(trace) = &mut self.trace {
                        trace.input();
                    }
                }
                let asked = match &event {
                    AppEvent::Input(_) => true,
                    AppEvent::Answer(answer) => self.touched.elapsed() < ANSWER && !answer.is_progress(),
                    _ => false,
                };
                if asked {
                    pace = prompt;
                }
                match event {
                    AppEvent::Input(Input::Resize(..)) => self.measure(),
                    AppEvent::Ending(Ending::End(code)) => self.ending = Some(code),
                    // The shell has set the terminal as it likes it.
                    AppEvent::Ending(Ending::Continued) => self.session.retake()?,
                    _ => (),
                }
                let effects = self.app.update(event);
                leaves |= self.perform(effects, terminal)?;
                dirty = true;
            }
            if leaves {
                self.hand_over();
                // Until the job has stopped, the last frame says that it is stopping; a terminal that has ended the program may take none.
                if self.app.shell.job.is_some() && self.ending.is_none() {
                    self.frame(terminal)?;
                }
                return Ok(());
            }
            if ticked.elapsed() >= TICK {
                // Nothing is sent for a screen that is at rest.
                let showed = self.app.shell.shown().is_some();
                let effects = self.app.update(AppEvent::Tick(ticked.elapsed()));
                dirty |= showed != self.app.shell.shown().is_some();
                ticked = Instant::now();
                leaves |= self.perform(effects, terminal)?;
            }
            if self.unsaved && self.touched.elapsed() > QUIET {
                self.save();
            }
            if dirty && drawn.elapsed() >= pace && self.patience().is_zero() {
                dirty = !self.frame(terminal)?;
                (drawn, pace) = (Instant::now(), FRAME);
            }
            // After the frame: what is read ahead must not be in its way.
            self.hand_over();
            if leaves {
                return Ok(());
            }
        }
    }

    /// How long a frame may still wait for what the last key asked for.
    fn patience(&self) -> Duration {
        match self.app.awaits() {
            true => PATIENCE.saturating_sub(self.touched.elapsed()),
            false => Duration::ZERO,
        }
    }

    /// Gives the workers what the state asked for.
    fn hand_over(&mut self) {
        for request in self.requests.drain(..) {
            self.workers.perform(request, &mut self.app.shell);
        }
    }

    /// One frame, in one write and within a synchronized update. Returns whether it is whole: over a link on which bytes matter, a picture
    /// that is not there yet waits until the keys rest.
    fn frame(&mut self, terminal: &mut Screen) -> io::Result<bool> {
        self.beside.begin_frame();
        let hurried = self.app.shell.graphics.remote && self.touched.elapsed() < REST;
        let (mut placed, mut whole, mut failed) = (Vec::new(), true, None);
        let (app, painter, beside) = (&self.app, &mut self.painter, &mut self.beside);
        let area = terminal
            .draw(|frame| {
                painter.fits(frame.area());
                placed = draw(frame, app);
                if hurried && !painter.has(&placed) {
                    whole = false;
                    placed.retain(|one| {
                        let there = painter.has(std::slice::from_ref(one));
                        if !there {
                            postpone(one, frame.buffer_mut());
                        }
                        there
                    });
                }
                failed = painter.before(&placed, beside).err();
            })?
            .area;
        if let Some(error) = failed {
            return Err(error);
        }
        self.painter.after(&placed, &mut self.beside)?;
        for link in hyperlinks(area, &self.app) {
            hyperlink(&mut self.beside, &link)?;
        }
        self.beside.end_frame()?;
        if let Some(trace) = &mut self.trace {
            trace.frame();
        }
        Ok(whole)
    }

    /// Does what the state asks for, or notes it for the workers; true to leave.
    fn perform(&mut self, effects: Vec<Effect>, terminal: &mut Screen) -> io::Result<bool> {
        let mut leaves = false;
        for effect in effects {
            match effect {
                Effect::Redraw => {
                    self.painter.clear(&mut self.beside)?;
                    afresh(terminal)?;
                }
                Effect::Forget(ids) => self.painter.forget(&ids, &mut self.beside)?,
                Effect::Suspend => self.suspend(terminal)?,
                Effect::Save => self.save(),
                Effect::Copy(text) => super::clipboard::copy(&mut self.beside, &text)?,
                Effect::Quit => leaves = true,
                // The next key, which may be here already, must know that a job runs.
                Effect::Start(_) | Effect::StopJob => {
                    self.hand_over();
                    self.workers.perform(effect, &mut self.app.shell);
                }
                effect => self.requests.push(effect),
            }
        }
        Ok(leaves)
    }

    /// The cells may have another size since the font has.
    fn measure(&mut self) {
        let now = terminal::window_cell();
        if let Some(cell) = now.filter(|_| now != self.window_cell) {
            self.window_cell = now;
            self.app.cell_is(cell);
        }
    }

    fn suspend(&mut self, terminal: &mut Screen) -> io::Result<()> {
        self.painter.clear(&mut self.beside)?;
        self.beside.flush()?;
        terminal::restore();
        // Stops here until `fg`.
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        self.session.enter()?;
        let (width, height) = crossterm::terminal::size()?;
        let effects = self.app.update(AppEvent::Input(Input::Resize(width, height)));
        afresh(terminal)?;
        self.perform(effects, terminal)?;
        Ok(())
    }

    fn save(&mut self) {
        self.unsaved = false;
        let state: Saved = self.app.save();
        if let Err(error) = self.store.save(&state) {
            self.app.shell.error(error);
        }
    }
}

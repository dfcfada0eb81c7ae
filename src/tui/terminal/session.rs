//! Raw mode and the alternate screen, taken once and given back however the program ends.

use std::io::{self, Write, stdout};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossterm::cursor::Show;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};

/// Whether the terminal is ours at the moment.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal in raw mode; dropped, it is as it was before.
pub struct Session {
    mouse: bool,
}

impl Session {
    /// Takes the terminal, and gives it back even where the thread that draws panics.
    ///
    /// Errors: there is no terminal.
    pub fn begin(mouse: bool) -> io::Result<Self> {
        let session = Self { mouse };
        session.enter()?;
        let drawing = thread::current().id();
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // The panic of a worker is caught and shown on the screen, which must not be torn down under it.
            if thread::current().id() == drawing {
                restore();
                before(info);
            } else {
                tracing::error!("{info}");
            }
        }));
        Ok(session)
    }

    /// Takes the terminal, at the start and after a suspension.
    pub fn enter(&self) -> io::Result<()> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
        if self.mouse {
            execute!(stdout(), EnableMouseCapture)?;
        }
        Ok(())
    }

    /// Takes the terminal again after a stop that nobody announced.
    pub fn retake(&self) -> io::Result<()> {
        // crossterm sets the modes only where it believes them unset.
        disable_raw_mode()?;
        self.enter()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        restore();
        if !thread::panicking() {
            let _ = panic::take_hook();
        }
    }
}

/// Gives the terminal back as well as it can be done; more than once does no harm.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = stdout();
    let _ = queue!(
        out,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    let _ = out.flush();
    let _ = disable_raw_mode();
}

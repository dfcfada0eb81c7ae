//! The end from outside: signals, and a terminal that goes away.
//!
//! crossterm 0.29 never returns from its poll once the terminal is gone (crossterm#793), so that a dropped connection would leave
//! the program behind at full load. Two threads see to it that it ends: one waits for signals, one asks the terminal itself.

use std::io::{self, stdin};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use super::restore;

/// What came from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// End, with this exit code; answer on the channel when all is saved.
    End(u8),
    Suspend,
    /// Back from a stop that was not ours.
    Continued,
}

/// Longest wait for the loop to save and leave; a training batch on a slow machine takes a second or two.
const PATIENCE: Duration = Duration::from_secs(8);

/// And for the terminal to be given back.
const LAST: Duration = Duration::from_millis(500);

/// Watches in threads of their own, and calls `tell`.
///
/// After [`Ending::End`] the process ends within some seconds whatever the loop does: it may be blocked on a terminal that
/// takes nothing any more. The loop drops the returned sender's counterpart, or the process, when it has saved everything.
pub fn watch(tell: impl Fn(Ending) + Clone + Send + 'static) -> io::Result<Sender<()>> {
    let (saved, waiting) = mpsc::channel::<()>();
    let (ending, endings) = mpsc::channel::<u8>();
    let mut signals = Signals::new([SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGTSTP, SIGCONT])?;
    let (tell_signal, end_signal) = (tell.clone(), ending.clone());
    spawn("signals", move || {
        for signal in signals.forever() {
            match signal {
                SIGTSTP => tell_signal(Ending::Suspend),
                SIGCONT => tell_signal(Ending::Continued),
                signal => {
                    let _ = end_signal.send(128 + signal as u8);
                }
            }
        }
    })?;
    spawn("hangup", move || {
        let input = stdin();
        loop {
            let mut terminal = [PollFd::new(&input, PollFlags::empty())];
            match poll(&mut terminal, None) {
                Ok(_) if gone(terminal[0].revents()) => {
                    let _ = ending.send(128 + SIGHUP as u8);
                    return;
                }
                Ok(_) => thread::sleep(Duration::from_millis(100)),
                Err(rustix::io::Errno::INTR) => (),
                Err(_) => return,
            }
        }
    })?;
    spawn("ending", move || end(&endings, &waiting, &tell))?;
    Ok(saved)
}

/// Whether the terminal has gone away.
pub fn is_gone() -> bool {
    let input = stdin();
    let mut terminal = [PollFd::new(&input, PollFlags::empty())];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut terminal, Some(&now)).is_ok() && gone(terminal[0].revents())
}

fn gone(flags: PollFlags) -> bool {
    flags.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
}

/// Tells the loop to end, and ends the process where it cannot.
fn end(endings: &Receiver<u8>, saved: &Receiver<()>, tell: &impl Fn(Ending)) {
    let Ok(code) = endings.recv() else { return };
    tell(Ending::End(code));
    // A message, or the loop's end: either way it has saved.
    let _ = saved.recv_timeout(PATIENCE);
    // The loop may hold the output, half of a picture sent to a terminal that takes no more: then nothing can be given back.
    let (done, restored) = mpsc::channel::<()>();
    let _ = spawn("restoring", move || {
        restore();
        drop(done);
    });
    let _ = restored.recv_timeout(LAST);
    low_level::exit(i32::from(code));
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.into()).spawn(work).map(|_| ())
}

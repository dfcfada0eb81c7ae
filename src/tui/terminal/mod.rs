//! The terminal: taken and given back, watched for its end, asked what it can do, written to in as few bytes as will do.

mod answers;
mod canvas;
mod graphics;
mod output;
mod probe;
mod session;
mod watch;

pub use answers::{Answers, Said};
pub use canvas::Canvas;
pub use graphics::{Choice, Graphics, Protocol, choose};
pub use output::{Output, Spent};
pub use probe::{Surroundings, probe, through_tmux, window_cell};
pub use session::{Session, restore};
pub use watch::{Ending, is_gone, watch};

//! The terminal: taken and given back, watched for its end, asked what it can do, written to in as few bytes as will do.

mod output;
mod probe;
mod session;
mod watch;

pub use output::{Output, Spent};
pub use probe::refine;
pub use session::{Session, restore};
pub use watch::{Ending, is_gone, watch};

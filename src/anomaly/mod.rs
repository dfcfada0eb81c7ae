//! What is strange about a spectrum, how strange, and why: pure functions on plain slices.

mod types;

pub use types::{Judgement, Reason, Region};

//! The spectrum pane.

mod act;

pub use act::Act;

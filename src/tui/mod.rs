//! The screens: browse, train, rank, inspect, label, with the keyboard alone.
//!
//! - [`app`] is the state and how it changes: an event in, effects out; no file, clock or thread
//! - [`run`] is the loop: it waits, drains, updates, lets the workers do what is to be done, and draws
//! - [`catalog`], [`train`], [`anomalies`], [`files`] are the four screens; [`spectrum`] is the pane that they share
//! - [`keys`] is the one table of keys; [`chart`], [`theme`], [`text`] are how things look
//! - [`picture`] are the images of the sky and of figures, as the terminal can show them
//! - [`terminal`] takes the terminal and gives it back

pub mod anomalies;
pub mod app;
pub mod catalog;
pub mod chart;
mod clipboard;
pub mod draw;
mod errors;
pub mod files;
pub mod form;
pub mod inputs;
pub mod job;
pub mod keys;
pub mod labels;
pub mod layout;
pub mod picture;
mod printed;
mod priority;
mod run;
pub mod spectra;
pub mod spectrum;
mod store;
pub mod terminal;
pub mod text;
pub mod theme;
mod trace;
pub mod train;
pub mod worker;
mod workers;

pub use printed::printed;
pub use run::{Options, run};
pub use store::folder as state_folder;

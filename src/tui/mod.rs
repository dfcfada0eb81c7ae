//! The screens.

pub mod spectrum;

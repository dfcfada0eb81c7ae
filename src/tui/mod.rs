//! The screens.

pub mod chart;
pub mod text;
pub mod theme;
pub mod spectrum;

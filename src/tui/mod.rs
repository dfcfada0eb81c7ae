//! The screens.

pub mod chart;
pub mod spectrum;
pub mod text;
pub mod theme;

//! Finds the strange galaxies in a spectroscopic survey.
//!
//! The rooms, from the ground up (each knows nothing of what stands above it; `docs/architecture.md` has the plan):
//!
//! - [`spectrum`], [`anomaly`], [`figure`], [`simulate`]: the science, as pure functions on plain values
//! - [`durable`], [`words`]: files that are whole or not there, counts in words
//! - [`catalog`], [`ingest`], [`model`]: Parquet, FITS, burn
//! - [`triage`]: what people say of objects, and the ranking that learns from it
//! - [`artifact`], [`pipeline`]: the files that are written and the job that writes them
//! - [`cli`], [`tui`]: the command line and the screens

pub mod anomaly;
pub mod artifact;
pub mod catalog;
pub mod cli;
pub mod cutout;
pub mod durable;
pub mod figure;
pub mod ingest;
pub mod model;
pub mod pipeline;
pub mod simulate;
pub mod spectrum;
pub mod triage;
pub mod tui;
pub mod words;

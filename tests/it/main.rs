//! One integration binary, because each one links burn again.

mod anomaly;
mod architecture;
mod artifact;
mod browse;
mod catalog;
mod cli;
mod common;
mod cutout;
mod explore;
mod figure;
mod ingest;
mod model;
mod pipeline;
#[cfg(unix)]
mod screens;
mod simulate;
mod triage;

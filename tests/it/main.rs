//! One integration binary, because each one links burn again.

mod anomaly;
mod artifact;
mod catalog;
mod figure;
mod ingest;
mod simulate;

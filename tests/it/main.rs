//! One integration binary, because each one links burn again.

mod catalog;
mod ingest;
mod simulate;
mod artifact;
mod figure;

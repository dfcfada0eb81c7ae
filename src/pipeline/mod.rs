//! The main job and its parts: catalog -> train -> score -> rank -> artifacts.
//!
//! Every face of the program, command line or screen, calls these functions with the same settings and gets the same files.

mod cancel;
mod error;
mod grid;
mod import;
mod inspect;
mod job;
mod labels;
mod observer;
mod report;
mod score;
pub mod settings;
mod simulate;
mod source;
mod train;

pub use cancel::CancelToken;
pub use error::PipelineError;
pub use import::{ImportRequest, ImportSummary, import};
pub use inspect::{Inspection, inspect};
pub use job::{Summary, plot, rank_only, run, train_only};
pub use labels::{
    ImportedFile, ImportedLabels, RerankSummary, RerankedRow, export_labels, import_labels, journal_path,
    label_facts, rerank_items, rerank_saved,
};
pub use observer::{Event, Observer, Silent, Stage};
pub use simulate::{SimulateRequest, SimulateSummary, simulate};
pub use train::newest_checkpoint;

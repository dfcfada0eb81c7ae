//! The main job and its parts: catalog -> train -> score -> rank -> artifacts.
//!
//! Every face of the program, command line or screen, calls these functions with the same settings and gets the same files.

mod assessment;
pub mod benchmark;
mod beside;
pub mod browse;
mod cancel;
mod commands;
mod components;
mod cutouts;
mod error;
mod grid;
mod history;
mod import;
mod injections;
mod inspect;
mod job;
mod judge;
mod labels;
mod observer;
mod preview;
mod reconstructor;
mod report;
mod score;
mod scribe;
pub mod settings;
mod shelf;
mod similar;
mod simulate;
mod source;
mod train;
mod usage;
mod verdict;
mod viewer;

pub use assessment::{Assessment, assess};
pub use cancel::CancelToken;
pub use commands::{plot, rank_kept, rank_only, run, run_kept, train_only};
pub use cutouts::{FetchSummary, Wanted, cutouts, fetch_cutouts};
pub use error::PipelineError;
pub use history::{FoldRecord, RunRecord, SavedRanking, latest_ranking, newest_checkpoint, runs};
pub use import::{ImportRequest, ImportSummary, import};
pub use inspect::{Inspection, Ranked, inspect, ranked};
pub use job::Summary;
pub use judge::Verdicts;
pub use labels::{
    ImportedFile, ImportedLabels, RerankSummary, RerankedRow, export_labels, import_labels, journal_path,
    label_facts, rerank_items, rerank_saved,
};
pub use observer::{Event, Observer, Silent, Stage};
pub use preview::{Preview, Provisional};
pub use reconstructor::Reconstructor;
pub use similar::{Neighbor, Neighbors, similar, similar_in};
pub use simulate::{SimulateRequest, SimulateSummary, simulate};
pub use usage::resident_memory;
pub use viewer::Viewer;

//! The files of a run: numbered, never overwritten, whole or not there at all.
//!
//! [`RunFiles::reserve`] takes a number for a run; the writers put figures ([`RunFiles::write_figure`]), the ranking
//! ([`write_ranking`]), its regions ([`write_regions`]), the original project's JSON ([`write_sampling_info`]) and, last, the
//! manifest ([`write_manifest`]) under it. Every file and column is described in `docs/files.md`. The same input gives the
//! same bytes, the manifest's timings apart.

mod atomic;
mod digest;
mod error;
mod manifest;
mod ranking;
mod run;
mod sampling_info;
mod saved;
mod table;

pub use atomic::{write_atomic, write_atomic_with};
pub use digest::{FileRecord, Folder, InputFile};
pub use error::ArtifactError;
pub use manifest::{Manifest, RowCounts, write_manifest};
pub use ranking::{Ranked, ranking_columns, write_lists, write_ranking, write_recurring, write_regions};
pub use run::RunFiles;
pub use sampling_info::{SamplingInfo, write_sampling_info};
pub use saved::{is_ranked, newest_ranking, rankings, read_manifest, read_ranking, read_ranking_with_facts};

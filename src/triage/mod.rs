//! What people say of objects: the journal of labels, the label files of other programs, and the ranking that learns from them.
//!
//! - [`Label`] is one judgement: quality 0-4, issues, class, redshift, comment, "interesting".
//! - [`Journal`] keeps the labels in a file that is only ever appended to, with undo and redo.
//! - [`LabelFile::read`] reads a journal, prospect's CSV ([`prospect`]) and Marz's `.mz` ([`marz`]) alike; the last two are written too.
//! - [`merge`] lays the labels of several people side by side and says where they disagree.
//! - [`rerank`] learns from the labels what is interesting and re-orders a ranking.
//!
//! `docs/labels.md` has the formats, the mappings, the rule of the merge and the formulas of the re-ranking.

mod echo;
mod error;
mod files;
mod gaussian;
mod history;
mod journal;
mod label;
pub mod marz;
mod merge;
pub mod prospect;
mod rerank;
mod space;
mod tags;
mod told;

pub use echo::unshortened;
pub use error::TriageError;
pub use files::{Format, LabelFile, LabelRow, Labeled};
pub use history::{Change, Problem};
pub use journal::{Journal, Refreshed, default_scanner};
pub use label::{CLASSES, Counts, Issues, Label, STANDARD_COMMENTS};
pub use merge::{Disagreement, MergeSummary, Merged, MergedRow, SAME_REDSHIFT, merge};
pub use rerank::{Fit, Item, LABEL_LIMIT, LEAST_OF_EACH, Reranked, relevance, rerank};

//! The Parquet catalog of spectra: one row an object, a table that SQL filters, and pixels that are read when asked for.
//!
//! - [`CatalogWriter`] writes our own schema, streaming and atomically.
//! - [`Catalog`] opens that and the layouts of others (list columns, the MultimodalUniverse, HATS folders) as one table
//!   under canonical column names; [`Query`] selects rows, [`Catalog::spectra`] decodes them in the order asked for.
//! - A row that cannot be used is a [`RowIssue`](crate::spectrum::RowIssue); what concerns a whole file is a [`CatalogError`].
//!
//! `docs/catalog.md` describes the files.

mod buckets;
mod buffer;
#[expect(clippy::module_inception, reason = "the file of the type `Catalog`")]
mod catalog;
mod condition;
mod error;
mod expression;
mod facts;
mod fault;
mod file;
mod find;
mod footer;
mod grids;
mod inputs;
mod keys;
mod layout;
mod lists;
mod paged;
mod query;
mod read;
mod row;
mod scan;
mod schema;
mod sort;
mod stop;
mod sweep;
mod table;
mod votable;
mod write;

pub use buffer::{ExtraColumn, ExtraKind, ExtraValue};
pub use catalog::{Catalog, FileInfo};
pub use error::CatalogError;
pub use expression::functions;
pub use footer::{Footer, RowGroup, StoredColumn};
pub use layout::LayoutKind;
pub use query::Query;
pub use read::Spectra;
pub use schema::{
    KEY_ACKNOWLEDGEMENT, KEY_GRIDS, KEY_PROVENANCE, KEY_SCHEMA_VERSION, KEY_VOTABLE, KEY_VOTABLE_VERSION,
    SCHEMA_VERSION, is_own_column,
};
pub use stop::Stop;
pub use write::{CatalogWriter, WriteSummary, WriterOptions};

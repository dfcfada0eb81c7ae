//! The catalog's files, opened once for all workers: the footer of a large catalog takes tens of milliseconds and tens of megabytes.

use std::sync::{Arc, OnceLock};

use crate::catalog::Catalog;

/// What the session is about. Copies share what was opened.
#[derive(Clone)]
pub struct Inputs {
    pub names: Vec<String>,
    opened: Arc<OnceLock<Result<Catalog, String>>>,
}

impl Inputs {
    pub fn new(names: Vec<String>) -> Self {
        Self {
            names,
            opened: Arc::default(),
        }
    }

    /// The catalog, with or without spectra; whoever asks first opens it, and the others wait for that.
    ///
    /// Errors: those of [`Catalog::open_table`], in words.
    pub fn table(&self) -> Result<Catalog, String> {
        let open = || Catalog::open_table(&self.names).map_err(|error| error.to_string());
        self.opened.get_or_init(open).clone()
    }

    /// The catalog, which has spectra.
    ///
    /// Errors: those of [`Catalog::open`], in words.
    pub fn spectra(&self) -> Result<Catalog, String> {
        let catalog = self.table()?;
        catalog.require_spectra().map_err(|error| error.to_string())?;
        Ok(catalog)
    }
}

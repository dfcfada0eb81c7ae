//! The worker of the train screen: it reads what earlier runs left behind.

use std::path::PathBuf;

use crate::pipeline::{self, RunRecord};
use crate::tui::inputs::Inputs;
use crate::tui::worker;

#[derive(Debug)]
pub enum Request {
    /// The trainings whose checkpoints are in this folder.
    Runs(PathBuf),
}

impl worker::Request for Request {
    /// Only the newest look counts.
    fn slot(&self) -> Option<u8> {
        Some(0)
    }
}

#[derive(Debug)]
pub enum Answer {
    Runs {
        /// The newest first.
        runs: Vec<RunRecord>,
        /// Digest of the catalog of this session, where that can be read.
        catalog: Option<String>,
    },
}

pub fn serve(request: Request, inputs: &Inputs) -> Answer {
    match request {
        Request::Runs(folder) => Answer::Runs {
            runs: pipeline::runs(&folder),
            catalog: inputs.table().ok().map(|catalog| catalog.digest()),
        },
    }
}

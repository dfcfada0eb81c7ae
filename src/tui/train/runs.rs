//! The worker of the train screen: it reads what earlier runs left behind.

use std::path::PathBuf;

use crate::pipeline::{self, RunRecord};
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
    /// The newest first.
    Runs(Vec<RunRecord>),
}

pub fn serve(request: Request) -> Answer {
    match request {
        Request::Runs(folder) => Answer::Runs(pipeline::runs(&folder)),
    }
}

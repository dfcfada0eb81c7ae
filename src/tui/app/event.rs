//! What happens to the app, and what it asks to be done: all that passes between the loop and the rest of the world.

use std::time::Duration;

use crate::pipeline;
use crate::tui::anomalies;
use crate::tui::catalog;
use crate::tui::files;
use crate::tui::job::JobSpec;
use crate::tui::labels;
use crate::tui::picture;
use crate::tui::spectra;
use crate::tui::terminal::Ending;
use crate::tui::train;

/// Everything that happens.
pub enum AppEvent {
    Input(crossterm::event::Event),
    Ending(Ending),
    /// So much time has passed since the one before.
    Tick(Duration),
    Answer(Answer),
    Job(JobEvent),
}

/// From the workers.
pub enum Answer {
    Catalog(catalog::Answer),
    Spectrum(spectra::Answer),
    Anomalies(anomalies::Answer),
    Labels(labels::Answer),
    Files(files::Answer),
    Train(train::Answer),
    Picture(picture::Answer),
    /// From the network.
    Fetched(picture::Fetched),
    /// A worker panicked; it lives on.
    Fault(String),
}

impl Answer {
    /// Whether it says only how far a work is: there are hundreds of these, and each frame takes time from the work.
    pub fn is_progress(&self) -> bool {
        matches!(
            self,
            Self::Catalog(catalog::Answer::Working(_) | catalog::Answer::Exporting(..))
                | Self::Anomalies(anomalies::Answer::Progress(..))
        )
    }
}

/// From the thread of the running job.
pub enum JobEvent {
    Event(pipeline::Event),
    /// Resident memory, bytes.
    Memory(u64),
    /// Its ranking, to be worked on; it comes before the end.
    Assessed(Box<pipeline::Assessment>),
    Ended(Result<Box<pipeline::Summary>, String>),
}

/// What is to be done outside of the state.
pub enum Effect {
    Catalog(catalog::Request),
    Spectrum(spectra::Request),
    Anomalies(anomalies::Request),
    Labels(labels::Request),
    Files(files::Request),
    Train(train::Request),
    Picture(picture::Request),
    /// An image that is waited for is looked for on the network.
    Fetch(picture::Fetch),
    /// One that is likely to be wanted.
    FetchAhead(picture::Fetch),
    /// The terminal need not keep these pictures any more.
    Forget(Vec<u32>),
    Start(Box<JobSpec>),
    StopJob,
    /// To the clipboard, by OSC 52.
    Copy(String),
    /// Everything is drawn afresh.
    Redraw,
    Suspend,
    /// The session is written down.
    Save,
    Quit,
}

//! Makes and writes checkpoints beside the training, which waits neither for their bytes nor for the disk.
//!
//! A disk takes 50 ms and more to say that a file is safe: with a checkpoint after every short epoch, a quarter of a training was waiting for that.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::model::ModelError;
use crate::model::checkpoint::Checkpoint;

/// Least time from one checkpoint to the next: what a killed process loses at most, beside what its last write takes.
const INTERVAL: Duration = Duration::from_secs(3);

/// The checkpoint file of a training under way. Each write is whole or does not happen, and the file always has the newest state that was written.
pub struct Scribe {
    path: PathBuf,
    /// One write at a time.
    writing: Option<JoinHandle<Result<(), ModelError>>>,
    since: Instant,
    has_begun: bool,
}

impl Scribe {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.into(),
            writing: None,
            since: Instant::now(),
            has_begun: false,
        }
    }

    /// Whether it is time for a checkpoint: the first epoch has ended, or the last one is a while ago and written.
    pub fn is_due(&self, epoch_ended: bool) -> bool {
        let is_free = self.writing.as_ref().is_none_or(JoinHandle::is_finished);
        is_free && (self.since.elapsed() >= INTERVAL || epoch_ended && !self.has_begun)
    }

    /// Begins to make and to write a checkpoint.
    ///
    /// Errors: the one before could not be written, or this one where no thread is to be had.
    pub fn begin(
        &mut self,
        make: impl FnOnce() -> Result<Checkpoint, ModelError> + Send + 'static,
    ) -> Result<(), ModelError> {
        self.settle()?;
        (self.since, self.has_begun) = (Instant::now(), true);
        let path = self.path.clone();
        // Kept here too: without another thread it is this one's to do.
        let work = Arc::new(Mutex::new(Some(move || make()?.save(&path))));
        let own = work.clone();
        match Builder::new()
            .name("checkpoint".into())
            .spawn(move || done_once(&own))
        {
            Ok(writing) => {
                self.writing = Some(writing);
                Ok(())
            }
            Err(_) => done_once(&work),
        }
    }

    /// Waits for what was begun.
    ///
    /// Errors: it could not be written.
    pub fn settle(&mut self) -> Result<(), ModelError> {
        match self.writing.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(written)) => written,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        }
    }
}

/// Does what is still to be done.
fn done_once(work: &Mutex<Option<impl FnOnce() -> Result<(), ModelError>>>) -> Result<(), ModelError> {
    let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
    work.map_or(Ok(()), |work| work())
}

impl Drop for Scribe {
    /// A training that failed leaves its last good checkpoint, whole.
    fn drop(&mut self) {
        if let Some(writing) = self.writing.take() {
            let _ = writing.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::checkpoint::Origin;
    use crate::model::{ModelSettings, TrainingSettings};
    use crate::spectrum::WavelengthGrid;
    use crate::spectrum::prepare::{Frame, Normalization, Preparation};

    fn checkpoint(seed: u64) -> Checkpoint {
        Checkpoint::new(Origin {
            preparation: Preparation {
                frame: Frame::Rest,
                min_wavelength: None,
                normalization: Normalization::default(),
                grid: WavelengthGrid::DESI,
            },
            model: ModelSettings::default(),
            training: TrainingSettings {
                seed,
                ..TrainingSettings::default()
            },
            catalog_digest: "of nothing".into(),
            asked: None,
        })
    }

    #[test]
    fn the_first_epoch_is_kept_at_once_and_the_next_ones_after_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint_1.bpk");
        let mut scribe = Scribe::new(&path);
        assert!(!scribe.is_due(false), "in the middle of the first epoch");
        assert!(scribe.is_due(true));
        scribe.begin(|| Ok(checkpoint(1))).unwrap();
        assert!(!scribe.is_due(true), "an epoch right after that");
        scribe.settle().unwrap();
        assert!(!scribe.is_due(true), "it is written, but no time has gone by");
        assert_eq!(Checkpoint::load(&path).unwrap().origin.training.seed, 1);
        scribe.since -= INTERVAL;
        assert!(scribe.is_due(false), "in the middle of a long epoch");
    }

    #[test]
    fn the_newest_that_was_begun_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint_1.bpk");
        let mut scribe = Scribe::new(&path);
        for seed in 1..6 {
            scribe.begin(move || Ok(checkpoint(seed))).unwrap();
        }
        drop(scribe);
        assert_eq!(Checkpoint::load(&path).unwrap().origin.training.seed, 5);
    }

    #[test]
    fn what_could_not_be_written_is_told_at_the_next_occasion() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("a file");
        std::fs::write(&taken, "in the folder's place").unwrap();
        let mut scribe = Scribe::new(&taken.join("checkpoint_1.bpk"));
        scribe.begin(|| Ok(checkpoint(1))).unwrap();
        let error = scribe.settle().unwrap_err().to_string();
        assert!(
            error.contains("checkpoint_1.bpk") && error.contains("cannot be written"),
            "{error}"
        );
        scribe.settle().expect("an error is told once");
    }
}

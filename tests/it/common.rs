//! What the tests of the whole job share: small simulated catalogs, quick settings, and a look at the files of a run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use spectriage::anomaly::Judgement;
use spectriage::artifact::read_ranking;
use spectriage::catalog::{CatalogWriter, WriterOptions};
use spectriage::model::Outcome;
use spectriage::pipeline::settings::Settings;
use spectriage::pipeline::{self, CancelToken, Event, Observer, PipelineError, Silent, Summary};
use spectriage::simulate::{Simulation, Truth};
use spectriage::spectrum::Spectrum;

/// Flags of a job of a second.
pub const QUICK: [&str; 12] = [
    "--log-step",
    "6e-4",
    "--epochs",
    "2",
    "--folds",
    "2",
    "--latent",
    "4",
    "--hidden",
    "16",
    "--sample-size",
    "2",
];

/// A folder that is gone after the test, with the output folders of runs in it.
pub struct Workplace(tempfile::TempDir);

impl Workplace {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn images(&self) -> PathBuf {
        self.path().join("images")
    }

    pub fn metadata(&self) -> PathBuf {
        self.path().join("metadata")
    }

    /// Writes a catalog into the folder and returns it as an input of the pipeline.
    pub fn catalog(&self, name: &str, spectra: &[Spectrum]) -> Vec<String> {
        let path = self.path().join(name);
        write_catalog(&path, spectra);
        vec![path.to_str().unwrap().to_owned()]
    }

    /// Settings of a job of about a second whose files go to this folder.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.prepare.log_step = 6e-4;
        settings.model.hidden = 16;
        settings.model.latent = 5;
        settings.training.epochs = 2;
        settings.training.folds = 2;
        settings.training.batch_size = 16;
        settings.training.seed = 7;
        settings.output.sample_size = 2;
        settings.output.images_dir = self.images();
        settings.output.metadata_dir = self.metadata();
        settings
    }

    /// The ranking of run `n`, the strangest first.
    pub fn ranking(&self, n: u64) -> Vec<Judgement> {
        read_ranking(&self.metadata(), Some(n)).unwrap().1
    }

    pub fn manifest(&self, n: u64) -> serde_json::Value {
        let text = std::fs::read_to_string(self.metadata().join(format!("manifest_{n}.json"))).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    pub fn checkpoint(&self, n: u64) -> PathBuf {
        self.metadata().join(format!("checkpoint_{n}.bpk"))
    }
}

pub fn write_catalog(path: &Path, spectra: &[Spectrum]) {
    let mut writer = CatalogWriter::create(path, WriterOptions::default()).unwrap();
    for spectrum in spectra {
        writer.write(spectrum).unwrap();
    }
    writer.finish().unwrap();
}

/// `count` simulated spectra and the truth about them.
pub fn simulated(seed: u64, count: u64, anomaly_fraction: f64) -> Vec<(Spectrum, Truth)> {
    Simulation {
        seed,
        count,
        anomaly_fraction,
        ..Simulation::default()
    }
    .spectra()
    .collect()
}

/// `count` simulated spectra without anomalies.
pub fn ordinary(seed: u64, count: u64) -> Vec<Spectrum> {
    simulated(seed, count, 0.0)
        .into_iter()
        .map(|(spectrum, _)| spectrum)
        .collect()
}

/// The whole job, afresh and in silence.
pub fn run(inputs: &[String], settings: &Settings) -> Result<Summary, PipelineError> {
    pipeline::run(inputs, settings, None, &mut Silent, &CancelToken::default())
}

/// The ranking of a catalog by a checkpoint.
pub fn rank(inputs: &[String], settings: &Settings, checkpoint: &Path) -> Result<Summary, PipelineError> {
    pipeline::rank_only(
        inputs,
        settings,
        Some(checkpoint.into()),
        &mut Silent,
        &CancelToken::default(),
    )
}

/// By object id.
pub fn by_id(ranking: Vec<Judgement>) -> BTreeMap<String, Judgement> {
    let count = ranking.len();
    let map: BTreeMap<_, _> = ranking
        .into_iter()
        .map(|verdict| (verdict.object_id.to_string(), verdict))
        .collect();
    assert_eq!(map.len(), count, "an id is in a ranking once");
    map
}

/// The names of the files of a folder with their content.
pub fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (
                entry.file_name().into_string().unwrap(),
                std::fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

/// Asks the job to stop after a batch: fold from 0, epoch and batch from 1.
pub struct StopAt {
    pub cancel: CancelToken,
    pub at: (usize, usize, usize),
    pub outcomes: Vec<Outcome>,
}

impl StopAt {
    pub fn new(fold: usize, epoch: usize, batch: usize) -> Self {
        Self {
            cancel: CancelToken::default(),
            at: (fold, epoch, batch),
            outcomes: Vec::new(),
        }
    }
}

impl Observer for StopAt {
    fn event(&mut self, event: Event) {
        match event {
            Event::Training { fold, progress, .. } if (fold, progress.epoch, progress.batch) == self.at => {
                self.cancel.cancel();
            }
            Event::Trained { outcome, .. } => self.outcomes.push(outcome),
            _ => {}
        }
    }
}

/// The notes of a job.
#[derive(Default)]
pub struct Notes(pub Vec<String>);

impl Observer for Notes {
    fn event(&mut self, event: Event) {
        if let Event::Note(note) = event {
            self.0.push(note);
        }
    }
}

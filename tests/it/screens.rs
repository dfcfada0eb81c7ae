//! The screens as an astronomer meets them: the binary on a pseudo-terminal, keys in, a screen and files out.

mod bench;
mod endings;
mod figures;
mod hostile;
mod images;
mod payloads;
mod pictures;
mod random;
mod session;
mod steps;
mod terminal;

use std::path::{Path, PathBuf};
use std::process::Command;

use spectriage::artifact::read_ranking;
use spectriage::spectrum::Spectrum;

use crate::common::{self, QUICK};
use terminal::Terminal;

/// A training of some seconds, of so many steps that it can be met in its middle.
const LONG: [&str; 18] = [
    "--log-step",
    "6e-4",
    "--folds",
    "2",
    "--latent",
    "4",
    "--hidden",
    "16",
    "--sample-size",
    "2",
    "--epochs",
    "60",
    "--patience",
    "0",
    "--batch-size",
    "4",
    "--learning-rate",
    "1e-4",
];

/// A folder to work in, with `catalog.parquet` and a state folder of its own.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new(spectra: &[Spectrum]) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        common::write_catalog(&desk.path("catalog.parquet"), spectra);
        desk
    }

    /// Sixty simulated spectra, some of them strange.
    fn simulated() -> Self {
        Self::new(&sixty())
    }

    /// With run 1 written by the headless job.
    fn ranked() -> Self {
        let desk = Self::simulated();
        desk.headless(&QUICK);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn headless(&self, flags: &[&str]) {
        let output = Command::new(program())
            .current_dir(self.0.path())
            .args(["--no-tui", "--quiet", "catalog.parquet"])
            .args(flags)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Opens the screens on a terminal of 120 x 40.
    fn open(&self, flags: &[&str]) -> Terminal {
        let flags = [&["catalog.parquet", "--scanner", "ann"], flags].concat();
        Terminal::start(program(), &flags, self.0.path(), (120, 40))
    }

    /// Opens them past the first hint, with the whole list on the screen.
    fn opened(&self, flags: &[&str]) -> Terminal {
        let terminal = self.open(flags);
        terminal.wait("the catalog", |screen| screen.has("60 rows"));
        if terminal.screen().has("Any key closes this") {
            terminal.press("\r");
            terminal.wait("no hint", |screen| !screen.has("Any key closes this"));
        }
        terminal
    }

    /// Ids of the newest ranking, the strangest first.
    fn ids(&self) -> Vec<String> {
        let (_, judgements) = read_ranking(&self.path("metadata"), None).unwrap();
        judgements
            .into_iter()
            .map(|judgement| judgement.object_id.into())
            .collect()
    }

    fn labels(&self) -> String {
        std::fs::read_to_string(self.path("metadata/labels.jsonl")).unwrap_or_default()
    }
}

fn sixty() -> Vec<Spectrum> {
    let simulated = common::simulated(11, 60, 0.2);
    simulated.into_iter().map(|(spectrum, _)| spectrum).collect()
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_spectriage"))
}

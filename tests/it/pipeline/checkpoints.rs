//! What a checkpoint refuses: another catalog, other settings, damage, and a training that went astray.

use std::panic::{AssertUnwindSafe, catch_unwind};

use spectriage::model::checkpoint::Checkpoint;
use spectriage::model::{Accelerator, DeviceKind, ModelError};
use spectriage::pipeline::settings::Settings;
use spectriage::pipeline::{self, CancelToken, PipelineError, Silent};

use crate::common::{self, StopAt, Workplace, ordinary};

/// A catalog and the checkpoint of a training on it that was interrupted.
fn interrupted() -> (Workplace, Vec<String>, Settings) {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(6, 40));
    let settings = place.settings();
    let mut stop = StopAt::new(1, 1, 1);
    let cancel = stop.cancel.clone();
    pipeline::train_only(&inputs, &settings, None, &mut stop, &cancel).unwrap();
    (place, inputs, settings)
}

#[test]
fn another_catalog_or_other_settings_are_refused_with_what_differs() {
    let (place, inputs, settings) = interrupted();
    let resume = |inputs: &[String], settings: &Settings| {
        let path = Some(place.checkpoint(1));
        pipeline::train_only(inputs, settings, path, &mut Silent, &CancelToken::default())
    };
    let other = place.catalog("other.parquet", &ordinary(7, 40));
    type Change = fn(&mut Settings);
    let changes: [(&[String], Change, &str); 6] = [
        (&other, |_| (), "another catalog"),
        (
            &inputs,
            |settings| settings.selection.limit = Some(39),
            "selection",
        ),
        (
            &inputs,
            |settings| settings.training.batch_size = 5,
            "batch_size was 16, now 5",
        ),
        (
            &inputs,
            |settings| settings.training.seed = 8,
            "seed was 7, now 8",
        ),
        (
            &inputs,
            |settings| settings.model.latent = 4,
            "latent was 5, now 4",
        ),
        (
            &inputs,
            |settings| settings.prepare.min_wavelength = Some(4000.0),
            "min_wavelength",
        ),
    ];
    for (inputs, change, named) in changes {
        let mut changed = settings.clone();
        change(&mut changed);
        let error = resume(inputs, &changed).expect_err(named);
        assert!(
            matches!(error, PipelineError::Model(ModelError::Mismatch { .. })),
            "{error:?}"
        );
        let error = error.to_string();
        assert!(
            error.contains(named) && error.contains("checkpoint_1.bpk") && error.contains("--reset"),
            "{named}: {error}"
        );
    }
    assert!(
        !resume(&inputs, &settings).unwrap().interrupted,
        "and what fits is taken"
    );
}

/// Reads a damaged checkpoint as far as a job would; the outcome is an error or a usable ensemble, never a panic.
fn load(path: &std::path::Path, what: &str) -> Result<Checkpoint, ModelError> {
    let accelerator = Accelerator::open(DeviceKind::Flex).unwrap();
    let loaded = catch_unwind(AssertUnwindSafe(|| {
        let checkpoint = Checkpoint::load(path)?;
        checkpoint.ensemble(&accelerator)?;
        Ok(checkpoint)
    }));
    loaded.unwrap_or_else(|_| panic!("panicked on a checkpoint with {what}"))
}

fn same(a: &Checkpoint, b: &Checkpoint) -> bool {
    let running = |checkpoint: &Checkpoint| {
        checkpoint
            .running
            .clone()
            .map(|state| (state.header, state.network, state.best_network, state.optimizer))
    };
    a.origin == b.origin && a.members == b.members && running(a) == running(b)
}

#[test]
fn a_damaged_checkpoint_is_an_error_and_no_panic() {
    let (place, inputs, settings) = interrupted();
    let path = place.checkpoint(1);
    let bytes = std::fs::read(&path).unwrap();
    let whole = load(&path, "no damage").unwrap();
    let damaged = place.path().join("damaged.bpk");
    let header = bytes.len().min(6000);
    let offsets = (0..header)
        .step_by(97)
        .chain((header..bytes.len()).step_by(bytes.len() / 40 + 1));
    for offset in offsets {
        std::fs::write(&damaged, &bytes[..offset]).unwrap();
        assert!(
            load(&damaged, &format!("{offset} of {} bytes", bytes.len())).is_err(),
            "cut after {offset} bytes"
        );
        let mut changed = bytes.clone();
        changed[offset] ^= 0x5a;
        std::fs::write(&damaged, &changed).unwrap();
        let what = format!("byte {offset} changed");
        // A byte between the parts may change; a changed weight would make another ranking without a word.
        if let Ok(loaded) = load(&damaged, &what) {
            assert!(same(&loaded, &whole), "{what}, and nobody noticed");
        }
    }
    for (text, what) in [
        (&b""[..], "nothing in it"),
        (b"PAR1 no checkpoint at all", "something else in it"),
    ] {
        std::fs::write(&damaged, text).unwrap();
        assert!(
            load(&damaged, what)
                .unwrap_err()
                .to_string()
                .contains("damaged.bpk")
        );
    }
    // The error reaches the user of the job with the file's name.
    std::fs::write(&damaged, &bytes[..bytes.len() / 2]).unwrap();
    let resumed = pipeline::run(
        &inputs,
        &settings,
        Some(damaged),
        &mut Silent,
        &CancelToken::default(),
    );
    assert!(resumed.unwrap_err().to_string().contains("damaged.bpk"));
}

#[test]
fn a_diverging_training_says_so_and_leaves_a_checkpoint_that_loads() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(6, 40));
    // With several batches an epoch, and with one: then only the loss of the held-out spectra tells.
    for batch_size in [8, 1000] {
        let place = Workplace::new();
        let mut settings = place.settings();
        settings.training.batch_size = batch_size;
        settings.training.epochs = 12;
        settings.training.learning_rate = 1e30;
        settings.training.patience = 0;
        let error = common::run(&inputs, &settings).expect_err("no network learns at this rate");
        assert!(
            matches!(error, PipelineError::Model(ModelError::Diverged { .. })),
            "{error:?}"
        );
        assert!(error.to_string().contains("--learning-rate"), "{error}");
        if place.checkpoint(1).exists() {
            Checkpoint::load(&place.checkpoint(1)).expect("the last good checkpoint is whole");
        }
        assert!(!place.metadata().join("ranking_1.csv").exists());
    }
}

#[test]
fn a_failed_training_leaves_the_checkpoint_of_an_earlier_run_alone() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(6, 40));
    let mut settings = place.settings();
    common::run(&inputs, &settings).unwrap();
    let before = std::fs::read(place.checkpoint(1)).unwrap();
    settings.training.learning_rate = 1e30;
    settings.training.epochs = 10;
    settings.training.patience = 0;
    common::run(&inputs, &settings).unwrap_err();
    assert!(std::fs::read(place.checkpoint(1)).unwrap() == before);
}

//! The autoencoders and their training: they learn, they repeat themselves, and masked pixels do not exist for them.

use spectriage::model::checkpoint::{Checkpoint, Origin};
use spectriage::model::{
    Accelerator, Architecture, DeviceKind, Draft, EpochRecord, Flow, Inference, ModelError, ModelSettings,
    Outcome, Pca, Progress, Reconstructed, Sample, Trainer, Training, TrainingObserver, TrainingSettings,
    TrainingState,
};
use spectriage::spectrum::WavelengthGrid;
use spectriage::spectrum::prepare::{Frame, Normalization, Preparation};

/// The original's network takes and returns an odd number of pixels.
const PIXELS: usize = 201;

/// `count` bright spectra, each with a slope, a bump and an emission line of its own; every ninth pixel is masked, with `masked` as its flux.
fn sample(count: usize, masked: f32) -> Sample {
    let mut sample = Sample::new(PIXELS);
    for i in 0..count {
        let (slope, center) = (0.5 * (i as f32 * 2.4).sin(), 20.0 + (i * 23 % 160) as f32);
        let mut ivar = vec![400.0f32; PIXELS];
        let flux: Vec<f32> = (0..PIXELS)
            .map(|pixel| {
                let x = pixel as f32 / PIXELS as f32;
                if (pixel + i) % 9 == 0 {
                    ivar[pixel] = 0.0;
                    return masked;
                }
                let line = (-0.5 * ((pixel as f32 - center) / 3.0).powi(2)).exp();
                1.0 + slope * (x - 0.5) + 0.3 * (i as f32 * 1.7 + 5.0 * x).sin() + line
            })
            .collect();
        sample.push(&flux, &ivar);
    }
    sample
}

fn model(architecture: Architecture) -> ModelSettings {
    ModelSettings {
        architecture,
        latent: 4,
        hidden: 32,
        ..ModelSettings::default()
    }
}

fn training(epochs: usize) -> TrainingSettings {
    TrainingSettings {
        epochs,
        batch_size: 4,
        patience: 0,
        ..TrainingSettings::default()
    }
}

/// Stops after the given epoch and batch (from 1), if at all, and has what is kept.
#[derive(Default)]
struct Watch {
    stop: Option<(usize, usize)>,
    kept: Vec<Draft>,
}

impl TrainingObserver for Watch {
    fn progress(&mut self, progress: &Progress) -> Flow {
        assert!(progress.epoch <= progress.epochs && progress.batch <= progress.batches);
        assert_eq!(
            progress.finished.is_some(),
            progress.batch == progress.batches,
            "an epoch ends with its last batch"
        );
        if self.stop == Some((progress.epoch, progress.batch)) {
            Flow::Stop
        } else {
            Flow::Continue
        }
    }

    fn keep(&mut self, draft: Draft) -> Result<(), ModelError> {
        self.kept.push(draft);
        Ok(())
    }
}

struct Job {
    model: ModelSettings,
    training: TrainingSettings,
    accelerator: Accelerator,
    train: Sample,
    validation: Sample,
}

impl Job {
    fn new(model: ModelSettings, training: TrainingSettings, train: Sample) -> Self {
        let accelerator = Accelerator::open(DeviceKind::Flex).unwrap();
        Self {
            model,
            training,
            accelerator,
            train,
            validation: sample(3, 0.0),
        }
    }

    fn pca(&self) -> Pca {
        match self.model.architecture {
            Architecture::Skip => Pca::zeros(self.model.latent, PIXELS),
            Architecture::Bottleneck => Pca::fit(&self.train, self.model.latent, self.model.error_floor),
        }
    }

    fn trainer<'a>(&'a self, accelerator: &'a Accelerator) -> Trainer<'a> {
        Trainer {
            model: &self.model,
            settings: &self.training,
            accelerator,
            seed: 11,
        }
    }

    fn train(&self, watch: &mut Watch, resume: Option<TrainingState>) -> (Outcome, TrainingState) {
        self.trainer(&self.accelerator)
            .train(&self.train, &self.validation, &self.pca(), resume, watch)
            .unwrap()
    }

    /// What the best network of a state makes of `sample` on a device.
    fn reconstruct(&self, state: &TrainingState, sample: &Sample, device: DeviceKind) -> Vec<Reconstructed> {
        let accelerator = Accelerator::open(device).unwrap();
        let network = self.trainer(&accelerator).best(state, &self.pca()).unwrap();
        Inference::new(&network, self.model.error_floor, &accelerator).reconstruct(&sample.spectra())
    }
}

fn described(state: &TrainingState) -> Training {
    Training {
        fold: 0,
        train_spectra: 8,
        validation_spectra: 3,
        outcome: Outcome::Finished,
        history: state.header.history.clone(),
    }
}

fn history(state: &TrainingState) -> &[EpochRecord] {
    &state.header.history
}

#[test]
fn both_networks_learn_eight_spectra_by_heart() {
    for architecture in [Architecture::Bottleneck, Architecture::Skip] {
        let quiet = TrainingSettings {
            noise: 0.0,
            block_masks: 0,
            learning_rate: 5e-3,
            weight_decay: 0.0,
            ..training(400)
        };
        let job = Job::new(model(architecture), quiet, sample(8, 0.0));
        let (outcome, state) = job.train(&mut Watch::default(), None);
        assert_eq!((outcome, history(&state).len()), (Outcome::Finished, 400));
        let (first, last) = (history(&state)[0].train_loss, history(&state)[399].train_loss);
        println!("{architecture:?}: {first} to {last}");
        assert!(
            last * 10.0 < first,
            "{architecture:?}: the loss went from {first} to {last}"
        );
        let rates: Vec<f64> = history(&state)
            .iter()
            .map(|record| record.learning_rate)
            .collect();
        assert!(rates.iter().all(|rate| *rate > 0.0 && *rate <= 5e-3));
    }
}

#[test]
fn the_same_seed_gives_the_same_losses_and_weights() {
    for architecture in [Architecture::Bottleneck, Architecture::Skip] {
        let job = Job::new(model(architecture), training(4), sample(20, 0.0));
        let (_, a) = job.train(&mut Watch::default(), None);
        let (_, b) = job.train(&mut Watch::default(), None);
        assert_eq!(a.header, b.header);
        // The bytes of a network are not compared: burn numbers parameters at random.
        let seen = sample(4, 0.0);
        let reconstruct = |state: &TrainingState| job.reconstruct(state, &seen, DeviceKind::Flex);
        assert_eq!(reconstruct(&a), reconstruct(&b), "{architecture:?}");
        let pca = job.pca();
        let other = Trainer {
            seed: 12,
            ..job.trainer(&job.accelerator)
        };
        let (_, c) = other
            .train(&job.train, &job.validation, &pca, None, &mut Watch::default())
            .unwrap();
        assert_ne!(history(&a), history(&c), "and another seed gives others");
    }
}

#[test]
fn a_training_resumed_anywhere_ends_as_one_without_a_break() {
    let job = Job::new(model(Architecture::Bottleneck), training(4), sample(20, 0.0));
    let mut watch = Watch::default();
    let (_, whole) = job.train(&mut watch, None);
    assert_eq!(watch.kept.len(), 4, "the state is kept after every epoch");
    let reconstruct = |state: &TrainingState| job.reconstruct(state, &sample(4, 0.0), DeviceKind::Flex);
    // The bytes are made only now, when the training has gone on long since.
    for (epoch, draft) in (1..).zip(watch.kept) {
        let state = draft.finish().unwrap();
        assert_eq!(history(&state).len(), epoch);
        let (_, resumed) = job.train(&mut Watch::default(), Some(state));
        assert_eq!(resumed.header, whole.header, "kept after epoch {epoch}");
        assert_eq!(
            reconstruct(&resumed),
            reconstruct(&whole),
            "kept after epoch {epoch}"
        );
    }
    // In the middle of an epoch, at its end, at the very beginning, and two batches before the end.
    for stop in [(2, 3), (3, 5), (1, 1), (4, 3)] {
        let mut watch = Watch {
            stop: Some(stop),
            ..Watch::default()
        };
        let (outcome, state) = job.train(&mut watch, None);
        assert_eq!(outcome, Outcome::Cancelled);
        let (_, resumed) = job.train(&mut Watch::default(), Some(state));
        assert_eq!(resumed.header, whole.header, "stopped after {stop:?}");
        assert_eq!(
            reconstruct(&resumed),
            reconstruct(&whole),
            "stopped after {stop:?}"
        );
    }
}

#[test]
fn training_stops_early_at_the_best_epoch_of_the_held_out_spectra() {
    // Nothing can be learned of spectra that have nothing in common with the training set.
    let mut job = Job::new(
        model(Architecture::Bottleneck),
        TrainingSettings {
            patience: 3,
            ..training(60)
        },
        sample(20, 0.0),
    );
    let mut flipped = Sample::new(PIXELS);
    for index in 0..3 {
        let (flux, ivar) = job.validation.get(index);
        flipped.push(&flux.iter().map(|flux| -flux).collect::<Vec<_>>(), ivar);
    }
    job.validation = flipped;
    let (outcome, state) = job.train(&mut Watch::default(), None);
    let losses: Vec<f64> = history(&state)
        .iter()
        .map(|record| record.validation_loss)
        .collect();
    let best = (0..losses.len())
        .min_by(|a, b| losses[*a].total_cmp(&losses[*b]))
        .unwrap();
    if outcome == Outcome::StoppedEarly {
        assert_eq!(
            losses.len(),
            best + 1 + 3,
            "three epochs without improvement: {losses:?}"
        );
    } else {
        assert!(losses.len() - best - 1 < 3, "{losses:?}");
    }
}

#[test]
fn masked_pixels_change_nothing() {
    let with = |masked: f32| {
        let job = Job::new(model(Architecture::Bottleneck), training(3), sample(20, masked));
        let (_, state) = job.train(&mut Watch::default(), None);
        let out = job.reconstruct(&state, &sample(5, masked), DeviceKind::Flex);
        (state, out)
    };
    let (clean, dirty) = (with(0.0), with(4321.0));
    assert_eq!(history(&clean.0), history(&dirty.0), "the losses");
    assert_eq!(clean.1, dirty.1, "the reconstructions");
    // And a pixel that is not masked does change it.
    let mut changed = sample(5, 0.0);
    let valid = changed.ivar.iter().position(|ivar| *ivar > 0.0).unwrap();
    changed.flux[valid] += 1.0;
    let job = Job::new(model(Architecture::Bottleneck), training(3), sample(20, 0.0));
    let seen = job.reconstruct(&clean.0, &changed, DeviceKind::Flex);
    assert_ne!(seen[0].latent, clean.1[0].latent);
}

#[test]
fn the_two_processor_backends_agree() {
    for architecture in [Architecture::Bottleneck, Architecture::Skip] {
        let job = Job::new(model(architecture), training(2), sample(20, 0.0));
        let (_, state) = job.train(&mut Watch::default(), None);
        let seen = sample(6, 0.0);
        let (flex, ndarray) = (
            job.reconstruct(&state, &seen, DeviceKind::Flex),
            job.reconstruct(&state, &seen, DeviceKind::Ndarray),
        );
        assert_eq!((flex.len(), ndarray.len(), flex[0].flux.len()), (6, 6, PIXELS));
        let pairs = flex.iter().zip(&ndarray);
        for (what, a, b) in pairs.flat_map(|(flex, ndarray)| {
            [
                ("flux", &flex.flux, &ndarray.flux),
                ("latent", &flex.latent, &ndarray.latent),
            ]
        }) {
            assert_eq!(a.len(), b.len());
            let worst = a
                .iter()
                .zip(b)
                .map(|(a, b)| (a - b).abs() / (1.0 + a.abs()))
                .fold(0.0, f32::max);
            assert!(worst < 1e-3, "{architecture:?}: {what} differs by {worst}");
        }
    }
}

#[test]
fn a_checkpoint_comes_back_as_it_was() {
    let job = Job::new(model(Architecture::Bottleneck), training(3), sample(20, 0.0));
    let (_, finished) = job.train(&mut Watch::default(), None);
    let (_, running) = job.train(
        &mut Watch {
            stop: Some((2, 2)),
            ..Watch::default()
        },
        None,
    );
    let checkpoint = Checkpoint {
        origin: Origin {
            preparation: Preparation {
                frame: Frame::Rest,
                min_wavelength: Some(4000.0),
                normalization: Normalization::default(),
                grid: WavelengthGrid::Log10 {
                    start: 3.51,
                    step: 1.0 / 3000.0,
                    n: PIXELS,
                },
            },
            model: job.model.clone(),
            training: TrainingSettings {
                learning_rate: 1.0 / 3.0,
                ..job.training.clone()
            },
            catalog_digest: "of a catalog".into(),
            asked: None,
        },
        members: vec![(described(&finished), finished.best_network.clone())],
        running: Some(running.clone()),
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/on/the/way/checkpoint_1.bpk");
    checkpoint.save(&path).unwrap();
    let loaded = Checkpoint::load(&path).unwrap();
    assert_eq!(loaded.origin, checkpoint.origin, "to the last digit");
    // Those of before do not tell how their rows were asked for.
    let mut before = serde_json::to_value(&checkpoint.origin).unwrap();
    before.as_object_mut().unwrap().remove("asked");
    assert_eq!(
        serde_json::from_value::<Origin>(before).unwrap(),
        checkpoint.origin
    );
    loaded.check(&checkpoint.origin, &path).unwrap();
    assert_eq!(loaded.members, checkpoint.members);
    let state = loaded.running.unwrap();
    assert_eq!(state.header, running.header);
    assert!(state.network == running.network && state.best_network == running.best_network);
    assert!(state.optimizer == running.optimizer);
    let (_, whole) = job.train(&mut Watch::default(), None);
    let (_, resumed) = job.train(&mut Watch::default(), Some(state));
    assert_eq!(
        resumed.header, whole.header,
        "training goes on from the file as from memory"
    );

    // Nothing but the checkpoint is in the folder, and others may read it as they may read the other files.
    let names: Vec<_> = std::fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["checkpoint_1.bpk"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let plain = folder.path().join("plain");
        std::fs::write(&plain, "").unwrap();
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(
            mode(&path),
            mode(&plain),
            "the permissions are those that the user's umask gives"
        );
    }
}

#[test]
fn a_device_that_is_not_built_in_is_refused_by_name() {
    for kind in [DeviceKind::Cuda(0), DeviceKind::Vulkan] {
        if DeviceKind::available().contains(&kind) {
            continue;
        }
        let error = Accelerator::open(kind).unwrap_err().to_string();
        assert!(
            error.contains(kind.name()) && error.contains("--features") && error.contains("flex"),
            "{error}"
        );
    }
}

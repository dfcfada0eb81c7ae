//! How fast a network learns and reconstructs, on made-up spectra; `benches/peers/speed.py` does the same in PyTorch.

use std::time::Instant;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::Serialize;

use super::batch::Batch;
use super::learner::{Epoch, Learner, Set};
use super::native::{self, InstructionSet, Weights};
use super::training::Trainer;
use super::{
    Accelerator, Architecture, DeviceKind, ModelError, ModelSettings, Network, OptimizerKind, Pca, Sample,
    TrainingSettings,
};

/// What is measured.
#[derive(Debug, Clone)]
pub struct SpeedTest {
    pub architecture: Architecture,
    pub device: DeviceKind,
    pub pixels: usize,
    pub batch: usize,
    /// Spectra of an epoch.
    pub spectra: usize,
    /// Epochs that are timed, after one that is not.
    pub epochs: usize,
    /// Threads that compute.
    pub threads: usize,
}

/// What came of it; rates are medians over the epochs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Speed {
    pub program: &'static str,
    pub version: &'static str,
    pub model: Architecture,
    pub pixels: usize,
    pub batch: usize,
    pub threads: usize,
    pub device: &'static str,
    /// Of this program's kernels; none where burn's operations run.
    pub instruction_set: Option<&'static str>,
    pub train_spectra_per_s: f64,
    pub reconstruct_spectra_per_s: f64,
    pub kernels: Option<KernelSpeed>,
}

/// How far the kernels are from what the processor can do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KernelSpeed {
    /// Multiply-adds of one forward pass for one spectrum; loss and gradient take three times as many.
    pub multiply_adds: usize,
    /// Multiply-adds a second of all threads on operands in registers: the limit.
    pub peak_per_s: f64,
    /// Of whole steps: batch, network, clipping, optimizer.
    pub train_per_s: f64,
    /// Of loss and gradient alone.
    pub gradient_per_s: f64,
    pub reconstruct_per_s: f64,
    pub train_share_of_peak: f64,
    pub gradient_share_of_peak: f64,
    pub reconstruct_share_of_peak: f64,
}

/// A training from known weights on known data, for comparison with another program.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Mean loss of every epoch.
    pub losses: Vec<f64>,
    /// Name, shape and values of the data and of all weights before the first step.
    pub tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
}

const NOISE: f32 = 0.2;
const SEED: u64 = 0;
/// As in `benches/peers/speed.py`.
const L1: f64 = 1e-6;

impl SpeedTest {
    /// Measures.
    ///
    /// Errors: the device cannot be opened, or threads cannot be started.
    pub fn run(&self) -> Result<Speed, ModelError> {
        let accelerator = Accelerator::open(self.device)?;
        self.pool()?.install(|| self.measure(&accelerator))
    }

    /// The loss over the first epochs, without shuffling.
    ///
    /// Errors: as [`Self::run`].
    pub fn curve(&self) -> Result<Curve, ModelError> {
        let accelerator = Accelerator::open(self.device)?;
        self.pool()?.install(|| {
            let sample = self.sample();
            let (model, training) = self.settings();
            let mut lessons = Lessons::new(&model, &training, &accelerator, &sample)?;
            let shape = vec![sample.len(), self.pixels];
            let mut tensors = vec![
                ("flux".to_owned(), shape.clone(), sample.flux.clone()),
                ("ivar".to_owned(), shape, sample.ivar.clone()),
            ];
            tensors.extend(named(&lessons.network()));
            let batches = self.batches(&sample);
            let losses = (0..self.epochs)
                .map(|_| lessons.epoch(&batches) / sample.len() as f64)
                .collect();
            Ok(Curve { losses, tensors })
        })
    }

    fn pool(&self) -> Result<rayon::ThreadPool, ModelError> {
        rayon::ThreadPoolBuilder::new()
            .num_threads(self.threads)
            .build()
            .map_err(|error| ModelError::Threads(error.to_string()))
    }

    fn measure(&self, accelerator: &Accelerator) -> Result<Speed, ModelError> {
        let sample = self.sample();
        let (model, training) = self.settings();
        let mut lessons = Lessons::new(&model, &training, accelerator, &sample)?;
        let batches = self.batches(&sample);
        let train = self.median(|| {
            lessons.epoch(&batches);
        });
        let learned = lessons.network();
        let gradient = accelerator.has_kernels().then(|| {
            let (trainer, device) = (lessons.trainer(), accelerator.autodiff());
            self.median(|| {
                for batch in &batches {
                    trainer.learn(&learned, batch, batch, &device);
                }
            })
        });
        let network = learned.valid();
        let weights = accelerator.has_kernels().then(|| Weights::of(&network));
        let engine = weights.as_ref().map(Weights::engine);
        #[cfg(feature = "gpu")]
        let mut on_gpu = accelerator
            .is_gpu()
            .then(|| super::cube::Engine::of(&network, accelerator.client()));
        let reconstruct = self.median(|| {
            for batch in &batches {
                #[cfg(feature = "gpu")]
                if let Some(engine) = &mut on_gpu {
                    std::hint::black_box(engine.reconstruct(batch));
                    continue;
                }
                match &engine {
                    Some(engine) => {
                        std::hint::black_box(engine.reconstruct(&batch.flux, &batch.ivar, batch.pixels));
                    }
                    None => {
                        let batch = Batch::new(batch, &accelerator.inference());
                        std::hint::black_box(network.forward(batch.flux, batch.ivar).flux.into_data());
                    }
                }
            }
        });
        let kernels = engine.zip(gradient).map(|(engine, gradient)| {
            let multiply_adds = engine.operations(self.pixels);
            let set = InstructionSet::best();
            let peak_per_s: f64 = rayon::broadcast(|_| native::peak(set)).iter().sum();
            let forward = multiply_adds as f64;
            let (train_per_s, gradient_per_s) = (3.0 * forward * train, 3.0 * forward * gradient);
            let reconstruct_per_s = forward * reconstruct;
            KernelSpeed {
                multiply_adds,
                peak_per_s,
                train_per_s,
                gradient_per_s,
                reconstruct_per_s,
                train_share_of_peak: train_per_s / peak_per_s,
                gradient_share_of_peak: gradient_per_s / peak_per_s,
                reconstruct_share_of_peak: reconstruct_per_s / peak_per_s,
            }
        });
        Ok(Speed {
            program: "spectriage",
            version: env!("CARGO_PKG_VERSION"),
            model: self.architecture,
            pixels: self.pixels,
            batch: self.batch,
            threads: self.threads,
            device: self.device.name(),
            instruction_set: kernels.map(|_| InstructionSet::best().name()),
            train_spectra_per_s: train,
            reconstruct_spectra_per_s: reconstruct,
            kernels,
        })
    }

    /// Spectra a second: the median over the epochs, after one that warms up.
    fn median(&self, mut epoch: impl FnMut()) -> f64 {
        epoch();
        let mut rates: Vec<f64> = (0..self.epochs.max(1))
            .map(|_| {
                let started = Instant::now();
                epoch();
                self.spectra as f64 / started.elapsed().as_secs_f64()
            })
            .collect();
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    }

    fn sample(&self) -> Sample {
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        let count = self.spectra * self.pixels;
        let normal = (0..count).map(|_| random.sample::<f32, _>(StandardNormal));
        Sample {
            pixels: self.pixels,
            flux: normal.map(|normal| 1.0 + NOISE * normal).collect(),
            ivar: vec![1.0 / (NOISE * NOISE); count],
        }
    }

    fn batches(&self, sample: &Sample) -> Vec<Sample> {
        let indices: Vec<usize> = (0..sample.len()).collect();
        indices
            .chunks(self.batch.max(1))
            .map(|chunk| sample.select(chunk))
            .collect()
    }

    fn settings(&self) -> (ModelSettings, TrainingSettings) {
        let model = ModelSettings {
            architecture: self.architecture,
            ..Default::default()
        };
        let training = TrainingSettings {
            device: self.device,
            batch_size: self.batch,
            optimizer: OptimizerKind::Adam,
            weight_decay: 0.0,
            l1: L1,
            noise: 0.0,
            block_masks: 0,
            ..Default::default()
        };
        (model, training)
    }
}

/// A network in training, without the loop around it.
struct Lessons<'a> {
    model: &'a ModelSettings,
    settings: &'a TrainingSettings,
    accelerator: &'a Accelerator,
    learner: Learner,
    /// On the GPU, as in a training.
    set: Set<'a>,
}

impl<'a> Lessons<'a> {
    fn new(
        model: &'a ModelSettings,
        settings: &'a TrainingSettings,
        accelerator: &'a Accelerator,
        sample: &'a Sample,
    ) -> Result<Self, ModelError> {
        let pixels = sample.pixels;
        let mut random = ChaCha8Rng::seed_from_u64(SEED + 1);
        let components = (0..model.latent * pixels).map(|_| 0.1 * random.sample::<f32, _>(StandardNormal));
        let pca = Pca {
            latent: model.latent,
            mean: vec![1.0; pixels],
            components: components.collect(),
            typical_ivar: 1.0 / (NOISE * NOISE),
        };
        let device = accelerator.autodiff();
        let trainer = Trainer {
            model,
            settings,
            accelerator,
            seed: SEED,
        };
        let network = Network::new(model, &pca, SEED, &device);
        let mut learner = Learner::new(&trainer, network, None)?;
        let set = learner.set(&trainer, sample)?;
        learner.begin(&trainer, &set);
        Ok(Self {
            model,
            settings,
            accelerator,
            learner,
            set,
        })
    }

    fn trainer(&self) -> Trainer<'a> {
        Trainer {
            model: self.model,
            settings: self.settings,
            accelerator: self.accelerator,
            seed: SEED,
        }
    }

    fn network(&self) -> Network {
        self.learner.network()
    }

    /// One step on every batch; the sum of their losses before it. As in training, a GPU is ahead of what it has told.
    fn epoch(&mut self, batches: &[Sample]) -> f64 {
        let rate = self.settings.learning_rate;
        if self.set.is_kept() {
            let order: Vec<usize> = (0..self.set.spectra.len()).collect();
            self.learner.plan(&Epoch {
                number: 0,
                order: &order,
                rates: &vec![rate; batches.len()],
                first: 0,
            });
        }
        let mut told = Vec::new();
        for (number, batch) in batches.iter().enumerate() {
            if self.set.is_kept() {
                self.learner.step_on(&self.set);
            } else {
                self.learner.step(&self.trainer(), batch, batch, rate);
            }
            told.extend(self.learner.told(number + 1 == batches.len()));
        }
        let losses = told
            .iter()
            .zip(batches)
            .map(|((loss, _), batch)| loss * batch.len() as f64);
        losses.sum()
    }
}

/// The parameters of a network with their names, as PyTorch would give them.
fn named(network: &Network) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    struct Names {
        path: Vec<String>,
        found: Vec<(String, Vec<usize>, Vec<f32>)>,
    }
    impl ModuleVisitor for Names {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let tensor = param.val().inner();
            let shape = tensor.dims().to_vec();
            let values = tensor.into_data().try_into_vec().expect("weights are float32");
            self.found.push((self.path.join("."), shape, values));
        }
    }
    let mut names = Names {
        path: Vec::new(),
        found: Vec::new(),
    };
    network.visit(&mut names);
    for (name, _, _) in &mut names.found {
        // The first part is the kind of the network.
        if let Some((_, rest)) = name.split_once('.') {
            *name = rest.to_owned();
        }
    }
    names.found
}

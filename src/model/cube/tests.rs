//! The kernels against those of the processor.

use burn::module::Module;

use super::super::learner::{Epoch, Learner, Told};
use super::super::native::Weights;
use super::super::native::tests::sample;
use super::super::training::{Trainer, load};
use super::super::{
    Accelerator, Architecture, DeviceKind, Inference, ModelSettings, Network, OptimizerKind, Pca, Sample,
    TrainingSettings,
};
use super::Engine;
use crate::model::cube;

const ARCHITECTURES: [Architecture; 2] = [Architecture::Skip, Architecture::Bottleneck];

/// The GPUs of this build and machine.
fn gpus() -> Vec<Accelerator> {
    let kinds = [DeviceKind::Cuda(0), DeviceKind::Vulkan];
    let opened = kinds.into_iter().filter_map(|kind| Accelerator::open(kind).ok());
    let gpus: Vec<Accelerator> = opened.collect();
    if gpus.is_empty() {
        eprintln!("no GPU here: its kernels are not compared");
    }
    gpus
}

/// Everything a training needs.
struct Case {
    model: ModelSettings,
    training: TrainingSettings,
    pca: Pca,
}

impl Case {
    fn new(architecture: Architecture, optimizer: OptimizerKind, pixels: usize) -> Self {
        // Lengths that are no multiples of what a kernel takes at once.
        let model = ModelSettings {
            architecture,
            latent: 6,
            hidden: 27,
            ..Default::default()
        };
        Self {
            pca: Pca::fit(&sample(12, pixels), model.latent, model.error_floor),
            training: TrainingSettings {
                l1: 1e-4,
                optimizer,
                ..Default::default()
            },
            model,
        }
    }

    fn trainer<'a>(&'a self, accelerator: &'a Accelerator) -> Trainer<'a> {
        Trainer {
            model: &self.model,
            settings: &self.training,
            accelerator,
            seed: 3,
        }
    }

    fn network(&self, accelerator: &Accelerator, record: Option<&[u8]>) -> Network {
        let network = Network::new(&self.model, &self.pca, 3, &accelerator.autodiff());
        match record {
            Some(record) => load(network, record).unwrap(),
            None => network,
        }
    }

    /// A few steps from where it begins: the decoder of a fresh bottleneck is silent.
    fn learned(&self, flex: &Accelerator, sample: &Sample) -> (Vec<u8>, Vec<u8>) {
        let trainer = self.trainer(flex);
        let mut learner = Learner::new(&trainer, self.network(flex, None), None).unwrap();
        for _ in 0..3 {
            learner.step(&trainer, sample, sample, 0.02);
        }
        learner.moment().records().unwrap()
    }
}

fn assert_close(ours: &[f32], theirs: &[f32], tolerance: f32, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let scale = theirs.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    for (index, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!(
            (a - b).abs() <= tolerance * scale.max(1e-6),
            "{what}, {index}: {a} {b}, largest {scale}"
        );
    }
}

#[test]
fn reconstructions_and_losses_equal_those_of_the_processor() {
    let flex = Accelerator::open(DeviceKind::Flex).unwrap();
    for gpu in gpus() {
        for architecture in ARCHITECTURES {
            for (count, pixels) in [(3, 230), (3, 401), (130, 64)] {
                let what = format!("{}, {architecture:?}, {pixels} pixels", gpu.kind.name());
                let case = Case::new(architecture, OptimizerKind::Adam, pixels);
                let sample = sample(count, pixels);
                let (record, _) = case.learned(&flex, &sample);
                let theirs = case.network(&flex, Some(&record)).valid();
                let weights = Weights::of(&theirs);
                let engine = weights.engine();
                let (flux, latent) = engine.reconstruct(&sample.flux, &sample.ivar, pixels);
                let loss = engine.loss(case.trainer(&flex).truth(&sample), pixels);

                let ours = case.network(&gpu, Some(&record)).valid();
                // As the rest of the program has it: network by network, one of which has nothing to look at.
                let ready = |network, of| Inference::new(network, case.model.error_floor, of);
                let of = [sample.spectra(), Vec::new()];
                let a = Inference::reconstruct_all(&[ready(&ours, &gpu), ready(&ours, &gpu)], &of);
                let b = ready(&theirs, &flex).reconstruct(&of[0]);
                assert_eq!((a[0].len(), a[1].len()), (count, 0), "{what}");
                for (a, b) in a[0].iter().zip(&b) {
                    assert_close(&a.flux, &b.flux, 1e-4, &what);
                    assert_close(&a.latent, &b.latent, 1e-3, &what);
                }
                let mut ours = Engine::of(&ours, gpu.client());
                let found = ours.reconstruct(&sample);
                assert_close(&found.0, &flux, 2e-5, &what);
                assert_close(&found.1, &latent, 2e-5, &what);
                let found = ours.loss(case.trainer(&gpu).truth(&sample), pixels);
                assert!((found / loss - 1.0).abs() < 1e-5, "{what}: {found} {loss}");
                if architecture == Architecture::Bottleneck {
                    assert_close(&ours.decode(&latent, pixels), &flux, 2e-5, &what);
                }
            }
        }
    }
}

#[test]
fn steps_equal_those_of_the_processor_and_themselves() {
    let flex = Accelerator::open(DeviceKind::Flex).unwrap();
    for gpu in gpus() {
        for architecture in ARCHITECTURES {
            for (optimizer, count, pixels) in [
                (OptimizerKind::Adam, 4, 230),
                (OptimizerKind::Adamw, 5, 401),
                (OptimizerKind::Adam, 130, 64),
            ] {
                let what = format!("{}, {architecture:?}, {pixels} pixels", gpu.kind.name());
                let case = Case::new(architecture, optimizer, pixels);
                let sample = sample(count, pixels);
                let (network, record) = case.learned(&flex, &sample);
                let run = |accelerator: &Accelerator| {
                    let trainer = case.trainer(accelerator);
                    let network = case.network(accelerator, Some(&network));
                    let mut learner = Learner::new(&trainer, network, Some(&record)).unwrap();
                    let told: Vec<(f64, f64)> = (0..3)
                        .flat_map(|_| {
                            learner.step(&trainer, &sample, &sample, 1e-3);
                            learner.told(true)
                        })
                        .collect();
                    (told, learner.moment().records().unwrap())
                };
                let (theirs, (network_1, _)) = run(&flex);
                let (ours, records) = run(&gpu);
                for ((loss, norm), (a, b)) in theirs.into_iter().zip(&ours) {
                    assert!((a / loss - 1.0).abs() < 1e-4, "{what}: loss {a} {loss}");
                    assert!((b / norm - 1.0).abs() < 1e-3, "{what}: norm {b} {norm}");
                }
                let values = |record: &[u8]| values(&case.network(&flex, Some(record)));
                for (layer, (a, b)) in values(&records.0).iter().zip(&values(&network_1)).enumerate() {
                    assert_close(a, b, 2e-3, &format!("{what}, parameter {layer}"));
                }
                let (again, same) = run(&gpu);
                assert_eq!(again, ours, "{what}");
                let same = values(&same.0) == values(&records.0);
                assert!(same, "{what}: the same seed gives the same weights");
                // What the GPU has kept leads on as if it had never stopped.
                let trainer = case.trainer(&gpu);
                let on = |(network, optimizer): &(Vec<u8>, Vec<u8>), steps: usize| {
                    let network = case.network(&gpu, Some(network));
                    let mut learner = Learner::new(&trainer, network, Some(optimizer)).unwrap();
                    for _ in 0..steps {
                        learner.step(&trainer, &sample, &sample, 1e-3);
                    }
                    learner.told(true).pop()
                };
                assert_eq!(on(&records, 1), on(&(network, record), 4), "{what}");
            }
        }
    }
}

/// What epochs come to that are interrupted after a batch: what is told of every step, and the records.
fn epochs(
    case: &Case,
    accelerator: &Accelerator,
    (network, record): &(Vec<u8>, Vec<u8>),
    sample: &Sample,
) -> (Vec<Told>, (Vec<u8>, Vec<u8>)) {
    let trainer = case.trainer(accelerator);
    let size = case.training.batch_size;
    let batches = sample.len().div_ceil(size);
    let rates: Vec<f64> = (0..batches).map(|batch| 1e-3 * (1 + batch) as f64).collect();
    let order: Vec<usize> = (0..sample.len()).rev().collect();
    let network = case.network(accelerator, Some(network));
    let mut learner = Learner::new(&trainer, network, Some(record)).unwrap();
    let set = learner.set(&trainer, sample).unwrap();
    let kept = set.is_kept();
    assert_eq!(kept, accelerator.is_gpu());
    learner.begin(&trainer, &set);
    let mut told = Vec::new();
    for (number, first) in [(0, 0), (1, 0), (2, 1)] {
        if kept {
            learner.plan(&Epoch {
                number,
                order: &order,
                rates: &rates,
                first,
            });
        }
        for batch in first..batches {
            let places = &order[batch * size..((batch + 1) * size).min(order.len())];
            if kept {
                assert_eq!(learner.step_on(&set), places.len());
            } else {
                let chosen = sample.select(places);
                learner.step(&trainer, &chosen, &chosen, rates[batch]);
            }
            told.extend(learner.told(batch + 1 == batches));
        }
    }
    (told, learner.moment().records().unwrap())
}

#[test]
fn epochs_on_the_gpu_equal_steps_of_the_processor() {
    let flex = Accelerator::open(DeviceKind::Flex).unwrap();
    for gpu in gpus() {
        for architecture in ARCHITECTURES {
            // One step is on fewer spectra, and the larger batches are worked out in two parts by the original's network.
            for (count, batch_size, pixels) in [(15, 4, 230), (300, 140, 64)] {
                let what = format!("{}, {architecture:?}, batches of {batch_size}", gpu.kind.name());
                let mut case = Case::new(architecture, OptimizerKind::Adam, pixels);
                case.training = TrainingSettings {
                    batch_size,
                    noise: 0.0,
                    block_masks: 0,
                    ..case.training
                };
                let sample = sample(count, pixels);
                let before = case.learned(&flex, &sample);
                let (theirs, (network, _)) = epochs(&case, &flex, &before, &sample);
                let (ours, records) = epochs(&case, &gpu, &before, &sample);
                assert_eq!(theirs.len(), ours.len(), "{what}");
                for (step, ((loss, norm), (a, b))) in theirs.iter().zip(&ours).enumerate() {
                    assert!((a / loss - 1.0).abs() < 2e-3, "{what}, {step}: loss {a} {loss}");
                    assert!((b / norm - 1.0).abs() < 2e-2, "{what}, {step}: norm {b} {norm}");
                }
                let values = |record: &[u8]| values(&case.network(&flex, Some(record)));
                for (layer, (a, b)) in values(&records.0).iter().zip(&values(&network)).enumerate() {
                    assert_close(a, b, 5e-3, &format!("{what}, parameter {layer}"));
                }
                // Where steps cannot be recorded, here because another recording is under way, they come to the same.
                let client = gpu.client();
                client.graph_prepare().unwrap();
                let plain = epochs(&case, &gpu, &before, &sample);
                assert!(client.stop_capture().is_err());
                assert!(plain == (ours, records), "{what}: recorded or not");
            }
        }
    }
}

#[test]
fn a_recording_counts_only_where_it_does_what_the_launches_do() {
    let flex = Accelerator::open(DeviceKind::Flex).unwrap();
    for gpu in gpus() {
        for architecture in ARCHITECTURES {
            let what = format!("{}, {architecture:?}", gpu.kind.name());
            let mut case = Case::new(architecture, OptimizerKind::Adam, 64);
            case.training.batch_size = 4;
            let sample = sample(12, 64);
            let (network, optimizer) = case.learned(&flex, &sample);
            let network = case.network(&gpu, Some(&network));
            let mut learner = cube::Learner::new(&case.trainer(&gpu), network, Some(optimizer)).unwrap();
            let held = |learner: &cube::Learner, flux: &[f32]| {
                let held = learner.room_for(sample.len(), sample.pixels);
                learner.put(&held, 0, flux, &sample.ivar);
                held
            };
            let brighter: Vec<f32> = sample.flux.iter().map(|flux| 1.01 * flux).collect();
            let (own, others) = (held(&learner, &sample.flux), held(&learner, &brighter));
            learner.begin(&own, case.training.batch_size);
            let before = learner.learned();
            let recorded = learner.record(&own).unwrap();
            assert!(learner.is_as_launched(&recorded, &own, &before), "{what}");
            assert!(
                !learner.is_as_launched(&recorded, &others, &before),
                "{what}: other spectra"
            );
        }
    }
}

/// The values of all parameters, by the order of the layers.
fn values(network: &Network) -> Vec<Vec<f32>> {
    struct Values(Vec<Vec<f32>>);
    impl burn::module::ModuleVisitor for Values {
        fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<burn::tensor::Tensor<D>>) {
            self.0
                .push(param.val().inner().into_data().try_into_vec().unwrap());
        }
    }
    let mut values = Values(Vec::new());
    network.visit(&mut values);
    values.0
}

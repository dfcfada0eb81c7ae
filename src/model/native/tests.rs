//! The kernels against burn's own operations on the reference device, and against burn's optimizers.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{AdamConfig, AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Bytes, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::training::{Trainer, bytes, load};
use super::super::{
    Accelerator, Architecture, DeviceKind, Inference, ModelSettings, Network, OptimizerKind, Pca, Sample,
    TrainingSettings,
};
use super::Adam;

const ARCHITECTURES: [Architecture; 2] = [Architecture::Skip, Architecture::Bottleneck];

/// Smooth spectra with noise, a tenth of the pixels without measurement.
pub(in crate::model) fn sample(count: usize, pixels: usize) -> Sample {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut sample = Sample::new(pixels);
    for _ in 0..count {
        let slope = random.random_range(-1.0..1.0f32);
        let flux: Vec<f32> = (0..pixels)
            .map(|i| 1.0 + slope * (0.02 * i as f32).sin() + random.random_range(-0.4..0.4f32))
            .collect();
        let ivar: Vec<f32> = (0..pixels)
            .map(|_| {
                if random.random_bool(0.1) {
                    0.0
                } else {
                    random.random_range(5.0..40.0f32)
                }
            })
            .collect();
        sample.push(&flux, &ivar);
    }
    sample
}

/// The values of all parameters, or of their gradients, by the order of the layers.
fn values(network: &Network, gradients: Option<&GradientsParams>) -> Vec<Vec<f32>> {
    struct Values<'a>(Option<&'a GradientsParams>, Vec<Vec<f32>>);
    impl ModuleVisitor for Values<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let tensor = match self.0 {
                None => Some(param.val().inner()),
                Some(gradients) => gradients.get::<D>(param.id),
            };
            self.1
                .extend(tensor.map(|tensor| tensor.into_data().try_into_vec::<f32>().unwrap()));
        }
    }
    let mut values = Values(gradients, Vec::new());
    network.visit(&mut values);
    values.1
}

fn assert_close(ours: &[f32], theirs: &[f32], tolerance: f32, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let scale = theirs.iter().fold(1e-6f32, |most, value| most.max(value.abs()));
    for (index, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!(
            (a - b).abs() <= tolerance * scale,
            "{what}, {index}: {a} {b}, largest {scale}"
        );
    }
}

struct Case {
    model: ModelSettings,
    training: TrainingSettings,
    pca: Pca,
}

impl Case {
    fn new(architecture: Architecture, pixels: usize) -> Self {
        let model = ModelSettings {
            architecture,
            latent: 4,
            hidden: 24,
            ..Default::default()
        };
        Self {
            pca: Pca::fit(&sample(12, pixels), model.latent, model.error_floor),
            training: TrainingSettings {
                l1: 1e-4,
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

    /// The same network on both devices, a few steps from where it begins: the decoder of a fresh bottleneck is silent.
    fn networks(&self, flex: &Accelerator, reference: &Accelerator, sample: &Sample) -> (Network, Network) {
        let device = reference.autodiff();
        let trainer = self.trainer(reference);
        let mut network = Network::new(&self.model, &self.pca, 3, &device);
        let mut optimizer = trainer.optimizer();
        for _ in 0..3 {
            let lesson = trainer.learn(&network, sample, sample, &device);
            network = optimizer.step(0.02, network, lesson.gradients);
        }
        let ours = Network::new(&self.model, &self.pca, 3, &flex.autodiff());
        (load(ours, &bytes(&network).unwrap()).unwrap(), network)
    }
}

fn devices() -> (Accelerator, Accelerator) {
    (
        Accelerator::open(DeviceKind::Flex).unwrap(),
        Accelerator::open(DeviceKind::Ndarray).unwrap(),
    )
}

#[test]
fn loss_and_gradients_equal_those_of_burn() {
    let (flex, reference) = devices();
    for architecture in ARCHITECTURES {
        for pixels in [230, 401] {
            let case = Case::new(architecture, pixels);
            let sample = sample(6, pixels);
            let (ours, theirs) = case.networks(&flex, &reference, &sample);
            let a = case
                .trainer(&flex)
                .learn(&ours, &sample, &sample, &flex.autodiff());
            let b = case
                .trainer(&reference)
                .learn(&theirs, &sample, &sample, &reference.autodiff());
            let what = format!("{architecture:?}, {pixels} pixels");
            assert!(
                (a.loss / b.loss - 1.0).abs() < 1e-5,
                "{what}: loss {} {}",
                a.loss,
                b.loss
            );
            assert!(
                (a.norm / b.norm - 1.0).abs() < 1e-3,
                "{what}: norm {} {}",
                a.norm,
                b.norm
            );
            let (a, b) = (
                values(&ours, Some(&a.gradients)),
                values(&theirs, Some(&b.gradients)),
            );
            assert_eq!(a.len(), b.len());
            for (layer, (a, b)) in a.iter().zip(&b).enumerate() {
                assert_close(a, b, 2e-3, &format!("{what}, parameter {layer}"));
            }
        }
    }
}

#[test]
fn reconstructions_equal_those_of_burn() {
    let (flex, reference) = devices();
    for architecture in ARCHITECTURES {
        let case = Case::new(architecture, 310);
        let sample = sample(5, 310);
        let (ours, theirs) = case.networks(&flex, &reference, &sample);
        let reconstruct = |network: Network, accelerator: &Accelerator| {
            Inference::new(&network.valid(), case.model.error_floor, accelerator)
                .reconstruct(&sample.spectra())
        };
        let a = reconstruct(ours, &flex);
        let b = reconstruct(theirs, &reference);
        assert_eq!((a.len(), b.len()), (5, 5));
        for (a, b) in a.iter().zip(&b) {
            assert_close(&a.flux, &b.flux, 1e-4, "flux");
            assert_close(&a.latent, &b.latent, 1e-3, "latent");
        }
    }
}

/// Who else is looked at, and how many are by one task, changes nothing.
#[test]
fn a_spectrum_is_reconstructed_alike_alone_and_among_others() {
    let (flex, reference) = devices();
    for architecture in ARCHITECTURES {
        let case = Case::new(architecture, 310);
        let sample = sample(37, 310);
        let (network, _) = case.networks(&flex, &reference, &sample);
        let ready = || Inference::new(&network.valid(), case.model.error_floor, &flex);
        assert_eq!(ready().reconstruct(&[]), []);
        let networks = [ready(), ready(), ready()];
        let spectra = sample.spectra();
        let together = networks[0].reconstruct(&spectra);
        let alone: Vec<_> = spectra
            .chunks(1)
            .flat_map(|one| networks[0].reconstruct(one))
            .collect();
        assert_eq!(together, alone, "{architecture:?}");
        let by_network = [spectra[..5].to_vec(), Vec::new(), spectra[5..].to_vec()];
        let all = Inference::reconstruct_all(&networks, &by_network);
        assert_eq!(
            all.concat(),
            alone,
            "{architecture:?}, three networks side by side"
        );
    }
}

/// What is no number must not be hidden by a ReLU: a training that diverges is told by its loss.
#[test]
fn a_weight_that_is_no_number_makes_the_loss_none() {
    let (flex, _) = devices();
    for architecture in ARCHITECTURES {
        let case = Case::new(architecture, 230);
        let mut spoiled = sample(2, 230);
        spoiled.flux[40] = f32::NAN;
        let device = flex.autodiff();
        let network = Network::new(&case.model, &case.pca, 3, &device);
        let shown = sample(2, 230);
        let trainer = case.trainer(&flex);
        assert!(trainer.learn(&network, &shown, &shown, &device).loss.is_finite());
        assert!(
            trainer.learn(&network, &shown, &spoiled, &device).loss.is_nan(),
            "{architecture:?}"
        );
    }
}

#[test]
fn steps_and_records_are_those_of_burns_optimizers() {
    let (flex, _) = devices();
    let device = flex.autodiff();
    let sample = sample(4, 230);
    for (kind, decay) in [
        (OptimizerKind::Adamw, 0.01),
        (OptimizerKind::Adam, 0.0),
        (OptimizerKind::Adam, 0.01),
    ] {
        let case = Case::new(Architecture::Bottleneck, 230);
        let adam = AdamConfig::new().with_epsilon(1e-8);
        let burns = || match kind {
            OptimizerKind::Adamw => AdamWConfig::new()
                .with_epsilon(1e-8)
                .with_weight_decay(decay)
                .init(),
            OptimizerKind::Adam if decay > 0.0 => adam
                .clone()
                .with_weight_decay(Some(burn::optim::decay::WeightDecayConfig::new(decay)))
                .init(),
            OptimizerKind::Adam => adam.init(),
        };
        let ours = || ModuleOptimizer::from(Adam::new(kind, decay));
        let start = Network::new(&case.model, &case.pca, 3, &device);
        let trainer = case.trainer(&flex);
        let walk = |network: Network, optimizer: &mut ModuleOptimizer, steps: usize| {
            (0..steps).fold(network, |network, _| {
                let lesson = trainer.learn(&network, &sample, &sample, &device);
                optimizer.step(0.01, network, lesson.gradients)
            })
        };
        let (mut a, mut b) = (ours(), burns());
        let (here, there) = (walk(start.clone(), &mut a, 4), walk(start.clone(), &mut b, 4));
        let compare = |here: &Network, there: &Network| {
            for (a, b) in values(here, None).iter().zip(values(there, None)) {
                assert_close(a, &b, 1e-6, &format!("{kind:?} {decay}"));
            }
        };
        compare(&here, &there);
        assert_ne!(values(&here, None), values(&start, None));
        // Each goes on from the other's record.
        let swap = |optimizer: ModuleOptimizer, record: &ModuleOptimizer| {
            let bytes = record.into_bytes().unwrap().to_vec();
            optimizer.from_bytes(Bytes::from_bytes_vec(bytes)).unwrap()
        };
        let (mut c, mut d) = (swap(ours(), &b), swap(burns(), &a));
        compare(&walk(there, &mut c, 2), &walk(here, &mut d, 2));
    }
}

//! From burn's parameters to the kernels, and from their gradients back to burn.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use burn::module::{Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::bottleneck::{self, Bottleneck};
use super::loss::{Truth, compare};
use super::registers::{InstructionSet, add_signs, dot, scale_by};
use super::skip::{self, Skip};
use crate::model::Network;

/// The weights of a network on the processor, held while they are computed with.
pub(in super::super) struct Weights {
    parameters: Vec<Parameter>,
    shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Skip,
    Bottleneck,
}

struct Parameter {
    id: ParamId,
    dims: Vec<usize>,
    values: FloatTensor<Flex>,
    trained: bool,
}

impl Parameter {
    fn of<const D: usize>(param: &Param<Tensor<D>>) -> Self {
        let tensor = param.val();
        let trained = tensor.is_require_grad();
        let dims = tensor.dims().to_vec();
        let values = tensor
            .inner()
            .try_into_primitive::<Flex>()
            .expect("these kernels are for networks on flex")
            .to_contiguous();
        Self {
            id: param.id,
            dims,
            values,
            trained,
        }
    }

    fn values(&self) -> &[f32] {
        self.values.as_slice().expect("contiguous float32")
    }
}

/// A network that is ready to compute.
pub(in super::super) enum Engine<'a> {
    Skip(Box<Skip>),
    Bottleneck(Box<Bottleneck<'a>>),
}

/// What one batch teaches.
pub(in super::super) struct Lesson {
    /// Mean loss, without the L1 norm.
    pub loss: f64,
    pub gradients: GradientsParams,
    /// The gradient's norm before clipping.
    pub norm: f64,
}

/// Numbers that one task takes.
const PIECE: usize = 1 << 16;

impl Weights {
    /// The weights of a network, which has to be on flex.
    pub fn of(network: &Network) -> Self {
        struct All(Vec<Parameter>);
        impl burn::module::ModuleVisitor for All {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                self.0.push(Parameter::of(param));
            }
        }
        let mut all = All(Vec::new());
        burn::module::Module::visit(network, &mut all);
        Self {
            parameters: all.0,
            shape: match network {
                Network::Skip(_) => Shape::Skip,
                Network::Bottleneck(_) => Shape::Bottleneck,
            },
        }
    }

    /// The network made of them.
    pub fn engine(&self) -> Engine<'_> {
        let set = InstructionSet::best();
        let p = |index: usize| self.parameters[index].values();
        let pair = |index: usize| (p(index), p(index + 1));
        match self.shape {
            // In the order of the fields, which is that of burn's visit: a weight, then its bias.
            Shape::Skip => Engine::Skip(Box::new(Skip::new(
                set,
                &std::array::from_fn(|layer| pair(2 * layer)),
            ))),
            Shape::Bottleneck => Engine::Bottleneck(Box::new(Bottleneck::new(
                set,
                bottleneck::Parameters {
                    convolutions: [pair(0), pair(2), pair(4)],
                    features: pair(6),
                    latent: pair(8),
                    components: p(10),
                    departures: p(11),
                    hidden1: pair(12),
                    hidden2: p(14),
                    mean: p(15),
                    typical_ivar: p(16)[0],
                    decoder_rate: crate::model::bottleneck::DECODER_RATE as f32,
                },
            ))),
        }
    }

    /// Loss and clipped gradients of a batch, of which the network is shown `flux` and `ivar`. Shapes: `[spectra, pixels]`.
    ///
    /// `l1` is the weight of the L1 norm of all trained parameters, `clip` the largest norm of the gradient over all of them (0: no limit).
    pub fn learn(
        &self,
        (flux, ivar): (&[f32], &[f32]),
        pixels: usize,
        truth: Truth,
        l1: f64,
        clip: f64,
        device: &Device,
    ) -> Lesson {
        let set = InstructionSet::best();
        // Inside the pool once, instead of a way there and back for every loop: on a busy machine each takes a turn of the scheduler.
        let (loss, mut gradients) = rayon::scope(|_| match self.engine() {
            Engine::Skip(skip) => {
                let (loss, gradient) = skip.loss(flux, truth, pixels);
                let layers = gradient.weights.into_iter().zip(gradient.biases);
                (loss, layers.flat_map(|(weights, bias)| [weights, bias]).collect())
            }
            Engine::Bottleneck(bottleneck) => {
                let (loss, gradient) = bottleneck.loss(flux, ivar, truth);
                let [conv1, conv2, conv3] = gradient.convolutions;
                let layers = [conv1, conv2, conv3, gradient.features, gradient.latent];
                let mut all: Vec<Vec<f32>> = Vec::with_capacity(14);
                all.extend(layers.into_iter().flat_map(|(weights, bias)| [weights, bias]));
                let (weights, bias) = gradient.hidden1;
                all.extend([gradient.departures, weights, bias, gradient.hidden2]);
                (loss, all)
            }
        });
        let trained: Vec<&Parameter> = self.parameters.iter().filter(|p| p.trained).collect();
        assert_eq!(
            trained.len(),
            gradients.len(),
            "a gradient for every trained parameter"
        );
        let mut total = 0.0;
        for (gradient, parameter) in gradients.iter_mut().zip(&trained) {
            let sums: Vec<f64> = gradient
                .par_chunks_mut(PIECE)
                .zip(parameter.values().par_chunks(PIECE))
                .map(|(gradient, values)| {
                    if l1 > 0.0 {
                        add_signs(set, gradient, values, l1 as f32);
                    }
                    dot(set, gradient, gradient)
                })
                .collect();
            total += sums.iter().sum::<f64>();
        }
        let norm = total.sqrt();
        let factor = if clip > 0.0 && norm > clip {
            clip / norm
        } else {
            1.0
        };
        let mut registered = GradientsParams::new();
        for (mut gradient, parameter) in gradients.into_iter().zip(trained) {
            if factor < 1.0 {
                let pieces = gradient.par_chunks_mut(PIECE);
                pieces.for_each(|gradient| scale_by(set, gradient, factor as f32));
            }
            register(&mut registered, parameter, gradient, device);
        }
        Lesson {
            loss,
            gradients: registered,
            norm,
        }
    }
}

/// As burn's backward pass does it: gradients have none of their own.
fn register(into: &mut GradientsParams, parameter: &Parameter, gradient: Vec<f32>, device: &Device) {
    let data = TensorData::new(gradient, parameter.dims.clone());
    match parameter.dims.len() {
        1 => into.register(parameter.id, Tensor::<1>::from_data(data, device).inner()),
        2 => into.register(parameter.id, Tensor::<2>::from_data(data, device).inner()),
        3 => into.register(parameter.id, Tensor::<3>::from_data(data, device).inner()),
        rank => unreachable!("no parameter has rank {rank}"),
    }
}

impl Engine<'_> {
    /// Reconstructions and latent vectors. Shapes: `[spectra, pixels]` -> `[spectra, pixels]`, `[spectra, latent]`.
    pub fn reconstruct(&self, flux: &[f32], ivar: &[f32], pixels: usize) -> (Vec<f32>, Vec<f32>) {
        match self {
            Self::Skip(skip) => skip.reconstruct(flux, pixels),
            Self::Bottleneck(bottleneck) => {
                let latent = bottleneck.encode(flux, ivar);
                let rows = bottleneck.rows(flux.len() / pixels);
                (bottleneck.decode(&latent, rows), latent)
            }
        }
    }

    /// Multiply-adds of one forward pass for one spectrum.
    pub fn operations(&self, pixels: usize) -> usize {
        match self {
            Self::Skip(_) => skip::operations(pixels),
            Self::Bottleneck(bottleneck) => bottleneck.operations(),
        }
    }

    /// The sum of the losses of some spectra, shown as they are.
    pub fn loss(&self, truth: Truth, pixels: usize) -> f64 {
        let (mut model, _) = self.reconstruct(truth.flux, truth.ivar, pixels);
        let losses = compare(InstructionSet::best(), pixels, &mut model, truth);
        losses.iter().map(|(loss, _)| loss).sum()
    }
}

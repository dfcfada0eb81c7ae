//! Adam and AdamW in one pass over a parameter, with burn's state and record.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use burn::optim::{AdamWState, AdaptiveMomentumState, LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};
use rayon::prelude::*;

use super::registers::{AdamStep, InstructionSet, adam, adamw};
use crate::model::OptimizerKind;

/// burn's Adam or AdamW for parameters on the processor: the same numbers and the same state, without a tensor for every operation.
///
/// Source: Kingma & Ba 2015 (arXiv 1412.6980); Loshchilov & Hutter 2019 (arXiv 1711.05101).
#[derive(Debug, Clone)]
pub(in super::super) struct Adam {
    kind: OptimizerKind,
    weight_decay: f32,
}

/// burn's defaults, and PyTorch's.
const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Numbers that one task takes.
const PIECE: usize = 1 << 14;

impl Adam {
    /// `weight_decay` is decoupled for AdamW, an L2 penalty for Adam.
    pub fn new(kind: OptimizerKind, weight_decay: f32) -> Self {
        Self { kind, weight_decay }
    }

    /// The numbers of step `time`, from 1.
    pub fn numbers(&self, rate: LearningRate, time: usize) -> AdamStep {
        let time = i32::try_from(time).unwrap_or(i32::MAX);
        let (left_1, left_2) = (1.0 - BETA_1.powi(time), 1.0 - BETA_2.powi(time));
        let common = AdamStep {
            beta_1: BETA_1,
            beta_2: BETA_2,
            keep: 1.0,
            penalty: 0.0,
            correct_1: left_1,
            correct_2: left_2,
            epsilon: EPSILON,
            rate: rate as f32,
        };
        match self.kind {
            OptimizerKind::Adamw => AdamStep {
                keep: (1.0 - rate * f64::from(self.weight_decay)) as f32,
                ..common
            },
            OptimizerKind::Adam => AdamStep {
                penalty: self.weight_decay,
                correct_1: left_2.sqrt() / left_1,
                epsilon: EPSILON * left_2.sqrt(),
                ..common
            },
        }
    }
}

impl Optimizer for Adam {
    type State<const D: usize> = AdamWState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let device = tensor.device();
        let state = state.map_or_else(
            || {
                let zeros = || Tensor::zeros(tensor.dims(), &device);
                AdaptiveMomentumState::new(0, zeros(), zeros())
            },
            |state| state.momentum,
        );
        let time = state.time + 1;
        let numbers = self.numbers(rate, time);
        let (mut parameters, gradient) = (own(tensor), own(gradient));
        let (mut moment_1, mut moment_2) = (own(state.moment_1), own(state.moment_2));
        let step = match self.kind {
            OptimizerKind::Adamw => adamw,
            OptimizerKind::Adam => adam,
        };
        let set = InstructionSet::best();
        let (p, g) = (parameters.storage_mut::<f32>(), gradient.storage::<f32>());
        let (m, v) = (moment_1.storage_mut::<f32>(), moment_2.storage_mut::<f32>());
        if p.len() <= PIECE {
            // Not worth waking a thread for.
            step(set, numbers, p, g, m, v);
        } else {
            p.par_chunks_mut(PIECE)
                .zip(g.par_chunks(PIECE))
                .zip(m.par_chunks_mut(PIECE))
                .zip(v.par_chunks_mut(PIECE))
                .for_each(|(((p, g), m), v)| step(set, numbers, p, g, m, v));
        }
        let back = |tensor| Tensor::from_primitive::<Flex>(tensor);
        let momentum = AdaptiveMomentumState::new(time, back(moment_1), back(moment_2));
        (back(parameters), Some(AdamWState::new(momentum)))
    }

    fn to_device<const D: usize>(mut state: Self::State<D>, device: &Device) -> Self::State<D> {
        state.momentum = state.momentum.to_device(device);
        state
    }
}

/// The numbers of a tensor, in order and nothing else in its storage.
fn own<const D: usize>(tensor: Tensor<D>) -> FloatTensor<Flex> {
    let count = tensor.shape().num_elements();
    let tensor = tensor
        .inner()
        .try_into_primitive::<Flex>()
        .expect("this optimizer is for parameters on flex");
    if tensor.is_contiguous() && tensor.storage::<f32>().len() == count {
        tensor
    } else {
        FloatTensor::<Flex>::from_data(tensor.to_contiguous().into_data())
    }
}

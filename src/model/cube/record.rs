//! Weights and moments between burn's records and a GPU.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::{
    AdamWState, AdaptiveMomentumState, GradientsParams, LearningRate, ModuleOptimizer, Optimizer,
};
use burn::store::RecordError;
use burn::tensor::{Bytes, Device, Tensor, TensorData};

use super::engine::FIXED;
use crate::model::Network;

/// Weights and moments after some step, read from the GPU.
pub(in super::super) struct Moment {
    pub(super) network: Network,
    pub(super) moments: Moments,
}

impl Moment {
    /// burn's network and the record of its optimizer, unless that cannot be written.
    pub fn records(self) -> (Network, Result<Vec<u8>, RecordError>) {
        let optimizer = self.moments.write(&self.network);
        (self.network, optimizer)
    }
}

/// Puts values into the trained parameters of a network, in the order of burn's visit.
pub(super) struct Write {
    values: VecDeque<Vec<f32>>,
    /// Whether [`FIXED`] parameters are among them.
    fixed: bool,
    place: usize,
}

impl Write {
    pub fn of(values: Vec<Vec<f32>>, fixed: bool) -> Self {
        Self {
            values: values.into(),
            fixed,
            place: 0,
        }
    }
}

impl ModuleMapper for Write {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let place = self.place;
        self.place += 1;
        if self.fixed && FIXED.contains(&place) {
            return param;
        }
        let values = self
            .values
            .pop_front()
            .expect("values for every trained parameter");
        param.map(|tensor| {
            let data = TensorData::new(values, tensor.dims());
            Tensor::from_data(data, &tensor.device())
        })
    }
}

/// Adam's moments of the trained parameters, in the order of burn's visit, and the steps done.
#[derive(Debug, Clone, Default)]
pub(super) struct Moments {
    pub time: usize,
    pub first: VecDeque<Vec<f32>>,
    pub second: VecDeque<Vec<f32>>,
}

impl Moments {
    /// From the record of burn's optimizer.
    pub fn read(bytes: Vec<u8>, network: &Network) -> Result<Self, RecordError> {
        let ledger = Ledger::new(Direction::In, Self::default());
        let mut optimizer = ModuleOptimizer::from(ledger.clone()).from_bytes(Bytes::from_bytes_vec(bytes))?;
        optimizer.step(0.0, network.clone(), zeros(network));
        Ok(ledger.moments())
    }

    /// As burn's optimizer would have recorded them.
    fn write(self, network: &Network) -> Result<Vec<u8>, RecordError> {
        let steps = self.time;
        let mut optimizer = ModuleOptimizer::from(Ledger::new(Direction::Out, self));
        if steps > 0 {
            optimizer.step(0.0, network.clone(), zeros(network));
        }
        Ok(optimizer.into_bytes()?.to_vec())
    }
}

/// No gradient for every trained parameter.
fn zeros(network: &Network) -> GradientsParams {
    struct Zeros(GradientsParams);
    impl ModuleVisitor for Zeros {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let tensor = param.val();
            if tensor.is_require_grad() {
                self.0.register(param.id, tensor.inner().zeros_like());
            }
        }
    }
    let mut zeros = Zeros(GradientsParams::new());
    network.visit(&mut zeros);
    zeros.0
}

/// An optimizer that takes no step, but hands the moments in burn's keeping to [`Moments`], or the other way around: so the record is
/// burn's own.
#[derive(Debug, Clone)]
struct Ledger {
    direction: Direction,
    moments: Arc<Mutex<Moments>>,
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    /// From burn's states to the moments.
    In,
    /// From the moments to burn's states.
    Out,
}

impl Ledger {
    fn new(direction: Direction, moments: Moments) -> Self {
        Self {
            direction,
            moments: Arc::new(Mutex::new(moments)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Moments> {
        self.moments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moments(&self) -> Moments {
        self.lock().clone()
    }
}

impl Optimizer for Ledger {
    type State<const D: usize> = AdamWState<D>;

    fn step<const D: usize>(
        &self,
        _rate: LearningRate,
        tensor: Tensor<D>,
        _gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let mut moments = self.lock();
        let state = match self.direction {
            Direction::In => {
                let count = tensor.shape().num_elements();
                let (time, first, second) = match &state {
                    Some(AdamWState { momentum, .. }) => {
                        (momentum.time, list(&momentum.moment_1), list(&momentum.moment_2))
                    }
                    None => (0, vec![0.0; count], vec![0.0; count]),
                };
                moments.time = moments.time.max(time);
                moments.first.push_back(first);
                moments.second.push_back(second);
                state
            }
            Direction::Out => {
                let next = |values: Option<Vec<f32>>| {
                    let data = TensorData::new(values.expect("of every parameter"), tensor.dims());
                    Tensor::<D>::from_data(data, &tensor.device())
                };
                let (first, second) = (moments.first.pop_front(), moments.second.pop_front());
                let momentum = AdaptiveMomentumState::new(moments.time, next(first), next(second));
                Some(AdamWState::new(momentum))
            }
        };
        (tensor, state)
    }

    fn to_device<const D: usize>(mut state: Self::State<D>, device: &Device) -> Self::State<D> {
        state.momentum = state.momentum.to_device(device);
        state
    }
}

fn list<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.to_data().try_into_vec().expect("moments are float32")
}

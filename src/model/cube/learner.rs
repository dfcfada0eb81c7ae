//! A network in training on a GPU.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::cubecl;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::{
    AdamWState, AdaptiveMomentumState, GradientsParams, LearningRate, ModuleOptimizer, Optimizer,
};
use burn::store::RecordError;
use burn::tensor::{Bytes, Device, Tensor, TensorData};
use cubecl::client::Client;
use cubecl::server::ServerError;

use super::engine::{Engine, FIXED, Net, terms};
use super::held::{Disguise, Held};
use super::loss::Terms;
use super::update::{self, Kept};
use super::{Batch, Buffer, Gradients, numbers};
use crate::model::native::{self, Truth};
use crate::model::{Network, OptimizerKind};

/// Weights, moments and gradients on the GPU.
pub(in super::super) struct Learner {
    engine: Engine,
    /// burn's network with the weights of the beginning, on the processor: records are put together there, where nothing is waited for.
    shape: Network,
    kind: OptimizerKind,
    adam: native::Adam,
    kept: Kept,
    gradient: Buffer,
    parts: Buffer,
    sums: Buffer,
    losses: Buffer,
    /// Steps done.
    time: usize,
    client: &'static Client,
}

/// Loss and norm of the gradient, on their way from the GPU.
pub(in super::super) struct Pending(Answer);

/// The weights of a network as they once were.
pub(in super::super) struct Snapshot(Buffer);

/// Weights and moments after some step, read from the GPU.
pub(in super::super) struct Moment {
    network: Network,
    moments: Moments,
}

impl Moment {
    /// burn's network and the record of its optimizer, unless that cannot be written.
    pub fn records(self) -> (Network, Result<Vec<u8>, RecordError>) {
        let optimizer = self.moments.write(&self.network);
        (self.network, optimizer)
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Vec<Bytes>, ServerError>> + Send>>;

impl Pending {
    /// Waits for mean loss and the gradient's norm before clipping. Panics if the GPU is gone.
    pub fn wait(self) -> (f64, f64) {
        let bytes = cubecl::future::block_on(self.0).expect("the GPU answers");
        let told: Vec<f32> = numbers(&bytes[0]).collect();
        (f64::from(told[0]), f64::from(told[1]))
    }
}

impl Learner {
    /// Goes on from a network on the GPU, for training, and the record of an optimizer of the same kind.
    ///
    /// Errors: the record is damaged.
    pub fn new(
        network: Network,
        optimizer: Option<Vec<u8>>,
        kind: OptimizerKind,
        decay: f32,
        client: Client,
    ) -> Result<Self, RecordError> {
        let engine = Engine::of(&network, client);
        let shape = network.fork(&Device::flex().autodiff());
        let room = &engine.room;
        let moments = match optimizer {
            Some(bytes) => Moments::read(bytes, &shape)?,
            None => Moments::default(),
        };
        // Where there are none yet, all are zero.
        let packed = |values: &VecDeque<Vec<f32>>| engine.layout.pack(values);
        let small = engine.layout.mirror.len();
        let kept = Kept {
            moment_1: room.upload(packed(&moments.first)),
            moment_2: room.upload(packed(&moments.second)),
            places: room.upload_places(engine.layout.mirror.clone()),
        };
        // What is never written by a kernel, between parameters, has to be zero.
        let gradient = room.upload(vec![0.0; engine.layout.len]);
        let parts = room.upload(vec![0.0; super::PARTS * small]);
        let sums = room.empty(update::squares(small));
        let losses = room.empty(engine.at_once());
        // What is being read is lent the client that reads it, and outlives any borrow: a few hundred bytes a network.
        let client = Box::leak(Box::new(room.client.clone()));
        Ok(Self {
            engine,
            shape,
            kind,
            adam: native::Adam::new(kind, decay),
            kept,
            gradient,
            parts,
            sums,
            losses,
            time: moments.time,
            client,
        })
    }

    /// Room for a set of spectra on the GPU.
    pub fn room_for(&self, spectra: usize, pixels: usize) -> Held {
        Held::new(&self.engine.room, spectra, pixels)
    }

    /// Puts spectra of a set there, from number `first` on.
    pub fn put(&self, held: &Held, first: usize, flux: &[f32], ivar: &[f32]) {
        held.put(&self.engine.room, first, flux, ivar);
    }

    /// One step on a batch, of which the encoder is shown `shown` where that is not the same.
    pub fn step<'a>(
        &mut self,
        truth: Truth<'a>,
        shown: Option<(&'a [f32], &'a [f32])>,
        pixels: usize,
        limits: (f64, f64),
        rate: LearningRate,
    ) -> Pending {
        let spectra = truth.flux.len() / pixels;
        self.begin(spectra);
        let at_once = self.engine.at_once();
        for first in (0..spectra).step_by(at_once) {
            let range = first * pixels..(first + at_once).min(spectra) * pixels;
            let part = |(flux, ivar): (&'a [f32], &'a [f32])| (&flux[range.clone()], &ivar[range.clone()]);
            let batch = self
                .engine
                .upload(part((truth.flux, truth.ivar)), pixels, shown.map(part));
            self.learn(&batch, first, terms(truth, spectra));
        }
        self.update(spectra, limits, rate)
    }

    /// One step on the spectra at these places of a set that is held. `truth` says how they are compared.
    pub fn step_on(
        &mut self,
        held: &Held,
        places: &[u32],
        truth: Truth,
        disguise: Option<Disguise>,
        limits: (f64, f64),
        rate: LearningRate,
    ) -> Pending {
        self.begin(places.len());
        let at_once = self.engine.at_once();
        for (number, part) in places.chunks(at_once).enumerate() {
            let first = number * at_once;
            let batch = held.take(&self.engine.room, part, first, disguise);
            self.learn(&batch, first, terms(truth, places.len()));
        }
        self.update(places.len(), limits, rate)
    }

    fn begin(&mut self, spectra: usize) {
        if self.losses.len < spectra {
            self.losses = self.engine.room.empty(spectra);
        }
    }

    fn learn(&mut self, batch: &Batch, first: usize, terms: Terms) {
        let gradients = Gradients {
            all: self.gradient.clone(),
            parts: self.parts.clone(),
            small: self.engine.layout.mirror.len(),
            losses: self.losses.clone(),
            first,
            terms,
            add: first > 0,
        };
        self.engine.learn(batch, &gradients);
    }

    fn update(&mut self, spectra: usize, (l1, clip): (f64, f64), rate: LearningRate) -> Pending {
        let small = self.engine.layout.mirror.len();
        self.time += 1;
        let (room, weights) = (&self.engine.room, &self.engine.weights);
        let told = room.empty(4);
        let parts = (&self.parts, small);
        update::collect(
            room,
            parts,
            (&weights.parameters, l1 as f32),
            &self.gradient,
            &self.sums,
        );
        update::adam(
            room,
            (self.kind, self.adam.numbers(rate, self.time)),
            (weights, &self.kept),
            (&self.gradient, clip as f32),
            (&self.sums, update::squares(small)),
            (&self.losses, spectra),
            &told,
        );
        Pending(Box::pin(self.client.read_async(vec![told.handle])))
    }

    /// The sum of the losses of some spectra, shown as they are.
    pub fn loss(&mut self, truth: Truth, pixels: usize) -> f64 {
        self.engine.loss(truth, pixels)
    }

    /// The same of a set that is held. `truth` says how they are compared.
    pub fn loss_on(&mut self, held: &Held, truth: Truth) -> f64 {
        self.engine.loss_on(held, truth)
    }

    /// The weights as they are now, kept on the GPU.
    pub fn snapshot(&self) -> Snapshot {
        let parameters = &self.engine.weights.parameters;
        let kept = self.engine.room.empty(parameters.len);
        update::copy(&self.engine.room, parameters, &kept);
        Snapshot(kept)
    }

    /// burn's network with the weights as they are now.
    pub fn network(&self) -> Network {
        self.with(&self.engine.weights.parameters)
    }

    /// burn's network with the weights of a snapshot.
    pub fn network_of(&self, snapshot: &Snapshot) -> Network {
        self.with(&snapshot.0)
    }

    fn with(&self, parameters: &Buffer) -> Network {
        let values = self.values(parameters);
        let mut write = Write {
            values: values.into(),
            fixed: matches!(self.engine.net, Net::Bottleneck(..)),
            place: 0,
        };
        self.shape.clone().map(&mut write)
    }

    /// What it is now.
    pub fn moment(&self) -> Moment {
        Moment {
            network: self.network(),
            moments: Moments {
                time: self.time,
                first: self.values(&self.kept.moment_1).into(),
                second: self.values(&self.kept.moment_2).into(),
            },
        }
    }

    fn values(&self, buffer: &Buffer) -> Vec<Vec<f32>> {
        self.engine.layout.unpack(&self.engine.room.read(buffer))
    }
}

/// Puts values into the trained parameters of a network, in the order of burn's visit.
struct Write {
    values: VecDeque<Vec<f32>>,
    /// Whether [`FIXED`] parameters are among them.
    fixed: bool,
    place: usize,
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
struct Moments {
    time: usize,
    first: VecDeque<Vec<f32>>,
    second: VecDeque<Vec<f32>>,
}

impl Moments {
    /// From the record of burn's optimizer.
    fn read(bytes: Vec<u8>, network: &Network) -> Result<Self, RecordError> {
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

//! A network in training on a GPU.

use burn::module::Module;
use burn::optim::LearningRate;
use burn::store::RecordError;
use burn::tensor::Device;
use cubecl::client::Client;

use burn::cubecl;

mod recording;

use self::recording::Recorded;
use super::agenda::{Agenda, Questions};
use super::engine::{Engine, Net, terms};
use super::held::{Disguise, Held};
use super::loss::Terms;
use super::record::{Moment, Moments, Write};
use super::update::{self, Kept, Pull};
use super::{Batch, Buffer, Gradients, Room};
use crate::model::learner::Epoch;
use crate::model::native::{self, Truth};
use crate::model::training::Trainer;
use crate::model::{Architecture, Network, OptimizerKind, Sample};

/// Weights, moments and gradients on the GPU.
pub(in super::super) struct Learner {
    engine: Engine,
    /// burn's network with the weights of the beginning, on the processor: records are put together there, where nothing is waited for.
    shape: Network,
    rules: Rules,
    state: State,
    /// One step at a time, or an epoch of spectra that are held.
    agenda: Agenda,
    questions: Questions,
    /// Steps done.
    time: usize,
    recorded: Option<Recorded>,
}

/// What is the same in every step.
struct Rules {
    kind: OptimizerKind,
    adam: native::Adam,
    pull: Pull,
    terms: Terms,
    /// What the encoder is shown, where that is not the spectra themselves.
    disguise: Option<Disguise>,
    seed: u64,
}

/// What steps change beside the weights.
struct State {
    kept: Kept,
    gradient: Buffer,
    parts: Buffer,
    sums: Buffer,
    losses: Buffer,
}

/// The weights of a network as they once were.
pub(in super::super) struct Snapshot(Buffer);

impl Rules {
    fn of(trainer: &Trainer) -> Self {
        let settings = trainer.settings;
        let disguised = trainer.model.architecture == Architecture::Bottleneck;
        Self {
            kind: settings.optimizer,
            adam: native::Adam::new(settings.optimizer, settings.weight_decay as f32),
            pull: Pull {
                l1: settings.l1 as f32,
                clip: settings.gradient_clip as f32,
            },
            terms: terms(trainer.truth(&Sample::default()), 1),
            disguise: disguised.then(|| Disguise::of(settings)),
            seed: trainer.seed,
        }
    }
}

impl State {
    fn of(room: &Room, engine: &Engine) -> Self {
        let layout = &engine.layout;
        let small = layout.mirror.len();
        Self {
            kept: Kept {
                moment_1: room.empty(layout.len),
                moment_2: room.empty(layout.len),
                places: room.upload_words(layout.mirror.clone()),
            },
            // What is never written by a kernel, between parameters, has to be zero.
            gradient: room.upload(vec![0.0; layout.len]),
            parts: room.upload(vec![0.0; super::PARTS * small]),
            sums: room.empty(update::squares(small)),
            losses: room.empty(engine.at_once()),
        }
    }
}

impl Learner {
    /// Goes on from a network on the GPU, for training, and the record of its optimizer.
    ///
    /// Errors: the record is damaged.
    pub fn new(trainer: &Trainer, network: Network, optimizer: Option<Vec<u8>>) -> Result<Self, RecordError> {
        let client: Client = trainer.accelerator.client();
        let engine = Engine::of(&network, client);
        let shape = network.fork(&Device::flex().autodiff());
        let moments = match optimizer {
            Some(bytes) => Moments::read(bytes, &shape)?,
            None => Moments::default(),
        };
        let room = &engine.room;
        let state = State::of(room, &engine);
        // Where there are none yet, all are zero.
        room.write(&state.kept.moment_1, engine.layout.pack(&moments.first));
        room.write(&state.kept.moment_2, engine.layout.pack(&moments.second));
        Ok(Self {
            rules: Rules::of(trainer),
            state,
            agenda: Agenda::of(room, 1, 1),
            questions: Questions::of(room),
            time: moments.time,
            recorded: None,
            engine,
            shape,
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
        rate: LearningRate,
    ) {
        let spectra = truth.flux.len() / pixels;
        let numbers = self.rules.adam.numbers(rate, self.time + 1);
        self.agenda
            .write(&self.engine.room, 0, (vec![0], vec![0]), [numbers].into_iter());
        self.reserve(spectra);
        let at_once = self.engine.at_once();
        for first in (0..spectra).step_by(at_once) {
            let range = first * pixels..(first + at_once).min(spectra) * pixels;
            let part = |(flux, ivar): (&'a [f32], &'a [f32])| (&flux[range.clone()], &ivar[range.clone()]);
            let batch = self
                .engine
                .upload(part((truth.flux, truth.ivar)), pixels, shown.map(part));
            self.learn(&batch, first, spectra);
        }
        self.update(spectra);
        self.launched();
        self.questions.ask(&self.agenda);
    }

    /// Gets ready for epochs of steps on a set of spectra.
    pub fn begin(&mut self, held: &Held, batch: usize) {
        let room = &self.engine.room;
        self.agenda = Agenda::of(room, held.spectra, batch);
        self.recorded = None;
        if self.agenda.steps() < 2 {
            return;
        }
        // A step is run before it is recorded, and one that could not be recorded leaves what it would have written unusable.
        let before = self.learned();
        match self.record(held) {
            Ok(recorded) if self.is_as_launched(&recorded, held, &before) => self.recorded = Some(recorded),
            Ok(_) => tracing::warn!(
                "this GPU's driver runs a recorded step otherwise than it did: the network learns without recording, as well but slower"
            ),
            Err(error) => {
                tracing::debug!(%error, "steps are not recorded");
                self.renew();
            }
        }
        self.restore(&before);
    }

    /// New room for all that steps write.
    fn renew(&mut self) {
        self.engine.renew();
        self.state = State::of(&self.engine.room, &self.engine);
        self.agenda = self.agenda.renewed(&self.engine.room);
    }

    /// Parameters and moments, in the kernels' order.
    pub(super) fn learned(&self) -> [Vec<f32>; 3] {
        let kept = &self.state.kept;
        let all = [&self.engine.weights.parameters, &kept.moment_1, &kept.moment_2];
        all.map(|buffer| self.engine.room.read(buffer))
    }

    /// Writes them.
    fn restore(&mut self, [parameters, moment_1, moment_2]: &[Vec<f32>; 3]) {
        let (room, weights, kept) = (&self.engine.room, &self.engine.weights, &self.state.kept);
        room.write(&weights.mirror, self.engine.layout.mirrored(parameters));
        room.write(&weights.parameters, parameters.clone());
        room.write(&kept.moment_1, moment_1.clone());
        room.write(&kept.moment_2, moment_2.clone());
    }

    /// Begins an epoch of the set that it is ready for; all steps before have been told.
    pub fn plan(&mut self, epoch: &Epoch) {
        let Epoch {
            number,
            order,
            rates,
            first,
        } = *epoch;
        let places = order.iter().map(|place| *place as u32).collect();
        let seeds = (0..rates.len()).map(|batch| Disguise::seed(self.rules.seed, number, batch));
        let (adam, time) = (self.rules.adam.clone(), self.time);
        let rows = rates.iter().enumerate().map(|(step, rate)| {
            // Those before the first are not taken.
            let done = step.saturating_sub(first);
            adam.numbers(*rate, time + done + 1)
        });
        self.agenda
            .write(&self.engine.room, first, (places, seeds.collect()), rows);
    }

    /// The next step of the epoch, on that set; the number of its spectra.
    pub fn step_on(&mut self, held: &Held) -> usize {
        let spectra = self.agenda.spectra();
        match &self.recorded {
            Some(recorded) if spectra == self.agenda.batch => recorded.run(),
            _ => {
                let part = self.part(spectra);
                self.reserve(spectra);
                let batch = held.room_for_batch(&self.engine.room, part, self.rules.disguise.is_some());
                self.launch(held, &batch);
            }
        }
        self.launched();
        spectra
    }

    /// Spectra that a batch is worked out by.
    fn part(&self, spectra: usize) -> usize {
        spectra.min(self.engine.at_once())
    }

    fn reserve(&mut self, spectra: usize) {
        if self.state.losses.len < spectra {
            self.state.losses = self.engine.room.empty(spectra);
        }
    }

    /// Launches the next step of the agenda, with room for a part of the batch.
    fn launch(&mut self, held: &Held, room: &Batch) {
        let spectra = self.agenda.spectra();
        for first in (0..spectra).step_by(room.spectra) {
            let part = room.spectra.min(spectra - first);
            let chosen = (&self.agenda, first);
            let batch = held.take(&self.engine.room, chosen, self.rules.disguise, room.of(part));
            self.learn(&batch, first, spectra);
        }
        self.update(spectra);
    }

    fn learn(&mut self, batch: &Batch, first: usize, spectra: usize) {
        let state = &self.state;
        let gradients = Gradients {
            all: state.gradient.clone(),
            parts: state.parts.clone(),
            small: self.engine.layout.mirror.len(),
            losses: state.losses.clone(),
            first,
            terms: Terms {
                batch: spectra,
                ..self.rules.terms
            },
            add: first > 0,
        };
        self.engine.learn(batch, &gradients);
    }

    fn update(&self, spectra: usize) {
        let (room, weights, state) = (&self.engine.room, &self.engine.weights, &self.state);
        let small = self.engine.layout.mirror.len();
        update::collect(
            room,
            (&state.parts, small),
            (&weights.parameters, self.rules.pull),
            (&state.gradient, &state.sums),
            &self.agenda,
        );
        update::adam(
            room,
            (self.rules.kind, self.rules.pull),
            (weights, &state.kept),
            (&state.gradient, &state.sums),
            (&state.losses, spectra),
            &self.agenda,
        );
    }

    /// Counts a step that has been launched.
    fn launched(&mut self) {
        self.questions.launched(self.agenda.next());
        self.agenda.launched();
        self.time += 1;
    }

    /// Mean losses and the gradients' norms before clipping of the steps that have not been told yet, in their order: those that are there,
    /// or `all`. Panics if the GPU is gone.
    pub fn told(&mut self, all: bool) -> Vec<(f64, f64)> {
        self.questions.told(&self.agenda, all)
    }

    /// The sum of the losses of some spectra, shown as they are.
    pub fn loss(&mut self, truth: Truth, pixels: usize) -> f64 {
        self.engine.loss(truth, pixels)
    }

    /// The same of a set that is held.
    pub fn loss_on(&mut self, held: &Held) -> f64 {
        self.engine.loss_on(held, self.rules.terms)
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
        let fixed = matches!(self.engine.net, Net::Bottleneck(..));
        self.shape
            .clone()
            .map(&mut Write::of(self.values(parameters), fixed))
    }

    /// What it is now.
    pub fn moment(&self) -> Moment {
        Moment {
            network: self.network(),
            moments: Moments {
                time: self.time,
                first: self.values(&self.state.kept.moment_1).into(),
                second: self.values(&self.state.kept.moment_2).into(),
            },
        }
    }

    fn values(&self, buffer: &Buffer) -> Vec<Vec<f32>> {
        self.engine.layout.unpack(&self.engine.room.read(buffer))
    }
}

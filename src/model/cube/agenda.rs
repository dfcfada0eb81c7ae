//! What the steps of an epoch are told, and what they tell: it lies on the GPU, which counts the steps, so that each is launched like the one before.

use std::collections::VecDeque;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::time::{Duration, Instant};

use burn::cubecl;
use burn::tensor::Bytes;
use cubecl::client::Client;
use cubecl::server::ServerError;

use super::{Buffer, Room, numbers};
use crate::model::native::AdamStep;

/// Numbers of a step of the optimizer, as [`Agenda::rows`] has them.
pub(super) const ROW: usize = 8;

/// The steps of an epoch.
pub(super) struct Agenda {
    /// Spectra of a step; the last step may have fewer.
    pub batch: usize,
    /// Places of the spectra in the set, in the order of the epoch. Shape: `[spectra]`.
    pub places: Buffer,
    /// What noise and gaps of a step are drawn from. Shape: `[steps]`.
    pub seeds: Buffer,
    /// What the optimizer is told: beta 1, beta 2, keep, penalty, correct 1, correct 2, epsilon, rate. Shape: `[steps, ROW]`.
    pub rows: Buffer,
    /// The number of the step, which the GPU counts itself.
    pub now: Buffer,
    /// Mean loss of each step, and the gradient's norm before clipping. Shape: `[steps, 2]`.
    pub told: Buffer,
    spectra: usize,
    /// The step to be launched next.
    next: usize,
}

impl Agenda {
    /// Room for the epochs of a set of spectra.
    pub fn of(room: &Room, spectra: usize, batch: usize) -> Self {
        let steps = spectra.div_ceil(batch).max(1);
        Self {
            batch,
            places: room.empty(spectra),
            seeds: room.empty(steps),
            rows: room.empty(steps * ROW),
            now: room.empty(1),
            told: room.empty(steps * 2),
            spectra,
            next: 0,
        }
    }

    /// The same room again.
    pub fn renewed(&self, room: &Room) -> Self {
        Self::of(room, self.spectra, self.batch)
    }

    /// Steps of an epoch.
    pub fn steps(&self) -> usize {
        self.spectra.div_ceil(self.batch).max(1)
    }

    /// Writes down an epoch, of which step `first` is the next. One number, seed or row for each step.
    pub fn write(
        &mut self,
        room: &Room,
        first: usize,
        (places, seeds): (Vec<u32>, Vec<u32>),
        rows: impl Iterator<Item = AdamStep>,
    ) {
        room.write_words(&self.places, places);
        room.write_words(&self.seeds, seeds);
        let rows = rows.flat_map(|step| {
            [
                step.beta_1,
                step.beta_2,
                step.keep,
                step.penalty,
                step.correct_1,
                step.correct_2,
                step.epsilon,
                step.rate,
            ]
        });
        room.write(&self.rows, rows.collect());
        room.write_words(&self.now, vec![first as u32]);
        self.next = first;
    }

    /// Spectra of the next step.
    pub fn spectra(&self) -> usize {
        self.batch.min(self.spectra - self.next * self.batch)
    }

    /// The next step has been launched.
    pub fn launched(&mut self) {
        self.next += 1;
    }

    /// The number of the next step.
    pub fn next(&self) -> usize {
        self.next
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Vec<Bytes>, ServerError>> + Send>>;

/// What has been asked of the GPU and not been waited for. It is asked about many short steps at once, since each question costs as much as a launch.
pub(super) struct Questions {
    /// The steps since the last question.
    steps: Range<usize>,
    /// Steps that are worth a question.
    window: usize,
    open: VecDeque<(Answer, usize)>,
    /// When something was last told.
    heard: Instant,
    client: &'static Client,
}

/// How far apart answers are to be: short enough to watch and to stop a training, long enough to be no work.
const PACE: Duration = Duration::from_millis(20);
/// Steps of a question, at most.
const MOST: usize = 64;
/// Questions that are left open where not everything is asked for, so that the GPU has work while the host waits.
const OPEN: usize = 2;

impl Questions {
    pub fn of(room: &Room) -> Self {
        Self {
            steps: 0..0,
            window: 1,
            open: VecDeque::new(),
            heard: Instant::now(),
            // What is being read is lent the client that reads it, and outlives any borrow: a few hundred bytes a network.
            client: Box::leak(Box::new(room.client.clone())),
        }
    }

    /// A step has been launched.
    pub fn launched(&mut self, step: usize) {
        if self.steps.is_empty() {
            self.steps.start = step;
        }
        self.steps.end = step + 1;
    }

    /// Asks about the steps since the last question. What they tell is read before any later step can write it anew.
    pub fn ask(&mut self, agenda: &Agenda) {
        let steps = std::mem::take(&mut self.steps);
        if !steps.is_empty() {
            let len = steps.len();
            let told = agenda.told.part(2 * steps.start..2 * steps.end);
            let answer = self.client.read_async(vec![told]);
            self.open.push_back((Box::pin(answer), len));
        }
    }

    /// Mean losses and norms of steps that have not been told yet, in their order: those that are there, or `all`. Panics if the GPU is gone.
    pub fn told(&mut self, agenda: &Agenda, all: bool) -> Vec<(f64, f64)> {
        if all || self.steps.len() >= self.window {
            self.ask(agenda);
        }
        let left = if all { 0 } else { OPEN };
        let mut told = Vec::new();
        while self.open.len() > left
            && let Some((answer, steps)) = self.open.pop_front()
        {
            let bytes = cubecl::future::block_on(answer).expect("the GPU answers");
            let found: Vec<f64> = numbers(&bytes[0]).map(f64::from).collect();
            told.extend(found.chunks_exact(2).map(|pair| (pair[0], pair[1])));
            let took = self.heard.elapsed().max(Duration::from_micros(1));
            if !all {
                let fit = steps as f64 * PACE.as_secs_f64() / took.as_secs_f64();
                self.window = (fit as usize).clamp(1, MOST);
            }
            self.heard = Instant::now();
        }
        told
    }
}

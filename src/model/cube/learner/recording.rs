//! A step that the GPU has recorded, and the proof that it does what it did.

use burn::cubecl;
use burn::optim::LearningRate;
use cubecl::client::Graph;
use cubecl::server::ServerError;

use super::super::engine::Maps;
use super::super::held::Held;
use super::super::{Batch, Buffer};
use super::Learner;

/// A step on a full batch as the GPU has recorded it, to be run again without being put together anew. What it works on lives as long.
pub(in super::super) struct Recorded {
    graph: Graph,
    batch: Batch,
    _maps: Maps,
    _losses: Buffer,
}

impl Recorded {
    /// Runs it. Panics if the GPU is gone.
    #[allow(unsafe_code)]
    pub(super) fn run(&self) {
        // SAFETY: everything it works on is kept by the learner or here, and written and read by the client that recorded it alone.
        unsafe { self.graph.replay() }.expect("the GPU answers");
    }
}

impl Learner {
    /// Records a step on a full batch. Weights and moments are to be written again after it.
    ///
    /// Errors: the backend does not record, or something else is being recorded; what a step writes is then unusable.
    pub(in super::super) fn record(&mut self, held: &Held) -> Result<Recorded, ServerError> {
        let client = self.engine.room.client.clone();
        self.plan_trial((0..held.spectra as u32).collect(), 0, 0.0);
        let spectra = self.agenda.spectra();
        self.reserve(spectra);
        let batch = held.room_for_batch(
            &self.engine.room,
            self.part(spectra),
            self.rules.disguise.is_some(),
        );
        client.graph_prepare()?;
        self.launch(held, &batch);
        client.start_capture()?;
        self.launch(held, &batch);
        Ok(Recorded {
            graph: client.stop_capture()?,
            batch,
            _maps: self.engine.maps().clone(),
            _losses: self.state.losses.clone(),
        })
    }

    /// Whether recorded steps make of the weights and moments `before` what the same steps make that are launched kernel by kernel, to the byte: with
    /// spectra in another order, other noise and another rate than they were recorded with, and still after others were launched. Drivers and the libraries
    /// above them differ, and a loss that looks well would not tell. Weights and moments are to be written again after it.
    pub(in super::super) fn is_as_launched(
        &mut self,
        recorded: &Recorded,
        held: &Held,
        before: &[Vec<f32>; 3],
    ) -> bool {
        // The second sees what the first has made of the weights, in both of their orders, and of the moments.
        let steps = (held.spectra / self.agenda.batch).min(2);
        let mut come_to = |as_recorded: bool| {
            self.restore(before);
            self.plan_trial((0..held.spectra as u32).rev().collect(), 1, 1e-3);
            for _ in 0..steps {
                if as_recorded {
                    recorded.run();
                } else {
                    self.launch(held, &recorded.batch);
                }
                self.agenda.launched();
            }
            let read = |buffer| self.engine.room.read(buffer);
            let mut told = read(&self.agenda.told);
            told.truncate(2 * steps);
            (read(&self.engine.weights.parameters), told)
        };
        let (first, launched, again) = (come_to(true), come_to(false), come_to(true));
        first == launched && again == launched
    }

    /// Plans steps that are only tried: on spectra of these places, with noise and gaps from this seed, at this rate.
    fn plan_trial(&mut self, places: Vec<u32>, seed: u32, rate: LearningRate) {
        let steps = self.agenda.steps();
        let rows = vec![self.rules.adam.numbers(rate, 1); steps];
        self.agenda.write(
            &self.engine.room,
            0,
            (places, vec![seed; steps]),
            rows.into_iter(),
        );
    }
}

//! Autoencoders of spectra on burn: networks, devices, training, checkpoints, and the cross-fitted ensemble that scores.
//!
//! The way: prepared spectra ([`Sample`]) -> [`Trainer`] -> one [`Member`] a fold -> [`Ensemble`], which is what a checkpoint file
//! holds, and whose members reconstruct ([`Inference`]) the spectra that they have not seen.

mod batch;
mod bottleneck;
pub mod checkpoint;
mod course;
#[cfg(feature = "gpu")]
mod cube;
mod device;
mod ensemble;
mod error;
mod gradients;
mod inference;
mod learner;
mod lesson;
pub mod native;
mod network;
mod pca;
mod refine;
mod schedule;
mod settings;
mod skip;
mod speed;
mod training;

use rayon::prelude::*;

pub use batch::{Draws, Shown};
pub use bottleneck::BottleneckAutoencoder;
pub use device::{Accelerator, DeviceKind};
pub use ensemble::{Ensemble, Member, Training, fold_of, lot_of};
pub use error::ModelError;
pub use inference::{Inference, Reconstructed};
pub use network::{Network, Reconstruction};
pub use pca::Pca;
pub use settings::{Architecture, ModelSettings, OptimizerKind, ScheduleKind, TrainingSettings};
pub use skip::SkipAutoencoder;
pub use speed::{Curve, KernelSpeed, Speed, SpeedTest};
pub use training::{
    Draft, EpochRecord, Flow, Glance, Outcome, Progress, Trainer, TrainingHeader, TrainingObserver,
    TrainingState,
};

/// Spectra on one grid that are taken some at a time, in any order: in memory, or on disk.
pub trait Spectra: Sync {
    /// Number of spectra.
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The spectra at `indices`, in that order.
    ///
    /// Errors: [`ModelError::Spectra`] where they cannot be read.
    fn select(&self, indices: &[usize]) -> Result<Sample, ModelError>;
}

impl Spectra for Sample {
    fn len(&self) -> usize {
        self.len()
    }

    fn select(&self, indices: &[usize]) -> Result<Sample, ModelError> {
        Ok(self.select(indices))
    }
}

/// Flux and ivar of one spectrum on the model's grid, normalized. Shapes: `[pixels]`.
pub type FluxIvar<'a> = (&'a [f32], &'a [f32]);

/// Spectra in memory that a network learns from or looks at, on one grid, normalized.
///
/// Shapes: `flux` and `ivar` are `[spectra, pixels]`; `ivar` is 0 where there is no valid measurement.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    pub pixels: usize,
    pub flux: Vec<f32>,
    pub ivar: Vec<f32>,
}

impl Sample {
    /// An empty sample of spectra with `pixels` pixels.
    pub fn new(pixels: usize) -> Self {
        Self {
            pixels,
            flux: Vec::new(),
            ivar: Vec::new(),
        }
    }

    /// Of some spectra. Panics where they are not all of one length.
    pub fn of(spectra: &[FluxIvar]) -> Self {
        let pixels = spectra.first().map_or(0, |(flux, _)| flux.len());
        let (mut flux, mut ivar) = (
            vec![0.0; spectra.len() * pixels],
            vec![0.0; spectra.len() * pixels],
        );
        let rows = flux.par_chunks_mut(pixels.max(1));
        rows.zip(ivar.par_chunks_mut(pixels.max(1)))
            .zip(spectra)
            .for_each(|((flux, ivar), spectrum)| {
                flux.copy_from_slice(spectrum.0);
                ivar.copy_from_slice(spectrum.1);
            });
        Self { pixels, flux, ivar }
    }

    /// Appends one spectrum. Panics if a slice has another length than `pixels`.
    pub fn push(&mut self, flux: &[f32], ivar: &[f32]) {
        assert!(
            flux.len() == self.pixels && ivar.len() == self.pixels,
            "every spectrum is on the grid of the sample"
        );
        self.flux.extend_from_slice(flux);
        self.ivar.extend_from_slice(ivar);
    }

    /// Number of spectra.
    pub fn len(&self) -> usize {
        self.flux.len().checked_div(self.pixels).unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.flux.is_empty()
    }

    /// One spectrum.
    pub fn get(&self, index: usize) -> FluxIvar<'_> {
        let range = index * self.pixels..(index + 1) * self.pixels;
        (&self.flux[range.clone()], &self.ivar[range])
    }

    /// All spectra.
    pub fn spectra(&self) -> Vec<FluxIvar<'_>> {
        (0..self.len()).map(|index| self.get(index)).collect()
    }

    /// The spectra at `indices`, in that order.
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut selected = Self::new(self.pixels);
        for index in indices {
            let (flux, ivar) = self.get(*index);
            selected.push(flux, ivar);
        }
        selected
    }
}

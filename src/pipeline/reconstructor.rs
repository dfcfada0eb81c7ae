//! A trained ensemble that looks at spectra: each one is reconstructed by the network that has not seen it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::PipelineError;
use super::history::{newest_checkpoint, newest_finished_checkpoint};
use super::source::fold_key;
use crate::anomaly::{Drawable, Hypotheses};
use crate::model::checkpoint::{Checkpoint, Origin};
use crate::model::{Accelerator, DeviceKind, Ensemble, Inference, Member, Reconstructed, fold_of};
use crate::spectrum::Spectrum;
use crate::spectrum::prepare::{Preparation, Prepared};

/// A prepared spectrum with what the network that has not seen it makes of it.
#[derive(Debug, Clone)]
pub struct Scored {
    pub prepared: Prepared,
    /// Which network of the ensemble.
    pub member: usize,
    /// Shapes: `[grid.len()]` and `[latent]`. Units: as `prepared.flux`.
    pub reconstruction: Vec<f32>,
    pub latent: Vec<f32>,
}

/// The networks of all folds, with what brings a spectrum to their grid.
pub struct Reconstructor {
    pub origin: Origin,
    /// The checkpoint that the networks are of.
    pub file: PathBuf,
    /// Of every fold.
    networks: Vec<Inference>,
    /// Wavelengths of the model's pixels, working frame, Angstrom vacuum.
    grid: Vec<f64>,
    edges: Vec<f64>,
    /// By network: the spectra along which its reconstructions change. Shape: `[latent, pixels]` each.
    directions: Vec<Vec<f32>>,
    /// By network: the reconstruction of the latent vector zero.
    centers: Vec<Vec<f32>>,
    pub hypotheses: Hypotheses,
}

impl std::fmt::Debug for Reconstructor {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let (pixels, networks) = (self.grid.len(), self.networks.len());
        write!(f, "Reconstructor of {networks} networks on {pixels} pixels")
    }
}

impl Reconstructor {
    pub fn new(origin: Origin, file: PathBuf, ensemble: &Ensemble, accelerator: &Accelerator) -> Self {
        let (grid, edges) = (origin.preparation.grid.wavelengths(), origin.preparation.edges());
        let centers = ensemble.members.iter().map(Member::center).collect();
        let directions = ensemble.members.iter().map(Member::directions).collect();
        let error_floor = ensemble.settings.error_floor;
        let ready = |member: &Member| Inference::new(&member.network, error_floor, accelerator);
        Self {
            networks: ensemble.members.iter().map(ready).collect(),
            hypotheses: Hypotheses::new(&grid),
            directions,
            centers,
            origin,
            file,
            grid,
            edges,
        }
    }

    /// Opens a finished checkpoint: the given one, or the newest such of `metadata_dir`.
    ///
    /// Errors: there is none, it is damaged, or its training has not ended; a device that is not there.
    pub fn open(
        path: Option<PathBuf>,
        metadata_dir: &Path,
        device: DeviceKind,
    ) -> Result<Self, PipelineError> {
        let accelerator = Accelerator::open(device)?;
        let path = path
            .or_else(|| newest_finished_checkpoint(metadata_dir))
            .or_else(|| newest_checkpoint(metadata_dir))
            .ok_or_else(|| PipelineError::NoCheckpoint {
                folder: metadata_dir.into(),
            })?;
        let checkpoint = Checkpoint::load(&path)?;
        if !checkpoint.is_complete() {
            return Err(PipelineError::UnfinishedCheckpoint { path });
        }
        let ensemble = checkpoint.ensemble(&accelerator)?;
        Ok(Self::new(checkpoint.origin, path, &ensemble, &accelerator))
    }

    pub fn preparation(&self) -> &Preparation {
        &self.origin.preparation
    }

    /// Wavelengths of the model's pixels, working frame, Angstrom vacuum.
    pub fn grid(&self) -> &[f64] {
        &self.grid
    }

    /// The spectra along which the reconstructions of a network change, row by row; none of the original's network.
    pub fn directions(&self, member: usize) -> &[f32] {
        &self.directions[member]
    }

    /// What a network can draw, to first order.
    pub fn drawable(&self, member: usize) -> Drawable<'_> {
        Drawable {
            center: &self.centers[member],
            directions: &self.directions[member],
        }
    }

    /// The network that has not seen an object of this key.
    pub fn member_of(&self, key: &str) -> usize {
        fold_of(key, self.networks.len())
    }

    /// Prepares and reconstructs one observed spectrum.
    pub fn look(&self, spectrum: &Spectrum) -> Scored {
        let prepared = self.preparation().prepare(spectrum, &self.edges);
        let mut scored = self.reconstruct(vec![prepared]);
        scored.pop().expect("one spectrum in, one out")
    }

    /// As [`reconstruct`](Self::reconstruct), to be looked at in several places.
    pub fn shared(&self, prepared: Vec<Prepared>) -> Vec<Arc<Scored>> {
        self.reconstruct(prepared).into_iter().map(Arc::new).collect()
    }

    /// Reconstructs spectra, each with the network of its fold; their order stays.
    pub fn reconstruct(&self, prepared: Vec<Prepared>) -> Vec<Scored> {
        let members: Vec<usize> = prepared
            .iter()
            .map(|prepared| self.member_of(&fold_key(&prepared.facts)))
            .collect();
        let mut spectra = vec![Vec::new(); self.networks.len()];
        for (prepared, member) in prepared.iter().zip(&members) {
            spectra[*member].push((&prepared.flux[..], &prepared.ivar[..]));
        }
        let made = Inference::reconstruct_all(&self.networks, &spectra);
        let mut made: Vec<_> = made.into_iter().map(IntoIterator::into_iter).collect();
        prepared
            .into_iter()
            .zip(members)
            .map(|(prepared, member)| {
                let Reconstructed { flux, latent } = made[member].next().expect("one of each spectrum");
                Scored {
                    prepared,
                    member,
                    reconstruction: flux,
                    latent,
                }
            })
            .collect()
    }
}

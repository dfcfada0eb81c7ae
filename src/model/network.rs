//! The networks behind one face.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::{Architecture, BottleneckAutoencoder, ModelSettings, Pca, SkipAutoencoder};

/// One of the autoencoders.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // there is one at a time
pub enum Network {
    Skip(SkipAutoencoder),
    Bottleneck(BottleneckAutoencoder),
}

/// What a network makes of a batch.
#[derive(Debug, Clone)]
pub struct Reconstruction {
    /// `[batch, 1, pixels]`
    pub flux: Tensor<3>,
    /// `[batch, latent]`
    pub latent: Tensor<2>,
}

/// Initial weights come from the device's generator, which belongs to the whole process: one network at a time seeds and draws.
static INITIALIZATION: std::sync::Mutex<()> = std::sync::Mutex::new(());

impl Network {
    /// A fresh network with weights drawn from `seed`.
    pub fn new(settings: &ModelSettings, pca: &Pca, seed: u64, device: &Device) -> Self {
        let _guard = INITIALIZATION
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        device.seed(seed);
        let network = match settings.architecture {
            Architecture::Skip => Self::Skip(SkipAutoencoder::new(device)),
            Architecture::Bottleneck => Self::Bottleneck(BottleneckAutoencoder::new(settings, pca, device)),
        };
        // Weights are drawn when they are first looked at, in the order of the layers.
        network.visit(&mut super::gradients::Touch);
        network
    }

    /// Reconstruction and latent vectors of a batch.
    ///
    /// Shapes: `flux`, `ivar` `[batch, 1, pixels]`. The original's network returns one pixel less for an even number of pixels; its last one is repeated.
    pub fn forward(&self, flux: Tensor<3>, ivar: Tensor<3>) -> Reconstruction {
        match self {
            Self::Skip(network) => {
                let pixels = flux.dims()[2];
                let (mut out, latent) = network.forward(flux);
                let length = out.dims()[2];
                if length < pixels {
                    let last = out.clone().narrow(2, length - 1, 1);
                    out = Tensor::cat(vec![out, last.repeat_dim(2, pixels - length)], 2);
                }
                // A feature map is no summary: its mean over the pixels stands for it where a small vector is asked for.
                Reconstruction {
                    flux: out,
                    latent: latent.mean_dim(2).squeeze_dim(2),
                }
            }
            Self::Bottleneck(network) => {
                let latent = network.encode(flux, ivar);
                Reconstruction {
                    flux: network.decode(latent.clone()),
                    latent,
                }
            }
        }
    }
}

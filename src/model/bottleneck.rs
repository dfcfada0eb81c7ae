//! The default network: a convolutional encoder to a small latent vector, and a decoder without skips.

use burn::module::{Module, Param};
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig1d};
use burn::tensor::activation::{gelu, silu};
use burn::tensor::{Device, Tensor, TensorData};

use super::{ModelSettings, Pca};

/// An autoencoder that starts as the inverse-variance-weighted principal components of its training set and learns what they cannot say.
///
/// Encoder: the input's departure from the mean and its weight, as two channels, through three strided convolutions to a
/// latent vector. Decoder: mean + latent · components + a small perceptron of the latent vector. With so few latents no single line or
/// artifact can be copied, and a few hundred spectra are enough to train it.
///
/// Source: the encoder follows spender (Melchior et al. 2023, arXiv 2211.07890); components from Bailey 2012 (arXiv 1208.4122).
#[derive(Module, Debug)]
pub struct BottleneckAutoencoder {
    conv1: Conv1d,
    conv2: Conv1d,
    conv3: Conv1d,
    features: Linear,
    latent: Linear,
    /// `[latent, pixels]`, as the principal components gave them
    components: Param<Tensor<2>>,
    /// `[latent, pixels]`: what was learned on top of them, in units of [`DECODER_RATE`]
    departures: Param<Tensor<2>>,
    hidden1: Linear,
    hidden2: Linear,
    /// `[pixels]`
    mean: Param<Tensor<1>>,
    /// `[1]`: the typical ivar, against which the weights of the input are measured.
    typical_ivar: Param<Tensor<1>>,
}

/// The decoder has many times the encoder's weights a latent value and would learn the noise of a small training set by heart: its
/// departures from the principal components count with this factor, so that it learns as much slower.
pub(super) const DECODER_RATE: f64 = 0.05;
const CHANNELS: [usize; 3] = [16, 32, 32];
const STRIDE: usize = 4;

impl BottleneckAutoencoder {
    /// A network for spectra of `pixels` pixels, with random weights beside the components of `pca`.
    pub fn new(settings: &ModelSettings, pca: &Pca, device: &Device) -> Self {
        let pixels = pca.mean.len();
        let conv = |from, to, kernel: usize| {
            Conv1dConfig::new(from, to, kernel)
                .with_stride(STRIDE)
                .with_padding(PaddingConfig1d::Explicit(kernel / 2, kernel / 2))
                .init(device)
        };
        let length = (0..CHANNELS.len()).fold(pixels, |length, _| (length - 1) / STRIDE + 1);
        let hidden2 = LinearConfig::new(settings.hidden, pixels)
            .with_bias(false)
            .init(device);
        Self {
            conv1: conv(2, CHANNELS[0], 9),
            conv2: conv(CHANNELS[0], CHANNELS[1], 7),
            conv3: conv(CHANNELS[1], CHANNELS[2], 5),
            features: LinearConfig::new(CHANNELS[2] * length, 64).init(device),
            latent: LinearConfig::new(64, settings.latent).init(device),
            components: Param::from_data(
                TensorData::new(pca.components.clone(), [settings.latent, pixels]),
                device,
            )
            .set_require_grad(false),
            departures: Param::from_tensor(Tensor::zeros([settings.latent, pixels], device)),
            hidden1: LinearConfig::new(settings.latent, settings.hidden).init(device),
            // It starts silent, so that training starts from the principal components.
            hidden2: Linear {
                weight: Param::from_tensor(Tensor::zeros([settings.hidden, pixels], device)),
                bias: hidden2.bias,
            },
            mean: Param::from_data(TensorData::new(pca.mean.clone(), [pixels]), device)
                .set_require_grad(false),
            typical_ivar: Param::from_data(TensorData::new(vec![pca.typical_ivar], [1]), device)
                .set_require_grad(false),
        }
    }

    /// The latent vectors.
    ///
    /// Shapes: `flux`, `ivar` `[batch, 1, pixels]` -> `[batch, latent]`.
    pub fn encode(&self, flux: Tensor<3>, ivar: Tensor<3>) -> Tensor<2> {
        let typical: Tensor<3> = self.typical_ivar.val().reshape([1, 1, 1]);
        let weight = ivar.clone() / (ivar + typical);
        let mean: Tensor<3> = self.mean.val().unsqueeze();
        let departure = (flux - mean) * weight.clone();
        let x = gelu(self.conv1.forward(Tensor::cat(vec![departure, weight], 1)));
        let x = gelu(self.conv2.forward(x));
        let x = gelu(self.conv3.forward(x));
        self.latent.forward(gelu(self.features.forward(x.flatten(1, 2))))
    }

    /// The spectra along which the reconstruction changes with the latent vector, to first order. Shape: `[latent, pixels]`.
    pub(super) fn components(&self) -> Tensor<2> {
        self.components.val() + self.departures.val() * DECODER_RATE
    }

    /// The reconstruction of latent vectors.
    ///
    /// Shapes: `[batch, latent]` -> `[batch, 1, pixels]`.
    pub fn decode(&self, latent: Tensor<2>) -> Tensor<3> {
        let curved = self.hidden2.forward(silu(self.hidden1.forward(latent.clone()))) * DECODER_RATE;
        let flat = latent.matmul(self.components());
        (curved + flat + self.mean.val().unsqueeze()).unsqueeze_dim(1)
    }
}

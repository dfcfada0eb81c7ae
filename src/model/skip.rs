//! The original notebook's network, kept exactly so that a user can reproduce its numbers.

use burn::module::Module;
use burn::nn::PaddingConfig1d;
use burn::nn::conv::{Conv1d, Conv1dConfig, ConvTranspose1d, ConvTranspose1dConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

/// `CNNAutoencoderWithSkip`: three strided convolutions, three transposed ones, and the encoder's feature maps added on the way up.
///
/// With 14,576 latent values for 7281 pixels and full-detail skips it can copy any anomaly; the bottleneck is the default for that reason.
///
/// Source: the notebook "SpectralCNNAutoencoder" that this program replaces; 15,953 parameters.
#[derive(Module, Debug)]
pub struct SkipAutoencoder {
    down1: Conv1d,
    down2: Conv1d,
    down3: Conv1d,
    up1: ConvTranspose1d,
    up2: ConvTranspose1d,
    up3: ConvTranspose1d,
}

impl SkipAutoencoder {
    pub fn new(device: &Device) -> Self {
        let down = |from, to| {
            Conv1dConfig::new(from, to, 3)
                .with_stride(2)
                .with_padding(PaddingConfig1d::Explicit(1, 1))
                .init(device)
        };
        let up = |from, to, padding_out| {
            ConvTranspose1dConfig::new([from, to], 3)
                .with_stride(2)
                .with_padding(1)
                .with_padding_out(padding_out)
                .init(device)
        };
        Self {
            down1: down(1, 64),
            down2: down(64, 32),
            down3: down(32, 16),
            up1: up(16, 32, 1),
            up2: up(32, 64, 1),
            up3: up(64, 1, 0),
        }
    }

    /// Reconstruction and latent feature map.
    ///
    /// Shapes: `[batch, 1, pixels]` -> `[batch, 1, pixels']`, `[batch, 16, ceil(pixels / 8)]`, where `pixels'` is `pixels` for odd lengths and
    /// one less for even ones, as in the original.
    pub fn forward(&self, input: Tensor<3>) -> (Tensor<3>, Tensor<3>) {
        let x1 = relu(self.down1.forward(input));
        let x2 = relu(self.down2.forward(x1.clone()));
        let x3 = relu(self.down3.forward(x2.clone()));
        let y = add_cut(relu(self.up1.forward(x3.clone())), x2);
        let y = add_cut(relu(self.up2.forward(y)), x1);
        (self.up3.forward(y), x3)
    }
}

/// The sum of two feature maps, cut to the shorter of both.
fn add_cut(a: Tensor<3>, b: Tensor<3>) -> Tensor<3> {
    let length = a.dims()[2].min(b.dims()[2]);
    a.narrow(2, 0, length) + b.narrow(2, 0, length)
}

#[cfg(test)]
mod tests {
    use burn::module::{ModuleMapper, Param};
    use burn::tensor::TensorData;

    use super::*;

    /// Weights 0.2 sin(0.7 i), counted over all parameters in the order of the layers.
    struct Sines(usize);

    impl ModuleMapper for Sines {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let shape = param.val().dims();
            let count: usize = shape.iter().product();
            let values: Vec<f32> = (self.0..self.0 + count)
                .map(|i| (0.2 * (0.7 * i as f64).sin()) as f32)
                .collect();
            self.0 += count;
            param.map(|tensor| Tensor::from_data(TensorData::new(values, shape), &tensor.device()))
        }
    }

    fn output(length: usize) -> (Vec<f32>, Vec<usize>) {
        let device = Device::flex();
        let network = SkipAutoencoder::new(&device).map(&mut Sines(0));
        let input: Vec<f32> = (0..length)
            .map(|i| ((0.05 * i as f64).cos() + 0.3 * (0.9 * i as f64).sin()) as f32)
            .collect();
        let (flux, latent) =
            network.forward(Tensor::from_data(TensorData::new(input, [1, 1, length]), &device));
        let shape = latent.dims().to_vec();
        (flux.into_data().try_into_vec().unwrap(), shape)
    }

    #[test]
    fn it_has_the_originals_parameters() {
        assert_eq!(SkipAutoencoder::new(&Device::flex()).num_params(), 15_953);
    }

    /// The values come from the same network written in PyTorch 2 with float64 and the same weights.
    #[test]
    fn forward_equals_pytorch() {
        let expected = [
            (
                97,
                97,
                13,
                [14.214829, 36.539391, 27.276456, -16.100039],
                -0.249699,
            ),
            (
                96,
                95,
                12,
                [14.214829, 36.539391, 27.276456, -16.100039],
                -2.106165,
            ),
            (
                7281,
                7281,
                911,
                [14.214829, 36.539391, 27.276456, -16.100039],
                10.491971,
            ),
        ];
        for (length, out, latent, values, last) in expected {
            let (flux, shape) = output(length);
            assert_eq!((flux.len(), shape), (out, vec![1, 16, latent]));
            for (pixel, value) in [0, 1, 17, 50].into_iter().zip(values) {
                assert!(
                    (flux[pixel] - value).abs() < 2e-4,
                    "{length} pixels, pixel {pixel}: {} {value}",
                    flux[pixel]
                );
            }
            assert!((flux[out - 1] - last).abs() < 2e-4);
        }
    }
}

//! The default network against its definition in float64, and its gradients against finite differences.

use super::super::registers::values;
use super::*;

const LATENT: usize = 3;
const HIDDEN: usize = 20;
const RATE: f64 = 0.05;

/// All parameters one after another, in float64: convolutions, features, latent, departures, hidden1, hidden2.
struct Case {
    pixels: usize,
    parameters: Vec<Vec<f64>>,
    components: Vec<f32>,
    mean: Vec<f32>,
    flux: Vec<f32>,
    ivar: Vec<f32>,
    truth: Vec<f32>,
}

/// The error function by its Taylor series.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..60 {
        term *= -x * x / n as f64;
        sum += term / (2 * n + 1) as f64;
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2))
}

impl Case {
    fn new(pixels: usize, spectra: usize) -> Self {
        let length = (0..3).fold(pixels, |length, _| (length - 1) / STRIDE + 1);
        let sizes = [
            (2 * 16 * 9, 4.0),
            (16, 1.0),
            (16 * 32 * 7, 3.0),
            (32, 1.0),
            (32 * 32 * 5, 3.0),
            (32, 1.0),
            (32 * length * FEATURES, 2.0),
            (FEATURES, 1.0),
            (FEATURES * LATENT, 8.0),
            (LATENT, 1.0),
            (LATENT * pixels, 5.0),
            (LATENT * HIDDEN, 3.0),
            (HIDDEN, 1.0),
            (HIDDEN * pixels, 9.0),
        ];
        let parameters = sizes.iter().enumerate().map(|(i, (size, scale))| {
            let divisor = if i < 6 { 20.0 } else { 10.0 };
            values(*size, i as u32 + 1)
                .into_iter()
                .map(|v| f64::from(v) * scale / divisor)
                .collect()
        });
        Self {
            pixels,
            parameters: parameters.collect(),
            components: values(LATENT * pixels, 31),
            mean: values(pixels, 32).into_iter().map(|v| v + 1.0).collect(),
            flux: values(spectra * pixels, 33)
                .into_iter()
                .map(|v| 3.0 * v + 1.0)
                .collect(),
            ivar: values(spectra * pixels, 34)
                .into_iter()
                .map(|v| if v < -0.2 { 0.0 } else { 10.0 * (v + 1.0) })
                .collect(),
            truth: values(spectra * pixels, 35)
                .into_iter()
                .map(|v| 3.0 * v + 1.0)
                .collect(),
        }
    }

    fn narrow(&self) -> Vec<Vec<f32>> {
        self.parameters
            .iter()
            .map(|p| p.iter().map(|v| *v as f32).collect())
            .collect()
    }

    fn given<'a>(&'a self, p: &'a [Vec<f32>]) -> Parameters<'a> {
        Parameters {
            convolutions: [(&p[0], &p[1]), (&p[2], &p[3]), (&p[4], &p[5])],
            features: (&p[6], &p[7]),
            latent: (&p[8], &p[9]),
            components: &self.components,
            departures: &p[10],
            hidden1: (&p[11], &p[12]),
            hidden2: &p[13],
            mean: &self.mean,
            typical_ivar: 5.0,
            decoder_rate: RATE as f32,
        }
    }

    fn truth(&self) -> Truth<'_> {
        Truth {
            flux: &self.truth,
            ivar: &self.ivar,
            error_floor: 0.05,
            limit: 25.0,
            strange: 3.0,
        }
    }

    /// Latent vector and reconstruction by their definition.
    fn forward(&self, spectrum: usize) -> (Vec<f64>, Vec<f64>) {
        let p = &self.parameters;
        let range = spectrum * self.pixels..(spectrum + 1) * self.pixels;
        let weight: Vec<f64> = self.ivar[range.clone()]
            .iter()
            .map(|v| f64::from(*v) / (f64::from(*v) + 5.0))
            .collect();
        let departure = self.flux[range].iter().zip(&self.mean).zip(&weight);
        let departure = departure
            .map(|((f, m), w)| (f64::from(*f) - f64::from(*m)) * w)
            .collect();
        let mut maps: Vec<Vec<f64>> = vec![departure, weight];
        for level in 0..3 {
            let (weights, bias) = (&p[2 * level], &p[2 * level + 1]);
            let (kernel, length) = (KERNELS[level], (maps[0].len() - 1) / STRIDE + 1);
            maps = (0..CHANNELS[level])
                .map(|o| {
                    (0..length)
                        .map(|i| {
                            let mut sum = bias[o];
                            for (c, map) in maps.iter().enumerate() {
                                for k in 0..kernel {
                                    let at = (STRIDE * i + k).checked_sub(kernel / 2);
                                    if let Some(value) = at.and_then(|at| map.get(at)) {
                                        sum += weights[(o * maps.len() + c) * kernel + k] * value;
                                    }
                                }
                            }
                            gelu(sum)
                        })
                        .collect()
                })
                .collect();
        }
        let linear = |x: &[f64], weights: &[f64], bias: &[f64]| -> Vec<f64> {
            let n = bias.len();
            (0..n)
                .map(|o| {
                    bias[o]
                        + x.iter()
                            .enumerate()
                            .map(|(i, x)| x * weights[i * n + o])
                            .sum::<f64>()
                })
                .collect()
        };
        let features: Vec<f64> = linear(&maps.concat(), &p[6], &p[7])
            .into_iter()
            .map(gelu)
            .collect();
        let latent = linear(&features, &p[8], &p[9]);
        let hidden: Vec<f64> = linear(&latent, &p[11], &p[12])
            .into_iter()
            .map(|x| x / (1.0 + (-x).exp()))
            .collect();
        let out = (0..self.pixels).map(|pixel| {
            let mut sum = f64::from(self.mean[pixel]);
            for (k, z) in latent.iter().enumerate() {
                let at = k * self.pixels + pixel;
                sum += z * (f64::from(self.components[at]) + RATE * p[10][at]);
            }
            for (h, value) in hidden.iter().enumerate() {
                sum += RATE * value * p[13][h * self.pixels + pixel];
            }
            sum
        });
        let out = out.collect();
        (latent, out)
    }

    fn loss(&self, spectra: usize, held: &[Vec<f64>]) -> f64 {
        let sum: f64 = (0..spectra)
            .map(|index| {
                let (_, out) = self.forward(index);
                let (mut sum, mut valid) = (0.0, 0.0);
                for pixel in 0..self.pixels {
                    let at = index * self.pixels + pixel;
                    let (f, v) = (f64::from(self.truth[at]), f64::from(self.ivar[at]));
                    let square =
                        (out[pixel] - f).powi(2) * v / (v * (held[index][pixel] * 0.05).powi(2) + 1.0);
                    sum += ((square / 25.0 + 1.0).sqrt() - 1.0) * 50.0;
                    valid += f64::from(v > 0.0);
                }
                (sum / valid / 3.0).ln_1p() * 3.0
            })
            .sum();
        sum / spectra as f64
    }
}

#[test]
fn latents_and_reconstructions_equal_the_definition() {
    for pixels in [65, 203, 410] {
        let case = Case::new(pixels, 3);
        let narrow = case.narrow();
        for set in InstructionSet::available() {
            let network = Bottleneck::new(set, case.given(&narrow));
            let latent = network.encode(&case.flux, &case.ivar);
            let out = network.decode(&latent, 16);
            for index in 0..3 {
                let (z, y) = case.forward(index);
                for (a, b) in latent[index * LATENT..].iter().zip(z) {
                    assert!((f64::from(*a) - b).abs() < 1e-4, "{a} {b}");
                }
                for (a, b) in out[index * pixels..].iter().zip(y) {
                    assert!((f64::from(*a) - b).abs() < 1e-4, "{set:?} {pixels}: {a} {b}");
                }
            }
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let (pixels, spectra) = (203, 3);
    let mut case = Case::new(pixels, spectra);
    let narrow = case.narrow();
    let held: Vec<Vec<f64>> = (0..spectra).map(|index| case.forward(index).1).collect();
    let expected = case.loss(spectra, &held);
    for set in InstructionSet::available() {
        let network = Bottleneck::new(set, case.given(&narrow));
        let (loss, g) = network.loss(&case.flux, &case.ivar, case.truth());
        assert!((loss / expected - 1.0).abs() < 1e-5, "{loss} {expected}");
        let [(c0, b0), (c1, b1), (c2, b2)] = g.convolutions;
        let gradients = [
            c0,
            b0,
            c1,
            b1,
            c2,
            b2,
            g.features.0,
            g.features.1,
            g.latent.0,
            g.latent.1,
            g.departures,
            g.hidden1.0,
            g.hidden1.1,
            g.hidden2,
        ];
        for (layer, gradient) in gradients.iter().enumerate() {
            let norm = gradient.iter().map(|g| f64::from(g * g)).sum::<f64>().sqrt();
            assert!(norm > 1e-6, "layer {layer} learns nothing");
            for index in (0..gradient.len()).step_by(1 + gradient.len() / 6) {
                let mut moved = |by: f64| {
                    case.parameters[layer][index] += by;
                    let loss = case.loss(spectra, &held);
                    case.parameters[layer][index] -= by;
                    loss
                };
                let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                let found = f64::from(gradient[index]);
                assert!(
                    (found - expected).abs() < 1e-3 * norm + 1e-7,
                    "{set:?} layer {layer}, {index}: {found} {expected}, norm {norm}"
                );
            }
        }
    }
}

//! The original's network against its definition in float64, and its gradients against finite differences.

use super::super::registers::values;
use super::*;

struct Plain {
    weights: Vec<Vec<f64>>,
    biases: Vec<Vec<f64>>,
}

/// The network by its definition, in float64.
impl Plain {
    fn down(&self, layer: usize, x: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let (out, into) = LAYERS[layer];
        let length = x[0].len().div_ceil(2);
        (0..out)
            .map(|o| {
                (0..length)
                    .map(|i| {
                        let mut sum = self.biases[layer][o];
                        for c in 0..into {
                            for k in 0..3 {
                                if let Some(value) = (2 * i + k).checked_sub(1).and_then(|j| x[c].get(j)) {
                                    sum += self.weights[layer][(o * into + c) * 3 + k] * value;
                                }
                            }
                        }
                        sum
                    })
                    .collect()
            })
            .collect()
    }

    fn up(&self, layer: usize, x: &[Vec<f64>], out_padding: usize) -> Vec<Vec<f64>> {
        let (into, out) = LAYERS[layer];
        let length = 2 * x[0].len() - 1 + out_padding;
        let mut y: Vec<Vec<f64>> = (0..out).map(|o| vec![self.biases[layer][o]; length]).collect();
        for c in 0..into {
            for o in 0..out {
                for i in 0..x[0].len() {
                    for k in 0..3 {
                        if let Some(value) = (2 * i + k).checked_sub(1).and_then(|j| y[o].get_mut(j)) {
                            *value += self.weights[layer][(c * out + o) * 3 + k] * x[c][i];
                        }
                    }
                }
            }
        }
        y
    }

    fn forward(&self, flux: &[f32]) -> (Vec<f64>, Vec<f64>) {
        let relu = |maps: Vec<Vec<f64>>| -> Vec<Vec<f64>> {
            maps.into_iter()
                .map(|map| map.into_iter().map(|v| v.max(0.0)).collect())
                .collect()
        };
        let sum = |a: Vec<Vec<f64>>, b: &[Vec<f64>]| -> Vec<Vec<f64>> {
            a.iter()
                .zip(b)
                .map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect())
                .collect()
        };
        let x0 = vec![flux.iter().map(|v| f64::from(*v)).collect::<Vec<_>>()];
        let x1 = relu(self.down(DOWN1, &x0));
        let x2 = relu(self.down(DOWN2, &x1));
        let x3 = relu(self.down(DOWN3, &x2));
        let y = sum(relu(self.up(UP1, &x3, 1)), &x2);
        let y = sum(relu(self.up(UP2, &y, 1)), &x1);
        let mut out = self.up(UP3, &y, 0).remove(0);
        out.resize(flux.len(), *out.last().unwrap());
        let latent = x3.iter().map(|map| map.iter().sum::<f64>() / map.len() as f64);
        (out, latent.collect())
    }

    fn loss(&self, flux: &[f32], truth: Truth, pixels: usize, fixed: Option<&[Vec<f64>]>) -> f64 {
        let spectra = flux.len() / pixels;
        let sum: f64 = (0..spectra)
            .map(|index| {
                let range = index * pixels..(index + 1) * pixels;
                let (out, _) = self.forward(&flux[range.clone()]);
                let (mut sum, mut valid) = (0.0, 0.0);
                for (pixel, at) in range.enumerate() {
                    let (f, v) = (f64::from(truth.flux[at]), f64::from(truth.ivar[at]));
                    // The error of the model is no way to lower the loss: it is held fixed.
                    let held = fixed.map_or(out[pixel], |fixed| fixed[index][pixel]);
                    let error = held * f64::from(truth.error_floor);
                    sum += (out[pixel] - f).powi(2) * v / (v * error * error + 1.0);
                    valid += f64::from(v > 0.0);
                }
                sum / valid
            })
            .sum();
        sum / spectra as f64
    }
}

struct Case {
    pixels: usize,
    weights: Vec<Vec<f32>>,
    biases: Vec<Vec<f32>>,
    flux: Vec<f32>,
    truth: Vec<f32>,
    ivar: Vec<f32>,
}

fn case(pixels: usize, spectra: usize) -> Case {
    let scale = |values: Vec<f32>, by: f32| values.into_iter().map(|v| v * by).collect::<Vec<f32>>();
    Case {
        pixels,
        weights: LAYERS
            .iter()
            .enumerate()
            .map(|(i, (a, b))| scale(values(a * b * 3, 10 + i as u32), 3.0 / ((a * b) as f32).sqrt()))
            .collect(),
        biases: (0..6)
            .map(|i| scale(values(bias_of(i), 20 + i as u32), 0.3))
            .collect(),
        flux: scale(values(spectra * pixels, 1), 2.0),
        truth: values(spectra * pixels, 2),
        ivar: values(spectra * pixels, 3)
            .into_iter()
            .map(|v| if v < -0.3 { 0.0 } else { v + 1.0 })
            .collect(),
    }
}

impl Case {
    fn network(&self, set: InstructionSet) -> Skip {
        let parameters: Vec<(&[f32], &[f32])> = self
            .weights
            .iter()
            .zip(&self.biases)
            .map(|(w, b)| (&w[..], &b[..]))
            .collect();
        Skip::new(set, &parameters.try_into().unwrap())
    }

    fn plain(&self) -> Plain {
        let wide = |all: &[Vec<f32>]| -> Vec<Vec<f64>> {
            all.iter()
                .map(|v| v.iter().map(|v| f64::from(*v)).collect())
                .collect()
        };
        Plain {
            weights: wide(&self.weights),
            biases: wide(&self.biases),
        }
    }

    fn truth(&self) -> Truth<'_> {
        Truth {
            flux: &self.truth,
            ivar: &self.ivar,
            error_floor: 0.1,
            limit: f32::INFINITY,
            strange: f64::INFINITY,
        }
    }
}

#[test]
fn reconstructions_equal_the_definition() {
    for pixels in [7, 8, 9, 10, 97, 257, 514, 1025, 1030] {
        let case = case(pixels, 2);
        for set in InstructionSet::available() {
            let (out, latent) = case.network(set).reconstruct(&case.flux, pixels);
            for index in 0..2 {
                let (expected, means) = case
                    .plain()
                    .forward(&case.flux[index * pixels..(index + 1) * pixels]);
                for (pixel, expected) in expected.iter().enumerate() {
                    let value = f64::from(out[index * pixels + pixel]);
                    assert!(
                        (value - expected).abs() < 1e-4,
                        "{set:?} {pixels}, pixel {pixel}: {value} {expected}"
                    );
                }
                for (value, expected) in latent[index * LATENT..].iter().zip(means) {
                    assert!((f64::from(*value) - expected).abs() < 1e-5);
                }
            }
        }
    }
}

#[test]
fn gradients_equal_finite_differences() {
    for pixels in [22, 265, 390] {
        let case = case(pixels, 3);
        let mut plain = case.plain();
        let fixed: Vec<Vec<f64>> = case
            .flux
            .chunks(pixels)
            .map(|flux| plain.forward(flux).0)
            .collect();
        for set in InstructionSet::available() {
            let (loss, gradient) = case.network(set).loss(&case.flux, case.truth(), pixels);
            let expected = plain.loss(&case.flux, case.truth(), pixels, None);
            assert!((loss / expected - 1.0).abs() < 1e-5, "{loss} {expected}");
            let norm = gradient
                .weights
                .iter()
                .flatten()
                .map(|g| f64::from(g * g))
                .sum::<f64>()
                .sqrt();
            for layer in 0..6 {
                for bias in [false, true] {
                    let ours = if bias {
                        &gradient.biases[layer]
                    } else {
                        &gradient.weights[layer]
                    };
                    let ours = ours.clone();
                    for index in (0..ours.len()).step_by(1 + ours.len() / 7) {
                        let mut moved = |by: f64| {
                            let of = |plain: &mut Plain| -> *mut f64 {
                                if bias {
                                    &mut plain.biases[layer][index]
                                } else {
                                    &mut plain.weights[layer][index]
                                }
                            };
                            let _ = of;
                            let values = if bias {
                                &mut plain.biases[layer]
                            } else {
                                &mut plain.weights[layer]
                            };
                            values[index] += by;
                            let loss = plain.loss(&case.flux, case.truth(), pixels, Some(&fixed));
                            let values = if bias {
                                &mut plain.biases[layer]
                            } else {
                                &mut plain.weights[layer]
                            };
                            values[index] -= by;
                            loss
                        };
                        let step = 1e-6;
                        let expected = (moved(step) - moved(-step)) / (2.0 * step);
                        let found = f64::from(ours[index]);
                        assert!(
                            (found - expected).abs() < 2e-4 * norm,
                            "{set:?} {pixels} pixels, layer {layer}, bias {bias}, {index}: {found} {expected}, norm {norm}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let case = case(300, 37);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            case.network(InstructionSet::best())
                .loss(&case.flux, case.truth(), case.pixels)
        })
    };
    assert!(run(1) == run(3));
}

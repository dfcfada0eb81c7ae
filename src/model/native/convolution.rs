//! Convolutions and transposed convolutions of spectra, forward and backward, as products over overlapping windows.
//!
//! Feature maps are kept position by position (`[positions, channels]`): then the window of an output is one contiguous row, the windows of neighboring
//! outputs overlap by a fixed stride, and a strided convolution is a plain matrix product. Nothing is copied.

use super::registers::InstructionSet;
use super::registers::{Finish, Product, multiply};

/// The shape of a convolution from a fine grid to a coarse one, or of the transposed one that leads back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// Channels on the coarse grid.
    pub coarse: usize,
    /// Channels on the fine grid.
    pub fine: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

/// Convolution in the orders in which the products read them.
///
/// The weights of a convolution are `[out, in, kernel]`, those of a transposed one `[in, out, kernel]`: both are `[coarse, fine, kernel]`, and
/// the backward pass of the one is the forward pass of the other.
#[derive(Debug, Clone)]
pub struct Convolution {
    pub window: Window,
    /// `[kernel, fine, coarse]`
    gather: Vec<f32>,
    /// For every phase of the stride `[taps, coarse, fine]`.
    scatter: Vec<Phase>,
}

/// The fine positions `stride · q + phase`: each is reached from the coarse positions `q + first ..`.
#[derive(Debug, Clone)]
struct Phase {
    first: isize,
    taps: usize,
    weights: Vec<f32>,
}

impl Window {
    /// Number of weights.
    pub fn weights(&self) -> usize {
        self.coarse * self.fine * self.kernel
    }

    /// Coarse positions of so many fine ones.
    pub fn positions(&self, fine: usize) -> usize {
        (fine + 2 * self.padding - self.kernel) / self.stride + 1
    }
}

impl Convolution {
    pub fn new(window: Window) -> Self {
        let Window {
            kernel,
            stride,
            padding,
            ..
        } = window;
        let phases = (0..stride).map(|phase| {
            // A fine position j takes weight k = j + padding - stride · i of the coarse position i.
            let reach = phase + padding;
            let last = (reach / stride) as isize;
            let first = (reach as isize - (kernel as isize - 1)).div_euclid(stride as isize)
                + isize::from((reach as isize - (kernel as isize - 1)).rem_euclid(stride as isize) > 0);
            let taps = (last - first + 1).max(0) as usize;
            Phase {
                first,
                taps,
                weights: vec![0.0; taps * window.coarse * window.fine],
            }
        });
        Self {
            window,
            gather: vec![0.0; window.weights()],
            scatter: phases.collect(),
        }
    }

    /// Takes weights `[coarse, fine, kernel]`.
    pub fn set(&mut self, values: &[f32]) {
        let Window {
            coarse,
            fine,
            kernel,
            stride,
            padding,
        } = self.window;
        for a in 0..coarse {
            for b in 0..fine {
                for k in 0..kernel {
                    let value = values[(a * fine + b) * kernel + k];
                    self.gather[(k * fine + b) * coarse + a] = value;
                    let phase = (k + stride - padding % stride) % stride;
                    let to = &mut self.scatter[phase];
                    // k = phase + padding - stride · (first + tap)
                    let tap = ((phase + padding) as isize - k as isize) / stride as isize - to.first;
                    to.weights[(tap as usize * coarse + a) * fine + b] = value;
                }
            }
        }
    }

    /// From fine to coarse, `rows` positions. `from` begins with the first position that the first window covers (padding included).
    pub fn gather(&self, set: InstructionSet, from: &[f32], rows: usize, finish: Finish, out: &mut [f32]) {
        let Window {
            coarse,
            fine,
            kernel,
            stride,
            ..
        } = self.window;
        let product = Product {
            rows,
            columns: coarse,
            depth: kernel * fine,
            left: from,
            left_row: stride * fine,
            left_step: 1,
            right: &self.gather,
            right_row: coarse,
        };
        multiply(set, &product, finish, out, coarse);
    }

    /// From coarse to fine, `rows` positions. The first is `stride · origin`, with `origin` counted in positions of `from`, which holds zeros beside its ends.
    pub fn scatter(
        &self,
        set: InstructionSet,
        from: &[f32],
        origin: usize,
        rows: usize,
        finish: Finish,
        out: &mut [f32],
    ) {
        let Window {
            coarse, fine, stride, ..
        } = self.window;
        for (index, phase) in self.scatter.iter().enumerate() {
            let start = origin.strict_add_signed(phase.first);
            let product = Product {
                rows: (rows + stride - 1 - index) / stride,
                columns: fine,
                depth: phase.taps * coarse,
                left: &from[start * coarse..],
                left_row: coarse,
                left_step: 1,
                right: &phase.weights,
                right_row: fine,
            };
            let at = index * fine;
            if at < out.len() {
                multiply(set, &product, finish.from(at), &mut out[at..], stride * fine);
            }
        }
    }

    /// Adds the gradient of the weights, `[kernel, fine, coarse]`, from `rows` coarse positions.
    /// `from` begins as that of [`Self::gather`].
    pub fn correlate(
        &self,
        set: InstructionSet,
        from: &[f32],
        coarse_side: &[f32],
        rows: usize,
        gradient: &mut [f32],
    ) {
        let Window {
            coarse,
            fine,
            kernel,
            stride,
            ..
        } = self.window;
        let product = Product {
            rows: kernel * fine,
            columns: coarse,
            depth: rows,
            left: from,
            left_row: 1,
            left_step: stride * fine,
            right: coarse_side,
            right_row: coarse,
        };
        multiply(set, &product, Finish::Add, gradient, coarse);
    }

    /// Adds a gradient `[kernel, fine, coarse]` to one `[coarse, fine, kernel]`.
    pub fn unpack(&self, gradient: &[f32], into: &mut [f32]) {
        let Window {
            coarse, fine, kernel, ..
        } = self.window;
        for a in 0..coarse {
            for b in 0..fine {
                for k in 0..kernel {
                    into[(a * fine + b) * kernel + k] += gradient[(k * fine + b) * coarse + a];
                }
            }
        }
    }
}

/// Adds the sum of `rows` rows: the gradient of a bias.
pub(super) fn add_rows(set: InstructionSet, rows: usize, from: &[f32], into: &mut [f32]) {
    let product = Product {
        rows: 1,
        columns: into.len(),
        depth: rows,
        left: &[1.0],
        left_row: 0,
        left_step: 0,
        right: from,
        right_row: into.len(),
    };
    let columns = into.len();
    multiply(set, &product, Finish::Add, into, columns);
}

#[cfg(test)]
mod tests {
    use super::super::registers::values;
    use super::*;

    /// Out of range is zero.
    fn at(map: &[f32], position: isize, channel: usize, channels: usize) -> f64 {
        let index = position * channels as isize + channel as isize;
        if position < 0 || index as usize >= map.len() {
            0.0
        } else {
            f64::from(map[index as usize])
        }
    }

    fn padded(map: &[f32], channels: usize, rows: usize) -> Vec<f32> {
        let mut out = vec![0.0; rows * channels];
        out.extend_from_slice(map);
        out.extend(vec![0.0; rows * channels]);
        out
    }

    #[test]
    fn all_directions_equal_the_definition() {
        let set = InstructionSet::best();
        for (coarse, fine, kernel, stride, padding, length) in [
            (32, 16, 3, 2, 1, 29),
            (16, 32, 3, 2, 1, 30),
            (16, 1, 3, 2, 1, 31),
            (16, 2, 9, 4, 4, 50),
            (32, 16, 7, 4, 3, 45),
            (32, 32, 5, 4, 2, 23),
            (5, 3, 3, 1, 1, 17),
            (4, 4, 1, 1, 0, 9),
            (16, 16, 4, 2, 1, 20),
        ] {
            let window = Window {
                coarse,
                fine,
                kernel,
                stride,
                padding,
            };
            let positions = window.positions(length);
            let (w, x, y) = (
                values(window.weights(), 1),
                values(length * fine, 2),
                values(positions * coarse, 3),
            );
            let mut weights = Convolution::new(window);
            weights.set(&w);
            let weight = |a: usize, b: usize, k: usize| f64::from(w[(a * fine + b) * kernel + k]);
            let close = |a: f32, b: f64, what: &str| {
                assert!((f64::from(a) - b).abs() < 1e-4, "{what} of {window:?}: {a} {b}");
            };

            let pad = 16;
            let wide = padded(&x, fine, pad);
            let mut out = vec![0.0; positions * coarse];
            weights.gather(
                set,
                &wide[(pad - padding) * fine..],
                positions,
                Finish::Set,
                &mut out,
            );
            for i in 0..positions {
                for a in 0..coarse {
                    let mut sum = 0.0;
                    for b in 0..fine {
                        for k in 0..kernel {
                            let j = (stride * i + k) as isize - padding as isize;
                            sum += weight(a, b, k) * at(&x, j, b, fine);
                        }
                    }
                    close(out[i * coarse + a], sum, "gather");
                }
            }

            let narrow = padded(&y, coarse, pad);
            let mut out = vec![0.0; length * fine];
            weights.scatter(set, &narrow, pad, length, Finish::Set, &mut out);
            let mut expected = vec![0.0f64; length * fine];
            let mut gradient = vec![0.0f64; window.weights()];
            for i in 0..positions {
                for k in 0..kernel {
                    let j = (stride * i + k) as isize - padding as isize;
                    for a in 0..coarse {
                        for b in 0..fine {
                            let value = at(&y, i as isize, a, coarse);
                            gradient[(a * fine + b) * kernel + k] += value * at(&x, j, b, fine);
                            if (0..length as isize).contains(&j) {
                                expected[j as usize * fine + b] += weight(a, b, k) * value;
                            }
                        }
                    }
                }
            }
            for (a, b) in out.iter().zip(expected) {
                close(*a, b, "scatter");
            }

            let (mut packed, mut unpacked) = (vec![0.0; window.weights()], vec![0.0; window.weights()]);
            weights.correlate(set, &wide[(pad - padding) * fine..], &y, positions, &mut packed);
            weights.unpack(&packed, &mut unpacked);
            for (a, b) in unpacked.iter().zip(gradient) {
                close(*a, b, "correlate");
            }
        }
    }
}

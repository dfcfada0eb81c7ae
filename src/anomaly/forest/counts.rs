//! How thresholds part vectors: many thresholds at once, or one.

use pulp::Simd;

use super::super::draw::Draw;
use super::rows::{LANES, Lanes, Rows};

/// Vectors of one kind, one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub kind: u16,
    pub end: usize,
    pub weight: f64,
}

/// A column and a threshold that may part the vectors.
#[derive(Debug, Clone)]
pub(super) struct Try {
    pub column: usize,
    pub threshold: f32,
    /// How many thresholds were drawn for this column before.
    pub layer: usize,
    /// The stream of random numbers after it.
    pub after: Draw,
}

/// How many vectors lie below a threshold, and the impurity of both sides together: Gini's, times weight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parted {
    pub below: usize,
    pub impurity: f64,
}

/// One side of a threshold: the weights of its kinds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Side {
    all: f64,
    squares: f64,
}

impl Side {
    #[inline(always)]
    pub fn add(&mut self, weight: f64) {
        self.all += weight;
        self.squares += weight * weight;
    }

    #[inline(always)]
    pub fn impurity(self) -> f64 {
        self.all - self.squares / self.all.max(f64::MIN_POSITIVE)
    }
}

/// How all tries of a node part its vectors. A layer has one threshold at most for each column of a block.
#[derive(Default)]
pub(super) struct Counts {
    /// Where the layers of each block begin, and behind the last.
    first: Vec<usize>,
    /// Shape of all that follow: `[layers, LANES]`.
    thresholds: Vec<Lanes>,
    /// Vectors below, of one kind and of all.
    under: Vec<[u32; LANES]>,
    below: Vec<[u32; LANES]>,
    /// Sums of the weights of each kind and of their squares, below the threshold and above.
    low: Sides,
    high: Sides,
}

/// One side of many thresholds.
#[derive(Default)]
struct Sides {
    all: Vec<[f64; LANES]>,
    squares: Vec<[f64; LANES]>,
}

impl Sides {
    #[inline(always)]
    fn clear(&mut self, layers: usize) {
        for sums in [&mut self.all, &mut self.squares] {
            sums.clear();
            sums.resize(layers, [0.0; LANES]);
        }
    }

    /// Adds the weights of so many vectors of one kind.
    #[inline(always)]
    fn add(&mut self, counts: &[[u32; LANES]], weight: f64) {
        let sums = self.all.iter_mut().zip(&mut self.squares);
        for ((all, squares), counts) in sums.zip(counts) {
            let weights = counts.map(|count| f64::from(count) * weight);
            for lane in 0..LANES {
                all[lane] += weights[lane];
            }
            for lane in 0..LANES {
                squares[lane] += weights[lane] * weights[lane];
            }
        }
    }

    #[inline(always)]
    fn side(&self, layer: usize, lane: usize) -> Side {
        Side {
            all: self.all[layer][lane],
            squares: self.squares[layer][lane],
        }
    }
}

impl Counts {
    /// Room for these tries.
    #[inline(always)]
    pub fn lay_out(&mut self, tries: &[Try], blocks: usize) {
        self.first.clear();
        self.first.resize(blocks + 1, 0);
        for tried in tries {
            let layers = &mut self.first[tried.column / LANES + 1];
            *layers = (*layers).max(tried.layer + 1);
        }
        for block in 0..blocks {
            self.first[block + 1] += self.first[block];
        }
        let layers = self.first[blocks];
        // Nothing lies below a threshold that there is not.
        self.thresholds.clear();
        self.thresholds.resize(layers, [f32::NEG_INFINITY; LANES]);
        for tried in tries {
            let layer = self.layer(tried);
            self.thresholds[layer][tried.column % LANES] = tried.threshold;
        }
        for counts in [&mut self.under, &mut self.below] {
            counts.clear();
            counts.resize(layers, [0; LANES]);
        }
        self.low.clear(layers);
        self.high.clear(layers);
    }

    #[inline(always)]
    fn layer(&self, tried: &Try) -> usize {
        self.first[tried.column / LANES] + tried.layer
    }

    /// Counts what lies below, kind by kind.
    #[inline(always)]
    pub fn count<S: Simd>(&mut self, simd: S, rows: &Rows, vectors: &[u32], runs: &[Run]) {
        let mut start = 0;
        for run in runs {
            let alike = &vectors[start..run.end];
            for block in 0..rows.blocks {
                let mut first = self.first[block];
                let end = self.first[block + 1];
                while first < end {
                    // As many as leave registers for the values.
                    first += match end - first {
                        1 => self.count_layers::<S, 1>(simd, rows, alike, block, first),
                        2 => self.count_layers::<S, 2>(simd, rows, alike, block, first),
                        3 => self.count_layers::<S, 3>(simd, rows, alike, block, first),
                        _ => self.count_layers::<S, 4>(simd, rows, alike, block, first),
                    };
                }
            }
            self.low.add(&self.under, run.weight);
            let counts = self.below.as_flattened_mut().iter_mut();
            for (below, under) in counts.zip(self.under.as_flattened_mut()) {
                *below += *under;
                // From here on those above.
                *under = alike.len() as u32 - *under;
            }
            self.high.add(&self.under, run.weight);
            start = run.end;
        }
    }

    /// Counts vectors of one kind in some layers of a block; returns the number of layers.
    #[inline(always)]
    fn count_layers<S: Simd, const LAYERS: usize>(
        &mut self,
        simd: S,
        rows: &Rows,
        vectors: &[u32],
        block: usize,
        first: usize,
    ) -> usize {
        let (zero, one) = (simd.splat_u32s(0), simd.splat_u32s(1));
        for register in 0..LANES / S::F32_LANES {
            let thresholds: [S::f32s; LAYERS] =
                std::array::from_fn(|layer| S::as_simd_f32s(&self.thresholds[first + layer]).0[register]);
            let mut under = [zero; LAYERS];
            for vector in vectors {
                let values = S::as_simd_f32s(rows.block(*vector, block)).0[register];
                for layer in 0..LAYERS {
                    let is = simd.less_than_f32s(values, thresholds[layer]);
                    under[layer] = simd.add_u32s(under[layer], simd.select_u32s(is, one, zero));
                }
            }
            for layer in 0..LAYERS {
                S::as_mut_simd_u32s(&mut self.under[first + layer]).0[register] = under[layer];
            }
        }
        LAYERS
    }

    #[inline(always)]
    pub fn parted(&self, tried: &Try) -> Parted {
        let (layer, lane) = (self.layer(tried), tried.column % LANES);
        Parted {
            below: self.below[layer][lane] as usize,
            impurity: self.low.side(layer, lane).impurity() + self.high.side(layer, lane).impurity(),
        }
    }
}

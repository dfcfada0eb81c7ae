//! How a tree grows: which column and threshold part a node's vectors best.
//!
//! This is most of what a ranking of ten thousand spectra costs. Vectors lie in rows, of which a register takes many columns at once. A node's are looked at
//! twice for all of its tries: first for the bounds between which thresholds are drawn, then to count what lies below these.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::draw::Draw;
use super::{Examples, Node, Tree};

/// A leaf holds at least so many vectors. Rare kinds have few of them, and the mean over trees smooths what single vectors say.
const LEAST_LEAF: usize = 1;
/// Deeper than this only single vectors would be told apart.
const DEEPEST: usize = 32;
/// An impurity of rounding.
const PURE: f64 = 1e-9;
/// A share of the columns is tried at every branching.
const TRIED_SHARE: f64 = 0.6;

/// Columns of a block: as many as the widest register takes.
const LANES: usize = 16;
/// Fewer vectors are parted by one try after the other, since the first or second often leaves each kind alone; the tree is the same.
const FEW: usize = 32;

type Lanes = [f32; LANES];

/// Examples as the trees look at them.
pub(super) struct Rows<'a> {
    examples: Examples<'a>,
    /// Rows of vectors, filled up with zeros. Shape: `[vectors, blocks]`.
    values: Vec<Lanes>,
    blocks: usize,
}

impl<'a> Rows<'a> {
    pub fn of(examples: Examples<'a>) -> Self {
        let blocks = examples.columns.div_ceil(LANES);
        let mut values = vec![[0.0; LANES]; examples.kind.len() * blocks];
        let rows = values.chunks_exact_mut(blocks.max(1));
        for (row, own) in rows.zip(examples.values.chunks_exact(examples.columns.max(1))) {
            row.as_flattened_mut()[..own.len()].copy_from_slice(own);
        }
        Self {
            examples,
            values,
            blocks,
        }
    }

    #[inline(always)]
    fn block(&self, vector: u32, block: usize) -> &Lanes {
        &self.values[vector as usize * self.blocks + block]
    }

    #[inline(always)]
    fn value(&self, vector: u32, column: usize) -> f32 {
        self.block(vector, column / LANES)[column % LANES]
    }
}

/// Vectors of one kind, one after the other.
#[derive(Debug, Clone, Copy)]
struct Run {
    kind: u16,
    end: usize,
    weight: f64,
}

/// Vectors that will be a node.
struct Seed {
    vectors: Range<usize>,
    depth: usize,
    /// The branch of which they are those above.
    above: Option<usize>,
}

/// A column and a threshold that may part the vectors.
#[derive(Debug, Clone)]
struct Try {
    column: usize,
    threshold: f32,
    /// How many thresholds were drawn for this column before.
    layer: usize,
    /// The stream of random numbers after it.
    after: Draw,
}

/// How many vectors lie below a threshold, and the impurity of both sides together: Gini's, times weight.
#[derive(Debug, Clone, Copy)]
struct Parted {
    below: usize,
    impurity: f64,
}

/// A tree that grows. All its functions become one, which is compiled for every instruction set.
pub(super) struct Growing<'a> {
    rows: &'a Rows<'a>,
    /// Those of a node are neighbors, kind by kind.
    vectors: Vec<u32>,
    draw: Draw,
    tree: Tree,
    /// Fewer vectors are parted by one try after the other.
    few: usize,
    /// Of the vectors that are being parted, by kind.
    runs: Vec<Run>,
    tries: Vec<Try>,
    /// Bounds of all columns, block by block.
    least: Vec<Lanes>,
    most: Vec<Lanes>,
    /// By column, how many tries there are.
    drawn: Vec<u8>,
    counts: Counts,
    /// One column of a few vectors.
    values: Vec<f32>,
    /// Room for those that are above.
    moved: Vec<u32>,
}

impl WithSimd for Growing<'_> {
    type Output = Tree;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Tree {
        self.grow(simd)
    }
}

impl<'a> Growing<'a> {
    /// A tree of these vectors, which lie kind by kind.
    pub fn of(rows: &'a Rows<'a>, vectors: Vec<u32>, draw: Draw) -> Self {
        Self {
            rows,
            vectors,
            draw,
            tree: Tree::default(),
            few: FEW,
            runs: Vec::new(),
            tries: Vec::new(),
            least: Vec::new(),
            most: Vec::new(),
            drawn: Vec::new(),
            counts: Counts::default(),
            values: Vec::new(),
            moved: Vec::new(),
        }
    }

    #[inline(always)]
    fn grow<S: Simd>(mut self, simd: S) -> Tree {
        let mut seeds = vec![Seed {
            vectors: 0..self.vectors.len(),
            depth: 0,
            above: None,
        }];
        while let Some(Seed {
            vectors,
            depth,
            above,
        }) = seeds.pop()
        {
            let here = self.tree.nodes.len();
            if let Some(branch) = above
                && let Node::Branch { above, .. } = &mut self.tree.nodes[branch]
            {
                *above = here as u32;
            }
            self.find_runs(vectors.clone());
            if let [only] = self.runs[..] {
                self.tree.nodes.push(Node::Pure(only.kind));
                continue;
            }
            let split = if depth >= DEEPEST || vectors.len() < 2 * LEAST_LEAF {
                None
            } else if vectors.len() < self.few {
                self.split_few(vectors.clone())
            } else {
                self.split_many(simd, vectors.clone())
            };
            let Some((column, threshold)) = split else {
                self.leaf();
                continue;
            };
            let middle = vectors.start + self.part(vectors.clone(), column, threshold);
            self.tree.nodes.push(Node::Branch {
                column: column as u16,
                threshold,
                above: 0,
            });
            let depth = depth + 1;
            // Those below grow first: their node is the next.
            seeds.push(Seed {
                vectors: middle..vectors.end,
                depth,
                above: Some(here),
            });
            seeds.push(Seed {
                vectors: vectors.start..middle,
                depth,
                above: None,
            });
        }
        self.tree
    }

    /// Finds the runs of vectors that lie kind by kind.
    #[inline(always)]
    fn find_runs(&mut self, vectors: Range<usize>) {
        let Examples { kind, weights, .. } = self.rows.examples;
        self.runs.clear();
        let mut end = 0;
        for alike in self.vectors[vectors].chunk_by(|a, b| kind[*a as usize] == kind[*b as usize]) {
            let kind = kind[alike[0] as usize];
            end += alike.len();
            let weight = weights[usize::from(kind)];
            self.runs.push(Run { kind, end, weight });
        }
    }

    /// A leaf of the vectors at hand.
    #[inline(always)]
    fn leaf(&mut self) {
        let kinds = self.rows.examples.weights.len();
        let start = self.tree.shares.len();
        self.tree.nodes.push(Node::Leaf(start as u32));
        self.tree.shares.resize(start + kinds, 0.0);
        let (mut before, mut all) = (0, 0.0);
        for run in &self.runs {
            let weight = (run.end - before) as f64 * run.weight;
            self.tree.shares[start + usize::from(run.kind)] = weight as f32;
            (before, all) = (run.end, all + weight);
        }
        let all = all.max(f64::MIN_POSITIVE) as f32;
        self.tree.shares[start..]
            .iter_mut()
            .for_each(|share| *share /= all);
    }

    /// Puts the vectors below the threshold first, both sides in the order that they had; returns how many are below.
    #[inline(always)]
    fn part(&mut self, vectors: Range<usize>, column: usize, threshold: f32) -> usize {
        let (vectors, moved) = (&mut self.vectors[vectors], &mut self.moved);
        moved.clear();
        let mut below = 0;
        for at in 0..vectors.len() {
            let vector = vectors[at];
            if self.rows.value(vector, column) < threshold {
                vectors[below] = vector;
                below += 1;
            } else {
                moved.push(vector);
            }
        }
        vectors[below..].copy_from_slice(moved);
        below
    }

    /// Draws random columns, with one random threshold each, until enough are found that are not the same for all vectors or `enough` says so.
    #[inline(always)]
    fn try_columns(
        &mut self,
        mut bounds: impl FnMut(&mut Self, usize) -> (f32, f32),
        mut enough: impl FnMut(&mut Self, usize, f32) -> bool,
    ) {
        let columns = self.rows.examples.columns;
        let tried = ((TRIED_SHARE * columns as f64).ceil() as usize).clamp(1, columns);
        let mut found = 0;
        for _ in 0..4 * columns {
            if found == tried {
                break;
            }
            let column = self.draw.index(columns);
            let (least, most) = bounds(self, column);
            if least >= most {
                continue;
            }
            found += 1;
            let threshold = least + (most - least) * self.draw.unit() as f32;
            if enough(self, column, threshold) {
                break;
            }
        }
    }

    /// The best try by the impurity that is left; `None` where none parts the vectors.
    #[inline(always)]
    fn split_few(&mut self, vectors: Range<usize>) -> Option<(usize, f32)> {
        let count = vectors.len();
        let mut best = Best::default();
        self.try_columns(
            |growing, column| {
                let rows = growing.rows;
                let values = growing.vectors[vectors.clone()].iter();
                growing.values.clear();
                growing
                    .values
                    .extend(values.map(|vector| rows.value(*vector, column)));
                bounds(&growing.values)
            },
            |growing, column, threshold| {
                let parted = growing.left(threshold);
                best.take(column, threshold, parted, count)
            },
        );
        best.found.map(|(_, column, threshold)| (column, threshold))
    }

    /// How a threshold parts the values.
    #[inline(always)]
    fn left(&self, threshold: f32) -> Parted {
        let (mut low, mut high) = (Side::default(), Side::default());
        let (mut start, mut below) = (0, 0);
        for run in &self.runs {
            let alike = &self.values[start..run.end];
            let under = alike
                .iter()
                .map(|value| u32::from(*value < threshold))
                .sum::<u32>() as usize;
            low.add(under as f64 * run.weight);
            high.add((alike.len() - under) as f64 * run.weight);
            below += under;
            start = run.end;
        }
        Parted {
            below,
            impurity: low.impurity() + high.impurity(),
        }
    }

    /// As [`Self::split_few`], with all tries at once.
    #[inline(always)]
    fn split_many<S: Simd>(&mut self, simd: S, vectors: Range<usize>) -> Option<(usize, f32)> {
        let count = vectors.len();
        self.find_bounds(simd, vectors.clone());
        self.tries.clear();
        self.drawn.clear();
        self.drawn.resize(self.rows.examples.columns, 0);
        self.try_columns(
            |growing, column| {
                let (block, lane) = (column / LANES, column % LANES);
                (growing.least[block][lane], growing.most[block][lane])
            },
            |growing, column, threshold| {
                let drawn = &mut growing.drawn[column];
                growing.tries.push(Try {
                    column,
                    threshold,
                    layer: usize::from(*drawn),
                    after: growing.draw.clone(),
                });
                *drawn += 1;
                false
            },
        );
        self.counts.lay_out(&self.tries, self.rows.blocks);
        self.counts
            .count(simd, self.rows, &self.vectors[vectors], &self.runs);
        let mut best = Best::default();
        for tried in &self.tries {
            let parted = self.counts.parted(tried);
            if best.take(tried.column, tried.threshold, parted, count) {
                // Nothing would have been drawn after it.
                self.draw = tried.after.clone();
                break;
            }
        }
        best.found.map(|(_, column, threshold)| (column, threshold))
    }

    /// Least and greatest value of every column.
    #[inline(always)]
    fn find_bounds<S: Simd>(&mut self, simd: S, vectors: Range<usize>) {
        let (vectors, rows) = (&self.vectors[vectors], self.rows);
        self.least.resize(rows.blocks, [0.0; LANES]);
        self.most.resize(rows.blocks, [0.0; LANES]);
        for (block, (least, most)) in self.least.iter_mut().zip(&mut self.most).enumerate() {
            let (least, _) = S::as_mut_simd_f32s(least);
            let (most, _) = S::as_mut_simd_f32s(most);
            for (register, (least, most)) in least.iter_mut().zip(most).enumerate() {
                let mut low = simd.splat_f32s(f32::INFINITY);
                let mut high = simd.splat_f32s(f32::NEG_INFINITY);
                for vector in vectors {
                    let values = S::as_simd_f32s(rows.block(*vector, block)).0[register];
                    low = simd.min_f32s(values, low);
                    high = simd.max_f32s(values, high);
                }
                (*least, *most) = (low, high);
            }
        }
    }
}

/// How all tries of a node part its vectors. A layer has one threshold at most for each column of a block.
#[derive(Default)]
struct Counts {
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
    fn lay_out(&mut self, tries: &[Try], blocks: usize) {
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
    fn count<S: Simd>(&mut self, simd: S, rows: &Rows, vectors: &[u32], runs: &[Run]) {
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
    fn parted(&self, tried: &Try) -> Parted {
        let (layer, lane) = (self.layer(tried), tried.column % LANES);
        Parted {
            below: self.below[layer][lane] as usize,
            impurity: self.low.side(layer, lane).impurity() + self.high.side(layer, lane).impurity(),
        }
    }
}

/// The best of some tries.
#[derive(Debug, Default)]
struct Best {
    found: Option<(f64, usize, f32)>,
}

impl Best {
    /// Looks at another try; whether nothing can be better, as both sides are of one kind each.
    #[inline(always)]
    fn take(&mut self, column: usize, threshold: f32, parted: Parted, count: usize) -> bool {
        let Parted { below, impurity } = parted;
        if below < LEAST_LEAF || count - below < LEAST_LEAF {
            return false;
        }
        if self.found.is_none_or(|(least, _, _)| impurity < least) {
            self.found = Some((impurity, column, threshold));
        }
        impurity <= PURE
    }
}

// `f32::min` would heed NaN, of which there is none, and be slower for it.
#[inline(always)]
fn lesser(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

#[inline(always)]
fn greater(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Least and greatest of a few values.
#[inline(always)]
fn bounds(values: &[f32]) -> (f32, f32) {
    let least = values.iter().copied().fold(f32::INFINITY, lesser);
    let most = values.iter().copied().fold(f32::NEG_INFINITY, greater);
    (least, most)
}

/// One side of a threshold: the weights of its kinds.
#[derive(Debug, Clone, Copy, Default)]
struct Side {
    all: f64,
    squares: f64,
}

impl Side {
    #[inline(always)]
    fn add(&mut self, weight: f64) {
        self.all += weight;
        self.squares += weight * weight;
    }

    #[inline(always)]
    fn impurity(self) -> f64 {
        self.all - self.squares / self.all.max(f64::MIN_POSITIVE)
    }
}

#[cfg(test)]
mod tests {
    use pulp::{Arch, Scalar};

    use super::*;

    #[test]
    fn one_try_after_the_other_or_all_at_once_on_any_processor() {
        // Of five columns more than four thresholds are drawn for some; of twenty there are two blocks.
        for columns in [1, 5, 20] {
            let mut draw = Draw::new(5, columns as u64);
            let kind: Vec<u16> = (0..300u16).map(|vector| vector % 7).collect();
            let values: Vec<f32> = kind
                .iter()
                .flat_map(|kind| {
                    let values = (0..columns).map(|column| match column % 5 {
                        0 => draw.normal() + f64::from(*kind),
                        // Many that are the same, and one that always is.
                        1 => draw.index(3) as f64,
                        2 => 0.5,
                        _ => draw.normal(),
                    });
                    values.map(|value| value as f32).collect::<Vec<_>>()
                })
                .collect();
            let rows = Rows::of(Examples {
                values: &values,
                columns,
                kind: &kind,
                weights: &[1.0, 0.3, 1.0, 1.0, 2.0, 1.0, 1.0],
            });
            let mut vectors: Vec<u32> = (0..300).collect();
            vectors.sort_by_key(|vector| kind[*vector as usize]);
            for seed in 0..8 {
                let growing = |few| Growing {
                    few,
                    ..Growing::of(&rows, vectors.clone(), Draw::new(seed, 0))
                };
                let one_by_one = Arch::new().dispatch(growing(usize::MAX));
                assert!(one_by_one.nodes.len() > 50, "{columns} columns");
                assert_eq!(one_by_one, Arch::new().dispatch(growing(2)));
                assert_eq!(one_by_one, Scalar.vectorize(growing(2)));
            }
        }
    }
}

//! How a tree grows: which column and threshold part a node's vectors best.
//!
//! This is most of what a ranking of ten thousand spectra would cost. A node's vectors are looked at twice for all of its tries: first for the bounds between which
//! thresholds are drawn, then to count what lies below these (`counts`).

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::draw::Draw;
use super::counts::{Counts, Parted, Run, Side, Try};
use super::rows::{LANES, Lanes, Rows};
use super::{Examples, Node, Tree};

/// A leaf holds at least so many vectors. Rare kinds have few of them, and the mean over trees smooths what single vectors say.
const LEAST_LEAF: usize = 1;
/// Deeper than this only single vectors would be told apart.
const DEEPEST: usize = 32;
/// An impurity of rounding.
const PURE: f64 = 1e-9;
/// A share of the columns is tried at every branching.
const TRIED_SHARE: f64 = 0.6;

/// Fewer vectors are parted by one try after the other, since the first or second often leaves each kind alone; the tree is the same.
const FEW: usize = 32;

/// Vectors that will be a node.
struct Seed {
    vectors: Range<usize>,
    depth: usize,
    /// The branch of which they are those above.
    above: Option<usize>,
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

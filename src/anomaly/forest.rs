//! Extremely randomized trees: of which kind a vector of numbers is.

use rayon::prelude::*;

use super::draw::Draw;

/// A leaf holds at least so many vectors. Rare kinds have few of them, and the mean over trees smooths what single vectors say.
const LEAST_LEAF: usize = 1;
/// Deeper than this only single vectors would be told apart.
const DEEPEST: usize = 32;
/// An impurity of rounding.
const PURE: f64 = 1e-9;
/// A share of the columns is tried at every branching.
const TRIED_SHARE: f64 = 0.6;

/// A vote of trees that were grown on vectors of several kinds.
///
/// Every branching takes the best of a few random thresholds, one for each of a few random columns; a leaf votes with the shares of the kinds
/// among its vectors. Nothing has to be scaled, columns of no use are left aside, and what lies beyond all that was seen keeps the vote of the outermost leaf.
///
/// Source: Geurts, Ernst & Wehenkel 2006, "Extremely randomized trees" (Machine Learning 63, 3).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Forest {
    trees: Vec<Tree>,
    columns: usize,
    kinds: usize,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Tree {
    nodes: Vec<Node>,
    /// Shares of the kinds by leaf of several kinds, one leaf after the other.
    shares: Vec<f32>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Node {
    /// All of its vectors are of one kind, as in most leaves.
    Pure(u16),
    /// Where its shares begin.
    Leaf(u32),
    /// Vectors with `column` below `threshold` go to the next node, the others to `above`.
    Branch { column: u16, threshold: f32, above: u32 },
}

/// Vectors of several kinds. Shapes: `values` is `[columns, vectors]` column by column, `kind` (below `kinds`) `[vectors]`, `weights` of one vector of each kind `[kinds]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Examples<'a> {
    pub values: &'a [f32],
    pub columns: usize,
    pub kind: &'a [u16],
    pub weights: &'a [f64],
}

impl Forest {
    /// Grows `trees` trees. The same examples in the same order give the same trees.
    pub fn grow(examples: Examples, trees: usize, seed: u64) -> Self {
        let Examples { columns, kind, .. } = examples;
        assert_eq!(
            examples.values.len(),
            kind.len() * columns,
            "vectors of one length"
        );
        // Kind by kind, and so at every branching: what lies below a threshold is then counted in stretches.
        let mut all: Vec<u32> = (0..kind.len() as u32).collect();
        all.sort_by_key(|vector| kind[*vector as usize]);
        let grown = (0..trees)
            .into_par_iter()
            .map(|tree| {
                let mut growing = Growing {
                    examples,
                    draw: Draw::new(seed, tree as u64),
                    tree: Tree::default(),
                    runs: Vec::new(),
                    values: Vec::new(),
                    moved: Vec::new(),
                };
                growing.grow(&mut all.clone(), 0);
                // There are hundreds of them, and they are kept as long as one judges.
                growing.tree.nodes.shrink_to_fit();
                growing.tree.shares.shrink_to_fit();
                growing.tree
            })
            .collect();
        Self {
            trees: grown,
            columns,
            kinds: examples.weights.len(),
        }
    }

    /// The mean vote: the shares of the kinds among the like. Shape: `[kinds]`; the sum is 1.
    pub fn vote(&self, vector: &[f32]) -> Vec<f64> {
        assert_eq!(
            vector.len(),
            self.columns,
            "a vector of the columns that the trees know"
        );
        let mut votes = vec![0.0; self.kinds];
        for tree in &self.trees {
            tree.vote(vector, &mut votes);
        }
        let trees = self.trees.len().max(1) as f64;
        votes.iter_mut().for_each(|vote| *vote /= trees);
        votes
    }
}

impl Tree {
    /// Adds the shares of the kinds among the like.
    fn vote(&self, vector: &[f32], votes: &mut [f64]) {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Node::Pure(kind) => return votes[usize::from(kind)] += 1.0,
                Node::Leaf(start) => {
                    let shares = &self.shares[start as usize..];
                    votes
                        .iter_mut()
                        .zip(shares)
                        .for_each(|(vote, share)| *vote += f64::from(*share));
                    return;
                }
                Node::Branch {
                    column,
                    threshold,
                    above,
                } => {
                    at = if vector[usize::from(column)] < threshold {
                        at + 1
                    } else {
                        above as usize
                    };
                }
            }
        }
    }
}

/// Vectors of one kind, one after the other.
#[derive(Debug, Clone, Copy)]
struct Run {
    kind: u16,
    end: usize,
    weight: f64,
}

struct Growing<'a> {
    examples: Examples<'a>,
    draw: Draw,
    tree: Tree,
    /// Of the vectors that are being parted, by kind.
    runs: Vec<Run>,
    /// One column of them.
    values: Vec<f32>,
    /// Room for those that are above.
    moved: Vec<u32>,
}

impl Growing<'_> {
    fn column(&self, column: usize) -> &[f32] {
        let vectors = self.examples.kind.len();
        &self.examples.values[column * vectors..][..vectors]
    }

    /// Finds the runs of vectors that lie kind by kind.
    fn find_runs(&mut self, vectors: &[u32]) {
        let Examples { kind, weights, .. } = self.examples;
        self.runs.clear();
        let mut end = 0;
        for alike in vectors.chunk_by(|a, b| kind[*a as usize] == kind[*b as usize]) {
            let kind = kind[alike[0] as usize];
            end += alike.len();
            let weight = weights[usize::from(kind)];
            self.runs.push(Run { kind, end, weight });
        }
    }

    fn grow(&mut self, vectors: &mut [u32], depth: usize) {
        self.find_runs(vectors);
        if let [only] = self.runs[..] {
            self.tree.nodes.push(Node::Pure(only.kind));
            return;
        }
        let split = if depth >= DEEPEST || vectors.len() < 2 * LEAST_LEAF {
            None
        } else {
            self.split(vectors)
        };
        let Some((column, threshold)) = split else {
            self.leaf();
            return;
        };
        let below = self.part(vectors, column, threshold);
        let here = self.tree.nodes.len();
        self.tree.nodes.push(Node::Leaf(0));
        let (low, high) = vectors.split_at_mut(below);
        self.grow(low, depth + 1);
        self.tree.nodes[here] = Node::Branch {
            column: column as u16,
            threshold,
            above: self.tree.nodes.len() as u32,
        };
        self.grow(high, depth + 1);
    }

    /// A leaf of the vectors at hand.
    fn leaf(&mut self) {
        let start = self.tree.shares.len();
        self.tree.nodes.push(Node::Leaf(start as u32));
        self.tree.shares.resize(start + self.examples.weights.len(), 0.0);
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
    fn part(&mut self, vectors: &mut [u32], column: usize, threshold: f32) -> usize {
        let mut moved = std::mem::take(&mut self.moved);
        moved.clear();
        let values = self.column(column);
        let mut below = 0;
        for at in 0..vectors.len() {
            let vector = vectors[at];
            if values[vector as usize] < threshold {
                vectors[below] = vector;
                below += 1;
            } else {
                moved.push(vector);
            }
        }
        vectors[below..].copy_from_slice(&moved);
        self.moved = moved;
        below
    }

    /// The best of one random threshold for each of some random columns, by the impurity that is left; `None` where none parts the vectors.
    fn split(&mut self, vectors: &[u32]) -> Option<(usize, f32)> {
        let columns = self.examples.columns;
        let tried = ((TRIED_SHARE * columns as f64).ceil() as usize).clamp(1, columns);
        let mut values = std::mem::take(&mut self.values);
        let mut best: Option<(f64, usize, f32)> = None;
        let mut found = 0;
        for _ in 0..4 * columns {
            if found == tried {
                break;
            }
            let column = self.draw.index(columns);
            let all = self.column(column);
            values.clear();
            values.extend(vectors.iter().map(|vector| all[*vector as usize]));
            let (least, most) = bounds(&values);
            // A column that is the same for all of them is no try.
            if least >= most {
                continue;
            }
            found += 1;
            let threshold = least + (most - least) * self.draw.unit() as f32;
            let (below, left) = self.left(&values, threshold);
            if below < LEAST_LEAF || vectors.len() - below < LEAST_LEAF {
                continue;
            }
            if best.is_none_or(|(least, _, _)| left < least) {
                best = Some((left, column, threshold));
            }
            // Both sides of one kind: nothing is better.
            if left <= PURE {
                break;
            }
        }
        self.values = values;
        best.map(|(_, column, threshold)| (column, threshold))
    }

    /// How many values lie below the threshold, and the impurity of both sides together: Gini's, times weight.
    fn left(&self, values: &[f32], threshold: f32) -> (usize, f64) {
        let (mut low, mut high) = (Side::default(), Side::default());
        let (mut start, mut below) = (0, 0);
        for run in &self.runs {
            let alike = &values[start..run.end];
            let under = alike
                .iter()
                .map(|value| u32::from(*value < threshold))
                .sum::<u32>() as usize;
            low.add(under as f64 * run.weight);
            high.add((alike.len() - under) as f64 * run.weight);
            below += under;
            start = run.end;
        }
        (below, low.impurity() + high.impurity())
    }
}

/// Least and greatest of the values, of which none is NaN; several at once, because one alone would wait for each comparison.
fn bounds(values: &[f32]) -> (f32, f32) {
    const LANES: usize = 8;
    // `f32::min` would heed NaN, and be slower for it.
    let lesser = |a: f32, b: f32| if a < b { a } else { b };
    let greater = |a: f32, b: f32| if a > b { a } else { b };
    let (mut least, mut most) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            least[lane] = lesser(chunk[lane], least[lane]);
            most[lane] = greater(chunk[lane], most[lane]);
        }
    }
    let all = |lanes: [f32; LANES], of: fn(f32, f32) -> f32| {
        let start = lanes.into_iter().reduce(of).unwrap_or(f32::NAN);
        rest.iter().copied().fold(start, of)
    };
    (all(least, lesser), all(most, greater))
}

/// One side of a threshold: the weights of its kinds.
#[derive(Debug, Clone, Copy, Default)]
struct Side {
    all: f64,
    squares: f64,
}

impl Side {
    fn add(&mut self, weight: f64) {
        self.all += weight;
        self.squares += weight * weight;
    }

    fn impurity(self) -> f64 {
        self.all - self.squares / self.all.max(f64::MIN_POSITIVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two overlapping kinds along the first of three columns, one in three of the second.
    fn examples(count: usize) -> (Vec<f32>, Vec<u16>) {
        let mut draw = Draw::new(1, 0);
        let kind: Vec<u16> = (0..count).map(|i| u16::from(i % 3 == 0)).collect();
        let told = |kind: &u16| 3.0 * f32::from(*kind);
        let mut values: Vec<f32> = kind
            .iter()
            .map(|kind| draw.normal() as f32 + told(kind))
            .collect();
        values.extend((0..count).map(|_| draw.normal() as f32));
        values.extend(vec![0.5; count]);
        (values, kind)
    }

    fn forest(values: &[f32], kind: &[u16], weights: &[f64]) -> Forest {
        let examples = Examples {
            values,
            columns: 3,
            kind,
            weights,
        };
        Forest::grow(examples, 60, 7)
    }

    #[test]
    fn what_was_not_seen_is_told_apart() {
        let (values, kind) = examples(900);
        let forest = forest(&values, &kind, &[1.0, 1.0]);
        let second = |first: f32| forest.vote(&[first, 0.0, 0.5])[1];
        // Two of three columns say nothing, and each branching tries one.
        assert!(second(3.5) > 0.7, "{}", second(3.5));
        assert!(second(-0.5) < 0.2);
        assert!(second(900.0) > 0.75, "far beyond what was seen");
        // Single trees follow single vectors, so the mean over where the kinds overlap.
        let between = (0..20).map(|i| second(1.3 + 0.025 * i as f32)).sum::<f64>() / 20.0;
        assert!((0.2..0.7).contains(&between), "{between}");
        assert!((forest.vote(&[1.7, 0.0, 0.5]).iter().sum::<f64>() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn the_same_examples_give_the_same_trees() {
        let (values, kind) = examples(200);
        let grow = || forest(&values, &kind, &[1.0, 2.0]);
        assert_eq!(grow(), grow());
    }

    #[test]
    fn weights_count() {
        // Four vectors in ten, that nothing tells from the others, weigh three times as much.
        let second: Vec<u16> = (0..10).map(|i| u16::from(i < 4)).collect();
        let share = forest(&[1.0; 30], &second, &[1.0, 3.0]).vote(&[1.0, 1.0, 1.0])[1];
        assert!((share - 12.0 / 18.0).abs() < 1e-6, "{share}");
    }

    #[test]
    fn one_kind_or_nothing_to_part() {
        let alike = forest(&[1.0; 30], &[1; 10], &[1.0, 1.0]);
        assert_eq!(alike.vote(&[1.0, 1.0, 1.0]), [0.0, 1.0]);
        let four: Vec<u16> = (0..10).map(|i| u16::from(i < 4)).collect();
        let half = forest(&[1.0; 30], &four, &[1.0, 1.0]).vote(&[0.0, 0.0, 0.0])[1];
        assert!((half - 0.4).abs() < 1e-6);
    }
}

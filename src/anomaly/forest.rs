//! Extremely randomized trees: of which kind a vector of numbers is.

use rayon::prelude::*;

use super::draw::Draw;

/// A leaf holds at least so many vectors. Rare kinds have few of them, and the mean over trees smooths what single vectors say.
const LEAST_LEAF: usize = 1;
/// Deeper than this only single vectors would be told apart.
const DEEPEST: usize = 32;
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

/// Vectors of several kinds. Shapes: `values` is `[vectors, columns]` row by row, `kind` (below `kinds`) and `weights` `[vectors]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Examples<'a> {
    pub values: &'a [f32],
    pub columns: usize,
    pub kind: &'a [u16],
    pub kinds: usize,
    pub weights: &'a [f32],
}

impl Forest {
    /// Grows `trees` trees. The same examples in the same order give the same trees.
    pub fn grow(examples: Examples, trees: usize, seed: u64) -> Self {
        let Examples { columns, kinds, .. } = examples;
        assert_eq!(
            examples.values.len(),
            examples.kind.len() * columns,
            "vectors of one length"
        );
        let grown = (0..trees)
            .into_par_iter()
            .map(|tree| {
                let mut growing = Growing {
                    examples,
                    draw: Draw::new(seed, tree as u64),
                    tree: Tree::default(),
                };
                let mut all: Vec<u32> = (0..examples.kind.len() as u32).collect();
                growing.grow(&mut all, 0);
                growing.tree
            })
            .collect();
        Self {
            trees: grown,
            columns,
            kinds,
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

struct Growing<'a> {
    examples: Examples<'a>,
    draw: Draw,
    tree: Tree,
}

impl Growing<'_> {
    fn value(&self, vector: u32, column: usize) -> f32 {
        self.examples.values[vector as usize * self.examples.columns + column]
    }

    /// Adds a vector's weight to that of its kind.
    fn count(&self, weights: &mut [f64], vector: u32) {
        let kind = usize::from(self.examples.kind[vector as usize]);
        weights[kind] += f64::from(self.examples.weights[vector as usize]);
    }

    fn grow(&mut self, vectors: &mut [u32], depth: usize) {
        let mut weights = vec![0.0; self.examples.kinds];
        for &vector in vectors.iter() {
            self.count(&mut weights, vector);
        }
        let mut kinds = (0..weights.len()).filter(|kind| weights[*kind] > 0.0);
        if let (Some(only), None) = (kinds.next(), kinds.next()) {
            self.tree.nodes.push(Node::Pure(only as u16));
            return;
        }
        let split = if depth >= DEEPEST || vectors.len() < 2 * LEAST_LEAF {
            None
        } else {
            self.split(vectors)
        };
        let Some((column, threshold)) = split else {
            self.tree.nodes.push(Node::Leaf(self.tree.shares.len() as u32));
            let all: f64 = weights.iter().sum();
            let shares = weights
                .iter()
                .map(|weight| (weight / all.max(f64::MIN_POSITIVE)) as f32);
            self.tree.shares.extend(shares);
            return;
        };
        let mut below = 0;
        for i in 0..vectors.len() {
            if self.value(vectors[i], column) < threshold {
                vectors.swap(below, i);
                below += 1;
            }
        }
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

    /// The best of one random threshold for each of some random columns, by the impurity that is left; `None` where none parts the vectors.
    fn split(&mut self, vectors: &[u32]) -> Option<(usize, f32)> {
        let Examples { columns, kinds, .. } = self.examples;
        let tried = ((TRIED_SHARE * columns as f64).ceil() as usize).clamp(1, columns);
        let mut best: Option<(f64, usize, f32)> = None;
        let (mut low, mut high) = (vec![0.0; kinds], vec![0.0; kinds]);
        let mut found = 0;
        for _ in 0..4 * columns {
            if found == tried {
                break;
            }
            let column = self.draw.index(columns);
            let (mut least, mut most) = (f32::INFINITY, f32::NEG_INFINITY);
            for &vector in vectors {
                let value = self.value(vector, column);
                least = least.min(value);
                most = most.max(value);
            }
            // A column that is the same for all of them is no try.
            if least >= most {
                continue;
            }
            found += 1;
            let threshold = least + (most - least) * self.draw.unit() as f32;
            low.fill(0.0);
            high.fill(0.0);
            let mut below = 0;
            for &vector in vectors {
                if self.value(vector, column) < threshold {
                    self.count(&mut low, vector);
                    below += 1;
                } else {
                    self.count(&mut high, vector);
                }
            }
            if below < LEAST_LEAF || vectors.len() - below < LEAST_LEAF {
                continue;
            }
            let left = impurity(&low) + impurity(&high);
            if best.is_none_or(|(least, _, _)| left < least) {
                best = Some((left, column, threshold));
            }
        }
        best.map(|(_, column, threshold)| (column, threshold))
    }
}

/// Gini impurity times weight.
fn impurity(weights: &[f64]) -> f64 {
    let all: f64 = weights.iter().sum();
    let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
    all - squares / all.max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two overlapping kinds along the first of three columns, a third one in three.
    fn examples(count: usize) -> (Vec<f32>, Vec<u16>, Vec<f32>) {
        let mut draw = Draw::new(1, 0);
        let (mut values, mut kind) = (Vec::new(), Vec::new());
        for i in 0..count {
            let second = i % 3 == 0;
            values.push((draw.normal() + if second { 3.0 } else { 0.0 }) as f32);
            values.push(draw.normal() as f32);
            values.push(0.5);
            kind.push(u16::from(second));
        }
        (values, kind, vec![1.0; count])
    }

    fn forest(values: &[f32], kind: &[u16], weights: &[f32]) -> Forest {
        let examples = Examples {
            values,
            columns: 3,
            kind,
            kinds: 2,
            weights,
        };
        Forest::grow(examples, 60, 7)
    }

    #[test]
    fn what_was_not_seen_is_told_apart() {
        let (values, kind, weights) = examples(900);
        let forest = forest(&values, &kind, &weights);
        let second = |first: f32| forest.vote(&[first, 0.0, 0.5])[1];
        // Two of three columns say nothing, and each branching tries one.
        assert!(second(3.5) > 0.7, "{}", second(3.5));
        assert!(second(-0.5) < 0.2);
        assert!(second(900.0) > 0.75, "far beyond what was seen");
        assert!((0.1..0.75).contains(&second(1.7)), "{}", second(1.7));
        assert!((forest.vote(&[1.7, 0.0, 0.5]).iter().sum::<f64>() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn the_same_examples_give_the_same_trees() {
        let (values, kind, weights) = examples(200);
        assert_eq!(forest(&values, &kind, &weights), forest(&values, &kind, &weights));
    }

    #[test]
    fn weights_count() {
        // Four vectors in ten, that nothing tells from the others, weigh three times as much.
        let second: Vec<u16> = (0..10).map(|i| u16::from(i < 4)).collect();
        let weights: Vec<f32> = second
            .iter()
            .map(|kind| if *kind == 1 { 3.0 } else { 1.0 })
            .collect();
        let share = forest(&[1.0; 30], &second, &weights).vote(&[1.0, 1.0, 1.0])[1];
        assert!((share - 12.0 / 18.0).abs() < 1e-6, "{share}");
    }

    #[test]
    fn one_kind_or_nothing_to_part() {
        let alike = forest(&[1.0; 30], &[1; 10], &[1.0; 10]);
        assert_eq!(alike.vote(&[1.0, 1.0, 1.0]), [0.0, 1.0]);
        let four: Vec<u16> = (0..10).map(|i| u16::from(i < 4)).collect();
        let half = forest(&[1.0; 30], &four, &[1.0; 10]).vote(&[0.0, 0.0, 0.0])[1];
        assert!((half - 0.4).abs() < 1e-6);
    }
}

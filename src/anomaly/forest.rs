//! Extremely randomized trees: of which kind a vector of numbers is.

mod counts;
mod growing;
mod rows;

use pulp::Arch;
use rayon::prelude::*;

use super::draw::Draw;
use growing::Growing;
use rows::Rows;

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

/// Vectors of several kinds. Shapes: `values` is `[vectors, columns]`, `kind` (below `kinds`) `[vectors]`, `weights` of one vector of each kind `[kinds]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Examples<'a> {
    pub values: &'a [f32],
    pub columns: usize,
    pub kind: &'a [u16],
    pub weights: &'a [f64],
}

/// Trees that a vector goes through beside each other: the next node of one is fetched while the others are looked at.
const WALKED: usize = 16;

impl Forest {
    /// Grows `trees` trees. The same examples in the same order give the same trees.
    pub fn grow(examples: Examples, trees: usize, seed: u64) -> Self {
        let Examples { columns, kind, .. } = examples;
        assert_eq!(
            examples.values.len(),
            kind.len() * columns,
            "vectors of one length"
        );
        let rows = Rows::of(examples);
        // Kind by kind, and so at every branching: what lies below a threshold is then counted in stretches.
        let mut all: Vec<u32> = (0..kind.len() as u32).collect();
        all.sort_by_key(|vector| kind[*vector as usize]);
        let processor = Arch::new();
        let grown = (0..trees)
            .into_par_iter()
            .map(|tree| {
                let draw = Draw::new(seed, tree as u64);
                let mut tree = processor.dispatch(Growing::of(&rows, all.clone(), draw));
                // There are hundreds of them, and they are kept as long as one judges.
                tree.nodes.shrink_to_fit();
                tree.shares.shrink_to_fit();
                tree
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
        for trees in self.trees.chunks(WALKED) {
            let mut at = [0; WALKED];
            let mut on_the_way = true;
            while on_the_way {
                on_the_way = false;
                for (at, tree) in at.iter_mut().zip(trees) {
                    if let Some(next) = tree.next(*at, vector) {
                        (*at, on_the_way) = (next, true);
                    }
                }
            }
            for (at, tree) in at.into_iter().zip(trees) {
                tree.vote(at, &mut votes);
            }
        }
        let trees = self.trees.len().max(1) as f64;
        votes.iter_mut().for_each(|vote| *vote /= trees);
        votes
    }
}

impl Tree {
    /// Where a vector goes on from a node; `None` where it has come to the like.
    #[inline(always)]
    fn next(&self, at: usize, vector: &[f32]) -> Option<usize> {
        match self.nodes[at] {
            Node::Branch {
                column, threshold, ..
            } if vector[usize::from(column)] < threshold => Some(at + 1),
            Node::Branch { above, .. } => Some(above as usize),
            Node::Pure(_) | Node::Leaf(_) => None,
        }
    }

    /// Adds the shares of the kinds among the like of a node.
    fn vote(&self, at: usize, votes: &mut [f64]) {
        match self.nodes[at] {
            Node::Pure(kind) => votes[usize::from(kind)] += 1.0,
            Node::Leaf(start) => {
                let shares = &self.shares[start as usize..];
                votes
                    .iter_mut()
                    .zip(shares)
                    .for_each(|(vote, share)| *vote += f64::from(*share));
            }
            Node::Branch { .. } => unreachable!("no like are at a branching"),
        }
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
        let first: Vec<f32> = kind
            .iter()
            .map(|kind| draw.normal() as f32 + told(kind))
            .collect();
        let values = first
            .into_iter()
            .flat_map(|first| [first, draw.normal() as f32, 0.5]);
        (values.collect(), kind)
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

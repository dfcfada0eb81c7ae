//! Two well-known measures of how rare a vector is among others, to compare with: isolation forest and local outlier factor.

use super::draw::split_mix;
use crate::spectrum::order::location_and_scale;

/// Trees of a forest, and vectors that each is grown on at most.
///
/// Source: Liu, Ting & Zhou 2008 (ICDM 2008, 413), section 4: 100 trees of 256; more trees only make it steadier.
const TREES: usize = 300;
const SUBSAMPLE: usize = 256;

/// A node of an isolation tree: a cut, or how many vectors ended up here.
enum Node {
    Cut {
        axis: usize,
        at: f64,
        below: Box<Node>,
        above: Box<Node>,
    },
    Leaf(usize),
}

/// A number in [0, 1).
fn unit(state: &mut u64) -> f64 {
    (split_mix(state) >> 11) as f64 / (1u64 << 53) as f64
}

/// Mean length of an unsuccessful search in a binary tree of `n`.
fn mean_path(n: usize) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    match n {
        0 | 1 => 0.0,
        2 => 1.0,
        n => 2.0 * ((n as f64 - 1.0).ln() + EULER) - 2.0 * (n as f64 - 1.0) / n as f64,
    }
}

fn grow(vectors: &[&[f64]], depth: usize, state: &mut u64) -> Node {
    if depth == 0 || vectors.len() <= 1 {
        return Node::Leaf(vectors.len());
    }
    let range = |axis: usize| {
        vectors
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), vector| {
                (low.min(vector[axis]), high.max(vector[axis]))
            })
    };
    let open: Vec<usize> = (0..vectors[0].len())
        .filter(|axis| {
            let (low, high) = range(*axis);
            low < high
        })
        .collect();
    if open.is_empty() {
        return Node::Leaf(vectors.len());
    }
    let axis = open[(unit(state) * open.len() as f64) as usize];
    let (low, high) = range(axis);
    let at = low + unit(state) * (high - low);
    let (below, above): (Vec<&[f64]>, Vec<&[f64]>) = vectors.iter().partition(|vector| vector[axis] < at);
    Node::Cut {
        axis,
        at,
        below: Box::new(grow(&below, depth - 1, state)),
        above: Box::new(grow(&above, depth - 1, state)),
    }
}

fn path(node: &Node, vector: &[f64]) -> f64 {
    match node {
        Node::Leaf(count) => mean_path(*count),
        Node::Cut {
            axis,
            at,
            below,
            above,
        } => 1.0 + path(if vector[*axis] < *at { below } else { above }, vector),
    }
}

/// The anomaly score (0 to 1) of every vector by an isolation forest grown on all of them; NaN for vectors with a NaN.
///
/// Repeatable, which is why it is not a crate's: those at hand draw their own random numbers.
///
/// Source: Liu, Ting & Zhou 2008 (ICDM 2008, 413), equations 1 and 2.
pub fn isolation_forest(vectors: &[Vec<f64>], seed: u64) -> Vec<f64> {
    let usable: Vec<&[f64]> = finite(vectors);
    let subsample = SUBSAMPLE.min(usable.len());
    if subsample < 2 {
        return vec![f64::NAN; vectors.len()];
    }
    let depth = (subsample as f64).log2().ceil() as usize;
    let mut state = seed;
    let trees: Vec<Node> = (0..TREES)
        .map(|_| {
            let mut drawn = usable.clone();
            for i in 0..subsample {
                let j = i + (unit(&mut state) * (drawn.len() - i) as f64) as usize;
                drawn.swap(i, j);
            }
            grow(&drawn[..subsample], depth, &mut state)
        })
        .collect();
    vectors
        .iter()
        .map(|vector| {
            if vector.iter().any(|value| !value.is_finite()) {
                return f64::NAN;
            }
            let mean = trees.iter().map(|tree| path(tree, vector)).sum::<f64>() / TREES as f64;
            2f64.powf(-mean / mean_path(subsample))
        })
        .collect()
}

fn finite(vectors: &[Vec<f64>]) -> Vec<&[f64]> {
    vectors
        .iter()
        .map(Vec::as_slice)
        .filter(|vector| !vector.is_empty() && vector.iter().all(|value| value.is_finite()))
        .collect()
}

/// The local outlier factor of every vector among all, with `neighbors` neighbors, after each axis is brought to unit scale; about 1 where a vector lies
/// as densely as its neighbors do, NaN for vectors with a NaN. Time: quadratic.
///
/// Source: Breunig, Kriegel, Ng & Sander 2000 (SIGMOD 2000, 93), definitions 5 to 7.
pub fn local_outlier_factor(vectors: &[Vec<f64>], neighbors: usize) -> Vec<f64> {
    let usable: Vec<usize> = (0..vectors.len())
        .filter(|i| !vectors[*i].is_empty() && vectors[*i].iter().all(|value| value.is_finite()))
        .collect();
    let k = neighbors.min(usable.len().saturating_sub(1));
    let mut factors = vec![f64::NAN; vectors.len()];
    if k == 0 {
        return factors;
    }
    let scales: Vec<f64> = (0..vectors[usable[0]].len())
        .map(|axis| {
            let mut values: Vec<f64> = usable.iter().map(|i| vectors[*i][axis]).collect();
            location_and_scale(&mut values)
                .map(|(_, scale)| scale)
                .filter(|scale| *scale > 0.0)
                .unwrap_or(1.0)
        })
        .collect();
    let distance = |a: usize, b: usize| -> f64 {
        let squares = vectors[a].iter().zip(&vectors[b]).zip(&scales);
        squares
            .map(|((a, b), s)| ((a - b) / s).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    // The neighbors of each, as places in `usable`, with their distances, the nearest first.
    let near: Vec<Vec<(usize, f64)>> = usable
        .iter()
        .map(|a| {
            let mut all: Vec<(usize, f64)> = (0..usable.len())
                .filter(|place| usable[*place] != *a)
                .map(|place| (place, distance(*a, usable[place])))
                .collect();
            all.sort_by(|a, b| a.1.total_cmp(&b.1));
            all.truncate(k);
            all
        })
        .collect();
    let reach = |place: usize| near[place][k - 1].1;
    let density: Vec<f64> = near
        .iter()
        .map(|near| {
            let sum: f64 = near
                .iter()
                .map(|(place, distance)| distance.max(reach(*place)))
                .sum();
            k as f64 / sum.max(f64::MIN_POSITIVE)
        })
        .collect();
    for (place, index) in usable.iter().enumerate() {
        let mean: f64 = near[place].iter().map(|(other, _)| density[*other]).sum::<f64>() / k as f64;
        factors[*index] = mean / density[place];
    }
    factors
}

/// Every value against those of the `neighbors` others nearest in `key`, in units of their scatter: (value - median) / (1.4826 MAD). NaN stays NaN and
/// takes no part.
pub fn among_neighbors(values: &[f64], key: &[f64], neighbors: usize) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len())
        .filter(|i| values[*i].is_finite() && key[*i].is_finite())
        .collect();
    order.sort_by(|a, b| key[*a].total_cmp(&key[*b]));
    let mut out = vec![f64::NAN; values.len()];
    let width = neighbors.clamp(1, order.len().max(1));
    for (place, index) in order.iter().enumerate() {
        let first = place.saturating_sub(width / 2).min(order.len() - width);
        let mut near: Vec<f64> = order[first..first + width].iter().map(|i| values[*i]).collect();
        if let Some((location, scale)) = location_and_scale(&mut near) {
            out[*index] = (values[*index] - location) / scale.max(1e-3);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::spearman;
    use super::*;

    fn cloud() -> Vec<Vec<f64>> {
        let mut state = 4;
        let mut normal = || (0..12).map(|_| unit(&mut state)).sum::<f64>() - 6.0;
        let mut vectors: Vec<Vec<f64>> = (0..400).map(|_| vec![normal(), normal(), normal()]).collect();
        vectors.push(vec![7.0, 0.0, 0.0]);
        vectors.push(vec![0.0, f64::NAN, 0.0]);
        vectors
    }

    #[test]
    fn a_stranger_stands_out_in_both() {
        let vectors = cloud();
        for scores in [isolation_forest(&vectors, 1), local_outlier_factor(&vectors, 20)] {
            assert!(scores[401].is_nan());
            assert!(scores[..400].iter().all(|score| *score < scores[400]));
        }
        assert_eq!(
            isolation_forest(&vectors, 1)[..401],
            isolation_forest(&vectors, 1)[..401]
        );
    }

    #[test]
    fn neighbors_take_the_trend_out() {
        let key: Vec<f64> = (0..200).map(f64::from).collect();
        let mut values: Vec<f64> = key.iter().map(|k| 10.0 * k + (k * 1.7).sin()).collect();
        values[40] += 300.0;
        values[41] = f64::NAN;
        let out = among_neighbors(&values, &key, 21);
        assert!(out[41].is_nan());
        assert!((0..200).filter(|i| *i != 41).all(|i| i == 40 || out[i] < out[40]));
        assert!(out[100].abs() < 0.2);
    }

    #[test]
    fn the_forest_is_that_of_the_crate_but_for_chance() {
        let vectors = cloud();
        let arrays: Vec<[f64; 3]> = vectors[..401].iter().map(|v| [v[0], v[1], v[2]]).collect();
        let options = extended_isolation_forest::ForestOptions {
            n_trees: TREES,
            sample_size: SUBSAMPLE,
            max_tree_depth: None,
            extension_level: 0,
        };
        let forest = extended_isolation_forest::Forest::from_slice(&arrays, &options).unwrap();
        let theirs: Vec<f64> = arrays.iter().map(|vector| forest.score(vector)).collect();
        let ours = isolation_forest(&vectors[..401], 1);
        let agreement = spearman(&ours, &theirs).unwrap();
        assert!(agreement > 0.95, "{agreement}");
    }

    #[test]
    fn the_factor_is_that_of_scikit_learn() {
        // -LocalOutlierFactor(n_neighbors=2).fit([[0], [1], [2], [10]]).negative_outlier_factor_; the axis is scaled here, which changes no ratio.
        let vectors: Vec<Vec<f64>> = [0.0, 1.0, 2.0, 10.0].iter().map(|v| vec![*v]).collect();
        let expected = [0.875, 4.0 / 3.0, 0.875, 4.958_333_333_333_333];
        let found = local_outlier_factor(&vectors, 2);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }
}

//! How the values of a column are spread, for a chart of a few dozen bars.

use serde::Serialize;

/// Most bars of a histogram.
const BINS: usize = 40;
/// Least; between them, twice the root of the number of values.
const FEWEST: usize = 6;
/// From the 1st to the 99th percentile so many times: then bars are equally wide in the logarithm.
const LOGARITHMIC: f64 = 100.0;

/// Counts between edges that leave the outermost percents out, so that one outlier does not put all the rest into one bar.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Histogram {
    /// Ascending, one more than there are counts. A value on an edge is counted above it; one on the last edge below.
    pub edges: Vec<f64>,
    pub counts: Vec<u64>,
    /// Values below the first edge and above the last.
    pub below: u64,
    pub above: u64,
    /// The edges are equally far apart in the logarithm.
    pub logarithmic: bool,
}

impl Histogram {
    /// Of ascending finite values. `whole` numbers that are few have a bar each, around them.
    ///
    /// `None` where there are no values.
    pub(super) fn of(sorted: &[f64], whole: bool) -> Option<Self> {
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let at = |share: f64| sorted[(share * (sorted.len() - 1) as f64).round() as usize];
        let (mut low, mut high) = (at(0.01), at(0.99));
        if low == high {
            (low, high) = (min, max);
        }
        let logarithmic = low > 0.0 && high / low > LOGARITHMIC;
        let bins = (2.0 * (sorted.len() as f64).sqrt()).ceil() as usize;
        let bins = bins.clamp(FEWEST, BINS);
        let edges: Vec<f64> = if whole && max - min < BINS as f64 {
            (0..=(max - min) as usize + 1)
                .map(|i| min + i as f64 - 0.5)
                .collect()
        } else if low == high {
            vec![low, high]
        } else {
            let edge = |i: usize| match i {
                0 => low,
                i if i == bins => high,
                i if logarithmic => low * (high / low).powf(i as f64 / bins as f64),
                i => low + (high - low) * (i as f64 / bins as f64),
            };
            (0..=bins).map(edge).collect()
        };
        let logarithmic = logarithmic && edges[0] == low;
        // Where each edge falls among the sorted values.
        let mut places: Vec<usize> = edges
            .iter()
            .map(|edge| sorted.partition_point(|value| value < edge))
            .collect();
        if let Some(last) = places.last_mut() {
            *last = sorted.partition_point(|value| *value <= edges[edges.len() - 1]);
        }
        let counts = places.windows(2).map(|pair| (pair[1] - pair[0]) as u64).collect();
        Some(Self {
            below: places[0] as u64,
            above: (sorted.len() - places[places.len() - 1]) as u64,
            edges,
            counts,
            logarithmic,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(histogram: &Histogram) -> u64 {
        histogram.counts.iter().sum::<u64>() + histogram.below + histogram.above
    }

    #[test]
    fn every_value_is_counted_once_and_an_outlier_does_not_squeeze_the_rest() {
        let mut values: Vec<f64> = (0..1000).map(f64::from).collect();
        values.push(1e9);
        let histogram = Histogram::of(&values, false).unwrap();
        assert_eq!(total(&histogram), 1001);
        assert_eq!((histogram.below, histogram.edges.len()), (10, 41));
        assert!(*histogram.edges.last().unwrap() < 1000.0);
        assert!(histogram.counts.iter().all(|count| (20..=30).contains(count)));
        assert!(!histogram.logarithmic);
    }

    #[test]
    fn many_decades_are_seen_in_the_logarithm() {
        let values: Vec<f64> = (0..1000).map(|i| 10f64.powf(f64::from(i) * 0.006)).collect();
        let histogram = Histogram::of(&values, false).unwrap();
        assert!(histogram.logarithmic);
        assert_eq!(total(&histogram), 1000);
        assert!(histogram.counts.iter().all(|count| (20..=30).contains(count)));
    }

    #[test]
    fn few_whole_numbers_have_a_bar_each() {
        let histogram = Histogram::of(&[0.0, 0.0, 4.0, 5.0], true).unwrap();
        assert_eq!(histogram.edges[..2], [-0.5, 0.5]);
        assert_eq!(histogram.counts, [2, 0, 0, 0, 1, 1]);
        assert_eq!(total(&histogram), 4);
    }

    #[test]
    fn few_values_make_few_bars() {
        let values: Vec<f64> = (0..13).map(f64::from).collect();
        assert_eq!(Histogram::of(&values, false).unwrap().counts.len(), 8);
    }

    #[test]
    fn one_value_alone_is_one_bar() {
        let histogram = Histogram::of(&[2.5, 2.5], false).unwrap();
        assert_eq!(
            (histogram.counts.as_slice(), histogram.edges.len()),
            (&[2][..], 2)
        );
        assert_eq!(Histogram::of(&[], false), None);
    }
}

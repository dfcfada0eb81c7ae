//! Places for labels, so that none covers another.

/// Centers as near as possible (least squares) to `wanted` for labels of the given sizes along one line from `low` to `high`.
///
/// `wanted` ascends and keeps its order. Where the labels together are longer than the line they overlap; [`fitting`] says how many fit.
///
/// Source: isotonic regression by pooling adjacent violators (Barlow et al. 1972) after subtracting the stacked sizes.
pub(super) fn spread(wanted: &[f64], sizes: &[f64], low: f64, high: f64) -> Vec<f64> {
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(wanted.len());
    for (i, size) in sizes.iter().enumerate() {
        if i > 0 {
            offset += (sizes[i - 1] + size) / 2.0;
        }
        offsets.push(offset);
    }
    // blocks of (sum, count) whose means ascend
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for (want, offset) in wanted.iter().zip(&offsets) {
        let mut block = (want - offset, 1);
        while let Some(last) = blocks.last().copied() {
            if last.0 / last.1 as f64 <= block.0 / block.1 as f64 {
                break;
            }
            blocks.pop();
            block = (block.0 + last.0, block.1 + last.1);
        }
        blocks.push(block);
    }
    let first = low + sizes.first().copied().unwrap_or(0.0) / 2.0;
    let last = high - sizes.last().copied().unwrap_or(0.0) / 2.0 - offset;
    let mut places = Vec::with_capacity(wanted.len());
    for (sum, count) in blocks {
        let at = (sum / count as f64).min(last).max(first);
        for _ in 0..count {
            places.push(at + offsets[places.len()]);
        }
    }
    places
}

/// How many labels of one size fit on a line of this length.
pub(super) fn fitting(size: f64, length: f64) -> usize {
    (length / size).floor().max(0.0) as usize
}

/// Horizontal labels in lanes below one another, the most important first.
#[derive(Debug)]
pub(super) struct Lanes {
    low: f64,
    high: f64,
    /// Taken stretches of each lane.
    taken: Vec<Vec<(f64, f64)>>,
}

impl Lanes {
    pub(super) fn new(lanes: usize, low: f64, high: f64) -> Self {
        Self {
            low,
            high,
            taken: vec![Vec::new(); lanes],
        }
    }

    /// Lane and center for a label of this width near `center`, no further from it than `reach`; `None` where no lane has room.
    pub(super) fn place(&mut self, center: f64, width: f64, reach: f64) -> Option<(usize, f64)> {
        let half = width / 2.0;
        if width > self.high - self.low {
            return None;
        }
        for (lane, taken) in self.taken.iter_mut().enumerate() {
            let free = |at: f64| taken.iter().all(|(a, b)| at + half <= *a || at - half >= *b);
            let candidates = std::iter::once(center.clamp(self.low + half, self.high - half))
                .chain(taken.iter().flat_map(|(a, b)| [a - half, b + half]))
                .filter(|at| {
                    (at - center).abs() <= reach
                        && at - half >= self.low
                        && at + half <= self.high
                        && free(*at)
                });
            let best = candidates.min_by(|a, b| (a - center).abs().total_cmp(&(b - center).abs()));
            if let Some(at) = best {
                taken.push((at - half, at + half));
                return Some((lane, at));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn labels_with_room_stay_where_they_are() {
        assert_eq!(
            spread(&[10.0, 50.0, 90.0], &[10.0; 3], 0.0, 100.0),
            [10.0, 50.0, 90.0]
        );
    }

    #[test]
    fn a_crowd_spreads_about_its_middle() {
        assert_eq!(
            spread(&[50.0, 50.0, 50.0], &[10.0; 3], 0.0, 100.0),
            [40.0, 50.0, 60.0]
        );
        assert_eq!(
            spread(&[2.0, 2.0, 2.0], &[10.0; 3], 0.0, 100.0),
            [5.0, 15.0, 25.0]
        );
    }

    #[test]
    fn a_second_label_goes_aside_or_below() {
        let mut lanes = Lanes::new(2, 0.0, 100.0);
        assert_eq!(lanes.place(50.0, 20.0, 8.0), Some((0, 50.0)));
        assert_eq!(lanes.place(55.0, 20.0, 8.0), Some((1, 55.0)));
        assert_eq!(lanes.place(66.0, 20.0, 8.0), Some((0, 70.0)));
        assert_eq!(lanes.place(55.0, 20.0, 8.0), None);
        assert_eq!(lanes.place(2.0, 20.0, 8.0), Some((0, 10.0)));
    }

    proptest! {
        #[test]
        fn spread_labels_never_overlap(mut wanted in prop::collection::vec(0.0..300.0f64, 0..20), size in 1.0..15.0f64) {
            wanted.sort_by(f64::total_cmp);
            let sizes = vec![size; wanted.len()];
            let places = spread(&wanted, &sizes, 0.0, 300.0);
            prop_assert_eq!(places.len(), wanted.len());
            prop_assert!(places.windows(2).all(|w| w[1] - w[0] >= size - 1e-9));
            prop_assert!(places.iter().all(|p| p - size / 2.0 >= -1e-9 && p + size / 2.0 <= 300.0 + 1e-9));
        }
    }
}

//! Places for texts in rows of cells, so that none covers another.

/// Rows of the same length in which texts find places, the most important first.
#[derive(Debug)]
pub(super) struct Lanes {
    low: u16,
    /// Exclusive.
    high: u16,
    /// Free cells between two texts.
    gap: u16,
    /// Taken cells of each lane, ends exclusive.
    taken: Vec<Vec<(u16, u16)>>,
}

impl Lanes {
    pub(super) fn new(lanes: usize, low: u16, high: u16, gap: u16) -> Self {
        let taken = vec![Vec::new(); lanes];
        Self {
            low,
            high,
            gap,
            taken,
        }
    }

    /// Lane and first cell for a text about the cell `center`, its middle no further from it than `reach` cells; `None` where no
    /// lane has room.
    pub(super) fn place(&mut self, center: u16, width: u16, reach: u16) -> Option<(usize, u16)> {
        if width == 0 || width > self.high.saturating_sub(self.low) {
            return None;
        }
        let (low, last) = (self.low, self.high - width);
        let wanted = center.saturating_sub(width / 2).clamp(low, last);
        let gap = self.gap;
        for (lane, taken) in self.taken.iter_mut().enumerate() {
            let free = |at: u16| taken.iter().all(|(a, b)| at + width + gap <= *a || at >= b + gap);
            let near = |at: &u16| (at + width / 2).abs_diff(center) <= reach;
            let beside = taken
                .iter()
                .flat_map(|(a, b)| [a.checked_sub(width + gap), b.checked_add(gap)]);
            let best = std::iter::once(Some(wanted))
                .chain(beside)
                .flatten()
                .filter(|at| (low..=last).contains(at) && near(at) && free(*at))
                .min_by_key(|at| (at.abs_diff(wanted), *at));
            if let Some(at) = best {
                taken.push((at, at + width));
                return Some((lane, at));
            }
        }
        None
    }
}

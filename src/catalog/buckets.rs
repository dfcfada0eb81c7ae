//! Entries of sixteen bytes in order: spread over buckets by several threads, then each bucket sorted in a core's cache.

use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::sweep::{Queue, Watch, in_threads, threads};

/// Tie, number and row, most significant first: compared as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry(u128);

impl Entry {
    pub(super) fn new(tie: u32, number: u64, row: u32) -> Self {
        Self(u128::from(tie) << 96 | u128::from(number) << 32 | u128::from(row))
    }

    pub(super) fn tie(self) -> u32 {
        (self.0 >> 96) as u32
    }

    pub(super) fn number(self) -> u64 {
        (self.0 >> 32) as u64
    }

    pub(super) fn row(self) -> u32 {
        self.0 as u32
    }

    /// Equal but for the row.
    pub(super) fn ties_with(self, other: Self) -> bool {
        self.0 >> 32 == other.0 >> 32
    }
}

/// Entries of a bucket, about: so many are sorted in a core's cache.
const BUCKET: usize = 16_384;
/// Entries of the sample, for each bucket.
const SAMPLED: usize = 16;

/// The entries in order, bucket by bucket; of the first buckets, as many as have the `wanted` first entries and what ties with them. `None`
/// where the watch stopped it.
pub(super) fn sorted(parts: Vec<Vec<Entry>>, wanted: usize, watch: &Watch) -> Option<Vec<Vec<Entry>>> {
    let bounds = Bounds::of(&parts);
    let queue = Queue::new(parts.into_iter());
    let spread = in_threads(threads(), || {
        let (mut spread, mut spare) = (Vec::new(), Vec::new());
        while let Some(part) = queue.take() {
            spread.push(Spread::of(part, &bounds, &mut spare));
            if watch.stop.is_asked() {
                break;
            }
        }
        spread
    });
    let spread: Vec<Spread> = spread.into_iter().flatten().collect();
    let size = |bucket: usize| -> usize { spread.iter().map(|spread| spread.bucket(bucket).len()).sum() };
    let (mut needed, mut entries) = (0, 0);
    while needed <= bounds.first.len() && (entries < wanted || tie_over(&spread, &bounds.first, needed)) {
        entries += size(needed);
        needed += 1;
    }
    let (queue, done) = (Queue::new(0..needed), AtomicUsize::new(0));
    let buckets = in_threads(threads(), || {
        let mut buckets = Vec::new();
        while let Some(bucket) = queue.take().filter(|_| !watch.stop.is_asked()) {
            let mut entries = Vec::with_capacity(size(bucket));
            spread
                .iter()
                .for_each(|spread| entries.extend_from_slice(spread.bucket(bucket)));
            // No two are equal: they have their rows.
            entries.sort_unstable();
            buckets.push((bucket, entries));
            watch.tell(done.fetch_add(1, Ordering::Relaxed) as u64 + 1, needed as u64);
        }
        buckets
    });
    let mut buckets: Vec<(usize, Vec<Entry>)> = buckets.into_iter().flatten().collect();
    buckets.sort_unstable_by_key(|(bucket, _)| *bucket);
    (!watch.stop.is_asked()).then(|| buckets.into_iter().map(|(_, entries)| entries).collect())
}

/// Where the buckets begin: the first entries of all but the first bucket, and a way to the two that an entry lies between.
struct Bounds {
    first: Vec<Entry>,
    /// The first is of all bounds; others are of the crowded stretches of one before.
    levels: Vec<Level>,
}

/// Some consecutive bounds; between the first and the last of them stretches of equal length, most of which have one bound or none.
struct Level {
    low: u128,
    /// The length of a stretch is a power of two.
    shift: u32,
    stretches: Vec<Stretch>,
}

/// The bounds that lie in it; where they are many, the level that tells them apart.
#[derive(Clone, Copy)]
struct Stretch {
    from: u32,
    to: u32,
    finer: Option<NonZeroU32>,
}

/// Stretches of a level for each of its bounds.
const STRETCHES: usize = 4;
/// Bounds that are looked through one by one.
const FEW: usize = 3;

impl Bounds {
    /// By a sample. Entries are all different, and so the buckets are of a size even where the numbers are few.
    fn of(parts: &[Vec<Entry>]) -> Self {
        let total: usize = parts.iter().map(Vec::len).sum();
        let buckets = (total / BUCKET + 1).min(4096);
        let step = (total / (buckets * SAMPLED)).max(1);
        let mut sample: Vec<Entry> = parts
            .iter()
            .flat_map(|part| part.iter().copied().step_by(step))
            .collect();
        sample.sort_unstable();
        let bound = |bucket: usize| sample.get(bucket * sample.len() / buckets).copied();
        Self::at((1..buckets).filter_map(bound).collect())
    }

    fn at(first: Vec<Entry>) -> Self {
        let mut bounds = Self {
            levels: Vec::new(),
            first,
        };
        if !bounds.first.is_empty() {
            bounds.level(0..bounds.first.len());
        }
        bounds
    }

    /// Makes the level of some bounds, and those of its crowded stretches; returns its number.
    fn level(&mut self, of: Range<usize>) -> usize {
        let (low, high) = (self.first[of.start].0, self.first[of.end - 1].0);
        let wanted = (STRETCHES * of.len()).next_power_of_two();
        let shift = (u128::BITS - (high - low).leading_zeros()).saturating_sub(wanted.ilog2());
        let stretch = |bound: usize| ((self.first[bound].0 - low) >> shift) as usize;
        let mut stretches = Vec::with_capacity(wanted);
        let mut from = of.start;
        for number in 0..=stretch(of.end - 1) {
            let to = from
                + (from..of.end)
                    .take_while(|bound| stretch(*bound) == number)
                    .count();
            stretches.push(Stretch {
                from: from as u32,
                to: to as u32,
                finer: None,
            });
            from = to;
        }
        let here = self.levels.len();
        self.levels.push(Level {
            low,
            shift,
            stretches,
        });
        for number in 0..self.levels[here].stretches.len() {
            let Stretch { from, to, .. } = self.levels[here].stretches[number];
            let crowded = from as usize..to as usize;
            // One stretch that has them all would have itself for a finer one.
            if crowded.len() > FEW && crowded.len() < of.len() {
                let finer = self.level(crowded) as u32;
                self.levels[here].stretches[number].finer = NonZeroU32::new(finer);
            }
        }
        here
    }

    /// The bucket of an entry: the number of bounds that are not greater.
    fn bucket(&self, entry: Entry) -> usize {
        let Some(mut level) = self.levels.first() else {
            return 0;
        };
        loop {
            if entry.0 < level.low {
                return level.stretches[0].from as usize;
            }
            let last = level.stretches.len() - 1;
            let number = ((entry.0 - level.low) >> level.shift).min(last as u128);
            let stretch = level.stretches[number as usize];
            if let Some(finer) = stretch.finer {
                level = &self.levels[finer.get() as usize];
                continue;
            }
            let (from, to) = (stretch.from as usize, stretch.to as usize);
            return from + self.first[from..to].partition_point(|bound| *bound <= entry);
        }
    }
}

/// Whether the last entry before a bucket ties with the first of it.
fn tie_over(spread: &[Spread], bounds: &[Entry], bucket: usize) -> bool {
    let Some(before) = bucket.checked_sub(1) else {
        return false;
    };
    let last = spread.iter().flat_map(|spread| spread.bucket(before)).max();
    last.is_some_and(|last| last.ties_with(bounds[before]))
}

/// Entries of a part, bucket by bucket.
struct Spread {
    entries: Vec<Entry>,
    /// Where each bucket ends.
    ends: Vec<usize>,
}

impl Spread {
    /// `spare` is room to spread over, and the part's own afterwards: the system clears every page that it gives anew.
    fn of(part: Vec<Entry>, bounds: &Bounds, spare: &mut Vec<Entry>) -> Self {
        let buckets: Vec<u16> = part.iter().map(|entry| bounds.bucket(*entry) as u16).collect();
        let mut ends = vec![0; bounds.first.len() + 1];
        for bucket in &buckets {
            ends[usize::from(*bucket)] += 1;
        }
        // Where the next entry of each bucket goes, which is where it ends when all are there.
        let mut before = 0;
        for end in &mut ends {
            before += std::mem::replace(end, before);
        }
        let mut entries = std::mem::take(spare);
        entries.resize(part.len(), Entry(0));
        for (entry, bucket) in part.iter().zip(buckets) {
            let place = &mut ends[usize::from(bucket)];
            entries[*place] = *entry;
            *place += 1;
        }
        *spare = part;
        Self { entries, ends }
    }

    fn bucket(&self, bucket: usize) -> &[Entry] {
        let start = bucket.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.entries[start..self.ends[bucket]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_in_the_bucket_between_its_bounds() {
        // Crowded, far apart, equal but for the row, and alone.
        let numbers = |of: &[u64]| -> Vec<Entry> {
            let entry = |(row, number): (usize, &u64)| Entry::new(row as u32 % 2, *number, row as u32);
            of.iter().enumerate().map(entry).collect()
        };
        let crowded: Vec<u64> = (0..500)
            .map(|i: u64| {
                if i % 7 == 0 {
                    u64::MAX / (i + 1)
                } else {
                    1000 + i / 3
                }
            })
            .collect();
        for of in [&crowded[..], &[5; 40], &[0, u64::MAX], &[3], &[]] {
            let mut first = numbers(of);
            first.sort_unstable();
            let bounds = Bounds::at(first.clone());
            let probes = numbers(&[
                0,
                1,
                999,
                1000,
                1001,
                1166,
                5,
                u64::MAX / 50,
                u64::MAX - 1,
                u64::MAX,
            ]);
            for entry in first.iter().chain(&probes) {
                let bucket = first.partition_point(|bound| bound <= entry);
                assert_eq!(
                    bounds.bucket(*entry),
                    bucket,
                    "{entry:?} among {} bounds",
                    first.len()
                );
            }
        }
    }

    #[test]
    fn spreading_loses_nothing_and_keeps_buckets_apart() {
        let part: Vec<Entry> = (0..1000)
            .map(|row| Entry::new(0, u64::from(row) * 7919 % 1009, row))
            .collect();
        let bounds = Bounds::at(
            [100, 101, 500, 900]
                .map(|number| Entry::new(0, number, 0))
                .to_vec(),
        );
        let spread = Spread::of(part.clone(), &bounds, &mut Vec::new());
        let mut all: Vec<Entry> = Vec::new();
        for bucket in 0..5 {
            let mut these = spread.bucket(bucket).to_vec();
            these.sort_unstable();
            all.extend(these);
        }
        let mut sorted = part;
        sorted.sort_unstable();
        assert_eq!(all, sorted);
    }
}

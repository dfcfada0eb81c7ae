//! Sorts rows by any expressions, with sixteen bytes a row: number after number of their keys, each for those rows alone that are still equal.
//!
//! The first numbers ([`keys`]) of all rows are gathered by several threads and spread over buckets, whose bounds a sample gives; then each bucket is
//! sorted, in a core's cache. Texts that are longer than a number holds, and further keys, are looked at for the rows that tie.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::UInt64Type;

use super::CatalogError;
use super::catalog::Inner;
use super::expression::{Plan, SortKey};
use super::keys::{self, Alphabet, Bytes, Kind};
use super::sweep::{Part, Queue, Watch, in_threads, threads};

/// The rows of a plan in the order of its keys, ties by row; the first `limit` of them. `None` where the watch stopped it.
pub(super) fn sort(
    inner: &Inner,
    plan: &Plan,
    limit: u64,
    watch: &Watch,
) -> Result<Option<Vec<u64>>, CatalogError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut order: Vec<u64> = Vec::new();
    let mut ties: Option<Vec<Range<usize>>> = None;
    // The first look at all rows is most of the work; where there are ties, what is left of it is halved again and again.
    let mut left = 1.0;
    for (n, key) in plan.keys.iter().enumerate() {
        let mut column = Column::new(inner, plan, key)?;
        let mut again = ties.take();
        let mut equal = Vec::new();
        while again.as_ref().is_none_or(|ties| !ties.is_empty()) {
            let share = 1.0 - left..1.0 - left * 0.2;
            left *= 0.2;
            let tied = again.as_ref().map(|ties| Tied::of(inner, &order, ties));
            let watch = watch.step(share);
            let Some(gathered) = column.gather(tied.as_ref(), &watch.step(0.0..0.6))? else {
                return Ok(None);
            };
            let starts = again.map_or_else(|| vec![0], |ties| ties.iter().map(|tie| tie.start).collect());
            // Rows behind the limit need no order, unless they may tie with one before it.
            let wanted = match tied {
                None => limit,
                Some(_) => usize::MAX,
            };
            let Some(sorted) = sorted(gathered.entries, wanted, &watch.step(0.6..1.0)) else {
                return Ok(None);
            };
            let mut placed = place(&mut order, &starts, &sorted, gathered.nulls, key, gathered.texts);
            placed.open.retain(|tie| tie.start < limit);
            again = Some(placed.open);
            if n + 1 < plan.keys.len() {
                equal.extend(placed.equal.into_iter().filter(|tie| tie.start < limit));
            }
            column.from += column.alphabet.length;
        }
        ties = Some(equal);
    }
    order.truncate(limit);
    Ok(Some(order))
}

/// Tie, number and row, most significant first: compared as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry(u128);

impl Entry {
    fn new(tie: u32, number: u64, row: u32) -> Self {
        Self(u128::from(tie) << 96 | u128::from(number) << 32 | u128::from(row))
    }

    fn tie(self) -> u32 {
        (self.0 >> 96) as u32
    }

    fn number(self) -> u64 {
        (self.0 >> 32) as u64
    }

    fn row(self) -> u32 {
        self.0 as u32
    }

    /// Equal but for the row.
    fn ties_with(self, other: Self) -> bool {
        self.0 >> 32 == other.0 >> 32
    }
}

/// Rows that are equal so far.
struct Tied {
    /// Of every row of the catalog: which tie it belongs to, from 1 on.
    ties: Vec<u32>,
    /// Which parts of the table have any.
    parts: Vec<Part>,
}

impl Tied {
    fn of(inner: &Inner, order: &[u64], ties: &[Range<usize>]) -> Self {
        let all = inner.parts();
        let mut has = vec![false; all.len()];
        let mut of_row = vec![0; inner.rows as usize];
        for (tie, range) in ties.iter().enumerate() {
            for row in &order[range.clone()] {
                of_row[*row as usize] = tie as u32 + 1;
                has[all.partition_point(|part| part.rows.end <= *row)] = true;
            }
        }
        let parts = all.into_iter().zip(has).filter(|(_, has)| *has);
        Self {
            ties: of_row,
            parts: parts.map(|(part, _)| part).collect(),
        }
    }
}

/// The numbers of rows, by part.
#[derive(Default)]
struct Gathered {
    entries: Vec<Vec<Entry>>,
    /// Tie and row of what has no value.
    nulls: Vec<(u32, u32)>,
    /// They are numbers of texts, which may go on.
    texts: bool,
}

/// What one part of the table has to give.
#[derive(Default)]
struct Given {
    entries: Vec<Entry>,
    nulls: Vec<(u32, u32)>,
    texts: bool,
    /// Letters that the alphabet lacks.
    foreign: Option<Box<Bytes>>,
}

/// A key that is looked at.
struct Column<'a> {
    inner: &'a Inner,
    plan: &'a Plan,
    key: &'a SortKey,
    alphabet: Alphabet,
    /// The letter of a text from which on it is looked at.
    from: usize,
}

impl<'a> Column<'a> {
    fn new(inner: &'a Inner, plan: &'a Plan, key: &'a SortKey) -> Result<Self, CatalogError> {
        if u32::try_from(inner.rows).is_err() {
            let most = u32::MAX;
            return Err(key
                .value
                .unordered(inner, format!("only {most} rows can be sorted")));
        }
        // The letters of a few texts are those of all, as a rule.
        let mut there = [false; 256];
        let parts = inner.parts();
        for part in [parts.first(), parts.get(parts.len() / 2), parts.last()]
            .into_iter()
            .flatten()
        {
            let Some(batch) = inner.glance(&plan.fields, part)? else {
                continue;
            };
            let values = key.value.of(inner, &batch)?;
            if Kind::of(values.data_type()) == Some(Kind::Text) {
                let values = Kind::Text.plain(&values).map_err(|e| inner.broken(e))?;
                let texts = values.as_string::<i32>().iter().flatten();
                texts.for_each(|text| keys::gather_bytes(text.as_bytes(), &mut there));
            }
        }
        Ok(Self {
            inner,
            plan,
            key,
            alphabet: Alphabet::of(&there),
            from: 0,
        })
    }

    /// The numbers of all rows, or of those that tie.
    fn gather(&mut self, tied: Option<&Tied>, watch: &Watch) -> Result<Option<Gathered>, CatalogError> {
        let all;
        let parts = match tied {
            Some(tied) => &tied.parts,
            None => {
                all = self.inner.parts();
                &all
            }
        };
        loop {
            let foreign = AtomicBool::new(false);
            let given = self.inner.sweep(
                &self.plan.fields,
                parts,
                watch,
                || false,
                |part, batch, given| self.look(part, batch, tied, &foreign, given),
            )?;
            let Some(given) = given else {
                return Ok(None);
            };
            if !foreign.into_inner() {
                let mut gathered = Gathered::default();
                for part in given {
                    gathered.texts |= part.texts;
                    gathered.entries.push(part.entries);
                    gathered.nulls.extend(part.nulls);
                }
                return Ok(Some(gathered));
            }
            // Now all letters are known.
            let mut there = self.alphabet.letters();
            for part in given.into_iter().filter_map(|part| part.foreign) {
                there
                    .iter_mut()
                    .zip(*part)
                    .for_each(|(there, here)| *there |= here);
            }
            self.alphabet = Alphabet::of(&there);
        }
    }

    fn look(
        &self,
        part: &Part,
        batch: &RecordBatch,
        tied: Option<&Tied>,
        foreign: &AtomicBool,
        given: &mut Given,
    ) -> Result<(), CatalogError> {
        let damaged = |e| self.inner.broken(e);
        let batch = match (tied, &self.plan.condition) {
            (Some(tied), _) => {
                let rows = batch.column(0).as_primitive::<UInt64Type>().values();
                let those: BooleanArray = rows
                    .iter()
                    .map(|row| Some(tied.ties[*row as usize] > 0))
                    .collect();
                filter_record_batch(batch, &those).map_err(damaged)?
            }
            (None, Some(condition)) => {
                filter_record_batch(batch, &condition.holds(self.inner, batch)?).map_err(damaged)?
            }
            (None, None) => {
                if given.entries.is_empty() {
                    given
                        .entries
                        .reserve_exact((part.rows.end - part.rows.start) as usize);
                }
                batch.clone()
            }
        };
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let values = self.key.value.of(self.inner, &batch)?;
        let kind = Kind::of(values.data_type());
        let Some(kind) = kind else {
            let reason = format!("values of this kind ({}) have no order here", values.data_type());
            return Err(self.key.value.unordered(self.inner, reason));
        };
        let values = kind.plain(&values).map_err(damaged)?;
        let rows = batch.column(0).as_primitive::<UInt64Type>().values();
        // The number of rows was looked at in the beginning.
        let row = |place: usize| rows[place] as u32;
        let tie = |place: usize| tied.map_or(0, |tied| tied.ties[rows[place] as usize] - 1);
        let mask = if self.key.descending { u64::MAX } else { 0 };
        let (entries, nulls) = (&mut given.entries, &mut given.nulls);
        let mut give = |place: usize, number: Option<u64>| match number {
            Some(number) => entries.push(Entry::new(tie(place), number ^ mask, row(place))),
            None => nulls.push((tie(place), row(place))),
        };
        if kind != Kind::Text {
            keys::numbers(&values, give);
            return Ok(());
        }
        given.texts = true;
        let texts = values.as_string::<i32>();
        for place in 0..texts.len() {
            if texts.is_null(place) {
                give(place, None);
                continue;
            }
            let text = texts.value(place).as_bytes();
            match self.alphabet.number(text, self.from) {
                Some(number) if !foreign.load(Ordering::Relaxed) => give(place, Some(number)),
                Some(_) => (),
                None => {
                    foreign.store(true, Ordering::Relaxed);
                    let there = given.foreign.get_or_insert_with(|| Box::new([false; 256]));
                    keys::gather_bytes(text, there);
                }
            }
        }
        Ok(())
    }
}

/// Entries of a bucket, about: so many are sorted in a core's cache.
const BUCKET: usize = 16_384;
/// Entries of the sample, for each bucket.
const SAMPLED: usize = 16;

/// The entries in order, bucket by bucket; of the first buckets, as many as have the `wanted` first entries and what ties with them. `None`
/// where the watch stopped it.
fn sorted(parts: Vec<Vec<Entry>>, wanted: usize, watch: &Watch) -> Option<Vec<Vec<Entry>>> {
    let bounds = Bounds::of(&parts);
    let queue = Queue::new(parts.into_iter());
    let spread = in_threads(threads(), || {
        let mut spread = Vec::new();
        while let Some(part) = queue.take() {
            spread.push(Spread::of(part, &bounds));
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

/// Where the buckets begin.
struct Bounds {
    /// The first entries of all buckets but the first.
    first: Vec<Entry>,
    /// Of all stretches of equal length between the first bound and the last one: the bounds that lie before it. Most stretches lie in one bucket, and most
    /// others have one bound.
    before: Vec<u32>,
    /// The length of a stretch is a power of two.
    shift: u32,
}

/// Stretches of [`Bounds`], at most.
const STRETCHES: usize = 1 << 14;

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
        let range = match (first.first(), first.last()) {
            (Some(low), Some(high)) => high.0 - low.0,
            _ => 0,
        };
        let shift = (u128::BITS - range.leading_zeros()).saturating_sub(STRETCHES.ilog2());
        let stretches = (range >> shift) as usize + 1;
        let mut bounds = Self {
            before: vec![0; stretches + 1],
            first,
            shift,
        };
        for at in 0..bounds.first.len() {
            let stretch = bounds.stretch(bounds.first[at]);
            bounds.before[stretch + 1] = at as u32 + 1;
        }
        // Of a stretch without a bound: those of the one before.
        for stretch in 1..bounds.before.len() {
            bounds.before[stretch] = bounds.before[stretch].max(bounds.before[stretch - 1]);
        }
        bounds
    }

    /// The stretch of an entry that is not before the first bound nor in a stretch behind the last one.
    fn stretch(&self, entry: Entry) -> usize {
        ((entry.0 - self.first[0].0) >> self.shift) as usize
    }

    /// The bucket of an entry: the number of bounds that are not greater.
    fn bucket(&self, entry: Entry) -> usize {
        match self.first.first() {
            None => 0,
            Some(low) if entry < *low => 0,
            Some(_) => {
                let stretch = self.stretch(entry).min(self.before.len() - 2);
                let (from, to) = (self.before[stretch] as usize, self.before[stretch + 1] as usize);
                from + self.first[from..to].partition_point(|bound| *bound <= entry)
            }
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
    fn of(part: Vec<Entry>, bounds: &Bounds) -> Self {
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
        let mut entries = vec![Entry(0); part.len()];
        for (entry, bucket) in part.into_iter().zip(buckets) {
            let place = &mut ends[usize::from(bucket)];
            entries[*place] = entry;
            *place += 1;
        }
        Self { entries, ends }
    }

    fn bucket(&self, bucket: usize) -> &[Entry] {
        let start = bucket.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.entries[start..self.ends[bucket]]
    }
}

/// What is still equal after rows were put in their places.
#[derive(Default)]
struct Placed {
    /// Equal in this key to its end.
    equal: Vec<Range<usize>>,
    /// Texts that are equal so far and go on.
    open: Vec<Range<usize>>,
}

/// Writes the rows of each tie, which starts at its place of the list, in their order.
fn place(
    order: &mut Vec<u64>,
    starts: &[usize],
    sorted: &[Vec<Entry>],
    mut nulls: Vec<(u32, u32)>,
    key: &SortKey,
    texts: bool,
) -> Placed {
    if order.is_empty() {
        order.resize(sorted.iter().map(Vec::len).sum::<usize>() + nulls.len(), 0);
    }
    nulls.sort_unstable();
    let mut placed = Placed::default();
    let mask = if key.descending { 1 } else { 0 };
    let mut close = |run: Option<(Entry, usize)>, end: usize| {
        let Some((entry, start)) = run.filter(|(_, start)| end - start > 1) else {
            return;
        };
        match texts && keys::is_open(entry.number() ^ mask) {
            true => placed.open.push(start..end),
            false => placed.equal.push(start..end),
        }
    };
    let mut entries = sorted.iter().flatten().peekable();
    let mut rest = nulls.as_slice();
    // Rows without a value are equal.
    let mut alike = Vec::new();
    for (tie, start) in starts.iter().enumerate() {
        let tie = tie as u32;
        let (without, others) = rest.split_at(rest.partition_point(|(other, _)| *other <= tie));
        rest = others;
        let mut at = start + if key.nulls_first { without.len() } else { 0 };
        let mut run: Option<(Entry, usize)> = None;
        while let Some(entry) = entries.next_if(|entry| entry.tie() == tie) {
            order[at] = u64::from(entry.row());
            if !run.is_some_and(|(first, _)| first.ties_with(*entry)) {
                close(run, at);
                run = Some((*entry, at));
            }
            at += 1;
        }
        close(run, at);
        let nothing = if key.nulls_first { *start } else { at };
        for (place, (_, row)) in without.iter().enumerate() {
            order[nothing + place] = u64::from(*row);
        }
        if without.len() > 1 {
            alike.push(nothing..nothing + without.len());
        }
    }
    placed.equal.append(&mut alike);
    placed.equal.sort_unstable_by_key(|tie| tie.start);
    placed
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
        let spread = Spread::of(part.clone(), &bounds);
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

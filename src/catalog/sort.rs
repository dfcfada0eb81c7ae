//! Sorts rows by any expressions, with sixteen bytes a row: number after number of their keys, each for those rows alone that are still equal.
//!
//! The first numbers ([`keys`]) of all rows are gathered by several threads and spread over buckets, whose bounds a sample gives; then each bucket is
//! sorted, in a core's cache. Texts that are longer than a number holds, and further keys, are looked at for the rows that tie.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::UInt64Type;

use super::CatalogError;
use super::buckets::{Entry, sorted};
use super::catalog::Inner;
use super::expression::{Plan, SortKey};
use super::keys::{self, Alphabet, Bytes, Kind};
use super::sweep::{Part, Watch};

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

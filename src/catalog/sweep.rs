//! Goes through the whole table with several threads, each of which takes the next rows when it has done with its last.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::FieldRef;

use super::catalog::Inner;
use super::table::TableScan;
use super::{CatalogError, Stop};

/// Rows that a thread takes at once, about: enough that taking them costs nothing, few enough that all threads end together.
const PART_ROWS: u64 = 131_072;

/// Consecutive row groups of a file.
#[derive(Debug, Clone)]
pub(super) struct Part {
    file: usize,
    groups: Range<usize>,
    /// Their rows' numbers in the catalog.
    pub rows: Range<u64>,
}

/// Who waits for a long work: may end it, and hears which share of it is done.
#[derive(Clone)]
pub(super) struct Watch<'a> {
    pub stop: &'a Stop,
    pub told: &'a (dyn Fn(f64) + Sync),
    /// Of the whole work, what this watch is of.
    pub share: Range<f64>,
}

impl Watch<'_> {
    /// The watch of a step of this work, which takes so much of it.
    pub(super) fn step(&self, of: Range<f64>) -> Self {
        let at = |place: f64| self.share.start + place * (self.share.end - self.share.start);
        Self {
            share: at(of.start)..at(of.end),
            ..self.clone()
        }
    }

    /// So many of so many are done.
    pub(super) fn tell(&self, done: u64, total: u64) {
        let within = done as f64 / total.max(1) as f64;
        (self.told)(self.share.start + within * (self.share.end - self.share.start));
    }
}

/// As many threads as are of use. They are threads of their own, because a query is waited for while a training has all of rayon's.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
}

impl Inner {
    /// All rows, in parts.
    pub(super) fn parts(&self) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for (number, file) in self.files.iter().enumerate() {
            for group in 0..file.row_groups() {
                let rows = file.row_number(group, 0)..file.row_number(group + 1, 0);
                match parts.last_mut() {
                    Some(part) if part.file == number && rows.end - part.rows.start <= PART_ROWS => {
                        (part.groups.end, part.rows.end) = (group + 1, rows.end);
                    }
                    _ => parts.push(Part {
                        file: number,
                        groups: group..group + 1,
                        rows,
                    }),
                }
            }
        }
        parts
    }

    /// The first rows of a part.
    pub(super) fn glance(
        &self,
        fields: &[FieldRef],
        part: &Part,
    ) -> Result<Option<RecordBatch>, CatalogError> {
        const FEW: usize = 1024;
        let mut scan = TableScan::new(&self.files[part.file], fields, part.groups.clone(), FEW)?;
        scan.next().transpose()
    }

    /// Hands the columns of all rows of these parts to `each`, a batch at a time with what became of the part so far. Parts are begun in
    /// their order, and none is begun any more when there is `enough`.
    ///
    /// Returns what became of each part that was begun, in their order; `None` where the watch stopped it.
    pub(super) fn sweep<T: Default + Send>(
        &self,
        fields: &[FieldRef],
        parts: &[Part],
        watch: &Watch,
        enough: impl Fn() -> bool + Sync,
        each: impl Fn(&Part, &RecordBatch, &mut T) -> Result<(), CatalogError> + Sync,
    ) -> Result<Option<Vec<T>>, CatalogError> {
        let (next, failed, done) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicU64::new(0));
        let total = parts.iter().map(|part| part.rows.end - part.rows.start).sum();
        let over = || failed.load(Ordering::Relaxed) || watch.stop.is_asked();
        let through = |part: &Part| -> Result<T, CatalogError> {
            let mut made = T::default();
            let file = &self.files[part.file];
            for batch in TableScan::new(file, fields, part.groups.clone(), usize::MAX)? {
                let batch = batch?;
                each(part, &batch, &mut made)?;
                let rows = batch.num_rows() as u64;
                watch.tell(done.fetch_add(rows, Ordering::Relaxed) + rows, total);
                if over() {
                    break;
                }
            }
            Ok(made)
        };
        let made = in_threads(threads().min(parts.len()), || {
            let mut made = Vec::new();
            while !over() && !enough() {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(part) = parts.get(number) else { break };
                match through(part) {
                    Ok(one) => made.push((number, one)),
                    Err(error) => {
                        failed.store(true, Ordering::Relaxed);
                        return Err(error);
                    }
                }
            }
            Ok(made)
        });
        let mut all = Vec::with_capacity(parts.len());
        for made in made {
            all.extend(made?);
        }
        if watch.stop.is_asked() {
            return Ok(None);
        }
        all.sort_unstable_by_key(|(number, _)| *number);
        Ok(Some(all.into_iter().map(|(_, made)| made).collect()))
    }
}

/// Does the same in so many threads, of which this one is the first.
pub(super) fn in_threads<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(&work)).collect();
        let mut all = vec![work()];
        for other in others {
            match other.join() {
                Ok(made) => all.push(made),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}

/// What several threads take one after the other.
pub(super) struct Queue<I>(Mutex<I>);

impl<I: Iterator> Queue<I> {
    pub(super) fn new(items: I) -> Self {
        Self(Mutex::new(items))
    }

    pub(super) fn take(&self) -> Option<I::Item> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .next()
    }
}

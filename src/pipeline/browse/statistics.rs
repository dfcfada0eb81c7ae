//! What the values of a column are like.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use rayon::slice::ParallelSliceMut;
use serde::Serialize;

use super::cell::values;
use super::{Browser, ColumnInfo, ColumnKind, Histogram, Rows, Value, stop};
use crate::catalog::CatalogError;
use crate::pipeline::{CancelToken, PipelineError};
use crate::spectrum::order::quantile_of_sorted;

/// Different texts that are told apart and counted; of more, only that they are more is known.
const MAX_TEXTS: usize = 100_000;
/// Integers with so many different values or fewer are counted by value.
const FEW: usize = 64;
/// The most frequent values that are named.
const TOP: usize = 20;

/// A column over some rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnStatistics {
    pub column: ColumnInfo,
    /// Rows looked at.
    pub rows: u64,
    /// Of these, rows with a value.
    pub count: u64,
    pub nulls: u64,
    /// Different values; `None` where they are too many to count.
    pub distinct: Option<u64>,
    /// Of a column of numbers with a finite value.
    pub numbers: Option<Numbers>,
    /// First and last text in the alphabet (of bytes).
    pub texts: Option<(String, String)>,
    /// The most frequent values, the most frequent first; of columns with few values.
    pub top: Vec<TopValue>,
}

/// Finite values in numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Numbers {
    /// Infinite values, which the rest leaves out.
    pub infinite: u64,
    pub min: f64,
    pub max: f64,
    pub mean: f64,
    /// Standard deviation of the values themselves (divided by their number).
    pub std: f64,
    pub p1: f64,
    pub p16: f64,
    pub p50: f64,
    pub p84: f64,
    pub p99: f64,
    pub histogram: Histogram,
}

/// A value and how often it comes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopValue {
    pub value: Value,
    pub count: u64,
}

impl Browser {
    /// Statistics of a column (any case) over some rows; `None` when cancelled. Percentiles are exact: it takes 8 bytes a row.
    ///
    /// Errors: an unknown column (with a suggestion); a damaged file.
    pub fn statistics(
        &self,
        column: &str,
        rows: &Rows,
        cancel: &CancelToken,
    ) -> Result<Option<ColumnStatistics>, PipelineError> {
        let columns = self.columns();
        let info = columns
            .iter()
            .find(|info| info.name.eq_ignore_ascii_case(column))
            .ok_or_else(|| {
                let known = columns.iter().map(|info| info.name.as_str());
                CatalogError::unknown_column(column, known)
            })?;
        let mut tally = Tally::new(info);
        let listed: Option<Vec<u64>> = match rows {
            Rows::All(rows) if *rows == self.len() => None,
            rows => Some(rows.slice(0, usize::MAX)),
        };
        let ended = self
            .catalog
            .scan_rows(&[&info.name], listed.as_deref(), &stop(cancel), |batch| {
                tally.add(batch)
            })?;
        Ok(ended.then(|| tally.finish()).filter(|_| !cancel.is_cancelled()))
    }
}

/// Values as they come in.
struct Tally {
    column: ColumnInfo,
    rows: u64,
    nulls: u64,
    infinite: u64,
    numbers: Vec<f64>,
    texts: HashMap<String, u64>,
    /// More texts than are told apart.
    overflow: bool,
    ends: Option<(String, String)>,
}

impl Tally {
    fn new(column: &ColumnInfo) -> Self {
        Self {
            column: column.clone(),
            rows: 0,
            nulls: 0,
            infinite: 0,
            numbers: Vec::new(),
            texts: HashMap::new(),
            overflow: false,
            ends: None,
        }
    }

    fn add(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows() as u64;
        if self.column.kind.right_aligned() && self.add_numbers(batch) {
            return;
        }
        for value in values(batch.column(0)) {
            match (value, self.column.kind) {
                (Value::Null, _) => self.nulls += 1,
                // An integer too wide for its kind is the text of one.
                (Value::Text(text), ColumnKind::Integer) => self.numbers.extend(text.parse::<f64>()),
                (value, kind) if kind.right_aligned() => match value.number() {
                    Some(number) if number.is_finite() => self.numbers.push(number),
                    _ => self.infinite += 1,
                },
                (value, _) => self.add_text(value.in_full()),
            }
        }
    }

    /// The quick way, without a [`Value`] a row; `false` where the type has none.
    fn add_numbers(&mut self, batch: &RecordBatch) -> bool {
        use arrow::array::{Array, AsArray};
        use arrow::compute::cast;
        use arrow::datatypes::{DataType, Float64Type};
        let Ok(numbers) = cast(batch.column(0), &DataType::Float64) else {
            return false;
        };
        if numbers.null_count() != batch.column(0).null_count() {
            return false;
        }
        let numbers = numbers.as_primitive::<Float64Type>();
        self.nulls += numbers.null_count() as u64;
        for number in numbers.iter().flatten() {
            match number.is_finite() {
                true => self.numbers.push(number),
                false => self.infinite += 1,
            }
        }
        true
    }

    fn add_text(&mut self, text: String) {
        match &mut self.ends {
            None => self.ends = Some((text.clone(), text.clone())),
            Some((first, _)) if text < *first => *first = text.clone(),
            Some((_, last)) if text > *last => *last = text.clone(),
            Some(_) => {}
        }
        if let Some(count) = self.texts.get_mut(&text) {
            *count += 1;
        } else if self.texts.len() < MAX_TEXTS {
            self.texts.insert(text, 1);
        } else {
            self.overflow = true;
        }
    }

    fn finish(mut self) -> ColumnStatistics {
        let count = self.rows - self.nulls;
        let (distinct, top, numbers) = if self.column.kind.right_aligned() {
            self.numbers.par_sort_unstable_by(f64::total_cmp);
            let whole = self.column.kind == ColumnKind::Integer;
            let values = by_value(&self.numbers);
            let top = match whole && values.len() <= FEW {
                true => most_frequent(
                    values
                        .iter()
                        .map(|(value, count)| (Value::Integer(*value as i64), *count)),
                ),
                false => Vec::new(),
            };
            let distinct = match values.len() > FEW {
                true => 1 + self.numbers.windows(2).filter(|pair| pair[0] != pair[1]).count(),
                false => values.len(),
            };
            let numbers = numbers_of(&self.numbers, self.infinite, whole);
            (Some(distinct as u64), top, numbers)
        } else if self.overflow {
            (None, Vec::new(), None)
        } else {
            let boolean = self.column.kind == ColumnKind::Boolean;
            let value = |text: String| match boolean {
                true => Value::Boolean(text == "true"),
                false => Value::Text(text),
            };
            let distinct = self.texts.len();
            // Where every text comes once or twice, none is frequent.
            let top = match distinct as u64 * 2 > count && distinct > FEW {
                true => Vec::new(),
                false => most_frequent(self.texts.drain().map(|(text, count)| (value(text), count))),
            };
            (Some(distinct as u64), top, None)
        };
        ColumnStatistics {
            column: self.column,
            rows: self.rows,
            count,
            nulls: self.nulls,
            distinct,
            numbers,
            texts: self.ends,
            top,
        }
    }
}

/// The first values of a sorted list with how often each comes: all of them where they are few, else one more than few.
fn by_value(sorted: &[f64]) -> Vec<(f64, u64)> {
    let mut values = Vec::new();
    let mut from = 0;
    while from < sorted.len() && values.len() <= FEW {
        let value = sorted[from];
        let to = from + sorted[from..].partition_point(|other| *other <= value);
        values.push((value, (to - from) as u64));
        from = to;
    }
    values
}

/// The most frequent first; the same number by value.
fn most_frequent(values: impl Iterator<Item = (Value, u64)>) -> Vec<TopValue> {
    let mut values: Vec<TopValue> = values.map(|(value, count)| TopValue { value, count }).collect();
    values.sort_by(|a, b| {
        let alphabet = || match (a.value.number(), b.value.number()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => a.value.in_full().cmp(&b.value.in_full()),
        };
        b.count.cmp(&a.count).then_with(alphabet)
    });
    values.truncate(TOP);
    values
}

fn numbers_of(sorted: &[f64], infinite: u64, whole: bool) -> Option<Numbers> {
    let histogram = Histogram::of(sorted, whole)?;
    let n = sorted.len() as f64;
    // Differences from a value in the middle do not cancel as sums of squares would.
    let middle = sorted[sorted.len() / 2];
    let mean = middle + sorted.iter().map(|v| v - middle).sum::<f64>() / n;
    let variance = sorted.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    let at = |share: f64| quantile_of_sorted(sorted, share).expect("a histogram has values");
    Some(Numbers {
        infinite,
        min: sorted[0],
        max: sorted[sorted.len() - 1],
        mean,
        std: variance.sqrt(),
        p1: at(0.01),
        p16: at(0.16),
        p50: at(0.5),
        p84: at(0.84),
        p99: at(0.99),
        histogram,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_agree_with_numpy() {
        // numpy.percentile([1, 2, 4, 8, 16], [1, 16, 50, 84, 99]), mean and std.
        let numbers = numbers_of(&[1.0, 2.0, 4.0, 8.0, 16.0], 0, false).unwrap();
        let expected = [
            (numbers.p1, 1.04),
            (numbers.p16, 1.64),
            (numbers.p50, 4.0),
            (numbers.p84, 10.88),
            (numbers.p99, 15.68),
            (numbers.mean, 6.2),
            (numbers.std, 5.455272678794342),
        ];
        for (ours, numpy) in expected {
            assert!((ours - numpy).abs() < 1e-12, "{ours} {numpy}");
        }
        assert_eq!(numbers_of(&[], 3, false), None);
    }

    #[test]
    fn a_large_offset_does_not_take_the_scatter_away() {
        let sorted: Vec<f64> = (0..100).map(|i| 59_000.0 * 1e6 + f64::from(i)).collect();
        let numbers = numbers_of(&sorted, 0, false).unwrap();
        assert!((numbers.std - 28.866070047722118).abs() < 1e-9, "{}", numbers.std);
    }

    #[test]
    fn values_are_counted_by_frequency_and_then_by_value() {
        let sorted = [0.0, 0.0, 1.0, 4.0, 4.0, 5.0];
        let counted = by_value(&sorted);
        assert_eq!(counted, [(0.0, 2), (1.0, 1), (4.0, 2), (5.0, 1)]);
        let values = counted.iter().map(|(v, n)| (Value::Integer(*v as i64), *n));
        let top: Vec<Value> = most_frequent(values).into_iter().map(|top| top.value).collect();
        assert_eq!(top, [0, 4, 1, 5].map(Value::Integer));
    }
}

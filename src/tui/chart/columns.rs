//! Samples to columns of dots: of all that fall into one, the lowest and the highest.
//!
//! Source: the min-max aggregation of Jugel et al. 2014, PVLDB 7, 797, with the straight lines between neighboring columns.

use crate::figure::{Axis, Series, Shape};

/// The range of a curve in each column of dots, in rows of dots from the top; empty where `low > high`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Columns {
    pub ranges: Vec<(f64, f64)>,
}

/// A sample among the dots: column and row, not rounded.
type Point = (f64, f64);

impl Columns {
    pub(super) fn of(series: &Series, x: &Axis, y: &Axis, dots: (usize, usize)) -> Self {
        let (width, height) = (dots.0 as f64, dots.1 as f64);
        let mut columns = Self {
            ranges: vec![(f64::INFINITY, f64::NEG_INFINITY); dots.0],
        };
        let steps = matches!(series.shape, Shape::Step);
        let mut before: Option<Point> = None;
        for (value, level) in series.x.iter().zip(&series.y) {
            let point = (x.fraction(*value) * width, (1.0 - y.fraction(*level)) * height);
            if !(point.0.is_finite() && point.1.is_finite()) {
                before = None;
                continue;
            }
            columns.point(point);
            if let Some(before) = before {
                if steps {
                    columns.step(before, point);
                } else {
                    columns.line(before, point);
                }
            }
            before = Some(point);
        }
        columns
    }

    fn extend(&mut self, column: usize, a: f64, b: f64) {
        if let Some(range) = self.ranges.get_mut(column) {
            range.0 = range.0.min(a).min(b);
            range.1 = range.1.max(a).max(b);
        }
    }

    fn point(&mut self, (x, y): Point) {
        let width = self.ranges.len();
        if (0.0..=width as f64).contains(&x) {
            // the far end belongs to the last column
            self.extend((x as usize).min(width.saturating_sub(1)), y, y);
        }
    }

    fn line(&mut self, a: Point, b: Point) {
        let (a, b) = if a.0 <= b.0 { (a, b) } else { (b, a) };
        let width = self.ranges.len();
        if b.0 < 0.0 || a.0 >= width as f64 {
            return;
        }
        let (first, last) = (a.0.max(0.0) as usize, (b.0 as usize).min(width.saturating_sub(1)));
        if first == last && a.0 >= 0.0 && b.0 < width as f64 {
            self.extend(first, a.1, b.1);
            return;
        }
        let slope = (b.1 - a.1) / (b.0 - a.0);
        let at = |x: f64| {
            if x >= b.0 {
                b.1
            } else {
                a.1 + (x - a.0).max(0.0) * slope
            }
        };
        for column in first..=last {
            let left = column as f64;
            self.extend(column, at(left.max(a.0)), at(left + 1.0));
        }
    }

    /// A level for each sample to half-way, where they are wide enough to show it.
    fn step(&mut self, a: Point, b: Point) {
        if (b.0 - a.0).abs() < 2.0 {
            self.line(a, b);
            return;
        }
        let middle = (a.0 + b.0) / 2.0;
        self.line(a, (middle, a.1));
        self.line((middle, b.1), b);
        if (0.0..self.ranges.len() as f64).contains(&middle) {
            self.extend(middle as usize, a.1, b.1);
        }
    }

    /// The dots of a column within `height` rows, both ends included; `None` where the curve is not in sight.
    pub(super) fn stroke(&self, column: usize, height: usize) -> Option<(usize, usize)> {
        let (low, high) = *self.ranges.get(column)?;
        let last = height.checked_sub(1)?;
        let in_sight = low <= high && high >= -EDGE && low <= height as f64 + EDGE;
        in_sight.then(|| {
            (
                (low.max(0.0) as usize).min(last),
                (high.max(0.0) as usize).min(last),
            )
        })
    }
}

/// Rounding may put what lies on the frame just beyond it.
const EDGE: f64 = 1e-6;

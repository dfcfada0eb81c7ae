//! Fewer points for the same picture.
//!
//! A spectrum has more pixels than the page; joining every n-th would lose narrow lines. Of the points that share a column of
//! the page, the first, the lowest, the highest and the last are kept: the drawn curve covers the same places.
//!
//! Source: the M4 aggregation of Jugel et al. 2014, PVLDB 7, 797.

/// A point on the page.
pub(super) type Point = (f64, f64);

/// The pieces of a curve between gaps (points that are not finite), thinned to four points a column of width `column`.
///
/// `points` has ascending abscissae; the result keeps their order.
pub(super) fn line(points: impl Iterator<Item = Point>, column: f64) -> Vec<Vec<Point>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<Point> = Vec::new();
    let mut bin = Bin::default();
    for point in points {
        if !(point.0.is_finite() && point.1.is_finite()) {
            bin.flush(&mut piece);
            if !piece.is_empty() {
                pieces.push(std::mem::take(&mut piece));
            }
            continue;
        }
        let key = (point.0 / column).floor();
        if bin.key != Some(key) {
            bin.flush(&mut piece);
            bin.key = Some(key);
        }
        bin.add(point);
    }
    bin.flush(&mut piece);
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// The points of one column: first, lowest, highest and last, each with its order.
#[derive(Default)]
struct Bin {
    key: Option<f64>,
    count: usize,
    first: Point,
    last: Point,
    lowest: (usize, Point),
    highest: (usize, Point),
}

impl Bin {
    fn add(&mut self, point: Point) {
        if self.count == 0 {
            self.first = point;
            self.lowest = (0, point);
            self.highest = (0, point);
        }
        if point.1 < self.lowest.1.1 {
            self.lowest = (self.count, point);
        }
        if point.1 > self.highest.1.1 {
            self.highest = (self.count, point);
        }
        self.last = point;
        self.count += 1;
    }

    fn flush(&mut self, piece: &mut Vec<Point>) {
        if self.count > 0 {
            piece.push(self.first);
            let (a, b) = if self.lowest.0 <= self.highest.0 {
                (self.lowest, self.highest)
            } else {
                (self.highest, self.lowest)
            };
            for (order, point) in [a, b] {
                if order > 0 && order + 1 < self.count && piece.last() != Some(&point) {
                    piece.push(point);
                }
            }
            if self.count > 1 {
                piece.push(self.last);
            }
        }
        self.count = 0;
        self.key = None;
    }
}

/// The pieces of an envelope, one `(x, lowest, highest)` a column; points that are not finite make gaps.
pub(super) fn envelope(
    points: impl Iterator<Item = (f64, f64, f64)>,
    column: f64,
) -> Vec<Vec<(f64, f64, f64)>> {
    let mut pieces: Vec<Vec<(f64, f64, f64)>> = Vec::new();
    let mut piece: Vec<(f64, f64, f64)> = Vec::new();
    let mut last_key = None;
    for (x, low, high) in points {
        if !(x.is_finite() && low.is_finite() && high.is_finite()) {
            if !piece.is_empty() {
                pieces.push(std::mem::take(&mut piece));
            }
            last_key = None;
            continue;
        }
        let key = (x / column).floor();
        match piece.last_mut() {
            Some(open) if last_key == Some(key) => {
                open.1 = open.1.min(low);
                open.2 = open.2.max(high);
            }
            _ => piece.push((x, low, high)),
        }
        last_key = Some(key);
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// The parts of a polyline between the heights `top` and `bottom` (`top < bottom`), cut where it crosses them.
pub(super) fn clip(piece: &[Point], top: f64, bottom: f64) -> Vec<Vec<Point>> {
    let inside = |p: &Point| (top..=bottom).contains(&p.1);
    let mut parts = Vec::new();
    let mut part: Vec<Point> = Vec::new();
    if let Some(first) = piece.first().filter(|p| inside(p)) {
        part.push(*first);
    }
    for pair in piece.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let cross = |height: f64| {
            let t = (height - a.1) / (b.1 - a.1);
            (a.0 + t * (b.0 - a.0), height)
        };
        if inside(&a) && inside(&b) {
            part.push(b);
        } else if inside(&a) {
            part.push(cross(if b.1 < top { top } else { bottom }));
            parts.push(std::mem::take(&mut part));
        } else {
            let entry = if a.1 < top { top } else { bottom };
            let crosses = (a.1 < top) != (b.1 < top) || (a.1 > bottom) != (b.1 > bottom);
            if inside(&b) {
                part.push(cross(entry));
                part.push(b);
            } else if crosses {
                parts.push(vec![cross(entry), cross(if b.1 < top { top } else { bottom })]);
            }
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_of_one_pixel_survives() {
        let n = 100_000;
        let spike = 73_211;
        let points = (0..n).map(|i| (i as f64 * 700.0 / n as f64, if i == spike { 9.0 } else { 0.0 }));
        let pieces = line(points, 0.5);
        assert_eq!(pieces.len(), 1);
        assert!(pieces[0].len() <= 4 * 1401);
        assert!(pieces[0].iter().any(|p| p.1 == 9.0));
        let points = (0..n).map(|i| {
            (
                i as f64 * 700.0 / n as f64,
                0.0,
                if i == spike { 9.0 } else { 0.0 },
            )
        });
        assert!(envelope(points, 0.5)[0].iter().any(|p| p.2 == 9.0));
    }

    #[test]
    fn what_leaves_the_frame_is_cut_at_its_edge() {
        let piece = [(0.0, 5.0), (1.0, 15.0), (2.0, 5.0), (3.0, -5.0), (4.0, 15.0)];
        let parts = clip(&piece, 0.0, 10.0);
        assert_eq!(
            parts,
            [
                vec![(0.0, 5.0), (0.5, 10.0)],
                vec![(1.5, 10.0), (2.0, 5.0), (2.5, 0.0)],
                vec![(3.25, 0.0), (3.75, 10.0)],
            ]
        );
    }

    proptest! {
        #[test]
        fn extremes_order_and_gaps_are_kept(
            values in prop::collection::vec(prop_oneof![8 => -1e3..1e3f64, 1 => Just(f64::NAN)], 0..400),
            column in 0.1..50.0f64,
        ) {
            let points: Vec<Point> = values.iter().enumerate().map(|(i, y)| (i as f64, *y)).collect();
            let pieces = line(points.iter().copied(), column);
            let gaps = values.split(|v| v.is_nan()).filter(|run| !run.is_empty()).count();
            prop_assert_eq!(pieces.len(), gaps);
            let flat: Vec<Point> = pieces.concat();
            prop_assert!(flat.windows(2).all(|w| w[0].0 < w[1].0));
            prop_assert!(flat.iter().all(|p| points.contains(p)));
            let range = |list: &[Point]| list.iter().filter(|p| p.1.is_finite())
                .fold((f64::MAX, f64::MIN), |(a, b), p| (a.min(p.1), b.max(p.1)));
            prop_assert_eq!(range(&flat), range(&points));
        }

        #[test]
        fn clipped_parts_lie_inside(values in prop::collection::vec(-30.0..30.0f64, 0..60)) {
            let piece: Vec<Point> = values.iter().enumerate().map(|(i, y)| (i as f64, *y)).collect();
            for part in clip(&piece, -10.0, 10.0) {
                prop_assert!(part.iter().all(|p| p.1.abs() <= 10.0 + 1e-9));
            }
        }
    }
}

//! What a ranking would have found, and at what strength: the share of the anomalies of each kind that stand at the head of the list.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::axis::{Axis, Scale};
use super::description::{
    Anchor, Figure, Guide, Legend, Panel, Rect, Series, SeriesStyle, Shape, Swatch, Text, Weight,
};

/// One anomaly.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveryPoint {
    pub kind: String,
    pub artifact: bool,
    pub strength: f64,
    /// Rank over the length of the list.
    pub place: f64,
}

/// A benchmark's anomalies.
#[derive(Debug, Clone, Copy)]
pub struct RecoveryRun<'a> {
    pub points: &'a [RecoveryPoint],
    /// How they came into the list, in words.
    pub what: &'a str,
    /// The strength is a visibility; else it is whatever the truth table measures.
    pub is_visibility: bool,
}

/// Heads of the list.
const HEADS: [f64; 2] = [0.10, 0.05];
/// Anomalies of one point of a curve, about: fewer say nothing.
const OF_A_POINT: usize = 8;
const MOST_POINTS: usize = 8;
const COLUMNS: usize = 4;
const PANEL: (f64, f64) = (152.0, 104.0);
const GAP: (f64, f64) = (16.0, 18.0);
const LEFT: f64 = 56.0;

/// What one panel shows.
struct Cell<'a> {
    name: &'a str,
    color: usize,
    points: &'a [&'a RecoveryPoint],
}

impl<'a> Cell<'a> {
    fn new(name: &'a str, color: usize, points: &'a [&'a RecoveryPoint]) -> Self {
        Self { name, color, points }
    }

    /// At this place of the grid, which begins at `top`.
    fn panel(&self, place: usize, top: f64, (x, y): (Axis, Axis)) -> Panel {
        let (row, column) = (place / COLUMNS, place % COLUMNS);
        Panel {
            rect: Rect {
                x: LEFT + column as f64 * (PANEL.0 + GAP.0),
                y: top + row as f64 * (PANEL.1 + GAP.1),
                width: PANEL.0,
                height: PANEL.1,
            },
            x,
            y,
            top: None,
            series: curves(self.points, curve(self.color), dashed(self.color)),
            bands: Vec::new(),
            guides: vec![Guide { y: 0.5, limit: true }],
            marks: Vec::new(),
            band_labels: 0.0,
            note: Some(format!("{} ({})", self.name, self.points.len())),
        }
    }
}

/// A panel for all kinds and one for each, the astrophysical ones first.
pub fn recovery(run: &RecoveryRun) -> Figure {
    let mut kinds: BTreeMap<(bool, &str), Vec<&RecoveryPoint>> = BTreeMap::new();
    for point in run.points {
        kinds
            .entry((point.artifact, &point.kind))
            .or_default()
            .push(point);
    }
    let all: Vec<&RecoveryPoint> = run.points.iter().collect();
    let mut cells = vec![Cell::new("all", 6, &all)];
    for ((artifact, kind), points) in &kinds {
        cells.push(Cell::new(kind, usize::from(*artifact), points));
    }
    let rows = cells.len().div_ceil(COLUMNS);
    let top = 78.0;
    let label = if run.is_visibility {
        "Visibility"
    } else {
        "Strength"
    };
    let values = run.points.iter().map(|point| point.strength);
    let x = Axis::covering(label, values, 0.03, Scale::Log);
    // Room for dots at both ends, and for the name above them.
    let y = Axis::new("Share found", -0.06, 1.32, Scale::Linear);
    let panels = cells.iter().enumerate().map(|(place, cell)| {
        let shown = |axis: &Axis, labeled: bool| {
            if labeled {
                axis.clone()
            } else {
                axis.clone().unlabeled()
            }
        };
        let is_lowest = cells.get(place + COLUMNS).is_none();
        let axes = (shown(&x, is_lowest), shown(&y, place % COLUMNS == 0));
        cell.panel(place, top, axes)
    });
    let width = LEFT + COLUMNS as f64 * (PANEL.0 + GAP.0) + 4.0;
    let text = |y: f64, size: f64, weight: Weight, content: String| Text {
        x: LEFT,
        y,
        size,
        anchor: Anchor::Start,
        weight,
        content,
    };
    Figure {
        width,
        height: top + rows as f64 * (PANEL.1 + GAP.1) + 34.0,
        title: "Share of the anomalies of each kind found at the head of the list, against their strength"
            .to_owned(),
        panels: panels.collect(),
        pictures: Vec::new(),
        texts: vec![
            text(20.0, 14.0, Weight::Strong, "Injection and recovery".to_owned()),
            text(36.0, 11.0, Weight::Faint, run.what.to_owned()),
        ],
        legends: vec![Legend {
            rect: Rect {
                x: LEFT,
                y: 42.0,
                width: width - LEFT - 20.0,
                height: 30.0,
            },
            columns: 3,
            entries: vec![
                (
                    Swatch::Series(curve(6)),
                    "in the first 10 % of the list".to_owned(),
                ),
                (
                    Swatch::Series(curve(0)),
                    "astrophysical, or the catalog".to_owned(),
                ),
                (Swatch::Series(SeriesStyle::NoiseBand), "68 % interval".to_owned()),
                (Swatch::Series(dashed(6)), "in the first 5 %".to_owned()),
                (Swatch::Series(curve(1)), "artifact".to_owned()),
            ],
        }],
        rules: Vec::new(),
    }
}

fn curve(color: usize) -> SeriesStyle {
    SeriesStyle::Curve(color)
}

fn dashed(color: usize) -> SeriesStyle {
    SeriesStyle::DashedCurve(color)
}

/// The shares with the interval of the first one.
fn curves(points: &[&RecoveryPoint], solid: SeriesStyle, dashes: SeriesStyle) -> Vec<Series> {
    let mut sorted: Vec<&&RecoveryPoint> = points.iter().filter(|point| point.strength > 0.0).collect();
    sorted.sort_by(|a, b| a.strength.total_cmp(&b.strength));
    let bins = (sorted.len() / OF_A_POINT).clamp(1, MOST_POINTS);
    let groups: Vec<&[&&RecoveryPoint]> = (0..bins)
        .map(|bin| &sorted[bin * sorted.len() / bins..(bin + 1) * sorted.len() / bins])
        .filter(|group| !group.is_empty())
        .collect();
    let x: Arc<[f64]> = groups
        .iter()
        .map(|group| {
            let sum: f64 = group.iter().map(|point| point.strength.ln()).sum();
            (sum / group.len() as f64).exp()
        })
        .collect();
    let share = |head: f64| -> Vec<(f64, f64)> {
        groups
            .iter()
            .map(|group| {
                let found = group.iter().filter(|point| point.place <= head).count();
                (found as f64, group.len() as f64)
            })
            .collect()
    };
    let first = share(HEADS[0]);
    let intervals: Vec<(f64, f64)> = first.iter().map(|(found, of)| wilson(*found, *of)).collect();
    let plain = |counts: &[(f64, f64)]| counts.iter().map(|(found, of)| found / of).collect::<Vec<_>>();
    let series = |name: &str, y: Vec<f64>, shape: Shape, style: SeriesStyle| Series {
        name: name.to_owned(),
        x: Arc::clone(&x),
        y,
        shape,
        style,
    };
    let middle = intervals.iter().map(|(low, high)| 0.5 * (low + high)).collect();
    let half_width = intervals.iter().map(|(low, high)| 0.5 * (high - low)).collect();
    vec![
        series(
            "interval",
            middle,
            Shape::Envelope { half_width },
            SeriesStyle::NoiseBand,
        ),
        series("first 5 %", plain(&share(HEADS[1])), Shape::Line, dashes),
        series("first 10 %", plain(&first), Shape::Dots, solid),
    ]
}

/// The 68 % interval of a share.
///
/// Source: Wilson 1927 (JASA 22, 209), with z = 1.
fn wilson(found: f64, of: f64) -> (f64, f64) {
    let share = found / of;
    let center = (share + 0.5 / of) / (1.0 + 1.0 / of);
    let half = (share * (1.0 - share) / of + 0.25 / (of * of)).sqrt() / (1.0 + 1.0 / of);
    (center - half, center + half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // statsmodels.stats.proportion.proportion_confint(3, 10, alpha=2 * norm.sf(1), method="wilson")
        let (low, high) = wilson(3.0, 10.0);
        assert!(
            (low - 0.178_8).abs() < 5e-4 && (high - 0.457_5).abs() < 5e-4,
            "{low} {high}"
        );
    }

    #[test]
    fn every_kind_has_its_panel_and_shares_are_counted() {
        let points: Vec<RecoveryPoint> = (0..40)
            .map(|i| RecoveryPoint {
                kind: if i % 2 == 0 { "narrow line" } else { "cosmic ray" }.to_owned(),
                artifact: i % 2 == 1,
                strength: 5.0 + f64::from(i),
                place: if i < 20 { 0.5 } else { 0.02 },
            })
            .collect();
        let figure = recovery(&RecoveryRun {
            points: &points,
            what: "a test",
            is_visibility: true,
        });
        let notes: Vec<&str> = figure
            .panels
            .iter()
            .filter_map(|panel| panel.note.as_deref())
            .collect();
        assert_eq!(notes, ["all (40)", "narrow line (20)", "cosmic ray (20)"]);
        let found = &figure.panels[0].series[2].y;
        assert_eq!((found[0], found[found.len() - 1]), (0.0, 1.0));
    }
}

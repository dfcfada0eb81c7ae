//! How a model learned: losses by epoch.

use std::sync::Arc;

use super::axis::{Axis, Scale};
use super::description::{
    Anchor, Figure, Legend, Mark, MarkKind, Panel, Rect, Series, SeriesStyle, Shape, Swatch, Text, Weight,
};

/// One epoch of training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochLoss {
    /// From 1.
    pub epoch: usize,
    pub train: f64,
    pub validation: Option<f64>,
    pub learning_rate: f64,
}

/// The training of one model (of one fold).
#[derive(Debug, Clone, PartialEq)]
pub struct LossRun {
    /// Shown where there are several.
    pub name: String,
    pub epochs: Vec<EpochLoss>,
    /// The epoch whose weights were kept.
    pub best_epoch: Option<usize>,
}

/// The last of the colors of curves.
const BLACK: usize = 6;

/// What is drawn of some runs.
#[derive(Default)]
struct Curves {
    losses: Vec<Series>,
    rates: Vec<Series>,
    best: Vec<Mark>,
}

impl Curves {
    /// Alone, a run tells its two losses apart by color; among others, by dashes.
    fn of(runs: &[LossRun]) -> Self {
        let mut curves = Self::default();
        for (place, run) in runs.iter().enumerate() {
            let color = SeriesStyle::Curve(place);
            if runs.len() > 1 {
                let prefix = format!("{}, ", run.name);
                curves.add(run, &prefix, [SeriesStyle::DashedCurve(place), color, color]);
            } else {
                let styles = [color, SeriesStyle::Curve(1), SeriesStyle::Curve(BLACK)];
                curves.add(run, "", styles);
                curves.best.extend(run.best_epoch.map(|best| Mark {
                    x: best as f64,
                    name: String::new(),
                    kind: MarkKind::Best,
                }));
            }
        }
        curves
    }

    /// `styles` are those of training loss, validation loss and learning rate.
    fn add(&mut self, run: &LossRun, prefix: &str, styles: [SeriesStyle; 3]) {
        let epochs: Arc<[f64]> = run.epochs.iter().map(|epoch| epoch.epoch as f64).collect();
        let shape = if run.epochs.len() <= 60 {
            Shape::Dots
        } else {
            Shape::Line
        };
        let series = |what: &str, style, value: fn(&EpochLoss) -> f64| {
            let y: Vec<f64> = run.epochs.iter().map(value).collect();
            y.iter().any(|value| value.is_finite()).then(|| Series {
                name: format!("{prefix}{what}"),
                x: epochs.clone(),
                y,
                shape: shape.clone(),
                style,
            })
        };
        let validation = |epoch: &EpochLoss| epoch.validation.unwrap_or(f64::NAN);
        self.losses
            .extend(series("training", styles[0], |epoch| epoch.train));
        self.losses.extend(series("validation", styles[1], validation));
        self.rates
            .extend(series("learning rate", styles[2], |epoch| epoch.learning_rate));
    }
}

/// Train and validation loss by epoch on a logarithmic scale with the best epoch marked, and the learning rate below.
pub fn loss(runs: &[LossRun]) -> Figure {
    let epochs = runs.iter().flat_map(|run| &run.epochs);
    let last = epochs.map(|epoch| epoch.epoch).max().unwrap_or(1);
    let curves = Curves::of(runs);
    let entries = entries(runs, &curves);
    let columns = if runs.len() > 1 { 4 } else { 3 };
    let legend_height = entries.len().div_ceil(columns) as f64 * 15.0;
    let top = 34.0 + legend_height;
    let rect = |y: f64, height: f64| Rect {
        x: 72.0,
        y,
        width: 612.0,
        height,
    };
    let panel = |rect: Rect, x: Axis, y: Axis, series: Vec<Series>| Panel {
        rect,
        x,
        y,
        top: None,
        series,
        bands: Vec::new(),
        guides: Vec::new(),
        marks: curves.best.clone(),
        band_labels: 0.0,
        note: None,
    };
    let values = |list: &[Series]| -> Vec<f64> { list.iter().flat_map(|s| s.y.clone()).collect() };
    let x = Axis::new("Epoch", 0.5, last as f64 + 0.5, Scale::Linear).counting();
    let loss_axis = Axis::covering("Loss", values(&curves.losses), 0.06, Scale::Log);
    let rate_axis = Axis::covering("Learning rate", values(&curves.rates), 0.15, Scale::Log);
    let below = rect(top + 254.0, 84.0);
    Figure {
        width: 700.0,
        height: below.y + below.height + 42.0,
        title: format!("Training and validation loss over {last} epochs"),
        panels: vec![
            panel(
                rect(top, 240.0),
                x.clone().unlabeled(),
                loss_axis,
                curves.losses.clone(),
            ),
            panel(below, x, rate_axis, curves.rates.clone()),
        ],
        pictures: Vec::new(),
        texts: vec![Text {
            x: 72.0,
            y: 20.0,
            size: 14.0,
            anchor: Anchor::Start,
            weight: Weight::Strong,
            content: "Training".to_owned(),
        }],
        legends: vec![Legend {
            rect: rect(28.0, legend_height),
            columns,
            entries,
        }],
        rules: Vec::new(),
    }
}

/// What the legend says: of one run its curves, of several what dashes and colors mean.
fn entries(runs: &[LossRun], curves: &Curves) -> Vec<(Swatch, String)> {
    if runs.len() < 2 {
        let named = curves.losses.iter();
        let named = named.map(|series| (Swatch::Series(series.style), series.name.clone()));
        let best = runs.first().and_then(|run| run.best_epoch);
        let best = best.map(|best| (Swatch::Mark(MarkKind::Best), format!("best epoch ({best})")));
        return named.chain(best).collect();
    }
    let of = |style: SeriesStyle, name: &str| (Swatch::Series(style), name.to_owned());
    let mut entries = vec![
        of(SeriesStyle::DashedCurve(BLACK), "training"),
        of(SeriesStyle::Curve(BLACK), "validation"),
    ];
    // Beyond as many as there are colors, names would tell nothing apart.
    if runs.len() <= BLACK {
        let named = runs.iter().enumerate();
        entries.extend(named.map(|(place, run)| of(SeriesStyle::Curve(place), &run.name)));
    }
    entries
}

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

/// Train and validation loss by epoch on a logarithmic scale with the best epoch marked, and the learning rate below.
pub fn loss(runs: &[LossRun]) -> Figure {
    let last = runs
        .iter()
        .flat_map(|run| &run.epochs)
        .map(|e| e.epoch)
        .max()
        .unwrap_or(1);
    let several = runs.len() > 1;
    let x = Axis::new("Epoch", 0.5, last as f64 + 0.5, Scale::Linear).counting();
    let (mut losses, mut rates, mut marks, mut entries) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (i, run) in runs.iter().enumerate() {
        let epochs: Arc<[f64]> = run.epochs.iter().map(|e| e.epoch as f64).collect();
        let curve = |what: &str, y: Vec<f64>, style: SeriesStyle, list: &mut Vec<Series>| {
            let name = if several {
                format!("{}, {what}", run.name)
            } else {
                what.to_owned()
            };
            let shape = if run.epochs.len() <= 60 {
                Shape::Dots
            } else {
                Shape::Line
            };
            if y.iter().any(|v| v.is_finite()) {
                list.push(Series {
                    name,
                    x: epochs.clone(),
                    y,
                    shape,
                    style,
                });
            }
        };
        let train = run.epochs.iter().map(|e| e.train).collect();
        let validation = run
            .epochs
            .iter()
            .map(|e| e.validation.unwrap_or(f64::NAN))
            .collect();
        // alone, a run tells its two losses apart by color; among others, by dashes
        let styles = if several {
            (SeriesStyle::DashedCurve(i), SeriesStyle::Curve(i))
        } else {
            (SeriesStyle::Curve(0), SeriesStyle::Curve(1))
        };
        curve("training", train, styles.0, &mut losses);
        curve("validation", validation, styles.1, &mut losses);
        let rate = run.epochs.iter().map(|e| e.learning_rate).collect();
        let rate_style = if several {
            SeriesStyle::Curve(i)
        } else {
            SeriesStyle::Curve(BLACK)
        };
        curve("learning rate", rate, rate_style, &mut rates);
        marks.extend(run.best_epoch.filter(|_| !several).map(|best| Mark {
            x: best as f64,
            name: String::new(),
            kind: MarkKind::Best,
        }));
    }
    if several {
        entries.push((
            Swatch::Series(SeriesStyle::DashedCurve(BLACK)),
            "training".to_owned(),
        ));
        entries.push((Swatch::Series(SeriesStyle::Curve(BLACK)), "validation".to_owned()));
        // beyond as many as there are colors, names would tell nothing apart
        let named = runs.iter().enumerate().filter(|_| runs.len() <= BLACK);
        entries.extend(named.map(|(i, run)| (Swatch::Series(SeriesStyle::Curve(i)), run.name.clone())));
    } else {
        let named = losses.iter();
        entries.extend(named.map(|s: &Series| (Swatch::Series(s.style), s.name.clone())));
    }
    if let Some(best) = runs.first().and_then(|run| run.best_epoch).filter(|_| !several) {
        entries.push((Swatch::Mark(MarkKind::Best), format!("best epoch ({best})")));
    }
    let columns = if several { 4 } else { 3 };
    let legend_height = entries.len().div_ceil(columns) as f64 * 15.0;
    let top = 34.0 + legend_height;
    let values = |list: &[Series]| -> Vec<f64> { list.iter().flat_map(|s| s.y.clone()).collect() };
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
        marks: marks.clone(),
        band_labels: 0.0,
        note: None,
    };
    let loss_axis = Axis::covering("Loss", values(&losses), 0.06, Scale::Log);
    let rate_axis = Axis::covering("Learning rate", values(&rates), 0.15, Scale::Log);
    Figure {
        width: 700.0,
        height: top + 240.0 + 14.0 + 84.0 + 42.0,
        title: format!("Training and validation loss over {last} epochs"),
        panels: vec![
            panel(rect(top, 240.0), x.clone().unlabeled(), loss_axis, losses),
            panel(rect(top + 254.0, 84.0), x, rate_axis, rates),
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
            rect: Rect {
                x: 72.0,
                y: 28.0,
                width: 612.0,
                height: legend_height,
            },
            columns,
            entries,
        }],
        rules: Vec::new(),
    }
}

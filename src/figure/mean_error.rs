//! Where in wavelength a model reconstructs badly, over a whole catalog.

use std::sync::Arc;

use super::axis::{Axis, Scale};
use super::description::{Anchor, Figure, Panel, Rect, Series, SeriesStyle, Shape, Text, Weight};

/// Mean squared residual against wavelength, once on a linear and once on a logarithmic scale.
///
/// Shapes: two slices of one length. Units: `wavelength` vacuum Angstrom in the frame that `frame` names ("Observed",
/// "Rest-frame"); `mean_squared_residual` in `unit` (for residuals in sigma: "σ²"). NaN makes a gap.
pub fn mean_reconstruction_error(
    wavelength: &[f64],
    mean_squared_residual: &[f64],
    frame: &str,
    unit: &str,
) -> Figure {
    let x: Arc<[f64]> = Arc::from(wavelength);
    let values = || mean_squared_residual.iter().copied();
    let mut sorted: Vec<f64> = values().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get((share * sorted.len() as f64) as usize).copied();
    // a few pixels of a strong line would flatten the linear panel; the logarithmic one shows all of them
    let high = at(0.995).unwrap_or(1.0) * 1.5;
    let largest = sorted.last().copied().unwrap_or(1.0);
    let label = format!("Mean squared residual ({unit})");
    let axis = Axis::covering(
        format!("{frame} wavelength (Å, vacuum)"),
        x.iter().copied(),
        0.0,
        Scale::Linear,
    );
    let panel = |top: f64, x_axis: Axis, y_axis: Axis| Panel {
        rect: Rect {
            x: 72.0,
            y: top,
            width: 708.0,
            height: 200.0,
        },
        x: x_axis,
        y: y_axis,
        top: None,
        series: vec![Series {
            name: label.clone(),
            x: x.clone(),
            y: mean_squared_residual.to_vec(),
            shape: Shape::Step,
            style: SeriesStyle::Data,
        }],
        bands: Vec::new(),
        guides: Vec::new(),
        marks: Vec::new(),
        band_labels: 0.0,
        note: None,
    };
    let linear = Axis::new(label.clone(), 0.0, high.min(largest * 1.06), Scale::Linear);
    let log = Axis::covering(label.clone(), values(), 0.04, Scale::Log);
    Figure {
        width: 800.0,
        height: 486.0,
        title: "Mean reconstruction error against wavelength".to_owned(),
        panels: vec![
            panel(30.0, axis.clone().unlabeled(), linear),
            panel(244.0, axis, log),
        ],
        pictures: Vec::new(),
        texts: vec![Text {
            x: 72.0,
            y: 20.0,
            size: 14.0,
            anchor: Anchor::Start,
            weight: Weight::Strong,
            content: "Mean reconstruction error".to_owned(),
        }],
        legends: Vec::new(),
        rules: Vec::new(),
    }
}

//! The charts of the screen, as the figures describe them: what is seen here is what is written to the files.

use crate::figure::{self, Axis, LossRun, Panel, Scale, SkyImage, SpectrumView};
use crate::pipeline::Preview;
use crate::spectrum::prepare::Frame;
use crate::spectrum::{Facts, MaskKind};

/// Losses and learning rates; a logarithmic axis of losses is that of the figure.
pub fn losses(runs: &[LossRun], logarithmic: bool) -> (Panel, Panel) {
    let mut panels = figure::loss(runs).panels.into_iter();
    let (Some(mut loss), Some(mut rate)) = (panels.next(), panels.next()) else {
        unreachable!("the figure of losses has two panels");
    };
    if !logarithmic {
        let values = loss.series.iter().flat_map(|series| series.y.iter().copied());
        loss.y = Axis::covering("Loss", values, 0.06, Scale::Linear);
    }
    // The frame around them says what they are.
    loss.y.label.clear();
    rate.y.label.clear();
    (loss, rate)
}

/// A spectrum that was held out, and its reconstruction, as the figure of a spectrum shows them; the flux is normalized.
pub fn preview(preview: &Preview, frame: Frame) -> Panel {
    let stretch = match frame {
        Frame::Rest => 1.0 + preview.z.unwrap_or(0.0),
        Frame::Observed => 1.0,
    };
    let view = SpectrumView {
        facts: Facts {
            object_id: preview.object_id.clone().into(),
            z: preview.z,
            ..Facts::default()
        },
        rank: 0,
        score: f64::NAN,
        percentile: f64::NAN,
        anomalous: false,
        reason: String::new(),
        sn: f64::NAN,
        wavelength: preview.wavelength.iter().map(|at| at * stretch).collect(),
        flux: preview.flux.to_vec(),
        sigma: preview.sigma.to_vec(),
        valid: preview.flux.iter().map(|flux| flux.is_finite()).collect(),
        reconstruction: preview.reconstruction.to_vec(),
        residual_sigma: Vec::new(),
        regions: Vec::new(),
        mask_kind: MaskKind::Plain,
        sky: SkyImage::Missing { why: String::new() },
    };
    let mut panel = figure::spectrum(&view).panels.swap_remove(0);
    panel.x.labeled = true;
    panel.x.label.clear();
    panel.y.label.clear();
    panel
}

//! A spectrum as one looks at it closely: any stretch of it, with any of its layers, in either frame.

use super::annotate;
use super::axis::{Axis, Scale};
use super::description::{Band, BandKind, Guide, Panel, Rect, SeriesStyle};
use super::pixels::{self, FLUX_LABEL, RESIDUAL_LABEL};
use super::spectrum::SpectrumView;
use super::words;
use crate::spectrum::lines::Line;
use crate::spectrum::prepare::Frame;

mod curves;
mod look;
mod marks;

pub use look::{FluxScale, LineSet, Look};

use curves::Curves;
use marks::marks;

/// The panels of a closely looked at spectrum.
#[derive(Debug, Clone, PartialEq)]
pub struct Explored {
    pub main: Panel,
    /// In sigma, below the main panel, with its x axis; `None` where it is off or there is no model.
    pub residual: Option<Panel>,
}

/// Of a view narrower than this share of the spectrum, [`FluxScale::Auto`] shows every pixel.
const NARROW: f64 = 1.0 / 8.0;

/// What to draw of `view` when it is looked at like this, on a screen so many dots wide. Marks are in the order of their
/// importance, the most important first.
///
/// Where the look smooths, data, model and residual are smoothed by the same weights, so that they can be compared; the residual
/// is then that of the smoothed curves over the noise left in them.
pub fn explore(view: &SpectrumView, look: &Look, width_in_dots: usize) -> Explored {
    let all = extent(view);
    let (low, high) = look.range.unwrap_or(all);
    let x = Axis::new(
        wavelength_label(look.frame),
        look.x_of(low),
        look.x_of(high),
        Scale::Linear,
    );
    let other = match look.frame {
        Frame::Observed => Frame::Rest,
        Frame::Rest => Frame::Observed,
    };
    let stretch = look.redshift().map(|z| match other {
        Frame::Rest => 1.0 / (1.0 + z),
        Frame::Observed => 1.0 + z,
    });
    let top = stretch.map(|by| Axis::new(wavelength_label(other), x.min * by, x.max * by, Scale::Linear));

    let mut curves = Curves::of(view, look, low, high);
    if look.trend && !curves.smoothed {
        curves.draw_trend(width_in_dots);
    }
    let dot = (high - low) / width_in_dots.max(1) as f64;
    let bands = bands(view, look, &curves, dot);
    let narrow = high - low < NARROW * (all.1 - all.0);
    let (floor, ceiling) = curves.flux_range(look, narrow);
    let modeled = view.reconstruction.iter().any(|v| v.is_finite());
    let residual = (look.residual && modeled).then(|| {
        let (low, high) = pixels::residual_range(&curves.inner(&curves.residual));
        Panel {
            rect: NOWHERE,
            x: x.clone(),
            y: Axis::new(RESIDUAL_LABEL, low, high, Scale::Linear),
            top: None,
            series: vec![curves.series("residual", &curves.residual, SeriesStyle::Residual)],
            bands: bands.iter().filter(over_all).map(unlabeled).collect(),
            guides: [(-3.0, true), (0.0, false), (3.0, true)]
                .map(|(y, limit)| Guide { y, limit })
                .to_vec(),
            marks: Vec::new(),
            band_labels: 0.0,
            note: None,
        }
    });
    let main = Panel {
        rect: NOWHERE,
        x: if residual.is_some() {
            x.clone().unlabeled()
        } else {
            x.clone()
        },
        y: Axis::new(FLUX_LABEL, floor, ceiling, Scale::Linear),
        top,
        series: curves.shown(look),
        bands,
        guides: Vec::new(),
        marks: marks(view, look, &x, dot),
        band_labels: 1.0,
        note: curves
            .nothing()
            .then(|| "no measurement in this stretch".to_owned()),
    };
    Explored { main, residual }
}

/// A terminal has places of its own.
const NOWHERE: Rect = Rect {
    x: 0.0,
    y: 0.0,
    width: 0.0,
    height: 0.0,
};

fn wavelength_label(frame: Frame) -> &'static str {
    match frame {
        Frame::Observed => "Observed wavelength (Å, vacuum)",
        Frame::Rest => "Rest-frame wavelength (Å, vacuum)",
    }
}

/// The short name of a line: `Hα` for `H alpha`.
pub fn line_name(line: &Line) -> String {
    words::line_name(&line.name)
}

impl SpectrumView {
    /// The first and the last wavelength, observed Angstrom; (0, 1) where there is none.
    pub fn extent(&self) -> (f64, f64) {
        extent(self)
    }
}

fn extent(view: &SpectrumView) -> (f64, f64) {
    let pixels = &view.wavelength[..view.wavelength.len().min(view.flux.len())];
    let mut known = pixels.iter().copied().filter(|w| w.is_finite());
    let first = known.next();
    let last = known.next_back().or(first);
    match first.zip(last) {
        Some((first, last)) if last > first => (first, last),
        Some((only, _)) => (only - 1.0, only + 1.0),
        None => (0.0, 1.0),
    }
}

fn over_all(band: &&Band) -> bool {
    matches!(band.kind, BandKind::Region(_) | BandKind::Masked)
}

fn unlabeled(band: &Band) -> Band {
    Band {
        label: None,
        ..band.clone()
    }
}

/// The shaded stretches in view, on the x axis.
fn bands(view: &SpectrumView, look: &Look, curves: &Curves, dot: f64) -> Vec<Band> {
    let mut bands = Vec::new();
    if look.masked {
        let mut masked = annotate::masked(&curves.wavelength, &curves.valid, dot * 0.5);
        // single pixels would otherwise grey a whole column each
        masked.retain(|band| band.to - band.from > dot * 0.5);
        bands.extend(masked);
    }
    if look.zones {
        bands.extend(annotate::zones(view, &curves.wavelength));
    }
    if look.regions {
        bands.extend(annotate::regions(&view.regions));
    }
    let ends = curves.wavelength.first().zip(curves.wavelength.last());
    bands.retain(|band| ends.is_some_and(|(first, last)| band.to >= *first && band.from <= *last));
    for band in &mut bands {
        (band.from, band.to) = (look.x_of(band.from), look.x_of(band.to));
    }
    bands
}

//! The figure of a spectrum: title, data with model and noise, flagged regions, lines, residual, sky image.

use std::sync::Arc;

use super::annotate;
use super::axis::{Axis, Scale};
use super::description::{
    Anchor, BandKind, Figure, Guide, Legend, MarkKind, Panel, Rect, Series, SeriesStyle, Shape, Swatch, Text,
    Weight,
};
use super::sky::{self, SkyImage};
use super::{font, words};
use crate::anomaly::Region;
use crate::spectrum::{Facts, MaskKind};

/// All that the figure of one spectrum shows: plain data.
///
/// Shapes: the slices by pixel have one length; where they differ, the shortest counts. Units: `wavelength` observed vacuum
/// Angstrom, ascending; `flux`, `sigma` and `reconstruction` 1e-17 erg s⁻¹ cm⁻² Å⁻¹; `residual_sigma` in sigma, positive where the
/// data exceed the model. NaN in `reconstruction` or `residual_sigma` where the model says nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct SpectrumView {
    pub facts: Facts,
    /// From 1.
    pub rank: u64,
    pub score: f64,
    /// 0 to 100.
    pub percentile: f64,
    pub anomalous: bool,
    /// The reason in words.
    pub reason: String,
    /// Median signal-to-noise ratio a pixel; NaN where unknown.
    pub sn: f64,
    pub wavelength: Vec<f64>,
    pub flux: Vec<f32>,
    pub sigma: Vec<f32>,
    pub valid: Vec<bool>,
    pub reconstruction: Vec<f32>,
    pub residual_sigma: Vec<f32>,
    pub regions: Vec<Region>,
    /// Whose spectrograph it is: tells where its cameras meet.
    pub mask_kind: MaskKind,
    pub sky: SkyImage,
}

const WIDTH: f64 = 1000.0;
const MARGIN: f64 = 12.0;
const PLOT_LEFT: f64 = 72.0;
const PLOT_WIDTH: f64 = 704.0;
const SIDE_LEFT: f64 = PLOT_LEFT + PLOT_WIDTH + 18.0;
const SIDE_WIDTH: f64 = WIDTH - MARGIN - SIDE_LEFT;
const MAIN_HEIGHT: f64 = 216.0;
const RESIDUAL_HEIGHT: f64 = 86.0;
/// Between the panels: two lanes for the labels of regions, or nothing to label.
const LABELED_GAP: f64 = 32.0;
const PLAIN_GAP: f64 = 14.0;
const TITLE_SIZE: f64 = 15.0;
const FACT_SIZE: f64 = 12.5;
const FACT_LINE: f64 = 17.0;

/// The figure of one spectrum.
pub fn spectrum(view: &SpectrumView) -> Figure {
    combined(std::slice::from_ref(view))
}

/// A page with the figures of several spectra below one another.
pub fn combined(views: &[SpectrumView]) -> Figure {
    let mut page = Figure {
        width: WIDTH,
        height: 8.0,
        title: match views {
            [view] => format!("Spectrum of {}", view.facts.object_id),
            _ => format!("Spectra of {} objects", views.len()),
        },
        panels: Vec::new(),
        pictures: Vec::new(),
        texts: Vec::new(),
        legends: Vec::new(),
        rules: Vec::new(),
    };
    for (i, view) in views.iter().enumerate() {
        if i > 0 {
            page.rules.push(page.height);
            page.height += 8.0;
        }
        row(&mut page, view);
    }
    page
}

/// Adds a spectrum at the foot of the page.
fn row(page: &mut Figure, view: &SpectrumView) {
    let top = title(page, view) + 40.0;
    let pixels = Pixels::of(view);
    let z = view.facts.z.filter(|z| z.is_finite() && *z > -1.0);
    let x = Axis::covering(
        "Observed wavelength (Å, vacuum)",
        pixels.wavelength.iter().copied(),
        0.0,
        Scale::Linear,
    );
    let rest = z.map(|z| {
        Axis::new(
            "Rest-frame wavelength (Å, vacuum)",
            x.min / (1.0 + z),
            x.max / (1.0 + z),
            Scale::Linear,
        )
    });
    let per_unit = (x.max - x.min) / PLOT_WIDTH;

    let regions = annotate::regions(&view.regions);
    let masked = annotate::masked(&pixels.wavelength, &pixels.valid, per_unit * 0.5);
    let zones = annotate::zones(view, &pixels.wavelength);
    let gap = if regions.is_empty() {
        PLAIN_GAP
    } else {
        LABELED_GAP
    };

    let mut bands = masked.clone();
    bands.extend(regions.iter().cloned());
    bands.extend(zones.iter().cloned());
    let main = Panel {
        rect: Rect {
            x: PLOT_LEFT,
            y: top,
            width: PLOT_WIDTH,
            height: MAIN_HEIGHT,
        },
        x: x.clone().unlabeled(),
        y: pixels.flux_axis(),
        top: rest,
        series: pixels.flux_series(),
        bands,
        guides: Vec::new(),
        marks: annotate::marks(view, &x, per_unit * 13.0),
        band_labels: gap - 4.0,
        note: None,
    };
    let unlabeled = |band: &super::Band| super::Band {
        label: None,
        ..band.clone()
    };
    let residual = Panel {
        rect: Rect {
            x: PLOT_LEFT,
            y: main.rect.bottom() + gap,
            width: PLOT_WIDTH,
            height: RESIDUAL_HEIGHT,
        },
        x,
        y: pixels.residual_axis(),
        top: None,
        series: pixels.residual_series(),
        bands: masked.iter().chain(&regions).map(unlabeled).collect(),
        guides: [(-3.0, true), (0.0, false), (3.0, true)]
            .map(|(y, limit)| Guide { y, limit })
            .to_vec(),
        marks: Vec::new(),
        band_labels: 0.0,
        note: None,
    };

    let side = Rect {
        x: SIDE_LEFT,
        y: top,
        width: SIDE_WIDTH,
        height: SIDE_WIDTH,
    };
    let (picture, credit) = sky::picture(&view.sky, side);
    page.pictures.push(picture);
    page.texts.extend(credit);
    page.legends.push(Legend {
        rect: Rect {
            y: side.bottom() + 22.0,
            height: 0.0,
            ..side
        },
        columns: 2,
        entries: legend(view, &pixels, &main),
    });
    page.height = residual.rect.bottom() + 42.0;
    page.panels.push(main);
    page.panels.push(residual);
}

/// Adds the title lines and returns where they end.
fn title(page: &mut Figure, view: &SpectrumView) -> f64 {
    let room = WIDTH - 2.0 * MARGIN;
    let verdict = words::verdict(view);
    let left = room - font::width(&verdict, FACT_SIZE, false) - 24.0;
    let name = format!("#{}   {}", view.rank, view.facts.object_id);
    let mut y = page.height + 14.0;
    let mut add = |x: f64, y: f64, size: f64, anchor: Anchor, weight: Weight, content: String| {
        page.texts.push(Text {
            x,
            y,
            size,
            anchor,
            weight,
            content,
        });
    };
    let name = font::shorten(&name, TITLE_SIZE, true, left);
    add(MARGIN, y, TITLE_SIZE, Anchor::Start, Weight::Strong, name);
    add(WIDTH - MARGIN, y, FACT_SIZE, Anchor::End, Weight::Normal, verdict);
    let facts = font::shorten(&words::facts(view), FACT_SIZE, false, room);
    y += FACT_LINE + 1.0;
    add(MARGIN, y, FACT_SIZE, Anchor::Start, Weight::Faint, facts);
    for line in font::wrap(&view.reason, FACT_SIZE, room, 2) {
        y += FACT_LINE;
        add(MARGIN, y, FACT_SIZE, Anchor::Start, Weight::Normal, line);
    }
    y
}

/// The spectrum by pixel, as series want it.
struct Pixels {
    wavelength: Arc<[f64]>,
    flux: Vec<f64>,
    sigma: Vec<f64>,
    valid: Vec<bool>,
    reconstruction: Vec<f64>,
    residual: Vec<f64>,
}

impl Pixels {
    fn of(view: &SpectrumView) -> Self {
        let n = view.wavelength.len().min(view.flux.len());
        let values = |list: &[f32]| -> Vec<f64> {
            (0..n)
                .map(|i| list.get(i).map_or(f64::NAN, |v| f64::from(*v)))
                .collect()
        };
        let flux = values(&view.flux);
        let valid = (0..n)
            .map(|i| view.valid.get(i).copied().unwrap_or(false) && flux[i].is_finite())
            .collect();
        Self {
            wavelength: Arc::from(&view.wavelength[..n]),
            flux,
            sigma: values(&view.sigma),
            valid,
            reconstruction: values(&view.reconstruction),
            residual: values(&view.residual_sigma),
        }
    }

    /// A list with NaN where `keep` says no.
    fn only(list: &[f64], keep: impl Fn(usize) -> bool) -> Vec<f64> {
        let kept = |(i, value): (usize, &f64)| if keep(i) { *value } else { f64::NAN };
        list.iter().enumerate().map(kept).collect()
    }

    fn flux_series(&self) -> Vec<Series> {
        let series = |name: &str, y: Vec<f64>, shape: Shape, style: SeriesStyle| Series {
            name: name.to_owned(),
            x: self.wavelength.clone(),
            y,
            shape,
            style,
        };
        let valid = Self::only(&self.flux, |i| self.valid[i]);
        // masked pixels with their valid neighbors, so that the line does not break off before them
        let near = |i: usize| {
            let masked = |i: usize| self.valid.get(i).is_some_and(|valid| !valid);
            masked(i) || masked(i + 1) || i.checked_sub(1).is_some_and(masked)
        };
        let half_width = self.sigma.clone();
        vec![
            series(
                "±1σ noise",
                valid.clone(),
                Shape::Envelope { half_width },
                SeriesStyle::NoiseBand,
            ),
            series(
                "masked",
                Self::only(&self.flux, near),
                Shape::Step,
                SeriesStyle::Masked,
            ),
            series("data", valid, Shape::Step, SeriesStyle::Data),
            series(
                "model",
                self.reconstruction.clone(),
                Shape::Line,
                SeriesStyle::Reconstruction,
            ),
        ]
    }

    fn residual_series(&self) -> Vec<Series> {
        vec![Series {
            name: "residual".to_owned(),
            x: self.wavelength.clone(),
            y: Self::only(&self.residual, |i| self.valid[i]),
            shape: Shape::Step,
            style: SeriesStyle::Residual,
        }]
    }

    /// Covers the bulk of the data and of the model; what goes far beyond it is cut off, so that one line flattens nothing.
    fn flux_axis(&self) -> Axis {
        let label = "Flux (10⁻¹⁷ erg s⁻¹ cm⁻² Å⁻¹)";
        let data = Bulk::of(
            self.flux
                .iter()
                .zip(&self.valid)
                .filter(|(_, v)| **v)
                .map(|(f, _)| *f),
        );
        let model = Bulk::of(self.reconstruction.iter().copied());
        let (low, high) = match (data, model) {
            (Some(data), model) => {
                let span = (data.high - data.low).max(1e-30);
                let mut low = data.min.max(data.low - 0.45 * span);
                let mut high = data.max.min(data.high + 1.1 * span);
                if let Some(model) = model {
                    low = low.min(model.low.max(data.low - 1.0 * span));
                    high = high.max(model.high.min(data.high + 2.0 * span));
                }
                (low, high)
            }
            (None, Some(model)) => (model.min, model.max),
            (None, None) => (0.0, 1.0),
        };
        let room = (high - low) * 0.06;
        let floor = if low >= 0.0 && low < 0.45 * high {
            0.0
        } else {
            low - room
        };
        Axis::new(label, floor, high + room, Scale::Linear)
    }

    fn residual_axis(&self) -> Axis {
        let kept = self.residual.iter().zip(&self.valid).filter(|(_, valid)| **valid);
        let (low, high) = match Bulk::of(kept.map(|(r, _)| *r)) {
            Some(bulk) => {
                let span = (bulk.high - bulk.low).max(4.0);
                (
                    bulk.min.max(bulk.low - 0.8 * span),
                    bulk.max.min(bulk.high + 0.8 * span),
                )
            }
            None => (0.0, 0.0),
        };
        Axis::new(
            "Residual (σ)",
            low.min(-4.2) - 0.3,
            high.max(4.2) + 0.3,
            Scale::Linear,
        )
    }
}

/// Extremes, and the 2nd and 98th percentile, of what is finite.
struct Bulk {
    min: f64,
    low: f64,
    high: f64,
    max: f64,
}

impl Bulk {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.filter(|v| v.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let at = |share: f64| sorted[(share * last as f64).round() as usize];
        Some(Self {
            min: sorted[0],
            low: at(0.02),
            high: at(0.98),
            max: sorted[last],
        })
    }
}

/// The styles that occur.
fn legend(view: &SpectrumView, pixels: &Pixels, main: &Panel) -> Vec<(Swatch, String)> {
    let mut entries = vec![(Swatch::Series(SeriesStyle::Data), "data".to_owned())];
    if pixels.reconstruction.iter().any(|v| v.is_finite()) {
        entries.push((Swatch::Series(SeriesStyle::Reconstruction), "model".to_owned()));
    }
    entries.push((Swatch::Series(SeriesStyle::NoiseBand), "±1σ noise".to_owned()));
    let mut add = |present: bool, swatch: Swatch, name: &str| {
        if present {
            entries.push((swatch, name.to_owned()));
        }
    };
    let has = |kind: BandKind| main.bands.iter().any(|band| band.kind == kind);
    add(has(BandKind::Masked), Swatch::Band(BandKind::Masked), "masked");
    for (reason, count) in annotate::count_reasons(&view.regions) {
        let name = format!("{} ({count})", words::reason_name(reason));
        add(true, Swatch::Band(BandKind::Region(reason)), &name);
    }
    add(has(BandKind::Sky), Swatch::Band(BandKind::Sky), "sky emission");
    add(
        has(BandKind::Telluric),
        Swatch::Band(BandKind::Telluric),
        "telluric",
    );
    add(
        has(BandKind::Overlap),
        Swatch::Band(BandKind::Overlap),
        "cameras meet",
    );
    for (kind, name) in [
        (MarkKind::Emission, "emission"),
        (MarkKind::Absorption, "absorption"),
        (MarkKind::Sky, "sky line"),
    ] {
        add(
            main.marks.iter().any(|mark| mark.kind == kind),
            Swatch::Mark(kind),
            name,
        );
    }
    entries
}

//! The figure of a spectrum: title, data with model and noise, flagged regions, lines, residual, sky image.

use super::annotate;
use super::axis::{Axis, Scale};
use super::description::{
    Anchor, Band, BandKind, Figure, Guide, Legend, MarkKind, Panel, Rect, SeriesStyle, Swatch, Text, Weight,
};
use super::pixels::Pixels;
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
    let x = Axis::covering(
        "Observed wavelength (Å, vacuum)",
        pixels.wavelength.iter().copied(),
        0.0,
        Scale::Linear,
    );
    let bands = Bands::of(view, &pixels, (x.max - x.min) / PLOT_WIDTH);
    let main = main_panel(view, &pixels, &x, &bands, top);
    let residual = residual_panel(&pixels, x, &bands, main.rect.bottom() + bands.gap());
    side(page, view, legend(view, &pixels, &main), top);
    page.height = residual.rect.bottom() + 42.0;
    page.panels.push(main);
    page.panels.push(residual);
}

/// What is shaded in the panels.
struct Bands {
    masked: Vec<Band>,
    regions: Vec<Band>,
    zones: Vec<Band>,
    /// Angstrom in a point of the figure.
    per_unit: f64,
}

impl Bands {
    fn of(view: &SpectrumView, pixels: &Pixels, per_unit: f64) -> Self {
        Self {
            masked: annotate::masked(&pixels.wavelength, &pixels.valid, per_unit * 0.5),
            regions: annotate::regions(&view.regions),
            zones: annotate::zones(view, &pixels.wavelength),
            per_unit,
        }
    }

    /// Between the panels, where the labels of regions stand.
    fn gap(&self) -> f64 {
        if self.regions.is_empty() {
            PLAIN_GAP
        } else {
            LABELED_GAP
        }
    }
}

/// Spectrum and model, with lines, regions and what the instrument is prone to.
fn main_panel(view: &SpectrumView, pixels: &Pixels, x: &Axis, bands: &Bands, top: f64) -> Panel {
    let z = view.facts.z.filter(|z| z.is_finite() && *z > -1.0);
    let rest = z.map(|z| {
        Axis::new(
            "Rest-frame wavelength (Å, vacuum)",
            x.min / (1.0 + z),
            x.max / (1.0 + z),
            Scale::Linear,
        )
    });
    Panel {
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
        bands: [&bands.masked[..], &bands.regions, &bands.zones].concat(),
        guides: Vec::new(),
        marks: annotate::marks(view, x, bands.per_unit * 13.0),
        band_labels: bands.gap() - 4.0,
        note: None,
    }
}

/// The residual, with the same regions.
fn residual_panel(pixels: &Pixels, x: Axis, bands: &Bands, top: f64) -> Panel {
    let unlabeled = |band: &Band| Band {
        label: None,
        ..band.clone()
    };
    Panel {
        rect: Rect {
            x: PLOT_LEFT,
            y: top,
            width: PLOT_WIDTH,
            height: RESIDUAL_HEIGHT,
        },
        x,
        y: pixels.residual_axis(),
        top: None,
        series: pixels.residual_series(),
        bands: bands.masked.iter().chain(&bands.regions).map(unlabeled).collect(),
        guides: [(-3.0, true), (0.0, false), (3.0, true)]
            .map(|(y, limit)| Guide { y, limit })
            .to_vec(),
        marks: Vec::new(),
        band_labels: 0.0,
        note: None,
    }
}

/// Adds what stands beside the panels: the sky, and below it what the styles mean.
fn side(page: &mut Figure, view: &SpectrumView, entries: Vec<(Swatch, String)>, top: f64) {
    let rect = Rect {
        x: SIDE_LEFT,
        y: top,
        width: SIDE_WIDTH,
        height: SIDE_WIDTH,
    };
    let (picture, credit) = sky::picture(&view.sky, rect);
    page.pictures.push(picture);
    page.texts.extend(credit);
    page.legends.push(Legend {
        rect: Rect {
            y: rect.bottom() + 22.0,
            height: 0.0,
            ..rect
        },
        columns: 2,
        entries,
    });
}

/// Adds the title lines and returns where they end.
fn title(page: &mut Figure, view: &SpectrumView) -> f64 {
    let room = WIDTH - 2.0 * MARGIN;
    let verdict = words::verdict(view);
    let left = room - font::width(&verdict, FACT_SIZE, false) - 24.0;
    let name = format!("#{} {}", view.rank, view.facts.object_id);
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

/// The styles that occur.
fn legend(view: &SpectrumView, pixels: &Pixels, main: &Panel) -> Vec<(Swatch, String)> {
    let mut entries = match pixels.smoothed {
        None => vec![(Swatch::Series(SeriesStyle::Data), "data".to_owned())],
        Some(_) => vec![
            (Swatch::Series(SeriesStyle::Raw), "data".to_owned()),
            (Swatch::Series(SeriesStyle::Smoothed), "smoothed data".to_owned()),
        ],
    };
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
        let name = words::reason_name(reason);
        let counted = format!("{name} ({count})");
        let fits = font::width(&counted, Legend::TEXT, false) <= SIDE_WIDTH / 2.0 - Legend::SWATCH;
        add(
            true,
            Swatch::Band(BandKind::Region(reason)),
            if fits { &counted } else { name },
        );
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

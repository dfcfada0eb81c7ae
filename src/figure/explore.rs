//! A spectrum as one looks at it closely: any stretch of it, with any of its layers, in either frame.

use std::sync::Arc;

use super::annotate;
use super::axis::{Axis, Scale};
use super::description::{
    Band, BandKind, Guide, Mark, MarkKind, Panel, Rect, Series, SeriesStyle, Shape, Swatch,
};
use super::pixels::{self, FLUX_LABEL, RESIDUAL_LABEL};
use super::spectrum::SpectrumView;
use super::words;
use crate::spectrum::lines::{self, Line, LineKind};
use crate::spectrum::prepare::Frame;
use crate::spectrum::{ArtifactZone, Smoothed, artifact_zone, smooth};

/// Which curve is how high in the panel.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum FluxScale {
    /// Every pixel in a narrow view, the bulk of them in a wide one.
    #[default]
    Auto,
    /// The bulk of data and model, so that one line does not flatten the rest.
    Bulk,
    /// From the lowest pixel in view to the highest.
    All,
    Fixed {
        low: f64,
        high: f64,
    },
}

/// Which of the object's lines are marked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LineSet {
    /// The major ones, and those that a flagged region touches.
    #[default]
    Major,
    Emission,
    Absorption,
    All,
    None,
}

impl LineSet {
    /// Whether a line of the object (not of the sky) is in the set.
    pub fn contains(self, line: &Line) -> bool {
        match self {
            Self::Major => line.kind != LineKind::Sky && line.major,
            Self::Emission => line.kind == LineKind::Emission,
            Self::Absorption => line.kind == LineKind::Absorption,
            Self::All => line.kind != LineKind::Sky,
            Self::None => false,
        }
    }
}

/// How a spectrum is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    pub data: bool,
    pub noise: bool,
    pub model: bool,
    pub residual: bool,
    pub regions: bool,
    pub masked: bool,
    /// Night sky, telluric absorption, camera overlaps.
    pub zones: bool,
    /// Sigma of the Gaussian, pixels.
    pub smoothing: Option<f64>,
    /// Of the wavelengths; flux stays the observed f_lambda in both.
    pub frame: Frame,
    /// The redshift of the lines and of the rest frame.
    pub z: Option<f64>,
    /// The stretch in view, observed Angstrom; `None` for all.
    pub range: Option<(f64, f64)>,
    pub scale: FluxScale,
    /// How much taller than the scale says; 1 as it says.
    pub taller: f64,
    pub lines: LineSet,
    pub sky_lines: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            data: true,
            noise: true,
            model: true,
            residual: true,
            regions: true,
            masked: true,
            zones: true,
            smoothing: None,
            frame: Frame::Observed,
            z: None,
            range: None,
            scale: FluxScale::Auto,
            taller: 1.0,
            lines: LineSet::Major,
            sky_lines: false,
        }
    }
}

impl Look {
    /// The redshift, where it is one.
    pub fn redshift(&self) -> Option<f64> {
        self.z.filter(|z| z.is_finite() && *z > -1.0)
    }

    /// Observed wavelengths over those of the x axis.
    fn shrink(&self) -> f64 {
        match self.frame {
            Frame::Rest => 1.0 + self.redshift().unwrap_or(0.0),
            Frame::Observed => 1.0,
        }
    }

    /// The place of an observed wavelength on the x axis, Angstrom.
    pub fn x_of(&self, observed: f64) -> f64 {
        observed / self.shrink()
    }

    /// The observed wavelength at a place on the x axis, Angstrom.
    pub fn observed_at(&self, x: f64) -> f64 {
        x * self.shrink()
    }
}

/// The panels of a closely looked at spectrum, and what is in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Explored {
    pub main: Panel,
    /// In sigma, below the main panel, with its x axis; `None` where it is off or there is no model.
    pub residual: Option<Panel>,
    /// The layers that are there.
    pub legend: Vec<(Swatch, String)>,
}

/// Of a view narrower than this share of the spectrum, [`FluxScale::Auto`] shows every pixel.
const NARROW: f64 = 1.0 / 8.0;

/// Lines of one name that stand closer than this carry the name once, dots.
const CROWDED: f64 = 16.0;

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

    let curves = Curves::of(view, look, low, high);
    let dot = (high - low) / width_in_dots.max(1) as f64;
    let bands = bands(view, look, &curves, dot);
    let narrow = high - low < NARROW * (all.1 - all.0);
    let (floor, ceiling) = curves.flux_range(look, narrow);
    let residual = (look.residual && curves.has_model()).then(|| {
        let (low, high) = pixels::residual_range(&curves.inner(&curves.residual));
        Panel {
            rect: NOWHERE,
            x: x.clone(),
            y: Axis::new(RESIDUAL_LABEL, low, high, Scale::Linear),
            top: None,
            series: vec![curves.series("residual", &curves.residual, SeriesStyle::Residual)],
            bands: bands
                .iter()
                .filter(|band| over_all(band))
                .map(unlabeled)
                .collect(),
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
    let legend = legend(view, look, &main);
    Explored {
        main,
        residual,
        legend,
    }
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

/// The pixels in view and one beyond each end, as curves; NaN where there is nothing.
struct Curves {
    /// Observed.
    wavelength: Vec<f64>,
    /// On the x axis.
    x: Arc<[f64]>,
    valid: Vec<bool>,
    /// Data to be believed, of valid pixels.
    data: Vec<f64>,
    /// Masked pixels and those dominated by the night sky, as far as the look greys them.
    greyed: Vec<f64>,
    noise: Vec<f64>,
    model: Vec<f64>,
    residual: Vec<f64>,
    smoothed: bool,
    /// The pixels between the ends of the view.
    within: std::ops::Range<usize>,
}

impl Curves {
    fn of(view: &SpectrumView, look: &Look, low: f64, high: f64) -> Self {
        let n = view.wavelength.len().min(view.flux.len());
        let wavelength = &view.wavelength[..n];
        let inner = wavelength.partition_point(|w| *w < low)..wavelength.partition_point(|w| *w <= high);
        let inner = inner.start.min(inner.end)..inner.end;
        let seen = inner.start.saturating_sub(1)..(inner.end + 1).min(n);
        // what smoothing draws from beyond the ends
        let reach = look.smoothing.map_or(0, |width| (3.0 * width).ceil() as usize);
        let wide = seen.start.saturating_sub(reach)..(seen.end + reach).min(n);
        let value = |list: &[f32], i: usize| list.get(i).map_or(f64::NAN, |v| f64::from(*v));
        let list = |of: &dyn Fn(usize) -> f64| -> Vec<f64> { wide.clone().map(of).collect() };

        let flux = list(&|i| value(&view.flux, i));
        let model = list(&|i| value(&view.reconstruction, i));
        let is_valid =
            |i: usize| view.valid.get(i).copied().unwrap_or(false) && value(&view.flux, i).is_finite();
        let only = |i: usize, value: f64| if is_valid(i) { value } else { f64::NAN };
        let (data, noise, model, residual) = match look.smoothing.filter(|width| *width > 0.0) {
            None => (
                list(&|i| only(i, value(&view.flux, i))),
                list(&|i| only(i, value(&view.sigma, i))),
                model,
                list(&|i| only(i, value(&view.residual_sigma, i))),
            ),
            Some(width) => {
                let ivar = list(&|i| only(i, value(&view.sigma, i).powi(-2)));
                let Smoothed { flux, sigma } = smooth(&flux, &ivar, width);
                let model = smooth(&model, &ivar, width).flux;
                let residual = |j: usize| (flux[j] - model[j]) / sigma[j];
                let gone = |j: usize, value: f64| only(wide.start + j, value);
                (
                    (0..flux.len()).map(|j| gone(j, flux[j])).collect(),
                    (0..flux.len()).map(|j| gone(j, sigma[j])).collect(),
                    (0..flux.len())
                        .map(|j| {
                            if value(&view.reconstruction, wide.start + j).is_finite() {
                                model[j]
                            } else {
                                f64::NAN
                            }
                        })
                        .collect(),
                    (0..flux.len()).map(|j| gone(j, residual(j))).collect(),
                )
            }
        };
        let cut = |list: &[f64]| list[seen.start - wide.start..seen.end - wide.start].to_vec();
        let wavelength: Vec<f64> = wavelength[seen.clone()].to_vec();
        let mut curves = Self {
            x: wavelength.iter().map(|w| look.x_of(*w)).collect(),
            valid: seen.clone().map(is_valid).collect(),
            data: cut(&data),
            greyed: cut(&flux),
            noise: cut(&noise),
            model: cut(&model),
            residual: cut(&residual),
            smoothed: look.smoothing.is_some_and(|width| width > 0.0),
            within: inner.start - seen.start..inner.end - seen.start,
            wavelength,
        };
        curves.grey(view, look);
        curves
    }

    /// Parts the data that are to be believed from those that are not.
    fn grey(&mut self, view: &SpectrumView, look: &Look) {
        let n = self.wavelength.len();
        let sky = |i: usize| {
            look.zones && artifact_zone(self.wavelength[i], view.mask_kind) == Some(ArtifactZone::Sky)
        };
        let doubted: Vec<bool> = (0..n)
            .map(|i| if self.valid[i] { sky(i) } else { look.masked })
            .collect();
        for i in 0..n {
            if self.valid[i] {
                self.greyed[i] = self.data[i];
            }
            // the neighbors belong to both, so that neither curve breaks off before the other
            let near = doubted[i.saturating_sub(1)..(i + 2).min(n)].contains(&true);
            if !near || (!self.valid[i] && !look.masked) {
                self.greyed[i] = f64::NAN;
            }
        }
        for i in 0..n {
            if doubted[i] {
                self.data[i] = f64::NAN;
            }
        }
    }

    /// The part of a curve that is in view.
    fn inner(&self, curve: &[f64]) -> Vec<f64> {
        curve[self.within.clone()].to_vec()
    }

    /// The data of valid pixels in view.
    fn valid_data(&self) -> Vec<f64> {
        let value = |i: usize| match (self.valid[i], self.data[i].is_finite()) {
            (true, true) => self.data[i],
            (true, false) => self.greyed[i],
            (false, _) => f64::NAN,
        };
        self.within.clone().map(value).collect()
    }

    fn nothing(&self) -> bool {
        [&self.data, &self.greyed, &self.model]
            .into_iter()
            .all(|curve| !curve[self.within.clone()].iter().any(|v| v.is_finite()))
    }

    fn has_model(&self) -> bool {
        self.model.iter().any(|v| v.is_finite())
    }

    fn flux_range(&self, look: &Look, narrow: bool) -> (f64, f64) {
        let (data, model, noise) = (
            self.valid_data(),
            self.inner(&self.model),
            self.inner(&self.noise),
        );
        let every = |empty: (f64, f64)| {
            let shown = data.iter().chain(&model).filter(|v| v.is_finite());
            let (low, high) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
                (low.min(*v), high.max(*v))
            });
            if low <= high {
                pixels::with_room(low, high)
            } else {
                empty
            }
        };
        let bulk = || {
            let smooth = if self.smoothed {
                data.clone()
            } else {
                pixels::smooth(&data, &noise)
            };
            pixels::flux_range(&data, &smooth, &noise, &model)
        };
        let (low, high) = match look.scale {
            FluxScale::Fixed { low, high } => (low, high),
            FluxScale::All => every((0.0, 1.0)),
            FluxScale::Auto if narrow => every((0.0, 1.0)),
            FluxScale::Auto | FluxScale::Bulk => bulk(),
        };
        let taller = if look.taller > 0.0 { look.taller } else { 1.0 };
        (low, low + (high - low) / taller)
    }

    fn series(&self, name: &str, y: &[f64], style: SeriesStyle) -> Series {
        Series {
            name: name.to_owned(),
            x: self.x.clone(),
            y: y.to_vec(),
            shape: match style {
                SeriesStyle::Reconstruction | SeriesStyle::NoiseBand => Shape::Line,
                _ => Shape::Step,
            },
            style,
        }
    }

    /// The curves of the main panel, from back to front.
    fn shown(&self, look: &Look) -> Vec<Series> {
        let mut list = Vec::new();
        let mut add = |on: bool, name: &str, y: &[f64], style| {
            if on && y.iter().any(|v| v.is_finite()) {
                list.push(self.series(name, y, style));
            }
        };
        add(look.noise, "noise (1σ)", &self.noise, SeriesStyle::NoiseBand);
        add(look.data, "masked or sky", &self.greyed, SeriesStyle::Masked);
        match self.smoothed {
            false => add(look.data, "data", &self.data, SeriesStyle::Data),
            true => add(look.data, "smoothed data", &self.data, SeriesStyle::Smoothed),
        }
        add(look.model, "model", &self.model, SeriesStyle::Reconstruction);
        list
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

/// The lines in view, the most important first.
fn marks(view: &SpectrumView, look: &Look, x: &Axis, dot: f64) -> Vec<Mark> {
    let touched = |line: &Line| {
        let names = |region: &&crate::anomaly::Region| region.line.as_deref() == Some(line.name.as_str());
        view.regions.iter().filter(names).any(|region| {
            (region.rest_min - annotate::NEAR..=region.rest_max + annotate::NEAR).contains(&line.wavelength)
        })
    };
    let in_set = |line: &Line| {
        look.lines.contains(line)
            || (look.lines == LineSet::Major && line.kind != LineKind::Sky && touched(line))
    };
    let mut found: Vec<((bool, bool, usize), Mark)> = Vec::new();
    for line in lines::all() {
        let (kind, observed) = match (line.kind, look.redshift()) {
            (LineKind::Sky, _) if look.sky_lines => (MarkKind::Sky, line.wavelength),
            (LineKind::Emission, Some(z)) if in_set(line) => {
                (MarkKind::Emission, line.wavelength * (1.0 + z))
            }
            (LineKind::Absorption, Some(z)) if in_set(line) => {
                (MarkKind::Absorption, line.wavelength * (1.0 + z))
            }
            _ => continue,
        };
        let name = match kind {
            MarkKind::Sky => format!("sky {}", words::line_name(&line.name)),
            _ => words::line_name(&line.name),
        };
        let place = look.x_of(observed);
        let known = |(_, mark): &(_, Mark)| mark.name == name && (mark.x - place).abs() < 1.5;
        if (x.min..=x.max).contains(&place) && !found.iter().any(known) {
            let rank = IMPORTANT.iter().position(|important| *important == line.name);
            let importance = (
                kind == MarkKind::Sky || !touched(line),
                kind == MarkKind::Sky || !line.major,
                rank.unwrap_or(IMPORTANT.len()),
            );
            found.push((importance, Mark { x: place, name, kind }));
        }
    }
    // of lines of one name, the redmost (the strongest of [O III]) comes first and carries it
    found.sort_by(|(a, left), (b, right)| a.cmp(b).then(right.x.total_cmp(&left.x)));
    let mut marks: Vec<Mark> = Vec::with_capacity(found.len());
    for (_, mut mark) in found {
        let again =
            |other: &Mark| other.name == mark.name && (other.x - mark.x).abs() < CROWDED * look.x_of(dot);
        if marks.iter().any(again) {
            mark.name.clear();
        }
        marks.push(mark);
    }
    marks
}

/// The lines that one looks for first.
const IMPORTANT: [&str; 19] = [
    "H alpha", "[O III]", "[O II]", "H beta", "Ly alpha", "Mg II", "C IV", "C III]", "Ca K", "Ca H", "Mg b",
    "Na D", "[N II]", "[S II]", "G band", "H gamma", "[Ne III]", "H delta", "[Ne V]",
];

/// What is in the panels, in words.
fn legend(view: &SpectrumView, look: &Look, main: &Panel) -> Vec<(Swatch, String)> {
    let mut entries: Vec<(Swatch, String)> = main
        .series
        .iter()
        .rev()
        .filter(|series| series.style != SeriesStyle::Masked)
        .map(|series| (Swatch::Series(series.style), series.name.clone()))
        .collect();
    let has = |kind: BandKind| main.bands.iter().any(|band| band.kind == kind);
    for (reason, _) in annotate::count_reasons(&view.regions) {
        if has(BandKind::Region(reason)) {
            entries.push((
                Swatch::Band(BandKind::Region(reason)),
                words::reason_name(reason).to_owned(),
            ));
        }
    }
    let greyed = look.masked && main.series.iter().any(|s| s.style == SeriesStyle::Masked);
    if has(BandKind::Masked) || greyed {
        entries.push((Swatch::Band(BandKind::Masked), "masked".to_owned()));
    }
    for (kind, name) in [
        (BandKind::Sky, "sky"),
        (BandKind::Telluric, "telluric"),
        (BandKind::Overlap, "cameras meet"),
    ] {
        if has(kind) {
            entries.push((Swatch::Band(kind), name.to_owned()));
        }
    }
    entries
}

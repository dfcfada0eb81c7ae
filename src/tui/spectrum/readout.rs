//! The rows of words about the chart, as parts of which the first matter most.

use super::measured::with_error;
use super::pane::Pane;
use super::stops;
use crate::figure::FluxScale;
use crate::spectrum::prepare::Frame;
use crate::tui::theme::Role;

/// Words with their look.
pub(super) type Part = (String, Role);

/// Kilometers per second.
const LIGHT: f64 = 299_792.458;

fn signed(value: f64, decimals: usize) -> String {
    format!("{value:+.decimals$}").replace('-', "\u{2212}")
}

/// A flux, with as many digits as one reads.
fn flux(value: f64) -> String {
    let text = match value.abs() {
        size if size != 0.0 && !(1e-3..1e5).contains(&size) => format!("{value:.2e}"),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    };
    text.replace('-', "\u{2212}")
}

impl Pane {
    /// What it is.
    pub(super) fn title(&self) -> Vec<Part> {
        let Some(view) = self.view.as_deref() else {
            return vec![("no spectrum".to_owned(), Role::Dim)];
        };
        let mut parts = vec![(view.facts.object_id.to_string(), Role::Title)];
        match (self.redshift.value(), self.redshift.nudged()) {
            (Some(z), Some(nudge)) => {
                let role = Role::Warn;
                parts.push((format!("z {} (catalog {})", redshift(z), signed(nudge, 4)), role));
            }
            (Some(z), None) if self.redshift.catalog.is_none() => {
                parts.push((format!("z {} (none in catalog)", redshift(z)), Role::Warn));
            }
            (Some(z), None) => parts.push((format!("z {}", redshift(z)), Role::Text)),
            (None, _) => parts.push(("z unknown".to_owned(), Role::Dim)),
        }
        if view.sn.is_finite() {
            parts.push((format!("S/N {:.1}", view.sn), Role::Text));
        }
        let class = [&view.facts.spectype, &view.facts.subtype];
        let class: Vec<&str> = class.into_iter().flatten().map(|text| text.trim()).collect();
        if !class.concat().is_empty() {
            parts.push((class.join(" "), Role::Text));
        }
        if view.facts.zwarn.is_some_and(|zwarn| zwarn != 0) {
            parts.push((
                format!("ZWARN {}", view.facts.zwarn.unwrap_or_default()),
                Role::Warn,
            ));
        }
        parts
    }

    /// What lies under the crosshair.
    pub(super) fn readout(&self) -> Vec<Part> {
        let (Some(view), Some(cursor)) = (self.view.as_deref(), self.cursor) else {
            return Vec::new();
        };
        let Some(pixel) = self.pixel_at(cursor) else {
            return Vec::new();
        };
        let mut parts = vec![(format!("λ {cursor:.2} Å"), Role::Crosshair)];
        if let Some(z) = self.look.redshift() {
            parts.push((format!("rest {:.2}", cursor / (1.0 + z)), Role::Text));
        }
        let at = |list: &[f32]| list.get(pixel).map_or(f64::NAN, |value| f64::from(*value));
        let masked = !view.valid.get(pixel).copied().unwrap_or(false);
        if at(&view.flux).is_finite() {
            parts.push((format!("f {}", flux(at(&view.flux))), Role::Data));
        }
        if masked {
            parts.push(("masked".to_owned(), Role::Masked));
        } else if at(&view.sigma).is_finite() {
            parts.push((format!("σ {}", flux(at(&view.sigma))), Role::Noise));
        }
        if at(&view.residual_sigma).is_finite() {
            let residual = signed(at(&view.residual_sigma), 1);
            parts.push((format!("residual {residual}σ"), Role::Residual));
        }
        if let Some((place, line)) = stops::nearest(&self.look, cursor) {
            let velocity = LIGHT * (cursor / place - 1.0);
            // beyond this, the line has nothing to do with what is seen
            if velocity.abs() < 30_000.0 {
                let text = format!("{} {} km/s", stops::title(line), signed(velocity, 0));
                parts.push((text, Role::Emission));
            }
        }
        if at(&view.reconstruction).is_finite() {
            parts.push((format!("model {}", flux(at(&view.reconstruction))), Role::Model));
        }
        parts
    }

    /// What was measured; equivalent width, center and width in the rest frame where there is one. S/N is the first to go where room is short.
    pub(super) fn measurement_words(&self) -> Vec<Part> {
        let Some(measured) = &self.measured else {
            return Vec::new();
        };
        let m = match &measured.result {
            Ok(measurement) => measurement,
            Err(why) => return vec![(why.clone(), Role::Warn)],
        };
        let stretch = 1.0 + self.look.redshift().unwrap_or(0.0);
        let frame = self.look.redshift().map_or("", |_| " rest");
        let rest = |value: crate::spectrum::measure::Value| crate::spectrum::measure::Value {
            value: value.value / stretch,
            error: value.error / stretch,
        };
        let mut parts = vec![(format!("flux {}", with_error(m.flux)), Role::Title)];
        match m.equivalent_width {
            Some(width) => parts.push((format!("EW {} Å", with_error(rest(width))), Role::Text)),
            None => parts.push(("EW none: no continuum".to_owned(), Role::Dim)),
        }
        let (from, to) = (self.look.x_of(m.from), self.look.x_of(m.to));
        parts.push((format!("{from:.0}–{to:.0}"), Role::Dim));
        if let Some(width) = m.equivalent_width {
            let kind = match width.value < 0.0 {
                true => "emission",
                false => "absorption",
            };
            // The frame where there is room for it: the range and it would be one too many for a narrow pane.
            let frame = self.look.redshift().map_or("", |_| ", rest frame");
            parts.push((format!("{kind}{frame}"), Role::Text));
        }
        if let Some(center) = m.center {
            let center = with_error(rest(center));
            parts.push((format!("center {center} Å{frame}"), Role::Text));
        }
        if let Some(fwhm) = m.fwhm {
            let velocity = m.center.map(|center| LIGHT * fwhm / center.value);
            let velocity = velocity.map(|v| format!(" = {v:.0} km/s")).unwrap_or_default();
            parts.push((
                format!("FWHM {:.2} Å{frame}{velocity}", fwhm / stretch),
                Role::Text,
            ));
        }
        if m.coverage < 0.995 {
            parts.push((format!("{:.0} % masked", 100.0 * (1.0 - m.coverage)), Role::Warn));
        }
        parts.push((format!("S/N {:.1} a pixel", m.sn), Role::Text));
        parts
    }

    /// How it is looked at, where that is not as it is by default.
    pub(super) fn manner(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        if let Some(width) = self.look.smoothing {
            parts.push((format!("smoothed {width} px"), Role::Smoothed));
        }
        if self.look.frame == Frame::Rest && self.look.redshift().is_some() {
            parts.push(("rest frame".to_owned(), Role::Label));
        }
        match self.look.scale {
            FluxScale::Auto => {}
            FluxScale::Bulk => parts.push(("bulk".to_owned(), Role::Label)),
            FluxScale::All => parts.push(("every pixel".to_owned(), Role::Label)),
            FluxScale::Fixed { .. } => parts.push(("flux fixed".to_owned(), Role::Label)),
        }
        if (self.look.taller - 1.0).abs() > 1e-9 {
            parts.push((format!("×{:.2}", self.look.taller), Role::Label));
        }
        parts
    }
}

/// A redshift to the fourth decimal.
fn redshift(z: f64) -> String {
    format!("{z:.4}").replace('-', "\u{2212}")
}

//! A measurement between two edges.

use super::pane::Pane;
use crate::spectrum::measure::{Measurement, Pixels, Value};

/// What was measured, and where.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measured {
    /// Observed Angstrom.
    pub from: f64,
    pub to: f64,
    /// The measurement in the observed frame, or why there is none.
    pub result: Result<Measurement, String>,
}

impl Pane {
    /// The last measurement, in the observed frame.
    pub fn measurement(&self) -> Option<&Measurement> {
        self.measured.as_ref()?.result.as_ref().ok()
    }

    /// Measures between two edges, always on the data as they are, smoothed or not.
    pub(super) fn measure(&mut self, a: f64, b: f64) {
        let Some(view) = self.view.as_deref() else {
            return;
        };
        let pixels = Pixels {
            wavelength: &view.wavelength,
            flux: &view.flux,
            sigma: &view.sigma,
            valid: &view.valid,
        };
        let result = pixels.measure(a, b).map_err(|error| error.to_string());
        self.measured = Some(Measured {
            from: a.min(b),
            to: a.max(b),
            result,
        });
        // In full, for a pane that has no room for all of it.
        let words = self.measurement_words();
        let words: Vec<String> = words.into_iter().map(|(words, _)| words).collect();
        self.note = Some(words.join("  "));
    }
}

/// A value with its error, to two digits of the error.
pub(super) fn with_error(value: Value) -> String {
    let decimals = match value.error {
        error if error.is_finite() && error > 0.0 => (1.0 - error.log10().floor()).clamp(0.0, 6.0) as usize,
        _ => 2,
    };
    let text = format!("{:.decimals$} ± {:.decimals$}", value.value, value.error);
    text.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_digits_that_their_errors_allow() {
        let said = |value, error| with_error(Value { value, error });
        assert_eq!(said(12.3456, 0.123), "12.35 ± 0.12");
        assert_eq!(said(-1234.5, 41.0), "\u{2212}1234 ± 41");
        assert_eq!(said(0.001234, 0.00021), "0.00123 ± 0.00021");
        assert_eq!(said(1.0, f64::NAN), "1.00 ± NaN");
    }
}

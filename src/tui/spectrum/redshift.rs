//! The redshift of the lines: the catalog's, nudged, or one's own.

use super::pane::Pane;
use super::{PaneError, stops};

/// A redshift and where it started.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Redshift {
    pub catalog: Option<f64>,
    now: Option<f64>,
}

/// One nudge.
const STEP: f64 = 1e-4;

fn possible(z: f64) -> bool {
    z.is_finite() && z > -1.0
}

impl Redshift {
    pub fn of(catalog: Option<f64>) -> Self {
        let catalog = catalog.filter(|z| possible(*z));
        Self {
            catalog,
            now: catalog,
        }
    }

    pub fn value(&self) -> Option<f64> {
        self.now
    }

    /// How far it is from the catalog's, where it is.
    pub fn nudged(&self) -> Option<f64> {
        let off = self.now? - self.catalog?;
        (off.abs() > 1e-9).then_some(off)
    }

    pub fn reset(&mut self) {
        self.now = self.catalog;
    }
}

impl Pane {
    /// The redshift at which the lines stand: the catalog's with its nudges, or the one given.
    pub fn redshift(&self) -> Option<f64> {
        self.redshift.value()
    }

    /// What it differs from the catalog's, where it does.
    pub fn redshift_nudge(&self) -> Option<f64> {
        self.redshift.nudged()
    }

    /// Sets the redshift; what is none (not finite, not above -1) changes nothing.
    pub fn set_redshift(&mut self, z: f64) {
        if possible(z) {
            self.redshift.now = Some(z);
            self.look.z = Some(z);
            self.refresh();
        }
    }

    /// Sets the redshift that was typed.
    pub fn typed_redshift(&mut self, text: &str) -> Result<(), PaneError> {
        let z: Option<f64> = text.trim().parse().ok().filter(|z| possible(*z));
        let z = z.ok_or_else(|| PaneError::BadRedshift(text.trim().to_owned()))?;
        self.set_redshift(z);
        Ok(())
    }

    /// Sets the redshift at which the line of this name stands at the crosshair, and returns it.
    pub fn redshift_to_line(&mut self, name: &str) -> Result<f64, PaneError> {
        let line = stops::named(name)?;
        let observed = self.cursor.ok_or(PaneError::NoCrosshair)?;
        let z = observed / line.wavelength - 1.0;
        if !possible(z) {
            return Err(PaneError::ImpossibleRedshift {
                line: stops::title(line),
                observed,
                z,
            });
        }
        self.set_redshift(z);
        Ok(z)
    }

    pub(super) fn nudge(&mut self, steps: i64) {
        let z = self.redshift.now.unwrap_or(0.0) + STEP * steps as f64;
        if possible(z) {
            self.redshift.now = Some(z);
        } else {
            self.note = Some("a redshift is above -1".to_owned());
        }
    }
}

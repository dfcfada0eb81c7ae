//! Which picture is wanted, and how it is to look.

use std::path::PathBuf;

use crate::cutout::{CutoutSettings, Field};
use crate::spectrum::Facts;
use crate::tui::app::Target;
use crate::tui::terminal::Graphics;

/// Whose picture.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The sky around an object of the catalog.
    Sky(Target),
    /// A figure.
    File(PathBuf),
}

/// How the astronomer looks at the sky; all pictures share it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct View {
    /// Steps of brightness.
    pub brightness: i8,
    /// Steps of a factor of two: above 0 closer, below 0 farther.
    pub zoom: i8,
    /// A service asked alone; `None`: all, in the order of the settings.
    pub service: Option<String>,
    /// With cross-hair, fiber, scale bar and compass.
    pub marks: bool,
}

impl Default for View {
    fn default() -> Self {
        Self {
            brightness: 0,
            zoom: 0,
            service: None,
            marks: true,
        }
    }
}

impl View {
    const BRIGHTEST: i8 = 6;
    const CLOSEST: i8 = 4;
    const FARTHEST: i8 = -3;

    pub fn brighten(&mut self, steps: i8) {
        self.brightness = (self.brightness + steps).clamp(-Self::BRIGHTEST, Self::BRIGHTEST);
    }

    pub fn closer(&mut self, steps: i8) {
        self.zoom = (self.zoom + steps).clamp(Self::FARTHEST, Self::CLOSEST);
    }

    /// The service after the present one, around the end; the end is all of them.
    pub fn next_service(&mut self, services: &[String]) {
        let place = self
            .service
            .as_ref()
            .and_then(|now| services.iter().position(|service| service == now));
        self.service = match place {
            None if self.service.is_some() => None,
            None => services.first().cloned(),
            Some(place) => services.get(place + 1).cloned(),
        };
    }

    /// The field to be looked for. Farther away it is another one; closer the same is cut.
    pub fn field(&self, facts: &Facts, settings: &CutoutSettings) -> Field {
        let farther = 2f64.powi(i32::from(-self.zoom.min(0)));
        Field {
            service: self.service.clone(),
            ..Field::of(facts, settings.cutout_scale * farther, settings.cutout_pixels)
        }
    }

    /// Width of what is shown, arcseconds.
    pub fn width(&self, settings: &CutoutSettings) -> f64 {
        settings.cutout_scale * f64::from(settings.cutout_pixels) / 2f64.powi(i32::from(self.zoom))
    }
}

/// One picture, made for one place on one terminal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Order {
    pub subject: Subject,
    pub view: View,
    /// Columns and rows that it may take.
    pub room: (u16, u16),
    pub graphics: Graphics,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_stay_within_reason() {
        let mut view = View::default();
        let settings = CutoutSettings::default();
        assert!((view.width(&settings) - 67.072).abs() < 1e-9);
        for _ in 0..20 {
            view.brighten(1);
            view.closer(1);
        }
        assert_eq!((view.brightness, view.zoom), (6, 4));
        let facts = Facts::default();
        assert_eq!(view.field(&facts, &settings).scale, 0.262);
        for _ in 0..40 {
            view.brighten(-1);
            view.closer(-1);
        }
        assert_eq!((view.brightness, view.zoom), (-6, -3));
        assert_eq!(view.field(&facts, &settings).scale, 8.0 * 0.262);
        assert!((view.width(&settings) - 8.0 * 67.072).abs() < 1e-9);
    }

    #[test]
    fn services_go_around() {
        let services = ["sdss".to_owned(), "legacy".to_owned()];
        let mut view = View::default();
        let mut seen = Vec::new();
        for _ in 0..4 {
            view.next_service(&services);
            seen.push(view.service.clone());
        }
        let name = |name: &str| Some(name.to_owned());
        assert_eq!(seen, [name("sdss"), name("legacy"), None, name("sdss")]);
        // One that the settings do not have any more.
        view.service = name("gone");
        view.next_service(&services);
        assert_eq!(view.service, None);
    }
}

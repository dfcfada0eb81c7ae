//! Crosshair, jumps to regions and lines, boxes.

use super::pane::{Edge, Pane, Purpose};
use super::views::Way;
use super::{PaneError, stops, views};
use crate::figure::{SpectrumView, region_label};

/// A line is shown with so many Angstrom of the rest frame on either side.
const ABOUT_LINE: f64 = 60.0;
/// A region is shown with its own width on either side, and at least so many Angstrom in all.
const LEAST_REGION: f64 = 40.0;
/// Share of the view by which the crosshair jumps.
const FAR: f64 = 0.1;

impl Pane {
    /// The pixel nearest to an observed wavelength.
    pub(super) fn pixel_at(&self, observed: f64) -> Option<usize> {
        let wavelength = pixels(self.view.as_deref()?);
        let above = wavelength.partition_point(|w| *w < observed);
        let candidates = [above.checked_sub(1), (above < wavelength.len()).then_some(above)];
        let off = |i: usize| (wavelength[i] - observed).abs();
        let nearest = candidates
            .into_iter()
            .flatten()
            .min_by(|a, b| off(*a).total_cmp(&off(*b)));
        nearest.filter(|i| wavelength[*i].is_finite())
    }

    /// The middle of the pixel nearest to an observed wavelength.
    pub(super) fn snapped(&self, observed: f64) -> Option<f64> {
        let pixel = self.pixel_at(observed)?;
        self.view.as_deref().map(|view| view.wavelength[pixel])
    }

    /// Width of the pixel nearest to an observed wavelength, Angstrom; 1 where there are not two.
    pub(super) fn pixel_width(&self, observed: f64) -> f64 {
        let width = || {
            let pixel = self.pixel_at(observed)?;
            let wavelength = pixels(self.view.as_deref()?);
            let here = wavelength[pixel];
            let next = wavelength
                .get(pixel + 1)
                .or_else(|| wavelength.get(pixel.checked_sub(1)?))?;
            Some((next - here).abs())
        };
        width()
            .filter(|width| width.is_finite() && *width > 0.0)
            .unwrap_or(1.0)
    }

    pub(super) fn at_middle(&self) -> Option<f64> {
        self.snapped(self.middle())
    }

    /// Moves the crosshair by columns (or by pixels where they are wider), or far; what is not on is put on.
    pub(super) fn move_cursor(&mut self, steps: f64, far: bool) {
        let Some(cursor) = self.cursor else {
            self.cursor = self.at_middle();
            return;
        };
        let (low, high) = self.range();
        let column = (high - low) / f64::from(self.columns().max(1));
        let step = if far {
            FAR * (high - low)
        } else {
            column.max(self.pixel_width(cursor))
        };
        let Some(mut pixel) = self.pixel_at(cursor + steps * step) else {
            return;
        };
        let Some(view) = self.view.as_deref() else {
            return;
        };
        // rounding to a pixel must not hold the crosshair where it is
        if view.wavelength[pixel] == cursor {
            pixel = if steps < 0.0 {
                pixel.saturating_sub(1)
            } else {
                (pixel + 1).min(pixels(view).len() - 1)
            };
        }
        let place = view.wavelength[pixel];
        if place.is_finite() {
            self.put_cursor(place);
        }
    }

    /// Puts the crosshair there, and moves the view where it must to have it in sight.
    fn put_cursor(&mut self, place: f64) {
        self.cursor = Some(place);
        let (all, (low, high)) = (self.all(), self.range());
        let width = high - low;
        if place < low || place > high {
            let middle = if place < low {
                place + 0.4 * width
            } else {
                place - 0.4 * width
            };
            self.go(Way::Pan, |view| view.range = views::within(all, middle, width));
        }
    }

    pub(super) fn cursor_to_line(&mut self) {
        let from = self.cursor.unwrap_or_else(|| self.middle());
        let found = stops::nearest(&self.look, from).and_then(|(at, line)| {
            let (first, last) = self.all();
            let place = self.snapped(at)?;
            (first..=last).contains(&at).then_some((place, line))
        });
        match found {
            Some((place, line)) => {
                self.put_cursor(place);
                self.note = Some(stops::title(line));
            }
            None => self.note = Some("no known line here: they need a redshift".to_owned()),
        }
    }

    /// Sets an edge at the crosshair, or ends the interval that one has begun.
    pub(super) fn mark(&mut self, purpose: Purpose) {
        let Some(at) = self.cursor.or_else(|| self.at_middle()) else {
            self.note = Some(PaneError::NoSpectrum.to_string());
            return;
        };
        match (self.edge, self.cursor) {
            (Some(edge), Some(_)) if edge.purpose == purpose => {
                self.edge = None;
                match purpose {
                    Purpose::Box if edge.at != at => {
                        self.zoom_to(edge.at, at);
                        let ends = [edge.at, at].map(|end| self.look.x_of(end));
                        let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
                        self.note = Some(format!("zoomed to {low:.1}–{high:.1} Å"));
                    }
                    Purpose::Box => self.note = Some("both edges are at one place: no box".to_owned()),
                    Purpose::Measure => self.measure(edge.at, at),
                }
            }
            _ => {
                self.cursor = Some(at);
                self.edge = Some(Edge { at, purpose });
                let to = match purpose {
                    Purpose::Box => "zoom to the box",
                    Purpose::Measure => "measure",
                };
                self.note = Some(format!(
                    "edge at {:.1} Å: move the crosshair and press again to {to}",
                    self.look.x_of(at)
                ));
            }
        }
    }

    /// Zooms to the region so many further down the list of the strongest.
    pub(super) fn go_to_region(&mut self, steps: i64) {
        let Some(view) = self.view.clone() else {
            return;
        };
        let stops = stops::regions(&view);
        if stops.is_empty() {
            self.note = Some("nothing is flagged in this spectrum".to_owned());
            return;
        }
        let index = wrapped(self.region.map(|i| i as i64), steps, stops.len());
        self.region = Some(index);
        let region = stops[index];
        let (low, high) = (region.wavelength_min, region.wavelength_max);
        let width = (3.0 * (high - low)).max(LEAST_REGION);
        let middle = (low + high) / 2.0;
        self.zoom_to(middle - width / 2.0, middle + width / 2.0);
        let label = region_label(region);
        self.note = Some(format!("region {} of {}: {label}", index + 1, stops.len()));
    }

    /// Zooms to the known line so many further to the red.
    pub(super) fn go_to_line(&mut self, steps: i64) {
        let stops = stops::lines(&self.look, self.all());
        if stops.is_empty() {
            let why = match self.look.redshift() {
                Some(_) => "no known line lies in this spectrum",
                None => "no redshift, so no lines: give one with :z",
            };
            self.note = Some(why.to_owned());
            return;
        }
        let stretch = 1.0 + self.look.redshift().unwrap_or(0.0);
        let middle = self.middle();
        // the line of the view that the last jump left, even where an end of the spectrum has pushed that aside
        let here = self.line.filter(|(_, range)| *range == self.look.range);
        let here = here.and_then(|(rest, _)| {
            let off = |at: f64| (at / stretch - rest).abs();
            (0..stops.len()).min_by(|a, b| off(stops[*a].0).total_cmp(&off(stops[*b].0)))
        });
        let index = match here {
            Some(here) => wrapped(Some(here as i64), steps, stops.len()),
            None if self.look.range.is_none() => wrapped(None, steps, stops.len()),
            None => {
                // the first line beyond the middle is one step away
                let above = stops.partition_point(|(at, _)| *at < middle) as i64;
                let from = if steps > 0 { above - 1 } else { above };
                wrapped(Some(from), steps, stops.len())
            }
        };
        let (at, line) = stops[index];
        self.zoom_to(at - ABOUT_LINE * stretch, at + ABOUT_LINE * stretch);
        self.line = Some((at / stretch, self.look.range));
        self.note = Some(format!(
            "{} · line {} of {}",
            stops::title(line),
            index + 1,
            stops.len()
        ));
    }

    /// Shows the stretch that `text` names: two wavelengths of the x axis.
    pub fn typed_range(&mut self, text: &str) -> Result<(), PaneError> {
        if self.view.is_none() {
            return Err(PaneError::NoSpectrum);
        }
        let bad = || PaneError::BadRange(text.trim().to_owned());
        let numbers: Result<Vec<f64>, _> = text
            .split(|c: char| c.is_whitespace() || matches!(c, ',' | '-' | '–'))
            .filter(|part| !part.is_empty())
            .map(str::parse)
            .collect();
        match numbers.as_deref() {
            Ok([a, b]) if a.is_finite() && b.is_finite() && a != b => {
                let (a, b) = (self.look.observed_at(*a), self.look.observed_at(*b));
                self.zoom_to(a, b);
                self.refresh();
                Ok(())
            }
            _ => Err(bad()),
        }
    }
}

/// The pixels that have both a wavelength and a flux.
pub(super) fn pixels(view: &SpectrumView) -> &[f64] {
    &view.wavelength[..view.wavelength.len().min(view.flux.len())]
}

/// The place so many steps on in a ring; from nowhere, the first step forward leads to the first place.
fn wrapped(now: Option<i64>, steps: i64, places: usize) -> usize {
    let from = now.unwrap_or(if steps > 0 { -1 } else { 0 });
    (from + steps).rem_euclid(places as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_a_ring() {
        assert_eq!(wrapped(None, 1, 5), 0);
        assert_eq!(wrapped(None, -1, 5), 4);
        assert_eq!(wrapped(Some(4), 1, 5), 0);
        assert_eq!(wrapped(Some(0), -1, 5), 4);
        assert_eq!(wrapped(Some(1), 12, 5), 3);
    }
}

//! Where one looks, and where one has looked before.

use crate::figure::FluxScale;

/// One view of a spectrum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View {
    /// Observed Angstrom; `None` for all of it.
    pub range: Option<(f64, f64)>,
    pub scale: FluxScale,
    pub taller: f64,
}

/// How one came to a view: steps of one kind in a row are one step back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Pan,
    Zoom,
    Scale,
    /// To a region, a line, a box: each is a step of its own.
    Jump,
}

/// The views before and after, as a browser keeps its pages.
#[derive(Debug, Clone, Default)]
pub(super) struct Views {
    before: Vec<View>,
    after: Vec<View>,
    last: Option<Way>,
}

/// Older views are forgotten.
const KEPT: usize = 100;

impl Views {
    /// Keeps the view that one is about to leave this way.
    pub fn leave(&mut self, view: View, way: Way) {
        if self.last != Some(way) || way == Way::Jump {
            if self.before.len() == KEPT {
                self.before.remove(0);
            }
            self.before.push(view);
        }
        self.last = Some(way);
        self.after.clear();
    }

    /// The view `count` steps before `now`, or the first.
    pub fn back(&mut self, now: View, count: usize) -> Option<View> {
        self.last = None;
        step(&mut self.before, &mut self.after, now, count)
    }

    /// The view `count` steps after `now`, or the last.
    pub fn forward(&mut self, now: View, count: usize) -> Option<View> {
        self.last = None;
        step(&mut self.after, &mut self.before, now, count)
    }
}

fn step(from: &mut Vec<View>, to: &mut Vec<View>, now: View, count: usize) -> Option<View> {
    let mut found = None;
    for _ in 0..count.min(from.len()) {
        to.push(found.unwrap_or(now));
        found = from.pop();
    }
    found
}

/// The stretch of this width about a middle, moved (and, where it must, cut) to lie within `all`; `None` where that is all of it.
pub(super) fn within(all: (f64, f64), middle: f64, width: f64) -> Option<(f64, f64)> {
    let full = all.1 - all.0;
    if !(width < full * (1.0 - 1e-9) && middle.is_finite()) {
        return None;
    }
    let low = (middle - width / 2.0).clamp(all.0, all.1 - width);
    Some((low, low + width))
}

/// The stretch zoomed by `factor` (above 1 widens) so that `fixed` stays where it is, no narrower than `least`.
pub(super) fn zoomed(
    all: (f64, f64),
    (low, high): (f64, f64),
    factor: f64,
    fixed: f64,
    least: f64,
) -> Option<(f64, f64)> {
    let width = ((high - low) * factor).max(least);
    let share = ((fixed - low) / (high - low)).clamp(0.0, 1.0);
    within(all, fixed + (0.5 - share) * width, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(low: f64) -> View {
        View {
            range: Some((low, low + 1.0)),
            scale: FluxScale::Auto,
            taller: 1.0,
        }
    }

    #[test]
    fn one_goes_back_and_forward_through_views() {
        let mut views = Views::default();
        assert_eq!(views.back(view(0.0), 1), None);
        for i in 0..3 {
            views.leave(view(f64::from(i)), Way::Jump);
        }
        assert_eq!(views.back(view(3.0), 1), Some(view(2.0)));
        assert_eq!(views.back(view(2.0), 9), Some(view(0.0)));
        assert_eq!(views.back(view(0.0), 1), None);
        assert_eq!(views.forward(view(0.0), 2), Some(view(2.0)));
        assert_eq!(views.forward(view(2.0), 1), Some(view(3.0)));
        assert_eq!(views.forward(view(3.0), 1), None);
        // a new way ends the old one's future
        views.back(view(3.0), 2);
        views.leave(view(1.0), Way::Jump);
        assert_eq!(views.forward(view(7.0), 1), None);
    }

    #[test]
    fn steps_of_one_kind_are_one_step_back() {
        let mut views = Views::default();
        for i in 0..5 {
            views.leave(view(f64::from(i)), Way::Pan);
        }
        views.leave(view(5.0), Way::Zoom);
        assert_eq!(views.back(view(6.0), 1), Some(view(5.0)));
        assert_eq!(views.back(view(5.0), 1), Some(view(0.0)));
        for i in 0..2 * KEPT {
            views.leave(view(i as f64), Way::Jump);
        }
        assert!(views.before.len() <= KEPT);
    }

    #[test]
    fn zooming_keeps_the_fixed_point_and_the_ends() {
        let all = (4000.0, 9000.0);
        assert_eq!(
            zoomed(all, (4000.0, 9000.0), 0.5, 5000.0, 1.0),
            Some((4500.0, 7000.0))
        );
        assert_eq!(
            zoomed(all, (4500.0, 7000.0), 0.5, 4500.0, 1.0),
            Some((4500.0, 5750.0))
        );
        assert_eq!(
            zoomed(all, (4500.0, 7000.0), 0.001, 5750.0, 10.0),
            Some((5745.0, 5755.0))
        );
        assert_eq!(zoomed(all, (4500.0, 7000.0), 9.0, 5000.0, 1.0), None);
        assert_eq!(within(all, 8950.0, 200.0), Some((8800.0, 9000.0)));
        assert_eq!(within(all, f64::NAN, 200.0), None);
    }
}

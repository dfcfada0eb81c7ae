//! The learning rate as a function of the step alone, so that a resumed run needs no state for it.

use super::{ScheduleKind, TrainingSettings};

const WARM_UP: f64 = 0.1;
const LAST: f64 = 0.01;

/// Learning rate of step `step` (from 0) of `steps`.
///
/// Source: the one-cycle policy of Smith 2018 (arXiv 1803.09820) with a cosine descent.
pub(super) fn learning_rate(settings: &TrainingSettings, step: usize, steps: usize) -> f64 {
    match settings.schedule {
        ScheduleKind::Constant => settings.learning_rate,
        ScheduleKind::OneCycle => {
            let progress = step as f64 / steps.max(1) as f64;
            let share = if progress < WARM_UP {
                (progress / WARM_UP).max(LAST)
            } else {
                let descent = (progress - WARM_UP) / (1.0 - WARM_UP);
                LAST + (1.0 - LAST) * 0.5 * (1.0 + (std::f64::consts::PI * descent).cos())
            };
            settings.learning_rate * share
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rises_peaks_at_a_tenth_and_ends_low() {
        let settings = TrainingSettings {
            learning_rate: 1.0,
            ..Default::default()
        };
        assert!(learning_rate(&settings, 0, 1000) < 0.02);
        assert!((learning_rate(&settings, 100, 1000) - 1.0).abs() < 1e-9);
        assert!(learning_rate(&settings, 999, 1000) < 0.011);
        assert_eq!(
            learning_rate(
                &TrainingSettings {
                    schedule: ScheduleKind::Constant,
                    ..settings
                },
                999,
                1000
            ),
            1.0
        );
    }
}

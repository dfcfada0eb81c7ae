//! Values that no job can run with.

use super::{Settings, SettingsError};
use crate::anomaly::AnomalyError;

impl Settings {
    /// Refuses values that no job can run with: the first of [`problems`](Self::problems).
    pub fn check(&self) -> Result<(), SettingsError> {
        match self.problems().into_iter().next() {
            Some((name, what)) => Err(SettingsError::Value {
                name: name.into(),
                what,
            }),
            None => Ok(()),
        }
    }

    /// What is wrong with which setting, by key of the table. Every rule is about one setting alone.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let (training, prepare, model) = (&self.training, &self.prepare, &self.model);
        let rules = [
            ("epochs", training.epochs >= 1, "at least 1 is needed"),
            ("batch_size", training.batch_size >= 1, "at least 1 is needed"),
            (
                "folds",
                (1..=1000).contains(&training.folds),
                "it must be from 1 to 1000; 1 means that spectra are scored by a model that saw them",
            ),
            ("max_spectra", training.max_spectra >= 1, "at least 1 is needed"),
            (
                "limit",
                self.selection.limit != Some(0),
                "at least 1 is needed; without it there is no limit",
            ),
            (
                "learning_rate",
                training.learning_rate > 0.0,
                "it must be above 0",
            ),
            (
                "validation_fraction",
                (0.0..0.9).contains(&training.validation_fraction),
                "it must be from 0 to below 0.9",
            ),
            (
                "latent",
                (1..=256).contains(&model.latent),
                "it must be from 1 to 256",
            ),
            (
                "hidden",
                (1..=16_384).contains(&model.hidden),
                "it must be from 1 to 16384",
            ),
            (
                "error_floor",
                (0.0..1.0).contains(&model.error_floor),
                "it must be from 0 to below 1",
            ),
            ("noise", training.noise >= 0.0, "it must not be negative"),
            (
                "log_step",
                (1e-5..1e-2).contains(&prepare.log_step),
                "it must be from 1e-5 to below 1e-2",
            ),
            (
                "min_coverage",
                share(prepare.min_coverage),
                "it must be from 0 to 1",
            ),
            (
                "sixel_colors",
                self.screens
                    .sixel_colors
                    .is_none_or(|colors| (2..=256).contains(&colors)),
                "it must be from 2 to 256",
            ),
        ];
        let mut problems: Vec<(&'static str, String)> = rules
            .into_iter()
            .chain(self.cutouts.rules())
            .filter(|(_, holds, _)| !holds)
            .map(|(key, _, what)| (key, what.to_owned()))
            .collect();
        for checked in [self.window.check(), self.significance.check()] {
            match checked {
                Err(AnomalyError::Setting {
                    setting,
                    value,
                    remedy,
                }) => problems.push((setting, format!("{value}: {remedy}"))),
                Err(other) => problems.push(("method", other.to_string())),
                Ok(()) => {}
            }
        }
        problems
    }
}

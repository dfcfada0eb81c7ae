//! One setting by its key, as a form and a command line of a screen have it: text in, text out.

use serde_json::Value;

use super::{Entry, Settings, SettingsError, TABLE, find};

impl Settings {
    /// Sets one setting from the text that its flag or variable would have; nothing, or `none`, takes away what may be absent.
    ///
    /// Errors: no such key; a text that is no value of its kind, or one that no job can run with. The settings then stay as they were.
    pub fn set(&mut self, key: &str, text: &str) -> Result<(), SettingsError> {
        let entry = find(key, key)?;
        let refused = |what: String| SettingsError::Value {
            name: key.into(),
            what,
        };
        let mut values = serde_json::to_value(&*self).expect("plain settings are JSON");
        values[entry.group][entry.key] = match text.trim() {
            "" | "none" if entry.may_be_absent() => Value::Null,
            text => entry.parse(text).map_err(refused)?,
        };
        let changed: Self = serde_json::from_value(values).map_err(|error| refused(error.to_string()))?;
        // Only its own rules: another setting may be waiting to be mended.
        match changed.problems().into_iter().find(|(name, _)| *name == key) {
            Some((_, what)) => Err(refused(what)),
            None => {
                *self = changed;
                Ok(())
            }
        }
    }

    /// The value of a setting as [`set`](Self::set) takes it; empty where there is none.
    pub fn text(&self, entry: &Entry) -> String {
        match self.value(entry) {
            Value::Null => String::new(),
            Value::String(text) => text,
            Value::Array(items) => items.iter().map(Value::to_string).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        }
    }

    /// Whether the setting is at its default.
    pub fn is_default(&self, entry: &Entry) -> bool {
        self.value(entry) == Self::default().value(entry)
    }

    /// Keys of the settings that differ, in the order of the table.
    pub fn differing(&self, other: &Self) -> Vec<&'static str> {
        let (ours, theirs) = [self, other]
            .map(|settings| serde_json::to_value(settings).expect("plain settings are JSON"))
            .into();
        TABLE
            .iter()
            .filter(|entry| ours[entry.group][entry.key] != theirs[entry.group][entry.key])
            .map(|entry| entry.key)
            .collect()
    }
}

/// Whether a text can be the value of a setting; if not, why, in a few words for the line under a field.
pub fn validate(key: &str, text: &str) -> Result<(), String> {
    Settings::default().set(key, text).map_err(|error| match error {
        SettingsError::Value { what, .. } => what,
        other => other.to_string(),
    })
}

impl Entry {
    /// Whether the setting may have no value.
    pub fn may_be_absent(&self) -> bool {
        Settings::default().value(self).is_null()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::settings::Kind;

    #[test]
    fn the_text_of_every_setting_sets_it() {
        let mut other = Settings::default();
        other.set("where", "z < 0.5").unwrap();
        other.set("limit", "2e3").unwrap();
        other.set("widths", "[1, 3,9]").unwrap();
        other.set("absolute_residual_threshold", "0.25").unwrap();
        other.set("method", "window").unwrap();
        other.set("svg", "yes").unwrap();
        assert_eq!(
            other.differing(&Settings::default()),
            [
                "where",
                "limit",
                "method",
                "absolute_residual_threshold",
                "widths",
                "svg"
            ]
        );
        for settings in [Settings::default(), other] {
            let mut copy = Settings::default();
            for entry in TABLE {
                copy.set(entry.key, &settings.text(entry)).unwrap();
                assert_eq!(
                    copy.is_default(entry),
                    settings.is_default(entry),
                    "{}",
                    entry.key
                );
            }
            assert_eq!(copy, settings);
        }
        let mut settings = Settings::default();
        settings.set("limit", "5").unwrap();
        settings.set("limit", " ").unwrap();
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn what_cannot_be_meant_is_refused_and_changes_nothing() {
        let mut settings = Settings::default();
        for (key, text, named) in [
            ("epochs", "0", "at least 1"),
            ("epochs", "many", "many"),
            ("epochs", "", "number"),
            ("epochs", "-3", "whole number"),
            ("learning_rate", "nan", "finite"),
            ("learning_rate", "inf", "finite"),
            ("learning_rate", "0", "above 0"),
            ("device", "abacus", "flex"),
            ("widths", "9,3", "ascending"),
            ("widths", "", "list"),
            ("percentile_threshold", "101", "0 to 100"),
            ("observed_bin", "1e-9", "0.2"),
            ("hidden", "1e12", "16384"),
            ("svg", "perhaps", "perhaps"),
            ("epoch", "3", "`epochs`"),
        ] {
            let error = settings.set(key, text).unwrap_err().to_string();
            assert!(error.contains(named), "{key} = {text}: {error}");
            assert!(validate(key, text).unwrap_err().contains(named), "{key} = {text}");
        }
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn no_text_of_a_form_makes_a_panic() {
        for entry in TABLE {
            for text in [
                "",
                " ",
                "none",
                "-1",
                "0",
                "1e300",
                "-1e300",
                "NaN",
                "∞",
                "\u{1b}[2J",
                "1,,2",
                "[",
                "true",
            ] {
                let _ = validate(entry.key, text);
            }
            if entry.may_be_absent() {
                assert!(
                    !matches!(entry.kind, Kind::Switch | Kind::Choice(_)),
                    "{}",
                    entry.key
                );
            }
        }
    }

    #[test]
    fn another_setting_that_is_wrong_does_not_stand_in_the_way() {
        let mut settings = Settings::default();
        settings.training.epochs = 0;
        settings.model.latent = 0;
        settings.set("seed", "4").unwrap();
        settings.set("epochs", "3").unwrap();
        assert_eq!(settings.problems().len(), 1);
        assert!(settings.check().unwrap_err().to_string().starts_with("latent"));
    }
}

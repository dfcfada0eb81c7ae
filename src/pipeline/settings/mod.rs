//! Every setting of the job: one plain struct, and one table of their names from which flags, environment, file and help are made.
//!
//! Order: flag over `SPECTRIAGE_*` environment over `spectriage.toml` over default. Unknown names are refused.

mod check;
mod one;
mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::anomaly::SignificanceSettings;
use crate::anomaly::window::WindowSettings;
use crate::cutout::CutoutSettings;
use crate::model::{ModelSettings, TrainingSettings};
use crate::spectrum::prepare::Frame;

pub use one::validate;
pub use table::{Entry, Kind, TABLE};

/// Which rows of the catalog.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SelectionSettings {
    pub r#where: Option<String>,
    pub order_by: Option<String>,
    pub limit: Option<u64>,
}

/// What flux is divided by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormalizationKind {
    #[default]
    Median,
    Robust,
}

/// How spectra are brought to the model's grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrepareSettings {
    pub frame: Frame,
    pub min_wavelength: Option<f64>,
    pub normalization: NormalizationKind,
    /// Step of the rest-frame grid in log10 of the wavelength.
    pub log_step: f64,
    /// A rest-frame pixel belongs to the grid if at least this share of the spectra covers it.
    pub min_coverage: f64,
}

impl Default for PrepareSettings {
    fn default() -> Self {
        Self {
            frame: Frame::Rest,
            min_wavelength: None,
            normalization: NormalizationKind::Median,
            log_step: 1e-4,
            min_coverage: 0.2,
        }
    }
}

/// Where prepared spectra are held while a job works with them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// Megabytes that prepared spectra and their reconstructions take in memory at most.
    pub memory_limit: u64,
    /// `None`: in the user's cache folder.
    pub prepared_dir: Option<PathBuf>,
    /// Megabytes of that folder; 0 for no files.
    pub prepared_limit: u64,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            memory_limit: 1000,
            prepared_dir: None,
            prepared_limit: 10_000,
        }
    }
}

/// Which rule makes the ranking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    #[default]
    Significance,
    Window,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DetectSettings {
    pub method: Method,
}

/// Which spectra are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    /// The strangest.
    #[default]
    Top,
    /// A sample drawn with the seed.
    Random,
}

/// What is written, and where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutputSettings {
    pub images_dir: PathBuf,
    pub metadata_dir: PathBuf,
    pub cutout_dir: Option<PathBuf>,
    pub sample_size: usize,
    pub pick: Pick,
    pub only_anomalous: bool,
    pub hide_artifacts: bool,
    pub each: bool,
    pub contact_sheet: usize,
    pub svg: bool,
}

impl Default for OutputSettings {
    fn default() -> Self {
        Self {
            images_dir: "output_images".into(),
            metadata_dir: "metadata".into(),
            cutout_dir: None,
            sample_size: 8,
            pick: Pick::Top,
            only_anomalous: false,
            hide_artifacts: false,
            each: false,
            contact_sheet: 0,
            svg: false,
        }
    }
}

/// How the screens show pictures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GraphicsWish {
    /// As the terminal answers.
    #[default]
    Auto,
    Kitty,
    Iterm2,
    Sixel,
    Halfblocks,
    None,
}

/// How the screens look.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScreenSettings {
    pub graphics: GraphicsWish,
    /// Of a sixel picture; `None`: by the link.
    pub sixel_colors: Option<u16>,
}

/// Every setting of the main job; saved with every checkpoint and manifest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    pub selection: SelectionSettings,
    pub prepare: PrepareSettings,
    pub store: StoreSettings,
    pub model: ModelSettings,
    pub training: TrainingSettings,
    pub detect: DetectSettings,
    pub window: WindowSettings,
    pub significance: SignificanceSettings,
    pub output: OutputSettings,
    pub cutouts: CutoutSettings,
    pub screens: ScreenSettings,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Default,
    File(PathBuf),
    Environment(String),
    Flag(String),
}

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("{}: {what}", file.display())]
    File { file: PathBuf, what: String },
    #[error("{name}: {what}")]
    Value { name: String, what: String },
    #[error("there is no setting `{name}`{hint}; `spectriage info --settings` lists them all")]
    Unknown { name: String, hint: String },
}

/// The settings and where each of them comes from.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub settings: Settings,
    /// By key of the table.
    pub origins: BTreeMap<&'static str, Origin>,
    /// `[keys]` of the file: for the name of an action, the keys that do it on the screens.
    pub keys: BTreeMap<String, Vec<String>>,
}

/// Variables that are no settings.
const OTHER_VARIABLES: &[&str] = &[
    "SPECTRIAGE_LOG",
    "SPECTRIAGE_CONFIG",
    "SPECTRIAGE_RESUME",
    "SPECTRIAGE_SCANNER",
    "SPECTRIAGE_THEME",
];

impl Settings {
    /// Resolves the layers.
    ///
    /// `file` is the path and text of a TOML file, `environment` all variables, `flags` the keys and values given on the command line.
    ///
    /// Errors: an unknown name or an unusable value, with the file, variable or flag that has it.
    pub fn resolve(
        file: Option<(PathBuf, String)>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: &[(String, String)],
    ) -> Result<Resolved, SettingsError> {
        let mut values = serde_json::to_value(Settings::default()).expect("plain settings are JSON");
        let mut origins: BTreeMap<&'static str, Origin> =
            TABLE.iter().map(|entry| (entry.key, Origin::Default)).collect();
        let mut set = |entry: &Entry, value: Value, origin: Origin| {
            values[entry.group][entry.key] = value;
            origins.insert(entry.key, origin);
        };
        let mut bound = BTreeMap::new();
        if let Some((path, text)) = file {
            let failed = |what: String| SettingsError::File {
                file: path.clone(),
                what,
            };
            let table: toml::Table = text
                .parse()
                .map_err(|error: toml::de::Error| failed(error.to_string()))?;
            for (group, keys) in table {
                let toml::Value::Table(keys) = keys else {
                    return Err(failed(format!("`{group}` must be a group like `[training]`")));
                };
                for (key, value) in keys {
                    if group == "keys" {
                        let keys: Result<Vec<String>, _> = value.try_into();
                        let keys = keys.map_err(|_| {
                            failed(format!(
                                "`keys.{key}` must be a list of keys, like [\"j\", \"ctrl-n\"]"
                            ))
                        })?;
                        bound.insert(key, keys);
                        continue;
                    }
                    let entry = TABLE
                        .iter()
                        .find(|entry| entry.group == group && entry.key == key)
                        .ok_or_else(|| {
                            failed(format!("there is no setting `{group}.{key}`{}", hint(&key)))
                        })?;
                    let text = match &value {
                        toml::Value::String(text) => text.clone(),
                        other => other.to_string(),
                    };
                    let value = entry
                        .parse(&text)
                        .map_err(|what| failed(format!("`{group}.{key}`: {what}")))?;
                    set(entry, value, Origin::File(path.clone()));
                }
            }
        }
        for (name, text) in environment {
            if !name.starts_with("SPECTRIAGE_") || OTHER_VARIABLES.contains(&name.as_str()) {
                continue;
            }
            let key = name["SPECTRIAGE_".len()..].to_lowercase();
            let entry = find(&key, &name)?;
            let value = entry.parse(&text).map_err(|what| SettingsError::Value {
                name: name.clone(),
                what,
            })?;
            set(entry, value, Origin::Environment(name));
        }
        for (key, text) in flags {
            let name = format!("--{}", key.replace('_', "-"));
            let entry = find(key, &name)?;
            let value = entry.parse(text).map_err(|what| SettingsError::Value {
                name: name.clone(),
                what,
            })?;
            set(entry, value, Origin::Flag(name));
        }
        let settings: Settings = serde_json::from_value(values).map_err(|error| SettingsError::Value {
            name: "settings".into(),
            what: error.to_string(),
        })?;
        settings.check()?;
        Ok(Resolved {
            settings,
            origins,
            keys: bound,
        })
    }

    /// The value of a setting, as JSON.
    pub fn value(&self, entry: &Entry) -> Value {
        // Its group alone: a form asks for the value of every setting at every frame.
        let group = match entry.group {
            "selection" => serde_json::to_value(&self.selection),
            "prepare" => serde_json::to_value(&self.prepare),
            "store" => serde_json::to_value(&self.store),
            "model" => serde_json::to_value(&self.model),
            "training" => serde_json::to_value(&self.training),
            "detect" => serde_json::to_value(&self.detect),
            "window" => serde_json::to_value(&self.window),
            "significance" => serde_json::to_value(&self.significance),
            "output" => serde_json::to_value(&self.output),
            "cutouts" => serde_json::to_value(&self.cutouts),
            _ => serde_json::to_value(&self.screens),
        };
        group.expect("plain settings are JSON")[entry.key].take()
    }
}

/// The entry of a key; `name` is what the user called it.
fn find(key: &str, name: &str) -> Result<&'static Entry, SettingsError> {
    TABLE
        .iter()
        .find(|entry| entry.key == key)
        .ok_or_else(|| SettingsError::Unknown {
            name: name.into(),
            hint: hint(key),
        })
}

/// The name that was probably meant.
fn hint(key: &str) -> String {
    TABLE
        .iter()
        .map(|entry| (strsim::jaro_winkler(entry.key, key), entry.key))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(score, _)| *score > 0.8)
        .map_or_else(String::new, |(_, key)| format!("; did you mean `{key}`?"))
}

#[cfg(test)]
mod tests;

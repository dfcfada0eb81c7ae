//! The table of all settings: their names, kinds and texts.

use serde_json::Value;

use crate::model::DeviceKind;

/// What a value of a setting looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Integer,
    /// Several, separated by commas.
    Integers,
    Number,
    Text,
    Path,
    /// `true` or `false`; as a flag it may stand alone.
    Switch,
    Choice(&'static [&'static str]),
}

/// One setting: its group in the file, its name, and what it does.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub group: &'static str,
    pub key: &'static str,
    pub kind: Kind,
    pub about: &'static str,
}

impl Entry {
    /// `--learning-rate`
    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    /// The text of a flag or variable as a value of this kind.
    pub(super) fn parse(&self, text: &str) -> Result<Value, String> {
        let number = |text: &str| match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            Ok(_) => Err(format!("`{text}` is no finite number")),
            Err(_) => Err(format!("`{text}` is no number")),
        };
        Ok(match self.kind {
            Kind::Integer => {
                // 20000, 20_000 and 2e4 alike
                let plain = text.replace('_', "");
                match plain.parse::<u64>() {
                    Ok(value) => value.into(),
                    Err(_) => {
                        let value = number(&plain)?;
                        if value < 0.0 || value.fract() != 0.0 || value > 9e15 {
                            return Err(format!("`{text}` is no whole number from 0 on"));
                        }
                        (value as u64).into()
                    }
                }
            }
            Kind::Integers => {
                let listed = text
                    .trim_matches(['[', ']'])
                    .split(',')
                    .map(|part| part.trim().parse::<u64>());
                listed
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|_| format!("`{text}` is no list of whole numbers"))?
                    .into()
            }
            Kind::Number => number(text)?.into(),
            Kind::Text | Kind::Path => text.into(),
            Kind::Switch => match text {
                "true" | "yes" | "1" | "" => true.into(),
                "false" | "no" | "0" => false.into(),
                _ => return Err(format!("`{text}` is neither true nor false")),
            },
            Kind::Choice(choices) => {
                if !choices.contains(&text) {
                    return Err(format!("`{text}` is none of {}", choices.join(", ")));
                }
                text.into()
            }
        })
    }
}

macro_rules! table {
    ($($group:ident { $($key:literal $kind:expr, $about:literal;)* })*) => {
        &[$($(Entry { group: stringify!($group), key: $key, kind: $kind, about: $about },)*)*]
    };
}

use Kind::{Choice, Integer, Integers, Number, Path, Switch, Text};

/// All settings, in the order of the help.
pub const TABLE: &[Entry] = table! {
    selection {
        "where" Text, "SQL condition on the table columns, e.g. \"z < 0.5 AND zwarn = 0 AND spectype = 'GALAXY'\"";
        "order_by" Text, "SQL order of the rows, e.g. \"sn DESC\"";
        "limit" Integer, "At most so many rows";
    }
    prepare {
        "frame" Choice(&["rest", "observed"]), "Frame in which the model works";
        "min_wavelength" Number, "Drop observed pixels below this wavelength (Angstrom vacuum); the original drops those below 4000";
        "normalization" Choice(&["median", "robust"]), "Divide by the median of 5300-5850 Angstrom, or scale robustly like the original";
        "log_step" Number, "Step of the rest-frame grid in log10 of the wavelength";
        "min_coverage" Number, "Share of the spectra that must cover a rest-frame pixel for it to be modeled";
    }
    store {
        "memory_limit" Integer, "Prepared spectra and reconstructions are held in memory up to this size, MB; more are read from disk as they are needed";
        "prepared_dir" Path, "Folder of prepared spectra, which later jobs use again [default: in the user's cache folder]";
        "prepared_limit" Integer, "Size of that folder, MB; the least recently used go first; 0 for no files";
    }
    model {
        "architecture" Choice(&["bottleneck", "skip"]), "Autoencoder: our bottleneck, or the original's with skips";
        "latent" Integer, "Length of the latent vector";
        "hidden" Integer, "Width of the decoder's hidden layer";
        "error_floor" Number, "Error of the model as a share of the flux, added to the noise";
    }
    training {
        "device" Choice(DeviceKind::NAMES), "Where tensors live; cuda and vulkan need a build with that feature";
        "epochs" Integer, "Passes over the training spectra at most";
        "batch_size" Integer, "Spectra a training step";
        "learning_rate" Number, "Highest learning rate";
        "optimizer" Choice(&["adamw", "adam"]), "Optimizer";
        "schedule" Choice(&["one_cycle", "constant"]), "How the learning rate changes";
        "weight_decay" Number, "Weight decay";
        "gradient_clip" Number, "Clip the gradient's norm at this value; 0 for never";
        "l1" Number, "Weight of the L1 norm of all parameters in the loss";
        "validation_fraction" Number, "Share of the training objects held out to watch the loss";
        "patience" Integer, "Stop after so many epochs without improvement; 0 for never";
        "folds" Integer, "Cross-fitting folds: each spectrum is scored by a model that has not seen it";
        "max_spectra" Integer, "Train on at most so many spectra, drawn with the seed";
        "noise" Number, "Noise added to the training input, in sigma of each pixel";
        "block_masks" Integer, "Blocks hidden from the encoder in every training spectrum";
        "block_length" Integer, "Longest hidden block, pixels";
        "seed" Integer, "Seed of everything that is drawn";
    }
    detect {
        "method" Choice(&["significance", "window"]), "Noise-weighted multi-scale significance, or the original's window rule";
    }
    window {
        "window_size" Integer, "Pixels a window (--method window)";
        "percentile_threshold" Number, "Percentile of all windows that makes the thresholds";
        "absolute_residual_threshold" Number, "Mean |residual| above which a window is anomalous, instead of the percentile";
        "relative_residual_threshold" Number, "Mean |residual| relative to the flux above which a window is anomalous, instead of the percentile";
        "range_mismatch_factor" Number, "Ratio of the model's range to the data's, or the reverse, that makes a window anomalous";
        "overall_anomaly_threshold" Number, "Flagged share of the valid pixels above which a spectrum is anomalous";
        "relative_floor" Number, "Least mean |flux| a residual is relative to, as a share of the spectrum's mean |flux|";
        "least_valid" Number, "Share of a window that must be valid for it to be judged";
    }
    significance {
        "widths" Integers, "Window widths, pixels, ascending (--method significance)";
        "model_floor" Number, "Error of the model as a share of the reconstruction, added to the noise";
        "line_floor" Number, "Error of the model's lines as a share of their strength, added to the noise";
        "artifact_weight" Number, "Weight of artifact-prone pixels, 0 to 1";
        "observed_bin" Number, "Bins of the error model in observed wavelength, Angstrom";
        "shrink_count" Number, "With fewer spectra than this a pixel's error scale is drawn toward 1";
        "error_model_spectra" Integer, "Spectra the error model is fitted to at most";
        "neighbors" Integer, "Spectra nearest in S/N that one is compared with";
        "scale_floor" Number, "Least scale (ln) of a calibrated statistic";
        "monotone_slack" Number, "By how much (ln) faint spectra may typically stand out more than bright ones";
        "latent_slack" Number, "The same for the rarity of the latent vector, which noise makes larger";
        "power" Number, "Exponent of the power mean that joins the window widths";
        "latent_weight" Number, "Weight of the rarity of the latent vector against the windows";
        "outside_score" Number, "Score of a spectrum that does not reach the model's grid at all";
        "injections" Integer, "Most anomalies planted into copies of the catalog's spectra, for the vote to learn from: one a spectrum, in smaller catalogs 3000; 0 for no vote";
        "trees" Integer, "Trees that vote on each spectrum; 0 for no vote";
        "anomaly_threshold" Number, "Least score of an anomalous spectrum";
        "region_sigma" Number, "Least significance of a region, sigma";
        "region_calibrated" Number, "Least significance of a region among spectra of like S/N";
        "max_regions" Integer, "Regions of one spectrum at most";
    }
    output {
        "images_dir" Path, "Folder of the figures";
        "metadata_dir" Path, "Folder of rankings, manifests and checkpoints";
        "cutout_dir" Path, "Folder of sky images: your own by object id (jpg or png), and fetched ones; the user's cache folder stands behind it";
        "sample_size" Integer, "Number of spectra drawn";
        "pick" Choice(&["top", "random"]), "Draw the strangest, or a random sample";
        "only_anomalous" Switch, "Draw anomalous spectra only";
        "hide_artifacts" Switch, "Draw no spectrum that is called anomalous and likely an artifact";
        "each" Switch, "One figure a spectrum too";
        "contact_sheet" Integer, "So many of the strangest on a contact sheet, image and spectrum; 0 for none";
        "svg" Switch, "All figures as SVG too";
    }
    cutouts {
        "fetch_cutouts" Switch, "Figures fetch the sky images that they lack; without it they show what lies on this machine";
        "offline" Switch, "Never touch the network, in the screens and in `cutouts fetch` either";
        "cutout_services" Text, "Services in the order in which they are asked, of sdss, legacy, panstarrs, hips; auto: by the survey of each spectrum";
        "cutout_scale" Number, "Arcseconds a pixel of sky images";
        "cutout_pixels" Integer, "Width and height of sky images, pixels";
        "cutout_contact" Text, "Address of mail or page that the services see as the contact of who asks";
        "cutout_limit" Integer, "Size of the cache of images, MB; the least recently used go first; 0 for no limit";
        "cutout_expiry" Number, "Days for which it is remembered that a service has no image of a place";
        "cutout_timeout" Number, "Longest time for one request, seconds";
        "cutout_connect_timeout" Number, "Longest time for its connection, seconds";
        "cutout_retries" Integer, "How often a busy service is asked again";
        "cutout_pause" Number, "First pause before that, seconds; doubled each time, unless the service asks for another";
        "sdss_url" Text, "Address of SDSS ImgCutout";
        "legacy_url" Text, "Address of the Legacy Surveys' jpeg-cutout";
        "legacy_layers" Text, "Layers of the Legacy Surveys in the order in which they are asked";
        "panstarrs_url" Text, "Address of the folder of Pan-STARRS's ps1filenames.py and fitscut.cgi";
        "hips_url" Text, "Address of CDS hips2fits, which has images of the whole sky";
        "hips_survey" Text, "Survey that hips2fits is asked for, a HiPS";
    }
    screens {
        "graphics" Choice(&["auto", "kitty", "iterm2", "sixel", "halfblocks", "none"]), "How the screens show pictures: as the terminal answers, or by this protocol";
        "sixel_colors" Integer, "Colors of a sixel picture, 2 to 256; fewer make it smaller [default: 256, over ssh 64]";
    }
};

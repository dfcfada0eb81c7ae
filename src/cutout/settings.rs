//! What an astronomer decides about images.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::service;

/// Where images come from, how they are asked for, and how long they are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CutoutSettings {
    /// Figures fetch what they lack. The screens and `cutouts fetch` do so anyway.
    pub fetch_cutouts: bool,
    /// Nothing touches the network, whatever else is asked for.
    pub offline: bool,
    /// Names of services, separated by commas, in the order in which they are asked; `auto`: by the survey of the spectrum.
    pub cutout_services: String,
    /// Arcseconds a pixel.
    pub cutout_scale: f64,
    /// Width and height.
    pub cutout_pixels: u32,
    /// An address in the User-Agent, at which the services reach whoever asks.
    pub cutout_contact: Option<String>,
    /// Megabytes of the cache; 0 for no limit.
    pub cutout_limit: u64,
    /// Days for which it is remembered that a service has no image of a place.
    pub cutout_expiry: f64,
    /// Seconds for one request, and for its connection.
    pub cutout_timeout: f64,
    pub cutout_connect_timeout: f64,
    /// How often a busy service is asked again, and the first pause before that, seconds; pauses double.
    pub cutout_retries: u32,
    pub cutout_pause: f64,
    pub sdss_url: String,
    pub legacy_url: String,
    /// Layers of the Legacy Surveys' viewer, separated by commas, in their order.
    pub legacy_layers: String,
    /// The folder of `ps1filenames.py` and `fitscut.cgi`.
    pub panstarrs_url: String,
    pub hips_url: String,
    /// Id of a HiPS.
    pub hips_survey: String,
}

impl Default for CutoutSettings {
    fn default() -> Self {
        Self {
            fetch_cutouts: false,
            offline: false,
            cutout_services: AUTO.into(),
            cutout_scale: 0.262,
            cutout_pixels: 256,
            cutout_contact: None,
            cutout_limit: 4000,
            cutout_expiry: 30.0,
            cutout_timeout: 30.0,
            cutout_connect_timeout: 5.0,
            cutout_retries: 3,
            cutout_pause: 1.0,
            sdss_url: "https://skyserver.sdss.org/dr18/SkyServerWS/ImgCutout/getjpeg".into(),
            legacy_url: "https://www.legacysurvey.org/viewer/jpeg-cutout".into(),
            legacy_layers: "ls-dr9,ls-dr10".into(),
            panstarrs_url: "https://ps1images.stsci.edu/cgi-bin".into(),
            hips_url: "https://alasky.cds.unistra.fr/hips-image-services/hips2fits".into(),
            hips_survey: "CDS/P/DSS2/color".into(),
        }
    }
}

/// Services in the order that suits the survey of each spectrum.
const AUTO: &str = "auto";

impl CutoutSettings {
    /// The services to ask for a spectrum of this survey, in order.
    ///
    /// Each survey's own images come first, because they show what its fibers were placed on; the whole-sky fallback comes last.
    pub fn order(&self, source: &str) -> Vec<String> {
        if self.cutout_services.trim() != AUTO {
            return listed(&self.cutout_services);
        }
        let source = source.to_ascii_uppercase();
        let order = if source.starts_with("SDSS") || source.contains("BOSS") {
            ["sdss", "legacy", "panstarrs", "hips"]
        } else {
            ["legacy", "sdss", "panstarrs", "hips"]
        };
        order.map(str::to_owned).to_vec()
    }

    pub(super) fn legacy_layers(&self) -> Vec<String> {
        listed(&self.legacy_layers)
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs_f64(self.cutout_timeout)
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        Duration::from_secs_f64(self.cutout_connect_timeout)
    }

    /// What the services see of who asks.
    pub(super) fn user_agent(&self) -> String {
        let product = concat!("spectriage/", env!("CARGO_PKG_VERSION"));
        match &self.cutout_contact {
            Some(contact) => format!("{product} ({contact})"),
            None => product.to_owned(),
        }
    }

    /// Rules that hold for each setting alone: its key, whether it holds, what is wanted.
    pub fn rules(&self) -> Vec<(&'static str, bool, &'static str)> {
        let services = || {
            let listed = listed(&self.cutout_services);
            self.cutout_services.trim() == AUTO
                || !listed.is_empty() && listed.iter().all(|name| service::NAMES.contains(&name.as_str()))
        };
        let url = |text: &str| {
            reqwest::Url::parse(text).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https")
                    && url.host_str().is_some_and(|host| !host.is_empty())
            })
        };
        const WEB: &str = "it must be a web address that begins with https:// or http://";
        let seconds = |value: f64| (0.01..=3600.0).contains(&value);
        const SECONDS: &str = "it must be from 0.01 to 3600 seconds";
        let plain = |text: &str| !text.is_empty() && text.chars().all(|c| (' '..='~').contains(&c));
        vec![
            (
                "cutout_services",
                services(),
                "it must be auto, or some of sdss, legacy, panstarrs and hips, separated by commas",
            ),
            (
                "cutout_scale",
                (0.01..=60.0).contains(&self.cutout_scale),
                "it must be from 0.01 to 60 arcseconds a pixel",
            ),
            (
                "cutout_pixels",
                (64..=2048).contains(&self.cutout_pixels),
                "it must be from 64 to 2048, which all services have",
            ),
            (
                "cutout_contact",
                self.cutout_contact.as_deref().is_none_or(plain),
                "it must be printable ASCII, such as an address of mail",
            ),
            (
                "cutout_expiry",
                (0.0..=36_500.0).contains(&self.cutout_expiry),
                "it must be from 0 to 36500 days",
            ),
            ("cutout_timeout", seconds(self.cutout_timeout), SECONDS),
            (
                "cutout_connect_timeout",
                seconds(self.cutout_connect_timeout),
                SECONDS,
            ),
            (
                "cutout_retries",
                self.cutout_retries <= 10,
                "it must be from 0 to 10",
            ),
            (
                "cutout_pause",
                (0.0..=60.0).contains(&self.cutout_pause),
                "it must be from 0 to 60 seconds",
            ),
            ("sdss_url", url(&self.sdss_url), WEB),
            ("legacy_url", url(&self.legacy_url), WEB),
            (
                "legacy_layers",
                !self.legacy_layers().is_empty(),
                "at least one layer is needed, such as ls-dr10",
            ),
            ("panstarrs_url", url(&self.panstarrs_url), WEB),
            ("hips_url", url(&self.hips_url), WEB),
            (
                "hips_survey",
                !self.hips_survey.trim().is_empty(),
                "the id of a HiPS is needed, such as CDS/P/DSS2/color",
            ),
        ]
    }
}

/// The parts of a list with commas.
fn listed(text: &str) -> Vec<String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_survey_is_asked_for_its_own_spectra_first() {
        let settings = CutoutSettings::default();
        assert_eq!(settings.order("SDSS"), ["sdss", "legacy", "panstarrs", "hips"]);
        assert_eq!(settings.order("sdss-dr17")[0], "sdss");
        assert_eq!(
            settings.order("DESI-DR1"),
            ["legacy", "sdss", "panstarrs", "hips"]
        );
        assert_eq!(settings.order("")[3], "hips");
        let own = CutoutSettings {
            cutout_services: " hips, sdss".into(),
            ..settings
        };
        assert_eq!(own.order("DESI-DR1"), ["hips", "sdss"]);
    }

    #[test]
    fn what_no_request_can_be_made_of_is_refused() {
        let broken = |change: fn(&mut CutoutSettings)| {
            let mut settings = CutoutSettings::default();
            change(&mut settings);
            let rules = settings.rules().into_iter().filter(|rule| !rule.1);
            rules.map(|rule| rule.0).collect::<Vec<_>>()
        };
        assert_eq!(broken(|_| ()), [""; 0]);
        assert_eq!(
            broken(|s| s.cutout_services = "sdss,hubble".into()),
            ["cutout_services"]
        );
        assert_eq!(broken(|s| s.cutout_services = ",".into()), ["cutout_services"]);
        assert_eq!(broken(|s| s.sdss_url = "ftp://host/x".into()), ["sdss_url"]);
        assert_eq!(broken(|s| s.hips_url = "host".into()), ["hips_url"]);
        assert_eq!(
            broken(|s| s.cutout_contact = Some("a\r\nX: y".into())),
            ["cutout_contact"]
        );
        assert_eq!(broken(|s| s.cutout_pixels = 63), ["cutout_pixels"]);
        assert_eq!(broken(|s| s.cutout_timeout = f64::NAN), ["cutout_timeout"]);
    }
}

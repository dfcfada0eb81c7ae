//! The services that cut images out of a survey: which address a square of sky has there, and what their answers mean.
//!
//! All of it is pure: a service names the addresses to ask and reads what came back; `fetch` asks. North is up and east left in all of them.

mod hips;
mod legacy;
mod panstarrs;
mod sdss;

use std::ops::RangeInclusive;

use super::CutoutSettings;

/// The names of the services, as the settings have them.
pub const NAMES: [&str; 4] = ["sdss", "legacy", "panstarrs", "hips"];

/// A place on the sky and how it is to be shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Square {
    /// Degrees, ICRS; right ascension from 0 to below 360.
    pub ra: f64,
    pub dec: f64,
    /// Arcseconds a pixel.
    pub scale: f64,
    /// Width and height, pixels.
    pub pixels: u32,
}

impl Square {
    /// `None` where the position is no place on the sky.
    pub fn at((ra, dec): (f64, f64), scale: f64, pixels: u32) -> Option<Self> {
        (ra.is_finite() && dec.abs() <= 90.0).then(|| Self {
            ra: ra.rem_euclid(360.0),
            dec,
            scale,
            pixels,
        })
    }
}

/// What a service answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub bytes: Vec<u8>,
}

impl Answer {
    /// The body as words for a message: one line, no control characters, not long.
    pub fn words(&self) -> String {
        let head = &self.bytes[..self.bytes.len().min(2000)];
        let text: String = String::from_utf8_lossy(head)
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let words: Vec<&str> = text.split_whitespace().collect();
        words.join(" ").chars().take(120).collect()
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// What to do after an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// This address is to be asked next.
    Ask(String),
    /// The body should be the image.
    Look,
    /// The survey did not observe this place.
    NoCoverage,
    /// The service has a fault, in words.
    Wrong(String),
}

/// A service that cuts squares out of a survey.
pub trait Service: std::fmt::Debug + Send + Sync {
    /// As the settings name it.
    fn name(&self) -> &'static str;

    /// Surveys within the service, in the order in which they are asked.
    fn layers(&self) -> Vec<String>;

    /// Whose image it is, as it must stand beside it.
    fn credit(&self, layer: &str) -> String;

    /// Whether the survey can have seen this place at all.
    fn reaches(&self, _square: &Square) -> bool {
        true
    }

    /// Widths it can make, pixels.
    fn widths(&self) -> RangeInclusive<u32>;

    /// Arcseconds a pixel of what it makes of a square.
    fn scale(&self, square: &Square) -> f64 {
        square.scale
    }

    /// Share of pixels that are exactly black beyond which its image shows no sky.
    fn black_share(&self) -> f64;

    /// The first address to ask.
    fn first(&self, square: &Square, layer: &str) -> String;

    /// What follows from the answer to address number `asked`, from 0; it is a success, or a failure for good.
    fn read(&self, _square: &Square, _layer: &str, _asked: usize, answer: &Answer) -> Step {
        if answer.is_success() {
            Step::Look
        } else {
            failed(answer)
        }
    }
}

/// All services with their addresses.
pub fn all(settings: &CutoutSettings) -> Vec<Box<dyn Service>> {
    vec![
        Box::new(sdss::Sdss::new(settings)),
        Box::new(legacy::Legacy::new(settings)),
        Box::new(panstarrs::PanStarrs::new(settings)),
        Box::new(hips::Hips::new(settings)),
    ]
}

fn failed(answer: &Answer) -> Step {
    Step::Wrong(match answer.words() {
        words if words.is_empty() || words.starts_with('<') => format!("HTTP {}", answer.status),
        words => format!("HTTP {}: {words}", answer.status),
    })
}

/// An address with its parameters, encoded.
fn address(base: &str, parameters: &[(&str, String)]) -> String {
    match reqwest::Url::parse_with_params(base, parameters) {
        Ok(url) => url.into(),
        // The settings have been checked; a base that is no address is refused when it is asked.
        Err(_) => base.to_owned(),
    }
}

/// Degrees to 5 decimals, 0.04 arcseconds: those of the cache.
pub(super) fn degrees(value: f64) -> String {
    format!("{value:.5}")
}

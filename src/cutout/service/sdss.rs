//! SDSS SkyServer, ImgCutout: a third of the sky.
//!
//! Outside of it the service says so with 404 and words, or with 200 and a black JPEG that carries the words.

use std::ops::RangeInclusive;

use super::{Answer, CutoutSettings, Service, Square, Step, address, degrees, failed};

#[derive(Debug)]
pub(super) struct Sdss {
    base: String,
}

impl Sdss {
    pub fn new(settings: &CutoutSettings) -> Self {
        Self {
            base: settings.sdss_url.clone(),
        }
    }
}

impl Service for Sdss {
    fn name(&self) -> &'static str {
        "sdss"
    }

    fn layers(&self) -> Vec<String> {
        // The imaging is the same in every release since DR8.
        vec!["dr8".into()]
    }

    fn credit(&self, _layer: &str) -> String {
        "SDSS, www.sdss.org".into()
    }

    fn reaches(&self, square: &Square) -> bool {
        // The southernmost stripes end at -25 degrees.
        square.dec > -27.0
    }

    fn widths(&self) -> RangeInclusive<u32> {
        64..=2048
    }

    fn black_share(&self) -> f64 {
        // 91 % in the black JPEG with words, below 8 % in real fields.
        0.5
    }

    fn first(&self, square: &Square, _layer: &str) -> String {
        address(
            &self.base,
            &[
                ("ra", degrees(square.ra)),
                ("dec", degrees(square.dec)),
                ("scale", square.scale.to_string()),
                ("width", square.pixels.to_string()),
                ("height", square.pixels.to_string()),
            ],
        )
    }

    fn read(&self, _square: &Square, _layer: &str, _asked: usize, answer: &Answer) -> Step {
        let outside = || answer.words().to_lowercase().contains("outside");
        match answer.status {
            200..=299 => Step::Look,
            404 if outside() => Step::NoCoverage,
            _ => failed(answer),
        }
    }
}

//! CDS hips2fits: any survey of the sky that has a HiPS, by default the photographic one of the whole sky.

use std::ops::RangeInclusive;

use super::{Answer, CutoutSettings, Service, Square, Step, address, degrees, failed};

#[derive(Debug)]
pub(super) struct Hips {
    base: String,
    survey: String,
}

impl Hips {
    pub fn new(settings: &CutoutSettings) -> Self {
        Self {
            base: settings.hips_url.clone(),
            survey: settings.hips_survey.trim().to_owned(),
        }
    }
}

impl Service for Hips {
    fn name(&self) -> &'static str {
        "hips"
    }

    fn layers(&self) -> Vec<String> {
        vec![self.survey.clone()]
    }

    fn credit(&self, layer: &str) -> String {
        let survey = layer.strip_prefix("CDS/P/").unwrap_or(layer).replace('/', " ");
        format!("{survey} / CDS hips2fits, Strasbourg")
    }

    fn widths(&self) -> RangeInclusive<u32> {
        // 50 million pixels at most.
        1..=7000
    }

    fn black_share(&self) -> f64 {
        0.9
    }

    fn first(&self, square: &Square, layer: &str) -> String {
        let fov = f64::from(square.pixels) * square.scale / 3600.0;
        address(
            &self.base,
            &[
                ("hips", layer.to_owned()),
                ("ra", degrees(square.ra)),
                ("dec", degrees(square.dec)),
                ("fov", format!("{fov:.8}")),
                ("width", square.pixels.to_string()),
                ("height", square.pixels.to_string()),
                ("projection", "TAN".to_owned()),
                ("coordsys", "icrs".to_owned()),
                ("format", "jpg".to_owned()),
            ],
        )
    }

    fn read(&self, _square: &Square, _layer: &str, _asked: usize, answer: &Answer) -> Step {
        if answer.is_success() {
            return Step::Look;
        }
        // Errors come as {"title": .., "description": ..}.
        let told = serde_json::from_slice::<serde_json::Value>(&answer.bytes).ok();
        let told = told.and_then(|value| {
            let word = |key: &str| value.get(key).and_then(|text| text.as_str()).map(str::to_owned);
            word("description").or_else(|| word("title"))
        });
        match told {
            Some(told) => failed(&Answer {
                status: answer.status,
                bytes: told.into_bytes(),
            }),
            None => failed(answer),
        }
    }
}

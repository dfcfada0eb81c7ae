//! The Legacy Surveys' viewer: what DESI's targets were chosen from.
//!
//! Outside a layer it answers 200 with an even gray, and for a layer that it does not have 200 with words.

use std::ops::RangeInclusive;

use super::{Answer, CutoutSettings, Service, Square, Step, address, degrees, failed};

#[derive(Debug)]
pub(super) struct Legacy {
    base: String,
    layers: Vec<String>,
}

impl Legacy {
    pub fn new(settings: &CutoutSettings) -> Self {
        Self {
            base: settings.legacy_url.clone(),
            layers: settings.legacy_layers(),
        }
    }
}

impl Service for Legacy {
    fn name(&self) -> &'static str {
        "legacy"
    }

    fn layers(&self) -> Vec<String> {
        self.layers.clone()
    }

    fn credit(&self, layer: &str) -> String {
        let release = layer.strip_prefix("ls-").unwrap_or(layer).to_uppercase();
        format!("Legacy Surveys {release} / D. Lang (Perimeter Institute)")
    }

    fn widths(&self) -> RangeInclusive<u32> {
        // More than 3000 are silently made 3000.
        1..=3000
    }

    fn black_share(&self) -> f64 {
        // Its sky is a dark gray.
        0.5
    }

    fn first(&self, square: &Square, layer: &str) -> String {
        // The layer is always sent: the service has a default of its own, and changes it.
        address(
            &self.base,
            &[
                ("ra", degrees(square.ra)),
                ("dec", degrees(square.dec)),
                ("layer", layer.to_owned()),
                ("pixscale", square.scale.to_string()),
                ("size", square.pixels.to_string()),
            ],
        )
    }

    fn read(&self, _square: &Square, layer: &str, _asked: usize, answer: &Answer) -> Step {
        if answer.words().starts_with("no such layer") {
            return Step::Wrong(format!("it has no layer `{layer}`; see legacy_layers"));
        }
        if answer.is_success() {
            Step::Look
        } else {
            failed(answer)
        }
    }
}

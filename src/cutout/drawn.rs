//! Pictures of simulated objects, drawn when they are asked for: nothing is shipped, and a simulation of a million spectra has them too.
//!
//! No service is ever asked for such an object: its place on the sky is made up, and what is there is something else.

use std::sync::Arc;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder as _};

use super::{Cutout, Field};
use crate::simulate::{Simulation, portrait};

/// As a service of the settings would be named.
pub const NAME: &str = "simulated";
const CREDIT: &str = "simulated, not observed";
/// Of the JPEG; as surveys have it.
const QUALITY: u8 = 92;

/// Whether a spectrum says of itself that it is simulated.
pub fn is_simulated(source: &str) -> bool {
    source.to_ascii_uppercase().starts_with("SIMULATED")
}

/// The picture of an object of one of these simulations, or of one with the usual settings.
///
/// Errors: the object is of none of them; in words.
pub fn find(simulations: &[Simulation], field: &Field) -> Result<Cutout, &'static str> {
    let targetid: Option<i64> = field.object_id.parse().ok();
    let targetid = targetid.ok_or("a simulated object is drawn by its target id, which this id is not")?;
    let usual = Simulation::with_seed_of(targetid);
    let simulated = simulations
        .iter()
        .chain([&usual])
        .filter(|simulation| simulation.validate().is_ok())
        .filter_map(|simulation| Some(simulation.simulate(simulation.index_of(targetid)?)))
        .find(|simulated| {
            // Another share of anomalies or other magnitudes make another object of the same number.
            let facts = &simulated.spectrum.facts;
            let same = |(ra, dec): (f64, f64)| {
                let near = |a: Option<f64>, b: f64| a.is_some_and(|a| (a - b).abs() < 1e-6);
                near(facts.ra, ra) && near(facts.dec, dec)
            };
            field.position.is_none_or(same)
        })
        .ok_or("it was simulated with settings that its catalog does not tell")?;
    let picture = portrait(&simulated, field.scale, field.pixels);
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .write_image(
            &picture.rgb,
            picture.pixels,
            picture.pixels,
            ExtendedColorType::Rgb8,
        )
        .map_err(|_| "its picture cannot be encoded")?;
    Ok(Cutout {
        bytes: Arc::from(bytes),
        width: picture.pixels,
        height: picture.pixels,
        scale: Some(field.scale),
        service: NAME.into(),
        layer: String::new(),
        credit: CREDIT.into(),
    })
}

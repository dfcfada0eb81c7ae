//! The rows that go with a spectrum: the catalog's, as a redshift pipeline and an imaging survey would have it, and the truth's.

use compact_str::format_compact;

use super::galaxy;
use super::instrument::Observation;
use super::photometry;
use super::random::Draw;
use super::scene::Scene;
use super::truth::Truth;
use crate::spectrum::Facts;

/// The catalog row: what a redshift pipeline and an imaging survey would say.
pub(super) fn facts(
    seed: u64,
    index: u64,
    scene: &Scene,
    observation: &Observation,
    features: f64,
    bands: [f64; 3],
    draw: &mut Draw,
) -> Facts {
    let targetid = targetid(seed, index);
    let deltachi2 = 0.7 * features * features * draw.scatter(0.1);
    let zerr = (4.5e-4 / deltachi2.max(1.0).sqrt()).clamp(1e-6, 5e-4) * draw.scatter(0.1);
    // Redrock's SMALL_DELTA_CHI2.
    let zwarn = if deltachi2 < 9.0 { 1 << 2 } else { 0 };
    // Uniform on the sky north of -20 degrees, off the Milky Way's plane in right ascension as the survey is.
    let sine = draw.uniform((-20f64).to_radians().sin(), 85f64.to_radians().sin());
    let ra = if draw.chance(0.72) {
        draw.uniform(105.0, 285.0)
    } else {
        draw.uniform(-60.0, 60.0).rem_euclid(360.0)
    };
    let aperture =
        photometry::nanomaggies(scene.galaxy.r_mag) / photometry::nanomaggies(scene.galaxy.r_fiber_mag);
    Facts {
        object_id: format_compact!("{targetid}"),
        targetid: Some(targetid),
        source: "SIMULATED-DESI".into(),
        survey: Some("main".into()),
        program: Some("bright".into()),
        ra: Some(ra),
        dec: Some(sine.asin().to_degrees()),
        z: Some(scene.z_catalog + zerr * draw.gauss()),
        zerr: Some(zerr),
        zwarn: Some(zwarn),
        spectype: Some("GALAXY".into()),
        subtype: None,
        deltachi2: Some(deltachi2),
        mjd: Some(59_349.0 + (draw.uniform(0.0, 400.0)).floor() + draw.uniform(0.15, 0.5)),
        exptime: Some(observation.exptime as f32),
        sn: None,
        coadd_fiberstatus: Some(0),
        ebv: Some(scene.galaxy.ebv as f32),
        flux_g: Some((bands[0] * aperture) as f32),
        flux_r: Some((bands[1] * aperture) as f32),
        flux_z: Some((bands[2] * aperture) as f32),
    }
}

/// A positive TARGETID in DESI's layout with the mock bit: objid 22 bits, brickid 20, release 16 (0 for mocks), mock bit 58.
///
/// Unique within a seed for 2^42 spectra; seeds go into the release field.
/// Source: `desitarget.targets.encode_targetid`.
pub(super) fn targetid(seed: u64, index: u64) -> i64 {
    let objid = index & 0x3F_FFFF;
    let brickid = (index >> 22) & 0xF_FFFF;
    let release = seed & 0xFFFF;
    (1 << 58 | release << 42 | brickid << 22 | objid) as i64
}

/// The index in a target id; `None` without the mock bit.
pub(super) fn index_of(targetid: i64) -> Option<u64> {
    let id = targetid.cast_unsigned();
    // objid and brickid lie beside one another
    (id >> 58 == 1).then_some(id & 0x3FF_FFFF_FFFF)
}

/// The lowest 16 bits of the seed in a target id.
pub(super) fn seed_of(targetid: i64) -> u64 {
    targetid.cast_unsigned() >> 42 & 0xFFFF
}

/// The truth about an ordinary spectrum; the anomaly is filled in by who planted it.
pub(super) fn truth(index: u64, facts: &Facts, scene: &Scene, sn: f64) -> Truth {
    let galaxy = &scene.galaxy;
    Truth {
        index,
        object_id: facts.object_id.to_string(),
        targetid: facts.targetid.unwrap_or_default(),
        kind: None,
        artifact: None,
        strength: None,
        significance: None,
        wavelength_min: None,
        wavelength_max: None,
        z_second: None,
        z_true: scene.z_true,
        galaxy_type: galaxy.kind,
        sigma_stars: galaxy.sigma,
        sigma_gas: galaxy.gas.sigma,
        ebv_gas: galaxy.gas.ebv,
        metallicity: galaxy.metallicity,
        log_age: galaxy.log_age(),
        ew_halpha: galaxy::halpha_width(galaxy),
        log_n2: galaxy.gas.log_n2,
        log_o3: galaxy.gas.log_o3,
        r_mag: galaxy.r_mag,
        r_fiber_mag: galaxy.r_fiber_mag,
        sn,
    }
}

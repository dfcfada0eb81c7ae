//! What line ratios say of real galaxies, beside what SDSS says.

use std::collections::BTreeMap;

use spectriage::anomaly::{Residual, ionized};
use spectriage::catalog::Catalog;
use spectriage::spectrum::WavelengthGrid;
use spectriage::spectrum::prepare::{Frame, Normalization, Preparation};

/// For docs/ranking.md: how many spectra of each SUBCLASS are told as ionized by stars, by a nucleus, or not at all.
///
///     SPECTRIAGE_SDSS=sdss_galaxies.parquet cargo test --release --test it -- --ignored --nocapture line_ratios_beside_sdss
#[test]
#[ignore = "measures a catalog of SDSS that SPECTRIAGE_SDSS names"]
fn line_ratios_beside_sdss() {
    let Ok(path) = std::env::var("SPECTRIAGE_SDSS") else {
        println!("skipped: SPECTRIAGE_SDSS names no catalog");
        return;
    };
    let preparation = Preparation {
        frame: Frame::Rest,
        min_wavelength: None,
        normalization: Normalization::default(),
        grid: WavelengthGrid::Log10 {
            start: 3.55,
            step: 1e-4,
            n: 3200,
        },
    };
    let target = preparation.edges();
    let catalog = Catalog::open(&[path]).unwrap();
    let rows: Vec<u64> = (0..catalog.len()).collect();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for spectrum in catalog.spectra(&rows) {
        let Ok(spectrum) = spectrum.unwrap() else { continue };
        let prepared = preparation.prepare(&spectrum, &target);
        let grid = (0..prepared.flux.len()).map(|pixel| preparation.grid.at(pixel));
        let observed: Vec<f64> = grid.map(|wavelength| wavelength * prepared.stretch).collect();
        let by = ionized(&Residual {
            flux: &prepared.flux,
            ivar: &prepared.ivar,
            reconstruction: &prepared.flux,
            observed: &observed,
            artifact: &prepared.artifact,
            z: prepared.facts.z.unwrap_or(0.0),
        });
        let subtype = prepared.facts.subtype.clone().unwrap_or_default();
        *counts
            .entry((subtype.to_string(), format!("{by:?}")))
            .or_default() += 1;
    }
    for ((subtype, by), count) in counts {
        println!("{subtype:<24} {by:<20} {count:>4}");
    }
}

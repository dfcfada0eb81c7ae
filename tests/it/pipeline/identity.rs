//! Nothing is joined by position: whatever the order and the files of the rows, every verdict, fact and figure is of its own object.
//!
//! Some objects carry a spike at a wavelength that no other has, and each one has its own flux scale.

use std::collections::BTreeMap;

use spectriage::spectrum::Spectrum;

use crate::common::{self, Workplace, by_id, ordinary};

const COUNT: usize = 80;
/// Every so manyth object has a spike; were it all of them, none would be strange.
const EVERY: usize = 8;
/// Shown in figures; each has another flux scale.
const DRAWN: usize = 6;

/// Observed wavelength of the spike of object `i`, Angstrom: within the blue arm, 144 apart.
fn spike(i: usize) -> f64 {
    4100.0 + 18.0 * i as f64
}

/// 0.001, 1 or 1000.
fn scale(i: usize) -> f32 {
    1000f32.powi(i as i32 % 3 - 1)
}

fn marked() -> Vec<Spectrum> {
    let mut spectra = ordinary(5, COUNT as u64);
    for (i, spectrum) in spectra.iter_mut().enumerate().step_by(EVERY) {
        let center = spectrum.grid.nearest(spike(i)).unwrap();
        for pixel in center - 3..=center + 3 {
            // On pixels that are all valid.
            spectrum.ivar[pixel] = spectrum.ivar[center + 10].max(0.01);
            spectrum.flux[pixel] += 60.0 / spectrum.ivar[pixel].sqrt();
            if let Some(mask) = &mut spectrum.mask {
                mask[pixel] = 0;
            }
        }
    }
    for (i, spectrum) in spectra.iter_mut().enumerate() {
        for (flux, ivar) in spectrum.flux.iter_mut().zip(&mut spectrum.ivar) {
            *flux *= scale(i);
            *ivar /= scale(i) * scale(i);
        }
    }
    spectra
}

/// The same objects in another order.
fn shuffled<T: Clone>(items: &[T]) -> Vec<T> {
    (0..items.len())
        .map(|i| items[(i * 23 + 11) % items.len()].clone())
        .collect()
}

/// The spike of each object is the strongest excess in its regions.
fn check_marks(place: &Workplace, run: u64, spectra: &[Spectrum]) {
    let ranking = by_id(place.ranking(run));
    assert_eq!(ranking.len(), COUNT);
    for (i, spectrum) in spectra.iter().enumerate() {
        let verdict = &ranking[spectrum.facts.object_id.as_str()];
        assert_eq!(verdict.targetid, spectrum.facts.targetid);
        if i % EVERY != 0 {
            continue;
        }
        assert!(
            verdict.rank <= 20,
            "object {i} has a spike of 60 sigma and rank {}",
            verdict.rank
        );
        let found = verdict
            .regions
            .iter()
            .max_by(|a, b| a.significance.total_cmp(&b.significance));
        let found = found.unwrap_or_else(|| panic!("object {i} has a spike of 60 sigma and no region"));
        assert!(
            found.wavelength_min - 8.0 < spike(i) && spike(i) < found.wavelength_max + 8.0,
            "object {i} has its spike at {} Angstrom, but its region at {}-{}",
            spike(i),
            found.wavelength_min,
            found.wavelength_max
        );
    }
}

/// The facts in the CSV are those of the catalog.
fn check_facts(place: &Workplace, run: u64, spectra: &[Spectrum]) {
    let mut reader = csv::Reader::from_path(place.metadata().join(format!("ranking_{run}.csv"))).unwrap();
    let header = reader.headers().unwrap().clone();
    let rows: BTreeMap<String, BTreeMap<String, String>> = reader
        .records()
        .map(|row| {
            let row: BTreeMap<String, String> = header
                .iter()
                .map(str::to_owned)
                .zip(row.unwrap().iter().map(str::to_owned))
                .collect();
            (row["object_id"].clone(), row)
        })
        .collect();
    for spectrum in spectra {
        let (facts, row) = (&spectrum.facts, &rows[spectrum.facts.object_id.as_str()]);
        let number = |name: &str| row[name].parse::<f64>().ok();
        assert_eq!(
            (number("z"), number("ra"), number("dec")),
            (facts.z, facts.ra, facts.dec),
            "{}",
            facts.object_id
        );
    }
}

/// The highest flux that the axis of a figure names; its labels stand left of the frame.
fn highest_flux_label(svg: &str) -> f64 {
    let labels = svg
        .split("<text")
        .filter(|text| text.contains("text-anchor=\"end\""));
    let texts = labels.filter_map(|text| text.split_once('>')?.1.split('<').next());
    let numbers: Vec<f64> = texts
        .filter_map(|text| text.replace('−', "-").parse().ok())
        .collect();
    // They ascend; where they fall, the residual panel begins.
    let flux = numbers.chunk_by(|a, b| a < b).next().unwrap();
    flux[flux.len() - 1]
}

#[test]
fn order_and_files_of_the_rows_change_nothing_but_their_order() {
    let spectra = marked();
    let first = Workplace::new();
    let inputs = first.catalog("in_order.parquet", &spectra);
    let mut settings = first.settings();
    settings.output.sample_size = DRAWN;
    settings.output.each = true;
    settings.output.svg = true;
    common::run(&inputs, &settings).unwrap();
    check_marks(&first, 1, &spectra);
    check_facts(&first, 1, &spectra);

    // The same model ranks the rows in another order, spread over three files.
    let second = Workplace::new();
    let mixed = shuffled(&spectra);
    let folder = second.path().join("files");
    std::fs::create_dir(&folder).unwrap();
    for (number, part) in mixed.chunks(25).enumerate() {
        common::write_catalog(&folder.join(format!("part_{number}.parquet")), part);
    }
    let mut settings = second.settings();
    settings.output.sample_size = DRAWN;
    settings.output.each = true;
    settings.output.svg = true;
    common::rank(
        &[folder.to_str().unwrap().to_owned()],
        &settings,
        &first.checkpoint(1),
    )
    .unwrap();
    check_marks(&second, 1, &spectra);
    check_facts(&second, 1, &spectra);
    let (a, b) = (by_id(first.ranking(1)), by_id(second.ranking(1)));
    for (id, verdict) in &a {
        let other = &b[id];
        assert!(
            (verdict.score - other.score).abs() < 1e-3 * verdict.score.abs().max(1.0),
            "{id}: {verdict:?} {other:?}"
        );
        assert!(
            (verdict.reduced_chi2 / other.reduced_chi2 - 1.0).abs() < 1e-3,
            "{id}"
        );
        let places = |judgement: &spectriage::anomaly::Judgement| -> Vec<(usize, usize)> {
            judgement
                .regions
                .iter()
                .map(|region| (region.start, region.end))
                .collect()
        };
        assert_eq!(places(verdict), places(other), "{id}");
    }

    // The figure of an object has its id in the title and its own flux on the axis.
    for place in [&first, &second] {
        let drawn: Vec<String> = place
            .ranking(1)
            .into_iter()
            .take(DRAWN)
            .map(|verdict| verdict.object_id.into())
            .collect();
        let scales: std::collections::HashSet<usize> = drawn
            .iter()
            .map(|id| spectra.iter().position(|s| s.facts.object_id == *id).unwrap() % 3)
            .collect();
        assert!(
            scales.len() > 1,
            "the test draws objects of different scales, else it shows nothing"
        );
        for id in &drawn {
            let svg = std::fs::read_to_string(place.images().join(format!("spectrum_{id}_1.svg"))).unwrap();
            assert!(svg.contains(id.as_str()), "the figure of {id} names it");
            for other in drawn.iter().filter(|other| *other != id) {
                assert!(!svg.contains(other.as_str()), "the figure of {id} names {other}");
            }
            let i = spectra
                .iter()
                .position(|spectrum| spectrum.facts.object_id == *id)
                .unwrap();
            let mut sorted = spectra[i].flux.clone();
            sorted.sort_by(f32::total_cmp);
            let typical = f64::from(sorted[sorted.len() * 9 / 10]);
            let label = highest_flux_label(&svg);
            assert!(
                (0.1..30.0).contains(&(label / typical)),
                "{id}: the axis goes to {label}, and its flux to about {typical}"
            );
        }
        let combined =
            std::fs::read_to_string(place.images().join("combined_spectra_with_images_1.svg")).unwrap();
        let at: Vec<usize> = drawn
            .iter()
            .map(|id| combined.find(id.as_str()).unwrap())
            .collect();
        assert!(
            at.is_sorted(),
            "the combined figure shows them in the order of their rank"
        );
    }
}

#[test]
fn a_model_trained_on_shuffled_rows_finds_the_same_marks() {
    let spectra = shuffled(&marked());
    let place = Workplace::new();
    let inputs = place.catalog("shuffled.parquet", &spectra);
    let mut settings = place.settings();
    // Trained on some, all of them ranked.
    settings.training.max_spectra = 40;
    common::run(&inputs, &settings).unwrap();
    check_facts(&place, 1, &spectra);
    check_marks(&place, 1, &marked());
}

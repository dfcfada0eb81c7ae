//! Injection and recovery on small catalogs.

use spectriage::catalog::Catalog;
use spectriage::pipeline::benchmark::{
    Comparator, Material, Planting, RankingReport, RankingRequest, User, export, ranking,
};
use spectriage::pipeline::{CancelToken, PipelineError, Silent};
use spectriage::simulate::plant::PlantKind;
use spectriage::simulate::signal_to_noise;

use crate::common::{Workplace, ordinary, simulated};

fn request(place: &Workplace, inputs: Vec<String>) -> RankingRequest {
    let mut settings = place.settings();
    settings.training.seed = 3;
    RankingRequest {
        inputs,
        settings,
        material: Material::Planted(Planting {
            sn: (2.0, 4.0),
            rate: 0.2,
            strength: Some((30.0, 90.0)),
            ..Planting::default()
        }),
        seeds: vec![1, 2],
        comparators: Vec::new(),
        odd: Vec::new(),
        stability: false,
        labels: Vec::new(),
        bootstraps: 20,
    }
}

fn run(request: &RankingRequest) -> RankingReport {
    ranking(request, &mut Silent, &CancelToken::default())
        .unwrap()
        .unwrap()
}

#[test]
fn planted_anomalies_are_measured_by_kind_strength_and_signal_to_noise() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(4, 60));
    let mut request = request(&place, inputs);
    request.comparators = vec![
        Comparator::PcaChi2,
        Comparator::PcaWindows,
        Comparator::IsolationForest,
        Comparator::LocalOutlierFactor,
        Comparator::MeanSquaredError,
    ];
    request.stability = true;
    request.labels = vec![8, 60];
    let report = run(&request);
    assert_eq!((report.spectra, report.anomalies), (60, 12));
    assert_eq!(report.planted.len(), 24);
    assert_eq!(report.lists.len(), 6);
    let ours = &report.lists[0];
    assert_eq!((ours.name.as_str(), ours.overall.anomalies), ("spectriage", 24));
    assert!(ours.ours_above.is_none() && report.lists[1].ours_above.is_some());
    for parts in [&ours.by_kind, &ours.by_strength, &ours.by_sn] {
        let sum: usize = parts.iter().map(|part| part.anomalies).sum();
        assert_eq!(sum, 24, "every anomaly is in one part");
    }
    for list in &report.lists {
        let (auc, precision) = (list.overall.auc, list.overall.average_precision);
        assert!(
            (0.0..=1.0).contains(&auc.value) && auc.error > 0.0,
            "{}",
            list.name
        );
        assert!((0.0..=1.0).contains(&precision.value), "{}", list.name);
        assert_eq!(list.seeds.len(), 2);
        let mean = list.seeds.iter().map(|(_, merit)| merit.auc).sum::<f64>() / 2.0;
        assert!((mean - auc.value).abs() < 1e-12);
    }
    // Of those who label all 60 nobody is left to be ranked again.
    assert_eq!(report.labels.len(), 2);
    let [all, sky] = &report.labels[..] else {
        panic!("two users")
    };
    assert_eq!((all.user, sky.user), (User::Everything, User::Astrophysics));
    for told in [all, sky] {
        assert_eq!(told.labels, 8);
        let labeled = (told.interesting * 2.0).round() as usize;
        let of_all = report
            .planted
            .iter()
            .filter(|row| told.user == User::Everything || row.artifact != Some(true))
            .count();
        assert_eq!(
            told.wanted + labeled,
            of_all,
            "labeled ones are not counted again"
        );
        let gain = told.after.average_precision.value - told.before.average_precision.value;
        assert!((gain - told.gain.average_precision.value).abs() < 1e-12);
        assert!(told.learned <= 2 && (told.learned > 0 || gain == 0.0));
    }
    let stability = report.stability.as_ref().unwrap();
    assert_eq!(stability.draws.len(), 2);
    let shares: f64 = stability.draws.iter().map(|draw| draw.share).sum();
    assert!((stability.agreement - shares / 2.0).abs() < 1e-12);
    assert!(
        stability
            .draws
            .iter()
            .all(|draw| draw.first == 3 && (0.0..=1.0).contains(&draw.share))
    );
    assert!(report.artifacts.is_some());
    assert!(report.files.len() == 2 && report.files.iter().all(|path| path.is_file()));
    let text = std::fs::read_to_string(&report.files[1]).unwrap();
    let saved: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        saved["lists"][0]["overall"]["auc"]["value"],
        ours.overall.auc.value
    );
}

#[test]
fn the_same_seeds_give_the_same_report() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(5, 40));
    let mut request = request(&place, inputs);
    request.seeds = vec![9];
    request.comparators = vec![Comparator::IsolationForest];
    let (one, two) = (run(&request), run(&request));
    assert_eq!((one.run, two.run), (1, 2));
    assert_eq!(one.planted, two.planted);
    assert_eq!(one.lists, two.lists);
    assert_eq!(one.outranking, two.outranking);
}

#[test]
fn an_exported_draw_is_a_catalog_with_its_truth() {
    let place = Workplace::new();
    let spectra = ordinary(6, 40);
    let inputs = place.catalog("catalog.parquet", &spectra);
    let mut request = request(&place, inputs);
    request.seeds = vec![1];
    if let Material::Planted(planting) = &mut request.material {
        planting.count = 2;
        planting.kinds = vec![PlantKind::CosmicRay, PlantKind::NarrowLine];
    }
    let path = place.path().join("draw.parquet");
    let cancel = CancelToken::default();
    let exports = export(&request, &path, &mut Silent, &cancel).unwrap().unwrap();
    assert_eq!((exports[0].spectra, exports[0].anomalies), (80, 16));
    let catalog = Catalog::open(&[path.to_string_lossy().into_owned()]).unwrap();
    let rows: Vec<u64> = (0..catalog.len()).collect();
    for (row, read) in rows.iter().zip(catalog.spectra(&rows)) {
        let spectrum = read.unwrap().unwrap();
        let source = &spectra[*row as usize % 40];
        let id = &source.facts.object_id;
        let copy = if *row < 40 {
            id.to_string()
        } else {
            format!("{id}~1")
        };
        assert_eq!(spectrum.facts.object_id, copy);
        assert_eq!(
            (spectrum.facts.ra, spectrum.facts.dec),
            (source.facts.ra, source.facts.dec)
        );
        let (sn, before) = (signal_to_noise(&spectrum), signal_to_noise(source));
        assert!(sn < (before * 1.05).max(4.4), "{sn} of {before}");
    }
    assert!(matches!(
        export(&request, &path, &mut Silent, &cancel),
        Err(PipelineError::OutputExists { .. })
    ));
}

#[test]
fn a_catalog_is_measured_as_it_is_against_a_table_of_ids() {
    let place = Workplace::new();
    let both = simulated(8, 50, 0.2);
    let spectra: Vec<_> = both.iter().map(|(spectrum, _)| spectrum.clone()).collect();
    let planted = both.iter().filter(|(_, truth)| truth.kind.is_some()).count();
    assert!(planted > 3);
    let inputs = place.catalog("catalog.parquet", &spectra);
    let truth = place.path().join("truth.csv");
    let mut table = csv::Writer::from_path(&truth).unwrap();
    both.iter().for_each(|(_, truth)| table.serialize(truth).unwrap());
    table.flush().unwrap();
    let mut request = request(&place, inputs);
    request.material = Material::Known { truth };
    request.seeds = vec![1];
    let report = run(&request);
    assert_eq!((report.spectra, report.anomalies), (50, planted));
    let kinds: usize = report.lists[0].by_kind.iter().map(|part| part.anomalies).sum();
    assert_eq!(kinds, planted);

    // The same ids alone, one a line.
    let ids: Vec<&str> = report.planted.iter().map(|row| row.object_id.as_str()).collect();
    let plain = place.path().join("ids.txt");
    std::fs::write(&plain, ids.join("\n")).unwrap();
    request.material = Material::Known { truth: plain.clone() };
    let again = run(&request);
    assert_eq!(again.lists[0].overall.auc, report.lists[0].overall.auc);
    assert_eq!(again.planted[0].kind, "listed");

    std::fs::write(&plain, "nobody\n").unwrap();
    let error = ranking(&request, &mut Silent, &CancelToken::default()).unwrap_err();
    assert!(
        error.to_string().contains("names no object of this catalog"),
        "{error}"
    );
}

#[test]
fn another_catalog_is_mixed_in_at_equal_signal_to_noise() {
    let place = Workplace::new();
    let galaxies = place.catalog("galaxies.parquet", &ordinary(9, 40));
    let odd: Vec<_> = simulated(10, 12, 1.0)
        .into_iter()
        .map(|(spectrum, _)| spectrum)
        .collect();
    let others = place.catalog("odd.parquet", &odd);
    let mut request = request(&place, galaxies);
    request.material = Material::Mixed { others, share: 0.2 };
    request.seeds = vec![1];
    // Without the head of the list, which is known now, the rest of the figures change.
    let report = run(&request);
    assert_eq!((report.spectra, report.anomalies), (50, 10));
    request.odd = report
        .outranking
        .iter()
        .map(|one| one.object_id.clone())
        .collect();
    let again = run(&request);
    let ours = &again.lists[0];
    let without = ours.without_odd.as_ref().unwrap();
    if !request.odd.is_empty() {
        let overall = ours.overall.average_precision.value;
        assert!(without.average_precision.value > overall);
        let ceiling = ours.ceiling.unwrap().value;
        assert!((overall..1.0).contains(&ceiling), "{overall} {ceiling}");
        assert!(again.outranking.iter().all(|one| one.known_odd));
    }
}

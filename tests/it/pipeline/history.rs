//! What is there before anything is computed: earlier trainings, the newest ranking, spectra to look at, and what is like what.

use spectriage::catalog::Catalog;
use spectriage::model::checkpoint::Checkpoint;
use spectriage::pipeline::{
    self, CancelToken, Observer, PipelineError, Reconstructor, Silent, Viewer, Wanted,
};

use crate::common::{self, Notes, StopAt, Workplace, by_id, ordinary};

#[test]
fn earlier_trainings_are_read_from_their_checkpoints() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(51, 40));
    let mut settings = place.settings();
    settings.training.batch_size = 4;
    settings.selection.r#where = Some("z > 0.0".into());
    settings.selection.limit = Some(39);
    assert!(pipeline::runs(&place.metadata()).is_empty());
    common::run(&inputs, &settings).unwrap();
    let mut stop = StopAt::new(1, 2, 1);
    let cancel = stop.cancel.clone();
    pipeline::train_only(&inputs, &settings, None, &mut stop, &cancel).unwrap();
    std::fs::write(place.checkpoint(3), b"no checkpoint").unwrap();
    std::fs::write(place.metadata().join("checkpoint_x.bpk"), b"").unwrap();
    let runs = pipeline::runs(&place.metadata());
    let summary: Vec<(u64, bool, usize)> = runs
        .iter()
        .map(|run| (run.number, run.complete, run.folds.len()))
        .collect();
    assert_eq!(summary, [(2, false, 2), (1, true, 2)]);
    let whole = Checkpoint::load(&place.checkpoint(1)).unwrap();
    for (fold, (training, _)) in runs[1].folds.iter().zip(&whole.members) {
        assert_eq!((&fold.history, fold.finished), (&training.history, true));
    }
    assert_eq!(runs[1].epochs(), settings.training.epochs);
    assert_eq!(
        (runs[0].folds[1].history.len(), runs[0].folds[1].finished),
        (1, false)
    );
    assert_eq!(runs[1].losses()[0].epochs.len(), 2);
    assert!(runs[1].when.is_some());
    // By epoch, the mean of the folds that came so far.
    let (folds, mean) = (runs[0].losses(), runs[0].mean_losses());
    assert_eq!((mean.name.as_str(), mean.epochs.len()), ("run 2", 2));
    let both = (folds[0].epochs[0].train + folds[1].epochs[0].train) / 2.0;
    assert!((mean.epochs[0].train - both).abs() < 1e-12);
    assert_eq!(mean.epochs[1].train, folds[0].epochs[1].train);
    // A training that goes on has the settings it began with, and its files where they are asked for now.
    let mut other = settings.clone();
    other.training.epochs = 9;
    other.model.latent = 3;
    other.selection = Default::default();
    assert_eq!(runs[0].settings_over(&other), settings);
    let of = |inputs: &[String]| runs[0].is_of(&Catalog::open(inputs).unwrap().digest());
    let elsewhere = place.catalog("other.parquet", &ordinary(54, 40));
    assert_eq!((of(&inputs), of(&elsewhere)), (Some(true), Some(false)));
    // It goes on from them, whatever is selected now.
    let resume = Some(place.checkpoint(2));
    let on = runs[0].settings_over(&other);
    pipeline::train_only(&inputs, &on, resume, &mut Silent, &CancelToken::default()).unwrap();
}

#[test]
fn the_newest_ranking_is_there_at_the_start_and_knows_its_catalog() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(52, 40));
    let other = place.catalog("other.parquet", &ordinary(53, 40));
    let (catalog, other) = (Catalog::open(&inputs).unwrap(), Catalog::open(&other).unwrap());
    assert!(
        pipeline::latest_ranking(&place.metadata(), &catalog)
            .unwrap()
            .is_none()
    );
    let settings = place.settings();
    common::run(&inputs, &settings).unwrap();
    let saved = pipeline::latest_ranking(&place.metadata(), &catalog)
        .unwrap()
        .unwrap();
    assert!(saved.of_this_catalog && saved.number == 1);
    assert_eq!(saved.settings.as_ref(), Some(&settings));
    assert_eq!(saved.checkpoint, Some(place.checkpoint(1)));
    // What is read back is what an assessment has in hand, facts that a ranking has included.
    let checkpoint = Some(place.checkpoint(1));
    let assessment = pipeline::assess(
        &inputs,
        &settings,
        checkpoint,
        &mut Silent,
        &CancelToken::default(),
    );
    let verdicts = assessment.unwrap().unwrap().verdicts();
    assert_eq!(saved.judgements, verdicts.judgements);
    for (saved, whole) in saved.facts.iter().zip(&verdicts.facts) {
        assert_eq!(
            (
                &saved.object_id,
                saved.targetid,
                saved.z,
                saved.ra,
                saved.dec,
                saved.zwarn
            ),
            (
                &whole.object_id,
                whole.targetid,
                whole.z,
                whole.ra,
                whole.dec,
                whole.zwarn
            )
        );
        assert_eq!((&saved.spectype, &saved.source), (&whole.spectype, &whole.source));
    }
    let strange = pipeline::latest_ranking(&place.metadata(), &other)
        .unwrap()
        .unwrap();
    assert!(!strange.of_this_catalog);

    // A manifest of an older version has no digest of the catalog: sizes and rows tell.
    let path = place.metadata().join("manifest_1.json");
    let mut manifest = place.manifest(1);
    manifest["settings"].as_object_mut().unwrap().remove("catalog");
    std::fs::write(&path, manifest.to_string()).unwrap();
    let of = |catalog: &Catalog| {
        let saved = pipeline::latest_ranking(&place.metadata(), catalog);
        saved.unwrap().unwrap().of_this_catalog
    };
    assert!(of(&catalog) && !of(&other));
    std::fs::remove_file(path).unwrap();
    assert!(!of(&catalog));
    std::fs::write(place.metadata().join("ranking_1.parquet"), b"PAR1 no more").unwrap();
    assert!(pipeline::latest_ranking(&place.metadata(), &catalog).is_err());
}

#[test]
fn spectra_are_seen_without_a_model_and_better_with_one() {
    let mut spectra = ordinary(54, 40);
    spectra[5].ivar.fill(0.0);
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &spectra);
    let settings = place.settings();
    let viewer = Viewer::new(Catalog::open(&inputs).unwrap());
    let plain = viewer.row(7, |_| None).unwrap();
    assert_eq!((&plain.flux, &plain.facts), (&spectra[7].flux, &spectra[7].facts));
    assert!(
        plain
            .reconstruction
            .iter()
            .chain(&plain.residual_sigma)
            .all(|value| value.is_nan())
    );
    assert!(plain.score.is_nan() && plain.rank == 0 && plain.regions.is_empty() && plain.sn > 0.0);
    assert_eq!(plain.reconstruction.len(), plain.wavelength.len());
    let object = viewer.object(&spectra[7].facts.object_id, None).unwrap();
    assert_eq!(object.flux, plain.flux);
    for error in [
        viewer.row(5, |_| None).unwrap_err(),
        viewer.object(&spectra[5].facts.object_id, None).unwrap_err(),
    ] {
        assert!(matches!(error, PipelineError::Unusable { .. }), "{error:?}");
        assert!(error.to_string().contains("catalog.parquet row 5"), "{error}");
    }
    assert!(matches!(
        viewer.object("4711", None).unwrap_err(),
        PipelineError::NoSuchObject { .. }
    ));
    assert!(matches!(
        viewer.row(4711, |_| None).unwrap_err(),
        PipelineError::Catalog(_)
    ));

    common::run(&inputs, &settings).unwrap();
    let model = Reconstructor::open(None, &place.metadata(), settings.training.device).unwrap();
    let viewer = viewer.with_model(Some(std::sync::Arc::new(model)));
    let verdicts = by_id(place.ranking(1));
    let verdict = &verdicts[spectra[7].facts.object_id.as_str()];
    let seen = viewer.row(7, |id| verdicts.get(id)).unwrap();
    assert_eq!(
        (seen.rank, seen.score, &seen.regions),
        (verdict.rank, verdict.score, &verdict.regions)
    );
    let residuals: Vec<f32> = seen
        .residual_sigma
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    let mean = residuals.iter().map(|value| value * value).sum::<f32>() / residuals.len() as f32;
    assert!(
        residuals.len() > 1000 && (0.3..30.0).contains(&mean),
        "mean squared residual {mean} sigma²"
    );
    let unjudged = viewer.row(7, |_| None).unwrap();
    assert!(unjudged.score.is_nan());
    assert_eq!(
        unjudged
            .reconstruction
            .iter()
            .map(|value| value.to_bits())
            .collect::<Vec<_>>(),
        seen.reconstruction
            .iter()
            .map(|value| value.to_bits())
            .collect::<Vec<_>>()
    );
}

#[test]
fn the_objects_of_one_fold_are_compared() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(55, 60));
    let settings = place.settings();
    common::run(&inputs, &settings).unwrap();
    let ranking = by_id(place.ranking(1));
    let id = ranking.keys().next().unwrap().clone();
    let found = pipeline::similar(&place.metadata(), None, &id, 1000).unwrap();
    assert_eq!((found.ranking, found.of), (1, 60));
    assert_eq!(found.compared, found.neighbors.len());
    assert!(
        (15..45).contains(&found.compared),
        "about half of them in one of two folds"
    );
    assert!(found.neighbors.is_sorted_by(|a, b| a.distance <= b.distance));
    for neighbor in &found.neighbors {
        assert_eq!(ranking[&neighbor.object_id].rank, neighbor.rank);
        // Whoever is like it is of its fold, and sees the same distance.
        let back = pipeline::similar(&place.metadata(), Some(1), &neighbor.object_id, 1000).unwrap();
        let same = back.neighbors.iter().find(|other| other.object_id == id).unwrap();
        assert!((same.distance - neighbor.distance).abs() < 1e-9 * neighbor.distance.max(1.0));
    }
    assert_eq!(
        pipeline::similar(&place.metadata(), None, &id, 3)
            .unwrap()
            .neighbors,
        found.neighbors[..3]
    );
    let missing = pipeline::similar(&place.metadata(), None, "4711", 3).unwrap_err();
    assert!(matches!(missing, PipelineError::NoLatent { .. }) && missing.to_string().contains("4711"));
}

#[test]
fn a_ranking_is_drawn_with_the_networks_that_made_it() {
    let place = Workplace::new();
    let inputs = place.catalog("catalog.parquet", &ordinary(56, 40));
    let settings = place.settings();
    let never = CancelToken::default();
    common::run(&inputs, &settings).unwrap();
    // A newer training that has ended, and one that has not.
    let train = |observer: &mut dyn Observer, cancel: &CancelToken| {
        pipeline::train_only(&inputs, &settings, None, observer, cancel).unwrap()
    };
    train(&mut Silent, &never);
    let mut stop = StopAt::new(1, 1, 1);
    let cancel = stop.cancel.clone();
    assert!(train(&mut stop, &cancel).interrupted);
    let mut notes = Notes::default();
    pipeline::rank_only(&inputs, &settings, None, &mut notes, &never).unwrap();
    assert!(
        notes.0[0].ends_with("checkpoint_2.bpk"),
        "the newest that ended: {notes:?}",
        notes = notes.0
    );
    let unfinished = common::rank(&inputs, &settings, &place.checkpoint(3)).unwrap_err();
    assert!(matches!(unfinished, PipelineError::UnfinishedCheckpoint { .. }));

    // Ranking 5 is made with an older one, and drawn with it.
    common::rank(&inputs, &settings, &place.checkpoint(1)).unwrap();
    let plot = |observer: &mut dyn Observer, of| {
        pipeline::plot(
            &inputs,
            &settings,
            of,
            &[],
            None,
            observer,
            &CancelToken::default(),
        )
    };
    let mut notes = Notes::default();
    plot(&mut notes, None).unwrap();
    assert!(
        notes.0[0].starts_with("ranking 5") && notes.0[0].ends_with("checkpoint_1.bpk"),
        "{:?}",
        notes.0
    );
    let manifest = place.manifest(6);
    assert_eq!(manifest["ranking"], 5);
    assert!(
        manifest["checkpoint"]["path"]
            .as_str()
            .unwrap()
            .ends_with("checkpoint_1.bpk")
    );
    assert_eq!(place.manifest(5)["ranking"], serde_json::Value::Null);
    std::fs::remove_file(place.checkpoint(1)).unwrap();
    let gone = plot(&mut Silent, None).unwrap_err();
    assert!(
        matches!(gone, PipelineError::CheckpointGone { ranking: 5, .. }),
        "{gone:?}"
    );
    assert!(
        plot(&mut Silent, Some(4)).is_ok(),
        "that of another ranking is still there"
    );
    let missing = plot(&mut Silent, Some(77)).unwrap_err().to_string();
    assert!(
        missing.contains("no ranking 77; the newest there is 5"),
        "{missing}"
    );
    let missing = pipeline::similar(&place.metadata(), Some(99), "4711", 3);
    let missing = missing.unwrap_err().to_string();
    assert!(
        missing.contains("no ranking 99; the newest there is 5"),
        "{missing}"
    );
}

#[test]
fn the_newest_ranking_is_that_of_the_catalog_at_hand() {
    let place = Workplace::new();
    let names = ["a.parquet", "b.parquet", "c.parquet"];
    let [a, b, c] = [57, 58, 59].map(|seed| place.catalog(names[seed as usize - 57], &ordinary(seed, 40)));
    let mut settings = place.settings();
    settings.cutouts.offline = true;
    let never = CancelToken::default();
    let fetch =
        |inputs: &[String]| pipeline::fetch_cutouts(inputs, &settings, &Wanted::Top(3), &mut Silent, &never);
    assert!(matches!(fetch(&c), Err(PipelineError::NoRanking { .. })));
    for inputs in [&a, &b] {
        common::run(inputs, &settings).unwrap();
    }
    let id = place.ranking(1)[0].object_id.to_string();
    let catalog = |inputs: &[String]| Catalog::open(inputs).unwrap();
    let newest = |inputs: &[String]| {
        let saved = pipeline::latest_ranking(&place.metadata(), &catalog(inputs))
            .unwrap()
            .unwrap();
        (saved.number, saved.of_this_catalog)
    };
    assert_eq!(
        [&a, &b, &c].map(|inputs| newest(inputs)),
        [(1, true), (2, true), (2, false)]
    );
    let inspected = pipeline::inspect(&catalog(&a), &id, &place.metadata())
        .unwrap()
        .ranked
        .unwrap();
    assert_eq!((inspected.ranking, inspected.of_this_catalog), (1, true));
    assert_eq!(inspected.verdict.unwrap().rank, 1);
    let plot = |inputs: &[String], of, ids: &[String]| {
        pipeline::plot(inputs, &settings, of, ids, None, &mut Silent, &never)
    };
    let top = [id];
    plot(&a, None, &top).unwrap();
    assert_eq!(place.manifest(3)["ranking"], 1);
    // With rankings of others alone nothing is guessed.
    for refused in [plot(&c, None, &[]).map(drop), fetch(&c).map(drop)] {
        let refused = refused.unwrap_err();
        assert!(
            matches!(refused, PipelineError::OtherRanking { ranking: 2, .. }),
            "{refused:?}"
        );
        assert!(refused.to_string().contains("b.parquet"), "{refused}");
    }
    assert_eq!(fetch(&a).unwrap().objects, 3);
    // By its number any is drawn that has the objects, as after a catalog was moved into another.
    let both = [a.clone(), c.clone()].concat();
    assert!(plot(&both, None, &top).is_err());
    plot(&both, Some(1), &top).unwrap();
    // Labels are told of by whichever ranking has their object.
    let ids = [
        place.ranking(1)[0].object_id.to_string(),
        place.ranking(2)[0].object_id.to_string(),
    ];
    assert_eq!(
        pipeline::label_facts(None, &place.metadata(), &ids)
            .unwrap()
            .len(),
        2
    );
}

//! Prepared spectra in memory, in a file, or read again for every pass: the same results, and the second run decodes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader, SerializedFileReader};
use spectriage::pipeline::settings::Settings;
use spectriage::pipeline::{self, CancelToken, Event, Observer, Silent};
use spectriage::spectrum::Spectrum;

use crate::common::{self, Notes, Workplace, contents, simulated};

/// More spectra than are looked at together, some of them unusable.
fn spectra() -> Vec<Spectrum> {
    let mut spectra: Vec<Spectrum> = simulated(12, 280, 0.05)
        .into_iter()
        .map(|(spectrum, _)| spectrum)
        .collect();
    spectra[7].ivar.fill(0.0);
    spectra[263].facts.z = None;
    spectra
}

fn settings(place: &Workplace, folder: &Path) -> Settings {
    let mut settings = place.settings();
    settings.prepare.log_step = 1e-3;
    settings.significance.injections = 300;
    settings.significance.trees = 20;
    settings.store.prepared_dir = Some(folder.into());
    settings
}

/// The files of a run but for its checkpoint; of the manifest what was found in the rows.
fn results(place: &Workplace) -> Vec<(String, Vec<u8>)> {
    let mut results: Vec<(String, Vec<u8>)> = contents(&place.metadata())
        .into_iter()
        .chain(contents(&place.images()))
        .filter(|(name, _)| !name.ends_with(".bpk") && !name.starts_with("manifest"))
        .collect();
    let manifest = place.manifest(1);
    let rows = format!("{} {}", manifest["rows"], manifest["row_issues"]);
    results.push(("rows".into(), rows.into_bytes()));
    results
}

fn kept(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn the_same_files_wherever_the_spectra_lie() {
    let home = Workplace::new();
    let inputs = home.catalog("catalog.parquet", &spectra());
    let folder = home.path().join("prepared");
    // Learning from all spectra, and from some.
    for max_spectra in [20_000, 150] {
        let mut expected = None;
        for (memory, disk, what) in [
            (1000, 0, "in memory"),
            (0, 0, "read again for every pass"),
            (0, 1000, "in a file"),
            (0, 1000, "in a file that was there"),
            (1000, 1000, "from a file into memory"),
        ] {
            let place = Workplace::new();
            let mut settings = settings(&place, &folder);
            settings.training.max_spectra = max_spectra;
            settings.store.memory_limit = memory;
            settings.store.prepared_limit = disk;
            common::run(&inputs, &settings).unwrap();
            let found = results(&place);
            assert_eq!(place.manifest(1)["row_issues"].as_array().unwrap().len(), 2);
            let expected = expected.get_or_insert_with(|| found.clone());
            let names = |results: &[(String, Vec<u8>)]| {
                let names = results.iter().map(|(name, _)| name.clone());
                names.collect::<Vec<_>>()
            };
            assert_eq!(names(&found), names(expected), "{what}");
            for ((name, bytes), (_, expected)) in found.iter().zip(expected.iter()) {
                assert!(bytes == expected, "{name} differs where spectra are {what}");
            }
            assert_eq!(
                kept(&folder).is_empty(),
                max_spectra > 150 && disk == 0,
                "{what}: {:?}",
                kept(&folder)
            );
        }
        assert_eq!(kept(&folder).len(), 1, "one file serves training and scoring");
    }
}

/// Overwrites the pixels of a catalog and leaves everything else as it is, its time too.
fn destroy_pixels(path: &Path) {
    let reader = SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap();
    let ranges: Vec<(u64, u64)> = reader
        .metadata()
        .row_groups()
        .iter()
        .flat_map(|group| group.columns())
        .filter(|column| ["flux", "ivar"].contains(&column.column_path().parts()[0].as_str()))
        .map(|column| column.byte_range())
        .collect();
    assert!(ranges.len() >= 2, "{ranges:?}");
    let changed = fs::metadata(path).unwrap().modified().unwrap();
    let mut bytes = fs::read(path).unwrap();
    for (start, length) in ranges {
        bytes[start as usize..(start + length) as usize].fill(0);
    }
    fs::write(path, bytes).unwrap();
    let file = fs::File::options().append(true).open(path).unwrap();
    file.set_modified(changed).unwrap();
}

#[test]
fn the_second_run_decodes_nothing() {
    let home = Workplace::new();
    let inputs = home.catalog("catalog.parquet", &spectra());
    let folder = home.path().join("prepared");
    let mut settings = settings(&home, &folder);
    // Figures show the spectrum as it is in the catalog.
    settings.output.sample_size = 0;
    settings.store.memory_limit = 0;
    common::run(&inputs, &settings).unwrap();
    destroy_pixels(Path::new(&inputs[0]));
    common::run(&inputs, &settings).unwrap();
    let found = contents(&home.metadata());
    assert!(found["ranking_1.csv"] == found["ranking_2.csv"]);
    assert!(found["regions_1.parquet"] == found["regions_2.parquet"]);

    // Without the file nothing can be done with such a catalog: it was the file indeed.
    fs::remove_dir_all(&folder).unwrap();
    common::run(&inputs, &settings).unwrap_err();
}

#[test]
fn what_was_prepared_for_another_catalog_or_otherwise_is_not_taken() {
    let home = Workplace::new();
    let all = spectra();
    let inputs = home.catalog("catalog.parquet", &all[..60]);
    let folder = home.path().join("prepared");
    let run = |change: fn(&mut Settings), count: usize| {
        let place = Workplace::new();
        let mut settings = settings(&place, &folder);
        settings.store.memory_limit = 0;
        change(&mut settings);
        let mut apart = settings.clone();
        common::run(&inputs, &settings).unwrap();
        assert_eq!(kept(&folder).len(), count, "files");
        let fresh = Workplace::new();
        apart.store.prepared_limit = 0;
        (apart.output.images_dir, apart.output.metadata_dir) = (fresh.images(), fresh.metadata());
        common::run(&inputs, &apart).unwrap();
        assert!(results(&place) == results(&fresh));
    };
    run(|_| (), 1);
    run(|settings| settings.prepare.min_wavelength = Some(4200.0), 2);
    run(|settings| settings.selection.limit = Some(50), 3);
    // The grid is chosen from a sample that the seed draws: of so few spectra it is all of them, and the same file serves.
    run(|settings| settings.training.seed = 8, 3);
    // Another catalog under the same name, of as many spectra.
    home.catalog("catalog.parquet", &all[100..160]);
    run(|_| (), 4);
}

#[test]
fn a_damaged_file_is_removed_and_made_anew() {
    let home = Workplace::new();
    let inputs = home.catalog("catalog.parquet", &spectra()[..60]);
    let folder = home.path().join("prepared");
    let mut settings = settings(&home, &folder);
    settings.store.memory_limit = 0;
    common::run(&inputs, &settings).unwrap();
    let damage = || {
        let files = kept(&folder);
        assert_eq!(files.len(), 1);
        let mut bytes = fs::read(&files[0]).unwrap();
        bytes[1000] ^= 1;
        fs::write(&files[0], bytes).unwrap();
        files[0].clone()
    };
    let file = damage();
    let error = common::run(&inputs, &settings).unwrap_err().to_string();
    assert!(
        error.contains("prepared") && error.contains("damaged") && error.contains("again"),
        "{error}"
    );
    assert!(!file.exists());
    common::run(&inputs, &settings).unwrap();
    damage();
    // Where they go into memory, they are prepared anew at once.
    settings.store.memory_limit = 1000;
    common::run(&inputs, &settings).unwrap();
    let found = contents(&home.metadata());
    // The run that failed has left none.
    let is_ranking = |name: &str| name.starts_with("ranking_") && name.ends_with(".csv");
    let rankings: Vec<_> = found.iter().filter(|(name, _)| is_ranking(name)).collect();
    assert_eq!(rankings.len(), 3);
    assert!(rankings.iter().all(|(_, bytes)| *bytes == rankings[0].1));
}

#[test]
fn without_room_on_disk_the_job_says_so_and_goes_on() {
    let home = Workplace::new();
    let inputs = home.catalog("catalog.parquet", &spectra()[..60]);
    let taken = home.path().join("taken");
    fs::write(&taken, "a file where the folder should be").unwrap();
    let mut settings = settings(&home, &taken);
    settings.store.memory_limit = 0;
    let mut notes = Notes::default();
    pipeline::run(&inputs, &settings, None, &mut notes, &CancelToken::default()).unwrap();
    assert!(
        notes
            .0
            .iter()
            .any(|note| note.contains("taken") && note.contains("prepared again")),
        "{:?}",
        notes.0
    );
    settings.store.memory_limit = 1000;
    pipeline::run(&inputs, &settings, None, &mut Silent, &CancelToken::default()).unwrap();
    let found = contents(&home.metadata());
    assert!(found["ranking_1.csv"] == found["ranking_2.csv"]);
}

#[test]
fn a_cancelled_reading_leaves_no_file() {
    struct Cancel(CancelToken);
    impl Observer for Cancel {
        fn event(&mut self, event: Event) {
            if let Event::Step { .. } = event {
                self.0.cancel();
            }
        }
    }
    let home = Workplace::new();
    let inputs = home.catalog("catalog.parquet", &spectra());
    let folder = home.path().join("prepared");
    let mut settings = settings(&home, &folder);
    settings.store.memory_limit = 0;
    let cancel = CancelToken::default();
    let summary = pipeline::run(&inputs, &settings, None, &mut Cancel(cancel.clone()), &cancel).unwrap();
    assert!(summary.interrupted);
    assert!(kept(&folder).is_empty(), "{:?}", kept(&folder));
}

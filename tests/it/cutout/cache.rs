//! What is kept: found again without a request, mended when damaged, shared, read where it may only be read, and kept within its limit.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use spectriage::cutout::{self, Cutouts, Field, Origin, Reach, Search};
use spectriage::simulate::Simulation;

use super::server::Reply;
use super::{PIXELS, Sky, field, files, galaxy, image, jpeg, png};

fn here(cutouts: &Cutouts, field: &Field) -> Search {
    cutouts.search(field, Reach::Disk, &|| false)
}

#[test]
fn an_image_is_fetched_once_and_comes_back_with_all_that_is_known_of_it() {
    let sky = Sky::only("legacy");
    let wanted = field("DESI-DR1", 150.1, -2.2);
    let fetched = image(sky.search(&wanted));
    assert_eq!(fetched.layer, "ls-dr9");
    assert!(fetched.credit.contains("Legacy Surveys DR9") && fetched.credit.contains("Lang"));
    let kept = sky.kept();
    assert!(
        kept[0].ends_with("legacy/ls-dr9/150/150.10000-02.20000_0.262_96.jpg"),
        "{kept:?}"
    );
    // Any viewer opens the file.
    assert!(image::open(&kept[0]).is_ok());
    let Search::Image(again, Origin::Cache) = sky.search(&wanted) else {
        panic!("not from the cache");
    };
    assert_eq!(again, fetched);
    assert_eq!(
        here(&sky.cutouts(), &wanted),
        Search::Image(fetched, Origin::Cache)
    );
    assert_eq!(sky.asked_in_all(), 1);
    // Another scale, size or place is another image.
    for other in [
        Field {
            scale: 0.5,
            ..wanted.clone()
        },
        Field {
            pixels: 64,
            ..wanted.clone()
        },
        Field {
            position: Some((150.1001, -2.2)),
            ..wanted.clone()
        },
    ] {
        assert!(
            matches!(sky.search(&other), Search::Image(_, Origin::Network)),
            "{other:?}"
        );
    }
    // Nearer than 5 decimals tell, it is the same.
    let near = Field {
        position: Some((150.100_001, -2.2)),
        ..wanted
    };
    assert!(matches!(sky.search(&near), Search::Image(_, Origin::Cache)));
    assert_eq!(sky.asked_in_all(), 4);
}

#[test]
fn that_there_is_no_image_is_remembered_for_a_time() {
    let mut sky = Sky::only("hips");
    let wanted = field("DESI-DR1", 1.0, 2.0);
    image(sky.search(&wanted));
    let asked = sky.asked_in_all();
    image(sky.search(&wanted));
    assert_eq!(
        sky.asked_in_all(),
        asked,
        "neither those that have none nor the one that has"
    );
    sky.settings.cutout_expiry = 0.0;
    image(sky.search(&wanted));
    assert_eq!(
        sky.asked_in_all(),
        asked + 4,
        "two layers of legacy, sdss and panstarrs"
    );
    assert_eq!(sky.asked("hips").len(), 1, "images do not expire");
}

#[test]
fn a_damaged_file_is_removed_and_fetched_again() {
    let sky = Sky::only("sdss");
    let wanted = field("SDSS", 1.0, 2.0);
    let good = image(sky.search(&wanted));
    let path = sky.kept().remove(0);
    let whole = fs::read(&path).unwrap();
    let mut spoiled = whole.clone();
    spoiled[whole.len() / 3] ^= 1;
    let swapped = {
        // a whole file, of another place
        let other = field("SDSS", 1.5, 2.0);
        image(sky.search(&other));
        let other = sky.kept().into_iter().find(|kept| *kept != path).unwrap();
        fs::read(other).unwrap()
    };
    let asked = sky.asked_in_all();
    for (number, damage) in [spoiled, whole[..whole.len() - 9].to_vec(), Vec::new(), swapped]
        .into_iter()
        .enumerate()
    {
        fs::write(&path, damage).unwrap();
        assert!(matches!(here(&sky.cutouts(), &wanted), Search::NotHere(_)));
        assert!(!path.exists(), "it is removed");
        assert_eq!(image(sky.search(&wanted)), good);
        assert_eq!(sky.asked_in_all(), asked + number + 1);
        assert_eq!(fs::read(&path).unwrap().len(), whole.len());
    }
}

/// Makes a folder refuse new files even to root: where the folder of a degree should be, there is a file.
fn block(folder: &Path, degree: u32) {
    for service in [
        "sdss/dr8",
        "legacy/ls-dr9",
        "legacy/ls-dr10",
        "panstarrs/stack",
        "hips/CDS-P-DSS2-color",
    ] {
        let layer = folder.join(service);
        fs::create_dir_all(&layer).unwrap();
        fs::write(layer.join(degree.to_string()), "").unwrap();
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_read_and_the_next_one_is_written() {
    let sky = Sky::only("sdss");
    let (first, second) = (field("SDSS", 1.0, 2.0), field("SDSS", 7.0, 2.0));
    image(sky.search(&first));
    block(sky.folder.path(), 7);
    let own = tempfile::tempdir().unwrap();
    let folders = vec![sky.folder.path().to_owned(), own.path().to_owned()];
    let both = Cutouts::within(&sky.settings, None, folders);
    assert!(matches!(here(&both, &first), Search::Image(_, Origin::Cache)));
    let search = |cutouts: &Cutouts, field: &Field| cutouts.search(field, Reach::Network, &|| false);
    assert!(matches!(
        search(&both, &second),
        Search::Image(_, Origin::Network)
    ));
    assert!(matches!(search(&both, &second), Search::Image(_, Origin::Cache)));
    assert_eq!(files(own.path()).len(), 1);
    // Without a second folder the image is shown all the same, and fetched each time.
    for _ in 0..2 {
        assert!(matches!(sky.search(&second), Search::Image(_, Origin::Network)));
    }
    let nowhere = Cutouts::within(&sky.settings, None, vec!["/dev/null/cutouts".into()]);
    assert!(matches!(
        search(&nowhere, &first),
        Search::Image(_, Origin::Network)
    ));
    assert_eq!(nowhere.keeps_in(), None);
    assert_eq!(both.keeps_in().as_deref(), Some(sky.folder.path()));
}

#[test]
fn the_least_recently_used_images_make_room() {
    // 96 x 96 pixels of noise as PNG: some 20 KB each.
    let mut sky = Sky::new(|_, number, _| {
        let number = number as u32;
        let noise = image::RgbImage::from_fn(PIXELS, PIXELS, |x, y| {
            let value = (x * 7 + y * 131 + number * 17).wrapping_mul(2_654_435_761) >> 8;
            image::Rgb([value as u8, (value >> 8) as u8, (value >> 16) as u8])
        });
        Reply::image(png(&noise))
    });
    sky.settings.cutout_limit = 1;
    let wanted = |ra: u32| Field {
        service: Some("sdss".into()),
        ..field("SDSS", f64::from(ra), 2.0)
    };
    let cutouts = sky.cutouts();
    let mut stranger = sky.folder.path().join("sdss");
    fs::create_dir_all(&stranger).unwrap();
    stranger.push("notes.txt");
    fs::write(&stranger, "not of the cache").unwrap();
    for ra in 0..30 {
        image(cutouts.search(&wanted(ra), Reach::Network, &|| false));
        // As if an hour lay between them: the clock of eviction is the time of the file.
        for path in sky
            .kept()
            .into_iter()
            .filter(|path| path.extension().unwrap() == "png")
        {
            let hours = 2 + 30 - ra;
            if path.parent().unwrap().ends_with(ra.to_string()) {
                let then = SystemTime::now() - Duration::from_secs(u64::from(hours) * 3600);
                let file = fs::File::options().append(true).open(path).unwrap();
                file.set_modified(then).unwrap();
            }
        }
    }
    let before: u64 = sky
        .kept()
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert!(
        (600_000..1_000_000).contains(&before),
        "{before} bytes, which the test wants near the limit"
    );
    // The oldest is used once more, and so stays when room is made.
    assert!(matches!(here(&cutouts, &wanted(0)), Search::Image(..)));
    for ra in 30..60 {
        image(cutouts.search(&wanted(ra), Reach::Network, &|| false));
    }
    let kept = sky.kept();
    let size: u64 = kept.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(size <= 1_000_000, "{size}");
    assert!(
        matches!(here(&cutouts, &wanted(0)), Search::Image(..)),
        "used lately"
    );
    assert!(
        matches!(here(&cutouts, &wanted(59)), Search::Image(..)),
        "the newest"
    );
    assert!(
        matches!(here(&cutouts, &wanted(1)), Search::NotHere(_)),
        "the oldest"
    );
    assert!(stranger.exists(), "what is not of the cache is never removed");
    let holdings = cutout::holdings(sky.folder.path());
    assert_eq!(holdings["sdss"].images as usize, kept.len() - 1);
    let (removed, _) = cutout::clear(sky.folder.path()).unwrap();
    assert_eq!(removed as usize, kept.len() - 1);
    assert_eq!(sky.kept(), [stranger]);
}

#[test]
fn many_threads_may_want_one_image() {
    let sky = Sky::only("sdss");
    let wanted = field("SDSS", 1.0, 2.0);
    let found: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| image(sky.search(&wanted))))
            .collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(found.iter().all(|cutout| *cutout == found[0]));
    assert_eq!(sky.kept().len(), 1, "and no draft is left");
}

#[test]
fn the_astronomers_own_images_come_first_and_keep_what_is_told_of_them() {
    let sky = Sky::only("sdss");
    let own = tempfile::tempdir().unwrap();
    let wanted = field("SDSS", 1.0, 2.0);
    let write = |name: &str, bytes: &[u8]| fs::write(own.path().join(name), bytes).unwrap();
    let find = |field: &Field| {
        let folder = Some(own.path().to_owned());
        Cutouts::within(&sky.settings, folder, Vec::new()).search(field, Reach::Disk, &|| false)
    };
    assert!(matches!(find(&wanted), Search::NotHere(_)));
    let name = format!("{}.jpeg", wanted.object_id);
    write(&name, b"not an image");
    assert!(matches!(find(&wanted), Search::NotHere(why) if why.contains(&name)));
    write(&name, &jpeg(&galaxy(50, 1)));
    let cutout = image(find(&wanted));
    assert_eq!(
        (cutout.width, cutout.scale, cutout.service.as_str()),
        (50, None, "folder")
    );
    write("cutouts.json", br#"{"scale": 0.4, "credit": "our own"}"#);
    let cutout = image(find(&wanted));
    assert_eq!((cutout.scale, cutout.credit.as_str()), (Some(0.4), "our own"));
    write(&format!("{}.json", wanted.object_id), br#"{"scale": 0.05}"#);
    assert_eq!(image(find(&wanted)).scale, Some(0.05));
    // Even without a position; and an id leads nowhere else.
    let placeless = Field {
        position: None,
        ..wanted.clone()
    };
    image(find(&placeless));
    for id in ["../secret", "", ".hidden", "a/b", "x\0"] {
        let odd = Field {
            object_id: id.into(),
            position: None,
            ..wanted.clone()
        };
        assert!(matches!(find(&odd), Search::NotHere(_)), "{id}");
    }
    assert_eq!(sky.asked_in_all(), 0);
}

#[test]
fn simulated_objects_are_drawn_as_they_were_made() {
    let simulation = Simulation {
        seed: 70_001,
        anomaly_fraction: 0.5,
        ..Simulation::default()
    };
    let facts = simulation.spectrum(3).0.facts;
    let wanted = Field {
        pixels: 64,
        ..Field::of(&facts, 0.262, 64)
    };
    // Another seed than the 16 bits of the target id, and another share of anomalies: the catalog tells.
    let unknown = Cutouts::new(None).search(&wanted, Reach::Disk, &|| false);
    assert!(matches!(unknown, Search::NotHere(why) if why.contains("settings")));
    let drawing = Cutouts::new(None).drawing(vec![Simulation::default(), simulation]);
    let Search::Image(cutout, Origin::Drawn) = drawing.search(&wanted, Reach::Disk, &|| false) else {
        panic!("not drawn");
    };
    assert_eq!(
        (cutout.service.as_str(), cutout.width, cutout.scale),
        ("simulated", 64, Some(0.262))
    );
    assert!(cutout.credit.contains("simulated"));
    assert_eq!(
        image(drawing.search(&wanted, Reach::Disk, &|| false)),
        cutout,
        "always the same"
    );
    // The shipped sample needs nothing but its ids.
    let facts = Simulation::default().spectrum(0).0.facts;
    image(Cutouts::new(None).search(&Field::of(&facts, 0.262, 64), Reach::Network, &|| false));
}

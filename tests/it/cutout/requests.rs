//! The request that each service receives, against what the services document.

use spectriage::cutout::{Answer, CutoutSettings, Square, Step, services};

use super::{Sky, field, image};
use spectriage::cutout::Service;

const SQUARE: Square = Square {
    ra: 150.1,
    dec: -2.2,
    scale: 0.262,
    pixels: 256,
};

fn service(name: &str) -> Box<dyn Service> {
    let all = services(&CutoutSettings::default());
    all.into_iter().find(|service| service.name() == name).unwrap()
}

#[test]
fn every_service_is_asked_in_its_own_words() {
    for (name, layer, address) in [
        (
            "sdss",
            "dr8",
            "https://skyserver.sdss.org/dr18/SkyServerWS/ImgCutout/getjpeg\
             ?ra=150.10000&dec=-2.20000&scale=0.262&width=256&height=256",
        ),
        (
            "legacy",
            "ls-dr10",
            "https://www.legacysurvey.org/viewer/jpeg-cutout\
             ?ra=150.10000&dec=-2.20000&layer=ls-dr10&pixscale=0.262&size=256",
        ),
        (
            "panstarrs",
            "stack",
            "https://ps1images.stsci.edu/cgi-bin/ps1filenames.py\
             ?ra=150.10000&dec=-2.20000&filters=grizy&type=stack",
        ),
        (
            "hips",
            "CDS/P/DSS2/color",
            "https://alasky.cds.unistra.fr/hips-image-services/hips2fits\
             ?hips=CDS%2FP%2FDSS2%2Fcolor&ra=150.10000&dec=-2.20000&fov=0.01863111&width=256&height=256\
             &projection=TAN&coordsys=icrs&format=jpg",
        ),
    ] {
        let service = service(name);
        assert!(service.layers().iter().any(|known| known == layer) || name == "legacy");
        assert_eq!(service.first(&SQUARE, layer), address);
    }
    assert_eq!(service("legacy").layers(), ["ls-dr9", "ls-dr10"]);
}

/// Step two takes the files of step one: y, i and g as red, green and blue, in 0.25 arcsecond pixels.
#[test]
fn pan_starrs_is_asked_twice() {
    let service = service("panstarrs");
    let table = Answer {
        status: 200,
        bytes: super::file_names("grizy").into_bytes(),
    };
    let Step::Ask(address) = service.read(&SQUARE, "stack", 0, &table) else {
        panic!("no second step");
    };
    let file = |band: char| {
        format!("%2Frings.v3.skycell%2F1334%2F061%2Frings.v3.skycell.1334.061.stk.{band}.unconv.fits")
    };
    assert_eq!(
        address,
        format!(
            "https://ps1images.stsci.edu/cgi-bin/fitscut.cgi?ra=150.10000&dec=-2.20000&size=268&output_size=256\
             &format=jpg&red={}&green={}&blue={}",
            file('y'),
            file('i'),
            file('g')
        )
    );
    // 268 pixels of 0.25 arcseconds on 256
    assert!((service.scale(&SQUARE) - 268.0 * 0.25 / 256.0).abs() < 1e-12);
    let header_only = Answer {
        status: 200,
        bytes: super::file_names("").into_bytes(),
    };
    assert_eq!(service.read(&SQUARE, "stack", 0, &header_only), Step::NoCoverage);
    let south = Square { dec: -31.0, ..SQUARE };
    assert!(service.reaches(&SQUARE) && !service.reaches(&south));
}

#[test]
fn a_place_is_asked_for_as_it_is_on_the_sky() {
    let square = Square::at((-0.5, 90.0), 0.4, 64).unwrap();
    assert_eq!(square.ra, 359.5);
    for position in [
        (f64::NAN, 0.0),
        (1.0, 90.1),
        (1.0, f64::NAN),
        (f64::INFINITY, 0.0),
    ] {
        assert_eq!(Square::at(position, 0.4, 64), None);
    }
}

#[test]
fn the_services_see_who_asks_and_for_what() {
    for (name, path, own) in [
        (
            "sdss",
            "/dr18/SkyServerWS/ImgCutout/getjpeg",
            vec![("scale", "0.262"), ("width", "96"), ("height", "96")],
        ),
        (
            "legacy",
            "/viewer/jpeg-cutout",
            vec![("layer", "ls-dr9"), ("pixscale", "0.262"), ("size", "96")],
        ),
        (
            "panstarrs",
            "/cgi-bin/ps1filenames.py",
            vec![("filters", "grizy"), ("type", "stack")],
        ),
        (
            "hips",
            "/hips-image-services/hips2fits",
            vec![
                ("hips", "CDS/P/DSS2/color"),
                ("fov", "0.00698667"),
                ("projection", "TAN"),
                ("format", "jpg"),
            ],
        ),
    ] {
        let sky = Sky::only(name);
        let mut wanted = field("DESI-DR1", 150.1, 2.2);
        wanted.service = Some(name.into());
        let cutout = image(sky.search(&wanted));
        assert_eq!(
            (cutout.service.as_str(), cutout.width, cutout.height),
            (name, 96, 96)
        );
        assert!(!cutout.credit.is_empty() && !cutout.layer.is_empty());
        let asked = sky.asked(name);
        assert_eq!(asked[0].path, path);
        for (key, value) in [("ra", "150.10000"), ("dec", "2.20000")].into_iter().chain(own) {
            assert_eq!(asked[0].parameter(key), Some(value), "{name}: {key}");
        }
        let agent = concat!(
            "spectriage/",
            env!("CARGO_PKG_VERSION"),
            " (observer@example.org)"
        );
        assert_eq!(asked[0].header("user-agent"), Some(agent));
        assert!(asked[0].header("accept-encoding").unwrap().contains("gzip"));
        if name == "panstarrs" {
            assert_eq!(asked[1].path, "/cgi-bin/fitscut.cgi");
            assert_eq!(asked[1].parameter("size"), Some("101"));
            assert_eq!(asked[1].parameter("output_size"), Some("96"));
            assert!((cutout.scale.unwrap() - 101.0 * 0.25 / 96.0).abs() < 1e-9);
        } else {
            assert_eq!((asked.len(), cutout.scale), (1, Some(0.262)));
        }
        assert_eq!(sky.asked_in_all(), asked.len(), "{name} alone is asked");
    }
}

#[test]
fn services_are_asked_in_order_until_one_has_the_field() {
    for (source, order) in [
        ("SDSS", ["sdss", "legacy", "panstarrs", "hips"]),
        ("DESI-DR1", ["legacy", "sdss", "panstarrs", "hips"]),
    ] {
        for (place, name) in order.into_iter().enumerate() {
            let sky = Sky::only(name);
            assert_eq!(image(sky.search(&field(source, 10.0, 20.0))).service, name);
            for (later, other) in order.into_iter().enumerate() {
                let asked = sky.asked(other);
                assert_eq!(
                    asked.is_empty(),
                    later > place,
                    "{source}: {other} with only {name}"
                );
                if other == "legacy" && later < place {
                    let layers: Vec<_> = asked.iter().map(|asked| asked.parameter("layer")).collect();
                    assert_eq!(layers, [Some("ls-dr9"), Some("ls-dr10")]);
                }
            }
        }
    }
    let mut sky = Sky::only("hips");
    sky.settings.cutout_services = "hips,sdss".into();
    assert_eq!(image(sky.search(&field("SDSS", 10.0, 20.0))).service, "hips");
    assert_eq!(sky.asked_in_all(), 1);
}

#[test]
fn a_place_that_a_survey_cannot_see_is_not_asked_for() {
    let sky = Sky::only("hips");
    assert_eq!(image(sky.search(&field("SDSS", 10.0, -60.0))).service, "hips");
    assert!(sky.asked("sdss").is_empty() && sky.asked("panstarrs").is_empty());
}

//! What becomes of answers that are no images of the sky: no coverage or a clear error, and never an image.

use std::io::Write as _;

use image::{Rgb, RgbImage};
use spectriage::cutout::Search;

use super::server::Reply;
use super::{PIXELS, Sky, failed, field, galaxy, image, jpeg, outside, png};

/// The search where one service answers so, and no other is asked.
fn with(name: &'static str, reply: Reply) -> (Search, Sky) {
    let mut sky = Sky::new(move |_, _, _| reply.clone());
    sky.settings.legacy_layers = "ls-dr9".into();
    let mut wanted = field("SDSS", 150.1, 2.2);
    wanted.service = Some(name.into());
    (sky.search(&wanted), sky)
}

fn no_coverage(name: &'static str, reply: Reply) {
    let (search, sky) = with(name, reply);
    assert!(
        matches!(&search, Search::NoCoverage(why) if why.contains(name)),
        "{search:?}"
    );
    let kept = sky.kept();
    assert!(
        kept.len() == 1 && kept[0].extension().unwrap() == "none",
        "{kept:?}"
    );
}

fn wrong(name: &'static str, reply: Reply, words: &str) {
    let (search, sky) = with(name, reply);
    let (why, unreachable) = failed(search);
    assert!(
        why.starts_with(name) && why.contains(words) && !unreachable,
        "{name}: `{why}` without `{words}`"
    );
    assert!(why.chars().all(|c| !c.is_control()), "{why:?}");
    assert_eq!(
        sky.kept(),
        [""; 0].map(std::path::PathBuf::from),
        "nothing of it is kept"
    );
}

#[test]
fn outside_a_survey_there_is_no_image() {
    for name in ["sdss", "legacy", "panstarrs", "hips"] {
        no_coverage(name, outside(name));
    }
    // SkyServer's other way: 200, and black with white words in it.
    let mut black = RgbImage::new(PIXELS, PIXELS);
    for x in 8..88 {
        for y in (44..52).filter(|y| (x + y) % 3 == 0) {
            black.put_pixel(x, y, Rgb([255; 3]));
        }
    }
    no_coverage("sdss", Reply::image(jpeg(&black)));
    // Blank frames of hips2fits.
    for color in [[0; 3], [255; 3]] {
        let blank = RgbImage::from_pixel(PIXELS, PIXELS, Rgb(color));
        no_coverage("hips", Reply::image(jpeg(&blank)));
        no_coverage("hips", Reply::image(png(&blank)));
    }
}

#[test]
fn words_and_pages_are_no_images() {
    let page = "<!DOCTYPE html>\n<html><body>Please log in</body></html>";
    for name in ["sdss", "legacy", "hips"] {
        wrong(name, Reply::new(200, "text/html", page.into()), "web page");
        // whatever the header says
        wrong(name, Reply::image(page.into()), "web page");
        wrong(name, Reply::image(Vec::new()), "empty");
        wrong(
            name,
            Reply::image(b"\x00\x01\xfe\xff\x80 binary".to_vec()),
            "neither JPEG nor PNG",
        );
        wrong(
            name,
            Reply::image(b"\x1b[2J\x1b]0;title\x07 fits?".to_vec()),
            "words instead",
        );
    }
    wrong("legacy", Reply::text("no such layer"), "no layer `ls-dr9`");
    wrong(
        "panstarrs",
        Reply::new(200, "text/html", page.into()),
        "no columns",
    );
    wrong("panstarrs", Reply::text("filter filename\ng\n"), "short");
}

#[test]
fn refusals_are_told_in_the_words_of_the_service() {
    wrong(
        "legacy",
        Reply::text("ra, dec required").with_status(400),
        "HTTP 400: ra, dec required",
    );
    wrong(
        "sdss",
        Reply::text("<html>Not Found</html>").with_status(404),
        "HTTP 404",
    );
    let json = r#"{"title": "Bad request", "description": "Unknown HiPS CDS/P/none"}"#;
    wrong(
        "hips",
        Reply::text(json).with_status(400),
        "Unknown HiPS CDS/P/none",
    );
    wrong(
        "panstarrs",
        Reply::text("gone").with_status(410),
        "HTTP 410: gone",
    );
}

#[test]
fn an_image_that_is_not_whole_or_not_as_asked_is_refused() {
    let whole = jpeg(&galaxy(PIXELS, 1));
    // The body is as long as the header says, and the image in it is cut.
    for share in [1, 3, 30, 60, 95] {
        let cut = whole[..whole.len() * share / 100].to_vec();
        let (why, _) = failed(with("sdss", Reply::image(cut)).0);
        assert!(
            ["breaks off", "damaged"].iter().any(|word| why.contains(word)) || share == 1,
            "{why}"
        );
    }
    let picture = png(&galaxy(PIXELS, 1));
    wrong(
        "hips",
        Reply::image(picture[..picture.len() - 40].to_vec()),
        "damaged",
    );
    let mut spoiled = picture;
    let middle = spoiled.len() / 2;
    spoiled[middle] ^= 0x55;
    wrong("hips", Reply::image(spoiled), "damaged");
    wrong("sdss", Reply::image(jpeg(&galaxy(PIXELS / 2, 1))), "48 x 48");
    wrong("sdss", Reply::image(jpeg(&galaxy(PIXELS * 2, 1))), "192 x 192");
}

#[test]
fn bombs_do_not_go_off() {
    // 64 MB of zeros in 64 KB.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&vec![0u8; 64 << 20]).unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 100_000);
    wrong(
        "sdss",
        Reply::image(packed).with_header("Content-Encoding", "gzip"),
        "more than 16 MB",
    );
    // A PNG that promises 50 000 x 50 000 pixels.
    let mut huge = png(&RgbImage::new(64, 64));
    huge[16..20].copy_from_slice(&50_000u32.to_be_bytes());
    huge[20..24].copy_from_slice(&50_000u32.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&huge[12..29]);
    huge[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    wrong("hips", Reply::image(huge), "50000 x 50000");
    // A body without end.
    wrong("legacy", Reply::image(vec![b'x'; 17 << 20]), "more than 16 MB");
}

#[test]
fn a_packed_image_is_unpacked() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&jpeg(&galaxy(PIXELS, 5))).unwrap();
    let reply = Reply::image(packed.finish().unwrap()).with_header("Content-Encoding", "gzip");
    let cutout = image(with("sdss", reply).0);
    assert_eq!(&cutout.bytes[..], jpeg(&galaxy(PIXELS, 5)));
}

#[test]
fn a_png_is_as_good_as_a_jpeg() {
    let (search, sky) = with("hips", Reply::image(png(&galaxy(PIXELS, 5))));
    assert_eq!(&image(search).bytes[..], png(&galaxy(PIXELS, 5)));
    assert_eq!(sky.kept()[0].extension().unwrap(), "png");
}

#[test]
fn the_next_service_is_asked_where_one_has_a_fault() {
    let sky = Sky::new(|service, number, request| match service {
        "hips" => super::good(service, number, request),
        "sdss" => Reply::text("<html>maintenance</html>"),
        _ => Reply::text("no such layer"),
    });
    assert_eq!(image(sky.search(&field("SDSS", 1.0, 2.0))).service, "hips");
    // The image of the fallback is kept; the others are asked again another time.
    assert_eq!(sky.kept().len(), 1);
    assert_eq!(image(sky.search(&field("SDSS", 1.0, 2.0))).service, "hips");
    assert_eq!((sky.asked("sdss").len(), sky.asked("hips").len()), (2, 1));
}

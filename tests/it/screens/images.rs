//! Sky images on the screens, as a terminal of each protocol gets them: pixels are decoded out of what was written and compared with the
//! images in the folder.

use std::path::Path;
use std::time::{Duration, Instant};

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

use super::payloads::{self, Got};
use super::terminal::{Kind, Terminal};
use super::{Desk, QUICK, program, sixty};

/// The image of an object: a square of a color of its own before another one.
pub fn galaxy(n: usize) -> RgbImage {
    let channel = |step: usize| (40 + (n * step) % 200) as u8;
    let ground = Rgb([channel(37), channel(71), channel(113)]);
    let middle = Rgb([255 - ground[0], 255 - ground[1], 255 - ground[2]]);
    RgbImage::from_fn(128, 128, |x, y| {
        match (40..88).contains(&x) && (40..88).contains(&y) {
            true => middle,
            false => ground,
        }
    })
}

/// Images of the first objects, in `cutouts`.
pub fn images(desk: &Desk, ids: &[String]) {
    let folder = desk.path("cutouts");
    std::fs::create_dir_all(&folder).unwrap();
    for (n, id) in ids.iter().enumerate() {
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, 95)
            .encode_image(&galaxy(n))
            .unwrap();
        std::fs::write(folder.join(format!("{id}.jpg")), jpeg).unwrap();
    }
}

/// A desk with sixty spectra, an image of each in the order of the catalog.
pub fn desk() -> Desk {
    let desk = Desk::simulated();
    let ids: Vec<String> = sixty()
        .iter()
        .map(|spectrum| spectrum.facts.object_id.to_string())
        .collect();
    images(&desk, &ids);
    desk
}

const SIZE: (u16, u16) = (120, 40);

/// Opens the screens past the first hint, without marks in the images.
pub fn open(desk: &Desk, kind: Kind, flags: &[&str]) -> Terminal {
    let flags = [&["catalog.parquet", "--cutout-dir", "cutouts"], &QUICK[..], flags].concat();
    let terminal = Terminal::start_on(kind, program(), &flags, desk.0.path(), SIZE);
    terminal.wait("the catalog", |screen| screen.has("60 rows"));
    if terminal.screen().has("Any key closes this") {
        terminal.press("\r");
        terminal.wait("no hint", |screen| !screen.has("Any key closes this"));
    }
    // The session before may have been left elsewhere.
    terminal.press("1gg");
    terminal.sees(" 1 / 60 ");
    terminal
}

fn got(kind: Kind, raw: &[u8]) -> Vec<Got> {
    match kind {
        Kind::Kitty => payloads::kitty(raw),
        Kind::WezTerm => payloads::iterm2(raw),
        Kind::Sixel => payloads::sixel(raw),
        Kind::Xterm | Kind::Mute => Vec::new(),
    }
}

/// Mean difference that a protocol makes: sixel has 256 colors, each of 101 steps a channel. Two objects differ by more than 20.
fn loss(kind: Kind) -> f64 {
    match kind {
        Kind::Sixel => 8.0,
        _ => 2.5,
    }
}

/// Waits for a picture written after `from` that is the image of an object.
#[track_caller]
pub fn shows(terminal: &Terminal, kind: Kind, from: usize, n: usize) -> Got {
    shows_such(terminal, kind, from, n, |_| true)
}

/// The same of a picture that is as asked for: the one of before may be sent once more first.
#[track_caller]
fn shows_such(terminal: &Terminal, kind: Kind, from: usize, n: usize, such: impl Fn(&Got) -> bool) -> Got {
    let wanted = galaxy(n);
    let find = || {
        let mut all = got(kind, &terminal.since(from));
        let last = all.pop()?;
        (payloads::difference(&last.image, &wanted) < loss(kind) && such(&last)).then_some(last)
    };
    let mut found = None;
    let cell = std::cell::RefCell::new(&mut found);
    terminal.wait(&format!("the image of object {n}"), |_| {
        **cell.borrow_mut() = find();
        cell.borrow().is_some()
    });
    found.unwrap()
}

/// A terminal that shows the image of the first object, and what it shows.
#[track_caller]
fn showing(desk: &Desk, kind: Kind, flags: &[&str]) -> (Terminal, Got) {
    let terminal = open(desk, kind, flags);
    terminal.press("ti");
    let first = shows(&terminal, kind, 0, 0);
    // Each key is answered at once, by a frame of its own: the last of them has come when nothing more does.
    std::thread::sleep(Duration::from_millis(300));
    (terminal, first)
}

const KINDS: [Kind; 3] = [Kind::Kitty, Kind::WezTerm, Kind::Sixel];

#[test]
fn every_protocol_shows_the_pixels_of_the_image() {
    let desk = desk();
    for kind in KINDS {
        let mut terminal = open(&desk, kind, &[]);
        // With marks it is nearly the image.
        terminal.wait("a picture", |_| !got(kind, &terminal.raw()).is_empty());
        let before = terminal.bytes();
        terminal.press("ti");
        let first = shows(&terminal, kind, before, 0);
        if kind == Kind::WezTerm {
            let file = desk
                .path("cutouts")
                .join(format!("{}.jpg", sixty()[0].facts.object_id));
            assert_eq!(first.bytes, std::fs::read(file).unwrap(), "the file itself");
        }
        let before = terminal.bytes();
        terminal.press("j");
        let second = shows(&terminal, kind, before, 1);
        assert!(payloads::difference(&second.image, &galaxy(0)) > 10.0);
        if let (Some(a), Some(b)) = (first.id, second.id) {
            assert_ne!(a, b);
            // Back: the terminal has it still, and nothing is sent but its place.
            let before = terminal.bytes();
            terminal.press("k");
            terminal.wait("its place", |_| terminal.bytes() > before + 500);
            std::thread::sleep(Duration::from_millis(300));
            assert!(payloads::kitty(&terminal.since(before)).is_empty());
        }
        terminal.press("q");
        assert_eq!(terminal.ended(Duration::from_secs(20)).exit_code(), 0);
        terminal.is_given_back();
        if kind == Kind::Kitty {
            let raw = terminal.raw();
            let mut sent: Vec<u32> = payloads::kitty(&raw).iter().filter_map(|got| got.id).collect();
            let mut deleted = payloads::deleted(&raw);
            sent.sort_unstable();
            deleted.sort_unstable();
            assert_eq!(sent, deleted, "the terminal keeps nothing");
        }
    }
}

#[test]
fn half_blocks_have_the_colors_of_the_image() {
    let desk = desk();
    let terminal = open(&desk, Kind::Xterm, &[]);
    terminal.press("ti");
    let wanted = galaxy(0);
    let (ground, middle) = (*wanted.get_pixel(5, 5), *wanted.get_pixel(64, 64));
    let near = |color: vt100::Color, to: Rgb<u8>| {
        let vt100::Color::Rgb(r, g, b) = color else {
            return false;
        };
        [r, g, b].iter().zip(to.0).all(|(a, b)| a.abs_diff(b) < 6)
    };
    terminal.wait("the image", |_| {
        let blocks = terminal.halfblocks();
        let of = |color| blocks.iter().filter(|(_, both)| near(both[1], color)).count();
        of(ground) > 100 && of(middle) > 15
    });
    let blocks = terminal.halfblocks();
    let middles = blocks.iter().filter(|(_, both)| near(both[1], middle));
    let (columns, rows): (Vec<u16>, Vec<u16>) = middles.map(|(at, _)| *at).unzip();
    let span = |places: &[u16]| f64::from(places.iter().max().unwrap() - places.iter().min().unwrap() + 1);
    // A square of the image is a square on the screen, where a cell is twice as high as wide.
    let shape = span(&columns) / (2.0 * span(&rows));
    assert!((0.7..1.4).contains(&shape), "{shape}");
}

/// What the terminal is asked for cannot be forced on it by the settings' absence: each way of asking.
#[test]
fn the_setting_goes_before_what_the_terminal_says() {
    let desk = desk();
    let terminal = open(&desk, Kind::Kitty, &["--graphics", "sixel"]);
    terminal.wait("a sixel picture", |_| {
        !payloads::sixel(&terminal.raw()).is_empty()
    });
    assert!(payloads::kitty(&terminal.raw()).is_empty());
    let terminal = open(&desk, Kind::Kitty, &["--graphics", "none"]);
    terminal.press("I");
    terminal.sees("shows no pictures");
    assert!(payloads::kitty(&terminal.raw()).is_empty());
    // A terminal that says nothing is not waited for long.
    let since = Instant::now();
    let terminal = open(&desk, Kind::Mute, &[]);
    assert!(since.elapsed() < Duration::from_secs(10));
    assert!(got(Kind::Kitty, &terminal.raw()).is_empty());
}

#[test]
fn forty_quick_presses_lose_none_and_end_on_the_right_image() {
    let desk = desk();
    for kind in KINDS {
        let terminal = showing(&desk, kind, &[]).0;
        let before = terminal.bytes();
        terminal.press(&"j".repeat(40));
        shows(&terminal, kind, before, 40);
        // One at a time and nearly as quick.
        let before = terminal.bytes();
        for _ in 0..20 {
            terminal.press("k");
            std::thread::sleep(Duration::from_millis(7));
        }
        shows(&terminal, kind, before, 20);
        std::thread::sleep(Duration::from_millis(300));
        shows(&terminal, kind, before, 20);
    }
}

/// A popup leaves no ghost of the image and no hole in it.
#[test]
fn covered_and_uncovered() {
    let desk = desk();
    for kind in [Kind::WezTerm, Kind::Sixel] {
        let terminal = showing(&desk, kind, &[]).0;
        let before = terminal.bytes();
        terminal.press("?");
        terminal.sees("type to search");
        let covering = terminal.since(before);
        assert!(
            got(kind, &covering).is_empty(),
            "{kind:?}: nothing is sent under the help"
        );
        // Its cells are erased before the help is drawn over them.
        assert!(payloads_erase(&covering) >= 8, "{kind:?}");
        let before = terminal.bytes();
        terminal.press("\x1b");
        shows(&terminal, kind, before, 0);
        // Another screen takes it away for good, and back.
        let before = terminal.bytes();
        terminal.press("2");
        terminal.sees("epochs");
        assert!(payloads_erase(&terminal.since(before)) >= 8);
        let before = terminal.bytes();
        terminal.press("1");
        shows(&terminal, kind, before, 0);
        // A border moves: the image stays in its place and is not sent again for nothing.
        let before = terminal.bytes();
        terminal.press(">");
        std::thread::sleep(Duration::from_millis(300));
        assert!(got(kind, &terminal.since(before)).is_empty());
    }
}

/// Sequences that erase cells (ECH).
fn payloads_erase(raw: &[u8]) -> usize {
    let text = String::from_utf8_lossy(raw);
    text.split("\x1b[")
        .filter(|part| {
            let digits = part.chars().take_while(char::is_ascii_digit).count();
            digits > 0 && part[digits..].starts_with('X')
        })
        .count()
}

#[test]
fn resized_suspended_and_drawn_afresh() {
    let desk = desk();
    for kind in KINDS {
        let (terminal, first) = showing(&desk, kind, &[]);
        let before = terminal.bytes();
        terminal.resize((170, 50));
        // Cells say how large the others' pictures are shown.
        let larger = |picture: &Got| kind != Kind::Sixel || picture.image.width() > first.image.width();
        shows_such(&terminal, kind, before, 0, larger);
        let before = terminal.bytes();
        terminal.press("\x1a");
        terminal.wait("a stopped process", |_| terminal.status("State").starts_with('T'));
        terminal.is_given_back();
        terminal.signal("CONT");
        shows(&terminal, kind, before, 0);
        let before = terminal.bytes();
        terminal.press("\x0c");
        shows(&terminal, kind, before, 0);
        // Too small for any pane, and back.
        terminal.resize((40, 10));
        terminal.sees("needs 60 x 16");
        let before = terminal.bytes();
        terminal.resize((170, 50));
        match kind {
            // The terminal has it still.
            Kind::Kitty => drop(terminal.sees("60 rows")),
            _ => drop(shows(&terminal, kind, before, 0)),
        }
    }
}

#[test]
fn brighter_closer_and_over_the_whole_frame() {
    let desk = desk();
    let (terminal, plain) = showing(&desk, Kind::Kitty, &[]);
    let last = |from: usize| payloads::kitty(&terminal.since(from)).pop();
    let after = |keys: &str| {
        let before = terminal.bytes();
        terminal.press(keys);
        terminal.wait(keys, |_| last(before).is_some());
        last(before).unwrap().image
    };
    let mean = |image: &RgbImage| image.iter().map(|v| f64::from(*v)).sum::<f64>() / image.len() as f64;
    let brighter = after("Pb");
    assert!(mean(&brighter) > mean(&plain.image) + 5.0);
    // By the arrow, too.
    let brightest = after("\x1b[1;3A");
    assert!(mean(&brightest) > mean(&brighter) + 3.0);
    terminal.sees("sky folder +2");
    let closer = after("P+");
    terminal.sees("sky folder x2 +2");
    // The square in the middle, 48 of 128 pixels wide, fills three quarters now.
    let (w, h) = closer.dimensions();
    assert_eq!(closer.get_pixel(w / 2, h / 5), closer.get_pixel(w / 2, h / 2));
    terminal.press("P0");
    terminal.wait("the plain title", |screen| !screen.has("+2"));
    // Alone it has the frame to itself.
    let large = after("I");
    assert!(large.width() >= plain.image.width());
    terminal.wait("no list", |screen| !screen.has("catalog.parquet │"));
    terminal.press("I");
    terminal.sees("60 rows");
}

#[test]
fn a_sheet_of_images() {
    let desk = desk();
    for kind in KINDS {
        let terminal = showing(&desk, kind, &[]).0;
        let before = terminal.bytes();
        terminal.press("T");
        terminal.sees("1 to ");
        let wanted: Vec<RgbImage> = (0..12).map(galaxy).collect();
        terminal.wait("twelve images", |_| {
            let all = got(kind, &terminal.since(before));
            wanted.iter().all(|image| {
                all.iter()
                    .any(|got| payloads::difference(&got.image, image) < loss(kind) + 2.0)
            })
        });
        // To the right, and there.
        let before = terminal.bytes();
        terminal.press("ll\r");
        terminal.wait("the catalog", |screen| !screen.has("1 to "));
        shows(&terminal, kind, before, 2);
    }
}

#[test]
fn figures_are_pictures_too() {
    let desk = desk();
    let folder = desk.path("output_images");
    std::fs::create_dir_all(&folder).unwrap();
    galaxy(7).save(folder.join("figure_1.png")).unwrap();
    for kind in KINDS {
        let terminal = open(&desk, kind, &[]);
        let before = terminal.bytes();
        terminal.press("4");
        terminal.sees("figure_1.png");
        let figure = shows(&terminal, kind, before, 7);
        assert!(figure.image.width() >= 100);
    }
}

/// No image: it says why, and nothing waits for it.
#[test]
fn why_there_is_none() {
    // Of a simulated object there would be a drawing.
    let mut spectra = sixty();
    for spectrum in &mut spectra {
        spectrum.facts.source = "own".into();
    }
    let desk = Desk::new(&spectra);
    std::fs::create_dir_all(desk.path("cutouts")).unwrap();
    let id = sixty()[0].facts.object_id.clone();
    std::fs::write(desk.path("cutouts").join(format!("{id}.jpg")), b"<html>").unwrap();
    let terminal = open(&desk, Kind::Kitty, &["--offline"]);
    terminal.sees("No sky image");
    terminal.press("j");
    terminal.sees("60 rows");
    assert!(payloads::kitty(&terminal.raw()).is_empty());
    assert!(Path::new(&desk.path("cutouts")).exists());
}

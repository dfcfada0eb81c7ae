//! Sky images: the request that each service receives, what becomes of its answers, the cache, and the command.
//!
//! A server on this machine plays every service; nothing here reaches out.

mod answers;
mod cache;
mod command;
mod requests;
mod server;
mod trouble;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

use server::{Reply, Request, Server};
use spectriage::cutout::{CutoutSettings, Cutouts, Field, Reach, Search};

/// Width of the images that the tests ask for.
const PIXELS: u32 = 96;

/// The services, each at an address of its own, and a folder for the cache.
struct Sky {
    servers: BTreeMap<&'static str, Server>,
    settings: CutoutSettings,
    folder: tempfile::TempDir,
}

impl Sky {
    /// Services that answer as `play` says: by name, and which request of that service it is, from 0.
    fn new(play: impl Fn(&str, usize, &Request) -> Reply + Clone + Send + Sync + 'static) -> Self {
        let servers: BTreeMap<&'static str, Server> = ["sdss", "legacy", "panstarrs", "hips"]
            .into_iter()
            .map(|name| {
                let play = play.clone();
                (
                    name,
                    Server::start(move |number, request| play(name, number, request)),
                )
            })
            .collect();
        let at = |name: &str, path: &str| format!("{}{path}", servers[name].address());
        let settings = CutoutSettings {
            cutout_pixels: PIXELS,
            cutout_timeout: 5.0,
            cutout_connect_timeout: 2.0,
            cutout_retries: 2,
            cutout_pause: 0.01,
            cutout_contact: Some("observer@example.org".into()),
            sdss_url: at("sdss", "/dr18/SkyServerWS/ImgCutout/getjpeg"),
            legacy_url: at("legacy", "/viewer/jpeg-cutout"),
            panstarrs_url: at("panstarrs", "/cgi-bin"),
            hips_url: at("hips", "/hips-image-services/hips2fits"),
            ..CutoutSettings::default()
        };
        Self {
            servers,
            settings,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Services of which only this one has an image of anything.
    fn only(name: &'static str) -> Self {
        Self::new(move |service, number, request| {
            if service == name {
                good(service, number, request)
            } else {
                outside(service)
            }
        })
    }

    fn cutouts(&self) -> Cutouts {
        Cutouts::within(&self.settings, None, vec![self.folder.path().to_owned()])
    }

    fn search(&self, field: &Field) -> Search {
        self.cutouts().search(field, Reach::Network, &|| false)
    }

    /// What a service was asked, in order.
    fn asked(&self, name: &str) -> Vec<Request> {
        self.servers[name].requests()
    }

    fn asked_in_all(&self) -> usize {
        self.servers.values().map(|server| server.requests().len()).sum()
    }

    /// All files of the cache, as paths within it.
    fn kept(&self) -> Vec<PathBuf> {
        files(self.folder.path())
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A field of a survey at a place.
fn field(source: &str, ra: f64, dec: f64) -> Field {
    Field {
        object_id: "39627652591521181".into(),
        source: source.into(),
        position: Some((ra, dec)),
        scale: 0.262,
        pixels: PIXELS,
        service: None,
    }
}

/// Noise about a galaxy; another `seed` is another picture.
fn galaxy(pixels: u32, seed: u32) -> RgbImage {
    RgbImage::from_fn(pixels, pixels, |x, y| {
        let middle = f64::from(pixels) / 2.0;
        let r2 = (f64::from(x) - middle).powi(2) + (f64::from(y) - middle).powi(2);
        let noise = (x ^ seed)
            .wrapping_mul(2_654_435_761)
            .wrapping_add(y.wrapping_mul(40_503))
            >> 16
            & 15;
        let value = 24.0 + f64::from(noise) + 190.0 * (-r2 / 150.0).exp();
        Rgb([value as u8, (value * 0.8) as u8, (value * 0.6) as u8])
    })
}

fn jpeg(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 90)
        .encode_image(image)
        .unwrap();
    bytes
}

fn png(image: &RgbImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// An image of a service, as it gives it.
fn good(service: &str, _: usize, request: &Request) -> Reply {
    if request.path.ends_with("ps1filenames.py") {
        return Reply::text(&file_names("grizy"));
    }
    let pixels = ["width", "size", "output_size"].into_iter().rev();
    let pixels = pixels
        .filter_map(|name| request.parameter(name)?.parse().ok())
        .next();
    let seed = service.bytes().map(u32::from).sum();
    Reply::image(jpeg(&galaxy(pixels.unwrap_or(PIXELS), seed)))
}

/// The table of Pan-STARRS's file names for some bands.
fn file_names(bands: &str) -> String {
    let mut table = "projcell subcell ra dec filter mjd type filename shortname badflag\n".to_owned();
    for band in bands.chars() {
        let name = format!("rings.v3.skycell.1334.061.stk.{band}.unconv.fits");
        table += &format!("1334 061 150.1 2.2 {band} 0 stack /rings.v3.skycell/1334/061/{name} {name} 0\n");
    }
    table
}

/// What a service answers where it has no data.
fn outside(service: &str) -> Reply {
    match service {
        "sdss" => Reply::text("Requested (ra, dec) is outside the SDSS footprint").with_status(404),
        "legacy" => Reply::image(jpeg(&RgbImage::from_pixel(PIXELS, PIXELS, Rgb([32, 32, 32])))),
        "panstarrs" => Reply::text(&file_names("")),
        _ => Reply::image(jpeg(&RgbImage::new(PIXELS, PIXELS))),
    }
}

fn image(search: Search) -> spectriage::cutout::Cutout {
    match search {
        Search::Image(cutout, _) => cutout,
        other => panic!("no image: {other:?}"),
    }
}

/// The words of a search that failed, and whether a host could not be reached.
fn failed(search: Search) -> (String, bool) {
    match search {
        Search::Failed { why, unreachable } => (why, unreachable),
        other => panic!("it did not fail: {other:?}"),
    }
}

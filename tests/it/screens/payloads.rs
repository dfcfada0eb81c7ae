//! Pictures cut out of what was written to a terminal, decoded back to pixels: kitty, iTerm2, sixel, half-blocks.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::RgbImage;

use super::terminal::find;

/// A picture as the terminal got it.
pub struct Got {
    pub image: RgbImage,
    /// Its bytes as they were sent, decoded from base64: of iTerm2 the file.
    pub bytes: Vec<u8>,
    /// kitty's name of it.
    pub id: Option<u32>,
}

/// The pieces of `raw` between a start and an end.
fn pieces<'a>(raw: &'a [u8], start: &'a [u8], end: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = raw;
    std::iter::from_fn(move || {
        let from = find(rest, start)? + start.len();
        let to = from + find(&rest[from..], end)?;
        let piece = &rest[from..to];
        rest = &rest[to + end.len()..];
        Some(piece)
    })
}

/// Pictures of kitty's protocol: chunks put together, inflated.
pub fn kitty(raw: &[u8]) -> Vec<Got> {
    let mut all = Vec::new();
    let (mut head, mut data) = (String::new(), String::new());
    for piece in pieces(raw, b"\x1b_G", b"\x1b\\") {
        let piece = std::str::from_utf8(piece).unwrap();
        let (control, payload) = piece.split_once(';').unwrap_or((piece, ""));
        if control.contains("a=T") {
            (head, data) = (control.to_owned(), String::new());
        }
        if control.contains("a=d") || head.is_empty() {
            continue;
        }
        data += payload;
        if control.contains("m=1") {
            continue;
        }
        let field = |key: &str| -> u32 {
            let value = head.split(',').find_map(|field| field.strip_prefix(key));
            value.unwrap().parse().unwrap()
        };
        let mut bytes = STANDARD.decode(&data).unwrap();
        if head.contains("o=z") {
            let mut inflated = Vec::new();
            flate2::read::ZlibDecoder::new(&bytes[..])
                .read_to_end(&mut inflated)
                .unwrap();
            bytes = inflated;
        }
        assert!(head.contains("U=1"), "placed by characters: {head}");
        let rgba = image::RgbaImage::from_raw(field("s="), field("v="), bytes.clone()).unwrap();
        all.push(Got {
            image: image::DynamicImage::ImageRgba8(rgba).into_rgb8(),
            bytes,
            id: Some(field("i=")),
        });
        head.clear();
    }
    all
}

/// Names that kitty was told to delete.
pub fn deleted(raw: &[u8]) -> Vec<u32> {
    pieces(raw, b"\x1b_Ga=d,d=I,i=", b",q=2\x1b\\")
        .map(|piece| std::str::from_utf8(piece).unwrap().parse().unwrap())
        .collect()
}

/// Inline images of iTerm2.
pub fn iterm2(raw: &[u8]) -> Vec<Got> {
    let files = pieces(raw, b"\x1b]1337;File=", b"\x07");
    files
        .map(|piece| {
            let piece = std::str::from_utf8(piece).unwrap();
            let (head, data) = piece.split_once(':').unwrap();
            let bytes = STANDARD.decode(data).unwrap();
            assert!(head.contains(&format!("size={};", bytes.len())), "{head}");
            Got {
                image: image::load_from_memory(&bytes).unwrap().into_rgb8(),
                bytes,
                id: None,
            }
        })
        .collect()
}

/// Sixel pictures.
pub fn sixel(raw: &[u8]) -> Vec<Got> {
    let strings = pieces(raw, b"\x1bP", b"\x1b\\");
    strings
        .filter(|piece| piece.iter().take(12).any(|byte| *byte == b'q') && !piece.starts_with(b"$q"))
        .map(|piece| {
            let whole = [b"\x1bP", piece, b"\x1b\\"].concat();
            let decoded = icy_sixel::SixelImage::decode(&whole).unwrap();
            let size = (decoded.width as u32, decoded.height as u32);
            let rgba = image::RgbaImage::from_raw(size.0, size.1, decoded.pixels).unwrap();
            Got {
                image: image::DynamicImage::ImageRgba8(rgba).into_rgb8(),
                bytes: whole,
                id: None,
            }
        })
        .collect()
}

/// Mean absolute difference of two pictures, the wanted one scaled to the size of the other.
pub fn difference(got: &RgbImage, wanted: &RgbImage) -> f64 {
    let wanted = image::imageops::resize(
        wanted,
        got.width(),
        got.height(),
        image::imageops::FilterType::Triangle,
    );
    let sum: f64 = got
        .iter()
        .zip(wanted.iter())
        .map(|(a, b)| f64::from(a.abs_diff(*b)))
        .sum();
    sum / (got.len() as f64)
}

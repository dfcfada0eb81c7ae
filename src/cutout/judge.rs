//! Whether bytes are an image of the sky: nothing else is ever shown or kept.
//!
//! Services answer with much that is none: words, web pages, even gray, black with words in it, a body that breaks off, an image that
//! would take all memory. Dimensions are read and limited before anything is decoded, and the whole image is decoded once.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, ImageReader, Limits};

/// More bytes than any cutout has.
pub const MOST_BYTES: usize = 16 << 20;
/// More pixels a side than any cutout has.
const LONGEST: u32 = 8192;
const MOST_PIXELS: u64 = 32_000_000;
/// Of a decoder.
const MOST_MEMORY: u64 = 256 << 20;
/// Standard deviation in every color below which there is nothing to see.
const EVEN: f64 = 1.0;
/// An even patch about the object brighter than this may be a star that saturates.
const BRIGHT: u8 = 160;

/// An image that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    pub width: u32,
    pub height: u32,
    pub is_png: bool,
}

/// What bytes turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    Sky(Checked),
    /// An image of nothing, as services give it where they have no data.
    Blank,
    /// No image, or none that can be trusted; in words.
    Wrong(String),
}

/// Judges an answer that should be an image of the sky with `pixels` a side; of one that shows sky, at most `black_share` is exactly black.
pub fn sky(bytes: &[u8], pixels: u32, black_share: f64) -> Verdict {
    let (checked, image) = match decoded(bytes) {
        Ok(both) => both,
        Err(what) => return Verdict::Wrong(what),
    };
    if is_blank(&image, black_share) {
        return Verdict::Blank;
    }
    if (checked.width, checked.height) != (pixels, pixels) {
        return Verdict::Wrong(format!(
            "it gave {} x {} pixels where {pixels} x {pixels} were asked for, so that its scale cannot be trusted",
            checked.width, checked.height
        ));
    }
    Verdict::Sky(checked)
}

/// Checks that bytes are a whole JPEG or PNG of a usual size.
///
/// Errors: why they are not, in words.
pub fn whole(bytes: &[u8]) -> Result<Checked, String> {
    decoded(bytes).map(|(checked, _)| checked)
}

fn decoded(bytes: &[u8]) -> Result<(Checked, DynamicImage), String> {
    let format = if bytes.starts_with(b"\xff\xd8\xff") {
        ImageFormat::Jpeg
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        ImageFormat::Png
    } else {
        return Err(no_image(bytes));
    };
    if bytes.len() > MOST_BYTES {
        return Err(format!("an image of {} MB is no cutout", bytes.len() >> 20));
    }
    let reader = || ImageReader::with_format(Cursor::new(bytes), format);
    let damaged = |error: image::ImageError| format!("the image is damaged ({error})");
    let (width, height) = reader().into_dimensions().map_err(damaged)?;
    if width > LONGEST || height > LONGEST || u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(format!("an image of {width} x {height} pixels is no cutout"));
    }
    // The decoder makes do with a JPEG that breaks off, and fills the rest with gray.
    let end = &bytes[bytes.len().saturating_sub(64)..];
    if format == ImageFormat::Jpeg && !end.windows(2).any(|pair| pair == b"\xff\xd9") {
        return Err("the image breaks off before its end".into());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST);
    limits.max_image_height = Some(LONGEST);
    limits.max_alloc = Some(MOST_MEMORY);
    let mut reader = reader();
    reader.limits(limits);
    let image = reader.decode().map_err(damaged)?;
    let checked = Checked {
        width,
        height,
        is_png: format == ImageFormat::Png,
    };
    Ok((checked, image))
}

/// What a body that is no image is, in words.
fn no_image(bytes: &[u8]) -> String {
    let answer = super::service::Answer {
        status: 200,
        bytes: bytes.to_vec(),
    };
    let words = answer.words();
    if words.is_empty() {
        "an empty answer instead of an image".into()
    } else if words.starts_with('<') {
        "a web page instead of an image".into()
    } else if words.contains('\u{fffd}') {
        "an answer that is neither JPEG nor PNG".into()
    } else {
        format!("words instead of an image: {words}")
    }
}

/// Whether an image is even, mostly exact black, or even and dark about its middle, where the object is.
fn is_blank(image: &DynamicImage, black_share: f64) -> bool {
    let image = image.to_rgb8();
    let (width, height) = image.dimensions();
    let count = f64::from(width) * f64::from(height);
    let (mut sums, mut squares, mut black) = ([0f64; 3], [0f64; 3], 0u64);
    for pixel in image.pixels() {
        black += u64::from(pixel.0 == [0; 3]);
        for (color, value) in pixel.0.into_iter().enumerate() {
            sums[color] += f64::from(value);
            squares[color] += f64::from(value).powi(2);
        }
    }
    let deviation = |color: usize| {
        (squares[color] / count - (sums[color] / count).powi(2))
            .max(0.0)
            .sqrt()
    };
    if (0..3).all(|color| deviation(color) < EVEN) || black as f64 > black_share * count {
        return true;
    }
    let half = (width.min(height) / 16).max(1);
    let first = *image.get_pixel(width / 2, height / 2);
    let mut middle = (width / 2 - half..width / 2 + half)
        .flat_map(|x| (height / 2 - half..height / 2 + half).map(move |y| (x, y)));
    half >= 2
        && first.0.iter().all(|value| *value < BRIGHT)
        && middle.all(|(x, y)| *image.get_pixel(x, y) == first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::jpeg::JpegEncoder;
    use image::{Rgb, RgbImage};

    fn jpeg(image: &RgbImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, 90)
            .encode_image(image)
            .unwrap();
        bytes
    }

    fn png(image: &RgbImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    /// Noise about a bright blob.
    fn field(pixels: u32) -> RgbImage {
        RgbImage::from_fn(pixels, pixels, |x, y| {
            let r2 = (f64::from(x) - f64::from(pixels) / 2.0).powi(2)
                + (f64::from(y) - f64::from(pixels) / 2.0).powi(2);
            let noise = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)) % 17;
            let value = (20.0 + f64::from(noise) + 200.0 * (-r2 / 200.0).exp()).min(255.0) as u8;
            Rgb([value, value / 2 + 10, value / 3 + 9])
        })
    }

    fn wrong(bytes: &[u8]) -> String {
        match sky(bytes, 128, 0.5) {
            Verdict::Wrong(what) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_field_is_seen_as_one() {
        for bytes in [jpeg(&field(128)), png(&field(128))] {
            assert!(matches!(sky(&bytes, 128, 0.5), Verdict::Sky(c) if (c.width, c.height) == (128, 128)));
        }
    }

    #[test]
    fn what_shows_no_sky_is_blank() {
        let gray = RgbImage::from_pixel(128, 128, Rgb([32, 32, 32]));
        let mut black = RgbImage::new(128, 128);
        for x in 20..100 {
            for y in 60..68 {
                black.put_pixel(x, y, Rgb([255; 3]));
            }
        }
        let white = RgbImage::from_pixel(128, 128, Rgb([255; 3]));
        for image in [&gray, &black, &white] {
            assert_eq!(sky(&jpeg(image), 128, 0.5), Verdict::Blank);
            assert_eq!(sky(&png(image), 128, 0.5), Verdict::Blank);
        }
        // The survey ends beside the object.
        let mut edge = field(128);
        for x in 50..128 {
            for y in 0..128 {
                edge.put_pixel(x, y, Rgb([32; 3]));
            }
        }
        assert_eq!(sky(&png(&edge), 128, 0.5), Verdict::Blank);
        assert_eq!(sky(&jpeg(&edge), 128, 0.5), Verdict::Blank);
        // A saturated star is no hole.
        let mut star = field(128);
        for x in 50..78 {
            for y in 50..78 {
                star.put_pixel(x, y, Rgb([255; 3]));
            }
        }
        assert!(matches!(sky(&png(&star), 128, 0.5), Verdict::Sky(_)));
    }

    #[test]
    fn what_is_no_image_is_said_in_words() {
        assert_eq!(
            wrong(b"no such layer"),
            "words instead of an image: no such layer"
        );
        assert!(wrong(b"  <!DOCTYPE html><html>busy</html>").contains("web page"));
        assert!(wrong(b"").contains("empty"));
        assert!(wrong(&[0, 159, 146, 150, 255, 254]).contains("neither"));
        assert!(!wrong(b"\x1b[2Jgone\r\n\x07").contains('\x1b'));
        assert!(
            wrong(b"GIF89a").contains("words"),
            "a format that is not asked for"
        );
        assert!(wrong(&jpeg(&field(64))).contains("64 x 64"));
    }

    #[test]
    fn an_image_that_breaks_off_is_refused_wherever_it_does() {
        for whole in [jpeg(&field(128)), png(&field(128))] {
            for share in [1, 2, 10, 30, 50, 70, 90, 97, 99] {
                let cut = &whole[..whole.len() * share / 100];
                assert!(super::whole(cut).is_err(), "{share} %");
            }
            assert!(super::whole(&whole[..whole.len() - 2]).is_err());
            assert!(super::whole(&whole).is_ok());
        }
    }

    /// A PNG of few bytes whose header promises more pixels than there is memory.
    #[test]
    fn a_bomb_is_not_decoded() {
        let mut bomb = png(&RgbImage::new(64, 64));
        bomb[16..20].copy_from_slice(&60_000u32.to_be_bytes());
        bomb[20..24].copy_from_slice(&60_000u32.to_be_bytes());
        // the checksum of the header is looked at before its numbers are
        let crc = crc32(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&crc.to_be_bytes());
        assert!(wrong(&bomb).contains("60000 x 60000"), "{}", wrong(&bomb));
        let mut jpeg = jpeg(&field(128));
        let frame = jpeg.windows(2).position(|pair| pair == b"\xff\xc0").unwrap();
        jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
        assert!(wrong(&jpeg).contains("65535 x 65535"));
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum()
    }
}

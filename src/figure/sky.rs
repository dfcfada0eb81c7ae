//! The picture of the sky beside a spectrum.

use std::sync::Arc;

use super::description::{Anchor, Overlay, Picture, PictureContent, Rect, Text, Weight};
use super::font;

/// An image of the object's surroundings, north up and east left, with the object at its center; or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum SkyImage {
    Image {
        /// JPEG or PNG.
        bytes: Vec<u8>,
        /// Arcseconds a pixel, where known.
        pixscale: Option<f64>,
        /// Whose image it is.
        credit: String,
        /// Of the spectrograph's fiber, arcseconds, where known.
        fiber_diameter: Option<f64>,
    },
    Missing {
        why: String,
    },
}

const CREDIT_SIZE: f64 = 10.0;
/// Narrower pictures have no compass.
const SMALLEST_WITH_COMPASS: f64 = 140.0;

/// The picture in a square of side `rect.width`, and its credit line below.
pub(super) fn picture(sky: &SkyImage, rect: Rect) -> (Picture, Option<Text>) {
    let missing = |why: &str| {
        let mut lines = vec!["no sky image".to_owned()];
        lines.extend(font::wrap(why, 11.5, rect.width - 16.0, 5));
        Picture {
            rect,
            content: PictureContent::Missing(lines),
        }
    };
    let (bytes, pixscale, credit, fiber_diameter) = match sky {
        SkyImage::Missing { why } => return (missing(why), None),
        SkyImage::Image {
            bytes,
            pixscale,
            credit,
            fiber_diameter,
        } => (bytes, pixscale, credit, fiber_diameter),
    };
    let Some((mime, width, height)) = dimensions(bytes) else {
        return (missing("the file is no JPEG or PNG image of a usual size"), None);
    };
    let (width, height) = (f64::from(width), f64::from(height));
    let shown = rect.width.min(rect.height) / width.max(height);
    let fitted = Rect {
        x: rect.x + (rect.width - width * shown) / 2.0,
        y: rect.y + (rect.height - height * shown) / 2.0,
        width: width * shown,
        height: height * shown,
    };
    // page units an arcsecond
    let scale = pixscale.filter(|s| s.is_finite() && *s > 0.0).map(|s| shown / s);
    let overlay = Overlay {
        fiber_radius: scale
            .zip(*fiber_diameter)
            .map(|(scale, diameter)| scale * diameter / 2.0)
            .filter(|radius| (1.0..fitted.width / 2.0).contains(radius)),
        scale_bar: scale.and_then(|scale| scale_bar(scale, fitted.width * 0.35)),
        compass: fitted.width >= SMALLEST_WITH_COMPASS,
    };
    let credit = Text {
        x: rect.right(),
        y: rect.bottom() + 12.0,
        size: CREDIT_SIZE,
        anchor: Anchor::End,
        weight: Weight::Faint,
        content: font::shorten(credit, CREDIT_SIZE, false, rect.width),
    };
    let content = PictureContent::Image {
        mime,
        bytes: Arc::from(bytes.as_slice()),
        overlay,
    };
    (
        Picture {
            rect: fitted,
            content,
        },
        Some(credit),
    )
}

/// The longest round length that fits in `room` page units, and its label.
fn scale_bar(units_per_arcsec: f64, room: f64) -> Option<(f64, String)> {
    const ARCSEC: [f64; 11] = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0];
    let length = ARCSEC.iter().rev().find(|a| **a * units_per_arcsec <= room)?;
    let label = if *length < 60.0 {
        format!("{length}″")
    } else {
        format!("{}′", length / 60.0)
    };
    Some((length * units_per_arcsec, label)).filter(|(units, _)| *units >= 4.0)
}

/// MIME type, width and height of a JPEG or PNG image, from its header.
fn dimensions(bytes: &[u8]) -> Option<(&'static str, u32, u32)> {
    let (mime, width, height) = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        ("image/png", number(16)?, number(20)?)
    } else if bytes.starts_with(b"\xff\xd8") {
        let (width, height) = jpeg_frame(bytes)?;
        ("image/jpeg", width, height)
    } else {
        return None;
    };
    // larger ones are no cutouts, and decoding them could take all memory
    let fits = |length: u32| (1..=8192).contains(&length);
    (fits(width) && fits(height)).then_some((mime, width, height))
}

/// Width and height from the frame header (SOF) of a JPEG.
fn jpeg_frame(bytes: &[u8]) -> Option<(u32, u32)> {
    let u16_at = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    let mut at = 2;
    loop {
        if *bytes.get(at)? != 0xff {
            return None;
        }
        match *bytes.get(at + 1)? {
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Some((u32::from(u16_at(at + 7)?), u32::from(u16_at(at + 5)?)));
            }
            _ => at += 2 + usize::from(u16_at(at + 2)?.max(2)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: Rect = Rect {
        x: 0.0,
        y: 0.0,
        width: 200.0,
        height: 200.0,
    };

    fn png_header(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes
    }

    #[test]
    fn the_scale_bar_is_as_long_as_it_says() {
        let sky = SkyImage::Image {
            bytes: png_header(256, 256),
            pixscale: Some(0.262),
            credit: "Legacy Surveys".into(),
            fiber_diameter: Some(1.5),
        };
        let (picture, _) = picture(&sky, SQUARE);
        let PictureContent::Image { overlay, .. } = picture.content else {
            panic!("no image")
        };
        // 256 pixels of 0.262 arcsec on 200 units: 2.98 units an arcsecond, of which 20 fit in 70 units
        let (length, label) = overlay.scale_bar.unwrap();
        assert_eq!(label, "20″");
        assert!((length - 20.0 * 200.0 / (256.0 * 0.262)).abs() < 1e-9);
        assert!((overlay.fiber_radius.unwrap() - 0.75 * 200.0 / (256.0 * 0.262)).abs() < 1e-9);
    }

    #[test]
    fn an_oblong_image_keeps_its_shape() {
        let sky = SkyImage::Image {
            bytes: png_header(400, 100),
            pixscale: None,
            credit: String::new(),
            fiber_diameter: None,
        };
        let (picture, _) = picture(&sky, SQUARE);
        assert_eq!(
            (picture.rect.width, picture.rect.height, picture.rect.y),
            (200.0, 50.0, 75.0)
        );
    }

    #[test]
    fn jpeg_headers_are_read_and_broken_ones_refused() {
        let jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08\x01\x02\x03\x04\x03";
        assert_eq!(dimensions(jpeg), Some(("image/jpeg", 0x304, 0x102)));
        for cut in 0..jpeg.len() - 2 {
            assert_eq!(dimensions(&jpeg[..cut]), None, "{cut}");
        }
        let broken = SkyImage::Image {
            bytes: b"no such layer".to_vec(),
            pixscale: None,
            credit: String::new(),
            fiber_diameter: None,
        };
        let (picture, credit) = picture(&broken, SQUARE);
        assert!(credit.is_none());
        assert!(matches!(picture.content, PictureContent::Missing(lines) if lines.len() > 1));
    }
}

//! What is drawn into a sky image: where the fiber was, how long ten arcseconds are, where north is.

use image::{Rgb, RgbImage};

use super::compass;

/// What the marks need to know.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Marks {
    /// Arcseconds a pixel of the image that is drawn on; `None`: no bar, and no circle.
    pub scale: Option<f64>,
    /// Diameter of the fiber, arcseconds.
    pub fiber: Option<f64>,
}

/// Of what the cross-hair and the circle are made: a hue that no galaxy has.
const RETICLE: Rgb<u8> = Rgb([90, 255, 120]);
const LIGHT: Rgb<u8> = Rgb([255, 255, 255]);
const DARK: Rgb<u8> = Rgb([0, 0, 0]);

/// Draws the marks; returns the length of the bar in arcseconds, where there is one.
///
/// An image too small for a mark goes without it.
pub fn draw(image: &mut RgbImage, marks: Marks) -> Option<f64> {
    let (width, height) = (f64::from(image.width()), f64::from(image.height()));
    let side = width.min(height);
    if side < 12.0 {
        return None;
    }
    let center = (width / 2.0, height / 2.0);
    let thick = (side / 220.0).round().max(1.0);
    let scale = marks.scale.filter(|scale| *scale > 0.0 && scale.is_finite());
    let radius = scale.zip(marks.fiber).map(|(scale, fiber)| fiber / 2.0 / scale);
    // A ring of less would cover what it is about.
    let ring = radius.filter(|radius| *radius >= 2.5 && *radius < side / 2.0);
    if let Some(radius) = ring {
        circle(image, center, radius, thick);
    }
    // The object itself is left alone.
    let inner = ring
        .map_or(0.0, |radius| radius + 2.0 * thick)
        .max(0.05 * side)
        .max(2.0);
    let outer = inner + (0.06 * side).max(2.0);
    for (dx, dy) in [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)] {
        let mut at = inner;
        while at <= outer {
            dot(
                image,
                center.0 + dx * at,
                center.1 + dy * at,
                thick,
                RETICLE,
                0.85,
            );
            at += 0.5;
        }
    }
    compass::draw(image);
    let (arcsec, pixels) = bar(scale?, 0.35 * width)?;
    let edge = (0.06 * side).max(1.0);
    let y = height - edge;
    let thick = (side / 128.0).round().max(1.0);
    if side >= 64.0 {
        line(image, edge - 1.0, edge + pixels + 1.0, y, thick + 2.0, DARK);
    }
    line(image, edge, edge + pixels, y, thick, LIGHT);
    Some(arcsec)
}

/// The longest round length that fits in `room` pixels: arcseconds and pixels.
pub fn bar(scale: f64, room: f64) -> Option<(f64, f64)> {
    const ARCSEC: [f64; 12] = [
        0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0,
    ];
    let length = ARCSEC.iter().rev().find(|length| **length / scale <= room)?;
    Some((*length, length / scale)).filter(|(_, pixels)| *pixels >= 3.0)
}

/// A length in the words of astronomers.
pub fn arcseconds(length: f64) -> String {
    match length {
        60.0.. => format!("{}'", length / 60.0),
        _ => format!("{length}\""),
    }
}

fn circle(image: &mut RgbImage, center: (f64, f64), radius: f64, thick: f64) {
    let reach = radius + thick + 1.0;
    let from = |middle: f64| (middle - reach).floor().max(0.0) as u32;
    let to = |middle: f64, size: u32| ((middle + reach).ceil().max(0.0) as u32).min(size);
    for y in from(center.1)..to(center.1, image.height()) {
        for x in from(center.0)..to(center.0, image.width()) {
            let distance = (f64::from(x) + 0.5 - center.0).hypot(f64::from(y) + 0.5 - center.1);
            // Smooth at its edges.
            let share = (0.5 * thick + 0.5 - (distance - radius).abs()).clamp(0.0, 1.0);
            blend(image, x, y, RETICLE, 0.85 * share);
        }
    }
}

fn line(image: &mut RgbImage, from: f64, to: f64, y: f64, thick: f64, color: Rgb<u8>) {
    let top = (y - thick / 2.0).round().max(0.0) as u32;
    for row in top..top + thick as u32 {
        for x in from.round().max(0.0) as u32..to.round().max(0.0) as u32 {
            blend(image, x, row, color, 0.9);
        }
    }
}

fn dot(image: &mut RgbImage, x: f64, y: f64, thick: f64, color: Rgb<u8>, share: f64) {
    let (left, top) = (x - thick / 2.0, y - thick / 2.0);
    for row in 0..thick as u32 {
        for column in 0..thick as u32 {
            let (x, y) = (left.round() + f64::from(column), top.round() + f64::from(row));
            if x >= 0.0 && y >= 0.0 {
                blend(image, x as u32, y as u32, color, share);
            }
        }
    }
}

/// Mixes a color into a pixel, where there is one.
pub(super) fn blend(image: &mut RgbImage, x: u32, y: u32, color: Rgb<u8>, share: f64) {
    if share <= 0.0 {
        return;
    }
    if let Some(pixel) = image.get_pixel_mut_checked(x, y) {
        for (old, new) in pixel.0.iter_mut().zip(color.0) {
            *old = (f64::from(*old) * (1.0 - share) + f64::from(new) * share).round() as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn green(image: &RgbImage, x: u32, y: u32) -> bool {
        // The ring lies between two pixels, half on each.
        let pixel = image.get_pixel(x, y).0;
        pixel[1] > 90 && pixel[0] < pixel[1] / 2
    }

    #[test]
    fn the_fiber_is_to_scale() {
        let mut image = RgbImage::new(256, 256);
        let marks = Marks {
            scale: Some(0.05),
            fiber: Some(2.0),
        };
        draw(&mut image, marks);
        // 2" at 0.05" a pixel: a radius of 20 pixels.
        for (x, y) in [(128 + 20, 127), (128 - 20, 127), (127, 128 + 20), (127, 128 - 20)] {
            let near = [(0, 0), (1, 0), (0, 1)].map(|(dx, dy)| green(&image, x - dx, y - dy));
            assert!(near.contains(&true), "{x} {y}");
        }
        assert_eq!(
            image.get_pixel(128, 128).0,
            [0; 3],
            "the object itself is left alone"
        );
        assert_eq!(image.get_pixel(128 + 10, 128).0, [0; 3]);
    }

    #[test]
    fn the_bar_is_as_long_as_it_says() {
        assert_eq!(bar(0.262, 0.35 * 256.0), Some((20.0, 20.0 / 0.262)));
        assert_eq!(bar(1e9, 100.0), None);
        let mut image = RgbImage::new(256, 256);
        let marks = Marks {
            scale: Some(0.25),
            fiber: None,
        };
        assert_eq!(draw(&mut image, marks), Some(20.0));
        let y = 256 - 15;
        let white = (0..200).filter(|x| image.get_pixel(*x, y).0[0] > 200).count();
        assert!((79..=81).contains(&white), "{white}");
        assert_eq!(
            [0.5, 20.0, 60.0, 300.0].map(arcseconds),
            ["0.5\"", "20\"", "1'", "5'"]
        );
    }

    #[test]
    fn any_image_will_do() {
        for (width, height) in [(1, 1), (12, 12), (5, 300), (40, 13)] {
            for scale in [None, Some(0.0), Some(1e-9), Some(0.3), Some(1e9), Some(f64::NAN)] {
                let marks = Marks {
                    scale,
                    fiber: Some(3.0),
                };
                draw(&mut RgbImage::new(width, height), marks);
            }
        }
    }
}

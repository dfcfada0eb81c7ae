//! An image cut to what is to be seen, and made brighter or darker.

use image::{RgbImage, imageops};

/// The middle of an image that is `width` arcseconds wide; all of it where it is smaller.
///
/// `scale`: arcseconds a pixel. Where it is not known, the whole image stands for `whole` arcseconds.
pub fn cut(image: &RgbImage, scale: Option<f64>, whole: f64, width: f64) -> RgbImage {
    let (w, h) = image.dimensions();
    let scale = scale.unwrap_or(whole / f64::from(w.min(h).max(1)));
    let side = (width / scale).round().clamp(4.0, 1e6) as u32;
    if side >= w && side >= h {
        return image.clone();
    }
    let (cut_w, cut_h) = (side.min(w), side.min(h));
    imageops::crop_imm(image, (w - cut_w) / 2, (h - cut_h) / 2, cut_w, cut_h).to_image()
}

/// Brighter by steps, by a power law, so that black stays black, white stays white, and what is faint shows.
pub fn brighten(image: &mut RgbImage, steps: i8) {
    if steps == 0 {
        return;
    }
    let power = 2f64.powf(-f64::from(steps) / 3.0);
    let table: Vec<u8> = (0..=255u8)
        .map(|value| (255.0 * (f64::from(value) / 255.0).powf(power)).round() as u8)
        .collect();
    for value in image.iter_mut() {
        *value = table[usize::from(*value)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn the_middle_stays_in_the_middle() {
        let mut image = RgbImage::new(256, 256);
        image.put_pixel(128, 128, Rgb([255, 0, 0]));
        let half = cut(&image, Some(0.262), 67.0, 33.536);
        assert_eq!(half.dimensions(), (128, 128));
        assert_eq!(half.get_pixel(64, 64).0, [255, 0, 0]);
        // Coarser than it was asked for: half as many pixels cover the same sky.
        assert_eq!(cut(&image, Some(0.524), 67.0, 33.536).dimensions(), (64, 64));
        // Of unknown scale.
        assert_eq!(cut(&image, None, 67.072, 33.536).dimensions(), (128, 128));
        assert_eq!(cut(&image, Some(0.262), 67.0, 500.0).dimensions(), (256, 256));
        assert_eq!(cut(&RgbImage::new(3, 900), None, 67.0, 1.0).dimensions(), (3, 4));
    }

    #[test]
    fn faint_light_shows() {
        let mut image = RgbImage::from_pixel(2, 1, Rgb([0, 40, 255]));
        brighten(&mut image, 3);
        assert_eq!(image.get_pixel(0, 0).0, [0, 101, 255]);
        brighten(&mut image, -3);
        assert!((39..=41).contains(&image.get_pixel(1, 0).0[1]));
    }
}

//! North and east in the corner of a sky image.

use image::{Rgb, RgbImage};

use super::marks::blend;

const LIGHT: Rgb<u8> = Rgb([255, 255, 255]);
const DARK: Rgb<u8> = Rgb([0, 0, 0]);

/// Letters of 5 x 7 dots, a row a byte.
const N: [u8; 7] = [0b10001, 0b11001, 0b10101, 0b10011, 0b10001, 0b10001, 0b10001];
const E: [u8; 7] = [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111];

/// Draws two arms in the lower right corner, N up and E left; an image too small for letters goes without.
pub fn draw(image: &mut RgbImage) {
    let (width, height) = image.dimensions();
    let side = width.min(height);
    if side < 100 {
        return;
    }
    let size = (side / 200).max(1);
    let arm = 12 * size;
    let edge = side / 16;
    let corner = (width - edge - size, height - edge - size);
    for step in 0..arm {
        square(image, corner.0, corner.1 - step, size);
        square(image, corner.0 - step, corner.1, size);
    }
    letter(
        image,
        &N,
        corner.0.saturating_sub(2 * size),
        corner.1.saturating_sub(arm + 9 * size),
        size,
    );
    letter(
        image,
        &E,
        corner.0.saturating_sub(arm + 7 * size),
        corner.1.saturating_sub(3 * size),
        size,
    );
}

fn letter(image: &mut RgbImage, rows: &[u8; 7], x: u32, y: u32, size: u32) {
    for (down, row) in rows.iter().enumerate() {
        for across in 0..5 {
            if row >> (4 - across) & 1 == 1 {
                square(image, x + across * size, y + down as u32 * size, size);
            }
        }
    }
}

/// A light dot with a shadow, to be seen on any sky.
fn square(image: &mut RgbImage, x: u32, y: u32, size: u32) {
    for down in 0..size {
        for across in 0..size {
            blend(image, x + across + size, y + down + size, DARK, 0.4);
            blend(image, x + across, y + down, LIGHT, 0.9);
        }
    }
}

//! Colors as numbers: mixed, and found again among the 256 of xterm.

/// Red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rgb(pub u8, pub u8, pub u8);

/// The steps of xterm's cube of colors.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The color half-way between all of them; `None` of none.
pub(super) fn mean(colors: &[Rgb]) -> Option<Rgb> {
    let count = u32::try_from(colors.len()).ok().filter(|count| *count > 0)?;
    let mean = |part: fn(&Rgb) -> u8| {
        let sum: u32 = colors.iter().map(|c| u32::from(part(c))).sum();
        (sum / count) as u8
    };
    Some(Rgb(mean(|c| c.0), mean(|c| c.1), mean(|c| c.2)))
}

/// The nearest of xterm's 256 colors, of the cube and the grays: the first 16 are the user's own and may be anything.
pub(super) fn nearest(color: Rgb) -> u8 {
    (16..=255)
        .min_by_key(|index| distance(color, xterm(*index)))
        .unwrap_or(16)
}

/// The color of an index from 16.
pub(super) fn xterm(index: u8) -> Rgb {
    match index {
        232.. => {
            let gray = 8 + 10 * (index - 232);
            Rgb(gray, gray, gray)
        }
        _ => {
            let at = usize::from(index.saturating_sub(16));
            Rgb(CUBE[at / 36], CUBE[at / 6 % 6], CUBE[at % 6])
        }
    }
}

/// Squared distance with the weights of the "redmean" approximation of how far apart two colors look, and a penalty for
/// a hue lost: a tint must not become gray.
fn distance(a: Rgb, b: Rgb) -> i64 {
    let part = |x: u8, y: u8| i64::from(x) - i64::from(y);
    let (r, g, b_) = (part(a.0, b.0), part(a.1, b.1), part(a.2, b.2));
    let red = (i64::from(a.0) + i64::from(b.0)) / 2;
    let near = ((512 + red) * r * r) / 256 + 4 * g * g + ((767 - red) * b_ * b_) / 256;
    let chroma = |c: Rgb| i64::from(c.0.max(c.1).max(c.2)) - i64::from(c.0.min(c.1).min(c.2));
    let lost = if chroma(a) > 24 && chroma(b) == 0 { 6000 } else { 0 };
    near + lost
}

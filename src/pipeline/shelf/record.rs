//! A prepared spectrum as bytes: the pixels that hold something, the artifact flags as bits, and a checksum.

use flate2::Crc;

use crate::spectrum::prepare::Prepared;

/// The pixels of a record: from the first to the last that hold a measurement. Beyond them flux and ivar are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub first: u32,
    pub count: u32,
}

impl Span {
    pub fn of(prepared: &Prepared) -> Self {
        // By their bits: what comes back is what went in, a negative zero too.
        let holds = |(flux, ivar): (&f32, &f32)| flux.to_bits() != 0 || ivar.to_bits() != 0;
        let pixels = || prepared.flux.iter().zip(&prepared.ivar);
        let first = pixels().position(holds).unwrap_or(0);
        let end = pixels().rposition(holds).map_or(first, |last| last + 1);
        Self {
            first: first as u32,
            count: (end - first) as u32,
        }
    }

    fn range(self) -> std::ops::Range<usize> {
        self.first as usize..(self.first + self.count) as usize
    }

    /// Bytes of its record on a grid of `pixels`.
    pub fn bytes(self, pixels: usize) -> usize {
        8 * self.count as usize + pixels.div_ceil(8) + CHECKSUM
    }

    /// Whether a record of it fits a grid of `pixels`.
    pub fn fits(self, pixels: usize) -> bool {
        u64::from(self.first) + u64::from(self.count) <= pixels as u64
    }
}

const CHECKSUM: usize = 4;

/// Bytes of a record on a grid of `pixels`, at most.
pub(super) fn most_bytes(pixels: usize) -> u64 {
    let all = Span {
        first: 0,
        count: pixels as u32,
    };
    all.bytes(pixels) as u64
}

/// Appends the record of a spectrum.
pub(super) fn write(prepared: &Prepared, span: Span, out: &mut Vec<u8>) {
    let begin = out.len();
    for values in [&prepared.flux, &prepared.ivar] {
        out.extend(values[span.range()].iter().flat_map(|value| value.to_le_bytes()));
    }
    let bits = |flags: &[bool]| {
        let bit = |(place, flag): (usize, &bool)| u8::from(*flag) << place;
        flags.iter().enumerate().map(bit).sum::<u8>()
    };
    out.extend(prepared.artifact.chunks(8).map(bits));
    let checksum = checksum(&out[begin..]);
    out.extend(checksum.to_le_bytes());
}

/// The content of a record, or nothing where it is damaged.
pub(super) fn check(record: &[u8]) -> Option<&[u8]> {
    let (content, written) = record.split_at_checked(record.len().checked_sub(CHECKSUM)?)?;
    (checksum(content).to_le_bytes() == written).then_some(content)
}

/// Appends flux and ivar of a checked record to lists that hold whole spectra.
pub(super) fn append(content: &[u8], span: Span, pixels: usize, flux: &mut Vec<f32>, ivar: &mut Vec<f32>) {
    let bytes = 4 * span.count as usize;
    for (values, part) in [(flux, &content[..bytes]), (ivar, &content[bytes..2 * bytes])] {
        let end = values.len() + pixels;
        values.resize(values.len() + span.first as usize, 0.0);
        let numbers = part.as_chunks::<4>().0;
        values.extend(numbers.iter().map(|number| f32::from_le_bytes(*number)));
        values.resize(end, 0.0);
    }
}

/// The artifact flags of a checked record.
pub(super) fn artifact(content: &[u8], span: Span, pixels: usize) -> Vec<bool> {
    let bits = &content[8 * span.count as usize..];
    (0..pixels)
        .map(|pixel| bits[pixel / 8] >> (pixel % 8) & 1 == 1)
        .collect()
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

//! A walk over the headers of a FITS file before the FITS library sees it.
//!
//! The library trusts sizes in headers when it reserves memory, and a reservation that fails ends the whole program. Nothing
//! passes here that claims more than the file holds. The walk also finds truncation at once and can say where.

use std::io::{Read, Seek, SeekFrom};

const BLOCK: usize = 2880;
const CARD: usize = 80;
/// Longest header, in blocks of 36 cards; the longest real ones have about 30.
const MAX_HEADER_BLOCKS: usize = 2000;
/// Most HDUs; a full SDSS spectrum has one per exposure and camera.
const MAX_HDUS: usize = 10_000;
/// Most pixels of a tile-compressed image: 30 times the largest DESI mask.
const MAX_COMPRESSED_PIXELS: u64 = 1 << 28;
/// FITS standard 4.0, table 8.
const MAX_AXES: i64 = 999;
const MAX_COLUMNS: i64 = 999;

/// Makes sure that the FITS structure in `file`, `len` bytes long, is whole and self-consistent.
///
/// Errors: a sentence that says what is wrong and in which HDU.
pub(super) fn check(file: &mut (impl Read + Seek), len: u64) -> Result<(), String> {
    let mut offset = 0;
    for number in 0..MAX_HDUS {
        let Some(header) = Header::read(file, offset, len, number)? else {
            return if number == 0 {
                Err("no FITS header".into())
            } else {
                Ok(())
            };
        };
        let data = header
            .data_len()
            .map_err(|reason| format!("{}: {reason}", header.title()))?;
        let start = offset + (header.blocks * BLOCK) as u64;
        if data > len.saturating_sub(start) {
            return Err(format!(
                "cut short: {} needs {data} bytes, only {} are left",
                header.title(),
                len.saturating_sub(start)
            ));
        }
        offset = start + data.div_ceil(BLOCK as u64) * BLOCK as u64;
    }
    Err(format!("more than {MAX_HDUS} HDUs"))
}

struct Header {
    number: usize,
    blocks: usize,
    cards: Vec<[u8; CARD]>,
}

impl Header {
    /// The header at `offset`, or `None` where the HDUs end (end of file, or other records after them).
    fn read(
        file: &mut (impl Read + Seek),
        offset: u64,
        len: u64,
        number: usize,
    ) -> Result<Option<Self>, String> {
        let mut cards = Vec::new();
        file.seek(SeekFrom::Start(offset))
            .map_err(|error| error.to_string())?;
        for block in 0..MAX_HEADER_BLOCKS {
            let mut bytes = [0; BLOCK];
            if offset + ((block + 1) * BLOCK) as u64 > len {
                let nothing_there = block == 0 && number > 0;
                return if nothing_there {
                    Ok(None)
                } else {
                    Err(format!("cut short in the header of HDU {number}"))
                };
            }
            file.read_exact(&mut bytes).map_err(|error| error.to_string())?;
            let first: &[u8] = if number == 0 { b"SIMPLE  =" } else { b"XTENSION=" };
            if block == 0 && !bytes.starts_with(first) {
                // The standard allows special records after the last HDU; files padded with zeros exist.
                return if number == 0 {
                    Err("does not begin with SIMPLE".into())
                } else {
                    Ok(None)
                };
            }
            if !bytes.is_ascii() {
                return Err(format!("the header of HDU {number} is not text"));
            }
            for card in bytes.as_chunks::<CARD>().0 {
                if card.starts_with(b"END") && card[3..].iter().all(|byte| *byte == b' ') {
                    let blocks = block + 1;
                    return Ok(Some(Self {
                        number,
                        blocks,
                        cards,
                    }));
                }
                cards.push(*card);
            }
        }
        Err(format!("the header of HDU {number} has no end"))
    }

    fn title(&self) -> String {
        match self.text("EXTNAME") {
            Some(name) => format!("HDU {} ({name})", self.number),
            None => format!("HDU {}", self.number),
        }
    }

    /// What follows `KEYWORD =` on its first card.
    fn value(&self, keyword: &str) -> Option<&str> {
        let card = self.cards.iter().find(|card| {
            let (name, rest) = card.split_at(8);
            rest[0] == b'=' && name.trim_ascii_end() == keyword.as_bytes()
        })?;
        std::str::from_utf8(&card[9..]).ok()
    }

    fn text(&self, keyword: &str) -> Option<String> {
        let quoted = self.value(keyword)?.trim_start().strip_prefix('\'')?;
        Some(quoted.split('\'').next().unwrap_or_default().trim().to_owned())
    }

    fn is_true(&self, keyword: &str) -> bool {
        self.value(keyword)
            .is_some_and(|value| value.trim_start().starts_with('T'))
    }

    /// A whole number between the limits; `default` where the keyword is missing.
    fn number(
        &self,
        keyword: &str,
        default: Option<i64>,
        limits: std::ops::RangeInclusive<i64>,
    ) -> Result<i64, String> {
        let number = match self.value(keyword) {
            None => default.ok_or_else(|| format!("no {keyword}"))?,
            Some(value) => {
                let digits = value.split('/').next().unwrap_or_default().trim();
                digits
                    .parse()
                    .map_err(|_| format!("{keyword} is {digits:?}, not a number"))?
            }
        };
        if limits.contains(&number) {
            Ok(number)
        } else {
            Err(format!("{keyword} = {number} cannot be"))
        }
    }

    /// Length of the data unit in bytes, after every size in the header was found possible.
    fn data_len(&self) -> Result<u64, String> {
        let pixel_bytes = self.bytes_a_pixel("BITPIX")?;
        let axes = self.axes("NAXIS")?;
        let pixels = if axes.is_empty() { 0 } else { product(&axes)? };
        if self.number == 0 {
            if self.is_true("GROUPS") {
                return Err("holds random groups, which no spectrum does".into());
            }
            return pixels.checked_mul(pixel_bytes).ok_or_else(too_large);
        }
        let heap = self.number("PCOUNT", Some(0), 0..=i64::MAX)? as u64;
        self.number("GCOUNT", Some(1), 1..=1)?;
        if self.text("XTENSION").as_deref() == Some("BINTABLE") {
            self.check_table(&axes)?;
        }
        pixels
            .checked_mul(pixel_bytes)
            .and_then(|bytes| bytes.checked_add(heap))
            .ok_or_else(too_large)
    }

    fn bytes_a_pixel(&self, keyword: &str) -> Result<u64, String> {
        let bits = self.number(keyword, None, -64..=64)?;
        if [8, 16, 32, 64, -32, -64].contains(&bits) {
            Ok(bits.unsigned_abs() / 8)
        } else {
            Err(format!("{keyword} = {bits} cannot be"))
        }
    }

    fn axes(&self, prefix: &str) -> Result<Vec<u64>, String> {
        let count = self.number(prefix, None, 0..=MAX_AXES)?;
        (1..=count)
            .map(|axis| Ok(self.number(&format!("{prefix}{axis}"), None, 0..=i64::MAX)? as u64))
            .collect()
    }

    /// The columns of a binary table fill its rows exactly; a compressed image in it is of a believable size.
    fn check_table(&self, axes: &[u64]) -> Result<(), String> {
        let [row_bytes, _] = axes else {
            return Err(format!("a table with {} axes", axes.len()));
        };
        let columns = self.number("TFIELDS", None, 0..=MAX_COLUMNS)?;
        let mut width = 0u64;
        for column in 1..=columns {
            let keyword = format!("TFORM{column}");
            let format = self.text(&keyword).ok_or_else(|| format!("no {keyword}"))?;
            let bytes =
                column_bytes(&format).ok_or_else(|| format!("{keyword} = {format:?} is no column format"))?;
            width = width.checked_add(bytes).ok_or_else(too_large)?;
        }
        if width != *row_bytes {
            return Err(format!("columns of {width} bytes in rows of {row_bytes}"));
        }
        if self.is_true("ZIMAGE") {
            self.check_compressed()
        } else {
            Ok(())
        }
    }

    fn check_compressed(&self) -> Result<(), String> {
        self.bytes_a_pixel("ZBITPIX")?;
        let axes = self.axes("ZNAXIS")?;
        if product(&axes)? > MAX_COMPRESSED_PIXELS {
            return Err(too_large());
        }
        let mut tiles = 1u64;
        for (index, axis) in axes.iter().enumerate() {
            let whole = if index == 0 { *axis as i64 } else { 1 };
            let tile = self.number(&format!("ZTILE{}", index + 1), Some(whole), 1..=i64::MAX)? as u64;
            tiles = tiles.saturating_mul(axis.div_ceil(tile));
        }
        let rows = self.number("NAXIS2", None, 0..=i64::MAX)? as u64;
        if tiles != rows {
            return Err(format!("{rows} tiles where {tiles} make up the image"));
        }
        let method = self.text("ZCMPTYPE").unwrap_or_default();
        if ["RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "NOCOMPRESS"].contains(&method.as_str()) {
            Ok(())
        } else {
            Err(format!("compressed with {method:?}, which is not read"))
        }
    }
}

fn too_large() -> String {
    "claims an impossible size".into()
}

fn product(axes: &[u64]) -> Result<u64, String> {
    axes.iter()
        .try_fold(1u64, |sum, axis| sum.checked_mul(*axis))
        .ok_or_else(too_large)
}

/// Bytes of one cell of a column with this `TFORM`, `None` where it is none.
fn column_bytes(format: &str) -> Option<u64> {
    let letter_at = format.find(|c: char| !c.is_ascii_digit())?;
    let (digits, rest) = format.split_at(letter_at);
    let repeat: u64 = if digits.is_empty() {
        1
    } else {
        digits.parse().ok()?
    };
    let bytes = match rest.as_bytes().first()? {
        b'X' => return Some(repeat.div_ceil(8)),
        b'L' | b'B' | b'A' => 1,
        b'I' => 2,
        b'J' | b'E' => 4,
        b'K' | b'D' | b'C' | b'P' => 8,
        b'M' | b'Q' => 16,
        _ => return None,
    };
    repeat.checked_mul(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn header(cards: &[&str]) -> Vec<u8> {
        let mut bytes: Vec<u8> = cards
            .iter()
            .chain(&["END"])
            .flat_map(|card| format!("{card:<80}").into_bytes())
            .collect();
        bytes.resize(bytes.len().div_ceil(BLOCK) * BLOCK, b' ');
        bytes
    }

    const PRIMARY: [&str; 3] = [
        "SIMPLE  =                    T",
        "BITPIX  =                    8",
        "NAXIS   =                    0",
    ];

    fn verdict(extension: &[&str], data: usize) -> Result<(), String> {
        let mut bytes = header(&PRIMARY);
        bytes.extend(header(extension));
        bytes.resize(bytes.len() + data, 0);
        let len = bytes.len() as u64;
        check(&mut Cursor::new(bytes), len)
    }

    #[test]
    fn a_whole_image_passes_and_a_cut_one_is_named() {
        let image = |rows: &str| {
            let rows = format!("NAXIS2  = {rows}");
            verdict(
                &[
                    "XTENSION= 'IMAGE   '",
                    "BITPIX  = -32",
                    "NAXIS   = 2",
                    "NAXIS1  = 100",
                    &rows,
                    "EXTNAME = 'B_FLUX'",
                ],
                4000,
            )
        };
        assert_eq!(image("10 / rows"), Ok(()));
        assert_eq!(
            image("11"),
            Err("cut short: HDU 1 (B_FLUX) needs 4400 bytes, only 4000 are left".into())
        );
        assert!(
            image("99999999999999999")
                .unwrap_err()
                .contains("impossible size")
                || image("99999999999999999").unwrap_err().contains("cut short")
        );
        assert!(image("-3").unwrap_err().contains("cannot be"));
        assert!(image("1x").unwrap_err().contains("not a number"));
    }

    #[test]
    fn sizes_that_would_exhaust_memory_are_refused() {
        let table = |format: &str, fields: &str| {
            let (format, fields) = (format!("TFORM1  = '{format}'"), format!("TFIELDS = {fields}"));
            verdict(
                &[
                    "XTENSION= 'BINTABLE'",
                    "BITPIX  = 8",
                    "NAXIS   = 2",
                    "NAXIS1  = 8",
                    "NAXIS2  = 3",
                    "PCOUNT  = 0",
                    "GCOUNT  = 1",
                    &fields,
                    &format,
                ],
                24,
            )
        };
        assert_eq!(table("2E", "1"), Ok(()));
        assert_eq!(table("D", "1"), Ok(()));
        assert!(table("999999999999E", "1").unwrap_err().contains("columns of"));
        assert!(table("2E", "99999999").unwrap_err().contains("cannot be"));
        assert!(table("2Y", "1").unwrap_err().contains("no column format"));
        let compressed = |axis: &str| {
            let axis = format!("ZNAXIS1 = {axis}");
            verdict(
                &[
                    "XTENSION= 'BINTABLE'",
                    "BITPIX  = 8",
                    "NAXIS   = 2",
                    "NAXIS1  = 8",
                    "NAXIS2  = 1",
                    "PCOUNT  = 0",
                    "GCOUNT  = 1",
                    "TFIELDS = 1",
                    "TFORM1  = '1PB(9)'",
                    "ZIMAGE  = T",
                    "ZBITPIX = 32",
                    "ZNAXIS  = 1",
                    &axis,
                    "ZCMPTYPE= 'RICE_1'",
                ],
                8,
            )
        };
        assert_eq!(compressed("50"), Ok(()));
        assert!(compressed("4000000000").unwrap_err().contains("impossible size"));
    }

    #[test]
    fn what_follows_the_last_hdu_is_ignored() {
        let mut bytes = header(&PRIMARY);
        bytes.resize(bytes.len() + 2 * BLOCK, 0);
        let len = bytes.len() as u64;
        assert_eq!(check(&mut Cursor::new(&bytes), len), Ok(()));
        assert!(
            check(&mut Cursor::new(&bytes[..1000]), 1000)
                .unwrap_err()
                .contains("cut short")
        );
    }
}

//! One file of the cache: an image with what is known of it, or the note that a service has none.
//!
//! The image's own bytes come first and a line of JSON after them, so that any viewer opens the file and one rename makes both appear. The
//! JSON carries a BLAKE3 digest of the image and of itself.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::service::{Square, degrees};

const FORMAT: u32 = 1;
/// Parts the image from the line; no image ends so.
const MARK: &[u8] = b"\n#spectriage-cutout ";
/// The line is shorter than this.
const LONGEST_LINE: usize = 4096;

/// Which image: everything that makes it another one.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    pub service: String,
    pub layer: String,
    pub square: Square,
}

impl Key {
    /// Position to 5 decimals, scale and size, as a name: `150.10000+02.20000_0.262_256`.
    pub fn stem(&self) -> String {
        let Square {
            ra,
            dec,
            scale,
            pixels,
        } = self.square;
        // a dec of -0.000001 is +0 in a name
        let dec = if format!("{dec:.5}") == "-0.00000" {
            0.0
        } else {
            dec
        };
        format!("{}{dec:+09.5}_{scale}_{pixels}", degrees(ra))
    }

    /// Folders within the cache: service, layer, whole degree of right ascension.
    pub fn folders(&self) -> [String; 3] {
        let degree = (self.square.ra as u32).to_string();
        [plain(&self.service), plain(&self.layer), degree]
    }
}

/// A name without the characters that file names should not have.
fn plain(text: &str) -> String {
    let name: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_+.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    if name.is_empty() || name.starts_with('.') {
        format!("-{name}")
    } else {
        name
    }
}

/// What is known of an image, or of its absence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    format: u32,
    pub service: String,
    pub layer: String,
    /// Degrees, as in the file's name.
    ra: String,
    dec: String,
    /// Arcseconds a pixel as asked for, and those of the image.
    asked_scale: f64,
    pub scale: f64,
    pixels: u32,
    pub width: u32,
    pub height: u32,
    pub credit: String,
    /// Seconds since 1970.
    pub fetched: u64,
    /// Of the image's bytes; empty where there is no image.
    blake3: String,
    /// Of this note with an empty `check`.
    check: String,
}

impl Note {
    /// The note on an image, or with no bytes on its absence.
    pub fn new(key: &Key, bytes: &[u8], (width, height): (u32, u32), scale: f64, credit: &str) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let mut note = Self {
            format: FORMAT,
            service: key.service.clone(),
            layer: key.layer.clone(),
            ra: degrees(key.square.ra),
            dec: degrees(key.square.dec),
            asked_scale: key.square.scale,
            scale,
            pixels: key.square.pixels,
            width,
            height,
            credit: credit.to_owned(),
            fetched: since.unwrap_or_default().as_secs(),
            blake3: if bytes.is_empty() {
                String::new()
            } else {
                blake3::hash(bytes).to_hex().to_string()
            },
            check: String::new(),
        };
        note.check = note.digest();
        note
    }

    fn digest(&self) -> String {
        let blank = Self {
            check: String::new(),
            ..self.clone()
        };
        let text = serde_json::to_string(&blank).unwrap_or_default();
        blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
    }

    /// The whole file.
    pub fn file(&self, bytes: &[u8]) -> Vec<u8> {
        let line = serde_json::to_string(self).unwrap_or_default();
        [bytes, MARK, line.as_bytes(), b"\n"].concat()
    }

    pub fn is_absence(&self) -> bool {
        self.blake3.is_empty()
    }

    /// Time since it was fetched; none where clocks disagree.
    pub fn age(&self) -> Duration {
        let fetched = SystemTime::UNIX_EPOCH + Duration::from_secs(self.fetched.min(1 << 40));
        SystemTime::now().duration_since(fetched).unwrap_or_default()
    }
}

/// The image and the note of a file; `None` where the file is damaged or one of another key.
pub fn parse(file: &[u8], key: &Key) -> Option<(Vec<u8>, Note)> {
    let tail = file.len().saturating_sub(LONGEST_LINE);
    let at = tail + file[tail..].windows(MARK.len()).rposition(|part| part == MARK)?;
    let (bytes, line) = (&file[..at], &file[at + MARK.len()..]);
    let note: Note = serde_json::from_slice(line.strip_suffix(b"\n")?).ok()?;
    let square = &key.square;
    let same = note.format == FORMAT
        && (note.service == key.service && note.layer == key.layer)
        && (note.ra == degrees(square.ra) && note.dec == degrees(square.dec))
        && (note.asked_scale == square.scale && note.pixels == square.pixels);
    let whole = note.check == note.digest()
        && match note.blake3.as_str() {
            "" => bytes.is_empty(),
            digest => blake3::hash(bytes).to_hex().as_str() == digest,
        };
    (same && whole).then(|| (bytes.to_vec(), note))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key {
            service: "hips".into(),
            layer: "CDS/P/DSS2/color".into(),
            square: Square {
                ra: 150.100_004,
                dec: -2.2,
                scale: 0.262,
                pixels: 256,
            },
        }
    }

    #[test]
    fn names_say_what_is_in_the_file() {
        assert_eq!(key().stem(), "150.10000-02.20000_0.262_256");
        assert_eq!(key().folders(), ["hips", "CDS-P-DSS2-color", "150"]);
        let mut zero = key();
        zero.square.dec = -1e-7;
        assert_eq!(zero.stem(), "150.10000+00.00000_0.262_256");
        zero.layer = "..".into();
        assert_eq!(zero.folders()[1], "-..");
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let image = b"\xff\xd8\xff pixels \n#spectriage-cutout within \xff\xd9";
        let note = Note::new(&key(), image, (256, 256), 0.262, "someone");
        let file = note.file(image);
        let (bytes, read) = parse(&file, &key()).unwrap();
        assert_eq!((bytes.as_slice(), &read), (image.as_slice(), &note));
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 0x11;
            assert_eq!(parse(&damaged, &key()), None, "byte {at}");
            assert_eq!(parse(&file[..at], &key()), None, "cut at {at}");
        }
        let mut other = key();
        other.square.ra += 0.001;
        assert_eq!(parse(&file, &other), None, "an image of another place");
    }

    #[test]
    fn an_absence_is_a_file_without_an_image() {
        let note = Note::new(&key(), b"", (0, 0), 0.262, "");
        let (bytes, read) = parse(&note.file(b""), &key()).unwrap();
        assert!(bytes.is_empty() && read.is_absence());
        assert!(parse(&note.file(b"something"), &key()).is_none());
    }
}

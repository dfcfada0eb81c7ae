//! A FITS file opened for reading: whole, of bounded size, with HDUs and columns found by name in any case.

mod check;

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use fitsio_pure::compat::fitsfile::FitsFile;
use fitsio_pure::compat::hdu::{FitsHdu, HduInfo};
use fitsio_pure::compat::headers::ReadsKey;
use fitsio_pure::compat::images::ReadImage;
use fitsio_pure::compat::tables::ReadsCol;

use super::IngestError;

/// Most bytes that a gzipped file may hold; a DESI coadd of a whole healpixel has a quarter of it.
const MAX_UNPACKED: u64 = 1 << 30;

/// An open FITS file. Plain files are read as needed, gzipped ones are held in memory.
pub(super) struct Fits {
    file: FitsFile,
    path: PathBuf,
    hdus: Vec<Hdu>,
}

/// One HDU: its EXTNAME in upper case (empty where it has none), and what it holds.
#[derive(Clone)]
pub(super) struct Hdu {
    pub(super) name: String,
    hdu: FitsHdu,
}

impl Hdu {
    /// Axis lengths of an image, slowest first; `None` for a table.
    pub(super) fn shape(&self) -> Option<&[usize]> {
        match &self.hdu.info {
            HduInfo::ImageInfo { shape, .. } => Some(shape),
            _ => None,
        }
    }

    /// Number of rows of a table; 0 for an image.
    pub(super) fn rows(&self) -> usize {
        match &self.hdu.info {
            HduInfo::TableInfo { num_rows, .. } => *num_rows,
            _ => 0,
        }
    }

    /// Names of a table's columns as the file spells them; none for an image.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        let columns = match &self.hdu.info {
            HduInfo::TableInfo {
                column_descriptions, ..
            } => column_descriptions.as_slice(),
            _ => &[],
        };
        columns.iter().map(|column| column.name.trim())
    }

    pub(super) fn has(&self, column: &str) -> bool {
        self.find(&[column]).is_some()
    }

    /// The first of `names` that is a column, in the file's spelling.
    fn find(&self, names: &[&str]) -> Option<&str> {
        names
            .iter()
            .find_map(|name| self.columns().find(|column| column.eq_ignore_ascii_case(name)))
    }

    /// How many pixels an image has; 0 for a table.
    pub(super) fn pixels(&self) -> usize {
        self.shape().map_or(0, |shape| shape.iter().product())
    }

    /// How messages call it.
    pub(super) fn title(&self) -> String {
        if self.name.is_empty() {
            format!("HDU {}", self.hdu.number)
        } else {
            format!("HDU {}", self.name)
        }
    }
}

impl Fits {
    /// Opens `path`, after a look at its whole structure.
    ///
    /// Errors: no FITS, damaged or cut short (named by HDU), too large once decompressed.
    pub(super) fn open(path: &Path) -> Result<Self, IngestError> {
        let mut file = File::open(path).map_err(|error| IngestError::io(path, error))?;
        let mut magic = [0; 2];
        let gzipped = file.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
        let opened = if gzipped {
            let bytes = gunzip(path, MAX_UNPACKED)?;
            check::check(&mut Cursor::new(&bytes), bytes.len() as u64)
                .map_err(|reason| IngestError::damaged(path, reason))?;
            FitsFile::from_bytes(bytes)
        } else {
            let len = file
                .metadata()
                .map_err(|error| IngestError::io(path, error))?
                .len();
            check::check(&mut file, len).map_err(|reason| IngestError::damaged(path, reason))?;
            FitsFile::open(path)
        };
        let file = opened.map_err(|error| IngestError::damaged(path, error))?;
        let count = file
            .num_hdus()
            .map_err(|error| IngestError::damaged(path, error))?;
        let hdus = (0..count)
            .filter_map(|number| {
                // An HDU of a kind that the library does not know is none of ours.
                let hdu = file.hdu(number).ok()?;
                let name = hdu.read_key::<String>(&file, "EXTNAME").unwrap_or_default();
                Some(Hdu {
                    name: name.trim().to_ascii_uppercase(),
                    hdu,
                })
            })
            .collect();
        Ok(Self {
            file,
            path: path.to_owned(),
            hdus,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn hdus(&self) -> &[Hdu] {
        &self.hdus
    }

    /// The first HDU with one of these names, tried in turn.
    pub(super) fn hdu(&self, names: &[&str]) -> Option<&Hdu> {
        names
            .iter()
            .find_map(|name| self.hdus.iter().find(|hdu| hdu.name == *name))
    }

    /// A header value of the primary HDU; `None` where it is missing or of another type.
    pub(super) fn key<T: ReadsKey>(&self, name: &str) -> Option<T> {
        self.hdus.first().and_then(|hdu| self.key_of(hdu, name))
    }

    pub(super) fn key_of<T: ReadsKey>(&self, hdu: &Hdu, name: &str) -> Option<T> {
        hdu.hdu.read_key(&self.file, name).ok()
    }

    /// A text header value, trimmed; `None` where it is missing or blank.
    pub(super) fn text_key(&self, hdu: Option<&Hdu>, name: &str) -> Option<String> {
        let text: String = self.key_of(hdu?, name)?;
        non_blank(&text).map(str::to_owned)
    }

    /// Whether an image is stored in compressed tiles. The library unpacks all of them whatever part is asked for.
    pub(super) fn is_compressed(&self, hdu: &Hdu) -> bool {
        self.key_of(hdu, "ZIMAGE").unwrap_or(false)
    }

    /// All values of the first of `names` that is a column (`repeat` values a row), or `None` where none is.
    ///
    /// Errors: the column is there but of a type that does not convert.
    pub(super) fn column<T: ReadsCol>(
        &self,
        hdu: &Hdu,
        names: &[&str],
    ) -> Result<Option<Vec<T>>, IngestError> {
        let Some(name) = hdu.find(names) else {
            return Ok(None);
        };
        let values = T::read_col(&self.file, &hdu.hdu, name)
            .map_err(|error| IngestError::column(&self.path, &hdu.title(), name, error))?;
        Ok(Some(values))
    }

    /// [`Fits::column`], but its absence is an error that lists what there is.
    pub(super) fn required<T: ReadsCol>(&self, hdu: &Hdu, names: &[&str]) -> Result<Vec<T>, IngestError> {
        self.column(hdu, names)?.ok_or_else(|| {
            let found: Vec<&str> = hdu.columns().take(40).collect();
            let reason = format!("no such column; it has {}", found.join(", "));
            IngestError::column(&self.path, &hdu.title(), names[0], reason)
        })
    }

    /// The pixels `start..end` of an image, counted with the fastest axis first; scaling and offsets are applied.
    pub(super) fn pixels<T>(&self, hdu: &Hdu, start: usize, end: usize) -> Result<Vec<T>, IngestError>
    where
        Vec<T>: ReadImage,
    {
        let pixels: Vec<T> = hdu
            .hdu
            .read_section(&self.file, start, end)
            .map_err(|error| IngestError::damaged(&self.path, format!("{}: {error}", hdu.title())))?;
        if pixels.len() == end - start {
            Ok(pixels)
        } else {
            let reason = format!(
                "{}: {} pixels where {} were expected",
                hdu.title(),
                pixels.len(),
                end - start
            );
            Err(IngestError::damaged(&self.path, reason))
        }
    }
}

/// Trimmed, or `None` where nothing is left.
pub(super) fn non_blank(text: &str) -> Option<&str> {
    let trimmed = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!trimmed.is_empty()).then_some(trimmed)
}

/// The contents of a gzipped file of one or more members, at most `limit` bytes.
pub(super) fn gunzip(path: &Path, limit: u64) -> Result<Vec<u8>, IngestError> {
    let packed = std::fs::read(path).map_err(|error| IngestError::io(path, error))?;
    let mut rest = packed.as_slice();
    let mut unpacked = Vec::new();
    // Some archives pad the file with zeros after the last member.
    while rest.iter().any(|byte| *byte != 0) {
        let room = limit + 1 - unpacked.len() as u64;
        let mut member = flate2::bufread::GzDecoder::new(rest).take(room);
        member
            .read_to_end(&mut unpacked)
            .map_err(|error| IngestError::damaged(path, format!("gzip: {error}")))?;
        if unpacked.len() as u64 > limit {
            return Err(IngestError::TooLarge {
                path: path.to_owned(),
                limit_mib: limit >> 20,
            });
        }
        rest = member.into_inner().into_inner();
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gunzip_reads_members_and_padding_but_no_bomb() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.gz");
        let mut packed = gzip(b"one ");
        packed.extend(gzip(b"two"));
        packed.extend([0; 100]);
        std::fs::write(&path, &packed).unwrap();
        assert_eq!(gunzip(&path, 100).unwrap(), b"one two");
        std::fs::write(&path, &packed[..packed.len() - 110]).unwrap();
        assert!(matches!(gunzip(&path, 100), Err(IngestError::Damaged { .. })));
        std::fs::write(&path, gzip(&vec![0; 5_000_000])).unwrap();
        assert!(matches!(
            gunzip(&path, 1 << 20),
            Err(IngestError::TooLarge { limit_mib: 1, .. })
        ));
    }
}

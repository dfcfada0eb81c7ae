//! Synthetic survey files, written with the FITS library.

use fitsio_pure::compat::FitsFile;
use fitsio_pure::compat::images::{ImageDescription, ImageType};
use fitsio_pure::compat::tables::{ColumnDataType, ColumnDescription, ConcreteColumnDescription};
use fitsio_pure::compress::{TileCompression, compress_image_hdu};
use fitsio_pure::header::Card;
use fitsio_pure::value::Value;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(super) fn column(name: &str, kind: ColumnDataType, repeat: usize) -> ConcreteColumnDescription {
    ColumnDescription::new(name)
        .with_type(kind)
        .that_repeats(repeat)
        .create()
        .unwrap()
}

pub(super) fn image(
    file: &mut FitsFile,
    name: &str,
    data_type: ImageType,
    dimensions: &[usize],
    pixels: &[f64],
) {
    let hdu = file
        .create_image(
            name,
            &ImageDescription {
                data_type,
                dimensions,
            },
        )
        .unwrap();
    match data_type {
        ImageType::Double => hdu.write_image(file, pixels),
        ImageType::Float => hdu.write_image(file, &pixels.iter().map(|v| *v as f32).collect::<Vec<f32>>()),
        _ => hdu.write_image(file, &pixels.iter().map(|v| *v as u32).collect::<Vec<u32>>()),
    }
    .unwrap();
}

pub(super) const ARMS: [(&str, usize, usize); 3] = [("B", 0, 2751), ("R", 2700, 2326), ("Z", 4900, 2881)];

/// What a synthetic target emits: a line whose height is its id, so that no two rows can be confused.
pub(super) fn emitted(id: i64, pixel: usize) -> f64 {
    id as f64 + 10.0 * (-0.5 * ((pixel as f64 - 3000.0) / 20.0).powi(2)).exp()
}

pub(super) struct CoaddOptions {
    pub(super) with_ivar: bool,
    /// `None`: a plain image of unsigned integers.
    pub(super) mask_compression: Option<TileCompression>,
    pub(super) combined: bool,
}

/// A coadd of targets `ids`: ivar 4 in B, 2 in R, 1 in Z; row 1 is dark (ivar 0); in row 0 pixel 5 of B and pixel 10 of R
/// (union 2710, in the overlap) are masked and carry wild flux.
pub(super) fn coadd_bytes(ids: &[i64], options: &CoaddOptions) -> Vec<u8> {
    let mut file = FitsFile::create_in_memory().unwrap();
    let primary = file.primary_hdu().unwrap();
    primary.write_key(&mut file, "SURVEY", "main").unwrap();
    primary.write_key(&mut file, "PROGRAM", "bright").unwrap();
    primary.write_key(&mut file, "DEPNAM00", "SPECPROD").unwrap();
    primary.write_key(&mut file, "DEPVER00", "fuji").unwrap();
    let columns = [
        column("TARGETID", ColumnDataType::LongLong, 1),
        column("TARGET_RA", ColumnDataType::Double, 1),
        column("OBJTYPE", ColumnDataType::String, 3),
        column("COADD_FIBERSTATUS", ColumnDataType::Int, 1),
    ];
    let fibermap = file.create_table("FIBERMAP", &columns).unwrap();
    let kinds: Vec<String> = ids
        .iter()
        .map(|id| if id % 10 == 9 { "SKY" } else { "TGT" }.into())
        .collect();
    let fibermap = fibermap.write_col(&mut file, "TARGETID", ids).unwrap();
    let fibermap = fibermap
        .write_col(
            &mut file,
            "TARGET_RA",
            &ids.iter().map(|id| *id as f64 / 10.0).collect::<Vec<_>>(),
        )
        .unwrap();
    let fibermap = fibermap.write_col(&mut file, "OBJTYPE", &kinds).unwrap();
    fibermap
        .write_col(&mut file, "COADD_FIBERSTATUS", &vec![8i32; ids.len()])
        .unwrap();
    let mut compressed = Vec::new();
    let arms: &[(&str, usize, usize)] = if options.combined {
        &[("BRZ", 0, 7781)]
    } else {
        &ARMS
    };
    for (arm, (name, offset, n)) in arms.iter().enumerate() {
        let wave: Vec<f64> = (0..*n).map(|i| 3600.0 + 0.8 * (offset + i) as f64).collect();
        let masked =
            |row: usize, i: usize| row == 0 && ((*name == "B" && i == 5) || (*name == "R" && i == 10));
        let grid = |value: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
            (0..ids.len())
                .flat_map(|row| (0..*n).map(move |i| (row, i)))
                .map(|(row, i)| value(row, i))
                .collect()
        };
        let flux = grid(&|row, i| {
            if masked(row, i) {
                1e9
            } else {
                emitted(ids[row], offset + i) + if options.with_ivar { 0.0 } else { noise(offset + i) }
            }
        });
        let ivar = grid(&|row, _| {
            if row == 1 {
                0.0
            } else {
                4.0 / f64::from(1u32 << arm)
            }
        });
        let mask = grid(&|row, i| f64::from(u8::from(masked(row, i))) * 4.0);
        image(
            &mut file,
            &format!("{name}_WAVELENGTH"),
            ImageType::Double,
            &[*n],
            &wave,
        );
        image(
            &mut file,
            &format!("{name}_FLUX"),
            ImageType::Float,
            &[ids.len(), *n],
            &flux,
        );
        if options.with_ivar {
            image(
                &mut file,
                &format!("{name}_IVAR"),
                ImageType::Float,
                &[ids.len(), *n],
                &ivar,
            );
        }
        let mask_name = format!("{name}_MASK");
        if let Some(compression) = &options.mask_compression {
            let bits: Vec<u32> = mask.iter().map(|bits| *bits as u32).collect();
            let extname = Card::new("EXTNAME", Value::String(mask_name)).unwrap();
            compressed.extend(compress_image_hdu(&[*n, ids.len()], &bits, compression, &[extname]).unwrap());
        } else {
            image(
                &mut file,
                &mask_name,
                ImageType::UnsignedLong,
                &[ids.len(), *n],
                &mask,
            );
        }
    }
    let mut bytes = file.into_bytes().unwrap();
    bytes.extend(compressed);
    bytes
}

pub(super) const PLAIN: CoaddOptions = CoaddOptions {
    with_ivar: true,
    mask_compression: None,
    combined: false,
};

/// Standard deviation of [`noise`].
pub(super) const NOISE: f32 = 0.408;

/// Noise of a pixel, the same in every arm: the sum of two uniform numbers between -0.5 and 0.5.
pub(super) fn noise(pixel: usize) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(pixel as u64);
    rng.random_range(-0.5..0.5) + rng.random_range(-0.5..0.5)
}

/// A table of one column a target, with the wavelengths of the overlaps twice, a little above and below the truth.
pub(super) fn andes_bytes(ids: &[i64]) -> Vec<u8> {
    let mut pixels: Vec<(usize, f64)> = Vec::new();
    for (arm, (_, offset, n)) in ARMS.iter().enumerate() {
        let others = |pixel: usize| {
            ARMS.iter()
                .filter(|(_, o, n)| (*o..o + n).contains(&pixel))
                .count()
        };
        let shift = |pixel: usize| {
            if others(pixel) < 2 {
                0.0
            } else {
                [0.5, -0.5, 0.5][arm]
            }
        };
        pixels.extend((*offset..offset + n).map(|pixel| (pixel, shift(pixel))));
    }
    pixels.sort_by_key(|(pixel, _)| *pixel);
    let names: Vec<String> = ids.iter().map(|id| format!("TARGET{id}")).collect();
    let columns: Vec<_> = ["WAVELENGTH"]
        .into_iter()
        .chain(names.iter().map(String::as_str))
        .map(|name| column(name, ColumnDataType::Double, 1))
        .collect();
    let mut file = FitsFile::create_in_memory().unwrap();
    let table = file.create_table("", &columns).unwrap();
    let wave: Vec<f64> = pixels
        .iter()
        .map(|(pixel, _)| 3600.0 + 0.8 * *pixel as f64)
        .collect();
    table.write_col(&mut file, "WAVELENGTH", &wave).unwrap();
    for (id, name) in ids.iter().zip(&names) {
        let flux = |(pixel, shift): &(usize, f64)| emitted(*id, *pixel) + noise(*pixel) + shift;
        table
            .write_col(&mut file, name, &pixels.iter().map(flux).collect::<Vec<f64>>())
            .unwrap();
    }
    file.into_bytes().unwrap()
}

/// Redshifts z = id / 1000 in the order given.
pub(super) fn redrock_bytes(ids: &[i64]) -> Vec<u8> {
    let mut file = FitsFile::create_in_memory().unwrap();
    let columns = [
        column("TARGETID", ColumnDataType::LongLong, 1),
        column("Z", ColumnDataType::Double, 1),
        column("ZWARN", ColumnDataType::LongLong, 1),
        column("SPECTYPE", ColumnDataType::String, 6),
        column("SUBTYPE", ColumnDataType::String, 20),
    ];
    let table = file.create_table("REDSHIFTS", &columns).unwrap();
    let table = table.write_col(&mut file, "TARGETID", ids).unwrap();
    let table = table
        .write_col(
            &mut file,
            "Z",
            &ids.iter().map(|id| *id as f64 / 1000.0).collect::<Vec<_>>(),
        )
        .unwrap();
    let table = table
        .write_col(&mut file, "ZWARN", &vec![4i64; ids.len()])
        .unwrap();
    let table = table
        .write_col(&mut file, "SPECTYPE", &vec!["GALAXY".to_owned(); ids.len()])
        .unwrap();
    table
        .write_col(&mut file, "SUBTYPE", &vec![String::new(); ids.len()])
        .unwrap();
    file.into_bytes().unwrap()
}

/// How a spec file names its object.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Identity {
    /// Plate, MJD, fiber; specObjID as 22 characters.
    Text,
    /// The same with specObjID as an unsigned integer.
    Unsigned,
    /// SDSS-V: field, MJD, catalog number.
    Catalog,
}

/// A spec file: names in upper or lower case, exposures behind.
pub(super) fn spec_bytes(upper: bool, identity: Identity, exposures: usize) -> Vec<u8> {
    let case = |name: &str| {
        if upper {
            name.to_uppercase()
        } else {
            name.to_lowercase()
        }
    };
    let mut file = FitsFile::create_in_memory().unwrap();
    let primary = file.primary_hdu().unwrap();
    primary.write_key(&mut file, "EXPTIME", 4500.5).unwrap();
    let n = 3000;
    for hdu in 0..=exposures {
        let float = |name: &str| column(&case(name), ColumnDataType::Float, 1);
        let columns = [
            float("flux"),
            float("loglam"),
            float("ivar"),
            column(&case("and_mask"), ColumnDataType::Int, 1),
        ];
        let table = file
            .create_table(if hdu == 0 { "COADD" } else { "B1-0001" }, &columns)
            .unwrap();
        let scale = if hdu == 0 { 1.0 } else { 100.0 };
        let flux: Vec<f32> = (0..n).map(|i| scale * (1.0 + i as f32 / 1000.0)).collect();
        let loglam: Vec<f32> = (0..n).map(|i| (35806 + i) as f32 / 1e4).collect();
        let mut mask = vec![0i32; n as usize];
        mask[7] = 1 << 24;
        mask[9] = -1;
        let table = table.write_col(&mut file, case("flux"), &flux).unwrap();
        let table = table.write_col(&mut file, case("loglam"), &loglam).unwrap();
        let table = table
            .write_col(&mut file, case("ivar"), &vec![4f32; n as usize])
            .unwrap();
        table.write_col(&mut file, case("and_mask"), &mask).unwrap();
        if hdu == 0 {
            object_table(&mut file, identity);
        }
    }
    file.into_bytes().unwrap()
}

pub(super) const SPECOBJID: u64 = 10_546_430_176_757_305_344;
pub(super) const CATALOGID: i64 = 27_021_598_150_202_075;

fn object_table(file: &mut FitsFile, identity: Identity) {
    let (id, width) = match identity {
        Identity::Text => (ColumnDataType::String, 22),
        Identity::Unsigned => (ColumnDataType::UnsignedLongLong, 1),
        Identity::Catalog => (ColumnDataType::String, 29),
    };
    let five = identity == Identity::Catalog;
    let (plate, fiber) = if five {
        ("FIELD", "CATALOGID")
    } else {
        ("PLATE", "FIBERID")
    };
    let (ra, dec) = if five {
        ("RACAT", "DECCAT")
    } else {
        ("PLUG_RA", "PLUG_DEC")
    };
    let columns = [
        column(plate, ColumnDataType::Int, 1),
        column("MJD", ColumnDataType::Int, 1),
        column(fiber, ColumnDataType::LongLong, 1),
        column(ra, ColumnDataType::Double, 1),
        column(dec, ColumnDataType::Double, 1),
        column("CLASS", ColumnDataType::String, 6),
        column("SUBCLASS", ColumnDataType::String, 21),
        column("Z", ColumnDataType::Float, 1),
        column("ZWARNING", ColumnDataType::Int, 1),
        column("RCHI2DIFF", ColumnDataType::Float, 1),
        column("DOF", ColumnDataType::Int, 1),
        column("SPECTROFLUX", ColumnDataType::Float, 5),
        column("SPECOBJID", id, width),
    ];
    let name = if identity == Identity::Text {
        "SPECOBJ"
    } else {
        "SPALL"
    };
    let table = file.create_table(name, &columns).unwrap();
    let fiber_value = if five { CATALOGID } else { 457 };
    for (name, value) in [
        (plate, 9367),
        ("MJD", 57758),
        (fiber, fiber_value),
        ("ZWARNING", 0),
        ("DOF", 4000),
    ] {
        table.write_col(file, name, &[value]).unwrap();
    }
    for (name, value) in [(ra, 110.25), (dec, 36.5)] {
        table.write_col(file, name, &[value]).unwrap();
    }
    table.write_col(file, "CLASS", &["QSO   ".to_owned()]).unwrap();
    table.write_col(file, "SUBCLASS", &[" ".to_owned()]).unwrap();
    table.write_col(file, "Z", &[2.25f32]).unwrap();
    table.write_col(file, "RCHI2DIFF", &[0.5f32]).unwrap();
    table
        .write_col(file, "SPECTROFLUX", &[1f32, 2.0, 3.0, 4.0, 5.0])
        .unwrap();
    match identity {
        Identity::Text => table.write_col(file, "SPECOBJID", &[format!("  {SPECOBJID}")]),
        Identity::Unsigned => table.write_col(file, "SPECOBJID", &[SPECOBJID]),
        Identity::Catalog => table.write_col(file, "SPECOBJID", &["11236060000270215981502020".to_owned()]),
    }
    .unwrap();
}

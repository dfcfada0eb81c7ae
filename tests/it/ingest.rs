//! Survey files to spectra: real ones against values computed with astropy and numpy, synthetic ones against their truth, damaged ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fitsio_pure::compat::FitsFile;
use fitsio_pure::compat::images::{ImageDescription, ImageType};
use fitsio_pure::compat::tables::{ColumnDataType, ColumnDescription, ConcreteColumnDescription};
use fitsio_pure::compress::{TileCompression, compress_image_hdu};
use fitsio_pure::header::Card;
use fitsio_pure::value::Value;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spectriage::ingest::{FileKind, FileOutcome, Identities, Source, Status, discover, import_file, read};
use spectriage::spectrum::{MaskKind, RowIssue, Spectrum, WavelengthGrid};

fn real(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample_data/real")
        .join(name)
}

fn source(path: &Path) -> Source {
    discover(&[path.to_string_lossy().into_owned()])
        .unwrap()
        .remove(0)
}

fn rows(path: &Path) -> Vec<Result<Spectrum, RowIssue>> {
    let reader = read(&source(path)).unwrap_or_else(|error| panic!("{error}"));
    reader.flat_map(|batch| batch.unwrap()).collect()
}

fn only(path: &Path) -> Spectrum {
    let mut all = rows(path);
    assert_eq!(all.len(), 1);
    all.remove(0).unwrap()
}

fn import(path: &Path) -> (FileOutcome, Vec<Spectrum>) {
    let mut spectra = Vec::new();
    let mut sink = |batch: Vec<Spectrum>| -> Result<(), ()> {
        spectra.extend(batch);
        Ok(())
    };
    let outcome = import_file(&source(path), &mut Identities::default(), &mut sink).unwrap();
    (outcome, spectra)
}

fn sum(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value)).sum()
}

#[track_caller]
fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-6 * b.abs(), "{a} is not {b}");
}

// ---------------------------------------------------------------- real spectra

/// Reference: `sample_data/real` read with astropy 7 and combined with numpy, ivar set to 0 where the mask is set.
#[test]
fn real_desi_coadds_agree_with_numpy() {
    let lrg = only(&real("coadd-4-80613-thru20210324.fits"));
    let dwarf = only(&real("coadd-special-dark-27247.fits"));
    for (spectrum, id, z, deltachi2) in [
        (&lrg, 39633345008634465, 0.36874355163716493, 150343.77423095703),
        (&dwarf, 39089837499744649, 0.007269671851219614, 724.4759948265564),
    ] {
        let facts = &spectrum.facts;
        assert_eq!(
            (facts.object_id.as_str(), facts.targetid),
            (id.to_string().as_str(), Some(id))
        );
        assert_eq!(
            (facts.z, facts.deltachi2, facts.zwarn),
            (Some(z), Some(deltachi2), Some(0))
        );
        assert_eq!(
            (facts.spectype.as_deref(), facts.subtype.as_deref()),
            (Some("GALAXY"), None)
        );
        assert_eq!(*spectrum.grid, WavelengthGrid::DESI);
        assert_eq!(
            (spectrum.mask_kind, spectrum.ivar_estimated, &spectrum.mask),
            (MaskKind::Desi, false, &None)
        );
    }
    close(sum(&lrg.flux), 8558.484741654247);
    close(sum(&lrg.ivar), 344387.94274786115);
    close(sum(&dwarf.flux), 463.31355334176624);
    close(sum(&dwarf.ivar), 1601988.980649367);
    // A pixel of each arm alone and of both overlaps.
    let pixels = [
        (100, -0.12283355742692947, 0.43255212903022766),
        (2710, 0.964302122592926, 16.656543731689453),
        (4950, 0.7595089673995972, 40.93683624267578),
        (7000, 2.032965898513794, 113.13314819335938),
    ];
    for (pixel, flux, ivar) in pixels {
        close(f64::from(lrg.flux[pixel]), flux);
        close(f64::from(lrg.ivar[pixel]), ivar);
    }
    let facts = &lrg.facts;
    assert_eq!(
        (facts.ra, facts.dec),
        (Some(105.48977452498902), Some(56.669300058331935))
    );
    assert_eq!((facts.ebv, facts.coadd_fiberstatus), (Some(0.0514118), Some(0)));
    assert_eq!(
        (facts.flux_g, facts.flux_r, facts.flux_z),
        (Some(3.2370327), Some(5.947273), Some(8.337608))
    );
    assert_eq!(
        (facts.exptime, facts.sn, facts.zerr),
        (Some(10973.272), Some(6.98149), Some(1.1796156157675983e-6))
    );
    close(facts.mjd.unwrap(), 59220.92114504766);
    assert_eq!(
        (facts.source.as_str(), facts.survey.as_deref()),
        ("DESI-DR1", None)
    );
    assert_eq!(
        (dwarf.facts.survey.as_deref(), dwarf.facts.program.as_deref()),
        (Some("special"), Some("dark"))
    );
}

#[test]
fn real_sdss_spectra_in_other_layouts() {
    let manga = rows(&real("manga-test-spectra.fits.gz"));
    let truth = [
        (0.0495282, 12127.297099351883, 8227546.68626976, 6),
        (0.050231, 4930.3583412617445, 15530792.55102539, 5),
        (0.04935, 10248.960673570633, 5426084.45627594, 6),
    ];
    for (row, (spectrum, (z, flux, ivar, masked))) in manga.into_iter().zip(truth).enumerate() {
        let spectrum = spectrum.unwrap();
        assert_eq!(spectrum.facts.object_id, format!("manga-test-spectra-{row}"));
        assert_eq!(spectrum.facts.z, Some(z));
        assert_eq!(
            *spectrum.grid,
            WavelengthGrid::Log10 {
                start: 3.5589,
                step: 1e-4,
                n: 4563
            }
        );
        close(sum(&spectrum.flux), flux);
        close(sum(&spectrum.ivar), ivar);
        assert_eq!(
            spectrum.mask.iter().flatten().filter(|bits| **bits != 0).count(),
            masked
        );
    }
    let quasar = only(&real("SDSSJ220248.31+123656.3.csv"));
    assert_eq!(
        *quasar.grid,
        WavelengthGrid::Log10 {
            start: 3.5507,
            step: 1e-4,
            n: 4646
        }
    );
    close(sum(&quasar.flux), 12359.245860222585);
    close(sum(&quasar.ivar), 33896.70003229915);
    assert_eq!(quasar.ivar.iter().filter(|ivar| **ivar == 0.0).count(), 48);
    close(quasar.facts.ra.unwrap(), 330.70129166666667);
    close(quasar.facts.dec.unwrap(), 12.615638888888889);
}

#[test]
fn the_folder_of_real_spectra_is_summed_up_file_by_file() {
    let mut identities = Identities::default();
    let outcomes: Vec<FileOutcome> = discover(&[real("").to_string_lossy().into_owned()])
        .unwrap()
        .iter()
        .map(|source| import_file(source, &mut identities, |_| Ok::<_, ()>(())).unwrap())
        .collect();
    let summary: Vec<(FileKind, Status, u64)> = outcomes
        .iter()
        .map(|file| (file.kind, file.status, file.spectra))
        .collect();
    use FileKind::*;
    let expected = [
        (Unrecognized, Status::Skipped, 0), // README.md
        (SpectrumTable, Status::Imported, 1),
        (DesiCoadd, Status::Imported, 1),
        (DesiCoadd, Status::Imported, 1),
        (SpectrumStack, Status::Imported, 3),
        (Redshifts, Status::Skipped, 0),
        (Redshifts, Status::Skipped, 0),
    ];
    assert_eq!(summary, expected);
    assert!(outcomes.iter().all(|file| file.issues.is_empty()));
}

// ---------------------------------------------------------------- synthetic files

fn column(name: &str, kind: ColumnDataType, repeat: usize) -> ConcreteColumnDescription {
    ColumnDescription::new(name)
        .with_type(kind)
        .that_repeats(repeat)
        .create()
        .unwrap()
}

fn image(file: &mut FitsFile, name: &str, data_type: ImageType, dimensions: &[usize], pixels: &[f64]) {
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

const ARMS: [(&str, usize, usize); 3] = [("B", 0, 2751), ("R", 2700, 2326), ("Z", 4900, 2881)];

/// What a synthetic target emits: a line whose height is its id, so that no two rows can be confused.
fn emitted(id: i64, pixel: usize) -> f64 {
    id as f64 + 10.0 * (-0.5 * ((pixel as f64 - 3000.0) / 20.0).powi(2)).exp()
}

struct CoaddOptions {
    with_ivar: bool,
    /// `None`: a plain image of unsigned integers.
    mask_compression: Option<TileCompression>,
    combined: bool,
}

/// A coadd of targets `ids`: ivar 4 in B, 2 in R, 1 in Z; row 1 is dark (ivar 0); in row 0 pixel 5 of B and pixel 10 of R
/// (union 2710, in the overlap) are masked and carry wild flux.
fn coadd_bytes(ids: &[i64], options: &CoaddOptions) -> Vec<u8> {
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
                emitted(ids[row], offset + i)
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

const PLAIN: CoaddOptions = CoaddOptions {
    with_ivar: true,
    mask_compression: None,
    combined: false,
};

/// Redshifts z = id / 1000 in the order given.
fn redrock_bytes(ids: &[i64]) -> Vec<u8> {
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

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_coadd_keeps_every_identity_over_batches_and_a_shuffled_redshift_file() {
    let folder = tempfile::tempdir().unwrap();
    let ids: Vec<i64> = (1..=70).collect();
    let shuffled: Vec<i64> = (1..=69).rev().collect();
    let path = write(
        folder.path(),
        "coadd-main-bright-1.fits",
        &coadd_bytes(&ids, &PLAIN),
    );
    write(
        folder.path(),
        "redrock-main-bright-1.fits",
        &redrock_bytes(&shuffled),
    );
    let (outcome, spectra) = import(&path);
    assert_eq!(
        (outcome.kind, outcome.status, outcome.spectra),
        (FileKind::DesiCoadd, Status::Imported, 69)
    );
    assert!(
        outcome.message.contains("1 targets are not in the redshift file"),
        "{}",
        outcome.message
    );
    assert_eq!(outcome.issues.len(), 1);
    assert_eq!(
        (outcome.issues[0].row, outcome.issues[0].object_id.as_str()),
        (1, "2")
    );
    assert_eq!(outcome.issues[0].column, "ivar");
    for spectrum in &spectra {
        let id = spectrum.facts.targetid.unwrap();
        assert_eq!(spectrum.facts.object_id, id.to_string());
        assert_eq!(spectrum.facts.ra, Some(id as f64 / 10.0));
        assert_eq!(spectrum.facts.z, (id != 70).then_some(id as f64 / 1000.0));
        let sky = i64::from(id % 10 == 9);
        assert_eq!(
            spectrum.facts.zwarn,
            (id != 70).then_some(4 | sky),
            "the sky bit of fiber {id}"
        );
        assert_eq!(spectrum.facts.source, "DESI-EDR");
        assert_eq!(spectrum.facts.program.as_deref(), Some("bright"));
        for pixel in [0, 2699, 2710, 3000, 4950, 7780]
            .into_iter()
            .skip(usize::from(id == 1))
        {
            if id != 1 {
                close(f64::from(spectrum.flux[pixel]), emitted(id, pixel));
            }
        }
    }
}

#[test]
fn arms_are_joined_and_masked_pixels_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(
        folder.path(),
        "coadd-main-bright-1.fits",
        &coadd_bytes(&[7, 8, 11], &PLAIN),
    );
    let all = rows(&path);
    let spectrum = all[0].as_ref().unwrap();
    let ivar = |pixel: usize| spectrum.ivar[pixel];
    assert_eq!(
        [ivar(0), ivar(2699), ivar(2700), ivar(2750), ivar(2751)],
        [4.0, 4.0, 6.0, 6.0, 2.0]
    );
    assert_eq!(
        [ivar(4899), ivar(4900), ivar(5025), ivar(5026), ivar(7780)],
        [2.0, 3.0, 3.0, 1.0, 1.0]
    );
    // Masked in its only arm: nothing. Masked in one of two: the other alone. The bits stay.
    assert_eq!((ivar(5), spectrum.flux[5]), (0.0, 0.0));
    assert_eq!(ivar(2710), 4.0);
    close(f64::from(spectrum.flux[2710]), emitted(7, 2710));
    let mask = spectrum.mask.as_ref().unwrap();
    assert_eq!(
        (
            mask[5],
            mask[2710],
            mask.iter().filter(|bits| **bits != 0).count()
        ),
        (4, 4, 2)
    );
    assert!(
        all[1]
            .as_ref()
            .unwrap_err()
            .to_string()
            .contains("nothing was measured")
    );
    assert_eq!(all[2].as_ref().unwrap().mask, None);
    let (outcome, _) = import(&path);
    assert!(
        outcome.message.contains("without redshifts"),
        "{}",
        outcome.message
    );
}

#[test]
fn combined_arms_missing_ivar_and_compressed_masks() {
    let folder = tempfile::tempdir().unwrap();
    let combined = coadd_bytes(
        &[5],
        &CoaddOptions {
            combined: true,
            ..PLAIN
        },
    );
    let spectrum = only(&write(folder.path(), "coadd-brz.fits", &combined));
    close(f64::from(spectrum.flux[3000]), 15.0);
    assert_eq!(spectrum.ivar[7000], 4.0);

    let bare = coadd_bytes(
        &[5],
        &CoaddOptions {
            with_ivar: false,
            ..PLAIN
        },
    );
    let path = write(folder.path(), "coadd-bare.fits", &bare);
    // Without any scatter there is no noise to be estimated away from the line.
    let (outcome, _) = import(&path);
    assert!(outcome.message.contains("estimated"), "{}", outcome.message);

    for compression in [TileCompression::rice(), TileCompression::gzip()] {
        let options = CoaddOptions {
            mask_compression: Some(compression),
            ..PLAIN
        };
        let ids: Vec<i64> = (11..=80).collect();
        let path = write(
            folder.path(),
            "coadd-compressed.fits",
            &coadd_bytes(&ids, &options),
        );
        let reference = write(folder.path(), "coadd-plain.fits", &coadd_bytes(&ids, &PLAIN));
        for (compressed, plain) in rows(&path).into_iter().zip(rows(&reference)) {
            let (Ok(compressed), Ok(plain)) = (compressed, plain) else {
                continue;
            };
            assert_eq!(compressed, plain);
        }
        assert_eq!(rows(&path)[0].as_ref().unwrap().mask.as_ref().unwrap()[5], 4);
    }
}

#[test]
fn single_exposures_and_foreign_grids_are_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = FitsFile::create_in_memory().unwrap();
    let columns = [
        column("TARGETID", ColumnDataType::LongLong, 1),
        column("EXPID", ColumnDataType::Int, 1),
    ];
    let table = file.create_table("FIBERMAP", &columns).unwrap();
    table.write_col(&mut file, "TARGETID", &[1i64, 1]).unwrap();
    image(
        &mut file,
        "B_WAVELENGTH",
        ImageType::Double,
        &[3],
        &[3600.0, 3600.8, 3601.6],
    );
    image(&mut file, "B_FLUX", ImageType::Float, &[2, 3], &[1.0; 6]);
    let path = write(
        folder.path(),
        "spectra-main-dark-1.fits",
        &file.into_bytes().unwrap(),
    );
    let (outcome, _) = import(&path);
    assert!(
        outcome.message.contains("import the coadd-"),
        "{}",
        outcome.message
    );

    let mut file = FitsFile::create_in_memory().unwrap();
    let table = file.create_table("FIBERMAP", &columns[..1]).unwrap();
    table.write_col(&mut file, "TARGETID", &[1i64]).unwrap();
    image(
        &mut file,
        "B_WAVELENGTH",
        ImageType::Double,
        &[3],
        &[3600.0, 3601.0, 3602.0],
    );
    image(&mut file, "B_FLUX", ImageType::Float, &[1, 3], &[1.0; 3]);
    let path = write(folder.path(), "coadd-x.fits", &file.into_bytes().unwrap());
    let (outcome, _) = import(&path);
    assert_eq!(outcome.status, Status::Failed);
    assert!(
        outcome.message.contains("not on DESI's grid"),
        "{}",
        outcome.message
    );
}

/// A spec file: names in upper or lower case, the identity as 22 characters or as an unsigned integer, exposures behind.
fn spec_bytes(upper: bool, specobjid_text: bool, exposures: usize) -> Vec<u8> {
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
        let table = table.write_col(&mut file, case("flux"), &flux).unwrap();
        let table = table.write_col(&mut file, case("loglam"), &loglam).unwrap();
        let table = table
            .write_col(&mut file, case("ivar"), &vec![4f32; n as usize])
            .unwrap();
        table.write_col(&mut file, case("and_mask"), &mask).unwrap();
        if hdu == 0 {
            object_table(&mut file, specobjid_text);
        }
    }
    file.into_bytes().unwrap()
}

const SPECOBJID: u64 = 10_546_430_176_757_305_344;

fn object_table(file: &mut FitsFile, specobjid_text: bool) {
    let id = if specobjid_text {
        ColumnDataType::String
    } else {
        ColumnDataType::UnsignedLongLong
    };
    let columns = [
        column("PLATE", ColumnDataType::Int, 1),
        column("MJD", ColumnDataType::Int, 1),
        column("FIBERID", ColumnDataType::Int, 1),
        column("CLASS", ColumnDataType::String, 6),
        column("SUBCLASS", ColumnDataType::String, 21),
        column("Z", ColumnDataType::Float, 1),
        column("ZWARNING", ColumnDataType::Int, 1),
        column("RCHI2DIFF", ColumnDataType::Float, 1),
        column("DOF", ColumnDataType::Int, 1),
        column("SPECTROFLUX", ColumnDataType::Float, 5),
        column("SPECOBJID", id, if specobjid_text { 22 } else { 1 }),
    ];
    let table = file.create_table("SPECOBJ", &columns).unwrap();
    for (name, value) in [
        ("PLATE", 9367),
        ("MJD", 57758),
        ("FIBERID", 457),
        ("ZWARNING", 0),
        ("DOF", 4000),
    ] {
        table.write_col(file, name, &[value]).unwrap();
    }
    table.write_col(file, "CLASS", &["QSO   ".to_owned()]).unwrap();
    table.write_col(file, "SUBCLASS", &[" ".to_owned()]).unwrap();
    table.write_col(file, "Z", &[2.25f32]).unwrap();
    table.write_col(file, "RCHI2DIFF", &[0.5f32]).unwrap();
    table
        .write_col(file, "SPECTROFLUX", &[1f32, 2.0, 3.0, 4.0, 5.0])
        .unwrap();
    if specobjid_text {
        table
            .write_col(file, "SPECOBJID", &[format!("  {SPECOBJID}")])
            .unwrap();
    } else {
        table.write_col(file, "SPECOBJID", &[SPECOBJID]).unwrap();
    }
}

#[test]
fn sdss_spec_in_either_case_lite_and_full_plain_and_gzipped() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for (name, bytes) in [
        ("spec-9367-57758-0457.fits", spec_bytes(false, true, 0)),
        ("renamed.fits", spec_bytes(true, false, 0)),
        ("full.fits", spec_bytes(false, true, 3)),
        (
            "packed.fits.gz",
            fitsio_pure::gzip::compress(&spec_bytes(true, true, 0), 6),
        ),
    ] {
        let (outcome, mut spectra) = import(&write(folder.path(), name, &bytes));
        assert_eq!(
            (outcome.kind, outcome.status, outcome.message.as_str()),
            (FileKind::SdssSpec, Status::Imported, "")
        );
        all.push(spectra.remove(0));
    }
    let spectrum = &all[0];
    assert!(
        all.iter().all(|other| other == spectrum),
        "all layouts hold the same spectrum"
    );
    let facts = &spectrum.facts;
    assert_eq!(
        (facts.object_id.as_str(), facts.targetid),
        ("9367-57758-457", Some(SPECOBJID as i64))
    );
    assert_eq!(
        (facts.spectype.as_deref(), facts.subtype.as_deref()),
        (Some("QSO"), None)
    );
    assert_eq!(
        (facts.z, facts.zwarn, facts.deltachi2),
        (Some(2.25), Some(0), Some(2000.0))
    );
    assert_eq!(
        (facts.flux_g, facts.flux_r, facts.flux_z),
        (Some(2.0), Some(3.0), Some(5.0))
    );
    assert_eq!((facts.mjd, facts.exptime), (Some(57758.0), Some(4500.5)));
    assert_eq!(
        *spectrum.grid,
        WavelengthGrid::Log10 {
            start: 3.5806,
            step: 1e-4,
            n: 3000
        }
    );
    assert_eq!(
        (spectrum.mask.as_ref().unwrap()[7], spectrum.mask_kind),
        (1 << 24, MaskKind::Sdss)
    );
    assert!(!spectrum.is_valid(7) && spectrum.is_valid(8));
    assert_eq!((spectrum.flux[2000], spectrum.ivar[0]), (3.0, 4.0));
}

#[test]
fn an_object_is_imported_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut identities = Identities::default();
    let mut outcomes = Vec::new();
    for name in ["a.fits", "b.fits"] {
        let path = write(folder.path(), name, &spec_bytes(false, true, 0));
        outcomes.push(import_file(&source(&path), &mut identities, |_| Ok::<_, ()>(())).unwrap());
    }
    assert_eq!((outcomes[0].spectra, outcomes[1].spectra), (1, 0));
    assert!(
        outcomes[1].issues[0].reason.contains("a.fits"),
        "{:?}",
        outcomes[1].issues
    );
}

#[test]
fn a_sink_that_fails_ends_the_import() {
    let stopped = import_file(
        &source(&real("manga-test-spectra.fits.gz")),
        &mut Identities::default(),
        |_| Err("disk full"),
    );
    assert_eq!(stopped.unwrap_err(), "disk full");
}

// ---------------------------------------------------------------- tables

#[test]
fn tables_of_one_spectrum() {
    let folder = tempfile::tempdir().unwrap();
    let table = |name: &str, text: &str| only(&write(folder.path(), name, text.as_bytes()));
    let csv = table(
        "spectrum_desi_095035.55+321601.0.csv",
        "Wave,Flux,IVAR\n3600.0,1,4\n3600.8,2,4\n3601.6,nan,0\n",
    );
    assert_eq!(
        (csv.flux.as_slice(), csv.ivar.as_slice()),
        (&[1.0, 2.0, 0.0][..], &[4.0, 4.0, 0.0][..])
    );
    close(csv.facts.ra.unwrap(), 147.648125);
    close(csv.facts.dec.unwrap(), 32.266944444444);
    assert_eq!(csv.facts.object_id, "spectrum_desi_095035.55+321601.0");

    let unit = "unit: 1e-16 erg / (Angstrom s cm2), datatype: float32";
    let ecsv = format!(
        "# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n# - {{name: wavelength, unit: nm, datatype: float64}}\n\
        # - {{name: flux, {unit}}}\n# - {{name: error, {unit}}}\n# meta: !!omap\n# - {{z: 0.125}}\n\
        wavelength,flux,error\n400.0,1.0,0.5\n400.1,2.0,0.5\n400.3,3.0,0.0\n"
    );
    let ecsv = table("a.ecsv", &ecsv);
    assert_eq!(ecsv.grid.wavelengths(), [4000.0, 4001.0, 4003.0]);
    assert_eq!(
        (ecsv.flux.as_slice(), ecsv.ivar.as_slice()),
        (&[10.0, 20.0, 30.0][..], &[0.04, 0.04, 0.0][..])
    );
    assert_eq!(ecsv.facts.z, Some(0.125));

    let savetxt = table("b.txt", "# wave flux sigma\n4000 1 0.5\n4001 2 0.5\n");
    assert_eq!(savetxt.ivar, [4.0, 4.0]);
    let grid = WavelengthGrid::Linear {
        start: 4000.0,
        step: 1.0,
        n: 2,
    };
    assert_eq!(*savetxt.grid, grid);
}

#[test]
fn tables_that_are_no_spectra_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let none = (
        "TARGETID,Z\n1,0.1\n",
        Status::Skipped,
        "columns found: targetid, z",
    );
    let empty = ("", Status::Skipped, "empty");
    let bad = [
        ("", "0 pixels"),
        ("4000,1,1\n4001,1\n", "cut short"),
        ("4000,1,1\n4001,x,1\n", "\"x\" is not a number"),
        ("4001,1,1\n4000,1,1\n", "not ascending"),
        ("0.4,1,1\n0.5,1,1\n", "is the unit Angstrom?"),
        ("4000,1,-1\n4001,1,1\n", "-1 at pixel 0"),
        ("4000,nan,1\n4001,1,1\n", "NaN at pixel 0"),
        ("4000,1,0\n4001,1,0\n", "nothing was measured"),
    ];
    let bad = bad.map(|(rows, why)| (format!("wave,flux,ivar\n{rows}"), Status::Failed, why));
    let masked = (
        "wave,flux,ivar,mask\n4000,1,1,1\n4001,1,1,1\n",
        Status::Failed,
        "masked",
    );
    let others = [none, empty, masked].map(|(text, status, why)| (text.to_owned(), status, why));
    for (text, status, why) in bad.into_iter().chain(others) {
        let (outcome, _) = import(&write(folder.path(), "t.csv", text.as_bytes()));
        assert_eq!(outcome.status, status, "{text}");
        assert!(outcome.message.contains(why), "{text}: {}", outcome.message);
    }
}

// ---------------------------------------------------------------- damage

/// Runs `work` on a thread of its own and fails if it takes longer than `seconds`.
fn within(seconds: u64, work: impl FnOnce() + Send + 'static) {
    let (done, wait) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        work();
        done.send(()).ok();
    });
    match wait.recv_timeout(Duration::from_secs(seconds)) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("still running after {seconds} s"),
        _ => thread.join().unwrap(),
    }
}

/// Small files of every layout.
fn specimens() -> Vec<(&'static str, Vec<u8>)> {
    let compressed = CoaddOptions {
        mask_compression: Some(TileCompression::gzip()),
        ..PLAIN
    };
    vec![
        ("spec.fits", spec_bytes(false, true, 1)),
        ("coadd-main-dark-1.fits", coadd_bytes(&[1, 2], &compressed)),
        ("redrock.fits", redrock_bytes(&[1, 2])),
        (
            "spec.fits.gz",
            fitsio_pure::gzip::compress(&spec_bytes(true, false, 0), 6),
        ),
        (
            "coadd-special.fits",
            fs::read(real("coadd-special-dark-27247.fits")).unwrap(),
        ),
        (
            "table.csv",
            fs::read(real("SDSSJ220248.31+123656.3.csv")).unwrap(),
        ),
    ]
}

#[test]
fn truncated_files_are_errors_that_name_them() {
    within(60, || {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in specimens() {
            let path = folder.path().join(name);
            for step in 0..60 {
                // Whole blocks and odd lengths; the last block of padding carries nothing.
                let end = (bytes.len() - 2880) * step / 60 + step % 3;
                fs::write(&path, &bytes[..end]).unwrap();
                let (outcome, spectra) = import(&path);
                // A table that ends with a whole line, and a FITS file that ends behind its spectra, are whole for all one can see.
                let may_pass =
                    name.ends_with(".csv") || outcome.status == Status::Imported && spectra.len() == 1;
                assert!(
                    may_pass || outcome.status != Status::Imported,
                    "{name} cut to {end} of {} bytes",
                    bytes.len()
                );
                assert!(outcome.status == Status::Imported || !outcome.message.is_empty());
            }
        }
    });
}

#[test]
fn corrupted_files_never_panic_or_hang() {
    within(120, || {
        let folder = tempfile::tempdir().unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(20);
        for (name, bytes) in specimens() {
            let path = folder.path().join(name);
            for _ in 0..150 {
                let mut damaged = bytes.clone();
                for _ in 0..rng.random_range(1..20) {
                    // Half of the hits go to the beginning, where the headers are.
                    let reach = if rng.random_bool(0.5) {
                        12_000.min(damaged.len())
                    } else {
                        damaged.len()
                    };
                    let at = rng.random_range(0..reach);
                    damaged[at] = if rng.random_bool(0.5) {
                        rng.random()
                    } else {
                        rng.random_range(b' '..b'Z')
                    };
                }
                fs::write(&path, &damaged).unwrap();
                let (outcome, spectra) = import(&path);
                assert_eq!(outcome.spectra, spectra.len() as u64);
                for spectrum in &spectra {
                    let n = spectrum.grid.len();
                    assert!(spectrum.flux.len() == n && spectrum.ivar.len() == n);
                    assert!(spectrum.ivar.iter().all(|ivar| *ivar >= 0.0 && ivar.is_finite()));
                }
                assert!(outcome.status == Status::Imported || !outcome.message.is_empty());
            }
        }
    });
}

#[test]
fn an_html_page_and_a_picture_are_named_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let (outcome, _) = import(&write(
        folder.path(),
        "spec-1-2-3.fits",
        b"<!DOCTYPE HTML><html>404 Not Found</html>",
    ));
    assert!(outcome.message.contains("HTML"), "{}", outcome.message);
    let mut file = FitsFile::create_in_memory().unwrap();
    image(&mut file, "SCI", ImageType::Float, &[4, 4], &[0.0; 16]);
    let (outcome, _) = import(&write(folder.path(), "image.fits", &file.into_bytes().unwrap()));
    assert_eq!(
        (outcome.kind, outcome.status),
        (FileKind::Unrecognized, Status::Skipped)
    );
    assert!(
        outcome.message.contains("found HDU 0, HDU SCI"),
        "{}",
        outcome.message
    );
}

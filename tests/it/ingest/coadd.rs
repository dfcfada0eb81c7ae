//! DESI coadds whose truth is known.

use fitsio_pure::compat::FitsFile;
use fitsio_pure::compat::images::ImageType;
use fitsio_pure::compat::tables::ColumnDataType;
use fitsio_pure::compress::TileCompression;
use spectriage::ingest::{FileKind, Status, read};
use spectriage::spectrum::MaskKind;
use spectriage::spectrum::noise::median;

use super::fixtures::*;
use super::{close, import, only, rows, source, write};

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
        // Pixel 2710 of the first row too, where one arm is masked.
        for pixel in [0, 2699, 2710, 3000, 4950, 7780] {
            close(f64::from(spectrum.flux[pixel]), emitted(id, pixel));
        }
    }
    let batches: Vec<usize> = read(&source(&path))
        .unwrap()
        .map(|batch| batch.unwrap().len())
        .collect();
    assert_eq!(batches, [64, 6]);
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

    let options = CoaddOptions {
        with_ivar: false,
        ..PLAIN
    };
    let path = write(folder.path(), "coadd-bare.fits", &coadd_bytes(&[5], &options));
    let (outcome, spectra) = import(&path);
    assert!(outcome.message.contains("estimated"), "{}", outcome.message);
    let spectrum = &spectra[0];
    assert!(spectrum.ivar_estimated);
    assert_eq!(spectrum.ivar[5], 0.0, "masked in its only arm");
    let estimated = spectrum.ivar.iter().filter(|ivar| **ivar > 0.0);
    let sigma = median(estimated.map(|ivar| 1.0 / ivar.sqrt())).unwrap();
    assert!((sigma / NOISE - 1.0).abs() < 0.1, "{sigma}");

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
fn an_arm_that_lost_an_image_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = coadd_bytes(&[5], &PLAIN);
    for (lost, why) in [
        ("R_FLUX", "arm R without"),
        ("R_IVAR", "of one arm is missing"),
        ("Z_MASK", "of one arm is missing"),
    ] {
        let at = bytes
            .windows(lost.len())
            .position(|window| window == lost.as_bytes())
            .unwrap();
        let mut renamed = bytes.clone();
        renamed[at] = b'Q';
        let (outcome, spectra) = import(&write(folder.path(), "coadd-x.fits", &renamed));
        assert_eq!((outcome.status, spectra.len()), (Status::Failed, 0), "{lost}");
        assert!(outcome.message.contains(why), "{lost}: {}", outcome.message);
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

#[test]
fn an_early_table_without_ivar_has_its_overlaps_merged() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(
        folder.path(),
        "coadd-bgs-1-20200315.fits",
        &andes_bytes(&[21, 22]),
    );
    write(
        folder.path(),
        "zbest-bgs-1-20200315.fits",
        &redrock_bytes(&[22, 21]),
    );
    let (outcome, spectra) = import(&path);
    assert_eq!((outcome.kind, outcome.spectra), (FileKind::DesiAndes, 2));
    for (id, spectrum) in [21, 22].into_iter().zip(&spectra) {
        assert_eq!(
            (spectrum.facts.targetid, spectrum.facts.z),
            (Some(id), Some(id as f64 / 1000.0))
        );
        assert_eq!(
            (spectrum.len(), spectrum.ivar_estimated, spectrum.mask_kind),
            (7781, true, MaskKind::Desi)
        );
        for pixel in [0, 2699, 2700, 2750, 2751, 7780] {
            close(f64::from(spectrum.flux[pixel]), emitted(id, pixel) + noise(pixel));
        }
    }
}

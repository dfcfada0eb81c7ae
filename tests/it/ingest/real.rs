//! Real spectra against values computed with astropy and numpy.

use spectriage::ingest::{FileKind, FileOutcome, Identities, Status, discover, import_file};
use spectriage::spectrum::{MaskKind, WavelengthGrid};

use super::{close, only, real, rows, sum};

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
    close(quasar.facts.ra.unwrap(), 330.701291666667);
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

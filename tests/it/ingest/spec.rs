//! SDSS spectra whose truth is known, and the handing on of spectra.

use spectriage::ingest::{FileKind, Identities, Status, import_file};
use spectriage::spectrum::{MaskKind, WavelengthGrid};

use super::fixtures::*;
use super::{import, real, source, write};

#[test]
fn sdss_spec_in_either_case_lite_and_full_plain_and_gzipped() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for (name, bytes) in [
        ("spec-9367-57758-0457.fits", spec_bytes(false, Identity::Text, 0)),
        ("renamed.fits", spec_bytes(true, Identity::Unsigned, 0)),
        ("full.fits", spec_bytes(false, Identity::Text, 3)),
        (
            "packed.fits.gz",
            fitsio_pure::gzip::compress(&spec_bytes(true, Identity::Text, 0), 6),
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
    let mask = spectrum.mask.as_ref().unwrap();
    assert_eq!(mask[6..11], [0, 1 << 24, 0, u32::MAX, 0], "-1 is all bits");
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
fn sdss_v_counts_fields_and_catalog_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(
        folder.path(),
        "spec.fits",
        &spec_bytes(true, Identity::Catalog, 0),
    );
    let (_, spectra) = import(&path);
    let facts = &spectra[0].facts;
    assert_eq!(facts.object_id, "9367-57758-27021598150202075");
    assert_eq!(
        (facts.targetid, facts.source.as_str()),
        (Some(CATALOGID), "SDSS-V")
    );
    assert_eq!((facts.ra, facts.dec), (Some(110.25), Some(36.5)));
}

#[test]
fn an_object_is_imported_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut identities = Identities::default();
    let mut outcomes = Vec::new();
    for name in ["a.fits", "b.fits"] {
        let path = write(folder.path(), name, &spec_bytes(false, Identity::Text, 0));
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

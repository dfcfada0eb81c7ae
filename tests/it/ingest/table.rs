//! Text tables of one spectrum.

use spectriage::ingest::Status;
use spectriage::spectrum::WavelengthGrid;

use super::{close, import, only, write};

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

#[test]
fn a_mask_of_odd_numbers_is_bad_where_it_is_not_zero() {
    let folder = tempfile::tempdir().unwrap();
    let text = "wave,flux,ivar,mask\n4000,1,1,0\n4001,1,1,-1\n4002,1,1,0.5\n4003,1,1,nan\n4004,1,1,4294967296\n4005,1,1,false\n";
    let spectrum = only(&write(folder.path(), "t.csv", text.as_bytes()));
    let valid: Vec<bool> = (0..6).map(|pixel| spectrum.is_valid(pixel)).collect();
    assert_eq!(valid, [true, false, false, false, false, true]);
}

#[test]
fn a_fact_in_a_comment_that_is_no_number_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let of = |comment: &str| {
        let text = format!("# {comment}\nwave,flux,ivar\n4000,1,1\n4001,2,1\n");
        let (outcome, spectra) = import(&write(folder.path(), "t.csv", text.as_bytes()));
        assert_eq!(outcome.status, Status::Imported);
        (spectra[0].facts.z, outcome.message)
    };
    let (z, message) = of("z: abc");
    assert!(
        z.is_none() && message.contains("z in a comment: \"abc\" is not a number"),
        "{message}"
    );
    for nothing in ["z: nan", "z: --", "no fact"] {
        assert_eq!(of(nothing), (None, String::new()), "{nothing}");
    }
    assert_eq!(of("redshift = 0.25"), (Some(0.25), String::new()));
}

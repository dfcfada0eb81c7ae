use super::*;
use crate::spectrum::prepare::{Frame, Normalization};

const PIXELS: usize = 21;

fn head() -> Head {
    Head {
        format: FORMAT,
        key: "a key".into(),
        chosen_from: None,
        preparation: Preparation {
            frame: Frame::Rest,
            min_wavelength: None,
            normalization: Normalization::Robust,
            grid: WavelengthGrid::Log10 {
                start: 3.5,
                step: 1e-4,
                n: PIXELS,
            },
        },
        issues: vec![(
            4,
            RowIssue {
                file: "catalog.parquet".into(),
                row: 4,
                object_id: "bad".into(),
                column: "z".into(),
                reason: "no redshift".into(),
            },
        )],
    }
}

fn prepared(number: usize) -> Prepared {
    let mut flux = vec![0.0f32; PIXELS];
    let mut ivar = flux.clone();
    for pixel in number..PIXELS - 2 * number {
        flux[pixel] = (pixel as f32 + 0.1).sin() / 3.0;
        ivar[pixel] = 1.0 / (1.0 + pixel as f32);
    }
    Prepared {
        facts: Arc::new(Facts {
            object_id: format!("object {number}").into(),
            z: Some(0.1 + number as f64 / 3.0),
            sn: Some(0.1),
            spectype: Some("GALAXY \"odd\"\n".into()),
            ..Facts::default()
        }),
        stretch: 1.1 + number as f64 / 3.0,
        flux,
        ivar,
        scale: 1e-300 / 3.0,
        offset: -0.0,
        sn: f64::NAN,
        coverage: 0.5,
        artifact: (0..PIXELS).map(|pixel| pixel % (number + 2) == 0).collect(),
        source: Arc::new(WavelengthGrid::DESI),
    }
}

/// All that a spectrum is, by its bits.
fn bits(prepared: &Prepared) -> impl PartialEq + std::fmt::Debug {
    let numbers = [
        prepared.stretch,
        prepared.scale,
        prepared.offset,
        prepared.sn,
        prepared.coverage,
    ];
    let pixels = [&prepared.flux, &prepared.ivar]
        .map(|values| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
    (
        prepared.facts.clone(),
        numbers.map(f64::to_bits),
        pixels,
        prepared.artifact.clone(),
        prepared.source.clone(),
    )
}

fn spectra() -> Vec<Prepared> {
    let mut spectra: Vec<Prepared> = (0..5).map(prepared).collect();
    // Nothing valid; a negative zero at the end.
    spectra[3].flux.fill(0.0);
    spectra[3].ivar.fill(0.0);
    spectra[4].flux[PIXELS - 1] = -0.0;
    spectra
}

fn write(path: &Path, spectra: &[Prepared]) -> io::Result<Stored> {
    let mut filling = Filling::begin(path)?;
    for (row, prepared) in spectra.iter().enumerate() {
        filling.add(10 + row as u64, prepared)?;
    }
    filling.finish(head())
}

#[test]
fn what_comes_back_is_what_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.prepared");
    let spectra = spectra();
    let written = write(&path, &spectra).unwrap();
    let opened = Stored::open(&path, "a key").unwrap();
    assert_eq!(Stored::head(&path).unwrap().key, "a key");
    for stored in [&written, &opened] {
        assert_eq!(stored.issues, head().issues);
        assert_eq!(stored.cards.len(), spectra.len());
        let mut sample = Sample::new(PIXELS);
        for (place, spectrum) in spectra.iter().enumerate() {
            assert_eq!(bits(&stored.get(place).unwrap()), bits(spectrum), "{place}");
            assert_eq!(stored.cards[place].row, 10 + place as u64);
            stored.append(place, &mut sample).unwrap();
            assert_eq!(sample.get(place), (&spectrum.flux[..], &spectrum.ivar[..]));
        }
    }
    assert!(Stored::open(&path, "another key").is_none());
}

#[test]
fn damage_is_never_taken_for_spectra() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.prepared");
    let spectra = spectra();
    write(&path, &spectra).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&path, &damaged).unwrap();
        let Some(stored) = Stored::open(&path, "a key") else {
            continue;
        };
        for (place, spectrum) in spectra.iter().enumerate() {
            match stored.get(place) {
                Ok(read) => assert_eq!(bits(&read), bits(spectrum), "byte {at}"),
                Err(error) => {
                    assert!(error.to_string().contains("damaged"), "{error}");
                    assert!(!path.exists());
                }
            }
        }
    }
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(Stored::open(&path, "a key").is_none(), "cut after {length} bytes");
    }
}

#[test]
fn facts_that_json_does_not_hold_are_refused_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.prepared");
    let mut spectra = spectra();
    Arc::make_mut(&mut spectra[1].facts).z = Some(f64::INFINITY);
    let error = write(&path, &spectra).unwrap_err().to_string();
    assert!(error.contains("object 1"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

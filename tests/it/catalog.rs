//! The catalog as its users meet it: files written, read back, searched, and broken.

mod damage;
mod layouts;
mod queries;
mod round_trip;
mod rows;

use std::path::Path;
use std::sync::Arc;

use spectriage::catalog::{Catalog, CatalogWriter, WriteSummary, WriterOptions};
use spectriage::spectrum::{Facts, MaskKind, Spectrum, WavelengthGrid};

/// A spectrum whose every number follows from `i`, so that a mix-up of rows cannot hide.
fn spectrum(i: u64, n: usize) -> Spectrum {
    let wave = |k: usize| ((i as f32) * 0.37 + k as f32 * 0.11).sin();
    Spectrum {
        facts: Facts {
            object_id: format!("obj-{i:06}").into(),
            targetid: Some(39_627_000_000_000_000 + 7 * i as i64),
            source: if i % 2 == 0 { "DESI-DR1" } else { "SDSS-DR17" }.into(),
            survey: (i % 3 != 0).then(|| "main".into()),
            program: Some("bright".into()),
            ra: Some((i as f64 * 1.618).rem_euclid(360.0)),
            dec: Some((i as f64 * 0.77).rem_euclid(180.0) - 90.0),
            z: Some(0.01 + 0.001 * i as f64),
            zerr: Some(1e-5),
            zwarn: Some(i64::from(i % 5 == 0) * 4),
            spectype: Some(if i % 4 == 0 { "QSO" } else { "GALAXY" }.into()),
            subtype: None,
            deltachi2: Some(100.0 + i as f64),
            mjd: Some(59_000.5),
            exptime: Some(1200.0),
            sn: Some((i % 17) as f32),
            coadd_fiberstatus: Some(0),
            ebv: Some(0.02),
            flux_g: None,
            flux_r: Some(i as f32),
            flux_z: None,
        },
        grid: Arc::new(WavelengthGrid::Linear {
            start: 3600.0,
            step: 0.8,
            n,
        }),
        flux: (0..n).map(|k| i as f32 + wave(k)).collect(),
        ivar: (0..n)
            .map(|k| if k % 50 == 7 { 0.0 } else { 4.0 + wave(k) })
            .collect(),
        mask: (i % 2 == 1).then(|| (0..n).map(|k| u32::from(k % 50 == 7) << (i % 8)).collect()),
        mask_kind: if i % 2 == 0 {
            MaskKind::Desi
        } else {
            MaskKind::Sdss
        },
        ivar_estimated: i % 7 == 0,
    }
}

fn write(path: &Path, spectra: impl IntoIterator<Item = Spectrum>, options: WriterOptions) -> WriteSummary {
    let mut writer = CatalogWriter::create(path, options).unwrap();
    for spectrum in spectra {
        writer.write(&spectrum).unwrap();
    }
    writer.finish().unwrap()
}

fn open(path: &Path) -> Catalog {
    Catalog::open(&[path.to_str().unwrap().to_owned()]).unwrap()
}

//! Figures: nothing cut off, nothing overlapping, no input that breaks them, and a look that stays as it was approved.

mod golden;
mod hostile;
mod layout;

use std::sync::{Arc, LazyLock};

use golden::decode;
use layout::{boxes, tree};

use resvg::usvg::{self, fontdb};
use spectriage::anomaly::{Reason, Recurring, Region};
use spectriage::figure::{
    self, EpochLoss, Figure, LossRun, PictureContent, Rect, RecurringResiduals, SkyImage, SpectrumView,
    combined, contact_sheet, loss, mean_reconstruction_error, png, recurring_residuals, spectrum,
};
use spectriage::spectrum::{Facts, MaskKind};

static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(include_bytes!("../../assets/fonts/SpectriageSans-Regular.ttf").to_vec());
    fonts.load_font_data(include_bytes!("../../assets/fonts/SpectriageSans-Semibold.ttf").to_vec());
    Arc::new(fonts)
});

/// Deviates of mean 0 and variance 1, the same every time.
fn noise(n: usize) -> Vec<f64> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..n)
        .map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0)
        .collect()
}

fn region(at: (usize, usize), wavelength: &[f64], z: f64, reason: Reason, sigma: f64) -> Region {
    let (min, max) = (wavelength[at.0], wavelength[at.1 - 1]);
    Region {
        start: at.0,
        end: at.1,
        wavelength_min: min,
        wavelength_max: max,
        rest_min: min / (1.0 + z),
        rest_max: max / (1.0 + z),
        reason,
        value: sigma / 3.0,
        significance: sigma,
        line: (at.0 % 2 == 0).then(|| "[O III]".to_owned()),
        artifact_fraction: 0.0,
        artifact_probability: None,
    }
}

/// A galaxy as DESI sees it, made of a break, three lines and noise, with a line that its model lacks.
fn galaxy() -> SpectrumView {
    let n = 7781;
    let z = 0.12;
    let wavelength: Vec<f64> = (0..n).map(|i| 3600.0 + 0.8 * i as f64).collect();
    let line =
        |w: f64, rest: f64, height: f64| height * (-0.5 * ((w - rest * (1.0 + z)) / 4.0).powi(2)).exp();
    let model = |w: f64| {
        let continuum = if w < 4000.0 * (1.0 + z) { 2.0 } else { 4.0 };
        continuum + line(w, 6564.61, 9.0) + line(w, 5008.24, 3.0) + line(w, 3728.5, 4.0)
    };
    let sigma: Vec<f64> = wavelength
        .iter()
        .map(|w| if *w < 4000.0 { 1.5 } else { 0.4 })
        .collect();
    let flux: Vec<f64> = noise(n)
        .iter()
        .enumerate()
        .map(|(i, e)| model(wavelength[i]) + sigma[i] * e + line(wavelength[i], 5600.0, 6.0))
        .collect();
    let valid: Vec<bool> = (0..n)
        .map(|i| !(2400..2470).contains(&i) && i % 997 != 0)
        .collect();
    let regions = vec![
        region((3320, 3362), &wavelength, z, Reason::ExcessFlux, 41.7),
        region((5000, 5003), &wavelength, z, Reason::MissingFlux, -6.2),
    ];
    SpectrumView {
        facts: Facts {
            object_id: "39627652591521181".to_owned().into(),
            targetid: Some(39627652591521181),
            source: "DESI-DR1".to_owned().into(),
            survey: Some("main".to_owned().into()),
            program: Some("bright".to_owned().into()),
            ra: Some(150.116_05),
            dec: Some(-2.205_83),
            z: Some(z),
            zerr: Some(2.1e-5),
            zwarn: Some(4),
            spectype: Some("GALAXY".to_owned().into()),
            deltachi2: Some(1234.5),
            ..Facts::default()
        },
        rank: 1,
        score: 41.7,
        percentile: 99.95,
        anomalous: true,
        reason: "excess flux of 41.7σ at 5594–5617 Å rest frame, where no line is known".to_owned(),
        sn: 9.1,
        flux: flux.iter().map(|v| *v as f32).collect(),
        sigma: sigma.iter().map(|v| *v as f32).collect(),
        valid,
        reconstruction: wavelength.iter().map(|w| model(*w) as f32).collect(),
        residual_sigma: (0..n)
            .map(|i| ((flux[i] - model(wavelength[i])) / sigma[i]) as f32)
            .collect(),
        regions,
        mask_kind: MaskKind::Desi,
        sky: SkyImage::Missing {
            why: "no image of it in the cutout folder".to_owned(),
        },
        wavelength,
    }
}

/// A view of a few pixels with everything else as odd as it may come.
fn odd(values: &[(f64, f32, f32, bool, f32, f32)]) -> SpectrumView {
    let mut wavelength: Vec<f64> = values.iter().map(|v| v.0).collect();
    wavelength.sort_by(f64::total_cmp);
    SpectrumView {
        wavelength,
        flux: values.iter().map(|v| v.1).collect(),
        sigma: values.iter().map(|v| v.2).collect(),
        valid: values.iter().map(|v| v.3).collect(),
        reconstruction: values.iter().map(|v| v.4).collect(),
        residual_sigma: values.iter().map(|v| v.5).collect(),
        regions: Vec::new(),
        ..galaxy()
    }
}

fn sky_image(width: u32, height: u32, color: [u8; 3]) -> SkyImage {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let pixels: Vec<u8> = (0..width * height).flat_map(|_| color).collect();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    SkyImage::Image {
        bytes,
        pixscale: Some(0.262),
        credit: "Legacy Surveys / D. Lang (Perimeter Institute)".to_owned(),
        fiber_diameter: Some(1.5),
    }
}

fn runs(count: usize, epochs: usize) -> Vec<LossRun> {
    (0..count)
        .map(|fold| LossRun {
            name: format!("fold {}", fold + 1),
            epochs: (1..=epochs)
                .map(|epoch| EpochLoss {
                    epoch,
                    train: 1.0 + 5.0 / epoch as f64,
                    validation: (epoch % 2 == 1).then_some(1.2 + 5.0 / epoch as f64),
                    learning_rate: 1e-3 / epoch as f64,
                })
                .collect(),
            best_epoch: (epochs > 0).then_some(epochs),
        })
        .collect()
}

/// Residuals of a sample: noise, sky lines left in, a camera joint, and H alpha drawn too faint.
fn recurring(from: f64, to: f64, count: u64) -> Vec<Recurring> {
    let pixels = ((to - from) / 2.0) as usize;
    let line =
        |w: f64, center: f64, height: f64, width: f64| height * (-0.5 * ((w - center) / width).powi(2)).exp();
    noise(pixels)
        .iter()
        .enumerate()
        .map(|(i, error)| {
            let wavelength = from + 2.0 * i as f64;
            let mean = 0.04 * error
                + line(wavelength, 5578.9, 1.1, 3.0)
                + line(wavelength, 6564.6, -0.7, 6.0)
                + line(wavelength, 8400.0, 0.5, 20.0);
            Recurring {
                wavelength,
                mean,
                scatter: 1.03 + line(wavelength, 7640.0, 0.9, 25.0),
                count,
            }
        })
        .collect()
}

fn recurring_figure(observed: &[Recurring], model: &[Recurring]) -> Figure {
    recurring_residuals(&RecurringResiduals {
        observed,
        model,
        at_rest: true,
        mask_kind: MaskKind::Desi,
    })
}

#[test]
fn the_page_names_the_object_and_what_is_known_of_it() {
    let mut view = galaxy();
    view.facts.object_id = "a<b>&\"c\"".to_owned().into();
    let figure = spectrum(&view);
    let words: Vec<&str> = figure.texts.iter().map(|t| t.content.as_str()).collect();
    let all = words.join("\n");
    for part in [
        "#1 a<b>&\"c\"",
        "GALAXY",
        "z = 0.12000 ± 0.00002",
        "ZWARN 4 (small Δχ²)",
        "S/N 9.1",
        "RA 150.11605°, Dec \u{2212}2.20583°",
        "score 41.70",
        "percentile 99.9",
        "anomalous",
        "excess flux of 41.7σ",
    ] {
        assert!(all.contains(part), "{part:?} is not in {all}");
    }
    assert!(figure::svg(&figure).contains("a&lt;b&gt;&amp;&quot;c&quot;"));
    let labels: Vec<&str> = figure.panels[0]
        .bands
        .iter()
        .filter_map(|b| b.label.as_deref())
        .collect();
    assert_eq!(labels, ["+42σ [O III]", "\u{2212}6.2σ [O III]"]);
    assert!(matches!(&figure.pictures[0].content, PictureContent::Missing(why) if why[1].contains("cutout")));
}

#[test]
fn lines_stand_where_the_redshift_puts_them() {
    let figure = spectrum(&galaxy());
    let main = &figure.panels[0];
    let h_alpha = main.marks.iter().find(|m| m.name == "Hα").unwrap();
    assert!((h_alpha.x - 6564.61 * 1.12).abs() < 1e-9);
    let top = main.top.as_ref().unwrap();
    // the second scale is the first one over 1 + z
    assert!((top.fraction(5000.0) - main.x.fraction(5600.0)).abs() < 1e-12);
    let mut view = galaxy();
    view.facts.z = None;
    let main = &spectrum(&view).panels[0];
    assert!(main.top.is_none() && main.marks.iter().all(|m| m.name.is_empty()));
}

#[test]
fn the_sky_image_is_drawn_where_it_belongs() {
    let view = SpectrumView {
        sky: sky_image(100, 100, [10, 200, 30]),
        ..galaxy()
    };
    let figure = spectrum(&view);
    let (width, _, pixels) = decode(&figure::png(&figure, 1.0).unwrap());
    let rect = figure.pictures[0].rect;
    let (x, y) = (
        (rect.x + rect.width * 0.3) as usize,
        (rect.y + rect.height * 0.3) as usize,
    );
    let at = (y * width as usize + x) * 3;
    assert_eq!(&pixels[at..at + 3], [10, 200, 30]);
}

#[test]
fn the_same_figure_gives_the_same_bytes() {
    let view = SpectrumView {
        sky: sky_image(64, 64, [90, 90, 120]),
        ..galaxy()
    };
    let (one, two) = (spectrum(&view), spectrum(&view.clone()));
    assert_eq!(figure::svg(&one), figure::svg(&two));
    assert_eq!(figure::png(&one, 1.0).unwrap(), figure::png(&two, 1.0).unwrap());
}

#[test]
fn a_page_too_large_is_an_error() {
    let figure = spectrum(&galaxy());
    let error = figure::png(&figure, 100.0).unwrap_err();
    assert!(error.to_string().contains("too large"), "{error}");
}

#[test]
fn a_contact_sheet_has_a_place_for_everyone() {
    let views: Vec<SpectrumView> = (1..=7)
        .map(|rank| SpectrumView {
            rank,
            sky: if rank == 2 {
                galaxy().sky
            } else {
                sky_image(64, 64, [24, 28, 52])
            },
            ..galaxy()
        })
        .collect();
    let sheet = contact_sheet(&views);
    assert_eq!((sheet.panels.len(), sheet.pictures.len()), (7, 7));
    let rects: Vec<Rect> = sheet
        .panels
        .iter()
        .map(|panel| panel.rect)
        .chain(sheet.pictures.iter().map(|picture| picture.rect))
        .collect();
    for (i, a) in rects.iter().enumerate() {
        assert!(
            a.x >= 0.0 && a.right() <= sheet.width && a.bottom() < sheet.height,
            "{a:?}"
        );
        for b in &rects[i + 1..] {
            let apart = a.right() <= b.x || b.right() <= a.x || a.bottom() <= b.y || b.bottom() <= a.y;
            assert!(apart, "{a:?} over {b:?}");
        }
    }
    // Every image's credit is there, once.
    let words: Vec<&str> = sheet.texts.iter().map(|text| text.content.as_str()).collect();
    let SkyImage::Image { credit, .. } = &views[0].sky else {
        panic!("no image")
    };
    assert_eq!(
        words
            .iter()
            .filter(|words| words.contains(credit.as_str()))
            .count(),
        1
    );
    for rank in 1..=7 {
        let name = format!("#{rank} ");
        assert!(words.iter().any(|words| words.starts_with(&name)), "{words:?}");
    }
    // Averaged over pixels, the data keep their level and their gaps.
    let view = galaxy();
    let small = &contact_sheet(std::slice::from_ref(&view)).panels[0];
    let data = &small.series[0];
    assert!(data.y.len() <= 800 && data.y.len() * 10 > view.flux.len() / 2);
    let middle = |values: &mut Vec<f64>| {
        values.retain(|value| value.is_finite());
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let mut whole: Vec<f64> = (0..view.flux.len())
        .filter(|i| view.valid[*i])
        .map(|i| f64::from(view.flux[i]))
        .collect();
    let (binned, whole) = (middle(&mut data.y.clone()), middle(&mut whole));
    assert!((binned / whole - 1.0).abs() < 0.1, "{binned} {whole}");
    assert!(contact_sheet(&[]).panels.is_empty() && png(&contact_sheet(&[]), 1.0).is_ok());
    assert!(
        png(
            &contact_sheet(&[odd(&[]), odd(&[(f64::NAN, 1.0, 0.0, true, f32::NAN, 0.0)])]),
            1.0
        )
        .is_ok()
    );
}

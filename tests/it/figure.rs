//! Figures: nothing cut off, nothing overlapping, no input that breaks them, and a look that stays as it was approved.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use resvg::usvg::{self, fontdb};
use spectriage::anomaly::{Reason, Region};
use spectriage::figure::{
    self, EpochLoss, Figure, LossRun, PictureContent, Rect, SkyImage, SpectrumView, combined, contact_sheet,
    loss, mean_reconstruction_error, png, spectrum,
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
            object_id: "39627652591521181".to_owned(),
            targetid: Some(39627652591521181),
            source: "DESI-DR1".to_owned(),
            survey: Some("main".to_owned()),
            program: Some("bright".to_owned()),
            ra: Some(150.116_05),
            dec: Some(-2.205_83),
            z: Some(z),
            zerr: Some(2.1e-5),
            zwarn: Some(4),
            spectype: Some("GALAXY".to_owned()),
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

fn tree(figure: &Figure) -> usvg::Tree {
    let options = usvg::Options {
        fontdb: FONTS.clone(),
        ..usvg::Options::default()
    };
    usvg::Tree::from_str(&figure::svg(figure), &options).unwrap()
}

/// Every text with the box of its ink, and the boxes of all else.
fn boxes(group: &usvg::Group, texts: &mut Vec<(String, usvg::Rect)>, others: &mut Vec<usvg::Rect>) {
    for node in group.children() {
        match node {
            usvg::Node::Group(group) => boxes(group, texts, others),
            usvg::Node::Text(text) => {
                let content = text.chunks().iter().map(|chunk| chunk.text()).collect();
                texts.push((content, text.flattened().abs_bounding_box()));
            }
            other => others.push(other.abs_bounding_box()),
        }
    }
}

/// What is wrong with the layout of a page: texts or shapes beyond its edge, texts on top of each other.
fn layout_faults(figure: &Figure) -> Vec<String> {
    let (mut texts, mut others) = (Vec::new(), Vec::new());
    boxes(tree(figure).root(), &mut texts, &mut others);
    let page = (figure.width as f32, figure.height as f32);
    let inside = |b: &usvg::Rect| {
        b.left() >= -0.1 && b.top() >= -0.1 && b.right() <= page.0 + 0.1 && b.bottom() <= page.1 + 0.1
    };
    let mut faults: Vec<String> = Vec::new();
    for (content, b) in &texts {
        if !inside(b) {
            faults.push(format!("cut off: {content:?} at {b:?}"));
        }
    }
    faults.extend(
        others
            .iter()
            .filter(|b| !inside(b))
            .map(|b| format!("beyond the page: {b:?}")),
    );
    for (i, (a_text, a)) in texts.iter().enumerate() {
        for (b_text, b) in &texts[i + 1..] {
            let apart = a.right() <= b.left()
                || b.right() <= a.left()
                || a.bottom() <= b.top()
                || b.bottom() <= a.top();
            if !apart {
                faults.push(format!("{a_text:?} over {b_text:?} at {a:?} and {b:?}"));
            }
        }
    }
    faults
}

fn assert_laid_out(name: &str, figure: &Figure) {
    let faults = layout_faults(figure);
    assert!(faults.is_empty(), "{name}:\n{}", faults.join("\n"));
}

#[test]
fn a_fault_in_the_layout_is_found() {
    let mut figure = spectrum(&galaxy());
    let first = figure.texts[0].clone();
    figure.texts.push(first);
    figure.texts[1].x = figure.width + 5.0;
    let faults = layout_faults(&figure).join("\n");
    assert!(
        faults.contains("cut off") && faults.contains(" over "),
        "{faults}"
    );
}

#[test]
fn no_text_is_cut_off_or_covered() {
    let plain = galaxy();
    let mut cases: Vec<(&str, SpectrumView)> = vec![("plain", plain.clone())];
    for z in [-0.002, 0.0, 0.03, 0.3, 0.75, 1.4, 3.2, 6.0] {
        let mut view = plain.clone();
        view.facts.z = Some(z);
        cases.push(("a redshift", view));
    }
    let mut view = plain.clone();
    view.facts = Facts {
        object_id: "x".repeat(300),
        ..Facts::default()
    };
    view.reason = "a reason of many words that goes on and on ".repeat(20);
    view.regions.clear();
    cases.push(("no facts, endless id and reason", view));
    let mut view = plain.clone();
    view.regions = (0..150)
        .map(|i| {
            let reasons = [
                Reason::ExcessFlux,
                Reason::MissingFlux,
                Reason::HighRelativeResidual,
                Reason::RangeMismatch,
            ];
            region(
                (i * 50, i * 50 + 30),
                &view.wavelength,
                0.12,
                reasons[i % 4],
                5.0 + i as f64,
            )
        })
        .collect();
    cases.push(("regions everywhere", view));
    for scale in [1e-12, 1e-4, 3e3, 1e7] {
        let mut view = plain.clone();
        for list in [&mut view.flux, &mut view.sigma, &mut view.reconstruction] {
            list.iter_mut().for_each(|v| *v *= scale);
        }
        cases.push(("odd units", view));
    }
    for sky in [
        sky_image(256, 256, [20, 30, 60]),
        sky_image(400, 80, [200, 200, 200]),
        sky_image(60, 300, [0, 0, 0]),
        SkyImage::Missing {
            why: "the service answered with an error that takes many words to tell, and then some more "
                .repeat(3),
        },
        SkyImage::Missing { why: String::new() },
    ] {
        cases.push(("a sky", SpectrumView { sky, ..plain.clone() }));
    }
    for (name, view) in &cases {
        assert_laid_out(name, &spectrum(view));
    }
    let views: Vec<SpectrumView> = cases.into_iter().map(|(_, view)| view).take(4).collect();
    assert_laid_out("a page", &combined(&views));
}

#[test]
fn the_other_figures_are_laid_out_too() {
    for (folds, epochs) in [
        (1, 40),
        (3, 8),
        (1, 1),
        (1, 3),
        (5, 200),
        (0, 0),
        (1, 0),
        (10, 12),
    ] {
        assert_laid_out("loss", &loss(&runs(folds, epochs)));
    }
    let wavelength: Vec<f64> = (0..7781).map(|i| 3600.0 + 0.8 * f64::from(i)).collect();
    let error: Vec<f64> = noise(7781).iter().map(|e| e * e).collect();
    let tiny: Vec<f64> = error.iter().map(|e| e * 1e-9).collect();
    for (wavelength, error) in [
        (&wavelength[..], &error[..]),
        (&wavelength, &tiny),
        (&[], &[]),
        (&[4000.0], &[0.0]),
    ] {
        assert_laid_out(
            "error",
            &mean_reconstruction_error(wavelength, error, "Observed", "σ²"),
        );
    }
}

#[test]
fn the_page_names_the_object_and_what_is_known_of_it() {
    let mut view = galaxy();
    view.facts.object_id = "a<b>&\"c\"".to_owned();
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_spectrum_breaks_a_figure(
        pixels in prop::collection::vec(
            (
                prop_oneof![6 => 3000.0..11000.0f64, 1 => Just(f64::NAN), 1 => Just(5000.0), 1 => any::<f64>()],
                prop_oneof![6 => -10.0..10.0f32, 1 => any::<f32>(), 1 => Just(f32::NAN), 1 => Just(0.0f32)],
                prop_oneof![6 => 0.0..3.0f32, 1 => any::<f32>()],
                any::<bool>(),
                prop_oneof![6 => -10.0..10.0f32, 1 => any::<f32>(), 1 => Just(f32::NAN)],
                prop_oneof![6 => -10.0..10.0f32, 1 => any::<f32>(), 1 => Just(f32::INFINITY)],
            ),
            0..150,
        ),
        z in prop_oneof![4 => prop::option::of(-0.5..8.0f64), 1 => any::<f64>().prop_map(Some)],
        score: f64,
        start in 0usize..100,
        significance: f64,
        id in ".{0,40}",
        short in any::<bool>(),
    ) {
        let mut view = odd(&pixels);
        view.facts.z = z;
        view.facts.object_id = id;
        view.score = score;
        if short {
            view.reconstruction.truncate(pixels.len() / 2);
            view.valid.pop();
        }
        if start + 1 < view.wavelength.len() {
            let at = (start, view.wavelength.len());
            view.regions = vec![region(at, &view.wavelength, 0.1, Reason::ExcessFlux, significance)];
        }
        let figure = spectrum(&view);
        let (mut texts, mut others) = (Vec::new(), Vec::new());
        boxes(tree(&figure).root(), &mut texts, &mut others);
        prop_assert!(texts.len() > 4);
        let right = others.iter().map(|b| b.right()).fold(0.0, f32::max);
        prop_assert!(right <= figure.width as f32 + 1.0);
        prop_assert!(figure::png(&figure, 0.2).is_ok());
    }

    #[test]
    fn no_series_breaks_the_other_figures(
        values in prop::collection::vec(prop_oneof![4 => 0.0..10.0f64, 1 => any::<f64>(), 1 => Just(f64::NAN)], 0..60),
        best in prop::option::of(0usize..100),
    ) {
        let wavelength: Vec<f64> = (0..values.len()).map(|i| 4000.0 + i as f64).collect();
        let error = mean_reconstruction_error(&wavelength, &values, "Rest-frame", "σ²");
        prop_assert!(figure::png(&error, 0.2).is_ok());
        let epochs = values.iter().enumerate().map(|(i, v)| EpochLoss {
            epoch: i + 1, train: *v, validation: Some(-*v), learning_rate: *v,
        });
        let run = LossRun { name: "one".into(), epochs: epochs.collect(), best_epoch: best };
        prop_assert!(figure::png(&loss(&[run]), 0.2).is_ok());
    }
}

fn decode(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height, pixels)
}

/// Compares a figure with its approved image: at most 0.2 % of the pixels may differ by more than 24 of 255.
///
/// To approve a new look, run with SPECTRIAGE_BLESS=1 and look at what git says has changed.
fn assert_golden(name: &str, figure: &Figure) {
    let approved = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.png"));
    let drawn = figure::png(figure, 1.0).unwrap();
    if std::env::var_os("SPECTRIAGE_BLESS").is_some_and(|v| v == "1") {
        std::fs::write(&approved, &drawn).unwrap();
        return;
    }
    let expected = std::fs::read(&approved)
        .unwrap_or_else(|e| panic!("{}: {e}; make it with SPECTRIAGE_BLESS=1", approved.display()));
    let (expected, drawn) = (decode(&expected), decode(&drawn));
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}_diff.png"));
    assert_eq!(
        (expected.0, expected.1),
        (drawn.0, drawn.1),
        "{name} has another size; if that is meant, run with SPECTRIAGE_BLESS=1"
    );
    let differs = |(a, b): (&[u8], &[u8])| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > 24);
    let pairs = || expected.2.chunks_exact(3).zip(drawn.2.chunks_exact(3));
    let count = pairs().filter(|pair| differs(*pair)).count();
    if count * 500 > (expected.0 * expected.1) as usize {
        // approved pixels faint, those that differ in red
        let diff: Vec<u8> = pairs()
            .flat_map(|(a, b)| {
                if differs((a, b)) {
                    [220, 0, 0]
                } else {
                    [128 + a[0] / 2, 128 + a[1] / 2, 128 + a[2] / 2]
                }
            })
            .collect();
        let mut encoder =
            png::Encoder::new(std::fs::File::create(&temporary).unwrap(), expected.0, expected.1);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_image_data(&diff).unwrap();
        panic!(
            "{name} looks different in {count} pixels: see {}; if that is meant, run with SPECTRIAGE_BLESS=1",
            temporary.display()
        );
    }
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

#[test]
fn figures_look_as_approved() {
    let with_sky = SpectrumView {
        sky: sky_image(256, 256, [24, 28, 52]),
        ..galaxy()
    };
    assert_golden("spectrum", &combined(&[with_sky, galaxy()]));
    assert_golden("loss", &loss(&runs(1, 30)));
    let view = galaxy();
    let error: Vec<f64> = view.residual_sigma.iter().map(|r| f64::from(r * r)).collect();
    assert_golden(
        "mean_reconstruction_error",
        &mean_reconstruction_error(&view.wavelength, &error, "Observed", "σ²"),
    );
}

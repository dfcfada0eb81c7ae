//! Nothing cut off, nothing overlapping.

use super::*;

pub fn tree(figure: &Figure) -> usvg::Tree {
    let options = usvg::Options {
        fontdb: FONTS.clone(),
        ..usvg::Options::default()
    };
    usvg::Tree::from_str(&figure::svg(figure), &options).unwrap()
}

/// Every text with the box of its ink, and the boxes of all else.
pub fn boxes(group: &usvg::Group, texts: &mut Vec<(String, usvg::Rect)>, others: &mut Vec<usvg::Rect>) {
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

pub fn assert_laid_out(name: &str, figure: &Figure) {
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
        object_id: "x".repeat(300).into(),
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
    let (observed, model) = (recurring(3600.0, 9800.0, 600), recurring(3500.0, 7300.0, 600));
    assert_laid_out("recurring", &recurring_figure(&observed, &model));
    assert_laid_out("of few", &recurring_figure(&observed[..1], &[]));
    assert_laid_out("of nothing", &recurring_figure(&[], &[]));
}

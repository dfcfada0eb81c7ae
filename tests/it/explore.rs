//! A spectrum looked at closely: what is in view, in which frame, how high, with which layers.

use proptest::prelude::*;
use spectriage::anomaly::{Reason, Region};
use spectriage::figure::{
    BandKind, FluxScale, LineSet, Look, MarkKind, Panel, Series, SeriesStyle, SkyImage, SpectrumView, explore,
};
use spectriage::spectrum::prepare::Frame;
use spectriage::spectrum::{Facts, MaskKind};

const Z: f64 = 0.2;
const DOTS: usize = 200;

/// A level of 4 with noise of 0.5, one pixel of 500 at 6400 Angstrom, pixels 100 to 199 masked, a model of 4.
fn view() -> SpectrumView {
    let n = 6000;
    let wavelength: Vec<f64> = (0..n).map(|i| 3600.0 + f64::from(i)).collect();
    let mut flux: Vec<f32> = (0..n)
        .map(|i| 4.0 + 0.5 * ((i * 7919 % 101) as f32 / 50.0 - 1.0))
        .collect();
    flux[2800] = 500.0;
    let region = Region {
        start: 2790,
        end: 2810,
        wavelength_min: 6390.0,
        wavelength_max: 6410.0,
        rest_min: 6390.0 / (1.0 + Z),
        rest_max: 6410.0 / (1.0 + Z),
        reason: Reason::ExcessFlux,
        value: 30.0,
        significance: 90.0,
        line: None,
        artifact_fraction: 0.0,
        artifact_probability: None,
    };
    SpectrumView {
        facts: Facts {
            object_id: "7".into(),
            z: Some(Z),
            ..Facts::default()
        },
        rank: 1,
        score: 1.0,
        percentile: 100.0,
        anomalous: true,
        reason: String::new(),
        sn: 8.0,
        sigma: vec![0.5; n as usize],
        valid: (0..n).map(|i| !(100..200).contains(&i)).collect(),
        reconstruction: vec![4.0; n as usize],
        residual_sigma: flux.iter().map(|f| (f - 4.0) / 0.5).collect(),
        regions: vec![region],
        mask_kind: MaskKind::Desi,
        sky: SkyImage::Missing { why: String::new() },
        wavelength,
        flux,
    }
}

fn look() -> Look {
    Look {
        z: Some(Z),
        trend: false,
        ..Look::default()
    }
}

fn series(panel: &Panel, style: SeriesStyle) -> Option<&Series> {
    panel.series.iter().find(|series| series.style == style)
}

fn finite(values: &[f64]) -> impl Iterator<Item = f64> + '_ {
    values.iter().copied().filter(|v| v.is_finite())
}

#[test]
fn the_rest_frame_moves_wavelengths_and_leaves_flux() {
    let observed = explore(&view(), &look(), DOTS).main;
    let rest = explore(
        &view(),
        &Look {
            frame: Frame::Rest,
            ..look()
        },
        DOTS,
    )
    .main;
    assert!((observed.x.min / rest.x.min - 1.2).abs() < 1e-12);
    assert!((observed.x.max / rest.x.max - 1.2).abs() < 1e-12);
    assert_eq!(rest.top.as_ref().map(|top| top.min), Some(observed.x.min));
    assert_eq!(observed.top.as_ref().map(|top| top.min), Some(rest.x.min));
    let [a, b] = [&observed, &rest].map(|panel| {
        let noise = series(panel, SeriesStyle::NoiseBand).unwrap();
        (noise.x[3000], noise.y[3000])
    });
    assert!((a.0 / b.0 - 1.2).abs() < 1e-12 && a.1 == b.1);
    let [a, b] = [&observed, &rest].map(|panel| {
        let band = panel
            .bands
            .iter()
            .find(|band| matches!(band.kind, BandKind::Region(_)));
        band.unwrap().from
    });
    assert!((a - 6390.0).abs() < 1e-9 && (b - 6390.0 / 1.2).abs() < 1e-9);
    let unknown = explore(
        &view(),
        &Look {
            z: None,
            frame: Frame::Rest,
            ..look()
        },
        DOTS,
    );
    assert_eq!((unknown.main.x.min, unknown.main.top), (3600.0, None));
}

#[test]
fn one_pixel_does_not_flatten_the_rest_but_is_not_lost() {
    let shown = |scale, range| {
        explore(
            &view(),
            &Look {
                scale,
                range,
                ..look()
            },
            DOTS,
        )
        .main
    };
    let wide = shown(FluxScale::Auto, None);
    assert!(wide.y.max > 4.5 && wide.y.max < 10.0, "{:?}", wide.y);
    let data = series(&wide, SeriesStyle::Data).unwrap();
    assert_eq!(finite(&data.y).fold(0.0, f64::max), 500.0);
    assert!(shown(FluxScale::All, None).y.max > 500.0);
    // near it, all of it is shown, unless one wants the bulk
    let near = Some((6030.0, 6770.0));
    assert!(shown(FluxScale::Auto, near).y.max > 500.0);
    assert!(shown(FluxScale::Bulk, near).y.max < 10.0);
    let fixed = shown(FluxScale::Fixed { low: -1.0, high: 3.0 }, None);
    assert_eq!((fixed.y.min, fixed.y.max), (-1.0, 3.0));
    let taller = explore(
        &view(),
        &Look {
            taller: 2.0,
            ..look()
        },
        DOTS,
    );
    assert!((taller.main.y.max - taller.main.y.min - (wide.y.max - wide.y.min) / 2.0).abs() < 1e-9);
}

#[test]
fn only_what_is_in_view_is_described() {
    let explored = explore(
        &view(),
        &Look {
            range: Some((5000.0, 5100.0)),
            ..look()
        },
        DOTS,
    );
    assert_eq!((explored.main.x.min, explored.main.x.max), (5000.0, 5100.0));
    for panel in [&explored.main, explored.residual.as_ref().unwrap()] {
        assert_eq!(
            (panel.x.min, panel.x.max),
            (5000.0, 5100.0),
            "the axes are aligned"
        );
        for series in &panel.series {
            assert_eq!(series.x.len(), 103, "101 pixels, and one beyond each end");
        }
        assert!(
            panel
                .bands
                .iter()
                .all(|band| band.to >= 4999.0 && band.from <= 5101.0)
        );
        assert!(panel.marks.iter().all(|mark| (5000.0..=5100.0).contains(&mark.x)));
    }
    assert!(!explored.main.x.labeled && explored.residual.unwrap().x.labeled);
    let beyond = explore(
        &view(),
        &Look {
            range: Some((2000.0, 2100.0)),
            ..look()
        },
        DOTS,
    );
    assert!(beyond.main.note.is_some());
}

#[test]
fn every_layer_can_be_turned_off() {
    let has = |look: &Look, style| series(&explore(&view(), look, DOTS).main, style).is_some();
    let band = |look: &Look, kind: fn(BandKind) -> bool| {
        explore(&view(), look, DOTS)
            .main
            .bands
            .iter()
            .any(|band| kind(band.kind))
    };
    let mut off = look();
    for style in [
        SeriesStyle::Data,
        SeriesStyle::NoiseBand,
        SeriesStyle::Reconstruction,
        SeriesStyle::Masked,
    ] {
        assert!(has(&off, style), "{style:?}");
    }
    let kinds: [fn(BandKind) -> bool; 3] = [
        |kind| matches!(kind, BandKind::Region(_)),
        |kind| kind == BandKind::Masked,
        |kind| kind == BandKind::Telluric,
    ];
    assert!(kinds.iter().all(|kind| band(&off, *kind)));
    off.data = false;
    assert!(!has(&off, SeriesStyle::Data) && !has(&off, SeriesStyle::Masked));
    off.noise = false;
    assert!(!has(&off, SeriesStyle::NoiseBand));
    off.model = false;
    assert!(!has(&off, SeriesStyle::Reconstruction));
    off.regions = false;
    assert!(!band(&off, kinds[0]));
    off.masked = false;
    assert!(!band(&off, kinds[1]));
    off.zones = false;
    assert!(!band(&off, kinds[2]));
    assert!(explore(&view(), &off, DOTS).residual.is_some());
    off.residual = false;
    let explored = explore(&view(), &off, DOTS);
    assert!(explored.residual.is_none() && explored.main.x.labeled);
    assert!(explored.main.bands.is_empty() && explored.main.series.is_empty());
}

#[test]
fn masked_and_sky_pixels_are_told_from_data() {
    let at = |panel: &Panel, style, wavelength: f64| {
        series(panel, style).map_or(f64::NAN, |series| series.y[(wavelength - 3600.0) as usize])
    };
    let main = explore(&view(), &look(), DOTS).main;
    // 3750 is masked, 5578 is the sky's [O I], 4500 is data
    for (wavelength, believed) in [(3750.0, false), (5578.0, false), (4500.0, true)] {
        assert_eq!(
            at(&main, SeriesStyle::Data, wavelength).is_finite(),
            believed,
            "{wavelength}"
        );
        assert_eq!(
            at(&main, SeriesStyle::Masked, wavelength).is_finite(),
            !believed,
            "{wavelength}"
        );
    }
    let plain = explore(
        &view(),
        &Look {
            masked: false,
            zones: false,
            ..look()
        },
        DOTS,
    )
    .main;
    assert!(at(&plain, SeriesStyle::Data, 5578.0).is_finite());
    assert!(
        at(&plain, SeriesStyle::Data, 3750.0).is_nan() && at(&plain, SeriesStyle::Masked, 3750.0).is_nan()
    );
}

#[test]
fn smoothing_brings_out_what_is_broad_and_weak() {
    let mut view = view();
    // half a sigma over forty pixels
    for i in 3980..4020 {
        view.flux[i] = 4.25;
    }
    view.residual_sigma = view.flux.iter().map(|f| (f - 4.0) / 0.5).collect();
    let residual = |smoothing| {
        let look = Look {
            smoothing,
            zones: false,
            ..look()
        };
        explore(&view, &look, DOTS).residual.unwrap().series[0].y[4000]
    };
    assert!((residual(None) - 0.5).abs() < 1e-6);
    // sigma falls by sqrt(2 sqrt(pi) 8) = 5.3 under a Gaussian of 8 pixels, which the bump all but fills
    let smoothed = residual(Some(8.0));
    assert!((2.4..2.75).contains(&smoothed), "{smoothed}");
    let main = explore(
        &view,
        &Look {
            smoothing: Some(8.0),
            ..look()
        },
        DOTS,
    )
    .main;
    assert!(series(&main, SeriesStyle::Data).is_none());
    let data = series(&main, SeriesStyle::Smoothed).unwrap();
    assert!(data.y[150].is_nan(), "gaps are not filled");
    let noise = series(&main, SeriesStyle::NoiseBand).unwrap();
    assert!((0.5 / noise.y[4000] - 5.3).abs() < 0.1, "the noise falls with it");
    // what is in view does not depend on where the view ends
    let part = Look {
        smoothing: Some(8.0),
        range: Some((7600.0, 7700.0)),
        ..look()
    };
    let part = explore(&view, &part, DOTS).main;
    let part = series(&part, SeriesStyle::Reconstruction).unwrap();
    let whole = series(&main, SeriesStyle::Reconstruction).unwrap();
    for (i, y) in part.y.iter().enumerate() {
        assert!((y - whole.y[3999 + i]).abs() < 1e-9);
    }
}

#[test]
fn noisy_data_get_a_trend_where_many_pixels_share_a_column() {
    let mut view = view();
    for (i, flux) in view.flux.iter_mut().enumerate() {
        *flux = 1.0 + if i % 2 == 0 { 0.5 } else { -0.5 };
    }
    let panel = |view: &SpectrumView, range, trend| {
        let look = Look {
            range,
            trend,
            ..look()
        };
        explore(view, &look, DOTS).main
    };
    let wide = panel(&view, None, true);
    assert!(series(&wide, SeriesStyle::Raw).is_some() && series(&wide, SeriesStyle::Data).is_none());
    let trend = &series(&wide, SeriesStyle::Smoothed).unwrap().y;
    assert!(
        trend[150].is_nan() && (trend[3000] - 1.0).abs() < 0.05,
        "{}",
        trend[3000]
    );
    for plain in [
        panel(&view, None, false),
        panel(&view, Some((5000.0, 5300.0)), true),
    ] {
        assert!(
            series(&plain, SeriesStyle::Smoothed).is_none() && series(&plain, SeriesStyle::Data).is_some()
        );
    }
    view.sigma = vec![0.05; 6000];
    let clear = panel(&view, None, true);
    assert!(
        series(&clear, SeriesStyle::Smoothed).is_none(),
        "the data are clear enough"
    );
}

#[test]
fn lines_follow_the_redshift_in_the_order_of_their_importance() {
    let marks = |look: &Look| explore(&view(), look, DOTS).main.marks;
    let first = &marks(&look())[0];
    assert_eq!(first.name, "Hα");
    assert!((first.x - 6564.61 * 1.2).abs() < 1e-9);
    let nudged = marks(&Look {
        z: Some(Z + 1e-3),
        ..look()
    });
    assert!((nudged[0].x - first.x - 6.56461).abs() < 1e-6);
    let rest = marks(&Look {
        z: Some(0.3),
        frame: Frame::Rest,
        sky_lines: true,
        ..look()
    });
    let of = |name: &str| rest.iter().find(|mark| mark.name == name).unwrap().x;
    assert!((of("Hα") - 6564.61).abs() < 1e-9);
    assert!(
        (of("sky Na I") - 5894.6 / 1.3).abs() < 1e-9,
        "the sky does not follow"
    );

    let kinds = |lines| {
        let marks = marks(&Look { lines, ..look() });
        let count = |kind| marks.iter().filter(|mark| mark.kind == kind).count();
        (count(MarkKind::Emission), count(MarkKind::Absorption))
    };
    let (emission, absorption) = (kinds(LineSet::Emission), kinds(LineSet::Absorption));
    assert!(emission.0 > 20 && emission.1 == 0 && absorption.0 == 0 && absorption.1 > 5);
    let all = kinds(LineSet::All);
    assert!(
        all.0 + all.1 > emission.0,
        "more than the lines in emission: {all:?}"
    );
    assert_eq!(kinds(LineSet::None), (0, 0));
    assert!(
        marks(&Look { z: None, ..look() }).is_empty(),
        "no redshift, no lines"
    );
}

proptest! {
    #[test]
    fn no_spectrum_and_no_look_breaks_it(
        pixels in prop::collection::vec((-1e5..1e5f64, any::<f32>(), any::<f32>(), any::<bool>(), any::<f32>()), 0..60),
        (low, high) in (-1e5..1e5f64, -1e5..1e5f64),
        (z, smoothing, taller) in (prop_oneof![-2.0..8.0f64, Just(f64::NAN)], prop::option::of(-1.0..200.0f64), -1.0..5.0f64),
        (which, dots) in (0usize..16, 0usize..500),
    ) {
        let mut odd = view();
        odd.wavelength = pixels.iter().map(|p| p.0).collect();
        odd.wavelength.sort_by(f64::total_cmp);
        odd.flux = pixels.iter().map(|p| p.1).collect();
        odd.sigma = pixels.iter().map(|p| p.2).take(40).collect();
        odd.valid = pixels.iter().map(|p| p.3).collect();
        odd.reconstruction = pixels.iter().map(|p| p.4).collect();
        odd.residual_sigma = odd.flux.clone();
        let look = Look {
            z: Some(z),
            smoothing,
            taller,
            range: (which % 2 == 0).then_some((low.min(high), low.max(high) + 1.0)),
            frame: if which % 4 < 2 { Frame::Rest } else { Frame::Observed },
            scale: [FluxScale::Auto, FluxScale::Bulk, FluxScale::All, FluxScale::Fixed { low, high }][which / 4],
            ..Look::default()
        };
        let explored = explore(&odd, &look, dots);
        for panel in std::iter::once(&explored.main).chain(&explored.residual) {
            prop_assert!(panel.x.min < panel.x.max && panel.y.min < panel.y.max, "{:?} {:?}", panel.x, panel.y);
            for series in &panel.series {
                prop_assert_eq!(series.x.len(), series.y.len());
            }
        }
    }
}

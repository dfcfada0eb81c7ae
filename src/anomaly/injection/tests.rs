use super::*;

const PIXELS: usize = 4000;

/// A galaxy-like model with H alpha, seen at z = 0.1 with S/N 20 a pixel; `others` beside it.
struct Galaxy {
    flux: Vec<f32>,
    ivar: Vec<f32>,
    model: Vec<f32>,
    observed: Vec<f64>,
    artifact: Vec<bool>,
}

fn galaxy() -> Galaxy {
    let mut draw = Draw::new(5, 0);
    let rest: Vec<f64> = (0..PIXELS).map(|i| 10f64.powf(3.56 + 1e-4 * i as f64)).collect();
    let model: Vec<f32> = rest
        .iter()
        .map(|rest| {
            let line = |center: f64, peak: f64| peak * (-0.5 * ((rest - center) / 3.0).powi(2)).exp();
            (1.0 + 0.2 * (rest / 5000.0 - 1.0) + line(6564.6, 1.5) + line(5008.2, 0.8)) as f32
        })
        .collect();
    Galaxy {
        flux: model.iter().map(|m| m + 0.05 * draw.normal() as f32).collect(),
        ivar: (0..PIXELS).map(|i| if i < 50 { 0.0 } else { 400.0 }).collect(),
        artifact: (0..PIXELS).map(|i| i % 10 == 0).collect(),
        observed: rest.iter().map(|rest| 1.1 * rest).collect(),
        model,
    }
}

fn injected(kind: Injection, seed: u64) -> Option<Injected> {
    let galaxy = galaxy();
    let residual = Residual {
        flux: &galaxy.flux,
        ivar: &galaxy.ivar,
        reconstruction: &galaxy.model,
        observed: &galaxy.observed,
        artifact: &galaxy.artifact,
        z: 0.1,
    };
    inject(kind, &residual, &galaxy.model, seed)
}

#[test]
fn every_kind_changes_the_spectrum_and_leaves_what_is_not_measured() {
    let galaxy = galaxy();
    for kind in Injection::ALL {
        let changed = (0..8).filter_map(|seed| injected(kind, seed)).collect::<Vec<_>>();
        assert!(
            changed.len() >= 4,
            "{kind:?} was planted {} of 8 times",
            changed.len()
        );
        for injected in changed {
            assert_eq!((injected.flux.len(), injected.ivar.len()), (PIXELS, PIXELS));
            assert!(injected.flux.iter().all(|flux| flux.is_finite()), "{kind:?}");
            assert!(injected.ivar.iter().all(|ivar| *ivar >= 0.0 && ivar.is_finite()));
            assert_ne!(injected.flux, galaxy.flux, "{kind:?}");
            assert_eq!(injected.moved == 0, kind != Injection::WrongRedshift);
            if injected.moved == 0 {
                assert!(injected.ivar[..50].iter().all(|ivar| *ivar == 0.0));
                assert_eq!(injected.flux[..50], galaxy.flux[..50], "{kind:?}");
            }
        }
    }
}

#[test]
fn the_same_seed_plants_the_same() {
    for kind in Injection::ALL {
        assert_eq!(injected(kind, 3), injected(kind, 3));
    }
    assert_ne!(injected(Injection::Bump, 3), injected(Injection::Bump, 4));
}

#[test]
fn a_line_is_as_visible_as_was_asked_for() {
    // Unit weights: 400 and the certainty of 5 % of a continuum of 1 make 1 / (0.0025 + 0.0025) = 200.
    let galaxy = galaxy();
    for seed in 0..10 {
        let Some(injected) = injected(Injection::CosmicRay, seed) else {
            continue;
        };
        let square: f64 = injected
            .flux
            .iter()
            .zip(&galaxy.flux)
            .map(|(new, old)| 200.0 * f64::from(new - old).powi(2))
            .sum();
        let least = Injection::CosmicRay.least();
        assert!(
            (0.8 * least..1.2 * RANGE * least).contains(&square.sqrt()),
            "{}",
            square.sqrt()
        );
    }
}

#[test]
fn gas_leaves_some_of_the_light() {
    let galaxy = galaxy();
    let planted: Vec<Injected> = (0..30)
        .filter_map(|seed| injected(Injection::Absorption, seed))
        .collect();
    let left = |one: &Injected| {
        let pixels = one.flux.iter().zip(&galaxy.flux).zip(&galaxy.model);
        let removed = pixels.map(|((new, old), model)| (old - new) / model);
        1.0 - removed.fold(0.0, f32::max)
    };
    assert!(planted.len() > 15, "{}", planted.len());
    assert!(planted.iter().all(|one| left(one) > 0.05));
    assert!(
        planted.iter().any(|one| left(one) < 0.5),
        "deep ones are among them"
    );
}

#[test]
fn another_redshift_moves_every_pixel_alike() {
    let galaxy = galaxy();
    let injected = injected(Injection::WrongRedshift, 1).unwrap();
    let from = (2000 - injected.moved) as usize;
    assert_eq!(injected.flux[2000], galaxy.flux[from]);
}

#[test]
fn nothing_is_planted_where_nothing_is_measured() {
    let galaxy = galaxy();
    let residual = Residual {
        flux: &galaxy.flux,
        ivar: &[0.0; PIXELS],
        reconstruction: &galaxy.model,
        observed: &galaxy.observed,
        artifact: &galaxy.artifact,
        z: 0.1,
    };
    for kind in Injection::ALL {
        assert_eq!(inject(kind, &residual, &galaxy.model, 1), None);
    }
}

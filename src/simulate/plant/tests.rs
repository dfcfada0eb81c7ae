use super::*;
use crate::simulate::Simulation;
use crate::simulate::degrade;

/// Bright galaxies, and the same with the noise of shorter exposures.
fn galaxies() -> Vec<Spectrum> {
    let survey = Simulation {
        seed: 5,
        count: 24,
        anomaly_fraction: 0.0,
        r_min: 14.0,
        r_max: 15.5,
    };
    survey.spectra().map(|(spectrum, _)| spectrum).collect()
}

fn planted(kind: PlantKind, range: (f64, f64), galaxies: &[Spectrum]) -> Vec<(Spectrum, Spectrum, Planted)> {
    (0..galaxies.len())
        .filter_map(|i| {
            let spectrum = degrade(&galaxies[i], 15.0, 1, i as u64);
            let site = Site {
                spectrum: &spectrum,
                clean: &galaxies[i],
                others: galaxies,
            };
            let (changed, planted) = plant(kind, site, range, 7, i as u64)?;
            Some((spectrum, changed, planted))
        })
        .collect()
}

/// What a planted change amounts to, measured from the spectra themselves: their difference against the noise and the continuum.
fn measured(kind: PlantKind, before: &Spectrum, after: &Spectrum, clean: &Spectrum) -> f64 {
    let ground = Ground::new(before, clean).unwrap();
    let change: Vec<f64> = (0..before.len())
        .map(|i| f64::from(after.flux[i]) - f64::from(before.flux[i]))
        .collect();
    ground.visibility(&change, shape(kind))
}

#[test]
fn every_kind_can_be_planted_and_has_the_visibility_asked_for() {
    let galaxies = galaxies();
    for kind in PlantKind::ALL {
        let all = planted(kind, (20.0, 60.0), &galaxies);
        assert!(!all.is_empty(), "{kind}");
        for (before, after, planted) in all {
            assert_eq!(planted.kind, kind);
            assert!(
                (19.0..60.1).contains(&planted.visibility),
                "{kind}: {}",
                planted.visibility
            );
            let clean = galaxies
                .iter()
                .find(|galaxy| galaxy.facts.object_id == before.facts.object_id)
                .unwrap();
            let found = measured(kind, &before, &after, clean);
            match kind {
                PlantKind::WrongRedshift => assert_eq!(before.flux, after.flux),
                // Noise is scaled, emptied or drawn anew with the flux, which adds to the difference.
                PlantKind::ContinuumBump | PlantKind::FluxStep | PlantKind::WrongSlope => {
                    assert!(
                        (found / planted.visibility - 1.0).abs() < 0.25,
                        "{kind}: {found} {planted:?}"
                    );
                }
                PlantKind::StarLight | PlantKind::QuasarLight | PlantKind::DeadRegion => {
                    assert!(found > 0.8 * planted.visibility, "{kind}: {found} {planted:?}");
                }
                _ => assert!(
                    (found / planted.visibility - 1.0).abs() < 1e-3,
                    "{kind}: {found} {planted:?}"
                ),
            }
        }
    }
}

#[test]
fn what_is_not_concerned_stays_bit_by_bit() {
    let galaxies = galaxies();
    for kind in PlantKind::ALL {
        for (before, after, planted) in planted(kind, (15.0, 40.0), &galaxies) {
            let (low, high) = (planted.wavelength_min - 1.0, planted.wavelength_max + 1.0);
            for i in 0..before.len() {
                if !(low..=high).contains(&before.grid.at(i)) && before.is_valid(i) {
                    assert_eq!(before.flux[i].to_bits(), after.flux[i].to_bits(), "{kind} at {i}");
                    assert_eq!(before.ivar[i].to_bits(), after.ivar[i].to_bits(), "{kind} at {i}");
                }
                assert_eq!(before.is_valid(i), after.is_valid(i), "{kind} at {i}");
            }
            let mut facts = after.facts.clone();
            if kind == PlantKind::WrongRedshift {
                assert_ne!(facts.z, before.facts.z);
                assert_eq!(planted.z_second, before.facts.z);
                facts.z = before.facts.z;
            }
            assert_eq!(facts, before.facts, "{kind}");
            assert_eq!((&after.grid, &after.mask), (&before.grid, &before.mask));
        }
    }
}

#[test]
fn the_same_seed_plants_the_same() {
    let galaxies = galaxies();
    for kind in PlantKind::ALL {
        let once = planted(kind, (15.0, 40.0), &galaxies);
        let again = planted(kind, (15.0, 40.0), &galaxies);
        assert!(
            once.iter().zip(&again).all(|(a, b)| a.1 == b.1 && a.2 == b.2),
            "{kind}"
        );
    }
}

#[test]
fn noise_stays_what_ivar_says_where_light_takes_the_place_of_other_light() {
    /// Median of the squared differences of neighbors in units of their noise: the same wherever the noise is white and ivar true, lines or not.
    fn roughness(spectrum: &Spectrum) -> f64 {
        let mut squares: Vec<f64> = (0..spectrum.len() - 1)
            .filter(|i| spectrum.is_valid(*i) && spectrum.is_valid(i + 1))
            .map(|i| {
                let difference = f64::from(spectrum.flux[i + 1] - spectrum.flux[i]);
                let variance = 1.0 / f64::from(spectrum.ivar[i]) + 1.0 / f64::from(spectrum.ivar[i + 1]);
                difference * difference / variance
            })
            .collect();
        let middle = squares.len() / 2;
        *squares.select_nth_unstable_by(middle, f64::total_cmp).1
    }
    let galaxies = galaxies();
    let mut seen = 0;
    for kind in [PlantKind::StarLight, PlantKind::QuasarLight] {
        for (before, after, _) in planted(kind, (60.0, 400.0), &galaxies) {
            assert!((roughness(&after) / roughness(&before) - 1.0).abs() < 0.15);
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen}");
}

#[test]
fn what_cannot_carry_it_is_left_alone() {
    let galaxies = galaxies();
    let mut blank = galaxies[0].clone();
    blank.ivar.fill(0.0);
    let mut unknown = galaxies[0].clone();
    unknown.facts.z = None;
    for spectrum in [&blank, &unknown] {
        let site = Site {
            spectrum,
            clean: spectrum,
            others: &galaxies,
        };
        for kind in PlantKind::ALL {
            assert!(plant(kind, site, (10.0, 20.0), 1, 1).is_none(), "{kind}");
        }
    }
}

#[test]
fn names_are_those_of_the_files() {
    for kind in PlantKind::ALL {
        assert_eq!(PlantKind::of(kind.name()), Some(kind));
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
    }
}

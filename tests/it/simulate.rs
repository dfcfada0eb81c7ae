//! The simulated survey: repeatable, physical, with the noise it claims and the anomalies it says.

use std::collections::HashSet;

use spectriage::simulate::{
    AnomalyKind, EmissionLine, GalaxyType, Portrait, Simulated, Simulation, Truth, portrait,
};
use spectriage::spectrum::{MaskKind, Spectrum, WavelengthGrid, artifact_zone};

fn simulation(anomaly_fraction: f64) -> Simulation {
    Simulation {
        seed: 11,
        count: 100,
        anomaly_fraction,
        ..Simulation::default()
    }
}

fn wavelength(pixel: usize) -> f64 {
    WavelengthGrid::DESI.at(pixel)
}

#[test]
fn a_spectrum_depends_on_seed_and_index_alone() {
    let small = Simulation {
        count: 5,
        ..simulation(0.3)
    };
    let large = Simulation {
        count: 5_000_000,
        ..small.clone()
    };
    let wanted = [3u64, 0, 977, 4_999_999];
    // In any order and on any thread.
    let threaded: Vec<(Spectrum, Truth)> = std::thread::scope(|scope| {
        let handles: Vec<_> = wanted
            .iter()
            .rev()
            .map(|i| scope.spawn(|| large.spectrum(*i)))
            .collect();
        handles.into_iter().rev().map(|h| h.join().unwrap()).collect()
    });
    for (index, expected) in wanted.into_iter().zip(threaded) {
        assert_eq!(small.spectrum(index), expected, "index {index}");
    }
    let other_seed = Simulation {
        seed: 12,
        ..small.clone()
    };
    assert_ne!(small.spectrum(3).0.flux, other_seed.spectrum(3).0.flux);
    assert_ne!(small.spectrum(3).0.flux, small.spectrum(4).0.flux);
    assert_eq!(small.spectra().count(), 5);
}

/// Calzetti et al. 2000, written here a second time so that the simulation's own is not its own judge: A/E(B-V).
fn calzetti(micron: f64) -> f64 {
    2.659
        * if micron >= 0.63 {
            -1.857 + 1.040 / micron
        } else {
            -2.156 + 1.509 / micron - 0.198 / micron.powi(2) + 0.011 / micron.powi(3)
        }
        + 4.05
}

fn dust_free(lines: &[EmissionLine], rest: f64, ebv: f64) -> f64 {
    let line = lines
        .iter()
        .find(|line| (line.rest - rest).abs() < 0.1)
        .expect("the line is there");
    line.flux * 10f64.powf(0.4 * ebv * calzetti(line.rest * 1e-4))
}

#[test]
fn line_ratios_are_those_of_atomic_physics() {
    let simulation = simulation(0.0);
    let mut bpt = Vec::new();
    for index in 0..60 {
        let simulated = simulation.simulate(index);
        let flux = |rest| dust_free(&simulated.lines, rest, simulated.line_ebv);
        let (ha, hb) = (flux(6564.61), flux(4862.68));
        assert!((ha / hb - 2.86).abs() < 0.01);
        assert!((flux(4341.68) / hb - 0.469).abs() < 0.01);
        assert!((flux(5008.24) / flux(4960.30) - 2.98).abs() < 0.01);
        assert!((flux(6585.27) / flux(6549.86) - 3.05).abs() < 0.01);
        // Between the limits of low and high density.
        let (s2, o2) = (flux(6718.29) / flux(6732.67), flux(3729.88) / flux(3727.09));
        assert!((0.43..1.46).contains(&s2) && (0.37..1.47).contains(&o2));
        let (n2, o3) = ((flux(6585.27) / ha).log10(), (flux(5008.24) / hb).log10());
        assert!((n2 - simulated.truth.log_n2).abs() < 0.01 && (o3 - simulated.truth.log_o3).abs() < 0.01);
        bpt.push((n2, o3));
        if simulated.truth.galaxy_type == spectriage::simulate::GalaxyType::Starburst {
            // Below the maximum starburst line of Kewley et al. 2001, give or take the scatter.
            assert!(o3 < 0.61 / (n2 - 0.47) + 1.19 + 0.3, "{n2} {o3}");
        }
    }
    // Not one locus: both branches of the BPT diagram are there.
    assert!(bpt.iter().any(|(n2, _)| *n2 > 0.0) && bpt.iter().any(|(n2, _)| *n2 < -0.4));
}

#[test]
fn lines_stand_in_the_flux_where_and_as_strong_as_the_list_says() {
    let simulation = simulation(0.0);
    let mut tested = 0;
    for index in 0..200 {
        let simulated = simulation.simulate(index);
        if simulated.truth.ew_halpha < 30.0 || simulated.truth.z_true > 0.45 {
            continue;
        }
        let z = simulated.truth.z_true;
        // The sum above a straight continuum beside the line, in windows narrow enough to hold nothing else.
        let measured = |rest: f64| {
            let window = |low: f64, high: f64| -> Vec<f64> {
                (0..7781)
                    .filter(|i| (low..high).contains(&(wavelength(*i) / (1.0 + z))))
                    .map(|i| f64::from(simulated.expected[i]))
                    .collect()
            };
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            let (left, line, right) = (
                window(rest - 24.0, rest - 14.0),
                window(rest - 12.0, rest + 12.0),
                window(rest + 14.0, rest + 24.0),
            );
            let continuum = 0.5 * (mean(&left) + mean(&right));
            line.iter().map(|f| f - continuum).sum::<f64>() * 0.8
        };
        let ratio = measured(5008.24) / measured(4960.30);
        let listed = simulated
            .lines
            .iter()
            .find(|l| (l.rest - 5008.24).abs() < 0.1)
            .unwrap();
        let flux = listed.flux * simulated.line_scale * (1.0 + z);
        let share = measured(5008.24) / flux;
        if simulated.truth.log_o3 > 0.2 {
            assert!((2.5..3.5).contains(&ratio), "index {index}: {ratio}");
            // What is missing is the Milky Way's dust and the color term of the calibration.
            assert!((0.6..1.25).contains(&share), "index {index}: {share}");
            tested += 1;
        }
    }
    assert!(tested >= 5, "only {tested} strong [O III] emitters");
}

/// Pixels with a measurement that no sky line, overlap or telluric band touches.
fn quiet(spectrum: &Spectrum, pixel: usize) -> bool {
    spectrum.is_valid(pixel) && artifact_zone(wavelength(pixel), MaskKind::Desi).is_none()
}

#[test]
fn noise_has_the_variance_that_ivar_claims() {
    let simulation = simulation(0.0);
    // b, r, z and the strong sky lines.
    let mut sums = [(0.0, 0.0, 0.0, 0.0); 4];
    for index in 0..60 {
        let Simulated {
            spectrum, expected, ..
        } = simulation.simulate(index);
        for (pixel, expected) in expected.iter().enumerate() {
            if !spectrum.is_valid(pixel) {
                continue;
            }
            let pull = f64::from((spectrum.flux[pixel] - expected) * spectrum.ivar[pixel].sqrt());
            let class = match wavelength(pixel) {
                w if !quiet(&spectrum, pixel) && w > 7700.0 => 3,
                w if w < 5760.0 => 0,
                w if w < 7620.0 => 1,
                _ => 2,
            };
            let sum = &mut sums[class];
            *sum = (
                sum.0 + 1.0,
                sum.1 + pull,
                sum.2 + pull * pull,
                sum.3 + pull.powi(4),
            );
        }
    }
    for (class, (n, first, second, fourth)) in sums.into_iter().enumerate() {
        let (mean, variance) = (first / n, second / n);
        assert!(mean.abs() < 0.02, "class {class}: mean {mean}");
        // Sky lines leave residuals of about 1 %, for which the pipeline's ivar makes room on average.
        let tolerance = if class == 3 { 0.06 } else { 0.02 };
        assert!(
            (variance - 1.0).abs() < tolerance,
            "class {class}: variance {variance}"
        );
        if class < 3 {
            let kurtosis = fourth / n / (variance * variance);
            assert!(
                (kurtosis - 3.0).abs() < 0.15,
                "class {class}: kurtosis {kurtosis}"
            );
        }
    }
}

#[test]
fn noise_follows_wavelength_as_in_desi() {
    let simulation = simulation(0.0);
    let (spectrum, _) = simulation.spectrum(2);
    let median = |low: f64, high: f64| {
        let mut sigma: Vec<f64> = (0..spectrum.len())
            .filter(|i| (low..high).contains(&wavelength(*i)) && spectrum.ivar[*i] > 0.0)
            .map(|i| f64::from(spectrum.ivar[i]).powf(-0.5))
            .collect();
        sigma.sort_by(f64::total_cmp);
        sigma[sigma.len() / 2]
    };
    let red = median(6650.0, 6750.0);
    // Ratios of sigma in public DESI coadds of faint targets: 12 at 3650 and 3.8 at 4000 for 1000 s, more where read noise counts.
    assert!((8.0..25.0).contains(&(median(3630.0, 3670.0) / red)));
    assert!((2.5..6.5).contains(&(median(3980.0, 4020.0) / red)));
    // The dichroic: worse just redward of 5800 than on either side.
    assert!(median(5805.0, 5815.0) > 1.5 * median(5730.0, 5750.0));
    assert!(median(5805.0, 5815.0) > 1.5 * median(5950.0, 6000.0));
    // On a strong OH line against beside it.
    assert!(median(8429.5, 8435.5) > 2.0 * median(8570.0, 8590.0));
}

#[test]
fn signal_to_noise_redshift_and_brightness_are_those_of_the_bright_galaxy_survey() {
    let simulation = simulation(0.0);
    let mut sn = Vec::new();
    let mut z = Vec::new();
    let mut bright = (0.0, 0.0);
    let mut faint = (0.0, 0.0);
    let mut masked = 0;
    for index in 0..200 {
        let (spectrum, truth) = simulation.spectrum(index);
        let facts = &spectrum.facts;
        sn.push(f64::from(facts.sn.unwrap()));
        z.push(facts.z.unwrap());
        let class = if truth.r_mag < 18.5 {
            &mut bright
        } else {
            &mut faint
        };
        *class = (class.0 + 1.0, class.1 + truth.sn);
        assert!((15.0..20.2).contains(&truth.r_mag) && truth.r_fiber_mag > truth.r_mag);
        assert!((facts.z.unwrap() - truth.z_true).abs() < 8.0 * facts.zerr.unwrap());
        // r in the catalog is dimmed by the Milky Way, about 2.5 E(B-V).
        let r = 22.5 - 2.5 * f64::from(facts.flux_r.unwrap()).log10();
        let extinction = r - truth.r_mag;
        assert!(
            (extinction - 2.5 * f64::from(facts.ebv.unwrap())).abs() < 0.1,
            "{extinction}"
        );
        if facts.zwarn != Some(0) {
            assert!(truth.sn < 2.5, "a warning at S/N {}", truth.sn);
        }
        assert!((0.0..360.0).contains(&facts.ra.unwrap()) && (-90.0..90.0).contains(&facts.dec.unwrap()));
        assert_eq!((spectrum.flux.len(), spectrum.ivar.len()), (7781, 7781));
        assert!(spectrum.flux.iter().chain(&spectrum.ivar).all(|v| v.is_finite()));
        let mask = spectrum.mask.as_ref().unwrap();
        for (bits, ivar) in mask.iter().zip(&spectrum.ivar) {
            assert_eq!(*bits != 0, *ivar == 0.0);
            masked += usize::from(*bits != 0);
        }
    }
    let median = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    assert!((2.0..6.0).contains(&median(&mut sn)), "{}", sn[100]);
    assert!((0.15..0.28).contains(&median(&mut z)), "{}", z[100]);
    assert!(z[0] >= 0.009 && z[199] <= 0.61);
    assert!(bright.1 / bright.0 > 2.0 * faint.1 / faint.0);
    let share = masked as f64 / (200.0 * 7781.0);
    assert!((0.002..0.006).contains(&share), "{share}");
}

#[test]
fn identities_are_unique_positive_and_exact() {
    let simulation = simulation(0.1);
    let mut seen = HashSet::new();
    for index in (0..40).chain([1 << 22, (1 << 22) + 1, 1 << 30]) {
        let (spectrum, truth) = simulation.spectrum(index);
        let id = spectrum.facts.targetid.unwrap();
        assert!(id > 1 << 53, "beyond what a double can hold");
        // DESI's layout: objid in bits 0-21, brickid 22-41, release 42-57, mock 58, sky and Gaia bits unset.
        assert_eq!(
            (id & 0x3F_FFFF, id >> 22 & 0xF_FFFF, id >> 42 & 0xFFFF, id >> 58),
            (index as i64 & 0x3F_FFFF, index as i64 >> 22, 11, 1)
        );
        assert_eq!(spectrum.facts.object_id, id.to_string());
        assert_eq!((truth.targetid, truth.index), (id, index));
        assert!(seen.insert(id));
    }
}

#[test]
fn ordinary_spectra_are_untouched_and_the_share_planted_is_the_one_asked_for() {
    let simulation = simulation(0.08);
    let planted: Vec<u64> = (0..600).filter(|i| simulation.planted(*i).is_some()).collect();
    assert_eq!(planted.len(), 48);
    for index in (0..600).filter(|i| !planted.contains(i)).take(20) {
        let simulated = simulation.simulate(index);
        assert_eq!(simulated.truth.kind, None);
        assert_eq!(simulated.truth.strength, None);
        assert_eq!(simulated.expected, simulated.ordinary);
        assert!(simulated.artifact.iter().all(|change| *change == 0.0));
    }
}

#[test]
fn every_kind_of_anomaly_changes_the_spectrum_where_the_truth_says() {
    let simulation = simulation(1.0);
    let mut seen = HashSet::new();
    let mut significance = Vec::new();
    for index in 0..78 {
        let simulated = simulation.simulate(index);
        let Simulated { spectrum, truth, .. } = &simulated;
        let kind = truth.kind.expect("all are anomalous");
        seen.insert(kind);
        assert_eq!(simulation.planted(index), Some(kind));
        assert_eq!(truth.artifact, Some(kind.is_artifact()));
        let (low, high) = (truth.wavelength_min.unwrap(), truth.wavelength_max.unwrap());
        assert!(
            3600.0 <= low && low < high && high <= 9824.1,
            "{kind} {low} {high}"
        );
        assert!(truth.strength.unwrap() > 0.0, "{kind} {:?}", truth.strength);
        significance.push(truth.significance.unwrap());
        let weight = |i: usize| {
            let change = f64::from(simulated.expected[i] - simulated.ordinary[i] + simulated.artifact[i]);
            change * change * f64::from(spectrum.ivar[i])
        };
        let inside = |i: usize| (low - 0.5..=high + 0.5).contains(&wavelength(i));
        let total: f64 = (0..7781).map(weight).sum();
        let within: f64 = (0..7781).filter(|i| inside(*i)).map(weight).sum();
        let facts = &spectrum.facts;
        assert_eq!(facts.spectype.as_deref(), Some("GALAXY"));
        if kind == AnomalyKind::WrongRedshift {
            assert_eq!(total, 0.0);
            assert!((facts.z.unwrap() - truth.z_true).abs() > 0.009);
            continue;
        }
        assert!(within > 0.95 * total && total > 0.0, "{kind} {within} of {total}");
        assert!((total.sqrt() / truth.significance.unwrap() - 1.0).abs() < 1e-3);
        match kind {
            AnomalyKind::StarAsGalaxy => assert!(truth.z_true.abs() < 0.002 && facts.z.unwrap() > 0.005),
            AnomalyKind::QuasarAsGalaxy => assert!(truth.z_true > 0.7 && facts.z.unwrap() < 0.62),
            AnomalyKind::Blend | AnomalyKind::LensedEmission => {
                assert!((truth.z_second.unwrap() - truth.z_true).abs() > 0.005);
            }
            AnomalyKind::CosmicRay => {
                let peak = (0..7781)
                    .max_by(|a, b| weight(*a).total_cmp(&weight(*b)))
                    .unwrap();
                assert!(spectrum.is_valid(peak), "the hit is not masked");
                assert!(high - low < 80.0);
            }
            AnomalyKind::DeadRegion => {
                let dead: Vec<usize> = (0..7781).filter(|i| inside(*i)).collect();
                let valid = dead.iter().filter(|i| spectrum.is_valid(**i)).count();
                assert!(valid * 10 > dead.len() * 8);
                assert!(
                    dead[2..dead.len() - 2]
                        .iter()
                        .filter(|i| spectrum.is_valid(**i))
                        .all(|i| spectrum.flux[*i] == 0.0)
                );
            }
            AnomalyKind::DoublePeakedLines => {
                assert_eq!(
                    simulated
                        .lines
                        .iter()
                        .filter(|l| (l.rest - 5008.24).abs() < 0.1)
                        .count(),
                    2
                );
            }
            _ => {}
        }
    }
    assert_eq!(seen.len(), AnomalyKind::ALL.len());
    // From hardly visible to obvious.
    significance.sort_by(f64::total_cmp);
    assert!(
        significance[5] < 15.0 && significance[70] > 80.0,
        "{significance:?}"
    );
}

#[test]
fn the_truth_is_a_csv_row() {
    let simulation = simulation(0.5);
    let truths: Vec<Truth> = (0..12).map(|i| simulation.spectrum(i).1).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    truths.iter().for_each(|truth| writer.serialize(truth).unwrap());
    let bytes = writer.into_inner().unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.starts_with("index,object_id,targetid,kind,artifact,strength,significance,"));
    let back: Vec<Truth> = csv::Reader::from_reader(bytes.as_slice())
        .deserialize()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(back, truths);
    for kind in AnomalyKind::ALL {
        assert_eq!(
            serde_json::to_string(&kind).unwrap(),
            format!("\"{}\"", kind.name())
        );
        assert!(!kind.strength_meaning().is_empty());
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    assert!(Simulation::default().validate().is_ok());
    for fraction in [-0.1, 1.1, f64::NAN] {
        assert!(simulation(fraction).validate().is_err());
    }
    let reversed = Simulation {
        r_min: 20.0,
        r_max: 16.0,
        ..Simulation::default()
    };
    assert!(reversed.validate().is_err());
    assert!(serde_json::from_str::<Simulation>(r#"{"seeds": 3}"#).is_err());
    assert_eq!(
        serde_json::from_str::<Simulation>(r#"{"seed": 3}"#).unwrap().seed,
        3
    );
}

/// Mean of the colors of the pixels within `radius` arcseconds of a place east and north of the middle.
fn color(picture: &Portrait, scale: f64, (east, north): (f64, f64), radius: f64) -> [f64; 3] {
    let n = picture.pixels as usize;
    let (mut sums, mut count) = ([0.0; 3], 0.0);
    for y in 0..n {
        for x in 0..n {
            let middle = n as f64 / 2.0 - 0.5;
            let (dx, dy) = (
                (middle - x as f64) * scale - east,
                (middle - y as f64) * scale - north,
            );
            if dx.hypot(dy) < radius {
                let pixel = &picture.rgb[3 * (y * n + x)..][..3];
                (0..3).for_each(|i| sums[i] += f64::from(pixel[i]));
                count += 1.0;
            }
        }
    }
    sums.map(|sum| sum / count)
}

#[test]
fn the_picture_of_an_object_is_its_own_and_shows_what_its_spectrum_was_made_with() {
    let simulation = Simulation::default();
    let at = |index: u64| simulation.simulate(index);
    let first = portrait(&at(3), 0.262, 64);
    assert_eq!(first, portrait(&at(3), 0.262, 64), "always the same");
    assert_ne!(first, portrait(&at(4), 0.262, 64));
    let other = Simulation {
        seed: 2,
        ..simulation.clone()
    };
    assert_ne!(first, portrait(&other.simulate(3), 0.262, 64));
    assert_eq!(first.rgb.len(), 3 * 64 * 64);

    let sum = |color: [f64; 3]| color.iter().sum::<f64>();
    let of = |index: u64| {
        let picture = portrait(&at(index), 0.262, 128);
        let corner = color(&picture, 0.262, (-12.0, -12.0), 1.5);
        (color(&picture, 0.262, (0.0, 0.0), 0.8), corner)
    };
    let ordinary: Vec<Truth> = (0..120)
        .map(|index| at(index).truth)
        .filter(|truth| truth.kind.is_none())
        .collect();
    let brightest = ordinary
        .iter()
        .min_by(|a, b| a.r_fiber_mag.total_cmp(&b.r_fiber_mag))
        .unwrap();
    let faintest = ordinary
        .iter()
        .max_by(|a, b| a.r_fiber_mag.total_cmp(&b.r_fiber_mag))
        .unwrap();
    assert!(sum(of(brightest.index).0) > sum(of(faintest.index).0) + 60.0);
    // Old stars are red, young ones blue: red over blue in the middle.
    let redness = |kind: GalaxyType| {
        let colors = ordinary
            .iter()
            .filter(|truth| truth.galaxy_type == kind)
            .map(|truth| of(truth.index).0);
        let ratios: Vec<f64> = colors.map(|color| color[0] / color[2]).collect();
        ratios.iter().sum::<f64>() / ratios.len() as f64
    };
    let (old, young) = (redness(GalaxyType::Quiescent), redness(GalaxyType::StarForming));
    assert!(old > 1.2 * young, "{old} {young}");
    // A sky without light is the surveys' dark gray.
    let gray = sum(of(faintest.index).1) / 3.0;
    assert!((20.0..60.0).contains(&gray), "{gray}");
}

#[test]
fn every_picture_says_that_it_is_simulated() {
    for pixels in [64, 128, 300] {
        let picture = portrait(&Simulation::default().simulate(0), 0.262, pixels);
        let lit = |x: u32, y: u32| {
            picture.rgb[3 * (y * pixels + x) as usize..][..3]
                .iter()
                .all(|value| *value >= 150)
        };
        let dot = (pixels / 128).max(1);
        // The first letter's top row is .#### and the last one's ####. ; nine letters of six dots.
        let row = |letter: u32| -> Vec<bool> {
            (0..5)
                .map(|column| lit((3 + 6 * letter + column) * dot, 3 * dot))
                .collect()
        };
        assert_eq!(row(0), [false, true, true, true, true], "{pixels}");
        assert_eq!(row(8), [true, true, true, true, false], "{pixels}");
    }
}

#[test]
fn a_target_id_tells_seed_and_number() {
    let simulation = Simulation {
        seed: 70_001,
        ..Simulation::default()
    };
    let id = simulation.spectrum(12_345).0.facts.targetid.unwrap();
    assert_eq!(simulation.index_of(id), Some(12_345));
    assert_eq!(Simulation::with_seed_of(id).seed, 70_001 & 0xFFFF);
    assert_eq!(Simulation::default().index_of(id), None, "another seed");
    assert_eq!(
        simulation.index_of(39_627_652_591_521_181),
        None,
        "an observed one"
    );
    assert_eq!(simulation.index_of(-1), None);
}

use super::*;
use crate::anomaly::SignificanceSettings;
use crate::anomaly::draw::Draw;

const PIXELS: usize = 600;

struct Sky {
    flux: Vec<f32>,
    ivar: Vec<f32>,
    artifact: Vec<bool>,
}

impl Sky {
    fn new(seed: u64) -> Self {
        let mut draw = Draw::new(seed, 1);
        Self {
            flux: (0..PIXELS).map(|_| 1.0 + 0.05 * draw.normal() as f32).collect(),
            ivar: vec![400.0; PIXELS],
            artifact: vec![false; PIXELS],
        }
    }

    fn facts(&self, regions: &[GridRegion]) -> Vec<RegionFacts> {
        let observed: Vec<f64> = (0..PIXELS)
            .map(|i| 5000.0 * 10f64.powf(1e-4 * i as f64))
            .collect();
        let residual = Residual {
            flux: &self.flux,
            ivar: &self.ivar,
            reconstruction: &[1.0; PIXELS],
            observed: &observed,
            artifact: &self.artifact,
            z: 0.0,
        };
        let errors = ErrorModel::neutral(PIXELS, &SignificanceSettings::default());
        region_facts(&residual, &errors, regions)
    }
}

fn region(start: usize, end: usize, reason: Reason, line: Option<&'static str>) -> GridRegion {
    let at = |pixel: usize| 5000.0 * 10f64.powf(1e-4 * pixel as f64);
    GridRegion {
        start,
        end,
        wavelength_min: at(start),
        wavelength_max: at(end - 1),
        rest_min: at(start),
        rest_max: at(end - 1),
        reason,
        value: 5.0,
        significance: 20.0,
        calibrated: 10.0,
        line,
        artifact_fraction: 0.0,
    }
}

fn fact(facts: &RegionFacts, name: &str) -> f64 {
    let place = FACTS.iter().position(|fact| *fact == name).unwrap();
    f64::from(facts.0[place])
}

#[test]
fn facts_are_what_their_names_say() {
    let mut sky = Sky::new(1);
    sky.flux[100] += 3.0;
    (-6i32..7).for_each(|i| {
        sky.flux[(200 + i) as usize] += 2.0 * (-0.5 * (f64::from(i) / 2.0).powi(2)).exp() as f32
    });
    sky.flux[300..340].fill(0.0);
    sky.artifact[395..405].fill(true);
    sky.ivar[450] = 0.0;
    sky.ivar[500..520].fill(25.0);
    let regions = [
        region(100, 101, Reason::ExcessFlux, None),
        region(196, 205, Reason::ExcessFlux, Some("H alpha")),
        region(300, 340, Reason::MissingFlux, None),
        region(400, 550, Reason::ExcessFlux, None),
        region(448, 453, Reason::MissingFlux, Some("Na D")),
        region(500, 520, Reason::ExcessFlux, None),
        region(596, 600, Reason::ExcessFlux, None),
    ];
    let facts = sky.facts(&regions);
    assert!(
        fact(&facts[0], "sharp") > 0.9 && fact(&facts[1], "sharp") < 0.3,
        "{facts:?}"
    );
    assert!(fact(&facts[0], "ragged") > fact(&facts[1], "ragged"));
    assert_eq!(
        (fact(&facts[1], "line"), fact(&facts[1], "line_missing")),
        (1.0, 0.0)
    );
    assert_eq!(
        (fact(&facts[4], "line"), fact(&facts[4], "line_missing")),
        (1.0, 1.0)
    );
    assert!(fact(&facts[2], "dark") > 0.95 && fact(&facts[1], "dark") == 0.0);
    assert_eq!(
        (fact(&facts[3], "prone_end"), fact(&facts[1], "prone_end")),
        (1.0, 0.0)
    );
    assert!(fact(&facts[3], "prone") < 0.1);
    assert_eq!((fact(&facts[4], "gap"), fact(&facts[1], "gap")), (1.0, 0.0));
    // A fourth of the root of the ivar: four times the noise, ln 4 = 1.39.
    assert!(
        (fact(&facts[5], "noisier") - 1.386).abs() < 0.01,
        "{}",
        fact(&facts[5], "noisier")
    );
    assert!(fact(&facts[6], "end") == 1.0 && fact(&facts[1], "end") < 1e-3);
    assert!((fact(&facts[0], "others_lined") - 2.0 / 7.0).abs() < 1e-6);
    assert!((fact(&facts[1], "others_lined") - 1.0 / 7.0).abs() < 1e-6);
    assert!(sky.facts(&[]).is_empty());
}

#[test]
fn a_spectrum_without_a_valid_pixel_has_facts_without_news() {
    let mut sky = Sky::new(1);
    sky.ivar.fill(0.0);
    let facts = sky.facts(&[region(10, 20, Reason::ExcessFlux, None)]);
    assert!(facts[0].0.iter().all(|fact| *fact == 0.0));
}

/// One pixel high where an artifact was planted, a line where none was.
fn planted(count: usize) -> Vec<Planted> {
    (0..count)
        .map(|i| {
            let (artifact, mut sky) = (i % 2 == 0, Sky::new(i as u64));
            let at = 100 + 3 * (i % 100);
            let found = if artifact {
                sky.flux[at] += 2.0;
                region(at, at + 1, Reason::ExcessFlux, None)
            } else {
                (-6i32..7).for_each(|k| {
                    sky.flux[(at as i32 + k) as usize] += (-0.5 * (f64::from(k) / 2.0).powi(2)).exp() as f32;
                });
                region(at - 4, at + 5, Reason::ExcessFlux, None)
            };
            let facts = sky.facts(std::slice::from_ref(&found));
            Planted {
                artifact,
                regions: appeared(&[found], &facts, &[]),
            }
        })
        .collect()
}

#[test]
fn the_rule_knows_a_spike_from_a_line_and_says_by_what() {
    let origins = Origins::learn(&planted(200)).unwrap();
    for one in planted(260).iter().skip(200) {
        let p = probability(origins.log_odds(&one.regions[0].facts));
        assert_eq!(p > 0.5, one.artifact, "{p}");
    }
    let weight = |name: &str| origins.weights()[FACTS.iter().position(|fact| *fact == name).unwrap()];
    assert!(weight("sharp") > 0.0 && weight("width") < 0.0);
    assert_eq!(weight("dark"), 0.0, "what no planted region has says nothing");
    assert!(Origins::learn(&planted(60)).is_none(), "too few");
}

#[test]
fn regions_of_the_original_are_nobodys() {
    let old = [region(100, 110, Reason::ExcessFlux, None)];
    let new = [
        region(102, 112, Reason::ExcessFlux, None),
        region(102, 112, Reason::MissingFlux, None),
        region(300, 310, Reason::ExcessFlux, None),
    ];
    let facts = Sky::new(1).facts(&new);
    assert_eq!(appeared(&new, &facts, &old).len(), 2);
}

#[test]
fn what_recurs_at_one_observed_wavelength_raises_the_odds() {
    // 200 galaxies with a line each at another observed wavelength; 40 of them have a residual at 7000 A besides.
    let regions: Vec<Vec<GridRegion>> = (0..200)
        .map(|i| {
            let at = |from: f64| GridRegion {
                wavelength_min: from,
                wavelength_max: from + 12.0,
                ..region(10, 20, Reason::ExcessFlux, None)
            };
            let line = at(5000.0 + 15.0 * f64::from(i));
            if i % 5 == 0 {
                vec![line, at(7001.0)]
            } else {
                vec![line]
            }
        })
        .collect();
    let spectra = regions.iter().map(|regions| ((4000.0, 9000.0), regions.iter()));
    let recurrence = Recurrence::of(spectra);
    assert!(
        recurrence.log_odds(7003.0, 7008.0) > 2.0,
        "{}",
        recurrence.log_odds(7003.0, 7008.0)
    );
    assert_eq!(recurrence.log_odds(6003.0, 6008.0), 0.0);
    assert_eq!(
        recurrence.log_odds(6900.0, 7400.0),
        0.0,
        "a wide one is no feature of a place"
    );
    assert_eq!(recurrence.log_odds(200.0, 210.0), 0.0);
    let nobody: Vec<((f64, f64), std::slice::Iter<GridRegion>)> = Vec::new();
    assert_eq!(Recurrence::of(nobody.into_iter()).log_odds(7000.0, 7010.0), 0.0);
}

//! What one spectrum costs in the steps of a job beside the networks: preparing it, drawing it into a batch, measuring it, and putting it on paper.
//!
//! `cargo bench --bench steps`. Simulated spectra of DESI's 7781 pixels on the default rest-frame grid; rates are spectra a second, on one thread.

use std::sync::LazyLock;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use spectriage::anomaly::window::{WindowSettings, windows};
use spectriage::anomaly::{ErrorModel, Evidence, Hypotheses, Residual, SignificanceSettings};
use spectriage::figure::{self, SkyImage, SpectrumView};
use spectriage::model::{Architecture, Draws, Pca, Sample, TrainingSettings};
use spectriage::simulate::Simulation;
use spectriage::spectrum::prepare::{Frame, Normalization, Preparation, Prepared};
use spectriage::spectrum::{Spectrum, WavelengthGrid};

/// Spectra that there are.
const COUNT: usize = 64;
/// Components that stand in for a network.
const LATENT: usize = 10;

fn preparation() -> Preparation {
    Preparation {
        frame: Frame::Rest,
        min_wavelength: None,
        normalization: Normalization::default(),
        grid: WavelengthGrid::Log10 {
            start: 3.45,
            step: 1e-4,
            n: 5200,
        },
    }
}

static SPECTRA: LazyLock<Vec<Spectrum>> = LazyLock::new(|| {
    let simulation = Simulation {
        seed: 1,
        count: COUNT as u64,
        ..Simulation::default()
    };
    simulation.spectra().map(|(spectrum, _)| spectrum).collect()
});

static PREPARED: LazyLock<Vec<Prepared>> = LazyLock::new(|| {
    let preparation = preparation();
    let edges = preparation.edges();
    let prepare = |spectrum| preparation.prepare(spectrum, &edges);
    SPECTRA.iter().map(prepare).collect()
});

static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let mut sample = Sample::new(preparation().grid.len());
    for prepared in PREPARED.iter() {
        sample.push(&prepared.flux, &prepared.ivar);
    }
    sample
});

static COMPONENTS: LazyLock<Pca> = LazyLock::new(|| Pca::fit(&SAMPLE, LATENT, 0.02));

/// Latent vectors and reconstructions by the components.
static DRAWN: LazyLock<Vec<(Vec<f32>, Vec<f32>)>> = LazyLock::new(|| {
    let drawn = |prepared: &Prepared| COMPONENTS.reconstruct(&prepared.flux, &prepared.ivar, 0.02);
    PREPARED.iter().map(drawn).collect()
});

static OBSERVED: LazyLock<Vec<Vec<f64>>> = LazyLock::new(|| {
    let grid = preparation().grid.wavelengths();
    let observed = |prepared: &Prepared| grid.iter().map(|rest| rest * prepared.stretch).collect();
    PREPARED.iter().map(observed).collect()
});

fn residual(place: usize) -> Residual<'static> {
    let prepared = &PREPARED[place];
    Residual {
        flux: &prepared.flux,
        ivar: &prepared.ivar,
        reconstruction: &DRAWN[place].1,
        observed: &OBSERVED[place],
        artifact: &prepared.artifact,
        z: prepared.facts.z.unwrap_or(0.0),
    }
}

/// Runs `work` on one spectrum after the other.
fn each<T>(bencher: Bencher, mut work: impl FnMut(usize) -> T) {
    let mut places = (0..COUNT).cycle();
    bencher
        .counter(ItemsCount::new(1usize))
        .bench_local(move || work(black_box(places.next().unwrap_or(0))));
}

fn main() {
    // Made before the clock runs.
    assert_eq!(
        (SPECTRA.len(), DRAWN.len(), OBSERVED.len()),
        (COUNT, COUNT, COUNT)
    );
    divan::main();
}

#[divan::bench]
fn simulate(bencher: Bencher) {
    let simulation = Simulation {
        count: u64::MAX,
        ..Simulation::default()
    };
    let mut spectra = simulation.spectra();
    each(bencher, |_| spectra.next());
}

#[divan::bench]
fn prepare(bencher: Bencher) {
    let preparation = preparation();
    let edges = preparation.edges();
    each(bencher, |place| preparation.prepare(&SPECTRA[place], &edges));
}

/// Chosen, noise added, blocks hidden.
#[divan::bench(args = [8, 32, 256])]
fn batch(bencher: Bencher, size: usize) {
    let settings = TrainingSettings {
        batch_size: size,
        ..TrainingSettings::default()
    };
    let draws = Draws {
        settings: &settings,
        architecture: Architecture::Bottleneck,
        seed: 1,
    };
    // As many as a batch asks for, the same ones again and again.
    let order: Vec<usize> = draws
        .order(COUNT, 0)
        .into_iter()
        .cycle()
        .take(size.max(COUNT))
        .collect();
    bencher
        .counter(ItemsCount::new(size))
        .bench_local(|| draws.batch(&*SAMPLE, black_box(&order), 0, 0));
}

#[divan::bench]
fn window_rule(bencher: Bencher) {
    let settings = WindowSettings::default();
    each(bencher, |place| windows(&residual(place), &settings));
}

#[divan::bench]
fn significance(bencher: Bencher) {
    let settings = SignificanceSettings::default();
    let errors = ErrorModel::neutral(SAMPLE.pixels, &settings);
    each(bencher, |place| {
        let residual = residual(place);
        Evidence::measure(
            &residual,
            &errors.correct(&residual),
            &DRAWN[place].0,
            0,
            &settings,
        )
    });
}

#[divan::bench]
fn significance_and_hypotheses(bencher: Bencher) {
    let settings = SignificanceSettings::default();
    let errors = ErrorModel::neutral(SAMPLE.pixels, &settings);
    let hypotheses = Hypotheses::new(&preparation().grid.wavelengths());
    each(bencher, |place| {
        let residual = residual(place);
        let corrected = errors.correct(&residual);
        Evidence::measure(&residual, &corrected, &DRAWN[place].0, 0, &settings).with_hypotheses(
            &hypotheses,
            &residual,
            &corrected,
            &COMPONENTS.components,
        )
    });
}

fn view(place: usize) -> SpectrumView {
    let spectrum = &SPECTRA[place];
    let sigma: Vec<f32> = spectrum.ivar.iter().map(|ivar| 1.0 / ivar.sqrt()).collect();
    let mean = spectrum.flux.iter().sum::<f32>() / spectrum.len() as f32;
    SpectrumView {
        facts: spectrum.facts.clone(),
        rank: 1 + place as u64,
        score: 9.0,
        percentile: 99.0,
        anomalous: true,
        reason: "excess flux".into(),
        sn: 5.0,
        wavelength: spectrum.grid.wavelengths(),
        valid: (0..spectrum.len())
            .map(|pixel| spectrum.is_valid(pixel))
            .collect(),
        reconstruction: vec![mean; spectrum.len()],
        residual_sigma: spectrum
            .flux
            .iter()
            .zip(&sigma)
            .map(|(flux, sigma)| (flux - mean) / sigma)
            .collect(),
        regions: Vec::new(),
        mask_kind: spectrum.mask_kind,
        sky: SkyImage::Missing {
            why: "none was looked for".into(),
        },
        flux: spectrum.flux.clone(),
        sigma,
    }
}

#[divan::bench]
fn figure_as_svg(bencher: Bencher) {
    let view = view(0);
    bencher.bench_local(|| figure::svg(&figure::spectrum(black_box(&view))));
}

#[divan::bench(sample_count = 20)]
fn figure_as_png(bencher: Bencher) {
    let view = view(0);
    bencher.bench_local(|| figure::png(&figure::spectrum(black_box(&view)), figure::DEFAULT_SCALE));
}

#[divan::bench(sample_count = 5)]
fn eight_spectra_as_png(bencher: Bencher) {
    let views: Vec<SpectrumView> = (0..8).map(view).collect();
    bencher.bench_local(|| figure::png(&figure::combined(black_box(&views)), figure::DEFAULT_SCALE));
}

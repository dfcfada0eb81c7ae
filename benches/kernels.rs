//! What the kernels of the processor take: one layer in each direction, and whole batches of the original's network.
//!
//!     cargo bench --bench kernels
//!
//! Throughput is in multiply-adds; `spectriage benchmark speed` prints the limit of the machine beside them.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use spectriage::model::native::{Convolution, Finish, InstructionSet, Skip, Truth, Window};

fn main() {
    divan::main();
}

const PIXELS: usize = 7281;
/// The second layer of the original's network: 42 % of its work, as is the one that mirrors it.
const LAYER: Window = Window {
    coarse: 32,
    fine: 64,
    kernel: 3,
    stride: 2,
    padding: 1,
};
const POSITIONS: usize = 1821;

fn values(count: usize) -> Vec<f32> {
    (0..count).map(|i| (0.7 * i as f32).sin() * 0.1).collect()
}

fn layer() -> (Convolution, Vec<f32>, Vec<f32>) {
    let mut convolution = Convolution::new(LAYER);
    convolution.set(&values(LAYER.weights()));
    let (fine, coarse) = ((2 * POSITIONS + 2) * LAYER.fine, (POSITIONS + 2) * LAYER.coarse);
    (convolution, values(fine), values(coarse))
}

fn work() -> ItemsCount {
    ItemsCount::new(LAYER.weights() * POSITIONS)
}

#[divan::bench(args = InstructionSet::available(), min_time = 0.5)]
fn convolution(bencher: Bencher, set: &InstructionSet) {
    let (layer, fine, coarse) = layer();
    let (bias, mut out) = (values(LAYER.coarse), coarse);
    bencher.counter(work()).bench_local(|| {
        layer.gather(
            *set,
            black_box(&fine),
            POSITIONS,
            Finish::Relu { bias: &bias },
            &mut out,
        );
    });
}

#[divan::bench(args = InstructionSet::available(), min_time = 0.5)]
fn transposed_convolution(bencher: Bencher, set: &InstructionSet) {
    let (layer, fine, coarse) = layer();
    let (bias, mut out) = (values(LAYER.fine), fine);
    bencher.counter(work()).bench_local(|| {
        let finish = Finish::Relu { bias: &bias };
        layer.scatter(*set, black_box(&coarse), 1, 2 * POSITIONS, finish, &mut out);
    });
}

#[divan::bench(args = InstructionSet::available(), min_time = 0.5)]
fn gradient_of_weights(bencher: Bencher, set: &InstructionSet) {
    let (layer, fine, coarse) = layer();
    let mut gradient = vec![0.0; LAYER.weights()];
    bencher.counter(work()).bench_local(|| {
        layer.correlate(*set, black_box(&fine), &coarse, POSITIONS, &mut gradient);
    });
}

fn network(set: InstructionSet) -> Skip {
    let shapes = [
        (192, 64),
        (6144, 32),
        (1536, 16),
        (1536, 32),
        (6144, 64),
        (192, 1),
    ];
    let layers = shapes.map(|(weights, biases)| (values(weights), values(biases)));
    Skip::new(
        set,
        &layers
            .each_ref()
            .map(|(weights, biases)| (&weights[..], &biases[..])),
    )
}

const BATCHES: [usize; 3] = [1, 8, 32];

#[divan::bench(args = BATCHES, min_time = 0.5)]
fn skip_loss_and_gradient(bencher: Bencher, batch: usize) {
    let network = network(InstructionSet::best());
    let (flux, ivar) = (values(batch * PIXELS), vec![25.0; batch * PIXELS]);
    let truth = Truth {
        flux: &flux,
        ivar: &ivar,
        error_floor: 0.02,
        limit: f32::INFINITY,
        strange: f64::INFINITY,
    };
    bencher
        .counter(ItemsCount::new(batch))
        .bench_local(|| network.loss(black_box(&flux), truth, PIXELS));
}

#[divan::bench(args = BATCHES, min_time = 0.5)]
fn skip_reconstruct(bencher: Bencher, batch: usize) {
    let network = network(InstructionSet::best());
    let flux = values(batch * PIXELS);
    bencher
        .counter(ItemsCount::new(batch))
        .bench_local(|| network.reconstruct(black_box(&flux), PIXELS));
}

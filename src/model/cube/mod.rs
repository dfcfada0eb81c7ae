//! The networks on GPUs with kernels of their own, forward and backward, written once for CUDA and Vulkan.
//!
//! burn's operations cost a launch each, a hundred and more a step, and its gradients of these small convolutions are far from what a GPU can do. Here a step is two
//! dozen kernels one after the other: weights, gradients, Adam's moments and the loss stay on the GPU, as does what is different from step to step ([`agenda`]), so that a step is
//! recorded once and run again, and the host waits for nothing but the losses of steps some time ago. burn keeps the record: [`Learner`] begins with a burn network and optimizer, and gives them back when a checkpoint or the rest
//! of the program wants them.
//!
//! Feature maps are kept position by position, `[spectra, positions, channels]`, as on the processor (`model/native`), whose mathematics this is. Large batches are worked
//! out some spectra at a time. Sums over spectra and positions are divided into a fixed number of parts, so that the same seed gives the same bytes.

mod agenda;
mod bottleneck;
mod engine;
mod gather;
mod held;
mod layout;
mod learner;
mod loss;
mod outer;
mod pixels;
mod product;
mod record;
mod scatter;
mod skip;
mod small;
mod staging;
#[cfg(test)]
mod tests;
mod tile;
mod update;

use std::ops::Range;

use burn::cubecl;
use burn::tensor::Bytes;
use cubecl::client::Client;
use cubecl::prelude::*;
use cubecl::server::Handle;

pub(super) use engine::Engine;
pub(super) use held::Held;
pub(super) use learner::{Learner, Snapshot};
pub(super) use record::Moment;
use staging::Staging;

/// Four neighboring channels or parameters: what a unit reads and writes at once.
type Quad = Vector<f32, Const<4>>;

/// Parts into which sums over spectra and positions are divided, whatever the batch, so that they are the same every time.
const PARTS: usize = 264;

/// A GPU that work is sent to.
#[derive(Clone)]
struct Room {
    client: Client,
    staging: Staging,
    /// For arguments that a kernel does not use.
    spare: Buffer,
}

/// Numbers on the GPU.
#[derive(Debug, Clone)]
struct Buffer {
    handle: Handle,
    /// Number of float32.
    len: usize,
}

/// The weights of a network, as the kernels read them.
#[derive(Debug, Clone)]
struct Weights {
    parameters: Buffer,
    /// The weights of convolutions again, in another order.
    mirror: Buffer,
    /// What is not trained.
    fixed: Buffer,
}

/// Spectra on the GPU, and what the encoder is shown of them. Shapes: `[spectra, pixels]`.
#[derive(Debug, Clone)]
struct Batch {
    spectra: usize,
    pixels: usize,
    flux: Buffer,
    ivar: Buffer,
    shown_flux: Buffer,
    shown_ivar: Buffer,
}

/// Where gradients and losses go.
#[derive(Debug, Clone)]
struct Gradients {
    all: Buffer,
    /// `[PARTS, small]`, of the first parameters
    parts: Buffer,
    small: usize,
    losses: Buffer,
    /// The place of the first of these spectra among the losses.
    first: usize,
    terms: loss::Terms,
    /// To add to what other spectra of the batch have left.
    add: bool,
}

impl Room {
    fn new(client: Client) -> Self {
        let spare = Buffer {
            handle: client.empty(16),
            len: 4,
        };
        Self {
            staging: Staging::of(&client),
            client,
            spare,
        }
    }

    /// Room for numbers that a kernel will write.
    fn empty(&self, len: usize) -> Buffer {
        let len = len.next_multiple_of(4).max(4);
        Buffer {
            handle: self.client.empty(len * size_of::<f32>()),
            len,
        }
    }

    fn upload(&self, mut numbers: Vec<f32>) -> Buffer {
        numbers.resize(numbers.len().next_multiple_of(4).max(4), 0.0);
        let len = numbers.len();
        Buffer {
            handle: self.client.create(Bytes::from_elems(numbers)),
            len,
        }
    }

    /// Spectra of a sample: flux, ivar.
    fn upload_spectra(&self, (flux, ivar): (&[f32], &[f32])) -> (Buffer, Buffer) {
        let (to_flux, to_ivar) = (self.empty(flux.len()), self.empty(ivar.len()));
        self.staging
            .send(&self.client, &[(&to_flux.handle, flux), (&to_ivar.handle, ivar)]);
        (to_flux, to_ivar)
    }

    fn upload_words(&self, words: Vec<u32>) -> Buffer {
        let len = words.len();
        Buffer {
            handle: self.client.create(Bytes::from_elems(words)),
            len,
        }
    }

    /// Numbers to the beginning of a buffer, after all work that was sent before.
    fn write(&self, buffer: &Buffer, numbers: Vec<f32>) {
        self.client.write(&buffer.handle, Bytes::from_elems(numbers));
    }

    fn write_words(&self, buffer: &Buffer, words: Vec<u32>) {
        self.client.write(&buffer.handle, Bytes::from_elems(words));
    }

    /// Waits for all work on them. Panics if the GPU is gone.
    fn read(&self, buffer: &Buffer) -> Vec<f32> {
        let bytes = self
            .client
            .read_one(buffer.handle.clone())
            .expect("the GPU answers");
        numbers(&bytes).collect()
    }
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = f32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|word| f32::from_ne_bytes(*word))
}

impl Batch {
    /// Room for the first of them.
    fn of(&self, spectra: usize) -> Self {
        Self {
            spectra,
            ..self.clone()
        }
    }
}

impl Buffer {
    /// The first of them, to be read.
    fn first(&self, len: usize) -> Handle {
        self.part(0..len)
    }

    /// Some of them, to be read.
    fn part(&self, range: Range<usize>) -> Handle {
        let bytes = |numbers: usize| (numbers * size_of::<f32>()) as u64;
        let handle = self.handle.clone().offset_start(bytes(range.start));
        handle.offset_end(bytes(self.len - range.end))
    }

    /// Some of them.
    fn slice(&self, range: Range<usize>) -> Self {
        Self {
            len: range.len(),
            handle: self.part(range),
        }
    }

    /// As an argument of a kernel that reads quads.
    #[allow(unsafe_code)]
    fn quads(&self) -> BufferArg {
        // SAFETY: the handle was made for `len` numbers, and every kernel is launched in the mode that checks bounds.
        unsafe { BufferArg::from_raw_parts(self.handle.clone(), self.len / 4) }
    }

    /// As an argument of a kernel that reads single numbers.
    #[allow(unsafe_code)]
    fn numbers(&self) -> BufferArg {
        // SAFETY: as above.
        unsafe { BufferArg::from_raw_parts(self.handle.clone(), self.len) }
    }
}

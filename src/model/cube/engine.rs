//! A network that is ready to compute on a GPU.

use std::mem::MaybeUninit;

use burn::cubecl;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Bytes, Tensor};
use cubecl::client::Client;
use cubecl::server::{Handle, ServerError};

use super::bottleneck::{self, Bottleneck};
use super::held::Held;
use super::layout::Layout;
use super::loss::{Drawing, Terms, compare, paint};
use super::skip::{self, Skip};
use super::small::FEATURES;
use super::{Batch, Buffer, Gradients, Room, Weights, numbers, staging};
use crate::model::native::Truth;
use crate::model::{Network, Sample};

/// The weights of a network on a GPU, and room for its maps.
pub(in super::super) struct Engine {
    pub(super) room: Room,
    pub(super) net: Net,
    pub(super) layout: Layout,
    pub(super) weights: Weights,
    maps: Option<(usize, usize, Maps)>,
}

#[derive(Debug, Clone)]
pub(super) enum Net {
    Skip(Skip),
    Bottleneck(Bottleneck, usize),
}

#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "a network has one of them")]
pub(super) enum Maps {
    Skip(skip::Maps),
    Bottleneck(bottleneck::Maps),
}

/// Spectra whose way to the GPU and back is beside the work on others. On an H100 the bottleneck was slower with 64 and with 256.
const PIECE: usize = 128;

/// Length of the vector that stands for the original network's coarsest map.
const SKIP_LATENT: usize = 16;

/// The values of a network's parameters, in the order of burn's visit.
struct Values {
    trained: Vec<Vec<f32>>,
    fixed: Vec<Vec<f32>>,
    dims: Vec<Vec<usize>>,
}

impl Values {
    fn of(network: &Network) -> Self {
        let mut values = Self {
            trained: Vec::new(),
            fixed: Vec::new(),
            dims: Vec::new(),
        };
        network.visit(&mut values);
        values
    }
}

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        // Components, mean and typical ivar are told by their order, since a network for inference asks for no gradients at all.
        self.dims.push(tensor.dims().to_vec());
        let data = tensor.inner().into_data();
        self.trained
            .push(data.try_into_vec().expect("weights are float32"));
    }
}

/// Places of the bottleneck's components, mean and typical ivar in burn's visit; they are not trained.
pub(super) const FIXED: [usize; 3] = [10, 15, 16];

impl Engine {
    /// A network on the GPU that `client` leads to.
    pub fn of(network: &Network, client: Client) -> Self {
        let room = Room::new(client);
        let mut values = Values::of(network);
        let mut layout = Layout::default();
        let (net, fixed) = match network {
            Network::Skip(_) => (Net::Skip(Skip::new(&mut layout)), Vec::new()),
            Network::Bottleneck(_) => {
                let (latent, pixels) = (values.dims[FIXED[0]][0], values.dims[FIXED[0]][1]);
                let hidden = values.dims[12][1];
                for place in FIXED.into_iter().rev() {
                    values.fixed.insert(0, values.trained.remove(place));
                }
                let bottleneck = Bottleneck::new(&mut layout, pixels, latent, hidden);
                let [components, mean, typical] = &values.fixed[..] else {
                    unreachable!("three parameters are fixed")
                };
                let fixed = bottleneck.fixed(components, mean, typical[0]);
                (Net::Bottleneck(bottleneck, latent), fixed)
            }
        };
        let packed = layout.pack(&values.trained);
        let weights = Weights {
            mirror: room.upload(layout.mirrored(&packed)),
            parameters: room.upload(packed),
            fixed: room.upload(fixed),
        };
        Self {
            room,
            net,
            layout,
            weights,
            maps: None,
        }
    }

    /// Spectra that are worked out at once: enough for every unit of a large GPU, few enough for the memory of a small one, whose
    /// buffers may not be able to have more than 128 MB.
    pub(super) fn at_once(&self) -> usize {
        match self.net {
            Net::Skip(_) => 128,
            Net::Bottleneck(..) => 1024,
        }
    }

    /// Spectra of a sample, uploaded; `shown` is what the encoder is shown, where that is not the same.
    pub(super) fn upload(
        &self,
        (flux, ivar): (&[f32], &[f32]),
        pixels: usize,
        shown: Option<(&[f32], &[f32])>,
    ) -> Batch {
        let spectra = flux.len() / pixels;
        let (flux, ivar) = self.room.upload_spectra((flux, ivar));
        let (shown_flux, shown_ivar) = match shown {
            Some(shown) => self.room.upload_spectra(shown),
            None => (flux.clone(), ivar.clone()),
        };
        Batch {
            spectra,
            pixels,
            flux,
            ivar,
            shown_flux,
            shown_ivar,
        }
    }

    /// New room for weights and maps. The weights are to be written again.
    pub(super) fn renew(&mut self) {
        let Weights {
            parameters, mirror, ..
        } = &mut self.weights;
        for buffer in [parameters, mirror] {
            *buffer = self.room.empty(buffer.len);
        }
        self.maps = None;
    }

    fn reserve(&mut self, spectra: usize, pixels: usize) {
        if self
            .maps
            .as_ref()
            .is_none_or(|(most, of, _)| *most < spectra || *of != pixels)
        {
            let maps = match &self.net {
                Net::Skip(skip) => Maps::Skip(skip.maps(&self.room, spectra, pixels)),
                Net::Bottleneck(bottleneck, _) => Maps::Bottleneck(bottleneck.maps(&self.room, spectra)),
            };
            self.maps = Some((spectra, pixels, maps));
        }
    }

    /// The room for maps, which there is since something was drawn.
    pub(super) fn maps(&self) -> &Maps {
        &self.maps.as_ref().expect("reserved before").2
    }

    fn draw(&self, batch: &Batch) -> Drawing<'_> {
        match (&self.net, self.maps()) {
            (Net::Skip(skip), Maps::Skip(maps)) => skip.draw(&self.room, &self.weights, batch, maps),
            (Net::Bottleneck(bottleneck, _), Maps::Bottleneck(maps)) => {
                bottleneck.draw(&self.room, &self.weights, batch, maps)
            }
            _ => unreachable!("maps are those of the network"),
        }
    }

    /// The gradients and losses of some spectra of a batch.
    pub(super) fn learn(&mut self, batch: &Batch, gradients: &Gradients) {
        self.reserve(batch.spectra, batch.pixels);
        let drawing = self.draw(batch);
        let (room, weights) = (&self.room, &self.weights);
        match (&self.net, self.maps()) {
            (Net::Skip(skip), Maps::Skip(maps)) => {
                skip.learn(room, weights, batch, drawing, maps, gradients);
            }
            (Net::Bottleneck(bottleneck, _), Maps::Bottleneck(maps)) => {
                bottleneck.learn(room, weights, batch, drawing, maps, gradients);
            }
            _ => unreachable!("maps are those of the network"),
        }
    }

    /// Reconstructions and latent vectors. Shapes: `[spectra, pixels]` -> `[spectra, pixels]`, `[spectra, latent]`.
    pub fn reconstruct(&mut self, sample: &Sample) -> (Vec<f32>, Vec<f32>) {
        let pixels = sample.pixels;
        let client = self.room.client.clone();
        let net = self.net.clone();
        let pieces = sample.flux.chunks(PIECE * pixels);
        let pieces = pieces.zip(sample.ivar.chunks(PIECE * pixels));
        arrive(sample.flux.len(), PIECE * pixels, &net, pieces, |(flux, ivar)| {
            // The original's network does not look at the noise.
            let ivar = if matches!(self.net, Net::Skip(_)) {
                &ivar[..1]
            } else {
                ivar
            };
            let batch = self.upload((flux, ivar), pixels, None);
            self.reserve(batch.spectra, pixels);
            let drawn = self.room.empty(batch.spectra * pixels);
            paint(&self.room, (batch.spectra, pixels), self.draw(&batch), &drawn);
            let latent = self.latent(batch.spectra, pixels);
            client.read_async(vec![drawn.handle, latent])
        })
    }

    /// The latent vectors of the spectra drawn last, among other numbers: to be read before others are drawn.
    fn latent(&self, spectra: usize, pixels: usize) -> Handle {
        match (&self.net, self.maps()) {
            (Net::Skip(skip), Maps::Skip(maps)) => {
                let latent = self.room.empty(spectra * SKIP_LATENT);
                skip.latent(&self.room, (spectra, pixels), maps, &latent);
                latent.first(spectra * SKIP_LATENT)
            }
            (Net::Bottleneck(bottleneck, _), Maps::Bottleneck(maps)) => {
                maps.middle.given.first(spectra * bottleneck.sizes.given())
            }
            _ => unreachable!("maps are those of the network"),
        }
    }

    /// The reconstructions of latent vectors. Shapes: `[spectra, latent]` -> `[spectra, pixels]`. Panics if the network has no decoder of its own.
    pub fn decode(&mut self, latents: &[f32], pixels: usize) -> Vec<f32> {
        let net = self.net.clone();
        let Net::Bottleneck(bottleneck, latent) = &net else {
            panic!("only the bottleneck decodes latent vectors");
        };
        let wide = bottleneck.sizes.given();
        let client = self.room.client.clone();
        let pieces = latents.chunks(PIECE * latent);
        let len = latents.len() / latent * pixels;
        let (flux, _) = arrive(len, PIECE * pixels, &net, pieces, |latents| {
            let spectra = latents.len() / latent;
            self.reserve(spectra, pixels);
            let mut given = vec![0.0; spectra * wide];
            for (row, values) in given.chunks_exact_mut(wide).zip(latents.chunks_exact(*latent)) {
                row[FEATURES..FEATURES + latent].copy_from_slice(values);
            }
            let given = self.room.upload(given);
            let Maps::Bottleneck(maps) = self.maps() else {
                unreachable!("maps are those of the network")
            };
            let drawing = bottleneck.redraw(&self.room, &self.weights, spectra, &given, maps);
            let drawn = self.room.empty(spectra * pixels);
            paint(&self.room, (spectra, pixels), drawing, &drawn);
            client.read_async(vec![drawn.handle])
        });
        flux
    }

    /// The sum of the losses of some spectra, shown as they are.
    pub fn loss(&mut self, truth: Truth, pixels: usize) -> f64 {
        let spectra = truth.flux.len() / pixels;
        let losses = self.room.empty(spectra);
        let most = self.at_once() * pixels;
        let parts = truth.flux.chunks(most).zip(truth.ivar.chunks(most));
        for (number, (flux, ivar)) in parts.enumerate() {
            let batch = self.upload((flux, ivar), pixels, None);
            self.compare(&batch, terms(truth, spectra), (&losses, number * self.at_once()));
        }
        self.sum(&losses, spectra)
    }

    /// The same of a set that is on the GPU.
    pub(super) fn loss_on(&mut self, held: &Held, terms: Terms) -> f64 {
        let losses = self.room.empty(held.spectra);
        let at_once = self.at_once();
        for first in (0..held.spectra).step_by(at_once) {
            let batch = held.part(first..(first + at_once).min(held.spectra));
            self.compare(&batch, terms, (&losses, first));
        }
        self.sum(&losses, held.spectra)
    }

    /// Puts the losses of a batch at their places.
    fn compare(&mut self, batch: &Batch, terms: Terms, losses: (&Buffer, usize)) {
        let Batch { spectra, pixels, .. } = *batch;
        self.reserve(spectra, pixels);
        let gradient = self.room.empty(spectra * pixels);
        compare(
            &self.room,
            (spectra, pixels),
            self.draw(batch),
            (&batch.flux, &batch.ivar),
            terms,
            (&gradient, pixels),
            losses,
        );
    }

    fn sum(&self, losses: &Buffer, spectra: usize) -> f64 {
        let losses = self.room.read(losses);
        losses[..spectra].iter().map(|loss| f64::from(*loss)).sum()
    }
}

/// Numbers that come back from a GPU in `pieces`, each of `piece` of all `len` numbers but the last, and the latent vectors that come with them. What `send` has under way
/// is waited for and copied beside the sending of the next.
#[allow(unsafe_code)]
fn arrive<P, Coming>(
    len: usize,
    piece: usize,
    net: &Net,
    pieces: impl Iterator<Item = P>,
    mut send: impl FnMut(P) -> Coming,
) -> (Vec<f32>, Vec<f32>)
where
    Coming: Future<Output = Result<Vec<Bytes>, ServerError>> + Send,
{
    let mut all: Vec<f32> = Vec::with_capacity(len);
    let mut latents = vec![Vec::new(); len.div_ceil(piece)];
    let rooms = all.spare_capacity_mut()[..len].chunks_mut(piece);
    let places = rooms.zip(&mut latents);
    let receive = |coming: Coming, room: &mut [MaybeUninit<f32>], latent: &mut Vec<f32>| {
        let bytes = cubecl::future::block_on(coming).expect("the GPU answers");
        staging::receive(&bytes[0], room);
        if let Some(bytes) = bytes.get(1) {
            *latent = latent_vectors(net, bytes);
        }
    };
    let mut under_way = pieces.zip(places).peekable();
    let mut written = 0;
    rayon::in_place_scope(|scope| {
        while let Some((piece, (room, latent))) = under_way.next() {
            let coming = send(piece);
            written += room.len();
            let receive = &receive;
            // Nothing is left to be sent beside the last.
            if under_way.peek().is_some() {
                scope.spawn(move |_| receive(coming, room, latent));
            } else {
                receive(coming, room, latent);
            }
        }
    });
    assert_eq!(written, len, "as many pieces as rooms");
    // SAFETY: the rooms that have been written are all of these numbers.
    unsafe { all.set_len(len) };
    (all, latents.concat())
}

/// The latent vectors among what [`Engine::latent`] reads.
fn latent_vectors(net: &Net, bytes: &[u8]) -> Vec<f32> {
    let found: Vec<f32> = numbers(bytes).collect();
    match net {
        Net::Skip(_) => found,
        Net::Bottleneck(bottleneck, length) => found
            .chunks_exact(bottleneck.sizes.given())
            .flat_map(|row| &row[FEATURES..FEATURES + length])
            .copied()
            .collect(),
    }
}

/// How a reconstruction is compared with the truth, in a batch of so many spectra.
pub(super) fn terms(truth: Truth, batch: usize) -> Terms {
    Terms {
        error_floor: truth.error_floor,
        limit: truth.limit,
        strange: truth.strange as f32,
        batch,
    }
}

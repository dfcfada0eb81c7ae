//! Spectra that stay on the GPU: a batch of them is put together there, and shown to the encoder noisier and with gaps, without the host.

use std::ops::Range;

use burn::cubecl;
use cubecl::prelude::*;

use super::agenda::Agenda;
use super::{Batch, Buffer, Room};
use crate::model::TrainingSettings;

/// Spectra of a training or validation set. Shapes: `[spectra, pixels]`.
pub(in super::super) struct Held {
    flux: Buffer,
    ivar: Buffer,
    pub(super) spectra: usize,
    pixels: usize,
}

/// What is done to a batch before the encoder sees it; as [`crate::model::batch::augment`], with numbers drawn on the GPU.
#[derive(Debug, Clone, Copy)]
pub(super) struct Disguise {
    noise: f32,
    blocks: u32,
    longest: u32,
}

impl Disguise {
    /// As a training is set.
    pub fn of(settings: &TrainingSettings) -> Self {
        Self {
            noise: settings.noise as f32,
            blocks: settings.block_masks as u32,
            longest: settings.block_length as u32,
        }
    }

    /// What is drawn from for batch number `batch` of an epoch in the training of the network with this seed.
    pub fn seed(seed: u64, epoch: usize, batch: usize) -> u32 {
        let mut hasher = blake3::Hasher::new();
        for number in [seed, epoch as u64, batch as u64] {
            hasher.update(&number.to_le_bytes());
        }
        let hash = hasher.finalize();
        let first = hash.as_bytes().first_chunk().expect("a hash has 32 bytes");
        u32::from_le_bytes(*first)
    }
}

impl Held {
    /// Room for so many.
    pub(super) fn new(room: &Room, spectra: usize, pixels: usize) -> Self {
        Self {
            flux: room.empty(spectra * pixels),
            ivar: room.empty(spectra * pixels),
            spectra,
            pixels,
        }
    }

    /// Puts some there, from spectrum `first` on.
    pub(super) fn put(&self, room: &Room, first: usize, flux: &[f32], ivar: &[f32]) {
        let from = (first * self.pixels * size_of::<f32>()) as u64;
        let place = |buffer: &Buffer| buffer.handle.clone().offset_start(from);
        room.staging.send(
            &room.client,
            &[(&place(&self.flux), flux), (&place(&self.ivar), ivar)],
        );
    }

    /// Some of them, where they are.
    pub(super) fn part(&self, spectra: Range<usize>) -> Batch {
        let range = spectra.start * self.pixels..spectra.end * self.pixels;
        let (flux, ivar) = (self.flux.slice(range.clone()), self.ivar.slice(range));
        Batch {
            spectra: spectra.len(),
            pixels: self.pixels,
            shown_flux: flux.clone(),
            shown_ivar: ivar.clone(),
            flux,
            ivar,
        }
    }

    /// Room for a batch of so many, and for what the encoder is shown where that is something else.
    pub(super) fn room_for_batch(&self, room: &Room, spectra: usize, disguised: bool) -> Batch {
        let empty = || room.empty(spectra * self.pixels);
        let (flux, ivar) = (empty(), empty());
        let (shown_flux, shown_ivar) = if disguised {
            (empty(), empty())
        } else {
            (flux.clone(), ivar.clone())
        };
        Batch {
            spectra,
            pixels: self.pixels,
            flux,
            ivar,
            shown_flux,
            shown_ivar,
        }
    }

    /// Fills a batch with the spectra that are next in the agenda, from number `first` of that step on.
    pub(super) fn take(
        &self,
        room: &Room,
        (agenda, first): (&Agenda, usize),
        disguise: Option<Disguise>,
        to: Batch,
    ) -> Batch {
        let pixels = self.pixels;
        let (shown_flux, shown_ivar) = match disguise {
            Some(_) => (&to.shown_flux, &to.shown_ivar),
            None => (&room.spare, &room.spare),
        };
        let Disguise {
            noise,
            blocks,
            longest,
        } = disguise.unwrap_or(Disguise {
            noise: 0.0,
            blocks: 0,
            longest: 0,
        });
        take_kernel::launch(
            &room.client,
            CubeCount::Static(pixels.div_ceil(256) as u32, to.spectra as u32, 1),
            CubeDim::new_1d(256),
            self.flux.numbers(),
            self.ivar.numbers(),
            agenda.places.numbers(),
            agenda.seeds.numbers(),
            agenda.now.numbers(),
            to.flux.numbers(),
            to.ivar.numbers(),
            shown_flux.numbers(),
            shown_ivar.numbers(),
            pixels,
            agenda.batch as u32,
            first as u32,
            noise,
            blocks,
            longest.clamp(1, pixels as u32),
            disguise.is_some(),
        );
        to
    }
}

#[cube(launch)]
fn take_kernel(
    all_flux: &[f32],
    all_ivar: &[f32],
    places: &[u32],
    seeds: &[u32],
    now: &[u32],
    flux: &mut [f32],
    ivar: &mut [f32],
    shown_flux: &mut [f32],
    shown_ivar: &mut [f32],
    pixels: usize,
    batch: u32,
    first: u32,
    noise: f32,
    blocks: u32,
    longest: u32,
    #[comptime] disguised: bool,
) {
    let pixel = CUBE_POS_X as usize * 256 + UNIT_POS as usize;
    if pixel < pixels {
        let step = now[0];
        let number = first + CUBE_POS_Y;
        let from = places[(step * batch + number) as usize] as usize * pixels + pixel;
        let to = CUBE_POS_Y as usize * pixels + pixel;
        let (value, weight) = (all_flux[from], all_ivar[from]);
        flux[to] = value;
        ivar[to] = weight;
        if comptime!(disguised) {
            let own = scrambled(seeds[step as usize] + scrambled(number));
            let mut value = value;
            let mut weight = weight;
            if noise > 0.0 && weight > 0.0 {
                // Box and Muller's way from two uniform numbers to a normal one.
                let one = scrambled(own + 2 * pixel as u32);
                let two = scrambled(one + own);
                let radius = f32::sqrt(-2.0f32 * f32::ln(uniform(one)));
                let normal = radius * f32::cos(std::f32::consts::TAU * uniform(two));
                value += noise * normal / f32::sqrt(weight);
                weight /= 1.0f32 + noise * noise;
            }
            for block in 0..blocks {
                let one = scrambled(own + 0x9E37_79B9u32 * (block + 1));
                let two = scrambled(one + own);
                let length = 1 + one % longest;
                let start = two % (pixels as u32 - length + 1);
                if pixel as u32 >= start && (pixel as u32) < start + length {
                    value = 0.0;
                    weight = 0.0;
                }
            }
            shown_flux[to] = value;
            shown_ivar[to] = weight;
        }
    }
}

/// A number of which every bit depends on every bit of the given one.
///
/// Source: the finalizer "lowbias32" of Wellons, "Prospecting for Hash Functions" (2018).
#[cube]
fn scrambled(value: u32) -> u32 {
    let a = (value ^ (value >> 16)) * 0x7FEB_352Du32;
    let b = (a ^ (a >> 15)) * 0x846C_A68Bu32;
    b ^ (b >> 16)
}

/// Between 0 and 1, never either.
#[cube]
fn uniform(value: u32) -> f32 {
    (f32::cast_from(value >> 8) + 0.5f32) * 5.960_464_5e-8f32
}

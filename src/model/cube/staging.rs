//! Spectra on their way to a GPU and back, through memory that the GPU reads and writes by itself.
//!
//! A card reads pinned memory of the host several times as fast as one thread can fill it, so all threads do, in pieces: while one is on its way the next is filled.
//! CubeCL keeps pinned memory for copies that one thread makes, and lends it through [`Client::staging`], which wants something to copy in exchange.

use std::mem::MaybeUninit;

use burn::cubecl;
use burn::tensor::Bytes;
use cubecl::bytes::{AccessError, AccessPolicy, AllocationController, AllocationProperty};
use cubecl::client::Client;
use cubecl::server::Handle;
use rayon::prelude::*;

/// Numbers of a piece: one of more than 10 MB would be waited for.
const PIECE: usize = 1 << 20;
/// Numbers that a thread copies at once.
const SHARE: usize = 1 << 14;
/// Bytes that are sooner copied twice than asked memory for.
const SMALL: usize = 1 << 15;

/// How numbers come to a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Staging {
    /// Through pinned memory that is lent.
    Pinned,
    /// Through ordinary memory, as the backend has no other to lend.
    Ordinary,
}

impl Staging {
    /// Asks the GPU.
    pub fn of(client: &Client) -> Self {
        match lent(client, &[SHARE]) {
            Some(_) => Self::Pinned,
            None => Self::Ordinary,
        }
    }

    /// Sends numbers to the beginning of each handle.
    pub fn send(self, client: &Client, all: &[(&Handle, &[f32])]) {
        let pieces: Vec<(Handle, &[f32])> = all
            .iter()
            .flat_map(|(handle, numbers)| {
                numbers.chunks(PIECE).enumerate().map(|(piece, numbers)| {
                    let from = (piece * PIECE * size_of::<f32>()) as u64;
                    ((*handle).clone().offset_start(from), numbers)
                })
            })
            .collect();
        // A piece of flux and one of ivar: the more at once, the longer the first waits.
        for pieces in pieces.chunks(2) {
            let lengths: Vec<usize> = pieces.iter().map(|(_, numbers)| size_of_val(*numbers)).collect();
            let worth = self == Self::Pinned && lengths.iter().sum::<usize>() > SMALL;
            let mut lent = worth
                .then(|| lent(client, &lengths))
                .flatten()
                .map(Vec::into_iter);
            for (handle, numbers) in pieces {
                let bytes = match lent.as_mut().and_then(Iterator::next) {
                    Some(mut bytes) => {
                        let (words, _) = bytes.as_chunks_mut::<4>();
                        together(words, numbers, |word, number| *word = number.to_ne_bytes());
                        bytes
                    }
                    None => Bytes::from_elems(numbers.to_vec()),
                };
                // On its way while the next one is filled.
                client.write(handle, bytes);
            }
        }
    }
}

/// Writes the first of the numbers that came from a GPU.
pub(super) fn receive(bytes: &[u8], to: &mut [MaybeUninit<f32>]) {
    let (words, _) = bytes.as_chunks::<4>();
    let words = &words[..to.len()];
    together(to, words, |number, word| {
        number.write(f32::from_ne_bytes(*word));
    });
}

/// Writes the places of `to` from those of `from`, by all threads where it is much.
fn together<A: Send, B: Sync>(to: &mut [A], from: &[B], write: impl Fn(&mut A, &B) + Sync) {
    let some = |(to, from): (&mut [A], &[B])| {
        for (to, from) in to.iter_mut().zip(from) {
            write(to, from);
        }
    };
    if to.len() <= SHARE {
        some((to, from));
    } else {
        to.par_chunks_mut(SHARE)
            .zip(from.par_chunks(SHARE))
            .for_each(some);
    }
}

/// Pinned memory of these lengths in bytes to be filled and sent; none where there is none.
#[allow(unsafe_code)]
fn lent(client: &Client, lengths: &[usize]) -> Option<Vec<Bytes>> {
    let blank = |length: &usize| {
        // SAFETY: nobody reads it: it tells whoever asks that there is nothing, and is exchanged for memory of that length or dropped.
        unsafe { Bytes::from_controller(Box::new(Blank(*length)), *length) }
    };
    let mut lent: Vec<Bytes> = lengths.iter().map(blank).collect();
    client.staging(lent.iter_mut(), false);
    lent.iter()
        .all(|bytes| bytes.property() != AllocationProperty::Other)
        .then_some(lent)
}

/// What is given for pinned memory: so many bytes of nothing, whose copying leaves that memory as it is.
struct Blank(usize);

impl AllocationController for Blank {
    fn alloc_align(&self) -> usize {
        align_of::<f32>()
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Other
    }

    fn capacity(&self) -> usize {
        self.0
    }

    #[allow(unsafe_code)]
    unsafe fn memory_mut(&mut self, _: AccessPolicy) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        Err(AccessError::WouldCopy)
    }

    fn memory(&self, _: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        Err(AccessError::WouldCopy)
    }

    #[allow(unsafe_code)]
    unsafe fn copy_into(&self, _: &mut [u8]) {}
}

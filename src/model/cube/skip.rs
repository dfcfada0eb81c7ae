//! The original's network: its maps, and the way through its layers and back.

use super::gather::{Begin, Gathered, gather};
use super::layout::Layout;
use super::loss::{Drawing, Drawn, compare};
use super::outer::{Output, outer};
use super::pixels::{Brim, average, brim, lift, project};
use super::scatter::{Edge, Scattered, scatter};
use super::{Batch, Buffer, Gradients, Room, Weights};
use crate::model::native::Window;

/// Where every layer begins.
#[derive(Debug, Clone)]
pub(super) struct Skip {
    down1: Begin,
    down2: Begin,
    down3: Begin,
    up1: Begin,
    up2: Begin,
    up3: Begin,
}

/// The feature maps of some spectra; the number of positions halves from `x1` to `x3`.
#[derive(Clone)]
pub(super) struct Maps {
    x1: Buffer,
    x2: Buffer,
    x3: Buffer,
    /// What the transposed convolutions make, with the encoder's maps added.
    y1: Buffer,
    y2: Buffer,
    projected: Buffer,
    pixels: Buffer,
    gradient_y1: Buffer,
    /// Gradients behind the ReLU of the first transposed convolution, of the last convolution, and of the one before.
    behind_up1: Buffer,
    behind_down3: Buffer,
    behind_down2: Buffer,
}

/// Between the finest maps and the next.
const OUTER: Window = Window {
    coarse: 32,
    fine: 64,
    kernel: 3,
    stride: 2,
    padding: 1,
};
/// Between those and the coarsest.
const INNER: Window = Window {
    coarse: 16,
    fine: 32,
    ..OUTER
};

/// Positions of the maps of so many pixels.
fn lengths(pixels: usize) -> [usize; 3] {
    let first = pixels.div_ceil(2);
    let second = OUTER.positions(first);
    [first, second, INNER.positions(second)]
}

impl Skip {
    pub fn new(layout: &mut Layout) -> Self {
        let quads = |weights: usize, bias: usize| Begin {
            weights: weights / 4,
            bias: bias / 4,
        };
        let convolution = |layout: &mut Layout, window: Window, bias| {
            let weights = layout.convolution(window, window.fine);
            quads(weights, layout.row(bias))
        };
        let brim = |layout: &mut Layout, bias| {
            let weights = layout.brim(64);
            quads(weights, layout.row(bias))
        };
        Self {
            down1: brim(layout, 64),
            down2: convolution(layout, OUTER, 32),
            down3: convolution(layout, INNER, 16),
            up1: convolution(layout, INNER, 32),
            up2: convolution(layout, OUTER, 64),
            up3: brim(layout, 1),
        }
    }

    pub fn maps(&self, room: &Room, spectra: usize, pixels: usize) -> Maps {
        let [first, second, third] = lengths(pixels);
        let map = |length: usize, channels: usize| room.empty(spectra * length * channels);
        Maps {
            x1: map(first, 64),
            x2: map(second, 32),
            x3: map(third, 16),
            y1: map(second, 32),
            y2: map(first, 64),
            projected: map(first, 4),
            pixels: map(pixels, 1),
            gradient_y1: map(second, 32),
            behind_up1: map(second, 32),
            behind_down3: map(third, 16),
            behind_down2: map(second, 32),
        }
    }

    /// From the pixels to the reconstruction.
    pub fn draw<'a>(&self, room: &Room, weights: &'a Weights, batch: &Batch, maps: &'a Maps) -> Drawing<'a> {
        let Batch { spectra, pixels, .. } = *batch;
        let [first, second, _] = lengths(pixels);
        let parameters = &weights.parameters;
        let down = |window, begin, fine, from: &Buffer, to: &Buffer| {
            let nothing = (parameters, parameters);
            let layer = (window, Gathered::Relu);
            gather(
                room,
                layer,
                (parameters, begin),
                (spectra, fine),
                from,
                nothing,
                (to, &room.spare),
            );
        };
        let up = |window, begin, fine, from: &Buffer, added: &Buffer, to: &Buffer| {
            let layer = (window, Scattered::Added);
            let others = (added, added);
            let weights = (parameters, &weights.mirror, begin);
            scatter(room, layer, weights, (spectra, fine), from, others, (to, None));
        };
        lift(
            room,
            (parameters, self.down1),
            (spectra, pixels),
            &batch.shown_flux,
            &maps.x1,
        );
        down(OUTER, self.down2, first, &maps.x1, &maps.x2);
        down(INNER, self.down3, second, &maps.x2, &maps.x3);
        up(INNER, self.up1, second, &maps.x3, &maps.x2, &maps.y1);
        up(OUTER, self.up2, first, &maps.y1, &maps.x1, &maps.y2);
        project(
            room,
            (parameters, self.up3),
            (spectra, pixels),
            &maps.y2,
            &maps.projected,
        );
        Drawing {
            drawn: Drawn::Projected,
            model: &maps.projected,
            row: first * 4,
            added: parameters,
            from: self.up3.bias * 4,
        }
    }

    /// The mean of the coarsest map over its positions. Shape: `[spectra, 16]`.
    pub fn latent(&self, room: &Room, (spectra, pixels): (usize, usize), maps: &Maps, out: &Buffer) {
        average(room, (spectra, lengths(pixels)[2]), &maps.x3, out);
    }

    /// From the reconstruction to the gradients.
    pub fn learn(
        &self,
        room: &Room,
        weights: &Weights,
        batch: &Batch,
        drawing: Drawing,
        maps: &Maps,
        gradients: &Gradients,
    ) {
        let Batch { spectra, pixels, .. } = *batch;
        compare(
            room,
            (spectra, pixels),
            drawing,
            (&batch.flux, &batch.ivar),
            gradients.terms,
            (&maps.pixels, pixels),
            (&gradients.losses, gradients.first),
        );
        let back = Backward {
            net: self,
            room,
            weights,
            batch,
            maps,
            parts: (&gradients.parts, gradients.small, gradients.add),
        };
        back.through_decoder();
        back.through_encoder();
    }
}

/// A batch on its way from the gradient with the pixels to those of the parameters.
struct Backward<'a> {
    net: &'a Skip,
    room: &'a Room,
    weights: &'a Weights,
    batch: &'a Batch,
    maps: &'a Maps,
    /// Parts of the gradients, how many parameters have some, and whether to add to them.
    parts: (&'a Buffer, usize, bool),
}

impl Backward<'_> {
    /// To the gradient of the coarsest map, and to that of the middle one as far as it is the decoder's.
    fn through_decoder(&self) {
        let Self { net, maps, .. } = self;
        let Batch { spectra, pixels, .. } = *self.batch;
        let [first, second, _] = lengths(pixels);
        let parameters = &self.weights.parameters;
        brim(
            self.room,
            Brim::Project,
            (parameters, net.up3),
            (spectra, pixels),
            (&maps.y2, &maps.x1),
            &maps.pixels,
            self.parts,
        );
        let behind_up2 = &maps.y2;
        outer(
            self.room,
            (OUTER, Output::Fine),
            net.up2,
            (spectra, first),
            (behind_up2, &maps.y1),
            self.parts,
        );
        gather(
            self.room,
            (OUTER, Gathered::Both),
            (parameters, net.up2),
            (spectra, first),
            behind_up2,
            (&maps.y1, &maps.x2),
            (&maps.gradient_y1, &maps.behind_up1),
        );
        outer(
            self.room,
            (INNER, Output::Fine),
            net.up1,
            (spectra, second),
            (&maps.behind_up1, &maps.x3),
            self.parts,
        );
        gather(
            self.room,
            (INNER, Gathered::Passed),
            (parameters, net.up1),
            (spectra, second),
            &maps.behind_up1,
            (&maps.x3, &maps.x3),
            (&maps.behind_down3, &self.room.spare),
        );
    }

    /// From there to the pixels.
    fn through_encoder(&self) {
        let Self { net, maps, .. } = self;
        let Batch { spectra, pixels, .. } = *self.batch;
        let [first, second, _] = lengths(pixels);
        let parameters = &self.weights.parameters;
        outer(
            self.room,
            (INNER, Output::Coarse),
            net.down3,
            (spectra, second),
            (&maps.x2, &maps.behind_down3),
            self.parts,
        );
        scatter(
            self.room,
            (INNER, Scattered::Passed),
            (parameters, &self.weights.mirror, net.down3),
            (spectra, second),
            &maps.behind_down3,
            (&maps.gradient_y1, &maps.x2),
            (&maps.behind_down2, None),
        );
        outer(
            self.room,
            (OUTER, Output::Coarse),
            net.down2,
            (spectra, first),
            (&maps.x1, &maps.behind_down2),
            self.parts,
        );
        // The finest map of the decoder is not needed any more.
        let behind_down1 = &maps.y2;
        let edge = Edge {
            pixels,
            gradient: &maps.pixels,
            weights: net.up3.weights,
        };
        scatter(
            self.room,
            (OUTER, Scattered::Spread),
            (parameters, &self.weights.mirror, net.down2),
            (spectra, first),
            &maps.behind_down2,
            (&maps.x1, &maps.x1),
            (behind_down1, Some(edge)),
        );
        brim(
            self.room,
            Brim::Lift,
            (parameters, net.down1),
            (spectra, pixels),
            (behind_down1, &maps.x1),
            &self.batch.shown_flux,
            self.parts,
        );
    }
}

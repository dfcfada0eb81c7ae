//! Where burn's parameters are among the numbers that the kernels work with.

use crate::model::native::Window;

/// The places of all trained numbers. Those whose gradients are summed up in parts come first.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout {
    /// Of every trained parameter, in the order of burn's visit, the place of each of its numbers.
    pub places: Vec<Vec<u32>>,
    /// Numbers in all, with those that fill up quads.
    pub len: usize,
    /// Of the first numbers, their places in the mirror, which has the weights of convolutions as `[kernel, coarse, fine]`.
    pub mirror: Vec<u32>,
}

impl Layout {
    /// Room for so many numbers; where it begins.
    pub fn reserve(&mut self, count: usize) -> usize {
        let from = self.len;
        self.len += count.next_multiple_of(4);
        from
    }

    /// The same, for numbers whose gradients are summed up in parts.
    fn reserve_small(&mut self, count: usize) -> usize {
        assert_eq!(self.mirror.len(), self.len, "they come first");
        let from = self.reserve(count);
        self.mirror.extend(from as u32..self.len as u32);
        from
    }

    /// A parameter whose numbers follow each other.
    pub fn row(&mut self, count: usize) -> usize {
        let from = self.reserve_small(count);
        self.places.push((from as u32..(from + count) as u32).collect());
        from
    }

    /// The weights of a convolution, `[coarse, fine, kernel]` in burn and `[kernel, fine, coarse]` here; `window` has at least a quad of
    /// fine channels, of which the network has `fine`.
    pub fn convolution(&mut self, window: Window, fine: usize) -> usize {
        let Window { coarse, kernel, .. } = window;
        let from = self.reserve_small(kernel * window.fine * coarse);
        let place = |c: usize, f: usize, k: usize| (from + (k * window.fine + f) * coarse + c) as u32;
        let mut places = Vec::with_capacity(coarse * fine * kernel);
        for c in 0..coarse {
            for f in 0..fine {
                places.extend((0..kernel).map(|k| place(c, f, k)));
            }
            for f in 0..window.fine {
                for k in 0..kernel {
                    self.mirror[place(c, f, k) as usize] = (from + (k * coarse + c) * window.fine + f) as u32;
                }
            }
        }
        self.places.push(places);
        from
    }

    /// The weights of a layer between one channel and `channels`, `[channels, 1, 3]` in burn and `[3, channels]` here.
    pub fn brim(&mut self, channels: usize) -> usize {
        let from = self.reserve_small(3 * channels);
        let places = (0..3 * channels).map(|at| (from + at % 3 * channels + at / 3) as u32);
        self.places.push(places.collect());
        from
    }

    /// A parameter whose number `(i, j)`, of `[rows, columns]`, is at the given place.
    pub fn matrix(&mut self, rows: usize, columns: usize, place: impl Fn(usize, usize) -> usize) {
        let pairs = (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j)));
        self.places.push(pairs.map(|(i, j)| place(i, j) as u32).collect());
    }

    /// The kernels' numbers from those of burn's parameters.
    pub fn pack<'a>(&self, parameters: impl IntoIterator<Item = &'a Vec<f32>>) -> Vec<f32> {
        let mut packed = vec![0.0; self.len];
        for (places, values) in self.places.iter().zip(parameters) {
            for (place, value) in places.iter().zip(values) {
                packed[*place as usize] = *value;
            }
        }
        packed
    }

    /// The numbers of burn's parameters from those of the kernels.
    pub fn unpack(&self, packed: &[f32]) -> Vec<Vec<f32>> {
        let values = |places: &Vec<u32>| places.iter().map(|place| packed[*place as usize]).collect();
        self.places.iter().map(values).collect()
    }

    /// The mirror of the kernels' numbers.
    pub fn mirrored(&self, packed: &[f32]) -> Vec<f32> {
        let mut mirror = vec![0.0; self.mirror.len()];
        for (place, value) in self.mirror.iter().zip(packed) {
            mirror[*place as usize] = *value;
        }
        mirror
    }
}

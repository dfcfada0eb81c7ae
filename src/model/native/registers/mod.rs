//! Where the processor's vector registers are used: a matrix product, and what is done to every number by itself.
//!
//! This is the room of `unsafe`: vector instructions may only run on a processor that has them, and the product reads through
//! pointers because bounds checks in its innermost loop would cost more than the loop. Its functions are safe to call: each checks the lengths of its slices before
//! it begins, and an [`InstructionSet`] can only be had from [`InstructionSet::available`], which asks the processor.
#![allow(unsafe_code)]

mod dots;
mod elementwise;
mod instructions;
mod lane;
mod product;

pub(super) use dots::add_dots;
pub(in crate::model) use elementwise::AdamStep;
pub(super) use elementwise::{adam, adamw, add_signs, dot, gelu, residuals, scale, scale_by, silu};
pub use instructions::{InstructionSet, peak};
pub use product::Finish;
#[cfg(test)]
pub(super) use product::tests::values;
pub(super) use product::{Product, multiply};

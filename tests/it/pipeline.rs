//! The whole job as its callers meet it: catalogs in, numbered files out.

mod checkpoints;
mod identity;
mod interrupt;
mod ranking;
mod repeat;
mod rows;

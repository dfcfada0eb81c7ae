//! The whole job as its callers meet it: catalogs in, numbered files out.

mod assess;
mod benchmark;
mod checkpoints;
mod history;
mod identity;
mod interrupt;
mod live;
mod ranking;
mod repeat;
mod rows;
mod shelf;

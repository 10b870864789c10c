//! What every kind of store promises, as functions on any store, run on each kind.
mod cases;
mod on_redb;

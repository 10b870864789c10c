//! What every kind of store promises, as functions on any store, run on each kind; and what a kind promises besides.
#[path = "../harness/etcd.rs"]
mod etcd;

mod cases;
mod on_etcd;
mod on_redb;

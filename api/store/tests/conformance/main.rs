//! What every kind of store promises, as functions on any store, run on each kind; and what a kind promises besides.
#[path = "../harness/etcd.rs"]
mod etcd;
#[path = "../harness/relay.rs"]
mod relay;

mod cases;
mod on_a_bad_network;
mod on_etcd;
mod on_guarded_etcd;
mod on_redb;
mod on_volume;

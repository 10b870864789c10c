//! The real program with real stores: killed at any moment, nothing acknowledged is lost; two of them on one etcd, one leads.
mod client;
mod cluster;
#[path = "../../api/store/tests/harness/etcd.rs"]
mod etcd;
mod kills;
mod program;

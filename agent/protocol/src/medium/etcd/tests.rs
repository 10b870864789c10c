//! How etcd as a medium is tried: on a store in memory.
mod cycles;
mod interleavings;
mod store;

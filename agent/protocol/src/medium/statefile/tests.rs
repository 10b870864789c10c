//! How the statefile is tried: on a disk in memory.
mod cycles;
mod disk;
mod faults;
mod interleavings;

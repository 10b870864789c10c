//! The datagram from outside: golden files that pin its bytes, and properties of sealing and opening.
mod golden;
mod limits;
mod properties;
mod rotation;
mod samples;

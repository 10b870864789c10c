//! What becomes of VMs when hosts fail: pool events in, commands and alerts out, as a state machine without I/O.
#![no_std]
extern crate alloc;

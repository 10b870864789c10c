//! Whole pools on one machine, for tests end to end.
//!
//! ```text
//!   switch namespace: bridges hb0, hb1, mgmt     operator namespace: HTTP calls, BMCs (ipmi_sim)
//!        │ veth, cut by nft and link state
//!   host namespace (net, mount, pid, uts) × N: pid 1 = `lab-host init`
//!        ├ libvirtd ─► QEMU guests              watchdog: pid 1, when it is not fed, ends, and the kernel with it
//!        ├ lifeboat-agent ─► lifeboat serve     everything in the host
//!        └ /dev/loopK: the host's own way to the one shared file, throttled or cut short for it alone
//!   recorder: sees every guest's process and console from outside, many times a second
//! ```
//!
//! One thing is not what it is in a data centre: the watchdog is the host's pid 1 (`program/init.rs`). All else are the real parts.
//! A [`lab::Lab`] removes what it made when it is dropped; a process of its own does so when the tests die ([`ledger`]).
pub mod api;
pub mod bmc;
pub mod clock;
pub mod command;
pub mod device;
pub mod guest;
pub mod host;
pub mod lab;
pub mod ledger;
pub mod needs;
pub mod network;
pub mod pool;
pub mod process;
pub mod programs;
pub mod recorder;

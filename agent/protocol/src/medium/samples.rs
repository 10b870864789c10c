//! Statuses and configurations for tests.
use crate::configuration::{Configuration, ConfigurationNumber, HostEntry, Standing};
use crate::status::{Phase, Silence, Status};
use crate::{Boot, Epoch, Process};
use alloc::vec;
use core::time::Duration;
use lifeboat_model::HostIndex;

/// A status of `host`.
pub(crate) fn status(host: u16, boot: u64, process: u32, hosts: usize) -> Status {
    Status {
        host: HostIndex(host),
        boot: Boot(boot),
        process: Process(process),
        phase: Phase::Member,
        adopted: ConfigurationNumber(0),
        resigned: Epoch(0),
        medium_works: true,
        carrier: true,
        disarmed: false,
        newest_key: 1,
        protected_memory_mib: 1024,
        silence: vec![Silence(0); hosts],
        heard: vec![Silence(0); hosts],
    }
}

/// A configuration led by `leader`, in which all of `hosts` hosts are members with boot 1. `mark` tells it from others.
pub(crate) fn configuration(number: u64, leader: u16, mark: u32, hosts: usize) -> Configuration {
    let standing = Standing::Member { boot: Boot(1), joined: ConfigurationNumber(1) };
    Configuration {
        number: ConfigurationNumber(number),
        leader: HostIndex(leader),
        epoch: Epoch(1),
        timeout: Duration::from_secs(15),
        key_epoch: mark,
        disarm: None,
        braked: false,
        hosts: vec![HostEntry { standing, ..HostEntry::default() }; hosts],
    }
}

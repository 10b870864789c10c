//! A disk in memory, and hosts that use it, one request a step.
use crate::configuration::{Configuration, ConfigurationNumber, HostEntry, Standing};
use crate::medium::statefile::layout::{BLOCK, reach};
use crate::medium::{Answer, Medium, PoolId, Request, Snapshot, StatefileMedium, Step, statefile};
use crate::status::{Phase, Silence, Status};
use crate::{Boot, Epoch, Process};
use alloc::{boxed::Box, rc::Rc, vec, vec::Vec};
use core::time::Duration;
use lifeboat_model::HostIndex;

pub(crate) const POOL: PoolId = PoolId(*b"a pool for tests");

/// The blocks of a region, as far as a small pool uses it; cheap to copy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Disk(pub(crate) Vec<Rc<[u8]>>);

impl Disk {
    pub(crate) fn new(hosts: usize) -> Self {
        let region = statefile::format(POOL, hosts).expect("room");
        Self(region[..reach(hosts)].chunks(BLOCK).map(Rc::from).collect())
    }

    pub(crate) fn serve(&mut self, request: &Request) -> Answer {
        match request {
            Request::Write { offset, bytes } => {
                self.write(*offset, bytes);
                Answer::Written
            }
            Request::Read { offset, length } => {
                let (first, blocks) = ((offset / 4096) as usize, (length / 4096) as usize);
                let mut bytes = Vec::with_capacity(*length as usize);
                for position in first..first + blocks {
                    bytes.extend_from_slice(self.0.get(position).map_or(&[0; BLOCK][..], |block| block));
                }
                Answer::Read(bytes.into())
            }
            Request::Transaction { .. } => Answer::Failed,
        }
    }

    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) {
        assert_eq!((offset % 4096, bytes.len() % 4096), (0, 0), "whole blocks");
        for (block, position) in bytes.chunks(BLOCK).zip((offset / 4096) as usize..) {
            self.0[position] = block.into();
        }
    }

    /// A write of which the first `sectors` sectors of 512 bytes, and no more, reach the disk.
    pub(crate) fn tear(&mut self, request: &Request, sectors: usize) {
        if let Request::Write { offset, bytes } = request {
            let mut torn: Box<[u8]> = (*self.0[(offset / 4096) as usize]).into();
            torn[..sectors * 512].copy_from_slice(&bytes[..sectors * 512]);
            self.write(*offset, &torn);
        }
    }
}

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

/// Runs one cycle to its end with nothing in between.
pub(crate) fn cycle(
    medium: &mut StatefileMedium,
    disk: &mut Disk,
    own: &Status,
    proposal: Option<&Configuration>,
) -> (Vec<Request>, Step) {
    let mut request = medium.begin(own, proposal);
    let mut requests = Vec::new();
    loop {
        let answer = disk.serve(&request);
        requests.push(request);
        match medium.answered(answer) {
            Step::Next(next) => request = next,
            end => return (requests, end),
        }
    }
}

/// The snapshot of a cycle that succeeds.
pub(crate) fn snapshot(
    medium: &mut StatefileMedium,
    disk: &mut Disk,
    own: &Status,
    proposal: Option<&Configuration>,
) -> Snapshot {
    match cycle(medium, disk, own, proposal).1 {
        Step::Done(snapshot) => snapshot,
        other => panic!("the cycle ended in {other:?}"),
    }
}

pub(crate) fn medium(host: u16, hosts: usize) -> StatefileMedium {
    StatefileMedium::new(POOL, HostIndex(host), hosts)
}

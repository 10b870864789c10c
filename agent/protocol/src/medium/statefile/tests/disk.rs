//! A disk in memory, and hosts that use it, one request a step.
use crate::configuration::Configuration;
use crate::medium::statefile::checksum;
use crate::medium::statefile::layout::{BLOCK, reach};
use crate::medium::{Answer, Medium, PoolId, Request, Snapshot, StatefileMedium, Step, statefile};
use crate::status::Status;
use alloc::{boxed::Box, rc::Rc, vec, vec::Vec};
use lifeboat_model::HostIndex;

pub(crate) const POOL: PoolId = PoolId(*b"a pool for tests");

/// The blocks of a region, as far as a small pool uses it; cheap to copy.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) blocks: Vec<Rc<[u8]>>,
    /// A checksum of each, for the exploration.
    pub(crate) sums: Vec<u64>,
}

impl Disk {
    pub(crate) fn new(hosts: usize) -> Self {
        let region = statefile::format(POOL, hosts).expect("room");
        let blocks: Vec<Rc<[u8]>> = region[..reach(hosts)].chunks(BLOCK).map(Rc::from).collect();
        Self { sums: vec![0; blocks.len()], blocks }
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
                    bytes.extend_from_slice(self.blocks.get(position).map_or(&[0; BLOCK][..], |block| block));
                }
                Answer::Read(bytes.into())
            }
            Request::Transaction { .. } => Answer::Failed,
        }
    }

    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) {
        assert_eq!((offset % 4096, bytes.len() % 4096), (0, 0), "whole blocks");
        for (block, position) in bytes.chunks(BLOCK).zip((offset / 4096) as usize..) {
            self.blocks[position] = block.into();
            // The rest is zero.
            self.sums[position] = checksum(&block[..512]).into();
        }
    }

    /// A write of which the first `sectors` sectors of 512 bytes, and no more, reach the disk.
    pub(crate) fn tear(&mut self, request: &Request, sectors: usize) {
        self.tear_after(request, sectors * 512);
    }

    /// A write of which the first `length` bytes, and no more, reach the disk; false if it is none.
    pub(crate) fn tear_after(&mut self, request: &Request, length: usize) -> bool {
        let Request::Write { offset, bytes } = request else { return false };
        let mut torn: Box<[u8]> = (*self.blocks[(offset / 4096) as usize]).into();
        torn[..length].copy_from_slice(&bytes[..length]);
        self.write(*offset, &torn);
        true
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

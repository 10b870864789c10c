//! Every interleaving of few hosts with few cycles, crashes, failed and torn writes on one disk.
use super::disk::{Disk, medium};
use crate::configuration::Configuration;
use crate::medium::explore::{Broken, Make, Script, Store, Tally, explore, mix, walk};
use crate::medium::samples::{configuration, status};
use crate::medium::{Answer, Request, StatefileMedium};
use crate::status::Status;
use alloc::vec::Vec;
use proptest::collection::vec;
use proptest::prelude::*;

struct Hosts(usize);

impl Make for Hosts {
    type Medium = StatefileMedium;

    fn medium(&self, host: u16) -> StatefileMedium {
        medium(host, self.0)
    }

    fn status(&self, host: u16, process: u32) -> Status {
        status(host, 1, process, self.0)
    }

    fn configuration(&self, number: u64, by: u16, mark: u32) -> Configuration {
        configuration(number, by, mark, self.0)
    }
}

impl Store for Disk {
    fn serve(&mut self, request: &Request) -> Answer {
        Self::serve(self, request)
    }

    fn tear(&mut self, request: &Request) -> bool {
        // The new checksum, and the old sequence.
        self.tear_after(request, 40)
    }

    fn serve_late(&self, request: &Request, before: &Self, writes: &[&Request], draw: u64) -> Option<Answer> {
        let Request::Read { .. } = request else { return None };
        let mut view = self.clone();
        for (position, block) in view.blocks.iter_mut().enumerate() {
            if draw >> (position % 40) & 1 == 1 {
                *block = before.blocks[position].clone();
            }
        }
        for (position, write) in writes.iter().enumerate() {
            if draw >> (40 + position) & 1 == 1 {
                view.tear_after(write, (draw >> 45 & 0xff) as usize);
            }
        }
        Some(view.serve(request))
    }

    fn by_itself(&self) -> Vec<Self> {
        Vec::new()
    }

    fn fingerprint(&self) -> u64 {
        self.sums.iter().fold(0, |sum, &block| mix(sum, block))
    }
}

fn all(hosts: usize, script: &Script) -> Result<Tally, Broken> {
    explore(&Hosts(hosts), Disk::new(hosts), script)
}

/// Both numbers are decided, the first by either host, and by a process that had to start anew.
#[test]
fn two_proposers_with_one_crash_or_failed_or_torn_write_at_any_step() {
    let script =
        Script { cycles: alloc::vec![3, 3], faults: 1, proposers: alloc::vec![true; 2], last_number: 2 };
    let tally = all(2, &script).expect("the laws hold");
    let expected = [(1, 1_002), (1, 2_001), (1, 101_002), (2, 1_001), (2, 101_001)];
    assert!(expected.iter().all(|outcome| tally.outcomes.contains(outcome)), "{tally:?}");
}

#[test]
fn two_proposers_with_two_faults_each_in_few_cycles() {
    let script =
        Script { cycles: alloc::vec![3, 2], faults: 2, proposers: alloc::vec![true; 2], last_number: 1 };
    let tally = all(2, &script).expect("the laws hold");
    assert!(tally.outcomes.len() > 8, "{tally:?}");
}

#[test]
fn two_proposers_with_many_cycles() {
    let script =
        Script { cycles: alloc::vec![4, 4], faults: 0, proposers: alloc::vec![true; 2], last_number: 2 };
    let tally = all(2, &script).expect("the laws hold");
    assert!(tally.states > 500_000, "{tally:?}");
}

#[test]
fn three_proposers_at_any_step() {
    for (cycles, faults) in [(alloc::vec![2, 1, 1], 0), (alloc::vec![1, 1, 1], 1)] {
        let script = Script { cycles, faults, proposers: alloc::vec![true; 3], last_number: 2 };
        let tally = all(3, &script).expect("the laws hold");
        assert!(tally.outcomes.len() >= 3, "{tally:?}");
    }
}

#[test]
fn an_observer_sees_what_two_proposers_decide() {
    let script = Script {
        cycles: alloc::vec![2, 1, 2],
        faults: 0,
        proposers: alloc::vec![true, true, false],
        last_number: 2,
    };
    let tally = all(3, &script).expect("the laws hold");
    assert!(tally.outcomes.len() >= 3, "{tally:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn long_walks_with_overtaken_readings(hosts in 2usize..6, draws in vec(any::<u64>(), 50..1000)) {
        let script = Script {
            cycles: alloc::vec![u32::MAX; hosts],
            faults: 12,
            proposers: alloc::vec![true; hosts],
            last_number: u64::MAX,
        };
        prop_assert!(walk(&Hosts(hosts), Disk::new(hosts), &script, &draws).is_ok());
    }
}

#[test]
fn walks_get_somewhere() {
    let script = Script {
        cycles: alloc::vec![u32::MAX; 3],
        faults: 20,
        proposers: alloc::vec![true; 3],
        last_number: u64::MAX,
    };
    let draws: Vec<u64> = (0..3000)
        .scan(1, |state, step| {
            *state = mix(*state, step);
            Some(*state)
        })
        .collect();
    let tally = walk(&Hosts(3), Disk::new(3), &script, &draws).expect("the laws hold");
    assert!(tally.outcomes.len() > 50 && tally.cycles > 500, "{tally:?}");
}

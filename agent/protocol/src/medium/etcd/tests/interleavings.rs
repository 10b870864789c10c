//! Every interleaving of few hosts with few cycles, crashes and failed transactions, some of which take effect late.
use super::store::{Etcd, medium};
use crate::medium::EtcdMedium;
use crate::medium::explore::{Broken, Make, Script, Tally, explore, walk};
use crate::medium::samples::{configuration, status};
use crate::{Configuration, Status};
use proptest::collection::vec;
use proptest::prelude::*;

struct Hosts(usize);

impl Make for Hosts {
    type Medium = EtcdMedium;

    fn medium(&self, host: u16) -> EtcdMedium {
        medium(host, self.0)
    }

    fn status(&self, host: u16, process: u32) -> Status {
        status(host, 1, process, self.0)
    }

    fn configuration(&self, number: u64, by: u16, mark: u32) -> Configuration {
        configuration(number, by, mark, self.0)
    }
}

fn all(script: &Script) -> Result<Tally, Broken> {
    let hosts = script.cycles.len();
    explore(&Hosts(hosts), Etcd::new(hosts), script)
}

#[test]
fn two_proposers_with_crashes_failures_and_late_effects_at_any_step() {
    for (cycles, faults) in [([3, 3], 1), ([2, 2], 2)] {
        let script = Script { cycles: cycles.into(), faults, proposers: [true; 2].into(), last_number: 3 };
        let tally = all(&script).expect("the laws hold");
        assert!(tally.outcomes.len() > 8, "{tally:?}");
    }
}

#[test]
fn three_proposers_at_any_step() {
    for (cycles, faults) in [([2, 2, 1], 0), ([1, 1, 1], 1)] {
        let script = Script { cycles: cycles.into(), faults, proposers: [true; 3].into(), last_number: 3 };
        let tally = all(&script).expect("the laws hold");
        assert!(tally.outcomes.len() > 2, "{tally:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn long_walks_with_late_effects(hosts in 2usize..6, draws in vec(any::<u64>(), 50..600)) {
        let script = Script {
            cycles: alloc::vec![u32::MAX; hosts],
            faults: 12,
            proposers: alloc::vec![true; hosts],
            last_number: u64::MAX,
        };
        prop_assert!(walk(&Hosts(hosts), Etcd::new(hosts), &script, &draws).is_ok());
    }
}

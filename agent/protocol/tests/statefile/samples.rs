//! A region with one record in which everything is in use.
use lifeboat_model::HostIndex;
use lifeboat_protocol::configuration::{Disarm, HostEntry};
use lifeboat_protocol::evidence::EvidenceKind;
use lifeboat_protocol::medium::{Answer, Medium, PoolId, Request, StatefileMedium, Step, statefile};
use lifeboat_protocol::status::{Phase, Silence};
use lifeboat_protocol::{Boot, Configuration, ConfigurationNumber, Epoch, Process, Standing, Status};
use std::time::Duration;

pub(crate) const POOL: PoolId = PoolId(*b"pool-of-examples");

/// Where the copies of host 1's record begin.
pub(crate) const COPIES: [usize; 2] = [3 * 4096, 4 * 4096];

pub(crate) fn status() -> Status {
    Status {
        host: HostIndex(1),
        boot: Boot(3),
        process: Process(2),
        phase: Phase::Member,
        adopted: ConfigurationNumber(7),
        resigned: Epoch(4),
        medium_works: true,
        carrier: true,
        disarmed: false,
        newest_key: 2,
        protected_memory_mib: 65536,
        silence: vec![Silence(4), Silence(0), Silence(700)],
        heard: vec![Silence(3), Silence(0), Silence(699)],
    }
}

/// What is decided, and what host 1 proposes after it: host 2 is out, and host 1 leads.
pub(crate) fn configurations() -> [Configuration; 2] {
    let member = |boot, joined| {
        let standing = Standing::Member { boot: Boot(boot), joined: ConfigurationNumber(joined) };
        HostEntry { standing, ..HostEntry::default() }
    };
    let decided = Configuration {
        number: ConfigurationNumber(7),
        leader: HostIndex(2),
        epoch: Epoch(5),
        timeout: Duration::from_secs(15),
        key_epoch: 2,
        disarm: None,
        braked: false,
        hosts: vec![member(9, 1), member(3, 6), member(2, 1)],
    };
    let mut proposal = decided.clone();
    proposal.number = ConfigurationNumber(8);
    proposal.leader = HostIndex(1);
    proposal.epoch = Epoch(8);
    proposal.disarm = Some(Disarm { lasts: Duration::from_mins(1) });
    proposal.hosts[0].standing = Standing::Fenced { boot: Boot(9), evidence: EvidenceKind::PowerOff };
    proposal.hosts[0].failures = 3;
    proposal.hosts[0].quarantined = true;
    proposal.hosts[2].standing =
        Standing::Fencing { boot: Boot(2), joined: ConfigurationNumber(1), led: Some(Epoch(5)) };
    [decided, proposal]
}

/// The region after host 1, which knows configuration 7, has accepted its proposal of 8, and what it writes then.
pub(crate) fn region() -> Vec<u8> {
    let mut region = statefile::format(POOL, 3).expect("three hosts fit").into_vec();
    let [decided, proposal] = configurations();
    let mut medium = StatefileMedium::new(POOL, HostIndex(1), 3);
    medium.learned(&decided);
    let mut request = medium.begin(&status(), Some(&proposal));
    for _ in 0..4 {
        let answer = serve(&mut region, &request);
        let Step::Next(next) = medium.answered(answer) else { panic!("five requests decide") };
        request = next;
    }
    region
}

pub(crate) fn serve(region: &mut [u8], request: &Request) -> Answer {
    match request {
        Request::Write { offset, bytes } => {
            region[*offset as usize..][..bytes.len()].copy_from_slice(bytes);
            Answer::Written
        }
        Request::Read { offset, length } => {
            Answer::Read(region[*offset as usize..][..*length as usize].into())
        }
        Request::Transaction { .. } => Answer::Failed,
    }
}

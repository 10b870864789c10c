#![no_main]
//! The fuzzer's bytes become copies of records with right checksums, and damage. Hosts that read them must not panic,
//! must not take what they cannot publish again, and must agree on what is decided.
use lifeboat_model::HostIndex;
use lifeboat_protocol::medium::{Answer, Medium, PoolId, Request, StatefileMedium, Step, statefile};
use lifeboat_protocol::status::Phase;
use lifeboat_protocol::{Boot, Configuration, ConfigurationNumber, Epoch, Process, Status};
use std::time::Duration;

const POOL: PoolId = PoolId([0x55; 16]);
const HOSTS: usize = 3;
const BLOCKS: usize = 1 + 2 * HOSTS;

fn status(host: u16, process: u32) -> Status {
    Status {
        host: HostIndex(host),
        boot: Boot(1 << 40),
        process: Process(process),
        phase: Phase::Member,
        adopted: ConfigurationNumber(0),
        resigned: Epoch(0),
        medium_works: true,
        carrier: true,
        disarmed: false,
        newest_key: 0,
        protected_memory_mib: 0,
        silence: Vec::new(),
        heard: Vec::new(),
    }
}

/// CRC-32C, one bit at a time.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, &byte| {
        (0..8).fold(
            sum ^ u32::from(byte),
            |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 },
        )
    })
}

/// Copies of records: which one, how long, then everything behind the header's fixed fields.
fn region(mut bytes: &[u8]) -> Vec<u8> {
    let mut region = statefile::format(POOL, HOSTS).expect("room").into_vec();
    region.truncate(BLOCKS * 4096);
    while let [place, length, rest @ ..] = bytes {
        let copy = usize::from(place & 7) % (BLOCKS - 1);
        let (content, rest) = rest.split_at(rest.len().min(usize::from(*length) * 4));
        bytes = rest;
        let mut record = vec![0; 64.max(20 + content.len())];
        record[4..8].copy_from_slice(b"LBHR");
        record[8] = 1;
        record[12] = (copy / 2) as u8;
        record[16..32].copy_from_slice(&POOL.0);
        let fields = content.len().min(2);
        record[14..14 + fields].copy_from_slice(&content[..fields]);
        let body = &content[fields..];
        let end = (32 + body.len()).min(record.len());
        record[32..end].copy_from_slice(&body[..end - 32]);
        let used = record.len() as u16;
        record[10..12].copy_from_slice(&used.to_le_bytes());
        // Some records are damaged.
        let damage = u32::from(place >> 7);
        let sum = checksum(&record[4..]) ^ damage;
        record[..4].copy_from_slice(&sum.to_le_bytes());
        region[(1 + copy) * 4096..][..record.len()].copy_from_slice(&record);
    }
    region
}

/// Three cycles of a fresh process; what it takes for decided.
fn cycles(region: &mut [u8], own: &Status, proposal: &Configuration) -> Option<Configuration> {
    let mut medium = StatefileMedium::new(POOL, own.host, HOSTS);
    let mut newest = None;
    for _ in 0..3 {
        let mut request = medium.begin(own, Some(proposal));
        loop {
            let answer = match &request {
                Request::Write { offset, bytes } => {
                    assert_eq!(bytes.len(), 4096);
                    region[*offset as usize..][..4096].copy_from_slice(bytes);
                    Answer::Written
                }
                Request::Read { offset, length } => {
                    Answer::Read(region[*offset as usize..][..*length as usize].into())
                }
                Request::Transaction { .. } => unreachable!("that is etcd's"),
            };
            match medium.answered(answer) {
                Step::Next(next) => request = next,
                Step::Done(snapshot) => {
                    newest = snapshot.newest.or(newest);
                    break;
                }
                Step::Failed(_) => break,
            }
        }
    }
    newest
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // As it comes, too.
    if let Ok(inspection) = statefile::inspect(bytes) {
        assert!(!inspection.to_string().is_empty());
    }
    let mut region = region(bytes);
    let inspection = statefile::inspect(&region).expect("the global section is whole");
    assert!(!inspection.to_string().is_empty());
    let mut proposal = Configuration {
        number: ConfigurationNumber(1),
        leader: HostIndex(0),
        epoch: Epoch(1),
        timeout: Duration::from_secs(15),
        key_epoch: 1,
        disarm: None,
        braked: false,
        hosts: Vec::new(),
    };
    proposal.number = inspection
        .newest
        .as_ref()
        .map_or(ConfigurationNumber(1), |newest| ConfigurationNumber(newest.number.0.saturating_add(1)));
    let first = cycles(&mut region, &status(0, 1), &proposal);
    proposal.key_epoch = 2;
    let second = cycles(&mut region, &status(2, 1), &proposal);
    // Bytes can be made up in which two different configurations of one number stand; what a host has published is
    // seen by the next one, or something newer.
    if let (Some(first), Some(second)) = (first, second) {
        assert!(second.number >= first.number, "{first:?} was published, {second:?} was seen");
    }
});

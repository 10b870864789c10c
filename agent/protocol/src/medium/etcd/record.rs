//! The keys and values in etcd. docs/etcd.md has them as a table.
use crate::bytes::{MAX_HOSTS, Reader, Writer};
use crate::configuration::Configuration;
use crate::medium::{Fault, PoolId, Request};
use crate::status::Status;
use crate::wire;
use crate::{Boot, Process};
use alloc::{format as text, string::String, vec, vec::Vec};
use core::fmt::Write as _;
use lifeboat_model::HostIndex;

/// The version of all values, their first byte.
const VERSION: u8 = 1;

/// The keys of one pool.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

/// What a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Pool,
    Configuration,
    Host(HostIndex),
}

/// What dates a record: a later one of the same host is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp {
    pub(super) boot: Boot,
    pub(super) process: Process,
    pub(super) sequence: u64,
}

/// What is to be put when HA is enabled, for a pool that has `hosts` hosts then. It takes effect if nothing stands there.
pub fn format(pool: PoolId, hosts: usize) -> Request {
    let keys = Keys::new(pool);
    let key = text!("{}pool", keys.prefix);
    let mut value = Writer::with_capacity(3);
    value.u8(VERSION);
    value.count(hosts);
    Request::Transaction {
        guard: Some((key.clone(), 0)),
        put_if: vec![(key, value.into_bytes())],
        put: Vec::new(),
        get_prefix: keys.prefix,
    }
}

impl Keys {
    pub(super) fn new(pool: PoolId) -> Self {
        let mut prefix = String::with_capacity(9 + 32 + 1);
        prefix.push_str("lifeboat/");
        for byte in pool.0 {
            write!(prefix, "{byte:02x}").expect("a string takes whatever is written");
        }
        prefix.push('/');
        Self { prefix }
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn configuration(&self) -> String {
        text!("{}configuration", self.prefix)
    }

    pub(super) fn host(&self, host: HostIndex) -> String {
        text!("{}host/{:03}", self.prefix, host.0)
    }

    pub(super) fn parse(&self, key: &str) -> Option<Key> {
        match key.strip_prefix(&self.prefix)? {
            "pool" => Some(Key::Pool),
            "configuration" => Some(Key::Configuration),
            other => {
                let digits = other.strip_prefix("host/")?;
                let host = digits.parse().ok().filter(|&host: &u16| usize::from(host) < MAX_HOSTS)?;
                // One spelling only.
                (digits.len() == 3 && !digits.starts_with('+')).then_some(Key::Host(HostIndex(host)))
            }
        }
    }
}

pub(super) fn encode_configuration(configuration: &Configuration) -> Vec<u8> {
    let mut to = Writer::with_capacity(1 + wire::configuration::max_size(configuration.hosts.len()));
    to.u8(VERSION);
    wire::configuration::encode(configuration, &mut to);
    to.into_bytes()
}

pub(super) fn decode_configuration(value: &[u8]) -> Result<Configuration, Fault> {
    let mut from = versioned(value)?;
    let configuration = wire::configuration::decode(&mut from).map_err(|_| Fault::Unreadable)?;
    from.finish().map_err(|_| Fault::Unreadable)?;
    Ok(configuration)
}

pub(super) fn encode_record(sequence: u64, status: &Status) -> Vec<u8> {
    let mut to = Writer::with_capacity(9 + wire::status::size(status));
    to.u8(VERSION);
    to.u64(sequence);
    wire::status::encode(status, &mut to);
    to.into_bytes()
}

/// Only what dates a record: nearly all that is read was read before.
pub(super) fn decode_stamp(value: &[u8]) -> Result<Stamp, Fault> {
    let mut from = versioned(value)?;
    let stamp = (|| {
        let sequence = from.u64()?;
        from.host()?;
        Ok::<_, crate::bytes::Malformed>(Stamp {
            sequence,
            boot: Boot(from.u64()?),
            process: Process(from.u32()?),
        })
    })();
    stamp.map_err(|_| Fault::Unreadable)
}

pub(super) fn decode_status(value: &[u8], host: HostIndex) -> Result<Status, Fault> {
    let mut from = versioned(value)?;
    from.u64().map_err(|_| Fault::Unreadable)?;
    let status = wire::status::decode(&mut from).map_err(|_| Fault::Unreadable)?;
    from.finish().map_err(|_| Fault::Unreadable)?;
    if status.host == host { Ok(status) } else { Err(Fault::Unreadable) }
}

/// Whether the pool's key is of this version.
pub(super) fn check_pool(value: &[u8]) -> Result<(), Fault> {
    let mut from = versioned(value)?;
    from.count(MAX_HOSTS, "the number of hosts").map_err(|_| Fault::Unreadable)?;
    from.finish().map_err(|_| Fault::Unreadable)
}

fn versioned(value: &[u8]) -> Result<Reader<'_>, Fault> {
    let mut from = Reader::new(value);
    match from.u8() {
        Ok(VERSION) => Ok(from),
        Ok(_) => Err(Fault::Foreign),
        Err(_) => Err(Fault::Unreadable),
    }
}

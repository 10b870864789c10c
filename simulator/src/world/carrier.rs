//! The protocol's own media, of which a pool uses one.
use lifeboat_model::HostIndex;
use lifeboat_model::spec::Medium as Kind;
use lifeboat_protocol::Configuration;
use lifeboat_protocol::Status;
use lifeboat_protocol::medium::etcd::EtcdMedium;
use lifeboat_protocol::medium::statefile::StatefileMedium;
use lifeboat_protocol::medium::{Answer, Medium, PoolId, Request, Step};

/// A medium as an agent drives it.
#[derive(Debug)]
pub(super) enum Carrier {
    Statefile(Box<StatefileMedium>),
    Etcd(Box<EtcdMedium>),
}

impl Carrier {
    pub(super) fn new(kind: Kind, pool: PoolId, host: HostIndex, hosts: usize) -> Self {
        match kind {
            Kind::Statefile => Self::Statefile(Box::new(StatefileMedium::new(pool, host, hosts))),
            Kind::Etcd => Self::Etcd(Box::new(EtcdMedium::new(pool, host, hosts))),
        }
    }
}

impl Medium for Carrier {
    fn idle(&self) -> bool {
        match self {
            Self::Statefile(medium) => medium.idle(),
            Self::Etcd(medium) => medium.idle(),
        }
    }

    fn begin(&mut self, own: &Status, proposal: Option<&Configuration>) -> Request {
        match self {
            Self::Statefile(medium) => medium.begin(own, proposal),
            Self::Etcd(medium) => medium.begin(own, proposal),
        }
    }

    fn answered(&mut self, answer: Answer) -> Step {
        match self {
            Self::Statefile(medium) => medium.answered(answer),
            Self::Etcd(medium) => medium.answered(answer),
        }
    }

    fn learned(&mut self, decided: &Configuration) {
        match self {
            Self::Statefile(medium) => medium.learned(decided),
            Self::Etcd(medium) => medium.learned(decided),
        }
    }
}

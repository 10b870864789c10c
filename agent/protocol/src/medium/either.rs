//! Either medium: a pool uses one of them, and which one is known only when its agent starts.
use super::etcd::EtcdMedium;
use super::statefile::StatefileMedium;
use super::{Answer, Medium, PoolId, Request, Step};
use crate::configuration::Configuration;
use crate::status::Status;
use alloc::boxed::Box;
use lifeboat_model::HostIndex;
use lifeboat_model::spec::Medium as Kind;

/// A medium as an agent drives it.
#[derive(Clone, Debug)]
pub enum EitherMedium {
    /// A region of a shared volume.
    Statefile(Box<StatefileMedium>),
    /// etcd.
    Etcd(Box<EtcdMedium>),
}

impl EitherMedium {
    /// The side of `host` on a medium of that kind, of a pool that has `hosts` hosts.
    ///
    /// # Panics
    /// As the media's own.
    pub fn new(kind: Kind, pool: PoolId, host: HostIndex, hosts: usize) -> Self {
        match kind {
            Kind::Statefile => Self::Statefile(Box::new(StatefileMedium::new(pool, host, hosts))),
            Kind::Etcd => Self::Etcd(Box::new(EtcdMedium::new(pool, host, hosts))),
        }
    }
}

impl Medium for EitherMedium {
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

    fn grown(&mut self, hosts: usize) {
        match self {
            Self::Statefile(medium) => medium.grown(hosts),
            Self::Etcd(medium) => medium.grown(hosts),
        }
    }
}

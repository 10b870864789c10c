//! The medium in the world: each host's path to it, and what becomes of a request on the way.
use super::World;
use super::due::Due;
use super::host::Power;
use crate::disk::Disk;
use crate::etcd::Etcd;
use crate::{At, Happening};
use core::time::Duration;
use lifeboat_model::spec::Medium as Kind;
use lifeboat_model::{HostIndex, Pool};
use lifeboat_protocol::medium::{Answer, PoolId, Request, etcd, statefile};
use lifeboat_protocol::{Boot, Input};

/// What all hosts share.
pub(super) enum Shared {
    Statefile(Disk),
    Etcd(Etcd),
}

/// A host's path to the medium.
#[derive(Debug, Default)]
pub(super) struct Path {
    /// It is broken.
    pub(super) lost: bool,
    /// The VMs' disks are out of reach too.
    pub(super) disks_lost: bool,
    /// What becomes of requests while it is broken.
    pub(super) manner: Manner,
    /// How long a request takes, where that is not as usual.
    pub(super) latency: Option<Duration>,
    /// Requests are held until then.
    pub(super) held_until: At,
    /// Requests fail until then.
    pub(super) errors_until: At,
    /// Writes are acknowledged and lost until then.
    pub(super) loses_until: At,
    /// What hangs until the path is back.
    pub(super) hanging: Vec<(Boot, u32, Box<Request>)>,
}

/// How a broken path shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Manner {
    /// Requests fail soon.
    #[default]
    Fails,
    /// Requests hang until the path is back, and fail then.
    Hangs,
    /// Requests are kept until the path is back, and take effect then.
    Queues,
}

/// Larger than all that is read from a statefile at once, in bytes.
const LARGE_PIECE: usize = 16 << 20;

impl Shared {
    pub(super) fn new(pool: &Pool, id: PoolId) -> Self {
        match pool.settings().medium {
            Kind::Statefile => {
                // A pool of 64 hosts reads half a MiB 128 times a second. Allocators that see a large piece come and go
                // once keep such pieces from then on, instead of asking the system for each of them.
                drop(core::hint::black_box(vec![0_u8; LARGE_PIECE]));
                let region = statefile::format(id, pool.hosts().len());
                Self::Statefile(Disk::new(
                    region.expect("the number of hosts was checked before the world began"),
                ))
            }
            Kind::Etcd => {
                let mut cluster = Etcd::default();
                cluster.carry_out(etcd::format(id, pool.hosts().len()));
                Self::Etcd(cluster)
            }
        }
    }
}

impl World<'_> {
    /// A request sets out; it takes effect on half its way.
    pub(super) fn ask_medium(&mut self, index: HostIndex, run: u32, request: Request) {
        let way = self.half_way(index);
        let boot = self.hosts[index.get()].boot;
        self.after(way, Due::MediumLands { host: index, boot, run, request: Box::new(request) });
    }

    /// Half of what a request takes.
    fn half_way(&mut self, index: HostIndex) -> Duration {
        let usual = self.settings.medium_latency;
        let latency = self.hosts[index.get()].path.latency.unwrap_or(usual) / 2;
        let jitter = self.settings.medium_jitter;
        if jitter.is_zero() { latency } else { latency + self.draws.medium.span(Duration::ZERO, jitter / 2) }
    }

    pub(super) fn medium_lands(&mut self, index: HostIndex, boot: Boot, run: u32, request: Box<Request>) {
        let now = self.now;
        let reached = self.reaches_medium(index);
        let host = &mut self.hosts[index.get()];
        let alive = host.is_up(boot);
        if host.path.held_until > now {
            // It has left the host: it takes effect at the end of the delay, whatever becomes of the host.
            let at = host.path.held_until;
            self.schedule.put(at, Due::MediumLands { host: index, boot, run, request });
            return;
        }
        if !alive {
            return self.interrupted(&request);
        }
        if !reached {
            match host.path.manner {
                Manner::Fails => self.answer_later(index, run, Answer::Failed),
                Manner::Hangs | Manner::Queues => host.path.hanging.push((boot, run, request)),
            }
            return;
        }
        let fails = host.path.errors_until > now;
        let loses = host.path.loses_until > now;
        if fails && self.draws.medium.chance(500_000) {
            return self.answer_later(index, run, Answer::Failed);
        }
        let answer = self.take_effect(index, boot, *request, loses);
        self.answer_later(index, run, if fails { Answer::Failed } else { answer });
    }

    /// A request takes effect.
    fn take_effect(&mut self, index: HostIndex, boot: Boot, request: Request, loses: bool) -> Answer {
        let writes = !matches!(request, Request::Read { .. });
        let answer = match (&mut self.shared, request) {
            (Shared::Statefile(_), Request::Write { .. }) if loses => Answer::Written,
            (Shared::Statefile(disk), Request::Write { offset, bytes }) => {
                if disk.write(offset, &bytes) {
                    Answer::Written
                } else {
                    Answer::Failed
                }
            }
            (Shared::Statefile(disk), Request::Read { offset, length }) => {
                disk.read(offset, length).map_or(Answer::Failed, Answer::Read)
            }
            (Shared::Etcd(etcd), request @ Request::Transaction { .. }) => etcd.carry_out(request),
            (Shared::Statefile(_), Request::Transaction { .. }) | (Shared::Etcd(_), _) => Answer::Failed,
        };
        if writes {
            self.tell(&Happening::MediumWrite { host: index, boot });
        }
        answer
    }

    /// The host went down while the request was on its way: it took effect, did not, or did in part.
    fn interrupted(&mut self, request: &Request) {
        let fate = self.draws.medium.between(0, 2);
        match (&mut self.shared, request) {
            (_, Request::Read { .. }) | (Shared::Statefile(_), Request::Transaction { .. }) => {}
            (Shared::Statefile(disk), Request::Write { offset, bytes }) => match fate {
                0 => {}
                1 => disk.tear(*offset, bytes, &mut self.draws.medium),
                _ => {
                    disk.write(*offset, bytes);
                }
            },
            (Shared::Etcd(etcd), request) => {
                if fate > 0 {
                    etcd.carry_out(request.clone());
                }
            }
        }
    }

    fn answer_later(&mut self, index: HostIndex, run: u32, answer: Answer) {
        let way = self.half_way(index);
        self.after(way, Due::MediumAnswers { host: index, run, answer });
    }

    pub(super) fn medium_answers(&mut self, index: HostIndex, run: u32, answer: Answer) {
        let same = self.hosts[index.get()].agent.as_ref().is_some_and(|agent| agent.run == run);
        if same {
            self.feed(index, Input::Medium(answer));
        }
    }

    /// Whether what a host asks of the medium gets there.
    pub(super) fn reaches_medium(&self, index: HostIndex) -> bool {
        let path = &self.hosts[index.get()].path;
        !path.lost && (self.etcd_members().is_empty() || self.reaches_etcd_quorum(index))
    }

    /// Hosts that carry the etcd cluster; none: it is elsewhere, or there is none.
    fn etcd_members(&self) -> &[HostIndex] {
        match self.shared {
            Shared::Etcd(_) => &self.pool.settings().etcd_members,
            Shared::Statefile(_) => &[],
        }
    }

    /// Whether a host reaches a member that forms a quorum with others.
    fn reaches_etcd_quorum(&self, index: HostIndex) -> bool {
        let members = self.etcd_members();
        let up = |member: &HostIndex| self.hosts[member.get()].power == Power::Up;
        let leads = |leader: &HostIndex| {
            let with =
                members.iter().filter(|member| up(member) && self.network.connected(*leader, **member));
            2 * with.count() > members.len()
        };
        members.iter().any(|member| up(member) && self.network.connected(index, *member) && leads(member))
    }

    /// A path breaks.
    pub(super) fn lose_medium(&mut self, index: HostIndex, vm_storage: bool) {
        let manner = match self.draws.medium.between(0, 2) {
            0 => Manner::Fails,
            1 => Manner::Hangs,
            _ => Manner::Queues,
        };
        let path = &mut self.hosts[index.get()].path;
        path.lost = true;
        path.disks_lost |= vm_storage;
        path.manner = manner;
    }

    /// A path is as it should be.
    pub(super) fn heal_medium(&mut self, index: HostIndex) {
        let path = &mut self.hosts[index.get()].path;
        path.lost = false;
        path.disks_lost = false;
        path.latency = None;
        self.release_hanging(index);
    }

    /// What hung on a path that is back goes on.
    pub(super) fn release_hanging(&mut self, index: HostIndex) {
        let path = &mut self.hosts[index.get()].path;
        let manner = core::mem::take(&mut path.manner);
        for (boot, run, request) in core::mem::take(&mut path.hanging) {
            if manner == Manner::Queues {
                self.after(Duration::ZERO, Due::MediumLands { host: index, boot, run, request });
            } else {
                self.answer_later(index, run, Answer::Failed);
            }
        }
    }
}

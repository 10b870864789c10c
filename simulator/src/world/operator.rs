//! Operators: they ask the coordinator, or an agent, and ask again while there is nobody to answer.
use super::World;
use super::due::Due;
use super::host::Power;
use crate::Happening;
use core::time::Duration;
use lifeboat_coordinator as coordinator;
use lifeboat_coordinator::Refusal;
use lifeboat_coordinator::input::{Call, CallId};
use lifeboat_model::{HostIndex, Pool};
use lifeboat_protocol::Input;
use lifeboat_protocol::evidence::EvidenceKind;
use lifeboat_protocol::input::Operator;

/// Something that an operator wants, and how often it will still be asked for.
#[derive(Clone)]
pub(super) struct Errand {
    pub(super) wish: Wish,
    pub(super) tries: u32,
}

/// What an operator wants.
#[derive(Clone)]
pub(super) enum Wish {
    /// Of the coordinator.
    Call(Call),
    /// A changed pool document.
    Document(Box<Pool>),
    /// Of the leader's agent.
    Leader(Operator),
    /// Of a host's agent.
    Leave(HostIndex),
    /// To be told to every agent that works: each asks a BMC itself, and an operator's word is passed to all.
    Evidence(HostIndex, EvidenceKind),
}

/// Asked once a second, for so long.
const TRIES: u32 = 300;
const BETWEEN: Duration = Duration::from_secs(1);

impl World<'_> {
    pub(super) fn wish(&mut self, wish: Wish) {
        self.run_errand(Errand { wish, tries: TRIES });
    }

    /// Asks; later again where there was nobody to ask.
    pub(super) fn run_errand(&mut self, errand: Errand) {
        let Errand { wish, tries } = errand;
        if !self.ask(&wish) && tries > 0 {
            self.after(BETWEEN, Due::Errand(Errand { wish, tries: tries - 1 }));
        }
    }

    fn ask(&mut self, wish: &Wish) -> bool {
        match wish {
            Wish::Call(call) => self.call(call.clone()),
            Wish::Document(pool) => self.change_document(pool),
            Wish::Leader(operator) => {
                let Some(leader) = self.leader() else { return false };
                self.feed(leader, Input::Operator(operator.clone()));
                true
            }
            Wish::Leave(host) => {
                if self.hosts[host.get()].power == Power::Off {
                    return true;
                }
                let works = self.agent_works(*host);
                if works {
                    self.feed(*host, Input::Operator(Operator::Leave));
                }
                works
            }
            Wish::Evidence(host, kind) => {
                let agents: Vec<HostIndex> = self.hosts().filter(|agent| self.agent_works(*agent)).collect();
                for agent in &agents {
                    self.feed(*agent, Input::Evidence { host: *host, kind: *kind });
                }
                !agents.is_empty()
            }
        }
    }

    /// Calls the coordinator, if there is one that works.
    fn call(&mut self, what: Call) -> bool {
        let Some(view) = self.coordinator().filter(|view| view.works && !view.hangs) else { return false };
        self.next_call += 1;
        let call = CallId(self.next_call);
        self.calls.insert(call.0, words(&self.pool, &what));
        self.feed_control(view.host, coordinator::Input::Call { call, what });
        true
    }

    /// The document is changed in the store first, then the coordinator is told; without the store it is not changed.
    fn change_document(&mut self, pool: &Pool) -> bool {
        let Some(view) = self.coordinator().filter(|view| view.works && !view.hangs) else { return false };
        if !self.reaches_medium(view.host) {
            self.trace.refused(self.now, "the pool document", "the store is out of reach");
            return true;
        }
        self.set_document(pool);
        self.call(Call::PoolChanged { pool: Box::new(pool.clone()) })
    }

    fn set_document(&mut self, pool: &Pool) {
        self.pool = pool.clone();
        self.by_name = pool.vm_indices().map(|vm| (pool.vm_id(vm).to_owned(), vm)).collect();
        for index in pool.host_indices().take(self.hosts.len()) {
            let host = pool.host(index);
            self.hosts[index.get()].hypervisor.set_memory(host.capacity[0].saturating_sub(host.reserved_mib));
        }
    }

    /// Whoever leads now by the newest configuration that a working agent has adopted.
    fn leader(&self) -> Option<HostIndex> {
        let adopted = self.pool.host_indices().filter(|host| self.agent_works(*host)).filter_map(|host| {
            let configuration = self.configuration(host)?;
            Some((configuration.number, configuration.leader))
        });
        let leader = adopted.max_by_key(|(number, _)| *number).map(|(_, leader)| leader)?;
        let leads = self.agent_works(leader)
            && self.configuration(leader).is_some_and(|known| known.leader == leader);
        leads.then_some(leader)
    }

    /// The coordinator says that a host which is to be shut down is empty.
    pub(super) fn host_may_leave(&mut self, host: HostIndex) {
        self.hosts[host.get()].to_be_off = true;
        self.wish(Wish::Leave(host));
    }

    /// The coordinator asks for a host to be fenced.
    pub(super) fn request_fence(&mut self, by: HostIndex, host: HostIndex) {
        let reason = format!("{} has left it unknown for too long what runs there", self.pool.host_id(host));
        self.trace.refused(self.now, &format!("fencing asked for by {}", self.pool.host_id(by)), &reason);
    }

    pub(super) fn reply(&mut self, call: CallId, answer: Result<(), Refusal>) {
        let what = self.calls.remove(&call.0).unwrap_or_default();
        if let Err(refusal) = answer {
            self.trace.refused(self.now, &what, &refusal.to_string());
        }
    }

    pub(super) fn evidence_from_bmc(&mut self, host: HostIndex) {
        // A BMC that is asked says what is so.
        if self.hosts[host.get()].power == Power::Off {
            self.wish(Wish::Evidence(host, EvidenceKind::PowerOff));
        } else {
            self.trace.refused(
                self.now,
                &format!("the BMC of {}", self.pool.host_id(host)),
                "the host has power",
            );
        }
    }

    /// The scenario applies an event.
    pub(super) fn event(&mut self, position: usize) {
        let Some(action) = self.scenario.events.get(position).map(|event| event.action.clone()) else {
            return;
        };
        self.tell(&Happening::Event(position));
        self.apply(position, &action);
    }
}

fn words(pool: &Pool, call: &Call) -> String {
    match call {
        Call::StartVm { vm, .. } => format!("starting {}", pool.vm_id(*vm)),
        Call::StopVm { vm } => format!("stopping {}", pool.vm_id(*vm)),
        Call::SetPriority { vm, .. } => format!("changing the priority of {}", pool.vm_id(*vm)),
        Call::MigrateVm { vm, to } => format!("migrating {} to {}", pool.vm_id(*vm), pool.host_id(*to)),
        Call::DisableHost { host } => format!("disabling {}", pool.host_id(*host)),
        Call::EnableHost { host } => format!("enabling {}", pool.host_id(*host)),
        Call::Evacuate { host } => format!("evacuating {}", pool.host_id(*host)),
        Call::ShutDownHost { host } => format!("shutting {} down", pool.host_id(*host)),
        Call::RebootHost { host } => format!("rebooting {}", pool.host_id(*host)),
        Call::PlanMoves { .. } => "planned migrations".to_owned(),
        Call::PoolChanged { .. } => "the changed pool document".to_owned(),
    }
}

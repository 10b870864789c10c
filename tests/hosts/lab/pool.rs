//! A pool on a lab: real agents, real services, guests that the pool protects; and what tests ask of it.
pub mod configuration;
pub mod forming;
pub mod report;
pub mod timing;

use crate::api::Client;
use crate::clock::{first, until};
use crate::command::{run, tool};
use crate::host::{Host, Unit};
use crate::lab::{Lab, LabFault};
use crate::network::{Network, NetworkFault};
use crate::programs::Programs;
use serde_json::{Value, json};
use std::time::Duration;

/// The pool's name.
pub const POOL: &str = "lab";
/// How long anything may take that has no bound of its own.
pub const SOON: Duration = Duration::from_mins(1);

/// What a pool is to be.
#[derive(Clone, Copy, Debug)]
pub struct Wishes {
    /// How many hosts.
    pub hosts: usize,
    /// How many guests, spread over the hosts in turn, all protected; every other one in the second order.
    pub vms: usize,
    /// T.
    pub timeout_s: u64,
    /// Whether every host has a BMC that the others can use.
    pub bmc: bool,
    /// After so many failures a host takes no more guests; 0: never.
    pub quarantine: u8,
}

impl Wishes {
    /// Three hosts with six guests and T = 5 s; three failures, as usual, put a host in quarantine.
    pub const THREE: Self = Self { hosts: 3, vms: 6, timeout_s: 5, bmc: false, quarantine: 3 };
}

/// A pool that has formed.
#[derive(Debug)]
pub struct Pool {
    /// Its hosts.
    pub lab: Lab,
    /// What it was to be.
    pub wishes: Wishes,
    /// Its guests.
    pub vms: Vec<String>,
    pub(crate) programs: Programs,
    pub(crate) client: Client,
}

/// Why there is no pool.
#[derive(Debug, thiserror::Error)]
pub enum PoolFault {
    /// The lab.
    #[error(transparent)]
    Lab(#[from] LabFault),
    /// A file.
    #[error("the lab's files cannot be written")]
    File(#[from] std::io::Error),
    /// A tool.
    #[error(transparent)]
    Tool(#[from] crate::command::Failed),
    /// A BMC.
    #[error(transparent)]
    Bmc(#[from] crate::bmc::BmcFault),
    /// It did not come about.
    #[error("{0}")]
    Never(String),
}

impl Pool {
    /// T.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.wishes.timeout_s)
    }

    /// How things stand as a host's agent sees them; none: it does not answer.
    pub fn status(&self, host: &Host) -> Option<Value> {
        self.tell(host, &json!({ "ask": "status" })).ok()
    }

    /// Says something to a host's agent by its socket.
    ///
    /// # Errors
    /// What it says against it, or that it does not answer.
    pub fn tell(&self, host: &Host, ask: &Value) -> Result<Value, String> {
        let Some(pid_1) = host.pid_1() else { return Err(format!("{} is off", host.name())) };
        // From within: the agent asks the kernel who asks, and from outside its namespace that is nobody.
        let mut tell = tool("nsenter");
        tell.args(["-t", &pid_1.pid.to_string(), "-p", "--"]).arg(&self.programs.pid_1).arg("tell");
        tell.arg(host.folder().join("lifeboat/run/agent.sock")).arg(ask.to_string());
        let told = run(&mut tell).map_err(|fault| fault.to_string())?;
        let mut answer: Value = serde_json::from_str(&told).map_err(|fault| format!("{fault}: {told:?}"))?;
        match answer["error"].as_str() {
            Some(refused) => Err(refused.to_owned()),
            None => Ok(answer["ok"].take()),
        }
    }

    /// Hosts that are on.
    pub fn on(&self) -> Vec<&Host> {
        self.lab.hosts.iter().filter(|host| host.is_on()).collect()
    }

    /// The host that leads, as its own agent says.
    pub fn leader(&self) -> Option<&Host> {
        self.on()
            .into_iter()
            .find(|host| self.status(host).is_some_and(|status| !status["leads_term"].is_null()))
    }

    /// The host that leads, waited for.
    ///
    /// # Panics
    /// If nobody does in time.
    pub fn leading(&self) -> &Host {
        match first(SOON, || self.leader()) {
            Some(host) => host,
            None => self.fail("somebody leads"),
        }
    }

    /// A host that does not lead and has guests, most of all. Where only the leader has any, another host is made to lead.
    ///
    /// # Panics
    /// If there is none.
    pub fn following(&self) -> &Host {
        if let Some(host) = self.laden(self.leading()) {
            return host;
        }
        self.hand_over();
        match first(SOON, || self.laden(self.leading())) {
            Some(host) => host,
            None => self.fail("some host has guests and does not lead"),
        }
    }

    /// The host with most guests that is not this one; none if the others have none.
    fn laden(&self, leader: &Host) -> Option<&Host> {
        let record = self.lab.recorder.record();
        let others = self.on().into_iter().filter(|host| host.name() != leader.name());
        let laden = others.map(|host| (record.on(host.name()).len(), host)).filter(|(guests, _)| *guests > 0);
        laden.max_by_key(|(guests, _)| *guests).map(|(_, host)| host)
    }

    /// The leader is asked to let another host lead, and one does.
    ///
    /// # Panics
    /// If none does in time.
    pub fn hand_over(&self) {
        let leader = self.leading().name().to_owned();
        let told = self.tell(self.leading(), &json!({ "ask": "hand-over" }));
        self.holds(&format!("the leader hands over: {told:?}"), told.is_ok());
        self.expect("another host leads", SOON, || self.leader().is_some_and(|host| host.name() != leader));
        self.expect("its service answers", SOON, || self.leads());
    }

    /// Whether all these hosts agree that all of them are members, and no other one is.
    pub fn agree(&self, members: &[&Host]) -> bool {
        let names: Vec<&str> = members.iter().map(|host| host.name()).collect();
        members.iter().all(|host| {
            let Some(status) = self.status(host) else { return false };
            let hosts = status["hosts"].as_array().cloned().unwrap_or_default();
            status["phase"] == "member"
                && hosts.iter().all(|line| {
                    let is = line["standing"] == "member";
                    is == names.contains(&line["host"].as_str().unwrap_or_default())
                })
        })
    }

    /// Waits until all hosts that are on are members.
    pub fn all_agree(&self, within: Duration) -> bool {
        until(within, || self.agree(&self.on()))
    }

    /// Guests that execute nowhere now.
    pub fn down(&self) -> Vec<String> {
        let record = self.lab.recorder.record();
        self.vms.iter().filter(|vm| record.is_up(vm).is_none()).cloned().collect()
    }

    /// Waits until every guest executes somewhere.
    pub fn all_up(&self, within: Duration) -> bool {
        until(within, || self.down().is_empty())
    }

    /// Asks whoever leads, over HTTP.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Option<crate::api::Answer> {
        self.client.ask(method, &format!("/v1/pools/{POOL}{path}"), body)
    }

    /// Whether the service of whoever leads answers.
    pub fn leads(&self) -> bool {
        self.ask("GET", "/summary", None).is_some_and(|answer| answer.status == 200)
    }

    /// Changes the lab's wires.
    ///
    /// # Panics
    /// If that cannot be done.
    pub fn wires(&mut self, change: impl FnOnce(&mut Network) -> Result<(), NetworkFault>) {
        if let Err(fault) = change(&mut self.lab.network) {
            self.fail(&format!("the lab's wires can be changed: {fault}"));
        }
    }

    /// Switches those on that are off.
    fn switch_on(&self, hosts: &[Host]) {
        for host in hosts.iter().filter(|host| !host.is_on()) {
            // Whether it is on is looked at again by whoever waits for it.
            let _ = self.lab.switch_on(host);
        }
    }

    /// Switches a host on, and waits until it is a member again.
    ///
    /// # Panics
    /// If it is not in time.
    pub fn bring_back(&self, host: &Host) {
        self.expect(&format!("{} is a member again", host.name()), SOON, || {
            self.switch_on(std::slice::from_ref(host));
            host.is_on() && self.agree(&self.on())
        });
    }

    /// All is as it should be: every host on and a member, wires and disks whole, every guest up.
    ///
    /// # Panics
    /// If it does not become so.
    pub fn make_whole(&mut self) {
        self.lab.recorder.note("the lab is made whole");
        self.wires(Network::heal);
        for host in &self.lab.hosts {
            host.heal_storage();
            let kept = host.keep(Unit::Agent, true).is_ok() && host.keep(Unit::Libvirtd, true).is_ok();
            if !kept {
                self.fail("units can be kept");
            }
        }
        self.expect("all hosts are members", SOON * 2, || {
            // Again and again: a host that has lost its lease may take some seconds until it falls.
            self.switch_on(&self.lab.hosts);
            self.on().len() == self.lab.hosts.len() && self.agree(&self.on())
        });
        self.expect("all guests are up", SOON, || self.down().is_empty());
        self.expect("somebody's service leads", SOON, || {
            self.ask("GET", "/summary", None).is_some_and(|answer| answer.status == 200)
        });
    }
}

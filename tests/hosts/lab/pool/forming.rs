//! How a pool comes about, as an operator would do it: the first host makes it, the others join with one-time tokens, guests are defined
//! on hosts and protected through the service.
use super::configuration::{self, HEARTBEAT_PORT, api, metadata};
use super::{POOL, Pool, PoolFault, SOON, Wishes};
use crate::api::Client;
use crate::bmc;
use crate::clock::{first, until};
use crate::command::{run, tool};
use crate::device::SHARED_DISK;
use crate::host::{Host, Unit};
use crate::lab::Lab;
use crate::network::{HEARTBEATS, address};
use crate::programs::Programs;
use serde_json::json;
use std::fs;

impl Pool {
    /// A pool that has formed, whose guests run and are protected.
    ///
    /// # Errors
    /// If the machine does not allow a lab, or a tool fails.
    ///
    /// # Panics
    /// If the pool does not form.
    pub fn form(programs: &Programs, wishes: Wishes) -> Result<Self, PoolFault> {
        let lab = Lab::build(wishes.hosts, &programs.pid_1)?;
        let vms: Vec<String> = (1..=wishes.vms).map(|vm| format!("vm{vm}")).collect();
        let client = Client::new(&lab.network.path("op"), Vec::new(), None, &[]);
        let mut pool = Self { lab, wishes, vms, programs: programs.clone(), client };
        for host in pool.lab.hosts.iter().filter(|_| wishes.bmc) {
            bmc::start(&pool.lab, host)?;
        }
        pool.lab.give_disks(&pool.vms)?;
        pool.found()?;
        for number in 2..=wishes.hosts {
            pool.join(number)?;
        }
        pool.expect("all hosts are members", SOON, || pool.agree(&pool.on()));
        pool.bring_guests()?;
        Ok(pool)
    }

    /// The first host makes the pool.
    fn found(&mut self) -> Result<(), PoolFault> {
        let token = self.lab.folder().join("admin-token");
        run(tool(&self.programs.service.display().to_string())
            .args(["config", "bootstrap-token"])
            .arg(&token))?;
        let host = self.lab.host(1).clone();
        host.keep(Unit::Agent, false)?;
        let mut words = vec!["init".to_owned()];
        words.extend(["--medium".into(), format!("statefile:{SHARED_DISK}")]);
        words.extend(["--metadata".into(), metadata()]);
        words.extend(["--timeout".into(), self.wishes.timeout_s.to_string()]);
        words.extend(["--quarantine".into(), self.wishes.quarantine.to_string()]);
        self.enrol(&host, words)?;
        let authorities = fs::read(host.folder().join("lifeboat/etc/tls/authorities.pem"))?;
        let token = fs::read_to_string(token)?.trim().to_owned();
        let services = self.lab.hosts.iter().map(|host| api(host.spec.number)).collect();
        self.client = Client::new(&self.lab.network.path("op"), services, Some(token), &authorities);
        self.expect("the first host leads", SOON, || self.leader().is_some());
        self.expect("its service answers", SOON, || self.leads());
        Ok(())
    }

    /// Another host joins.
    fn join(&mut self, number: usize) -> Result<(), PoolFault> {
        let host = self.lab.host(number).clone();
        host.keep(Unit::Agent, false)?;
        let token = self.invite(&host)?;
        let Some(server) = self.leader().map(|leader| api(leader.spec.number)) else {
            return Err(PoolFault::Never("nobody leads who could be asked".into()));
        };
        let file = host.folder().join("lifeboat/token");
        fs::write(&file, token)?;
        let file = file.display().to_string();
        self.enrol(&host, ["join", "--server", &server, "--token-file", &file].map(str::to_owned).to_vec())?;
        let joined = || self.status(&host).is_some_and(|status| status["phase"] == "member");
        self.expect(&format!("{} has joined", host.name()), SOON, joined);
        Ok(())
    }

    /// Runs `init` or `join` in a host, adds to its files what only a lab has, and lets its agent start.
    fn enrol(&self, host: &Host, mut words: Vec<String>) -> Result<(), PoolFault> {
        let at = host.folder().join("lifeboat");
        let number = host.spec.number;
        for network in HEARTBEATS {
            let listen = address(number, network);
            words.extend(["--network".into(), format!("{network}={listen}:{HEARTBEAT_PORT},{network}")]);
        }
        let own = [
            ("--pool", POOL.to_owned()),
            ("--host", host.name().to_owned()),
            ("--api", api(number)),
            ("--watchdog", format!("supervisor:{}", at.join("run/watchdog.sock").display())),
            ("--service", self.programs.service.display().to_string()),
            ("--state-directory", at.join("state").display().to_string()),
            ("--run-directory", at.join("run").display().to_string()),
        ];
        words.extend(own.into_iter().flat_map(|(name, value)| [name.to_owned(), value]));
        self.inside(host, &words)?;
        configuration::write(host, &self.lab, &self.programs, self.wishes)?;
        host.keep(Unit::Agent, true)?;
        Ok(())
    }

    /// One host more joins.
    ///
    /// # Errors
    /// If it cannot be built, or is not taken.
    ///
    /// # Panics
    /// If the pool fails meanwhile.
    pub fn grow(&mut self) -> Result<(), PoolFault> {
        self.lab.add_host()?;
        let number = self.lab.hosts.len();
        let host = self.lab.host(number).clone();
        host.keep(Unit::Agent, false)?;
        self.lab.switch_on(&host)?;
        self.lab.wait_for(std::slice::from_ref(&host))?;
        self.lab.give_disks(&self.vms)?;
        self.join(number)
    }

    /// A one-time token for a host.
    fn invite(&self, host: &Host) -> Result<String, PoolFault> {
        let answer = first(SOON, || self.ask("POST", "/invitations", Some(&json!({ "host": host.name() }))));
        let token = answer.as_ref().and_then(|answer| answer.body["token"].as_str()).map(str::to_owned);
        token.ok_or_else(|| PoolFault::Never(format!("no invitation for {}: {answer:?}", host.name())))
    }

    /// Runs the agent's program in a host.
    pub(crate) fn inside(&self, host: &Host, words: &[String]) -> Result<String, PoolFault> {
        let Some(pid_1) = host.pid_1() else {
            return Err(PoolFault::Never(format!("{} is off", host.name())));
        };
        let mut command = tool("nsenter");
        command.args(["-t", &pid_1.pid.to_string(), "-m", "-u", "-n", "-p", "--"]);
        command.arg(&self.programs.agent).args(words);
        command.arg("--config").arg(host.folder().join("lifeboat/etc/agent.toml"));
        Ok(run(&mut command)?)
    }

    /// Guests are defined and started on hosts in turn; the pool finds them, and is told to protect them.
    fn bring_guests(&self) -> Result<(), PoolFault> {
        for (number, vm) in self.vms.iter().enumerate() {
            let host = &self.lab.hosts[number % self.lab.hosts.len()];
            self.lab.define(host, vm, number)?;
            host.virsh(&format!("start {vm}"))?;
        }
        self.expect("all guests are up", SOON, || self.down().is_empty());
        for (number, vm) in self.vms.iter().enumerate() {
            let wish = json!({ "restart_priority": "restart", "order": number % 2 });
            let path = format!("/vms/{vm}");
            let told = until(SOON, || {
                self.ask("PATCH", &path, Some(&wish)).is_some_and(|answer| answer.status == 200)
            });
            self.holds(&format!("{vm} becomes protected: {:?}", self.ask("GET", &path, None)), told);
        }
        // What the pool does not know yet it cannot protect.
        self.expect("the pool knows where all guests run", SOON, || {
            self.vms.iter().all(|vm| {
                let known = self.ask("GET", &format!("/vms/{vm}"), None);
                let home = self.lab.recorder.record().is_up(vm).map(str::to_owned);
                known.is_some_and(|known| {
                    known.body["host"].as_str() == home.as_deref()
                        && known.body["restart_priority"] == "restart"
                })
            })
        });
        Ok(())
    }
}

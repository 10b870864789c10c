//! What can be told to the demo, at its prompt, from another terminal or in a script: one line of words, made into what
//! happens to the simulated pool. Nothing is done here.
use lifeboat_model::Pool;
use lifeboat_simulator::scenario::Action;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

/// A line that was understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Something happens to the pool.
    Act(Action),
    /// How things stand, in words.
    Status,
    /// What can be told.
    Help,
    /// The demo ends.
    Quit,
}

/// Why a line was not understood; each says the next step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Nothing was said.
    #[error("nothing was said: try `help`")]
    Empty,
    /// A word that is no command.
    #[error("{0:?} is no command: try `help`")]
    Unknown(String),
    /// Something is missing.
    #[error("{command} needs {what}: {example}")]
    Lacks {
        /// The command.
        command: &'static str,
        /// What it lacks.
        what: &'static str,
        /// How it is said.
        example: &'static str,
    },
    /// A host that there is not.
    #[error("the pool has no host {0:?}: they are {1}, or say rack-1, h01-h08, coordinator, all")]
    NoSuchHost(String, String),
    /// A VM that there is not.
    #[error("the pool has no VM {0:?}: `lifeboat vm list` or GET /v1/pools/demo/vms lists them")]
    NoSuchVm(String),
    /// A number that is none.
    #[error("{0:?} is no time: say seconds, such as 60s")]
    NoTime(String),
    /// Words that mean nothing here.
    #[error("{command} takes nothing more: {surplus:?} is too much")]
    Surplus {
        /// The command.
        command: &'static str,
        /// What was said besides.
        surplus: String,
    },
}

/// How a command is said, and what it does.
struct Usage {
    command: &'static str,
    takes: Takes,
    shown: &'static str,
    does: &'static str,
    action: fn(Given) -> Action,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// Hosts, one at least.
    Hosts,
    /// Hosts; none are all.
    PerhapsHosts,
    /// Hosts and heartbeat networks.
    HostsAndNetworks,
    Groups,
    Vm,
    VmAndHost,
    Span,
}

/// What was given to a command.
#[derive(Default)]
struct Given {
    hosts: Vec<String>,
    networks: Vec<String>,
    groups: Vec<Vec<String>>,
    vm: String,
    span: Duration,
}

impl Given {
    /// The hosts; none where none were given.
    fn perhaps(self) -> Option<Vec<String>> {
        Some(self.hosts).filter(|hosts| !hosts.is_empty())
    }
}

const USAGES: [Usage; 20] = [
    Usage {
        command: "kill",
        takes: Takes::Hosts,
        shown: "kill h07",
        does: "hosts lose power (also: kill coordinator, kill rack-3)",
        action: |given| Action::PowerOff { hosts: given.hosts },
    },
    Usage {
        command: "revive",
        takes: Takes::Hosts,
        shown: "revive h07",
        does: "hosts get power again, boot for a minute and rejoin",
        action: |given| Action::PowerOn { hosts: given.hosts },
    },
    Usage {
        command: "split",
        takes: Takes::Groups,
        shown: "split h01-h32 / rest",
        does: "the heartbeat networks split: hosts hear only their own side",
        action: |given| Action::Partition { groups: given.groups, networks: Vec::new() },
    },
    Usage {
        command: "heal",
        takes: Takes::Nothing,
        shown: "heal",
        does: "the heartbeat networks are whole again",
        action: |_| Action::Heal,
    },
    Usage {
        command: "unplug",
        takes: Takes::HostsAndNetworks,
        shown: "unplug h07 hb0",
        does: "heartbeat cables are pulled; without a network, all of them",
        action: |given| Action::LinkDown { hosts: given.hosts, networks: given.networks },
    },
    Usage {
        command: "plug",
        takes: Takes::HostsAndNetworks,
        shown: "plug h07",
        does: "heartbeat cables are plugged in",
        action: |given| Action::LinkUp { hosts: given.hosts, networks: given.networks },
    },
    Usage {
        command: "storage-loss",
        takes: Takes::PerhapsHosts,
        shown: "storage-loss",
        does: "hosts lose the statefile; without hosts, all of them",
        action: |given| Action::StorageLoss { hosts: given.perhaps(), vm_storage: false },
    },
    Usage {
        command: "storage-heal",
        takes: Takes::PerhapsHosts,
        shown: "storage-heal",
        does: "the statefile is back",
        action: |given| Action::StorageHeal { hosts: given.perhaps() },
    },
    Usage {
        command: "disable",
        takes: Takes::Hosts,
        shown: "disable h05",
        does: "hosts take no new VMs",
        action: |given| Action::Disable { hosts: given.hosts },
    },
    Usage {
        command: "enable",
        takes: Takes::Hosts,
        shown: "enable h05",
        does: "hosts take VMs again",
        action: |given| Action::Enable { hosts: given.hosts },
    },
    Usage {
        command: "evacuate",
        takes: Takes::Hosts,
        shown: "evacuate h05",
        does: "hosts are emptied by live migration, for maintenance",
        action: |given| Action::Evacuate { hosts: given.hosts },
    },
    Usage {
        command: "shutdown",
        takes: Takes::Hosts,
        shown: "shutdown h05",
        does: "the same, and then they leave and switch off",
        action: |given| Action::Shutdown { hosts: given.hosts },
    },
    Usage {
        command: "migrate",
        takes: Takes::VmAndHost,
        shown: "migrate db-0001 h09",
        does: "a VM is migrated live",
        action: |given| Action::Migrate {
            vm: given.vm,
            to: given.hosts.into_iter().next().unwrap_or_default(),
        },
    },
    Usage {
        command: "crash",
        takes: Takes::Vm,
        shown: "crash db-0001",
        does: "a VM crashes",
        action: |given| Action::VmCrash { vm: given.vm },
    },
    Usage {
        command: "hang",
        takes: Takes::Hosts,
        shown: "hang h07",
        does: "the hypervisor's daemon hangs; its VMs go on",
        action: |given| Action::HypervisorHang { hosts: given.hosts, lasts: None },
    },
    Usage {
        command: "crash-agent",
        takes: Takes::Hosts,
        shown: "crash-agent h07",
        does: "Lifeboat's agent crashes; it is back within a second",
        action: |given| Action::AgentCrash { hosts: given.hosts },
    },
    Usage {
        command: "confirm-off",
        takes: Takes::Hosts,
        shown: "confirm-off h07",
        does: "a BMC confirms that a killed host is off: no wait for its lease",
        action: |given| Action::BmcConfirmsOff { hosts: given.hosts },
    },
    Usage {
        command: "confirm-dead",
        takes: Takes::Hosts,
        shown: "confirm-dead h07",
        does: "an operator's word that hosts are dead; refused while one is seen alive",
        action: |given| Action::ConfirmDead { hosts: given.hosts, force: false },
    },
    Usage {
        command: "disarm",
        takes: Takes::Span,
        shown: "disarm 60s",
        does: "for a while nobody fences and nothing restarts",
        action: |given| Action::Disarm { lasts: given.span },
    },
    Usage {
        command: "arm",
        takes: Takes::Nothing,
        shown: "arm",
        does: "that time ends now",
        action: |_| Action::Arm,
    },
];

/// A time for which the pool can be disarmed at most.
const LONGEST: f64 = 86_400.0;
/// Characters of a line beyond which nobody reads on.
pub const LONGEST_LINE: usize = 4096;

impl Command {
    /// Reads a line of words about `pool`.
    ///
    /// # Errors
    /// What was not understood, and what to say instead.
    pub fn parse(line: &str, pool: &Pool) -> Result<Self, CommandError> {
        let mut words = line.split_whitespace();
        let word = words.next().ok_or(CommandError::Empty)?;
        let rest: Vec<&str> = words.collect();
        let alone = |command, done| match rest.first() {
            None => Ok(done),
            Some(surplus) => Err(CommandError::Surplus { command, surplus: (*surplus).to_owned() }),
        };
        match word {
            "status" => alone("status", Self::Status),
            "help" | "?" => alone("help", Self::Help),
            "quit" | "exit" => alone("quit", Self::Quit),
            _ => {
                let usage = USAGES.iter().find(|usage| usage.command == word);
                let usage = usage.ok_or_else(|| CommandError::Unknown(word.to_owned()))?;
                Ok(Self::Act((usage.action)(Read { usage, pool }.given(&rest)?)))
            }
        }
    }
}

/// Everything that can be told, a line each.
pub fn help() -> String {
    let mut text = String::new();
    let rows = USAGES.iter().map(|usage| (usage.shown, usage.does));
    let more = [("status", "how things stand"), ("quit", "the end (also ctrl-C)")];
    for (shown, does) in rows.chain(more) {
        let _ = writeln!(text, "  {shown:<22}{does}");
    }
    text
}

struct Read<'a> {
    usage: &'static Usage,
    pool: &'a Pool,
}

impl Read<'_> {
    fn given(&self, words: &[&str]) -> Result<Given, CommandError> {
        let mut given = Given::default();
        match self.usage.takes {
            Takes::Nothing => self.no_more(words)?,
            Takes::PerhapsHosts if words.is_empty() => {}
            Takes::Hosts | Takes::PerhapsHosts => given.hosts = self.hosts(words)?,
            Takes::HostsAndNetworks => {
                let network = |word: &&str| super::pool::HEARTBEATS.contains(word);
                let (networks, hosts): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| network(word));
                given.networks = networks.into_iter().map(str::to_owned).collect();
                given.hosts = self.hosts(&hosts)?;
            }
            Takes::Groups => given.groups = self.groups(words)?,
            Takes::Vm => {
                let (vm, rest) = words.split_first().ok_or_else(|| self.lacks("a VM"))?;
                given.vm = self.vm(vm)?;
                self.no_more(rest)?;
            }
            Takes::VmAndHost => {
                let [vm, host] = words else { return Err(self.lacks("a VM and a host")) };
                given.vm = self.vm(vm)?;
                given.hosts = vec![self.host(host)?];
            }
            Takes::Span => {
                let (span, rest) = words.split_first().ok_or_else(|| self.lacks("a time"))?;
                given.span = seconds(span)?;
                self.no_more(rest)?;
            }
        }
        Ok(given)
    }

    fn lacks(&self, what: &'static str) -> CommandError {
        CommandError::Lacks { command: self.usage.command, what, example: self.usage.shown }
    }

    fn no_more(&self, words: &[&str]) -> Result<(), CommandError> {
        words.first().map_or(Ok(()), |surplus| {
            Err(CommandError::Surplus { command: self.usage.command, surplus: (*surplus).to_owned() })
        })
    }

    /// Sides of a split: hosts apart from one another by a stroke; `rest` is whoever is on no other side.
    fn groups(&self, words: &[&str]) -> Result<Vec<Vec<String>>, CommandError> {
        let joined = words.join(" ");
        let sides: Vec<Vec<&str>> = joined.split('/').map(|side| side.split_whitespace().collect()).collect();
        let given: Vec<&Vec<&str>> = sides.iter().filter(|side| !side.is_empty()).collect();
        if given.is_empty() {
            return Err(self.lacks("the sides"));
        }
        // Hosts in no group hear one another: the rest is a side of its own, said or not.
        let named = given.into_iter().filter(|side| ***side != ["rest"]);
        named.map(|side| self.hosts(side)).collect()
    }

    /// Hosts by name, range, rack or `all`, each once, in the order of the pool.
    fn hosts(&self, words: &[&str]) -> Result<Vec<String>, CommandError> {
        let mut positions = BTreeSet::new();
        let mut coordinator = Vec::new();
        for word in words.iter().flat_map(|word| word.split(',')).filter(|word| !word.is_empty()) {
            if word == "coordinator" {
                coordinator.push(word.to_owned());
            } else {
                positions.extend(self.positions(word)?);
            }
        }
        let names = positions.into_iter().map(|position: usize| self.pool.hosts()[position].id.to_string());
        let hosts: Vec<String> = coordinator.into_iter().chain(names).collect();
        if hosts.is_empty() { Err(self.lacks("hosts")) } else { Ok(hosts) }
    }

    fn positions(&self, word: &str) -> Result<Vec<usize>, CommandError> {
        if word == "all" {
            return Ok((0..self.pool.hosts().len()).collect());
        }
        if let Some(position) = self.position(word) {
            return Ok(vec![position]);
        }
        if let Some(ends) = word.split_once('-')
            && let (Some(first), Some(last)) = (self.position(ends.0), self.position(ends.1))
        {
            return Ok((first.min(last)..=first.max(last)).collect());
        }
        let hosts = self.pool.hosts().iter().enumerate();
        let in_rack = hosts.filter(|(_, host)| self.pool.domain_name(host.fault_domain) == Some(word));
        let positions: Vec<usize> = in_rack.map(|(position, _)| position).collect();
        if positions.is_empty() { Err(self.no_such_host(word)) } else { Ok(positions) }
    }

    /// One host; `coordinator` is one.
    fn host(&self, word: &str) -> Result<String, CommandError> {
        let known = word == "coordinator" || self.position(word).is_some();
        if known { Ok(word.to_owned()) } else { Err(self.no_such_host(word)) }
    }

    fn position(&self, word: &str) -> Option<usize> {
        self.pool.find_host(word).map(lifeboat_model::HostIndex::get)
    }

    fn no_such_host(&self, word: &str) -> CommandError {
        let name =
            |host: Option<&lifeboat_model::Host>| host.map(|host| host.id.to_string()).unwrap_or_default();
        let (first, last) = (name(self.pool.hosts().first()), name(self.pool.hosts().last()));
        CommandError::NoSuchHost(word.to_owned(), format!("{first} to {last}"))
    }

    fn vm(&self, word: &str) -> Result<String, CommandError> {
        let known = self.pool.find_vm(word).is_some();
        if known { Ok(word.to_owned()) } else { Err(CommandError::NoSuchVm(word.to_owned())) }
    }
}

/// A span, in seconds with or without an `s` behind it.
pub(super) fn seconds(word: &str) -> Result<Duration, CommandError> {
    let number: Option<f64> = word.strip_suffix('s').unwrap_or(word).parse().ok();
    let number = number.filter(|number| (0.0..=LONGEST).contains(number));
    number.map(Duration::from_secs_f64).ok_or_else(|| CommandError::NoTime(word.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::pool::Recipe;

    fn pool() -> Pool {
        Pool::new(&Recipe { hosts: 16, vms: 64, seed: 1 }.pool()).expect("the recipe's pools are right")
    }

    fn hosts(line: &str) -> Vec<String> {
        match Command::parse(line, &pool()) {
            Ok(Command::Act(Action::PowerOff { hosts })) => hosts,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn refused(line: &str) -> String {
        Command::parse(line, &pool()).expect_err(line).to_string()
    }

    #[test]
    fn hosts_are_named_ranged_listed_and_taken_by_the_rack_each_once() {
        assert_eq!(hosts("kill h07"), ["h07"]);
        assert_eq!(hosts("kill h03, h01 h02-h04"), ["h01", "h02", "h03", "h04"]);
        assert_eq!(hosts("kill rack-2").len(), 8);
        assert_eq!(hosts("kill h04-h02").len(), 3);
        assert_eq!(hosts("kill all").len(), 16);
        assert_eq!(hosts("kill coordinator h02"), ["coordinator", "h02"]);
    }

    #[test]
    fn a_split_has_sides_and_the_rest_is_one_said_or_not() {
        let split = |line: &str| match Command::parse(line, &pool()) {
            Ok(Command::Act(Action::Partition { groups, networks })) if networks.is_empty() => groups,
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(split("split h01-h02 / rest"), [["h01", "h02"]]);
        assert_eq!(split("split h01-h02"), [["h01", "h02"]]);
        assert_eq!(split("split h01/h02 /rest").len(), 2);
        assert!(refused("split").contains("split h01-h32 / rest"));
    }

    #[test]
    fn cables_networks_vms_and_times_are_read() {
        let parsed = |line: &str| Command::parse(line, &pool()).expect(line);
        let networks = vec!["hb1".to_owned()];
        let unplugged = Action::LinkDown { hosts: vec!["h07".to_owned()], networks };
        assert_eq!(parsed("unplug h07 hb1"), Command::Act(unplugged));
        let lost = Action::StorageLoss { hosts: None, vm_storage: false };
        assert_eq!(parsed("storage-loss"), Command::Act(lost));
        let moved = Action::Migrate { vm: "db-0001".to_owned(), to: "h09".to_owned() };
        assert_eq!(parsed("migrate db-0001 h09"), Command::Act(moved));
        assert_eq!(parsed("disarm 90"), Command::Act(Action::Disarm { lasts: Duration::from_secs(90) }));
        assert_eq!(parsed(" quit "), Command::Quit);
    }

    #[test]
    fn every_usage_that_is_shown_is_understood() {
        let pool = Pool::new(&Recipe { vms: 64, ..Recipe::default() }.pool()).expect("it is right");
        for usage in &USAGES {
            let parsed = Command::parse(usage.shown, &pool);
            assert!(matches!(parsed, Ok(Command::Act(_))), "{}: {parsed:?}", usage.shown);
            assert!(help().contains(usage.shown) && help().contains(usage.does));
        }
    }

    #[test]
    fn what_is_not_understood_is_told_with_the_next_step() {
        assert_eq!(refused("kil h07"), "\"kil\" is no command: try `help`");
        assert_eq!(refused("kill"), "kill needs hosts: kill h07");
        assert!(refused("kill h99").contains("they are h01 to h16"));
        assert!(refused("crash nobody").contains("lists them"));
        assert!(refused("disarm soon").contains("say seconds"));
        assert!(refused("heal h01").contains("nothing more"));
        assert!(refused("").contains("help"));
    }
}

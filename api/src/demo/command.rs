//! What can be told to the demo, at its prompt, from another terminal or in a script: one line of words, made into what
//! happens to the simulated pool. Nothing is done here.
mod usage;

use lifeboat_model::Pool;
use lifeboat_simulator::scenario::Action;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;
use usage::{Given, Takes, USAGES, Usage};

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
mod tests;

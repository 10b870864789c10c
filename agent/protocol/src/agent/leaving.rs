//! The two ways out: on purpose, with no VM left and nobody missing this host later; or because the lease is gone, with all
//! VMs stopped first, the others told, and a reset at the end.
use super::{Agent, Life, Office};
use crate::command::FenceReason;
use crate::evidence::EvidenceKind;
use crate::input::Operator;
use crate::medium::Medium;
use crate::message::{Message, Notice};
use crate::{Command, Epoch, Instant};
use core::time::Duration;

/// How long a host that is out tells others so at least, before it is reset or powered off.
const FAREWELL: Duration = Duration::from_millis(500);
/// How long it does at most, if the medium has not taken its notice. No VM runs any more, so waiting harms nobody, and
/// spares the others T + margin if the notice gets through.
const LONGEST_FAREWELL: Duration = Duration::from_secs(3);
/// How many wishes of operators wait at most.
const WISHES: usize = 16;
/// How long a host that wants to leave waits for the pool to agree before it leaves on its word alone.
const PATIENCE: Duration = Duration::from_secs(10);

impl<M: Medium> Agent<M> {
    pub(super) fn take_operator(&mut self, operator: Operator) {
        match operator {
            Operator::Leave => self.begin_leaving(),
            // Where nobody else could lead, whoever leads goes on.
            Operator::HandOver => {
                if self.coordinator_term().is_some() && self.somebody_has_medium() {
                    self.handing_over = Some(self.now);
                    self.end_coordinator();
                }
            }
            Operator::Disarm { .. } | Operator::Arm | Operator::ReleaseBrake | Operator::RotateKey { .. } => {
                if self.leads() && self.wanted.len() < WISHES {
                    self.wanted.push(operator);
                    self.assess();
                    self.next_cycle = self.now;
                }
            }
        }
    }

    fn begin_leaving(&mut self) {
        match self.life {
            Life::Member => {
                self.life = Life::Leaving { since: self.now };
                if self.leads() {
                    self.handing_over = Some(self.now);
                    self.end_coordinator();
                }
                self.hurry();
            }
            Life::Starting if self.office == Office::Vacant => self.leave(),
            Life::Starting => self.life = Life::Leaving { since: self.now },
            Life::Leaving { .. }
            | Life::Stopping(_)
            | Life::Fenced { .. }
            | Life::Left { .. }
            | Life::Over => {}
        }
    }

    /// The pool has agreed that this host is out, or did not answer in time: it says farewell.
    pub(super) fn leave(&mut self) {
        self.end_coordinator();
        self.life = Life::Left { since: self.now };
        self.command(Command::StopWatchdog);
        self.say(EvidenceKind::Left);
        self.hurry();
    }

    pub(super) fn take_no_vm_runs(&mut self) {
        if let Life::Stopping(_) = self.life {
            self.no_vm_runs = true;
            self.go_on_fencing();
        }
    }

    /// S14: the notice goes out when neither a VM nor a coordinator of this host runs any more.
    pub(super) fn go_on_fencing(&mut self) {
        if let Life::Stopping(reason) = self.life
            && self.no_vm_runs
            && self.office == Office::Vacant
        {
            self.life = Life::Fenced { reason, since: self.now };
            self.say(EvidenceKind::Notice);
            self.hurry();
        }
    }

    fn say(&mut self, kind: EvidenceKind) {
        let notice = Message::Notice(Notice { about: self.me, boot: self.boot, kind });
        for to in self.hosts() {
            if to != self.me {
                self.transmit_everywhere(to, &notice);
            }
        }
    }

    /// Goes on with leaving, or with fencing, when its time has come.
    pub(super) fn run_leaving(&mut self) {
        match self.life {
            Life::Leaving { since } if self.now.since(since) >= PATIENCE && self.office == Office::Vacant => {
                self.leave();
            }
            Life::Fenced { reason, since } if self.has_said_farewell(since) => self.reset(reason),
            Life::Left { since } if self.now.since(since) >= FAREWELL => {
                self.life = Life::Over;
                self.command(Command::MayPowerOff);
            }
            _ => {}
        }
    }

    fn has_said_farewell(&self, since: Instant) -> bool {
        let spoken_for = self.now.since(since);
        let published = self.medium_health.published.is_some_and(|begun| begun >= since);
        spoken_for >= FAREWELL && (published || spoken_for >= LONGEST_FAREWELL)
    }

    fn reset(&mut self, reason: FenceReason) {
        self.life = Life::Over;
        self.resigned = Epoch(u64::MAX);
        self.command(Command::Reset { reason });
    }
}

//! The lease: until when this host may run VMs. And the argument why no VM ever runs on two hosts, line by line;
//! rules elsewhere cite its lines.
//!
//! # What is assumed
//!
//! * **A1** Clocks differ in rate by at most ±200 ppm from true time; they are never compared, and never stepped back.
//! * **A2** A watchdog that was programmed for a moment on its host's clock resets the host then, whatever the software does.
//!   From the reset on, or from [`crate::Command::StopAllVms`] being carried out, killing takes at most 0.3 s.
//! * **A3** Nobody without the pool's key can make a datagram, and no datagram is accepted twice ([`crate::replay`]).
//!   Datagrams may be lost, delayed without bound, doubled and reordered.
//! * **A4** The media keep the three promises of [`crate::medium`], whatever is slow, lost, torn or cut off.
//! * **A5** A later boot of a host begins after every VM of an earlier one is gone.
//! * **A6** A BMC that confirms power off, and an operator who is not told otherwise, speak the truth.
//!
//! # What is agreed
//!
//! * **S1** Configurations are numbered and each number is decided once (A4). A host acts by the newest one that it
//!   knows, its *adopted* one; adopted numbers only rise.
//! * **S2** Number k + 1 is proposed only by a member of k that has adopted k, or, when the pool is formed, by a host that
//!   [`crate::agent`]'s forming rules let. So every chain of decisions after k passes through a member of k.
//!
//! # When a host may run VMs
//!
//! * **S3** A host runs VMs only while its lease holds, its agent's first act on every input being to look (`Agent::handle`).
//!   A lease ends T after its date, on the host's own clock. Dates come from S4 or S5, and from nothing else.
//! * **S4** *By the medium*: the date is the sending of a publication, and it counts when the read that follows the
//!   publication in the same cycle is complete and no configuration shown excludes the host.
//! * **S5** *By the network*: the date is the earliest, over all other members of the adopted configuration, of the sendings
//!   of the newest heartbeat that the member has echoed *and vouched for*. A host vouches only for the members of its
//!   own adopted configuration (S1). For a member that joined later than this host, the moment of adopting
//!   its join counts as a first vouching.
//! * **S6** A member that evidence shows to be over is left out of S5 although its removal is not agreed yet, if at most half
//!   of the members are left out this way, and until T + 60 s after the last exchange with any boot of it. So a pool is not
//!   formed anew behind this host's back: forming takes more than half of the last members at once, or T + 60 s in which
//!   no member was heard and nobody wrote, and at least one of the last members in any case.
//! * **S7** With `storage_loss = "majority"` the date is the latest moment such that a strict majority of the members,
//!   this host among them, has vouched for heartbeats sent at it or later; the medium gives no lease.
//! * **S8** When the lease ends, all VMs are stopped; the watchdog was programmed for the date + T + 0.5 s, on each renewal
//!   and at no other time, so it resets the host then even if the agent cannot run (A2).
//!
//! # When another host may take its VMs
//!
//! Let X be a member of k, and k' > k the first configuration without X. An observer O, a member of k' that has adopted
//! it, may regard X as fenced when all that X can have been granted has run out:
//!
//! * **S9** *X's leases by the medium.* O completes a cycle begun after it adopted k'. That cycle publishes k' and then reads.
//!   A renewal of X counts for X only if X's read after it does not show k'; then X's publication was complete before
//!   O's was, and O's read shows it. So O has seen every renewal of X that counts, and its date is not later than
//!   O's first sight of it.
//! * **S10** *X's leases by the network.* X needs the vouching of each member Y of its adopted configuration that it has not left
//!   out (S6). It cannot have left out O, of whose present boot there is no evidence. So if O was a member by the time of X's
//!   adopted configuration, the bound for X's date is the last heartbeat of X that O received before adopting k' (after that
//!   O does not vouch), and not before O learned that X has adopted a configuration with O in it, if O joined after X.
//!   If O is a former of k' and its earlier boot was such a member: the latest start of the formers, if these are more than
//!   half of the members, since X needs one of them; else T before the adoption of k', as they have waited for longer
//!   than X can leave anybody out. Otherwise all others together: each has adopted k', or is out or proven fenced, and
//!   the last moment at which O learned such a thing is the bound. With S7, O takes bounds over so many Y that X has no
//!   majority without one; there each Y that has adopted k' tells when it last heard X, and that is its bound.
//! * **S11** So X's date, in true time, is not later than some moment r on O's clock that O knows. X's VMs are gone by its date
//!   + T + 0.5 s on X's clock (S8) and 0.3 s (A2). In true time from r that is at most (T + 0.5 s)(1 + 200 ppm) + 0.3 s.
//! * **S12** O waits until r + T + margin on its own clock, in true time at least (T + 1 s + 400 ppm T)(1 − 200 ppm). The
//!   difference to S11 is at least 1 s − 0.5 s − 0.3 s − 0.3 ms − 0.08 ppm T > 0.19 s for every T up to 300 s. Margin and the
//!   watchdog's slack belong together: no margin, or a margin without the rates, makes the difference negative.
//! * **S13** *Disarmed time.* While disarmed, a host's lease ends T after the end that the leader granted it, and its watchdog is set
//!   for that moment + 0.5 s, so that it is armed again even if its agent hangs by then. Every grant is
//!   dated from the sending of a heartbeat that the leader had received, so no host is disarmed beyond the leader's own end, which is
//!   not later than the adoption of the disarming by O plus its length. O takes no r before that.
//! * **S14** *Other evidence.* A notice is sent after the VMs were stopped (S8). A later boot shows that the earlier one is over
//!   (A5). A BMC and an operator are believed (A6); an operator not while a medium or the network shows the host alive.
//! * **S15** *Nothing else is evidence.* A notice of intent ([`crate::status::Phase::FencingSelf`]) only lets others prepare.
//!
//! # Who may command
//!
//! * **S16** The leader of a configuration begins its term when each earlier leader is proven fenced (S11 to S14), or has ended its
//!   coordinator and said so (`resigned`). A configuration keeps the term that an evicted host may still be acting in
//!   (`Standing::Fencing::led`) until the proof is recorded, so nobody forgets an earlier leader.
//! * **S17** An agent takes orders only from the leader, in the term, of its adopted configuration; adopting a new term it drops
//!   the channel of the old one, and says in its first report what runs. The new coordinator commands a host only after that report.
use crate::Instant;
use core::time::Duration;

/// The lease of this host: its newest date by each kind of renewal.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lease {
    /// The newest date by the medium (S4).
    medium: Option<Instant>,
    /// The newest date by the network (S5, S6, S7).
    network: Option<Instant>,
    /// Until when the network's date counts at most (S6).
    network_until: Option<Instant>,
    /// The end of the last disarmed time, which is like a renewal at that moment (S13).
    rearmed: Option<Instant>,
}

impl Lease {
    /// A cycle on the medium that began at `date` is complete and shows this host in.
    pub(crate) fn renew_by_medium(&mut self, date: Instant) {
        self.medium = self.medium.max(Some(date));
    }

    /// The network's date is now this, counting until `until` at most; none if there is none.
    pub(crate) fn set_by_network(&mut self, date: Option<Instant>, until: Option<Instant>) {
        self.network = date;
        self.network_until = until;
    }

    /// The disarmed time ended at `at`.
    pub(crate) fn rearm(&mut self, at: Instant) {
        self.rearmed = Some(at);
    }

    /// When it ends, if there has been any renewal: T after the newest date.
    pub(crate) fn end_of(&self, timeout: Duration) -> Option<Instant> {
        let network = self.network.map(|date| date + timeout);
        let network = match self.network_until {
            Some(until) => network.map(|end| end.min(until)),
            None => network,
        };
        network.max(self.medium.map(|date| date + timeout)).max(self.rearmed.map(|date| date + timeout))
    }
}

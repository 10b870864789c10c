//! Hosts that flap: each failure is counted, each quiet period takes one off the count, and while the count is at its
//! limit the host is in quarantine. There it stays in the liveset but takes no VM, and its capacity is not
//! planned on: a host that fails every hour would otherwise cost its VMs an outage every hour.
//!
//! The counts are agreed ([`crate::configuration::HostEntry`]), the periods are not: they run on the leader's clock, and a
//! new leader begins them anew, so that a change of leader lengthens a quarantine and never shortens it.
//!
//! ```text
//!   evicted: +1 ─► count ≥ limit: in quarantine ─► quiet for a period: −1 ─► count < limit: out
//!   a join, a clean leave, a change of leader: no change of the count
//! ```
use crate::configuration::HostEntry;
use crate::settings::Quarantine;
use crate::time::Instant;
use alloc::vec::Vec;
use lifeboat_model::HostIndex;

/// The entry of a host that has just failed: evicted, or found rebooted while it was a member. A host that left on
/// purpose has not failed.
#[must_use]
pub fn after_failure(entry: HostEntry, settings: Quarantine) -> HostEntry {
    counted(entry, entry.failures.saturating_add(1), settings)
}

/// The entry of a host that has been quiet for a whole period.
#[must_use]
pub fn after_quiet_period(entry: HostEntry, settings: Quarantine) -> HostEntry {
    counted(entry, entry.failures.saturating_sub(1), settings)
}

/// The entry of a host that joins: the count that it left behind, judged by the settings of today.
#[must_use]
pub fn at_join(entry: HostEntry, settings: Quarantine) -> HostEntry {
    counted(entry, entry.failures, settings)
}

fn counted(entry: HostEntry, failures: u8, settings: Quarantine) -> HostEntry {
    // A limit of 0 switches quarantine off, rather than putting every host in it.
    let quarantined = settings.failures > 0 && failures >= settings.failures;
    HostEntry { failures, quarantined, ..entry }
}

/// The leader's record of when each host's quiet period began.
#[derive(Clone, Debug, Default)]
pub struct QuietPeriods {
    begun: Vec<Option<Quiet>>,
}

#[derive(Clone, Copy, Debug)]
struct Quiet {
    since: Instant,
    failures: u8,
}

impl QuietPeriods {
    /// For a leader whose term begins: every period begins at the first [`Self::agreed`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the entries of a newly agreed configuration. Where a count has changed, a period begins: after a
    /// failure the host must be quiet anew, and after a quiet period the next one is counted from there.
    pub fn agreed(&mut self, now: Instant, hosts: &[HostEntry]) {
        self.begun.resize(hosts.len(), None);
        for (quiet, entry) in self.begun.iter_mut().zip(hosts) {
            let unchanged = quiet.is_some_and(|quiet| quiet.failures == entry.failures);
            if !unchanged {
                *quiet = (entry.failures > 0).then_some(Quiet { since: now, failures: entry.failures });
            }
        }
    }

    /// The hosts whose period is over: [`after_quiet_period`] is to be proposed for each. They are named again
    /// until that is agreed.
    pub fn over(&self, now: Instant, settings: Quarantine) -> impl Iterator<Item = HostIndex> + '_ {
        let periods = self.begun.iter().enumerate();
        periods
            .filter(move |(_, quiet)| quiet.is_some_and(|quiet| now >= quiet.since + settings.decay))
            .map(|(position, _)| HostIndex::new(position))
    }

    /// When the next period ends.
    pub fn deadline(&self, settings: Quarantine) -> Option<Instant> {
        self.begun.iter().flatten().map(|quiet| quiet.since + settings.decay).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    const SETTINGS: Quarantine = Quarantine { failures: 3, decay: Duration::from_hours(1) };

    fn entry(failures: u8) -> HostEntry {
        at_join(HostEntry { failures, ..HostEntry::default() }, SETTINGS)
    }

    fn minutes(minutes: u64) -> Instant {
        Instant::default() + Duration::from_secs(minutes * 60)
    }

    fn over(periods: &QuietPeriods, now: Instant) -> Vec<usize> {
        periods.over(now, SETTINGS).map(HostIndex::get).collect()
    }

    #[test]
    fn the_third_failure_puts_a_host_in_quarantine_and_a_quiet_hour_takes_it_out() {
        let mut host = HostEntry::default();
        let mut seen = Vec::new();
        for _ in 0..4 {
            host = after_failure(host, SETTINGS);
            seen.push((host.failures, host.quarantined));
        }
        for _ in 0..5 {
            host = after_quiet_period(host, SETTINGS);
            seen.push((host.failures, host.quarantined));
        }
        let expected = [
            (1, false),
            (2, false),
            (3, true),
            (4, true),
            (3, true),
            (2, false),
            (1, false),
            (0, false),
            (0, false),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_count_does_not_wrap() {
        assert_eq!(after_failure(entry(u8::MAX), SETTINGS), entry(u8::MAX));
    }

    #[test]
    fn a_limit_of_zero_switches_quarantine_off() {
        let off = Quarantine { failures: 0, ..SETTINGS };
        assert!(!after_failure(entry(200), off).quarantined);
    }

    #[test]
    fn a_join_keeps_the_count_and_judges_it_by_the_settings_of_today() {
        assert!(at_join(entry(3), SETTINGS).quarantined);
        let patient = Quarantine { failures: 5, ..SETTINGS };
        let joined = at_join(entry(3), patient);
        assert_eq!((joined.failures, joined.quarantined), (3, false));
    }

    #[test]
    fn standing_is_left_alone() {
        let host = HostEntry { standing: crate::Standing::Out, failures: 2, quarantined: false };
        assert_eq!(after_failure(host, SETTINGS).standing, host.standing);
    }

    #[test]
    fn a_period_runs_from_the_last_failure() {
        let mut periods = QuietPeriods::new();
        periods.agreed(minutes(0), &[entry(1), entry(0)]);
        periods.agreed(minutes(50), &[entry(2), entry(0)]);
        assert_eq!(over(&periods, minutes(109)), [] as [usize; 0]);
        assert_eq!(over(&periods, minutes(110)), [0]);
        assert_eq!(periods.deadline(SETTINGS), Some(minutes(110)));
    }

    #[test]
    fn an_unchanged_count_does_not_restart_its_period() {
        let mut periods = QuietPeriods::new();
        periods.agreed(minutes(0), &[entry(1), entry(0)]);
        periods.agreed(minutes(59), &[entry(1), entry(3)]);
        assert_eq!(over(&periods, minutes(60)), [0]);
    }

    #[test]
    fn one_period_takes_off_one_failure_and_the_next_is_counted_from_there() {
        let mut periods = QuietPeriods::new();
        periods.agreed(minutes(0), &[entry(2)]);
        assert_eq!(over(&periods, minutes(60)), [0]);
        periods.agreed(minutes(61), &[after_quiet_period(entry(2), SETTINGS)]);
        assert_eq!(over(&periods, minutes(120)), [] as [usize; 0]);
        assert_eq!(over(&periods, minutes(121)), [0]);
        periods.agreed(minutes(121), &[entry(0)]);
        assert_eq!(periods.deadline(SETTINGS), None);
    }

    #[test]
    fn a_new_leader_begins_every_period_anew() {
        let mut periods = QuietPeriods::new();
        periods.agreed(minutes(50), &[entry(3)]);
        assert_eq!(over(&periods, minutes(60)), [] as [usize; 0]);
        assert_eq!(over(&periods, minutes(110)), [0]);
    }

    #[test]
    fn a_pool_may_grow() {
        let mut periods = QuietPeriods::new();
        periods.agreed(minutes(0), &[entry(1)]);
        periods.agreed(minutes(1), &[entry(1), entry(1)]);
        assert_eq!(over(&periods, minutes(61)), [0, 1]);
    }
}

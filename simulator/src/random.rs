//! Random scenarios: from a seed a pool, its settings, the world around it, and faults and operator actions together.
//! After the faults everything is healed, and the pool has to recover.
//!
//! Chance alone seldom meets the moments that matter: a lease about to run out, a proposal under way, a host cut off
//! that still has the medium. So a schedule is made of *acts* ([`act`]), each a short play around one rule, with its
//! times hugging that rule's boundary; one to four of them are played, often one over another.
mod act;
mod choice;
mod pool;
mod run;
mod stage;

pub use run::{Report, run_seed, run_seeds, smallest};

use crate::Scenario;
use crate::scenario::{Action, Event, PoolSource};
use choice::Choice;
use core::time::Duration;
use stage::Stage;

/// A random scenario.
#[derive(Clone, Debug)]
pub struct Random {
    /// The scenario.
    pub scenario: Scenario,
    /// The names of the acts that it is made of, in the order in which they begin.
    pub acts: Vec<&'static str>,
    /// From when on nothing is wrong any more.
    pub healed: Duration,
}

/// The random scenario of `seed`.
pub fn scenario(seed: u64) -> Random {
    let document = pool::document(&mut Choice::new(seed, 0));
    let hosts: Vec<String> = document.hosts.iter().map(|host| host.id.clone()).collect();
    let vms = document.vms.iter().map(|vm| vm.id.clone()).collect();
    let delays: u64 = document.vms.iter().map(|vm| vm.start_delay_s).sum();
    let settings = pool::settings(&mut Choice::new(seed, 1), hosts.len());
    let world = pool::world(&mut Choice::new(seed, 2));
    let timeout = Duration::from_secs(settings.timeout_s.unwrap_or(15));
    let mut stage = Stage::new(Choice::new(seed, 3), hosts, vms, settings.networks(), timeout);
    let (acts, healed) = play(&mut stage);
    heal(&mut stage, healed, &world);
    // The longest that healing may take: a pool that waits for its hosts, boots them, and backs off.
    let bound =
        3 * timeout + world.host_boot + world.vm_boot + Duration::from_secs(5 + 60 + 60 + 60 + delays);
    let mut scenario = Scenario::quiet(PoolSource::Document(Box::new(document)));
    scenario.settings = settings;
    scenario.world = world;
    scenario.events = stage.into_events();
    scenario.end = Some(healed + bound);
    Random { scenario, acts, healed }
}

/// Plays some acts, and says which, and when the last one is over.
fn play(stage: &mut Stage) -> (Vec<&'static str>, Duration) {
    clocks(stage);
    // Many hosts cost much time; alone on the stage an act shows most clearly what comes of it.
    let most = if stage.hosts.len() > 12 { 2 } else { 4 };
    let count = stage.choice.weighted(&[(40, 1), (30, 2), (18, 3), (12, 4)]).min(most);
    let weighted: Vec<(u32, act::Act)> = act::ACTS.iter().map(|act| (act.weight, *act)).collect();
    let mut names = Vec::new();
    let mut start = Duration::from_secs(3) + stage.choice.span(0, 4_000);
    let mut end = start;
    for _ in 0..count {
        let act = stage.choice.weighted(&weighted);
        names.push(act.name);
        let over = (act.play)(stage, start);
        end = end.max(over);
        let lasted = over.saturating_sub(start).as_millis() as u64;
        // At nearly the same time, one within the other, or one after the other with time to recover.
        start += match stage.choice.between(0, 4) {
            0 => stage.choice.span(0, 3_000),
            1..=2 => stage.choice.span(0, lasted),
            _ => Duration::from_millis(lasted) + stage.choice.span(0, 40_000),
        };
    }
    (names, end)
}

/// Clocks that change their rates while everything else goes on.
fn clocks(stage: &mut Stage) {
    if !stage.choice.chance(10) {
        return;
    }
    for _ in 0..stage.choice.between(1, 3) {
        let (at, host, ppm) = (stage.choice.span(0, 60_000), stage.host(), stage.choice.pick(&[-200, 200]));
        stage.at(at, Action::ClockRate { hosts: vec![host], ppm });
    }
}

/// Everything is well again: network, media, links, power, and what operators had set aside.
fn heal(stage: &mut Stage, at: Duration, world: &crate::scenario::WorldSettings) {
    let all = stage.hosts.clone();
    let (latency, jitter) = (world.network_latency, world.network_jitter);
    for action in [
        Action::Heal,
        Action::PacketLoss { hosts: None, in_a_million: 0, networks: Vec::new() },
        Action::Duplicate { in_a_million: world.duplicates },
        Action::NetworkDelay { latency, jitter },
        Action::LinkUp { hosts: all.clone(), networks: Vec::new() },
        Action::StorageHeal { hosts: None },
        Action::StorageSlow { hosts: None, latency: world.medium_latency },
        Action::StartSlow { latency: Duration::ZERO },
        Action::Arm,
        Action::PowerOn { hosts: all.clone() },
        Action::ReleaseBrake,
    ] {
        stage.at(at, action);
    }
    // Once those that were off are members again, they take VMs again.
    let rejoined = at + world.host_boot + Duration::from_secs(5);
    stage.at(rejoined, Action::Enable { hosts: all });
}

/// A random scenario with other events, of which the last is as long ago at its end.
pub fn with_events(scenario: &Scenario, events: &[Event]) -> Scenario {
    Scenario { events: events.to_vec(), ..scenario.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::check_names;

    #[test]
    fn a_seed_makes_the_same_scenario_again() {
        assert_eq!(scenario(42).scenario, scenario(42).scenario);
        assert_ne!(scenario(42).scenario, scenario(43).scenario);
    }

    #[test]
    fn every_name_in_a_random_scenario_is_one_that_the_pool_has() {
        for seed in 0..2_000 {
            let random = scenario(seed);
            let PoolSource::Document(pool) = &random.scenario.pool else { panic!("a document") };
            check_names(&random.scenario, pool).unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
            lifeboat_model::Pool::new(pool).unwrap_or_else(|defects| panic!("seed {seed}: {defects:?}"));
        }
    }

    #[test]
    fn every_act_is_played_within_a_thousand_seeds() {
        let played: std::collections::BTreeSet<_> = (0..1_000).flat_map(|seed| scenario(seed).acts).collect();
        assert_eq!(played.len(), act::ACTS.len());
    }
}

//! The demo's pool lives through its script, and the story and the service say what is true of it.
use super::*;
use crate::demo::pool::Recipe;
use crate::demo::script;
use crate::demo::story::Item;
use crate::served::{Served, Telling};
use lifeboat_planner::{Assessment, Limits, assess};

/// A driver with a service beside it that has its verdict at once.
struct Told {
    driver: Driver,
    served: Served,
}

impl Told {
    fn new(recipe: Recipe, script: &str) -> Self {
        let pool = Pool::new(&recipe.pool()).expect("the recipe's pools are right");
        let script = script::parse(script, &pool).expect("it is a script");
        let served = Served::new(pool.clone(), 1);
        let live = form(pool, recipe.seed).expect("a healthy pool forms");
        Self { driver: Driver::new(live, script), served }
    }

    fn small(script: &str) -> Self {
        Self::new(Recipe { hosts: 16, vms: 320, seed: 4 }, script)
    }

    fn lives(&mut self, seconds: u64) -> &mut Self {
        let end = Duration::from_secs(seconds);
        while self.driver.now() < end && !self.driver.is_over() {
            let until = (self.driver.now() + Duration::from_millis(200)).min(end);
            let mut telling = Telling::of(Arc::clone(self.served.pool()), Arc::clone(self.served.vm_names()));
            for told in self.driver.advance(until) {
                telling.tell(&told.fact).expect("the service understands it");
            }
            if let Some((pool, step)) = telling.end() {
                self.served.adopt(pool, step);
            }
            let verdict = self.verdict();
            self.driver.hears(&verdict);
        }
        self
    }

    fn assessment(&self) -> Assessment {
        assess(self.served.pool(), &Limits { work: Some(100_000), ..Limits::default() })
    }

    fn verdict(&self) -> Verdict {
        Verdict::of(&self.assessment(), self.served.revision(), Duration::ZERO)
    }

    fn items(&self) -> Vec<Item> {
        self.driver.story().items().cloned().collect()
    }

    fn item(&self, part: &str) -> Item {
        let found = self.items().into_iter().find(|item| item.text.contains(part));
        found.unwrap_or_else(|| panic!("{part:?} is not in {:#?}", self.texts()))
    }

    fn texts(&self) -> Vec<String> {
        self.items().into_iter().map(|item| item.text).collect()
    }
}

#[test]
fn a_kill_is_told_from_the_blow_to_the_last_vm_and_the_tolerance_drops() {
    let mut told = Told::new(Recipe::default(), "at 5s kill h07");
    let before = told.lives(4).verdict();
    assert!(!before.overcommitted);
    assert_eq!(told.items().len(), 2, "the pool has formed, and what is proven: {:?}", told.texts());
    told.lives(60);
    assert_eq!(told.item("kill h07").at, Duration::from_secs(5));
    let lost = told.item("h07 has lost power");
    assert_eq!(lost.since, Some(Duration::ZERO));
    let safe = told.item("h07 is safe to replace: its lease has run out");
    let since = safe.since.expect("it follows from the kill");
    assert_eq!(told.texts().iter().filter(|text| text.contains("safe to replace")).count(), 1);
    assert!((10..=18).contains(&since.as_secs()), "{since:?}");
    let first = told.item("order 0: ");
    assert!(first.since >= safe.since, "nothing starts before the host is known to be safe");
    let run = told.item("all protected VMs run: ");
    assert!(run.since > first.since && told.driver.story().is_well());
    let after = told.verdict();
    assert!(after.proven < before.proven, "{before:?} {after:?}");
    told.item(&format!("→ {}", after.tolerance()));
}

#[test]
fn all_protected_vms_of_a_killed_host_run_elsewhere_and_the_service_says_so() {
    let mut told = Told::small("at 1s kill h03");
    let h03 = told.driver.live().find_host("h03").expect("there is one");
    let protected: Vec<_> = {
        let pool = told.driver.live().pool();
        let priority = lifeboat_model::spec::RestartPriority::Restart;
        told.driver.live().guests(h03).filter(|vm| pool.vm(*vm).restart_priority == priority).collect()
    };
    assert!(protected.len() > 5);
    told.lives(60);
    for vm in protected {
        let now = told.driver.live().runs_at(vm).expect("it runs");
        assert!(now != h03 && told.driver.live().is_well(vm));
        assert_eq!(told.served.pool().runs_on(vm), Some(now));
    }
}

#[test]
fn the_same_script_tells_the_same_story_whatever_the_steps() {
    let script = "at 3s kill h02 h05; at 30s split h01-h06 / rest; at 80s heal; at 150s revive all";
    let story = |step: Duration| {
        let mut told = Told::small(script);
        while told.driver.now() < Duration::from_secs(260) {
            told.driver.advance(told.driver.now() + step);
        }
        let mut texts: Vec<_> = told.items().into_iter().map(|item| (item.at, item.text)).collect();
        texts.sort();
        texts
    };
    assert_eq!(story(Duration::from_millis(50)), story(Duration::from_millis(50)));
    let coarse = story(Duration::from_millis(500));
    let kill = coarse.iter().find(|(_, text)| text.contains("have lost power")).expect("it is told");
    assert_eq!(kill.0, Duration::from_secs(3));
}

#[test]
fn quit_ends_the_script_where_it_stands() {
    let mut told = Told::small("at 2s quit; at 3s kill h01");
    told.lives(10);
    assert!(told.driver.is_over());
    assert_eq!(told.driver.now(), Duration::from_secs(2));
}

#[test]
fn what_is_said_is_answered_and_what_makes_no_sense_is_refused() {
    let mut told = Told::small("");
    told.lives(1);
    assert_eq!(told.driver.say("kill h02").expect("it is done"), "kill h02: done at 1.0 s");
    assert!(
        told.driver.say("status").expect("it is answered").contains("without power, not agreed yet: h02")
    );
    assert!(told.driver.say("help").expect("it is answered").contains("kill h07"));
    assert!(told.driver.say("kill h99").expect_err("there is none").to_string().contains("h01 to h16"));
}

#[test]
fn the_pool_of_the_readme_loses_a_host_and_the_coordinator_and_bears_it() {
    let mut told = Told::new(Recipe::default(), "at 5s kill h07; at 40s kill coordinator; at 41s kill h20");
    assert_eq!(told.lives(1).verdict().proven, Some(4));
    told.lives(120);
    assert!(told.driver.story().is_well(), "{:#?}", told.texts());
    told.item("is the coordinator now");
    assert!(told.verdict().overcommitted, "{:?}", told.verdict());
    told.item("OVERCOMMITTED: tolerance ");
    let scene = told.driver.scene(Some(told.verdict()), &Service::default());
    assert_eq!(scene.vms[0].run, scene.vms[0].all);
}

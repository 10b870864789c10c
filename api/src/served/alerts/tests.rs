//! Alerts from histories: what is raised, what stays quiet, what is over.
use super::*;
use crate::served::{Ledger, Note, Outlook, Served, Step};
use lifeboat_model::change::Change;
use lifeboat_model::spec::{
    GroupSpec, HostSpec, HostState, PoolSpec, RestartPriority, Rule, RuleMode, SettingsSpec, VmSpec,
};
use lifeboat_model::{HostIndex, Pool, VmIndex};
use lifeboat_planner::{Limits, assess};
use std::sync::Arc;
use std::time::Duration;

/// A pool as it is served, its ledger, and what was told of it.
struct Story {
    served: Served,
    ledger: Ledger,
    told: Vec<String>,
    now: i64,
}

/// A host of 20 and two of 10 with a VM of 4 on each: any one may fail, and not any two.
fn pool() -> PoolSpec {
    let host = |id: &str| HostSpec { id: id.into(), memory_mib: 10, ..HostSpec::default() };
    let vm = |id: &str, host: &str| VmSpec {
        id: id.into(),
        memory_mib: 4,
        host: Some(host.into()),
        restart_priority: RestartPriority::Restart,
        ..VmSpec::default()
    };
    PoolSpec {
        id: "prod".into(),
        settings: SettingsSpec { host_failures_to_tolerate: Some(1), ..SettingsSpec::default() },
        hosts: vec![HostSpec { memory_mib: 20, ..host("a") }, host("b"), host("c")],
        vms: vec![vm("v", "a"), vm("w", "b"), vm("x", "c")],
        ..PoolSpec::default()
    }
}

impl Story {
    fn of(spec: &PoolSpec) -> Self {
        let served = Served::new(Pool::new(spec).expect("sound"), 1);
        let mut story = Self { served, ledger: Ledger::default(), told: Vec::new(), now: 0 };
        story.verdict(false);
        story
    }

    fn tick(&mut self) -> Timestamp {
        self.now += 1;
        Timestamp::from_second(self.now).expect("a time")
    }

    fn note(&mut self, effects: crate::served::ledger::Effects) {
        for (kind, data) in effects.entries {
            if kind == "alert" {
                let subject = data["subject"]["id"].as_str().unwrap_or("the pool").to_owned();
                self.told.push(format!(
                    "{} {} {subject}",
                    data["phase"].as_str().unwrap(),
                    data["name"].as_str().unwrap()
                ));
            }
        }
    }

    fn change(&mut self, change: &Change) -> &mut Self {
        let before = Arc::clone(self.served.pool());
        let delta = self.served.adopt(before.with(change).expect("it can be"), Step::Kept);
        let now = self.tick();
        let after = Arc::clone(self.served.pool());
        let effects = self.ledger.follow(&before, &after, &delta, now);
        self.note(effects);
        self
    }

    fn outlook(&self, work: Option<u64>, provisional: bool) -> Outlook {
        let pool = Arc::clone(self.served.pool());
        let assessment = assess(&pool, &Limits { work, ..Limits::default() });
        Outlook {
            revision: self.served.revision(),
            reflects: Timestamp::UNIX_EPOCH,
            assessment: Arc::new(assessment),
            took: Duration::ZERO,
            provisional,
            pool,
        }
    }

    fn verdict(&mut self, provisional: bool) -> &mut Self {
        let outlook = self.outlook(None, provisional);
        self.judged(&outlook)
    }

    fn judged(&mut self, outlook: &Outlook) -> &mut Self {
        let now = self.tick();
        let effects = self.ledger.judge(outlook, now);
        self.note(effects);
        self
    }

    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }
}

fn start(memory_mib: u64, host: u16) -> Change {
    let vm = VmSpec {
        id: "new".into(),
        memory_mib,
        restart_priority: RestartPriority::Restart,
        ..VmSpec::default()
    };
    Change::StartNew { vm: Box::new(vm), host: Some(HostIndex(host)) }
}

#[test]
fn a_pool_that_falls_short_is_told_once_and_its_recovery_once() {
    let mut story = Story::of(&pool());
    assert_eq!(story.told(), [] as [&str; 0]);
    story.change(&start(7, 0)).verdict(false);
    assert_eq!(story.told(), ["raised overcommitted the pool", "raised tolerance-dropped the pool"]);
    story.verdict(false).verdict(false);
    assert_eq!(story.told(), [] as [&str; 0], "the episode goes on");
    let alert = story.ledger.alerts.open().next().expect("one goes on").clone();
    assert_eq!(alert.summary, "pool prod is overcommitted: tolerance 0, target 1");
    assert!(
        alert.detail.starts_with("0 host failures are proven survivable, the target is 1."),
        "{}",
        alert.detail
    );
    assert!(alert.detail.contains("Should "), "the witness is named: {}", alert.detail);
    assert_eq!(alert.next_step, "lifeboat repair --pool prod lists what would restore the target");
    story.change(&Change::Stop { vm: VmIndex(3) }).verdict(false);
    assert_eq!(
        story.told(),
        ["closed overcommitted-cleared the pool", "closed tolerance-recovered the pool"]
    );
    assert_eq!(story.ledger.alerts.open().count(), 0);
    story.change(&Change::Start { vm: VmIndex(3), host: Some(HostIndex(0)) }).verdict(false);
    assert_eq!(story.told().len(), 2, "a new episode is told anew");
}

#[test]
fn what_is_still_being_worked_on_raises_nothing_and_closes_nothing() {
    let mut story = Story::of(&pool());
    let mut open = story.outlook(None, true);
    let mut assessment = (*open.assessment).clone();
    assessment.target_status = lifeboat_planner::TargetStatus::Open;
    assessment.overcommitted = true;
    assessment.tolerance.sequential.proven = Some(0);
    assessment.tolerance.sequential.refuted = None;
    open.assessment = Arc::new(assessment.clone());
    story.judged(&open);
    assert_eq!(story.told(), [] as [&str; 0]);
    open.provisional = false;
    story.judged(&open);
    assert_eq!(story.told(), ["raised overcommitted the pool", "raised tolerance-dropped the pool"]);
    open.provisional = true;
    story.judged(&open);
    assert_eq!(story.told(), [] as [&str; 0]);
    assessment.tolerance.sequential.refuted = Some(1);
    let mut refuted = Story::of(&pool());
    assessment.target_status = lifeboat_planner::TargetStatus::Refuted;
    open.assessment = Arc::new(assessment);
    refuted.judged(&open);
    assert_eq!(refuted.told().len(), 2, "what is refuted does not wait for the deep search");
}

#[test]
fn a_drop_above_the_target_is_told_and_accepting_it_sets_the_level() {
    let mut spec = pool();
    spec.settings.host_failures_to_tolerate = Some(0);
    let mut story = Story::of(&spec);
    story.change(&start(7, 0)).verdict(false);
    assert_eq!(story.told(), ["raised tolerance-dropped the pool"]);
    let id = story.ledger.alerts.open().next().expect("it goes on").id;
    let now = story.tick();
    let effects = story.ledger.take("prod", Note::Acknowledge { id, by: "eve".into() }, now);
    assert!(effects.told.is_empty(), "people are not told what one of them did");
    story.note(effects);
    assert_eq!(
        story.told(),
        ["acknowledged tolerance-dropped the pool", "closed tolerance-recovered the pool"]
    );
    story.verdict(false);
    assert_eq!(story.told(), [] as [&str; 0]);
}

#[test]
fn a_host_that_fails_is_fenced_and_comes_back_makes_one_story() {
    let mut story = Story::of(&pool());
    let state = |state| Change::HostState { host: HostIndex(1), state };
    story.change(&state(HostState::Dead));
    assert_eq!(story.told(), ["raised host-failed b"]);
    story.change(&state(HostState::Fenced));
    assert_eq!(story.told(), ["raised host-fenced b"]);
    let now = story.tick();
    let before = Arc::clone(story.served.pool());
    let delta = story.served.adopt(before.with(&state(HostState::Live)).expect("it can be"), Step::Kept);
    let effects = story.ledger.follow(&before, &story.served.pool().clone(), &delta, now);
    assert_eq!(effects.told.len(), 1, "that it is back is told once");
    story.note(effects);
    assert_eq!(story.told(), ["closed host-rejoined b", "closed host-rejoined b"]);
}

#[test]
fn a_host_that_was_emptied_and_goes_down_has_not_failed() {
    let mut story = Story::of(&pool());
    story.change(&Change::Stop { vm: VmIndex(1) });
    story.change(&Change::HostState { host: HostIndex(1), state: HostState::Maintenance });
    story.change(&Change::HostState { host: HostIndex(1), state: HostState::Dead });
    assert_eq!(story.told(), [] as [&str; 0]);
}

#[test]
fn vms_rules_and_hosts_have_episodes_of_their_own() {
    let mut spec = pool();
    spec.groups.push(GroupSpec {
        id: "apart".into(),
        rule: Rule::AntiAffinity,
        mode: RuleMode::Required,
        vms: vec!["v".into(), "w".into()],
    });
    spec.vms[2].allowed_hosts = Some(vec!["c".into()]);
    let mut story = Story::of(&spec);
    assert_eq!(story.told(), ["raised vm-not-agile x"]);
    story.change(&Change::EndMigration { vm: VmIndex(1), to: HostIndex(0) }).verdict(false);
    assert!(story.told().contains(&"raised rule-broken apart".to_owned()));
    story.change(&Change::VmMemory { vm: VmIndex(0), memory_mib: 17 }).verdict(false);
    assert!(story.told().contains(&"raised host-over-full a".to_owned()));
    story.change(&Change::EndMigration { vm: VmIndex(1), to: HostIndex(1) }).verdict(false);
    let told = story.told();
    assert!(told.contains(&"closed rule-kept apart".to_owned()), "{told:?}");
    assert!(told.contains(&"closed host-not-over-full a".to_owned()), "{told:?}");
    story
        .change(&Change::Stop { vm: VmIndex(2) })
        .change(&Change::Protect { vm: VmIndex(2), priority: RestartPriority::Unprotected })
        .verdict(false);
    assert!(story.told().contains(&"closed vm-agile x".to_owned()));
}

#[test]
fn the_book_goes_on_after_a_restart_where_it_was() {
    let mut story = Story::of(&pool());
    story.change(&start(7, 0)).verdict(false);
    story.told();
    let kept: Vec<Alert> = story.ledger.alerts.newest_first().cloned().collect();
    let spelt = serde_json::to_vec(&kept).expect("JSON");
    story.ledger.alerts = Book::of(serde_json::from_slice::<Vec<Alert>>(&spelt).expect("alerts"));
    story.verdict(false);
    assert_eq!(story.told(), [] as [&str; 0], "what was told is not told again");
    story.change(&Change::Stop { vm: VmIndex(3) }).verdict(false);
    assert_eq!(
        story.told(),
        ["closed overcommitted-cleared the pool", "closed tolerance-recovered the pool"]
    );
}

#[test]
fn the_book_has_an_end() {
    let mut book = Book::default();
    let now = Timestamp::UNIX_EPOCH;
    let finding = |number: usize, holds: Holds| Finding {
        kind: Kind::VmNotAgile,
        subject: Subject::Vm(format!("v{number}")),
        holds,
        summary: String::new(),
        detail: String::new(),
        next_step: String::new(),
        data: Value::Null,
    };
    let news = book.note((0..3000).map(|number| finding(number, Holds::Yes)).collect(), &[], now);
    assert_eq!((news.len(), book.open().count()), (1000, 1000));
    let over = || Holds::No { because: "so".into() };
    book.note((0..1000).map(|number| finding(number, over())).collect(), &[], now);
    book.note((1000..1010).map(|number| finding(number, Holds::Yes)).collect(), &[], now);
    let news = book.note((1000..1010).map(|number| finding(number, over())).collect(), &[], now);
    assert_eq!(news.iter().filter(|one| matches!(one, News::Forgotten(_))).count(), 10);
    assert_eq!(book.newest_first().count(), 1000);
}

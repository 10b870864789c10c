//! The shell around a run: a task in the coordinator's process looks at the pool, asks the run what to do, keeps what it says, and then does it.
//! It ends with the term; the next one finds the run in the store.
use super::plan::{self, Group};
use super::run::{Do, PlannedMove, PlannedStop, Run, RunGroup, RunState};
use super::view::{Seen, View, never_came};
use crate::clock::Stopwatch;
use crate::conductor::{Ask, Conductor};
use crate::engine::{PoolHandle, Transition};
use crate::error::ApiError;
use crate::place_back::{PlacingBack, Step};
use crate::served::Note;
use crate::served::alerts::{Finding, Holds, Kind, Subject};
use crate::service::Service;
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::{HostIndex, Pool};
use lifeboat_planner::Limits;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{MissedTickBehavior, interval};

/// How often it looks.
const LOOK: Duration = Duration::from_secs(1);
/// Work units that one question to the planner may take: a tenth of a second.
pub const WORK: u64 = 100_000;

/// Starts the task of a term.
pub fn begin(runtime: &Handle, service: Service, pool: Arc<PoolHandle>, conductor: Conductor) {
    let driver = Driver { service, pool, conductor, term: Stopwatch::start(), run: None, placing: None };
    runtime.spawn(driver.drive());
}

struct Driver {
    service: Service,
    pool: Arc<PoolHandle>,
    conductor: Conductor,
    term: Stopwatch,
    /// The run with what only this term knows of it.
    run: Option<Run>,
    /// VMs of a group that go back.
    placing: Option<PlacingBack>,
}

impl Driver {
    async fn drive(mut self) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            if self.pool.is_closed() || self.pool.is_gone() {
                return;
            }
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "the rolling reboot does not go on yet");
            }
        }
    }

    async fn look(&mut self) -> Result<(), ApiError> {
        let Some(kept) = self.pool.ledger(|ledger| ledger.rolling.clone()).filter(Run::goes_on) else {
            (self.run, self.placing) = (None, None);
            return Ok(());
        };
        let mut run = self.run.take().filter(|run| run.kept() == kept).unwrap_or_else(|| kept.clone());
        let Some(view) = self.view() else { return Ok(()) };
        let mut acts = run.advance(&view);
        if let [Do::Judge { group, hosts }] = acts.as_slice() {
            let (group, found) = (*group, self.judge(hosts.clone()).await?);
            // What was judged is the pool with these members.
            let Some(now) = self.view().filter(|now| now.has_the_members_of(&view)) else { return Ok(()) };
            acts = run.judged(group, found, &now);
        }
        if run.kept() != kept && !self.keep(&kept, &run).await? {
            // Somebody has changed it meanwhile.
            return Ok(());
        }
        self.run = Some(run);
        if !acts.iter().any(|act| matches!(act, Do::PlaceBack { .. })) {
            self.placing = None;
        }
        for act in acts {
            self.carry_out(act).await?;
        }
        Ok(())
    }

    /// Keeps a run, unless it is not what it was any more; whether it is kept.
    async fn keep(&self, before: &Run, run: &Run) -> Result<bool, ApiError> {
        let turn = self.pool.turn().await?;
        if turn.pool().ledger(|ledger| ledger.rolling.as_ref() != Some(before)) {
            return Ok(false);
        }
        tracing::info!(run = run.id, state = ?run.state, reason = run.reason, "rolling reboot");
        let mut notes = vec![Note::Rolling(Box::new(run.kept()))];
        if matches!(run.state, RunState::Stopping | RunState::Stopped) {
            notes.push(Note::Found(Box::new(stopped(Holds::Yes, &run.reason))));
        }
        turn.commit(Transition { notes, ..Transition::default() }).acknowledged().await?;
        Ok(true)
    }

    async fn carry_out(&mut self, act: Do) -> Result<(), ApiError> {
        match act {
            Do::Judge { .. } => {}
            Do::Reboot { hosts, moves, stops } => {
                let moves = moves.into_iter().map(|step| (step.vm, step.to)).collect();
                let stops = stops.into_iter().map(|stop| stop.vm).collect();
                self.conductor.ask(Ask::Plan { moves, stops }).await?;
                for host in hosts {
                    self.conductor.ask(Ask::Reboot { host: host.clone() }).await?;
                    self.heard(&host);
                }
            }
            // Others are not kept waiting by one that is refused; it is asked for again.
            Do::Enable { host } => match self.conductor.ask(Ask::Enable { host: host.clone() }).await {
                Ok(()) => self.heard(&host),
                Err(error) => tracing::warn!(host, %error, "a host does not take VMs again yet"),
            },
            Do::PlaceBack { group, moves, stops } => {
                if self.placing.is_none() {
                    self.start(stops).await;
                }
                let back = || PlacingBack::of(moves.into_iter().map(|step| (step.vm, step.from)));
                let placing = self.placing.get_or_insert_with(back);
                if placing.step(&self.service, &self.pool, &self.conductor).await == Step::Over
                    && let Some(mut run) = self.run.take()
                {
                    let before = run.kept();
                    run.placed_back(group);
                    if self.keep(&before, &run).await? {
                        self.run = Some(run);
                    }
                }
            }
        }
        Ok(())
    }

    fn heard(&mut self, host: &str) {
        if let Some(run) = &mut self.run {
            run.heard(host);
        }
    }

    /// What was stopped starts again, unless it is not to run any more.
    async fn start(&self, stops: Vec<PlannedStop>) {
        for stop in stops {
            let pool = self.pool.view().pool;
            let waits = |vm| pool.vm(vm).should_run && pool.runs_on(vm).is_none();
            if pool.find_vm(&stop.vm).is_some_and(waits) {
                let asked = Ask::Start { vm: stop.vm.clone(), host: None };
                if let Err(error) = self.conductor.ask(asked).await {
                    // The coordinator starts most of them by itself.
                    tracing::info!(vm = stop.vm, %error, "a VM that was stopped is not started");
                }
            }
        }
    }

    async fn judge(&self, hosts: Vec<String>) -> Result<Result<RunGroup, String>, ApiError> {
        let pool = self.pool.view().pool;
        self.service
            .judge(move |stop| {
                let limits = Limits { work: Some(WORK), stop: Some(stop), ..Limits::default() };
                let found: Option<Vec<HostIndex>> = hosts.iter().map(|host| pool.find_host(host)).collect();
                Ok(match found {
                    Some(found) => plan::judge(&pool, &found, &limits).map(|group| named(&pool, &group)),
                    None => Err("a host has left the pool for good".to_owned()),
                })
            })
            .await
    }

    /// How things stand; none: the agents have not agreed on anything yet.
    fn view(&self) -> Option<View> {
        // What comes last here is known first: agreement, the coordinator, the document.
        let pool = self.pool.view().pool;
        let picture = self.conductor.picture();
        let roster = self.conductor.roster();
        let mut view = View {
            now: self.term.elapsed(),
            leader: roster.hosts.get(self.conductor.me())?.id.clone(),
            unrest: unrest(&pool),
            ..View::default()
        };
        let stalled = |host: &str| {
            self.pool.ledger(|ledger| {
                let about = Subject::Host(host.to_owned());
                let mut open = ledger.alerts.open();
                let stalls = |kind| matches!(kind, Kind::EvacuationStalled | Kind::HostStateUnknown);
                let stalled = open.find(|alert| stalls(alert.kind) && alert.subject == about);
                stalled.map(|alert| alert.summary.clone())
            })
        };
        for (position, member) in roster.hosts.iter().enumerate().filter(|(_, member)| !member.removed) {
            let standing = self.conductor.standing(HostIndex::new(position))?;
            let state = pool.find_host(&member.id).map(|host| pool.host(host).state);
            if never_came(standing, state) {
                continue;
            }
            let bearing = picture.as_ref().and_then(|picture| picture.bearing(&member.id));
            let mut seen = Seen::of(standing, bearing, state);
            seen.stalled = stalled(&member.id);
            seen.vms = pool.find_host(&member.id).map_or(0, |host| vms_at(&pool, host));
            view.hosts.insert(member.id.clone(), seen);
        }
        Some(view)
    }
}

/// What has people told that a run could not go on, or that this is over.
pub fn stopped(holds: Holds, reason: &str) -> Finding {
    Finding {
        kind: Kind::RollingRebootStopped,
        subject: Subject::Pool,
        holds,
        summary: format!("the rolling reboot has stopped: {reason}"),
        detail: String::new(),
        next_step: Kind::RollingRebootStopped.next_step().to_owned(),
        data: serde_json::Value::Null,
    }
}

/// A group by name.
pub fn named(pool: &Pool, group: &Group) -> RunGroup {
    let host = |host: HostIndex| pool.host_id(host).to_owned();
    RunGroup {
        hosts: group.hosts.iter().map(|&of| super::run::RunHost::waiting(&host(of))).collect(),
        moves: group
            .moves
            .iter()
            .map(|step| PlannedMove {
                vm: pool.vm_id(step.vm).to_owned(),
                from: host(step.from),
                to: host(step.to),
            })
            .collect(),
        stops: group
            .stuck
            .iter()
            .map(|stuck| PlannedStop {
                vm: pool.vm_id(stuck.vm).to_owned(),
                host: host(stuck.host),
                reason: stuck.reason.clone(),
            })
            .collect(),
        ..RunGroup::default()
    }
}

fn vms_at(pool: &Pool, host: HostIndex) -> usize {
    let here = |&vm: &_| pool.runs_on(vm) == Some(host) || pool.migration_end(vm) == Some(host);
    pool.vm_indices().filter(here).count()
}

/// What goes on in the pool that a group had better wait for.
fn unrest(pool: &Pool) -> Option<String> {
    pool.vm_indices().find_map(|vm| {
        let (id, known) = (pool.vm_id(vm), pool.vm(vm));
        if pool.migration_end(vm).is_some() {
            return Some(format!("VM {id} is being migrated"));
        }
        let waits = known.should_run
            && known.restart_priority == RestartPriority::Restart
            && pool.runs_on(vm).is_none()
            && pool.eligible_hosts(known.profile).iter().next().is_some();
        waits.then(|| format!("VM {id} is down"))
    })
}

//! The simulated pool with its script and its story, moved on by whoever knows what time it is. Nothing here reads a
//! clock, prints or serves: a test drives it as the demo does.
use super::command::{self, Command, CommandError};
use super::facts::Facts;
use super::pool::HEARTBEATS;
use super::scene::{Scene, Service};
use super::script::Step;
use super::story::{Story, Verdict};
use crate::dto::served::event::Told;
use lifeboat_model::{HostIndex, Pool, PoolSpec};
use lifeboat_simulator::live::LiveError;
use lifeboat_simulator::scenario::{Action, PoolSource, WorldSettings};
use lifeboat_simulator::{Live, RunError, Scenario};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// The pool, driven.
pub struct Driver {
    live: Live,
    pool: Arc<Pool>,
    facts: Facts,
    story: Story,
    script: VecDeque<Step>,
    tried: Vec<&'static str>,
    over: bool,
}

/// Why a line had no effect.
#[derive(Debug, thiserror::Error)]
pub enum SayError {
    /// It was not understood.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// It cannot be done.
    #[error(transparent)]
    Live(#[from] LiveError),
}

/// A simulated pool that has formed.
///
/// # Errors
/// If it does not form.
pub fn form(pool: Pool, seed: u64) -> Result<Live, RunError> {
    let mut scenario = Scenario::quiet(PoolSource::Document(Box::<PoolSpec>::default()));
    scenario.settings.networks = Some(HEARTBEATS.map(str::to_owned).to_vec());
    scenario.world =
        WorldSettings { clock_ppm: 100, medium_jitter: Duration::from_millis(3), ..scenario.world };
    Live::form(scenario, pool, seed)
}

impl Driver {
    /// A pool that has formed, and what is to happen to it.
    pub fn new(live: Live, script: Vec<Step>) -> Self {
        let pool = Arc::new(live.pool().clone());
        let mut story = Story::new(Arc::clone(&pool));
        let coordinator = live.coordinator().map(|host| pool.host_id(host).to_owned());
        story.begin(coordinator.as_deref().unwrap_or("nobody"));
        Self {
            facts: Facts::new(&pool),
            story,
            script: script.into(),
            tried: Vec::new(),
            over: false,
            pool,
            live,
        }
    }

    /// The pool's time, counted from when it had formed.
    pub fn now(&self) -> Duration {
        self.live.now()
    }

    /// Whether somebody has said that it is to end.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// What is true.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// What happened, for people.
    pub fn story(&self) -> &Story {
        &self.story
    }

    /// Moves on to `until`, does what the script says on the way, and gives the events that the service is to be told.
    pub fn advance(&mut self, until: Duration) -> Vec<Told> {
        let mut facts = Vec::new();
        while let Some(step) = self.script.front().filter(|step| step.at <= until && !self.over).cloned() {
            self.script.pop_front();
            facts.extend(self.run_until(step.at));
            // What is wrong with a step is a sentence of the story.
            if let Err(error) = self.carry_out(&step.line, &step.command) {
                self.story.refused(self.live.now(), error.to_string());
            }
        }
        if !self.over {
            facts.extend(self.run_until(until));
        }
        facts
    }

    fn run_until(&mut self, until: Duration) -> Vec<Told> {
        self.live.run_until(until);
        let happened = self.live.take();
        self.story.take(self.live.now(), &happened);
        self.facts.of(&self.pool, &happened)
    }

    /// Does what somebody says, now, and answers.
    ///
    /// # Errors
    /// What was not understood, or cannot be done.
    pub fn say(&mut self, line: &str) -> Result<String, SayError> {
        let command = Command::parse(line, &self.pool)?;
        Ok(self.carry_out(line.trim(), &command)?)
    }

    fn carry_out(&mut self, line: &str, command: &Command) -> Result<String, LiveError> {
        match command {
            Command::Act(action) => {
                let hosts = self.hosts_of(action);
                self.live.act(action)?;
                self.story.said(self.live.now(), line, action, &hosts);
                self.tried.push(action.word());
                Ok(format!("{line}: done at {:.1} s", self.live.now().as_secs_f64()))
            }
            Command::Status => Ok(self.scene(None, &Service::default()).status()),
            Command::Help => Ok(command::help()),
            Command::Quit => {
                self.over = true;
                self.story.end(self.live.now());
                Ok("the demo ends".to_owned())
            }
        }
    }

    /// The hosts that an action names, as they are called now.
    fn hosts_of(&self, action: &Action) -> Vec<HostIndex> {
        action.names().0.into_iter().filter_map(|name| self.live.find_host(name)).collect()
    }

    /// The verdict that the service publishes now.
    pub fn hears(&mut self, verdict: &Verdict) {
        self.story.verdict(self.live.now(), verdict);
    }

    /// How everything stands, to be shown.
    pub fn scene(&self, verdict: Option<Verdict>, service: &Service) -> Scene {
        Scene::of(&self.live, &self.story, verdict, service, &self.tried)
    }
}

#[cfg(test)]
mod tests;

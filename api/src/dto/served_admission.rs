//! The answer to a request about a pool that the service keeps: the planner's answer, and what only the service can add.
use super::admission::AdmissionAnswer;
use super::repair::{RemedyAnswer, RepairAnswer};
use super::standing::StandingAnswer;
use crate::clock::Stopwatch;
use lifeboat_model::Pool;
use lifeboat_planner::{Limits, repair::repair};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

/// Assessments that each kind of remedy may ask for; the clock ends most searches before that.
const RATION: u32 = 60;

/// Whether a change may be made to a pool that the service keeps.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ServedAdmission")]
pub struct ServedAdmission<'a> {
    /// What the planner says.
    #[serde(flatten)]
    pub admission: AdmissionAnswer<'a>,
    /// The pool's revision that was judged.
    pub revision: u64,
    /// Hosts that could take the VM too and were not looked at closer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_judged: Vec<&'a str>,
    /// For a migration: where the pool stands while it is under way and the VM counts at both ends. It does not decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under_way: Option<StandingAnswer>,
    /// For the target and the guarantee: the most failures that are proven survivable as the pool is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_proven: Option<u32>,
    /// For a change that is refused: what would restore the target once it is made. Each is verified.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<RemedyAnswer>,
    /// What there is to know of the remedies: that the time for them was over, say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedies_note: Option<String>,
}

impl<'a> ServedAdmission<'a> {
    /// The answer without what not every change has.
    pub fn new(admission: AdmissionAnswer<'a>, revision: u64) -> Self {
        Self {
            admission,
            revision,
            not_judged: Vec::new(),
            under_way: None,
            most_proven: None,
            remedies: Vec::new(),
            remedies_note: None,
        }
    }

    /// Looks for what would restore the target of `pool`, for so many milliseconds.
    pub fn look_for_remedies(&mut self, pool: &Pool, most_ms: u64, stop: &(dyn Fn() -> bool + Sync)) {
        let clock = Stopwatch::start();
        let over = || stop() || clock.has_reached(Duration::from_millis(most_ms));
        let limits = Limits { stop: Some(&over), ..Limits::default() };
        let Ok(found) = repair(pool, None, RATION, &limits) else { return };
        let answer = RepairAnswer::new(pool, &found, 0);
        if over() || !answer.unfinished.is_empty() {
            let id = pool.id();
            self.remedies_note = Some(format!(
                "the search for remedies was cut short; `lifeboat repair --pool {id}` takes its time"
            ));
        }
        self.remedies = answer.remedies;
    }
}

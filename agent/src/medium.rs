//! The medium's thread: it takes one request after the other and waits for the disk or for etcd, however long that takes. The protocol
//! sees that no answer comes.
mod aligned;
mod etcd;
mod statefile;

pub use aligned::Aligned;
pub use statefile::Statefile;

use crate::clock;
use crate::config::MediumSection;
use crate::context::Context;
use crate::wiring::ToMedium;
use lifeboat_protocol::medium::{Answer, Request};
use lifeboat_protocol::{Input, Instant};
use lifeboat_store::StoreError;
use serde::Serialize;
use std::io;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// A medium, as its thread works on it.
trait Worker: Send {
    /// Carries out a request; waits for it.
    fn carry_out(&mut self, request: &Request) -> Result<Answer, String>;
}

/// What is said of the medium.
#[derive(Clone, Debug, Default, Serialize)]
struct Said {
    kind: &'static str,
    works: Option<bool>,
    /// The last request, and the slowest since this was last said.
    last_us: u64,
    slowest_us: u64,
    requests: u64,
    failures: u64,
    fault: Option<String>,
}

/// How often it is said, unless something changes.
const SAY_EVERY: Duration = Duration::from_secs(2);

/// Why there is no medium.
#[derive(Debug, thiserror::Error)]
pub enum MediumError {
    /// etcd cannot be spoken to.
    #[error("the medium: {0}")]
    Etcd(#[from] StoreError),
    /// No thread.
    #[error("the medium has no thread: {0}")]
    Thread(#[from] io::Error),
}

/// Starts the thread of the configured medium. One that cannot be opened now is tried again with every request.
///
/// # Errors
/// If what it needs cannot be read.
pub fn start(context: &Context, asked: Receiver<ToMedium>) -> Result<(), MediumError> {
    let timeout = context.roster.now().liveness().timeout;
    let (kind, worker) = worker(&context.config.medium, timeout)?;
    let context = context.clone();
    crate::thread::spawn("medium", move || work(kind, worker, &context, &asked))?;
    Ok(())
}

/// Carries out one request and waits for it: for those who lay out a medium, or look at one, while no agent runs.
///
/// # Errors
/// Why it failed, in words.
pub fn once(section: &MediumSection, timeout: Duration, request: &Request) -> Result<Answer, String> {
    let (_, mut worker) = worker(section, timeout).map_err(|fault| fault.to_string())?;
    worker.carry_out(request)
}

fn worker(
    section: &MediumSection,
    timeout: Duration,
) -> Result<(&'static str, Box<dyn Worker>), MediumError> {
    Ok(match section {
        MediumSection::Statefile { path, offset } => {
            ("statefile", Box::new(Statefile::new(path.clone(), *offset)))
        }
        etcd @ MediumSection::Etcd { .. } => ("etcd", Box::new(etcd::Etcd::new(etcd, timeout)?)),
    })
}

fn work(kind: &'static str, mut worker: Box<dyn Worker>, context: &Context, asked: &Receiver<ToMedium>) {
    let mut said = Said { kind, ..Said::default() };
    let mut next_saying = Instant::default();
    while let Ok(ToMedium::Request(request)) = asked.recv() {
        let began = clock::now();
        let answer = worker.carry_out(&request);
        let ended = clock::now();
        let took = ended.since(began);
        let fault = answer.as_ref().err().cloned();
        if !context.inbox.input(Input::Medium(answer.unwrap_or(Answer::Failed))) {
            return;
        }
        said.requests += 1;
        said.last_us = took.as_micros() as u64;
        said.slowest_us = said.slowest_us.max(said.last_us);
        let changed = said.works != Some(fault.is_none());
        if changed {
            if let Some(fault) = &fault {
                tracing::warn!(kind, fault, "the medium does not work for this host");
            } else {
                tracing::info!(kind, "the medium works for this host");
            }
        }
        said.failures += u64::from(fault.is_some());
        (said.works, said.fault) = (Some(fault.is_none()), fault);
        if changed || ended >= next_saying {
            context.board.post("medium", &said);
            said.slowest_us = 0;
            next_saying = ended + SAY_EVERY;
        }
    }
}

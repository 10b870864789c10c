//! What can keep a verb from answering: said in one line, with its particulars below and the next step last.
use super::style::{BAD, QUIET, count, names, styled};
use crate::client::ClientError;
use crate::client::address::AddressError;
use crate::client::context::ContextError;
use crate::client::token::TokenError;
use crate::conductor::link::LinkError;
use crate::config::ConfigFault;
use crate::demo::DemoError;
use crate::demo::remote::RemoteError;
use crate::dto::certificate::CertificateError;
use crate::dto::pool::Fault;
use crate::failure_set::FailureSetError;
use crate::source::SourceError;
use crate::startup::StartupError;
use crate::telemetry::TelemetryError;
use lifeboat_generate::RecipeError;
use lifeboat_model::change::ChangeError;
use lifeboat_simulator::RunError;
use lifeboat_store::StoreError;
use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

/// Why a verb could not answer.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// A file cannot be read or unpacked.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file cannot be written.
    #[error("cannot write {}", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A backup cannot be brought back.
    #[error("the backup is not restored")]
    Restore(#[from] StoreError),
    /// A pool document that is not right.
    #[error("{path} cannot be used: {}", count(.faults.len(), "fault"))]
    Document {
        /// The file.
        path: String,
        /// Everything that is wrong with it.
        faults: Vec<Fault>,
    },
    /// A certificate of no use.
    #[error("{} cannot be used as a certificate of this pool", .path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: CertificateError,
    },
    /// A name that the pool does not have.
    #[error("the pool has no {kind} {name:?}")]
    UnknownName {
        /// Host, VM or the like.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// Hosts that cannot fail.
    #[error(transparent)]
    FailureSet(#[from] FailureSetError),
    /// A configuration that cannot be used.
    #[error("{path} cannot be used: {}", count(.faults.len(), "fault"))]
    Config {
        /// The file.
        path: String,
        /// Everything that is wrong with it.
        faults: Vec<ConfigFault>,
    },
    /// The service does not start, or fails.
    #[error("cannot serve")]
    Serve(#[from] StartupError),
    /// There is no agent to serve beside.
    #[error("cannot serve beside an agent")]
    Agent(#[from] LinkError),
    /// Traces cannot be sent.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// There is nothing that could run tasks and wait for signals.
    #[error("cannot start the service")]
    Runtime(#[source] io::Error),
    /// An option that cannot be read.
    #[error("{option} {text:?} is not {expected}")]
    Misspelt {
        /// The option.
        option: &'static str,
        /// What was given.
        text: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A change that makes no sense for the pool.
    #[error("the change cannot be judged")]
    Change(#[from] ChangeError),
    /// A pool that cannot be made.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A scenario that cannot be run.
    #[error("{path} cannot be run")]
    Scenario {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: RunError,
    },
    /// The service has no answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No pool is named, and there is not exactly one.
    #[error("{}", which_pool(.0))]
    WhichPool(Vec<String>),
    /// An answer of the service that does not say what it should.
    #[error("the service answers without {0}")]
    Answer(&'static str),
    /// A change that would not do what it seems to.
    #[error("{what}")]
    Unwise {
        /// Why not.
        what: String,
        /// What to do instead.
        step: String,
    },
    /// Events cannot be waited for.
    #[error("cannot watch")]
    Watch(#[source] io::Error),
    /// A demo that cannot begin.
    #[error("the demo cannot begin")]
    Demo(#[from] DemoError),
    /// Something said to a demo in vain.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The answer could not be printed.
    #[error("cannot write the answer")]
    Output(#[source] io::Error),
}

impl Trouble {
    /// The whole report for standard error.
    pub fn report(&self) -> String {
        let mut text = format!("{} {self}", styled(BAD, "error:"));
        let mut cause = self.source();
        while let Some(error) = cause {
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        text.push('\n');
        if let Self::Change(ChangeError::Defective(defects)) = self {
            for defect in defects {
                let _ = writeln!(text, "  {defect}");
            }
        }
        if let Self::Document { faults, .. } = self {
            for fault in faults {
                let _ = writeln!(text, "  {fault}");
            }
        }
        if let Self::Config { faults, .. } = self {
            for fault in faults {
                let _ = writeln!(text, "  {fault}");
            }
        }
        if let Some(step) = self.next_step() {
            let _ = writeln!(text, "{} {step}", styled(QUIET, "next:"));
        }
        text
    }

    fn next_step(&self) -> Option<Cow<'static, str>> {
        let step = match self {
            Self::Client(error) => return error.next_step().map(Cow::Owned),
            Self::Unwise { step, .. } => return Some(Cow::Owned(step.clone())),
            Self::WhichPool(pools) if pools.is_empty() => {
                Some("`lifeboat pool import FILE` makes one of a pool document")
            }
            Self::WhichPool(_) => Some(
                "name one with --pool, or keep one in the context: lifeboat context set NAME --pool POOL",
            ),
            Self::Answer(_) => Some("is it a Lifeboat service, and of this version? lifeboat --version"),
            Self::Unreadable { .. } => Some("check the path and its rights"),
            Self::Source(SourceError::Unreadable { .. }) => Some("check the path; `-` reads standard input"),
            Self::Source(SourceError::Unpack { .. }) => {
                Some("check the file with `gzip -t`, or give the plain document")
            }
            Self::Document { .. } => {
                Some("correct the document; `lifeboat schema` prints what belongs in it")
            }
            Self::Certificate { .. } => Some("`lifeboat plan POOL --certificate FILE` writes one"),
            Self::UnknownName { .. } => Some("names are those of the pool document, in the same spelling"),
            Self::FailureSet(FailureSetError::UnknownHost(_)) => {
                Some("names are those of the pool document, in the same spelling")
            }
            Self::Config { .. } => Some("`lifeboat config example` prints a file with every key"),
            Self::Serve(StartupError::Listen { .. }) => {
                Some("is another service there? --listen takes another address")
            }
            Self::Serve(StartupError::Store { .. }) => {
                Some("--store takes another place, such as a file in a folder of your own")
            }
            Self::FailureSet(FailureSetError::AlreadyDown { .. }) => {
                Some("what ran there and should run is pending already: see `lifeboat plan` without it")
            }
            Self::Recipe(_) => Some("`lifeboat generate --help` says what each family looks like"),
            Self::Scenario { .. } => Some("docs/simulator.md says what a scenario can contain"),
            Self::Demo(_) => {
                Some("`lifeboat demo --help` says how it is begun, docs/demo.md what can be said")
            }
            Self::Remote(RemoteError::Refused(_)) => Some("`lifeboat demo help` lists what can be said"),
            Self::Remote(_) => Some("begin one with `lifeboat demo`; --port says where it listens"),
            // It says the step itself.
            Self::Restore(_) => return None,
            Self::Unwritable { .. }
            | Self::Misspelt { .. }
            | Self::Change(_)
            | Self::Serve(_)
            | Self::Agent(_)
            | Self::Telemetry(_)
            | Self::Runtime(_)
            | Self::Watch(_)
            | Self::Output(_) => None,
        };
        step.map(Cow::Borrowed)
    }
}

impl From<AddressError> for Trouble {
    fn from(error: AddressError) -> Self {
        Self::Client(error.into())
    }
}

impl From<TokenError> for Trouble {
    fn from(error: TokenError) -> Self {
        Self::Client(error.into())
    }
}

impl From<ContextError> for Trouble {
    fn from(error: ContextError) -> Self {
        Self::Client(error.into())
    }
}

fn which_pool(pools: &[String]) -> String {
    if pools.is_empty() {
        return "the service has no pool yet".to_owned();
    }
    let told: Vec<&str> = pools.iter().map(String::as_str).collect();
    format!("which pool? the service has {}", names(&told, 12))
}

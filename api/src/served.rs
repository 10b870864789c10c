//! One pool as it is served: what is known of it, what is told of it, what is asked of it. Everything here is pure: facts
//! and edits come in, the pool after them and what has changed go out. Threads, stores and clocks are in [`crate::engine`].
//!
//! ```text
//!   facts ───► fact ─┐                     ┌─► Delta ─► record ─► store
//!                    ├─► Pool, Step ─► Served
//!   requests ─► edit ┘   (admission before)└─► solver ─► Outlook ─► alerts
//! ```
//!
//! *Facts* have happened, and are not refused for what they do to the tolerance; the newest counts. *Edits* are requests:
//! they are judged before they are made.
pub mod admission;
pub mod alerts;
pub mod edit;
pub mod evacuation;
pub mod fact;
pub mod ha;
pub mod ledger;
pub mod outlook;
pub mod record;
pub mod resource;
pub mod state;
pub mod task;
pub mod telling;

pub use edit::Edit;
pub use fact::Fact;
pub use ledger::{Ledger, Note};
pub use outlook::Outlook;
pub use resource::{Kind, Resource};
pub use state::{Delta, Served, Step};
pub use telling::Telling;

use crate::dto::pool::Fault;
use lifeboat_model::{ChangeError, Defect};

/// Why a fact or an edit makes no sense for the pool.
#[derive(Debug, thiserror::Error)]
pub enum ServedError {
    /// Something that the pool does not have.
    #[error("the pool has no {} {:?}", .0.kind.word(), .0.id)]
    Unknown(Resource),
    /// It makes no sense for the pool as it is.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The pool would not be right.
    #[error("the pool would not be right: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Unsound(Vec<Fault>),
    /// Something that others still name.
    #[error("{} {:?} is still named by {by}: change that first", .resource.kind.word(), .resource.id)]
    StillNamed {
        /// What was to be removed.
        resource: Resource,
        /// Who names it, in words.
        by: String,
    },
}

impl From<Vec<Defect>> for ServedError {
    fn from(defects: Vec<Defect>) -> Self {
        Self::Unsound(Fault::of_defects(defects))
    }
}

//! The store of a coordinator that may move: a region of a block device (or file) that all hosts share, the *metadata volume*.
//!
//! A block device has no compare-and-swap, and each host has a page cache of its own. So nothing here goes through one (`O_DIRECT`),
//! and no term ever writes where an earlier one has: **every term has a slot of its own**.
//!
//! ```text
//!   headers: two copies of each, apart     slot 0          slot 1          slot 2          slot 3
//!   ┌───────────────────────────────────┬───────────────┬───────────────┬───────────────┬───────────────┐
//!   │ 0 1 2 3      …      0 1 2 3     … │ term 7 ──────►│ term 8, leads │ term 5        │ term 6        │
//!   └───────────────────────────────────┴───────────────┴───────────────┴───────────────┴───────────────┘
//!     512 KiB            512 KiB                   copied by term 8
//! ```
//!
//! A **takeover** by epoch E reads all headers, and takes as its source the complete slot of the highest epoch. It *claims* the slot
//! that was claimed longest ago and is not the source: its header, both copies, durable, one after the other. Then it copies, makes that
//! durable, marks the header as complete, and only then opens [redb](crate::redb) there, which verifies the whole database.
//!
//! # What is assumed
//!
//! * **A1.** A write that was answered and synced is on the disk: every reading that begins later, by any host, shows it.
//! * **A2.** A write that is under way, that a crash cuts short, or that fails leaves in the blocks that it names, and nowhere else, any
//!   mixture of old and new bytes; and it may take effect *late*, as long as the array, a path, or a stuck host holds it back.
//! * **A3.** Who opens with epoch E has the right to lead in E: the agents have agreed on it, no two ever share an epoch, and whoever led
//!   before is fenced, or its process has ended and its writes were drained. (What holds even without the last part: below.)
//!
//! # What is guaranteed
//!
//! * **Late writes are harmless past two takeovers at least.** What epoch E still has under way falls into its own slot, or on one
//!   copy of that slot's header. The takeovers after E take other slots: the next three if all of them and E were completed; at least the
//!   next two if some, or all, were broken off, since those go around the source. So E's slot is used again **by the third
//!   takeover after E at the earliest** (with four slots). A header write of E that comes later than that takes one of
//!   two copies, and the other one counts.
//! * **Old or new, never a mix.** A takeover that is broken off anywhere leaves the source as it was, and complete. A slot that was
//!   claimed and not completed (*half-made*) is never a source; its turn comes again like any other's. A takeover whose completion was
//!   written and not answered has the same content as its source, so it does not matter which of them is taken.
//! * **An epoch opens once.** An epoch that is not higher than each that has ever claimed a slot is refused as superseded: a takeover that
//!   failed is tried again in a later term, never in the same one.
//! * **What was acknowledged is kept, even beside a leader that should be dead.** After each commit is durable, all headers are read. If
//!   a later epoch has claimed a slot, the commit is answered as superseded, and so is everything after it. So a commit that was
//!   acknowledged was durable before the claim of whoever came next, and is in the copy; and a leader that should be dead does at
//!   most one commit more, which redb writes beside what the copy is made of.
//! * **Damage is said.** Headers carry SHA-256. A slot of which neither copy can be read could be the newest: then nothing is opened
//!   ([`StoreError::Damaged`]), and a backup is restored.
mod blocks;
mod format;
mod geometry;
mod header;
mod headers;
mod signs;
mod slot;
mod takeover;

pub use blocks::{BLOCK, Blocks, Device};
pub use format::{FormatError, format, format_on, found};
pub use geometry::{DEFAULT_LENGTH, MOST_LENGTH, SMALLEST_LENGTH};

use crate::redb::RedbStore;
use crate::{Batch, Candidate, Key, Leadership, Record, Store, StoreError, Term};
use geometry::Geometry;
use headers::Headers;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Who opens a volume, and with what right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenure {
    /// This life of the pool.
    pub pool: [u8; 16],
    /// The epoch of the coordinator's term. 0 is before every term: as often as wanted, until the first term has begun.
    pub epoch: u64,
}

/// A store on a region of a shared device, in the slot of one epoch.
#[derive(Debug)]
pub struct VolumeStore {
    inner: RedbStore,
    headers: Headers,
    epoch: u64,
    superseded: AtomicBool,
}

impl VolumeStore {
    /// Takes the volume over for this term: see the head of this module for what that means and assumes.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] if an epoch as high has taken it over before; [`StoreError::CannotOpen`] if it is no volume of this pool;
    /// [`StoreError::Damaged`], [`StoreError::Unavailable`].
    pub fn open(path: &Path, offset: u64, length: u64, tenure: Tenure) -> Result<Self, StoreError> {
        let place = path.display().to_string();
        let device = Device::open(path, offset, length)
            .map_err(|source| StoreError::CannotOpen { what: place.clone(), source })?;
        Self::on(Arc::new(device), tenure, &place)
    }

    /// Opens a volume in which no term has begun yet, whatever pool's it is: to restore a backup into it.
    ///
    /// # Errors
    /// As [`VolumeStore::open`]; [`StoreError::CannotOpen`] once a term has begun.
    pub fn open_before_terms(path: &Path, offset: u64, length: u64) -> Result<Self, StoreError> {
        let place = path.display().to_string();
        let cannot = |source| StoreError::CannotOpen { what: place.clone(), source };
        let device = Device::open(path, offset, length).map_err(cannot)?;
        let pool = headers::pool_of(&device).map_err(cannot)?;
        let opened = Self::on(Arc::new(device), Tenure { pool, epoch: 0 }, &place);
        opened.map_err(|fault| {
            match fault {
            StoreError::Superseded => takeover::cannot(
                &place,
                "a pool uses it, and then only its coordinator opens it, in its term: ask the service instead"
                    .to_owned(),
            ),
            other => other,
        }
        })
    }

    /// The same as [`VolumeStore::open`] on whatever holds the region's blocks, which `place` names.
    ///
    /// # Errors
    /// As [`VolumeStore::open`].
    pub fn on(blocks: Arc<dyn Blocks>, tenure: Tenure, place: &str) -> Result<Self, StoreError> {
        let length = blocks.len().map_err(|fault| unavailable(place, &fault))?;
        let geometry = Geometry::of(length).map_err(|what| takeover::cannot(place, what))?;
        let headers = Headers::new(blocks, geometry, tenure.pool);
        let taken = takeover::take_over(&headers, tenure.epoch, place)?;
        let ours = headers.clone();
        let name = place.to_owned();
        let inner = RedbStore::on(
            move || {
                // Opening writes: only who still leads may, each time anew.
                let out_of_reach = |fault| unavailable(&name, &fault);
                if ours.highest_epoch().map_err(out_of_reach)? > tenure.epoch {
                    return Err(StoreError::Superseded);
                }
                let slot = slot::Slot::complete(&ours, taken, tenure.epoch).map_err(out_of_reach)?;
                slot.ok_or(StoreError::Superseded)
            },
            place,
        )?;
        Ok(Self { inner, headers, epoch: tenure.epoch, superseded: AtomicBool::new(false) })
    }

    /// The epoch that has opened it.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether a later epoch has not begun to take over; asked of the disk.
    fn still_leads(&self) -> Result<(), StoreError> {
        if self.superseded.load(Ordering::Relaxed) {
            return Err(StoreError::Superseded);
        }
        let highest =
            self.headers.highest_epoch().map_err(|fault| StoreError::Unavailable(fault.to_string()))?;
        if highest > self.epoch {
            tracing::error!(epoch = self.epoch, highest, "a later term has taken the metadata volume over");
            self.superseded.store(true, Ordering::Relaxed);
            return Err(StoreError::Superseded);
        }
        Ok(())
    }
}

fn unavailable(place: &str, fault: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("{place}: {fault}"))
}

impl Store for VolumeStore {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key)
    }

    fn scan(&self, prefix: &Key, after: Option<&Key>, most: usize) -> Result<Vec<Record>, StoreError> {
        self.inner.scan(prefix, after, most)
    }

    fn commit(&self, term: Term, batch: &Batch) -> Result<(), StoreError> {
        if self.superseded.load(Ordering::Relaxed) {
            return Err(StoreError::Superseded);
        }
        self.inner.commit(term, batch)?;
        self.still_leads()
    }

    /// The term is the epoch, unless terms that are kept are ahead of it: after a restore, or a second campaign in one epoch.
    fn campaign(&self, candidate: &Candidate, _wait: Duration) -> Result<Option<Term>, StoreError> {
        self.still_leads()?;
        let term = self.inner.begin(candidate, Term(self.epoch))?;
        self.still_leads()?;
        Ok(Some(term))
    }

    fn renew(&self, term: Term) -> Result<(), StoreError> {
        self.inner.renew(term)?;
        self.still_leads()
    }

    fn resign(&self, term: Term) -> Result<(), StoreError> {
        self.inner.resign(term)
    }

    fn leader(&self) -> Result<Option<Leadership>, StoreError> {
        self.inner.leader()
    }

    fn lease(&self) -> Option<Duration> {
        None
    }

    fn backup(&self, out: &mut dyn Write) -> Result<(), StoreError> {
        self.inner.backup(out)
    }
}

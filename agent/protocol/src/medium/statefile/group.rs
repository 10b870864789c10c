//! What one host has published, from the two copies of its record as they are read again and again.
//!
//! A copy whose header is the one that was found whole before is not looked at again. Of two copies that are whole
//! the later counts: a host writes to the copy that is not its newest, so a newest copy that was durable when the
//! reading began is either still there or has been replaced by a later one.
//!
//! **A copy that is not whole** may be one that the host is just writing, one that a crash left torn, or damage. If the
//! copies are X and Y, and Y is not whole, then X may be older than what Y held when the reading began: X was read, the
//! host wrote X anew, and then began to write Y again, all during one reading. So the reading is done again. If
//! X is still the same record then, the host had not written X anew when Y was first found not whole, so what was being
//! written to Y was the record next after X, and X was the newest durable record when the first reading
//! began. Bytes of Y that were found so once and are still the same are not asked about again: nobody has written since.
use super::checksum;
use super::layout::{BLOCK, COPIES};
use super::paxos::Block;
use super::record::{self, Copy, RawHeader, Stamp};
use crate::configuration::{Configuration, ConfigurationNumber};
use crate::medium::{Fault, PoolId};
use crate::status::Status;
use lifeboat_model::HostIndex;

/// Everything known of one host's records.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    /// Each copy as it was last found: not torn.
    copies: [Option<Settled>; COPIES],
    /// The copy that was torn in the last reading of this cycle, and the other one then.
    doubt: Option<Doubt>,
    /// Torn bytes that are known to be left behind.
    scar: Option<Scar>,
    /// The latest record ever read.
    stamp: Option<Stamp>,
    /// Its block, if it has one.
    pub(super) block: Option<Block>,
    /// Its status, until it is taken for a snapshot.
    pub(super) fresh: Option<Status>,
}

/// A copy that is blank or whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Settled {
    raw: RawHeader,
    copy: Copy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Doubt {
    torn: usize,
    other: Settled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scar {
    doubt: Doubt,
    /// CRC-32C of the whole torn block.
    sum: u32,
}

/// What a reading of a group says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// The newest record is known; here is a decided configuration that it tells and that was not known.
    Clear(Option<Configuration>),
    /// A copy is not whole: read again.
    Doubtful,
}

/// Whose records are looked at, and what is known already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub(super) pool: PoolId,
    pub(super) host: HostIndex,
    pub(super) known: ConfigurationNumber,
    /// Whether the cycle has read before and found something in doubt.
    pub(super) again: bool,
}

impl Group {
    /// Looks at the group as it was read.
    ///
    /// # Errors
    /// `Foreign` if a record of another pool or version stands there.
    pub(super) fn read(&mut self, blocks: &[u8], context: Context) -> Result<Reading, Fault> {
        let doubt = self.doubt.take().filter(|_| context.again);
        let (first, second) = blocks.split_at(BLOCK);
        let mut copies = [None; COPIES];
        for ((place, found), block) in self.copies.iter_mut().zip(&mut copies).zip([first, second]) {
            *place = look(*place, block, context)?;
            *found = *place;
        }
        let (torn, other) = match copies {
            [Some(first), Some(second)] => {
                self.scar = None;
                let later = usize::from(stamp(second) > stamp(first));
                return Ok(self.take(blocks, later, context));
            }
            [Some(first), None] => (1, first),
            [None, Some(second)] => (0, second),
            [None, None] => return Ok(Reading::Doubtful),
        };
        let now = Doubt { torn, other };
        let scar = Scar { doubt: now, sum: checksum(&blocks[torn * BLOCK..][..BLOCK]) };
        if doubt == Some(now) || self.scar == Some(scar) {
            self.scar = Some(scar);
            return Ok(self.take(blocks, 1 - torn, context));
        }
        self.doubt = Some(now);
        Ok(Reading::Doubtful)
    }

    /// Takes in the copy at `position`, unless an earlier reading showed it or a later one.
    fn take(&mut self, blocks: &[u8], position: usize, context: Context) -> Reading {
        let Some(Settled { copy: Copy::Whole(header), .. }) = self.copies[position] else {
            return Reading::Clear(None);
        };
        if Some(header.stamp) <= self.stamp {
            return Reading::Clear(None);
        }
        let block = &blocks[position * BLOCK..][..BLOCK];
        let Ok(body) = record::decode(block, &header, context.known) else {
            // The checksum holds and the content makes no sense: not what a host of this version writes.
            self.copies[position] = None;
            return Reading::Doubtful;
        };
        self.stamp = Some(header.stamp);
        self.block = body.block;
        self.fresh = Some(body.status);
        Reading::Clear(body.decided)
    }
}

/// A copy as it is now; none if it is not whole.
fn look(before: Option<Settled>, block: &[u8], context: Context) -> Result<Option<Settled>, Fault> {
    let raw = record::raw_header(block);
    if let Some(before) = before.filter(|before| before.raw == *raw) {
        return Ok(Some(before));
    }
    let copy = record::examine(block, context.pool, context.host)?;
    Ok((copy != Copy::Torn).then_some(Settled { raw: *raw, copy }))
}

fn stamp(settled: Settled) -> Option<Stamp> {
    match settled.copy {
        Copy::Whole(header) => Some(header.stamp),
        Copy::Blank | Copy::Torn => None,
    }
}

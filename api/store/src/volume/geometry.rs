//! Where in the region headers and slots are. It follows from the region's length alone.
use super::BLOCK;

/// How many slots there are. One less than the takeovers that an all-complete history takes to come around; see the head of the module.
pub(super) const SLOTS: usize = 4;
/// How many copies a header has.
pub(super) const COPIES: usize = 2;
/// What comes before the first slot: the copies of all headers.
const BEFORE: u64 = 1 << 20;
/// How far the copies of a header are apart, so that no disk rewrites both in one go.
const APART: u64 = BEFORE / COPIES as u64;
/// What slots are multiples of.
const GRAIN: u64 = 1 << 20;

/// The length of a metadata volume, where nothing else is said.
pub const DEFAULT_LENGTH: u64 = 256 << 20;
/// The shortest: slots of 4 MiB.
pub const SMALLEST_LENGTH: u64 = BEFORE + SLOTS as u64 * (4 << 20);
/// The longest: a takeover copies a slot, and must not take minutes.
pub const MOST_LENGTH: u64 = 8 << 30;

/// A region's division.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    slot: u64,
}

impl Geometry {
    /// Of a region of this length.
    pub(super) fn of(length: u64) -> Result<Self, String> {
        if !(SMALLEST_LENGTH..=MOST_LENGTH).contains(&length) {
            return Err(format!(
                "a metadata volume has {} MiB to {} MiB, and this is {} MiB",
                SMALLEST_LENGTH >> 20,
                MOST_LENGTH >> 20,
                length >> 20
            ));
        }
        let slot = (length - BEFORE) / SLOTS as u64 / GRAIN * GRAIN;
        Ok(Self { slot })
    }

    /// How long a slot is.
    pub(super) fn slot_length(self) -> u64 {
        self.slot
    }

    /// Where a slot begins.
    pub(super) fn slot(self, slot: usize) -> u64 {
        BEFORE + slot as u64 * self.slot
    }

    /// Where a copy of a slot's header is.
    pub(super) fn header(slot: usize, copy: usize) -> u64 {
        copy as u64 * APART + (slot * BLOCK) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_follow_one_another_within_the_region() {
        for length in [SMALLEST_LENGTH, DEFAULT_LENGTH, DEFAULT_LENGTH + 4096, MOST_LENGTH] {
            let geometry = Geometry::of(length).expect("long enough");
            assert!(geometry.slot(0) >= Geometry::header(SLOTS - 1, COPIES - 1) + BLOCK as u64);
            assert!(geometry.slot(SLOTS - 1) + geometry.slot_length() <= length);
        }
        assert_eq!(Geometry::of(DEFAULT_LENGTH).expect("long enough").slot_length(), 63 << 20);
        assert!(Geometry::of(SMALLEST_LENGTH - 1).is_err());
    }
}

//! Sets of hosts. Up to 64 hosts a set is one machine word, beyond that an array of words; either way it
//! knows the size of its pool, so that two sets of different pools cannot be mixed unnoticed and a
//! complement is well defined.
use crate::HostIndex;
use alloc::boxed::Box;

/// A set of hosts of one pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostSet {
    hosts: u16,
    words: Words,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Words {
    One([u64; 1]),
    Many(Box<[u64]>),
}

impl HostSet {
    /// No host of a pool of `hosts` hosts.
    pub fn empty(hosts: usize) -> Self {
        let words = if hosts <= 64 {
            Words::One([0])
        } else {
            Words::Many(alloc::vec![0; hosts.div_ceil(64)].into())
        };
        Self { hosts: hosts as u16, words }
    }

    /// All hosts of a pool of `hosts` hosts.
    pub fn full(hosts: usize) -> Self {
        let mut set = Self::empty(hosts);
        let mut left = hosts;
        for word in set.words_mut() {
            *word = if left >= 64 { u64::MAX } else { (1u64 << left) - 1 };
            left = left.saturating_sub(64);
        }
        set
    }

    /// The set of the listed hosts.
    pub fn of(hosts: usize, members: impl IntoIterator<Item = HostIndex>) -> Self {
        let mut set = Self::empty(hosts);
        for host in members {
            set.insert(host);
        }
        set
    }

    /// The same members in a pool that has grown to `hosts` hosts.
    #[must_use]
    pub fn grown_to(&self, hosts: usize) -> Self {
        debug_assert!(hosts >= self.pool_size(), "a pool's host indices stay; it never shrinks");
        Self::of(hosts, self.iter())
    }

    /// The hosts of the pool that this set is drawn from.
    #[inline]
    pub fn pool_size(&self) -> usize {
        self.hosts as usize
    }

    /// The bits, 64 hosts a word, host 0 lowest.
    #[inline]
    pub fn words(&self) -> &[u64] {
        match &self.words {
            Words::One(word) => word,
            Words::Many(words) => words,
        }
    }

    #[inline]
    fn words_mut(&mut self) -> &mut [u64] {
        match &mut self.words {
            Words::One(word) => word,
            Words::Many(words) => words,
        }
    }

    /// Whether `host` is in the set.
    #[inline]
    pub fn contains(&self, host: HostIndex) -> bool {
        self.words()[host.get() / 64] >> (host.get() % 64) & 1 == 1
    }

    /// Adds `host`; says whether it was new.
    ///
    /// # Panics
    /// If `host` is not of the pool that the set was made for.
    pub fn insert(&mut self, host: HostIndex) -> bool {
        assert!(host.get() < self.pool_size(), "host {} is not of this pool", host.0);
        let word = &mut self.words_mut()[host.get() / 64];
        let bit = 1u64 << (host.get() % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Takes `host` out; says whether it was there.
    pub fn remove(&mut self, host: HostIndex) -> bool {
        let word = &mut self.words_mut()[host.get() / 64];
        let bit = 1u64 << (host.get() % 64);
        let there = *word & bit != 0;
        *word &= !bit;
        there
    }

    /// How many hosts are in the set.
    pub fn len(&self) -> usize {
        self.words().iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether no host is in the set.
    pub fn is_empty(&self) -> bool {
        self.words().iter().all(|&word| word == 0)
    }

    /// The members, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = HostIndex> + '_ {
        self.words().iter().enumerate().flat_map(|(position, &word)| {
            let mut rest = word;
            core::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    HostIndex::new(position * 64 + bit)
                })
            })
        })
    }

    /// The lowest member.
    pub fn first(&self) -> Option<HostIndex> {
        self.iter().next()
    }

    /// Keeps what is in `other` too.
    pub fn intersect_with(&mut self, other: &Self) {
        debug_assert_eq!(self.hosts, other.hosts);
        for (mine, theirs) in self.words_mut().iter_mut().zip(other.words()) {
            *mine &= theirs;
        }
    }

    /// Adds all of `other`.
    pub fn union_with(&mut self, other: &Self) {
        debug_assert_eq!(self.hosts, other.hosts);
        for (mine, theirs) in self.words_mut().iter_mut().zip(other.words()) {
            *mine |= theirs;
        }
    }

    /// Takes all of `other` out.
    pub fn subtract(&mut self, other: &Self) {
        debug_assert_eq!(self.hosts, other.hosts);
        for (mine, theirs) in self.words_mut().iter_mut().zip(other.words()) {
            *mine &= !theirs;
        }
    }

    /// Whether the two sets share a host.
    pub fn intersects(&self, other: &Self) -> bool {
        self.words().iter().zip(other.words()).any(|(mine, theirs)| mine & theirs != 0)
    }

    /// Whether every member is in `other`.
    pub fn is_subset_of(&self, other: &Self) -> bool {
        self.words().iter().zip(other.words()).all(|(mine, theirs)| mine & !theirs == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn a_set_behaves_alike_in_one_word_and_in_many() {
        for hosts in [1usize, 63, 64, 65, 128, 1000] {
            let mut set = HostSet::empty(hosts);
            assert!(set.is_empty());
            assert!(set.insert(HostIndex::new(hosts - 1)));
            assert!(!set.insert(HostIndex::new(hosts - 1)));
            set.insert(HostIndex::new(0));
            assert_eq!(set.len(), if hosts == 1 { 1 } else { 2 });
            assert_eq!(HostSet::full(hosts).len(), hosts);
            assert!(set.is_subset_of(&HostSet::full(hosts)));
            let members: Vec<usize> = set.iter().map(HostIndex::get).collect();
            assert_eq!(members.last(), Some(&(hosts - 1)));
            let mut rest = HostSet::full(hosts);
            rest.subtract(&set);
            assert!(!rest.intersects(&set));
            assert_eq!(rest.len() + set.len(), hosts);
            assert!(set.remove(HostIndex::new(0)));
            assert!(!set.contains(HostIndex::new(0)));
        }
    }
}

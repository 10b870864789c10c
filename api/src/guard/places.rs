//! Places for what stays: so many at a time in all, and so many for one principal.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A number of places.
#[derive(Clone, Debug)]
pub struct Places(Arc<Hall>);

#[derive(Debug)]
struct Hall {
    most: usize,
    most_each: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// By who has them; nobody with none is in here, so it has no more entries than there are places.
    each: BTreeMap<String, usize>,
}

/// One place, given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    hall: Arc<Hall>,
    owner: Option<String>,
}

impl Places {
    /// `most` places, of which nobody gets more than `most_each`.
    pub fn new(most: usize, most_each: usize) -> Self {
        Self(Arc::new(Hall { most, most_each, taken: Mutex::default() }))
    }

    /// A place for `owner`, if there is one; nobody's share is counted where there is no owner.
    pub fn take(&self, owner: Option<String>) -> Option<Place> {
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.0.most {
            return None;
        }
        if let Some(owner) = &owner {
            let has = taken.each.get(owner).copied().unwrap_or_default();
            if has >= self.0.most_each {
                return None;
            }
            taken.each.insert(owner.clone(), has + 1);
        }
        taken.all += 1;
        Some(Place { hall: Arc::clone(&self.0), owner })
    }

    /// Places that are taken.
    pub fn taken(&self) -> usize {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.hall.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        let Some(owner) = &self.owner else { return };
        match taken.each.get_mut(owner) {
            Some(has) if *has > 1 => *has -= 1,
            _ => {
                taken.each.remove(owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_run_out_and_come_back() {
        let places = Places::new(3, 2);
        let (first, second) = (places.take(Some("a".into())), places.take(Some("a".into())));
        assert!(first.is_some() && second.is_some());
        assert!(places.take(Some("a".into())).is_none(), "nobody gets more than two");
        let third = places.take(Some("b".into()));
        assert!(third.is_some() && places.take(Some("c".into())).is_none(), "there are three");
        drop(first);
        assert!(places.take(Some("c".into())).is_some() && places.take(None).is_some());
        drop((second, third));
        assert_eq!(places.taken(), 0);
        assert!(places.0.taken.lock().expect("no panic").each.is_empty(), "nothing is left behind");
    }
}

//! The table of resources, widened when a change names one that the pool did not have. Resources stand in
//! order of name, so a new one can shift the others: everything that is indexed by resource is laid out anew.
//! That is rare (a kind of device that nobody had yet) and costs one pass over the interned tables.
use super::ChangeError;
use crate::{Pool, ResourceIndex, limits};
use alloc::{borrow::ToOwned, string::String, sync::Arc, vec, vec::Vec};

impl Pool {
    /// Makes sure that every one of these resources has an index.
    pub(super) fn know_resources<'n>(
        &mut self,
        names: impl Iterator<Item = &'n str>,
    ) -> Result<(), ChangeError> {
        let mut all: Vec<String> = self.resources[1..].to_vec();
        for name in names {
            if let Err(position) = all.binary_search_by(|known| known.as_str().cmp(name)) {
                all.insert(position, name.to_owned());
            }
        }
        all.insert(0, self.resources[0].clone());
        if all.len() == self.resources.len() {
            return Ok(());
        }
        if all.len() > limits::MAX_RESOURCES {
            return Err(ChangeError::Full { what: "resources", most: limits::MAX_RESOURCES });
        }
        let place = |old: usize| {
            let name = &self.resources[old];
            all.iter().position(|new| new == name).expect("every known resource is among all resources")
        };
        let places: Vec<usize> = (0..self.resources.len()).map(place).collect();
        let widen = |amounts: &[u64]| {
            let mut wide = vec![0; all.len()];
            for (&place, &amount) in places.iter().zip(amounts) {
                wide[place] = amount;
            }
            wide
        };
        let demands = self.demands.chunks_exact(self.resources.len()).flat_map(widen).collect();
        self.demands = Arc::new(demands);
        for host in Arc::make_mut(&mut self.hosts) {
            host.capacity = widen(&host.capacity);
        }
        for profile in Arc::make_mut(&mut self.profiles) {
            for resource in &mut profile.resources {
                *resource = ResourceIndex::new(places[resource.get()]);
            }
        }
        self.resources = Arc::new(all);
        Ok(())
    }

    /// Amounts by resource, memory first; each name must be known.
    pub(super) fn amounts(&self, memory: u64, resources: &[(String, u64)]) -> Vec<u64> {
        let mut amounts = vec![0; self.resources.len()];
        amounts[0] = memory;
        for (name, amount) in resources {
            if let Some(index) = self.resources.iter().position(|known| known == name) {
                amounts[index] = *amount;
            }
        }
        amounts
    }
}

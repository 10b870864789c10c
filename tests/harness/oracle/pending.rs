//! Every placement of the pending VMs, before any failure.
use super::World;
use super::place::Budget;

/// A placement: VM and host, in order of VM.
pub type Placement = Vec<(usize, usize)>;

impl World {
    /// The pending VMs that have a host to go to at all; the others are unprotectable.
    pub fn to_place(&self) -> Vec<usize> {
        (0..self.vms.len())
            .filter(|&vm| self.vms[vm].pending && self.vms[vm].eligible.contains(&true))
            .collect()
    }

    /// Whether these pending VMs can be placed on these hosts together.
    pub fn admits(&self, placement: &[(usize, usize)]) -> bool {
        let mut state = self.now();
        for (step, &(vm, host)) in placement.iter().enumerate() {
            if !self.admits_next(&placement[..step], &state, vm, host) {
                return false;
            }
            state.at[vm] = Some(host);
        }
        true
    }

    /// Whether one more pending VM can go to a host, after those that are `placed` already.
    fn admits_next(&self, placed: &[(usize, usize)], state: &super::State, vm: usize, host: usize) -> bool {
        self.vms[vm].eligible[host]
            && self.has_room(state, host, &self.vms[vm].demand)
            && self.apart.iter().filter(|group| group.members.contains(&vm)).all(|group| {
                // A pending member goes where no member is, nor a member's migration ends.
                let domain = group.domain[host];
                group.members.iter().filter(|&&other| other != vm).all(|&other| {
                    let occupied = [state.at[other], self.vms[other].migration_end];
                    occupied.into_iter().flatten().all(|end| group.domain[end] != domain)
                })
            })
            && self.together.iter().filter(|group| group.contains(&vm)).all(|group| {
                let running: Vec<usize> = group.iter().filter_map(|&member| self.vms[member].home).collect();
                let joined = placed.iter().find(|(other, _)| group.contains(other));
                (running.is_empty() || running.contains(&host))
                    && joined.is_none_or(|&(_, with)| with == host)
            })
    }

    /// Every placement of all pending VMs; `None` where the budget ran out. Empty: the state is broken.
    pub fn pending_placements(&self, budget: &mut Budget) -> Option<Vec<Placement>> {
        let mut found = Vec::new();
        self.extend_placement(&self.to_place(), &mut Vec::new(), &mut found, budget)?;
        Some(found)
    }

    /// Whether these pending VMs, the others left aside, can all be placed.
    pub fn can_place_pending(&self, vms: &[usize], budget: &mut Budget) -> Option<bool> {
        let mut found = Vec::new();
        self.extend_placement(vms, &mut Vec::new(), &mut found, budget)?;
        Some(!found.is_empty())
    }

    fn extend_placement(
        &self,
        rest: &[usize],
        placed: &mut Placement,
        found: &mut Vec<Placement>,
        budget: &mut Budget,
    ) -> Option<()> {
        budget.spend()?;
        let Some((&vm, rest)) = rest.split_first() else {
            found.push(placed.clone());
            return Some(());
        };
        let mut state = self.now();
        for &(other, host) in placed.iter() {
            state.at[other] = Some(host);
        }
        for host in 0..self.host_ids.len() {
            if self.admits_next(placed, &state, vm, host) {
                placed.push((vm, host));
                self.extend_placement(rest, placed, found, budget)?;
                placed.pop();
            }
        }
        Some(())
    }
}

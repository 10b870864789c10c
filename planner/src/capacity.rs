//! How many more VMs of one size fit while the effective target still holds.
//!
//! From below: so many copies are placed and the pool is assessed, for counts that double and then close in;
//! at the end one copy at a time, wherever the target survives it. From above: for a failure set, the copies
//! and what the set displaces must fit on the survivors together, so a count for which they certainly do not is
//! refuted. Between the two the question is open, and the answer says so.
use crate::admission::Standing;
use crate::fit::{Fit, Item, fit, items_of, room_after};
use crate::judge::{Assess, Judge, each_within};
use crate::repair::aimed;
use crate::{Assessment, Limits};
use lifeboat_model::change::{Change, ChangeError};
use lifeboat_model::limits::MAX_VMS;
use lifeboat_model::spec::{RestartPriority, VmSpec};
use lifeboat_model::verdict::Witness;
use lifeboat_model::{HostIndex, HostSet, Pool, VmIndex};

/// Assessments that the search may ask for, unless the caller says otherwise.
pub const DEFAULT_RATION: u32 = 600;

/// How many more VMs fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Capacity {
    /// The target that is to hold, hosts in maintenance taken off.
    pub target: u32,
    /// Where the pool stands.
    pub before: Standing,
    /// The most copies with which the target is proven; none: it does not hold as it is.
    pub fits: Option<u32>,
    /// The fewest copies that are known to be too many, wherever they are put.
    pub refuted: Option<u32>,
    /// Where the copies that fit are started, in order.
    pub placement: Vec<HostIndex>,
    /// Where the pool stands with them.
    pub after: Standing,
    /// The pool with them, after its own VMs.
    pub pool_after: Pool,
    /// Why one more was not shown to fit. VMs beyond the pool's own are copies.
    pub witness: Option<Witness>,
    /// Whether the ration ended before the search did.
    pub unfinished: bool,
}

/// How many copies of `template` fit while the effective target, or `target` instead, is proven. The template's
/// host and power state do not count; its id is the stem of the copies' ids.
///
/// # Errors
/// If the template is wrong, or `target` out of range.
pub fn capacity(
    pool: &Pool,
    template: &VmSpec,
    target: Option<u32>,
    ration: u32,
    limits: &Limits<'_>,
) -> Result<Capacity, ChangeError> {
    capacity_with(&crate::assess, pool, template, target, ration, limits)
}

pub(crate) fn capacity_with(
    assess: Assess<'_>,
    pool: &Pool,
    template: &VmSpec,
    target: Option<u32>,
    ration: u32,
    limits: &Limits<'_>,
) -> Result<Capacity, ChangeError> {
    let pool = &aimed(pool, target)?;
    let aim = pool.effective_target();
    let before = Judge::new(assess, limits, 1).assess(pool, aim);
    let limits = &each_within(limits, before.work);
    let judge = Judge::new(assess, limits, ration);
    let one = pool.with(&copies(pool, template, &[None])[0])?;
    let new = VmIndex::new(pool.vms().len());
    let mut search = Search {
        judge: &judge,
        pool,
        template,
        aim,
        unprotectable: before.unprotectable.len(),
        copy: Item {
            vm: new,
            demand: one.demand_of(new).to_vec(),
            hosts: one.eligible_hosts(one.vm(new).profile),
        },
        protected: template.restart_priority == RestartPriority::Restart,
        grown: &one,
        refuted: None,
        best: Vec::new(),
        best_assessment: before.clone(),
        best_pool: pool.clone(),
        witness: before.witness.clone(),
    };
    let holds = !before.overcommitted;
    if holds {
        search.refute_from(&HostSet::empty(pool.hosts().len()));
        search.refute_from(&search.heaviest());
        search.close_in();
        search.extend();
    }
    Ok(Capacity {
        target: aim,
        before: Standing::of(pool, &before),
        fits: holds.then_some(search.best.len() as u32),
        refuted: if holds { search.refuted } else { None },
        after: Standing::of(&search.best_pool, &search.best_assessment),
        pool_after: search.best_pool,
        placement: search.best,
        witness: search.witness,
        unfinished: judge.exhausted(),
    })
}

struct Search<'a> {
    judge: &'a Judge<'a>,
    pool: &'a Pool,
    template: &'a VmSpec,
    aim: u32,
    unprotectable: usize,
    copy: Item,
    protected: bool,
    /// The pool with one copy that waits: it knows every resource that the template names.
    grown: &'a Pool,
    refuted: Option<u32>,
    best: Vec<HostIndex>,
    best_assessment: Assessment,
    best_pool: Pool,
    witness: Option<Witness>,
}

/// How copies are spread before the pool is assessed.
#[derive(Clone, Copy)]
enum Spread {
    /// Onto the host that is least full, in proportion.
    Even,
    /// Onto the host with the most room.
    Emptiest,
    /// Onto the fullest host that has room.
    Fullest,
}

impl Search<'_> {
    /// Doubles the count while it holds, then halves the gap.
    fn close_in(&mut self) {
        let most = (MAX_VMS - self.pool.vms().len()) as u32;
        let (mut low, mut high) = (0, most.saturating_add(1));
        loop {
            high = high.min(self.refuted.unwrap_or(high));
            let next = if low == 0 { 1 } else { low * 2 };
            let count = if next < high { next } else { low + (high - low) / 2 };
            if count == low || self.judge.exhausted() {
                return;
            }
            if self.holds_with(count) {
                low = count;
            } else {
                high = count;
            }
        }
    }

    /// One more copy at a time, on any host where the target survives it.
    fn extend(&mut self) {
        while self.refuted.is_none_or(|refuted| (self.best.len() as u32) + 1 < refuted) {
            let hosts = self.by_load(&self.best);
            let found = hosts.into_iter().any(|host| {
                let mut placement = self.best.clone();
                placement.push(host);
                !self.judge.exhausted() && self.attempt(placement)
            });
            if !found {
                return;
            }
        }
    }

    /// Whether the target holds with so many copies, spread in one of the ways.
    fn holds_with(&mut self, count: u32) -> bool {
        let mut tried: Vec<Vec<HostIndex>> = Vec::new();
        [Spread::Even, Spread::Emptiest, Spread::Fullest].into_iter().any(|spread| {
            let Some(placement) = self.spread(count, spread) else { return false };
            if tried.contains(&placement) {
                return false;
            }
            tried.push(placement.clone());
            !self.judge.exhausted() && self.attempt(placement)
        })
    }

    fn attempt(&mut self, placement: Vec<HostIndex>) -> bool {
        let places: Vec<Option<HostIndex>> = placement.iter().copied().map(Some).collect();
        let Ok(pool) = self.pool.with_all(&copies(self.pool, self.template, &places)) else { return false };
        let assessment = self.judge.assess(&pool, self.aim);
        if !assessment.overcommitted && assessment.unprotectable.len() <= self.unprotectable {
            self.best = placement;
            self.best_assessment = assessment;
            self.best_pool = pool;
            return true;
        }
        if let Some(witness) = assessment.witness.filter(|witness| witness.failures <= self.aim) {
            let failed = HostSet::of(self.pool.hosts().len(), witness.failed_hosts.iter().copied());
            self.witness = Some(witness);
            self.refute_from(&failed);
        }
        false
    }

    /// Places copies one by one; none where there is no room for so many.
    fn spread(&self, count: u32, spread: Spread) -> Option<Vec<HostIndex>> {
        let width = self.grown.resources().len();
        let mut room = room_after(self.grown, &HostSet::empty(self.pool.hosts().len()));
        let mut placement = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let hosts = crate::fit::places(&room, width, &self.copy).into_iter();
            let free = |host: &HostIndex| room[host.get() * width];
            let load = |host: &HostIndex| self.load_ppm(*host, free(host) - self.copy.demand[0] as i64);
            let host = match spread {
                Spread::Even => hosts.min_by_key(|host| (load(host), *host)),
                Spread::Emptiest => hosts.min_by_key(|host| (-free(host), *host)),
                Spread::Fullest => hosts.min_by_key(|host| (free(host), *host)),
            }?;
            crate::fit::take(&mut room, width, host, &self.copy.demand, -1);
            placement.push(host);
        }
        Some(placement)
    }

    /// Hosts with room besides those copies, least full first.
    fn by_load(&self, placed: &[HostIndex]) -> Vec<HostIndex> {
        let width = self.grown.resources().len();
        let mut room = room_after(self.grown, &HostSet::empty(self.pool.hosts().len()));
        for &host in placed {
            crate::fit::take(&mut room, width, host, &self.copy.demand, -1);
        }
        let mut hosts = crate::fit::places(&room, width, &self.copy);
        hosts.sort_by_key(|&host| (self.load_ppm(host, room[host.get() * width]), host));
        hosts
    }

    fn load_ppm(&self, host: HostIndex, free: i64) -> i128 {
        let memory = i128::from(self.pool.host(host).capacity[0].max(1));
        (memory - i128::from(free)) * 1_000_000 / memory
    }

    /// The hosts whose loss takes the most: what they run that restarts, and the room that they have.
    fn heaviest(&self) -> HostSet {
        let width = self.pool.resources().len();
        let mut weight: Vec<i64> = self.pool.free().iter().step_by(width).map(|&free| free.max(0)).collect();
        for item in items_of(self.pool, &self.pool.failable_hosts()) {
            if let Some(home) = self.pool.runs_on(item.vm) {
                weight[home.get()] += item.demand[0] as i64;
            }
        }
        let mut hosts: Vec<HostIndex> = self.pool.failable_hosts().iter().collect();
        hosts.sort_by_key(|host| (-weight[host.get()], *host));
        HostSet::of(self.pool.hosts().len(), hosts.into_iter().take(self.aim as usize))
    }

    /// Lowers the count that is known to be too many by what this failure set shows.
    fn refute_from(&mut self, failed: &HostSet) {
        // A protected VM that one host alone could run is unprotectable there.
        if self.protected && self.copy.hosts.len() < 2 {
            self.refuted = Some(1);
            return;
        }
        let most = (MAX_VMS - self.pool.vms().len()) as u32 + 1;
        let mut high = self.refuted.unwrap_or(most);
        if !self.too_many(failed, high - 1) {
            return;
        }
        let mut low = 0;
        // `high` is too many, or as many as there can be; `low` was not shown to be.
        high -= 1;
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.too_many(failed, middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        self.refuted = Some(high);
    }

    /// Whether so many copies certainly do not fit together with what this set displaces. A protected copy
    /// must end on a survivor, wherever it was; another may as well be on a host that fails, and is lost.
    fn too_many(&self, failed: &HostSet, count: u32) -> bool {
        if count == 0 {
            return false;
        }
        let mut room = room_after(self.grown, failed);
        let width = self.grown.resources().len();
        let mut copy = self.copy.clone();
        if self.protected {
            copy.hosts.subtract(failed);
        } else {
            room = room_after(self.grown, &HostSet::empty(self.pool.hosts().len()));
        }
        let most: u64 = copy.hosts.iter().map(|host| self.slots(&room[host.get() * width..][..width])).sum();
        if u64::from(count) > most {
            return true;
        }
        let mut items = items_of(self.grown, failed);
        items.retain(|item| item.vm != copy.vm);
        items.extend(core::iter::repeat_n(copy, count as usize));
        items.sort_by(|a, b| b.demand.cmp(&a.demand).then(a.hosts.cmp(&b.hosts)).then(a.vm.cmp(&b.vm)));
        fit(&room, width, &items, 2000 + 4 * items.len() as u32) == Fit::No
    }

    /// How many copies this room holds.
    fn slots(&self, room: &[i64]) -> u64 {
        let asked = self.copy.demand.iter().zip(room).filter(|(demand, _)| **demand > 0);
        asked.map(|(&demand, &free)| free.max(0) as u64 / demand).min().unwrap_or(MAX_VMS as u64)
    }
}

/// The starts of so many copies, each under a name that the pool does not have.
fn copies(pool: &Pool, template: &VmSpec, hosts: &[Option<HostIndex>]) -> Vec<Change> {
    let stem = if template.id.is_empty() { "vm" } else { &template.id };
    // One look for a free stem instead of one for each copy.
    let prefix = (0..=pool.vms().len())
        .map(|number| if number == 0 { format!("{stem}-") } else { format!("{stem}-{number}-") })
        .find(|prefix| pool.vm_indices().all(|vm| !pool.vm_id(vm).starts_with(prefix.as_str())))
        .expect("each VM begins with one of these at most, and there are more of them than VMs");
    let copy = |(number, host): (usize, &Option<HostIndex>)| Change::StartNew {
        vm: Box::new(VmSpec { id: format!("{prefix}{}", number + 1), ..template.clone() }),
        host: *host,
    };
    hosts.iter().enumerate().map(copy).collect()
}

#[cfg(test)]
mod tests;

//! The stuck tests: linear inequalities under which no any-fit rule can get stuck, whichever candidates fail.
//! The lemma and its proof stand at [`lifeboat_model::certificate::StuckTests`]; names here are the lemma's.
use crate::binding::Binding;
use crate::budget::Budget;
use crate::policy::{Rule, checked, weigh};
use crate::problem::Problem;
use crate::state::State;
use crate::sums::Sums;
use crate::top::largest_sum;
use crate::tree::Claimed;
use crate::Why;
use alloc::collections::BTreeMap;
use alloc::{vec, vec::Vec};
use core::ops::Range;
use lifeboat_model::HostIndex;
use lifeboat_model::certificate::StuckTests;


/// Multiplier vectors that a certificate may bring.
const MOST_MULTIPLIERS: usize = 16;
/// `l · v` of one item stays below this, so that sums and products below fit 128 bits.
const MOST_WORTH: i128 = 1 << 62;
/// Entries of the table of ratios.
const MOST_RATIOS: usize = 1 << 19;
/// Words of all tables of totals together: 16 MiB.
const MOST_SUM_WORDS: usize = 1 << 21;

/// The tests of one tree, made ready.
pub(crate) struct StuckTest<'p> {
    problem: &'p Problem,
    multipliers: Vec<Multiplier>,
    /// Buckets that hold items, highest keys first.
    buckets: Vec<Bucket>,
    /// The items in order of rank, so that a bucket is a range.
    by_rank: Vec<u32>,
    /// By eligible set, its groups, highest bucket first.
    groups: Vec<Vec<Group>>,
    /// By eligible set, once asked for: by bucket, multiplier and resource, the ratios of the items from there
    /// up whose eligible set meets it.
    ratios: Vec<Option<Vec<Ratio>>>,
    ratios_left: usize,
    rounded: bool,
    /// What a host's free memory can be at most, before any failure.
    most_free: i64,
    /// Words that tables of totals may still take.
    sum_words: usize,
}

/// A multiplier vector l.
struct Multiplier {
    weights: Vec<i128>,
    /// l · v of every item.
    worth: Vec<i64>,
    /// More than l · (all items): a host that can never refuse counts as holding so much.
    beyond: i128,
    /// Whether l weighs memory and nothing else.
    memory_alone: bool,
}

/// Items whose keys are in one bucket.
struct Bucket {
    ranks: Range<usize>,
    /// The totals that the memory of items from here up can form, once asked for.
    sums: Option<Sums>,
}

/// Items that are tested as one.
struct Group {
    bucket: usize,
    separations: Vec<usize>,
    items: Vec<u32>,
}

/// min l·v / v_d over some items: numerator and denominator.
type Ratio = Option<(i128, i64)>;

impl<'p> StuckTest<'p> {
    pub(crate) fn new(
        problem: &'p Problem,
        rule: &Rule,
        tests: &StuckTests,
        budget: &mut Budget,
    ) -> Result<Self, Why> {
        if tests.multipliers.len() > MOST_MULTIPLIERS {
            return Err(Why::Tests("too many multipliers"));
        }
        if tests.buckets.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(Why::Tests("bucket boundaries must ascend"));
        }
        budget.spend(problem.items.len() * (32 + tests.multipliers.len() * problem.width))?;
        let multipliers = tests
            .multipliers
            .iter()
            .map(|weights| Multiplier::new(problem, checked(problem, weights)?))
            .collect::<Result<Vec<_>, _>>()?;
        let number = |item: u32| {
            let key = rule.key[item as usize];
            tests.buckets.partition_point(|&boundary| i128::from(boundary) <= key)
        };
        let mut buckets: Vec<Bucket> = Vec::new();
        let mut groups: BTreeMap<(usize, usize, Vec<usize>), Vec<u32>> = BTreeMap::new();
        let mut last = None;
        for (rank, &item) in rule.by_rank.iter().enumerate() {
            if last != Some(number(item)) {
                last = Some(number(item));
                buckets.push(Bucket { ranks: rank..rank, sums: None });
            }
            if let Some(bucket) = buckets.last_mut() {
                bucket.ranks.end = rank + 1;
            }
            let lowered = &problem.items[item as usize];
            let separations = lowered.separations.iter().map(|&(separation, _)| separation).collect();
            groups.entry((lowered.class, buckets.len() - 1, separations)).or_default().push(item);
        }
        let mut by_class: Vec<Vec<Group>> = problem.eligible.iter().map(|_| Vec::new()).collect();
        for ((class, bucket, separations), items) in groups {
            by_class[class].push(Group { bucket, separations, items });
        }
        let most_free = problem.targets.iter().map(|host| problem.free[host.get() * problem.width]).max();
        Ok(Self {
            problem,
            multipliers,
            buckets,
            by_rank: rule.by_rank.clone(),
            groups: by_class,
            ratios: vec![None; problem.eligible.len()],
            ratios_left: MOST_RATIOS,
            rounded: tests.rounded,
            most_free: most_free.unwrap_or(0),
            sum_words: MOST_SUM_WORDS,
        })
    }

    /// Whether no so many failures among the candidates can get an any-fit rule stuck.
    pub(crate) fn holds(
        &mut self,
        claimed: &Claimed<'_, '_>,
        binding: &Binding,
        budget: &mut Budget,
    ) -> Result<(), Why> {
        for class in 0..self.groups.len() {
            for group in 0..self.groups[class].len() {
                let swept = group == 0;
                let _ = swept;
            }
        }
        self.failing(claimed, binding, budget, &mut |open| Err(open.fails(claimed.node, self.problem)))
    }
}
    /// Adds the worth of the items on candidates down to bucket `lowest`.
    fn sweep(
        &self,
        swept: &mut Swept,
        lowest: usize,
        meets: &[bool],
        candidate: &[bool],
        state: &State<'_>,
        budget: &mut Budget,
    ) -> Result<(), Why> {
        while swept.next <= lowest {
            let ranks = self.buckets[swept.next].ranks.clone();
            swept.next += 1;
            budget.spend(ranks.len() * (1 + self.multipliers.len()))?;
            for &item in &self.by_rank[ranks] {
                let item = item as usize;
                let Some(host) = state.host_of(item).filter(|&host| candidate[host]) else { continue };
                if meets[self.problem.items[item].class] {
                    for (l, multiplier) in self.multipliers.iter().enumerate() {
                        swept.worth[host * self.multipliers.len() + l] += i128::from(multiplier.worth[item]);
                    }
                }
            }
        }
        Ok(())
    }

    /// What the test of a group is about: its items on candidates; none where there is none.
    fn tested(
        &self,
        group: &Group,
        candidate: &[bool],
        state: &State<'_>,
        budget: &mut Budget,
    ) -> Result<Option<Tested>, Why> {
        budget.spend(group.items.len() * (1 + self.problem.width))?;
        let mut tested: Option<Tested> = None;
        for &item in &group.items {
            let item = item as usize;
            let Some(host) = state.host_of(item).filter(|&host| candidate[host]) else { continue };
            let demand = &self.problem.items[item].demand;
            let tested = tested.get_or_insert_with(|| Tested {
                item,
                largest: demand.clone(),
                least_worth: vec![i64::MAX; self.multipliers.len()],
                on: vec![false; self.problem.hosts],
            });
            tested.on[host] = true;
            for (largest, &amount) in tested.largest.iter_mut().zip(demand) {
                *largest = amount.max(*largest);
            }
            for (least, multiplier) in tested.least_worth.iter_mut().zip(&self.multipliers) {
                *least = multiplier.worth[item].min(*least);
            }
        }
        Ok(tested)
    }

    /// held(r) for every alive target r of the eligible set, 0 for other hosts.
    fn held(
        &self,
        class: usize,
        l: usize,
        lowest: usize,
        largest: &[i64],
        state: &State<'_>,
        binding: &Binding,
    ) -> Vec<i128> {
        let (problem, multiplier) = (self.problem, &self.multipliers[l]);
        let mut held = vec![0; problem.hosts];
        for host in problem.eligible[class].iter().map(HostIndex::get).filter(|&host| state.is_alive(host)) {
            let free = &state.free[host * problem.width..][..problem.width];
            held[host] = (0..problem.width)
                .filter(|&resource| binding.can_refuse(state, host, resource, largest[resource]))
                .filter_map(|resource| {
                    let threshold = free[resource] - largest[resource] + 1;
                    if threshold <= 0 {
                        return Some(0);
                    }
                    if resource == 0 && multiplier.memory_alone && self.rounded {
                        let sums = self.buckets[lowest].sums.as_ref();
                        let total = sums.map_or(Some(threshold), |sums| sums.least_from(threshold))?;
                        return Some(multiplier.weights[0] * i128::from(total));
                    }
                    let (worth, amount) = self.ratio(class, lowest, l, resource)?;
                    let (product, amount) = (i128::from(threshold) * worth, i128::from(amount));
                    Some(product / amount + i128::from(product % amount > 0))
                })
                .fold(multiplier.beyond, i128::min);
        }
        held
    }

    /// Whether the inequality holds for one multiplier.
    fn inequality(
        &self,
        group: &Group,
        l: usize,
        tested: &Tested,
        held: &[i128],
        swept: &Swept,
        claimed: &Claimed<'_, '_>,
        budget: &mut Budget,
    ) -> Result<bool, Why> {
        let mut all: i128 = held.iter().sum();
        for &separation in &group.separations {
            all -= self.refused_by_rule(separation, held, claimed.state, budget)?;
        }
        let mut weights: Vec<(i128, bool)> = claimed
            .candidates
            .iter()
            .map(|&host| (held[host] + swept.worth[host * self.multipliers.len() + l], tested.on[host]))
            .collect();
        let worst = largest_sum(&mut weights, claimed.failures);
        Ok(worst.is_none_or(|worst| worst < all + i128::from(tested.least_worth[l])))
    }

    /// The most that hosts hold which a separation can make refuse: one domain for each occupant but the item.
    fn refused_by_rule(
        &self,
        separation: usize,
        held: &[i128],
        state: &State<'_>,
        budget: &mut Budget,
    ) -> Result<i128, Why> {
        let separation = &self.problem.separations[separation];
        let domains = &self.problem.domains[separation.domains];
        budget.spend(separation.occupants.len() + 2 * self.problem.hosts)?;
        let others =
            separation.occupants.iter().filter(|occupant| state.living_place(occupant).is_some()).count() - 1;
        let mut sums = vec![0; domains.hosts.len()];
        for (host, &held) in held.iter().enumerate() {
            sums[domains.of[host] as usize] += held;
        }
        sums.sort_unstable_by(|a, b| b.cmp(a));
        Ok(sums.iter().take(others).sum())
    }

    fn ratio(&self, class: usize, lowest: usize, l: usize, resource: usize) -> Ratio {
        let width = self.problem.width;
        if width == 1 {
            return Some((self.multipliers[l].weights[0], 1));
        }
        let table = self.ratios[class].as_ref()?;
        table[(lowest * self.multipliers.len() + l) * width + resource]
    }

    /// The ratios of an eligible set, for every bucket with all above it.
    fn prepare_ratios(&mut self, class: usize, meets: &[bool], budget: &mut Budget) -> Result<(), Why> {
        let width = self.problem.width;
        if width == 1 || self.ratios[class].is_some() {
            return Ok(());
        }
        let row = self.multipliers.len() * width;
        let size = self.buckets.len() * row;
        self.ratios_left =
            self.ratios_left.checked_sub(size).ok_or(Why::Tests("too many buckets for so many eligible sets"))?;
        budget.spend(size + self.by_rank.len() * row)?;
        let mut table = Vec::with_capacity(size);
        let mut ratios: Vec<Ratio> = vec![None; row];
        for bucket in &self.buckets {
            for &item in &self.by_rank[bucket.ranks.clone()] {
                let lowered = &self.problem.items[item as usize];
                if !meets[lowered.class] {
                    continue;
                }
                for (l, multiplier) in self.multipliers.iter().enumerate() {
                    let worth = i128::from(multiplier.worth[item as usize]);
                    for (resource, &amount) in lowered.demand.iter().enumerate().filter(|(_, amount)| **amount > 0) {
                        let ratio = &mut ratios[l * width + resource];
                        let less = |(best, of): (i128, i64)| worth * i128::from(of) < best * i128::from(amount);
                        if ratio.is_none_or(less) {
                            *ratio = Some((worth, amount));
                        }
                    }
                }
            }
            table.extend_from_slice(&ratios);
        }
        self.ratios[class] = Some(table);
        Ok(())
    }

    /// The totals that memory of items down to bucket `lowest` can form.
    fn prepare_sums(&mut self, lowest: usize, budget: &mut Budget) -> Result<(), Why> {
        let wanted = self.rounded && self.multipliers.iter().any(|multiplier| multiplier.memory_alone);
        if !wanted || self.sum_words == 0 || self.buckets[lowest].sums.is_some() {
            return Ok(());
        }
        let ranks = ..self.buckets[lowest].ranks.end;
        budget.spend(ranks.end)?;
        let sizes: Vec<i64> =
            self.by_rank[ranks].iter().map(|&item| self.problem.items[item as usize].demand[0]).collect();
        let sums = Sums::new(&sizes, self.most_free, budget)?;
        self.sum_words = self.sum_words.saturating_sub(sums.words());
        self.buckets[lowest].sums = Some(sums);
        Ok(())
    }
}

impl Multiplier {
    fn new(problem: &Problem, weights: Vec<i128>) -> Result<Self, Why> {
        let mut worth = Vec::with_capacity(problem.items.len());
        let mut beyond = 1;
        for item in &problem.items {
            let of_item = weigh(&weights, &item.demand);
            if of_item >= MOST_WORTH {
                return Err(Why::OutOfRange("a multiplier"));
            }
            beyond += of_item;
            worth.push(of_item as i64);
        }
        let memory_alone = weights[0] > 0 && weights[1..].iter().all(|&weight| weight == 0);
        Ok(Self { weights, worth, beyond, memory_alone })
    }
}

/// What the items on each candidate are worth, from the highest bucket down.
struct Swept {
    /// By host and multiplier.
    worth: Vec<i128>,
    /// The next bucket to add.
    next: usize,
}

/// The items of a group that are on candidates.
struct Tested {
    /// One of them.
    item: usize,
    /// The most that one demands, by resource.
    largest: Vec<i64>,
    /// The least that one is worth, by multiplier.
    least_worth: Vec<i64>,
    /// Whether one is on a host.
    on: Vec<bool>,
}

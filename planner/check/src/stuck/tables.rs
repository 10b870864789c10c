//! What the stuck tests of one tree look up: multipliers, buckets, groups, ratios, and totals of sizes.
use crate::Why;
use crate::budget::Budget;
use crate::policy::{Rule, checked, weigh};
use crate::problem::Problem;
use crate::sums::Sums;
use alloc::collections::BTreeMap;
use alloc::{vec, vec::Vec};
use core::ops::Range;
use lifeboat_model::certificate::StuckTests;

/// Multiplier vectors that a certificate may bring.
const MOST_MULTIPLIERS: usize = 16;
/// `l · v` of one item stays below this, so that sums and products of it fit 128 bits.
const MOST_WORTH: i128 = 1 << 62;
/// Entries of the table of ratios.
const MOST_RATIOS: usize = 1 << 18;
/// Words of all tables of totals together: 16 MiB.
const MOST_SUM_WORDS: usize = 1 << 21;

/// The tables of one tree.
pub(crate) struct Tables<'p> {
    problem: &'p Problem,
    pub(crate) multipliers: Vec<Multiplier>,
    /// Buckets that hold items, highest keys first.
    pub(crate) buckets: Vec<Bucket>,
    /// The items in order of rank, so that a bucket is a range.
    pub(crate) by_rank: Vec<u32>,
    /// By eligible set, its groups, highest bucket first.
    pub(crate) groups: Vec<Vec<Group>>,
    /// By eligible set, once asked for: by bucket, multiplier and resource, the ratios of the items from there
    /// up whose eligible set meets it.
    ratios: Vec<Option<Vec<Ratio>>>,
    ratios_left: usize,
    rounded: bool,
    /// What a target's free memory is at most before any failure.
    most_free: i64,
    /// Words that tables of totals may still take.
    sum_words: usize,
}

/// A multiplier vector l.
pub(crate) struct Multiplier {
    pub(crate) weights: Vec<i128>,
    /// l · v of every item.
    pub(crate) worth: Vec<i64>,
    /// More than l · (all items): a host that can never refuse counts as holding so much.
    pub(crate) beyond: i128,
    /// Whether l weighs memory and nothing else.
    memory_alone: bool,
}

/// Items whose keys are in one bucket.
pub(crate) struct Bucket {
    pub(crate) ranks: Range<usize>,
    /// The totals that the memory of items from here up can form, once asked for.
    sums: Option<Sums>,
}

/// Items that are tested as one.
pub(crate) struct Group {
    pub(crate) bucket: usize,
    pub(crate) separations: Vec<usize>,
    pub(crate) items: Vec<u32>,
}

/// min l·v / v_d over some items: numerator and denominator; none where no item has v_d > 0.
type Ratio = Option<(i128, i64)>;

impl<'p> Tables<'p> {
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

    /// The least of l · (what was placed) where at least `threshold` (> 0) of `resource` was placed, from items of
    /// buckets down to `lowest` whose eligible set meets that of `class`; none where so much cannot be placed.
    pub(crate) fn least_worth(
        &self,
        class: usize,
        lowest: usize,
        l: usize,
        resource: usize,
        threshold: i64,
    ) -> Option<i128> {
        let multiplier = &self.multipliers[l];
        if resource == 0
            && multiplier.memory_alone
            && let Some(sums) = &self.buckets[lowest].sums
        {
            return Some(multiplier.weights[0] * i128::from(sums.least_from(threshold)?));
        }
        let (worth, amount) = self.ratio(class, lowest, l, resource)?;
        let (product, amount) = (i128::from(threshold) * worth, i128::from(amount));
        if amount == 1 {
            return Some(product);
        }
        Some(product / amount + i128::from(product % amount > 0))
    }

    /// Makes ready what [`Self::least_worth`] looks up; `meets` says which eligible sets meet that of `class`.
    pub(crate) fn prepare(
        &mut self,
        class: usize,
        lowest: usize,
        meets: &[bool],
        budget: &mut Budget,
    ) -> Result<(), Why> {
        self.prepare_ratios(class, meets, budget)?;
        self.prepare_sums(lowest, budget)
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
        self.ratios_left = self
            .ratios_left
            .checked_sub(size)
            .ok_or(Why::Tests("too many buckets for so many eligible sets"))?;
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
                    for (resource, &amount) in
                        lowered.demand.iter().enumerate().filter(|(_, amount)| **amount > 0)
                    {
                        let ratio = &mut ratios[l * width + resource];
                        let less =
                            |(best, of): (i128, i64)| worth * i128::from(of) < best * i128::from(amount);
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

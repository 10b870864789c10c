//! The whole answer for one pool.
use crate::bound::slots;
use crate::bound::stuck::Stuck;
use crate::pending::{self, Pending};
use crate::plain::Plain;
use crate::problem::Problem;
use crate::search::packing::Effort;
use crate::search::work::Meter;
use crate::simultaneous::{self, Found};
use crate::{Limits, facts, game, sequential, witness};
use lifeboat_model::certificate::{Certificate, Proof, Proven, Refutation, Refuted, SequentialRefuted};
use lifeboat_model::plan::Unplaced;
use lifeboat_model::pool::LivenessLimit;
use lifeboat_model::spec::{Guarantee, RestartPriority};
use lifeboat_model::verdict::{Bounds, LimitedBy, Notion, ReasonCode, StoppedBy, Tolerance, Witness};
use lifeboat_model::{GroupIndex, HostIndex, Pool, ResourceIndex, VmIndex};

/// Whether the effective target holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetStatus {
    /// Proven under the pool's guarantee.
    Proven,
    /// Refuted.
    Refuted,
    /// Neither, yet.
    Open,
}

/// A host that runs more than it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverFull {
    /// The host.
    pub host: HostIndex,
    /// The resource.
    pub resource: ResourceIndex,
    /// By how much, in the resource's unit.
    pub by: u64,
}

/// Two VMs that break a rule as they run now (named, and let be).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenRule {
    /// The rule.
    pub group: GroupIndex,
    /// One member.
    pub first: VmIndex,
    /// The other.
    pub second: VmIndex,
}

/// Everything that the planner has to say of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Where pending VMs are placed before any failure; all bounds speak of the state after that.
    pub pending_placement: Vec<(VmIndex, HostIndex)>,
    /// Pending VMs without a place: the state is broken.
    pub pending_unplaced: Vec<Unplaced>,
    /// How many VMs are protected.
    pub protected: u32,
    /// Protected VMs that no host but their own could run.
    pub unprotectable: Vec<VmIndex>,
    /// Hosts that run more than they have.
    pub over_full: Vec<OverFull>,
    /// Pairs that break a rule now.
    pub broken_rules: Vec<BrokenRule>,
    /// The bounds.
    pub tolerance: Tolerance,
    /// HFTT.
    pub target: u32,
    /// HFTT less the hosts in maintenance.
    pub effective_target: u32,
    /// Whether the effective target holds under the pool's guarantee.
    pub target_status: TargetStatus,
    /// Broken, or the effective target is not proven.
    pub overcommitted: bool,
    /// Why not more.
    pub witness: Option<Witness>,
    /// What stands behind the bounds.
    pub certificate: Certificate,
    /// Work units used.
    pub work: u64,
}

/// Assesses a pool: pending placement, tolerance in both notions, witness, certificate.
pub fn assess(pool: &Pool, limits: &Limits<'_>) -> Assessment {
    assess_notions(pool, limits, true)
}

/// Assesses a pool in the simultaneous notion alone; of the sequential one nothing is proven beyond 0.
pub fn assess_at_once(pool: &Pool, limits: &Limits<'_>) -> Assessment {
    assess_notions(pool, limits, false)
}

fn assess_notions(pool: &Pool, limits: &Limits<'_>, both: bool) -> Assessment {
    let mut meter = Meter::new(limits, 0);
    let pending = pending::place(pool, &mut meter);
    if !pending.unplaced.is_empty() {
        return Draft::new(pool).broken(pool, pending, &meter);
    }
    let placed;
    let state = if pending.placement.is_empty() {
        pool
    } else {
        placed = pool.placed(&pending.placement);
        &placed
    };
    let plain = Plain::new(state);
    let mut ground = Ground { pool: state, plain, general: None, at_root: 0 };
    let hosts = ground.hosts();
    let cap = pool.liveness_limit().map(|(most, limit)| (most as usize, limit));
    let asked = limits.max_failures.map_or(hosts, |most| (most as usize).min(hosts));
    let examined = asked.min(cap.map_or(hosts, |(most, _)| most));
    let mut draft = Draft::new(pool);
    draft.assessment.pending_placement.clone_from(&pending.placement);
    draft.assessment.certificate.pending = pending.placement;
    draft.assessment.unprotectable = ground.unprotectable();
    if ground.has_no_item() {
        let found = Found { proven: examined, proof: Proof::Nothing, refuted: None, stopped_by: None };
        let in_turn = sequential::Proven { proven: examined, proof: Proof::Nothing, stopped_by: None };
        return draft.finish(state, found, in_turn, None, Span { hosts, asked, cap }, &meter);
    }
    let mut found = settle_at_once(&mut ground, examined, limits, &mut meter);
    let mut in_turn = if both {
        settle_in_turn(&mut ground, &found, None, limits, &mut meter)
    } else {
        sequential::Proven { proven: 0, proof: Proof::Nothing, stopped_by: None }
    };
    if found.stopped_by.is_some() && meter.stopped().is_none() {
        let before = found.proven;
        found = ground.try_harder(found, examined, limits, &mut meter);
        if both && found.proven > before && in_turn.proven == before {
            in_turn = settle_in_turn(&mut ground, &found, Some(in_turn), limits, &mut meter);
        }
    }
    let game = if both { ground.refute_in_turn(in_turn.proven, &found, &mut meter) } else { None };
    let found = ground.with_total_failure(found, examined, hosts);
    let mut assessment = draft.finish(state, found, in_turn, game, Span { hosts, asked, cap }, &meter);
    if !both {
        assessment.leave_sequential_open();
    }
    assessment
}

impl Assessment {
    /// The sequential notion was not asked about: only what is so anyway is said of it.
    fn leave_sequential_open(&mut self) {
        let refuted = self.tolerance.simultaneous.refuted;
        let stopped_by = (refuted != Some(1)).then_some(StoppedBy::Max);
        self.tolerance.sequential = Bounds { proven: Some(0), refuted, stopped_by };
    }

    /// Whether the effective target holds by these bounds, of a pool of which so many hosts can fail.
    fn judge_target(&mut self, bounds: Bounds, hosts: usize) {
        let target = self.effective_target;
        self.target_status = if bounds.proven.is_some_and(|proven| proven >= target) {
            TargetStatus::Proven
        } else if bounds.refuted.is_some_and(|refuted| refuted <= target) || target as usize > hosts {
            TargetStatus::Refuted
        } else {
            TargetStatus::Open
        };
        self.overcommitted = self.target_status != TargetStatus::Proven;
    }
}

/// How far the question goes.
#[derive(Clone, Copy)]
struct Span {
    /// Hosts that can fail.
    hosts: usize,
    /// The most failures that the caller asked about.
    asked: usize,
    /// What liveness lets survive.
    cap: Option<(usize, LivenessLimit)>,
}

/// A pool in the forms that the tests read; the general one is made only where the plain one does not decide.
struct Ground<'p> {
    pool: &'p Pool,
    plain: Option<Plain>,
    general: Option<(Problem<'p>, Stuck)>,
    /// What the root's stuck test proves of the plain form.
    at_root: usize,
}

impl<'p> Ground<'p> {
    fn general(&mut self) -> &(Problem<'p>, Stuck) {
        let pool = self.pool;
        self.general.get_or_insert_with(|| {
            let problem = Problem::new(pool);
            let stuck = Stuck::new(&problem);
            (problem, stuck)
        })
    }

    fn hosts(&mut self) -> usize {
        match &self.plain {
            Some(plain) => plain.wide(),
            None => self.general().0.failable.len(),
        }
    }

    fn has_no_item(&mut self) -> bool {
        match &self.plain {
            Some(plain) => plain.levels.is_empty() && plain.protected_here == 0,
            None => self.general().0.items.is_empty(),
        }
    }

    fn unprotectable(&mut self) -> Vec<VmIndex> {
        match &self.plain {
            Some(_) => Vec::new(),
            None => self.general().0.unprotectable.clone(),
        }
    }

    /// Takes up the sets that the first search left undecided.
    fn try_harder(
        &mut self,
        found: Found,
        examined: usize,
        limits: &Limits<'_>,
        meter: &mut Meter<'_>,
    ) -> Found {
        let most = examined.min(self.hosts() - 1);
        let (problem, stuck) = self.general();
        simultaneous::settle(problem, stuck, Some(found), most, Effort::Deep, limits, meter)
    }

    /// Adds what needs no search: all hosts at once are not survived.
    fn with_total_failure(&mut self, mut found: Found, examined: usize, hosts: usize) -> Found {
        if found.refuted.is_none() && examined + 1 >= hosts && examined == hosts {
            let (problem, _) = self.general();
            let set = problem.failable.clone();
            let mut meter = Meter::new(&Limits::default(), 0);
            found.refuted = Some(simultaneous::disproof(problem, &set, Refutation::NoSurvivor, &mut meter));
        }
        found
    }

    fn refute_in_turn(
        &mut self,
        proven: usize,
        found: &Found,
        meter: &mut Meter<'_>,
    ) -> Option<SequentialRefuted> {
        if found.proven <= proven {
            return None;
        }
        let (problem, _) = self.general();
        game::refute(problem, proven + 1, found.proven, meter)
    }
}

fn settle_at_once(
    ground: &mut Ground<'_>,
    examined: usize,
    limits: &Limits<'_>,
    meter: &mut Meter<'_>,
) -> Found {
    let most = examined.min(ground.hosts() - 1);
    let known = ground.plain.as_ref().map(|plain| {
        meter.spend(plain.levels.len() as u64 * plain.wide() as u64 / 50 + 20);
        simultaneous::of_plain(ground.pool, plain, most).0
    });
    ground.at_root = known.as_ref().map_or(0, |found| found.proven);
    let decided = known.as_ref().is_some_and(|found| match &found.refuted {
        Some(disproof) => found.proven + 1 >= disproof.failed.len(),
        None => found.proven >= most,
    });
    match known {
        Some(mut found) if decided => {
            if let Some(disproof) = &mut found.refuted
                && disproof.witness.vms.len() > 1
                && protected_on(ground.pool, &disproof.failed) <= witness::MOST_ENUMERATED
            {
                let (problem, _) = ground.general();
                disproof.witness = witness::smallest(problem, &disproof.failed, &disproof.refutation, meter);
            }
            found
        }
        known => {
            let (problem, stuck) = ground.general();
            simultaneous::settle(problem, stuck, known, most, Effort::Thorough, limits, meter)
        }
    }
}

/// How many protected VMs run on these hosts.
fn protected_on(pool: &Pool, hosts: &[HostIndex]) -> usize {
    pool.vms()
        .iter()
        .filter(|vm| {
            vm.restart_priority == RestartPriority::Restart
                && vm.power_state.holds_resources()
                && vm.host.is_some_and(|host| hosts.contains(&host))
        })
        .count()
}

fn settle_in_turn(
    ground: &mut Ground<'_>,
    found: &Found,
    before: Option<sequential::Proven>,
    limits: &Limits<'_>,
    meter: &mut Meter<'_>,
) -> sequential::Proven {
    let known = before.or_else(|| {
        let plain = ground.plain.as_ref()?;
        Some(sequential::of_plain(ground.pool, plain, found.proven, ground.at_root))
    });
    match known {
        Some(known) if known.proven >= found.proven => known,
        known => {
            let chain = ground.plain.as_ref().and_then(|plain| slots::best_chain(plain, found.proven));
            let (problem, stuck) = ground.general();
            sequential::settle(problem, stuck, known, chain, found, limits, meter)
        }
    }
}

/// An assessment under construction.
struct Draft {
    assessment: Assessment,
}

impl Draft {
    fn new(pool: &Pool) -> Self {
        let none = Bounds::default();
        Self {
            assessment: Assessment {
                pending_placement: Vec::new(),
                pending_unplaced: Vec::new(),
                protected: facts::protected(pool),
                unprotectable: Vec::new(),
                over_full: facts::over_full(pool),
                broken_rules: facts::broken_rules(pool),
                tolerance: Tolerance {
                    simultaneous: none,
                    sequential: none,
                    limited_by: LimitedBy::Capacity,
                },
                target: pool.settings().host_failures_to_tolerate,
                effective_target: pool.effective_target(),
                target_status: TargetStatus::Open,
                overcommitted: true,
                witness: None,
                certificate: Certificate::default(),
                work: 0,
            },
        }
    }

    /// Pending VMs cannot all be placed: tolerance is none, which is not 0.
    fn broken(mut self, pool: &Pool, pending: Pending, meter: &Meter<'_>) -> Assessment {
        let assessment = &mut self.assessment;
        let refuted = pending.refutation.is_some();
        let stopped_by = (!refuted).then(|| meter.stopped().unwrap_or(StoppedBy::Work));
        let bounds = Bounds { proven: None, refuted: refuted.then_some(0), stopped_by };
        assessment.tolerance =
            Tolerance { simultaneous: bounds, sequential: bounds, limited_by: LimitedBy::Capacity };
        assessment.target_status = if refuted { TargetStatus::Refuted } else { TargetStatus::Open };
        assessment.certificate.simultaneous_refuted =
            pending.refutation.map(|refutation| Refuted { failed: Vec::new(), refutation });
        assessment.unprotectable = Problem::new(pool).unprotectable;
        assessment.witness = pending.witness;
        assessment.pending_placement = pending.placement;
        assessment.pending_unplaced = pending.unplaced;
        assessment.work = meter.used();
        self.assessment
    }

    fn finish(
        mut self,
        pool: &Pool,
        found: Found,
        in_turn: sequential::Proven,
        game: Option<SequentialRefuted>,
        span: Span,
        meter: &Meter<'_>,
    ) -> Assessment {
        let assessment = &mut self.assessment;
        let certificate = &mut assessment.certificate;
        certificate.simultaneous_proven = Some(Proven { failures: found.proven as u32, proof: found.proof });
        certificate.sequential_proven =
            Some(Proven { failures: in_turn.proven as u32, proof: in_turn.proof });
        let mut refuted = found.refuted.as_ref().map(|disproof| disproof.failed.len() as u32);
        if let Some(disproof) = found.refuted {
            certificate.simultaneous_refuted =
                Some(Refuted { failed: disproof.failed, refutation: disproof.refutation });
            assessment.witness = Some(disproof.witness);
        }
        if let Some((cap, limit)) = span.cap.filter(|&(cap, _)| cap < span.hosts && cap < span.asked)
            && refuted.is_none_or(|refuted| refuted as usize > cap + 1)
        {
            let failed: Vec<HostIndex> = pool.failable_hosts().iter().take(cap + 1).collect();
            refuted = Some(cap as u32 + 1);
            assessment.tolerance.limited_by = LimitedBy::Liveness(limit);
            assessment.witness = Some(liveness_witness(&failed, limit));
            certificate.simultaneous_refuted = Some(Refuted { failed, refutation: Refutation::Liveness });
        }
        let at_once = Bounds {
            proven: Some(found.proven as u32),
            refuted,
            stopped_by: stopped(found.proven, refuted, span, found.stopped_by, meter),
        };
        let refuted = game.as_ref().map_or(refuted, |game| Some(game.failures));
        assessment.tolerance.simultaneous = at_once;
        assessment.tolerance.sequential = Bounds {
            proven: Some(in_turn.proven as u32),
            refuted,
            stopped_by: stopped(in_turn.proven, refuted, span, in_turn.stopped_by, meter),
        };
        if let Some(game) = &game {
            assessment.witness = Some(game::witness(pool, game));
            if pool.settings().guarantee == Guarantee::Sequential {
                assessment.tolerance.limited_by = LimitedBy::Capacity;
            }
        }
        assessment.certificate.sequential_refuted = game;
        let bounds = match pool.settings().guarantee {
            Guarantee::Sequential => assessment.tolerance.sequential,
            Guarantee::Simultaneous => assessment.tolerance.simultaneous,
        };
        assessment.judge_target(bounds, span.hosts);
        assessment.work = meter.used();
        self.assessment
    }
}

/// Why the bounds do not meet, if they do not.
fn stopped(
    proven: usize,
    refuted: Option<u32>,
    span: Span,
    stopped_by: Option<StoppedBy>,
    meter: &Meter<'_>,
) -> Option<StoppedBy> {
    if proven >= span.hosts || refuted.is_some_and(|refuted| refuted as usize <= proven + 1) {
        None
    } else if refuted.is_none() && proven >= span.asked {
        Some(StoppedBy::Max)
    } else {
        Some(stopped_by.or(meter.stopped()).unwrap_or(StoppedBy::Work))
    }
}

fn liveness_witness(failed: &[HostIndex], limit: LivenessLimit) -> Witness {
    let reason = match limit {
        LivenessLimit::EtcdQuorum => "the etcd members on the pool's hosts lose their quorum",
        LivenessLimit::Majority => "the survivors are no strict majority, and storage_loss is \"majority\"",
        LivenessLimit::Brake => "the mass-failure brake holds all restarts",
    };
    Witness {
        notion: Notion::Simultaneous,
        failures: failed.len() as u32,
        failed_hosts: failed.to_vec(),
        vms: Vec::new(),
        resource: None,
        reason_code: ReasonCode::Liveness,
        reason: reason.to_owned(),
    }
}

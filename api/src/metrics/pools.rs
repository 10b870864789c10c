//! The pools as they are when somebody asks: gauges that nobody has to keep current.
use super::PoolLabels;
use crate::clock;
use crate::engine::{Engine, PoolHandle};
use crate::served::Outlook;
use lifeboat_model::agility::host_state_word;
use lifeboat_model::spec::Guarantee;
use lifeboat_model::verdict::Bounds;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;

type Seconds = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BoundLabels {
    pool: String,
    notion: &'static str,
    bound: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    pool: String,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AlertLabels {
    pool: String,
    kind: &'static str,
}

#[derive(Default)]
struct Gauges {
    tolerance: Family<BoundLabels, Gauge>,
    target: Family<PoolLabels, Gauge>,
    margin: Family<PoolLabels, Gauge>,
    overcommitted: Family<PoolLabels, Gauge>,
    provisional: Family<PoolLabels, Gauge>,
    age: Family<PoolLabels, Seconds>,
    lag: Family<PoolLabels, Gauge>,
    hosts: Family<StateLabels, Gauge>,
    vms: Family<PoolLabels, Gauge>,
    ha: Family<PoolLabels, Gauge>,
    alerts: Family<AlertLabels, Gauge>,
}

/// Adds what there is to say of all pools, and of the threads behind them.
pub(super) fn register(registry: &mut Registry, engine: &Engine) {
    let gauges = Gauges::default();
    for pool in engine.pools() {
        gauges.read(&pool);
    }
    let Gauges { tolerance, target, margin, overcommitted, provisional, age, lag, hosts, vms, ha, alerts } =
        gauges;
    registry.register(
        "pool_tolerance",
        "Host failures: proven survivable, and the fewest that are refuted; missing where there is none",
        tolerance,
    );
    registry.register(
        "pool_effective_target",
        "Host failures to tolerate, less hosts in maintenance",
        target,
    );
    registry.register(
        "pool_margin",
        "Host failures proven survivable beyond the target; negative: short of it",
        margin,
    );
    registry.register("pool_overcommitted", "Whether the target is not proven", overcommitted);
    registry.register("pool_provisional", "Whether more work is put into what is open", provisional);
    registry.register(
        "pool_plan_age_seconds",
        "Since when the published verdict misses something; 0: it misses nothing",
        age,
    );
    registry.register("pool_revision_lag", "Revisions that the published verdict does not reflect", lag);
    registry.register("pool_hosts", "Hosts by state", hosts);
    registry.register("pool_vms", "VMs", vms);
    registry.register("pool_ha_enabled", "Whether high availability is enabled", ha);
    registry.register("pool_alerts_open", "Alerts that go on, by kind", alerts);
    let one = |value: usize| {
        let gauge: Gauge = Gauge::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        gauge
    };
    registry.register("solver_queue", "Pools that wait for a search", one(engine.solver().waiting()));
    registry.register("writer_queue", "Changes that wait to be written", one(engine.writer().waiting()));
    let failing = engine.writer().health().is_failing();
    registry.register("store_failing", "Whether the store takes no writes", one(usize::from(failing)));
}

impl Gauges {
    fn read(&self, handle: &PoolHandle) {
        let view = handle.view();
        let id = || handle.id().to_owned();
        let pool = PoolLabels { pool: id() };
        let vms = i64::try_from(view.pool.vms().len()).unwrap_or(i64::MAX);
        self.vms.get_or_create(&pool).set(vms);
        for host in view.pool.hosts() {
            let state = host_state_word(host.state);
            self.hosts.get_or_create(&StateLabels { pool: id(), state }).inc();
        }
        let (ha, alerts) = handle.ledger(|ledger| (ledger.ha.enabled, ledger.alerts.open_by_kind()));
        self.ha.get_or_create(&pool).set(i64::from(ha));
        for (kind, count) in alerts {
            let labels = AlertLabels { pool: id(), kind: kind.word() };
            self.alerts.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let Some(outlook) = handle.outlook() else { return };
        self.verdict(&pool, &outlook);
        let behind = view.revision.saturating_sub(outlook.revision);
        let age = if behind == 0 { 0.0 } else { clock::now().duration_since(outlook.reflects).as_secs_f64() };
        self.age.get_or_create(&pool).set(age.max(0.0));
        self.lag.get_or_create(&pool).set(i64::try_from(behind).unwrap_or(i64::MAX));
    }

    fn verdict(&self, pool: &PoolLabels, outlook: &Outlook) {
        let assessment = &outlook.assessment;
        let tolerance = &assessment.tolerance;
        for (notion, bounds) in
            [("simultaneous", tolerance.simultaneous), ("sequential", tolerance.sequential)]
        {
            for (bound, value) in [("proven", bounds.proven), ("refuted", bounds.refuted)] {
                let Some(value) = value else { continue };
                let labels = BoundLabels { pool: pool.pool.clone(), notion, bound };
                self.tolerance.get_or_create(&labels).set(i64::from(value));
            }
        }
        let bounds: Bounds = match outlook.pool.settings().guarantee {
            Guarantee::Sequential => tolerance.sequential,
            Guarantee::Simultaneous => tolerance.simultaneous,
        };
        let target = i64::from(assessment.effective_target);
        self.target.get_or_create(pool).set(target);
        // A broken pool is one short of tolerating nothing.
        self.margin.get_or_create(pool).set(bounds.proven.map_or(-1, i64::from) - target);
        self.overcommitted.get_or_create(pool).set(i64::from(assessment.overcommitted));
        self.provisional.get_or_create(pool).set(i64::from(outlook.provisional));
    }
}

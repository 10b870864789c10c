//! Messages to try things on: one of each kind that never changes, and strategies for all that can be said.
use core::time::Duration;
use lifeboat_model::HostIndex;
use lifeboat_protocol::channel::{Payload, Segment, Session};
use lifeboat_protocol::configuration::{Disarm, HostEntry};
use lifeboat_protocol::evidence::EvidenceKind;
use lifeboat_protocol::medium::PoolId;
use lifeboat_protocol::message::{Envelope, Heartbeat, Message, NewKey, Notice};
use lifeboat_protocol::order::{Gate, Order, OrderId, Outcome, Report, StopCause, VmState};
use lifeboat_protocol::status::{Phase, Silence};
use lifeboat_protocol::{
    Boot, Configuration, ConfigurationNumber, Epoch, HeartbeatNetwork, Keyring, Process, Standing, Status,
    wire,
};
use proptest::prelude::*;

/// The pool of all samples.
pub(crate) const POOL: PoolId = PoolId(*b"pool-of-examples");

/// A keyring with one key: the bytes 0 to 31, of epoch 7.
pub(crate) fn keys() -> Keyring {
    Keyring::new(7, core::array::from_fn(|position| position as u8))
}

/// From host 0 to host 2, on the second network.
pub(crate) fn envelope() -> Envelope {
    Envelope {
        from: HostIndex(0),
        boot: Boot(3),
        process: Process(2),
        to: HostIndex(2),
        network: HeartbeatNetwork(1),
        sequence: 258,
    }
}

/// One message of each kind, by the name of its golden file.
pub(crate) fn samples() -> Vec<(&'static str, Message)> {
    vec![
        ("wire-heartbeat", heartbeat()),
        ("wire-configuration", configuration()),
        ("wire-orders", orders()),
        ("wire-reports", reports()),
        (
            "wire-notice",
            Message::Notice(Notice { about: HostIndex(2), boot: Boot(3), kind: EvidenceKind::Notice }),
        ),
        ("wire-new-key", Message::NewKey(NewKey { key_epoch: 8, key: [0x5a; 32] })),
    ]
}

/// The example of docs/heartbeats.md.
pub(crate) fn heartbeat() -> Message {
    Message::Heartbeat(Box::new(Heartbeat {
        status: Status {
            host: HostIndex(0),
            boot: Boot(3),
            process: Process(2),
            phase: Phase::Member,
            adopted: ConfigurationNumber(17),
            resigned: Epoch(5),
            medium_works: true,
            carrier: true,
            disarmed: false,
            newest_key: 7,
            protected_memory_mib: 65_536,
            silence: vec![Silence(0), Silence(75), Silence::FOREVER],
            heard: vec![],
        },
        echo: 255,
        echo_of: (Boot(9), Process(1)),
        vouches: true,
        disarmed_for: None,
    }))
}

fn configuration() -> Message {
    let entry = |standing| HostEntry { standing, failures: 0, quarantined: false };
    let joined = ConfigurationNumber(12);
    Message::Configuration(Box::new(Configuration {
        number: ConfigurationNumber(17),
        leader: HostIndex(0),
        epoch: Epoch(14),
        timeout: Duration::from_secs(15),
        key_epoch: 7,
        disarm: Some(Disarm { lasts: Duration::from_mins(10) }),
        braked: false,
        hosts: vec![
            entry(Standing::Member { boot: Boot(3), joined }),
            entry(Standing::Fencing { boot: Boot(8), joined, led: Some(Epoch(12)) }),
            HostEntry {
                standing: Standing::Member { boot: Boot(9), joined },
                failures: 3,
                quarantined: true,
            },
            entry(Standing::Fencing { boot: Boot(1), joined, led: None }),
            entry(Standing::Fenced { boot: Boot(2), evidence: EvidenceKind::PowerOff }),
            entry(Standing::Out),
        ],
    }))
}

fn segment(payloads: Vec<Payload>) -> Message {
    let session = Session { epoch: Epoch(14), boot: Boot(3), process: Process(2) };
    Message::Segment(Segment { session, acknowledged: 4, first: 9, payloads })
}

fn orders() -> Message {
    let id = |number| OrderId { epoch: Epoch(14), number };
    let start = |number, gate| Order::Start { id: id(number), vm: "db1".into(), gate };
    let orders = [
        start(1, Gate::Started),
        start(2, Gate::GuestAgent),
        start(3, Gate::Tcp { port: 5432 }),
        start(4, Gate::Http { port: 8080 }),
        Order::Stop { id: id(5), vm: "größe".into() },
        Order::Migrate { id: id(6), vm: "db2".into(), to: HostIndex(1) },
        Order::Note { id: id(7), bytes: (*b"what a VM is made of").into() },
    ];
    segment(orders.map(Payload::Order).into())
}

fn reports() -> Message {
    let id = |number| OrderId { epoch: Epoch(14), number };
    let part = vec![("db1".into(), VmState::Running), ("db2".into(), VmState::Unknown)];
    let reports = [
        Report::Inventory { vms: vec![("web1".into(), VmState::Stopped)] },
        Report::Finished { id: id(1), outcome: Outcome::Done },
        Report::Finished { id: id(2), outcome: Outcome::Failed { reason: "no such disk".into() } },
        Report::Ready { vm: "db1".into() },
        Report::Stopped { vm: "db1".into(), cause: StopCause::Crashed },
        Report::Stopped { vm: "db1".into(), cause: StopCause::ShutDownInside },
        Report::Stopped { vm: "db1".into(), cause: StopCause::Stopped },
        Report::Hypervisor { silent_for: None },
        Report::Hypervisor { silent_for: Some(Duration::from_secs(30)) },
        Report::Note { bytes: (*b"what a host has").into() },
    ];
    let part = [Payload::InventoryPart { vms: part }];
    segment(part.into_iter().chain(reports.map(Payload::Report)).collect())
}

prop_compose! {
    /// Any envelope to another host.
    pub(crate) fn any_envelope()(
        from in 0_u16..256, step in 1_u16..256, boot: u64, process: u32, network: u8, sequence in 1_u64..,
    ) -> Envelope {
        Envelope {
            from: HostIndex(from),
            boot: Boot(boot),
            process: Process(process),
            to: HostIndex((from + step) % 256),
            network: HeartbeatNetwork(network),
            sequence,
        }
    }
}

/// Any message.
pub(crate) fn any_message() -> impl Strategy<Value = Message> {
    prop_oneof![
        any_heartbeat().prop_map(|heartbeat| Message::Heartbeat(Box::new(heartbeat))),
        any_configuration().prop_map(|configuration| Message::Configuration(Box::new(configuration))),
        any_segment().prop_map(Message::Segment),
        (any_host(), any::<u64>(), told()).prop_map(|(about, boot, kind)| Message::Notice(Notice {
            about,
            boot: Boot(boot),
            kind
        })),
        (any::<u32>(), any::<[u8; 32]>())
            .prop_map(|(key_epoch, key)| Message::NewKey(NewKey { key_epoch, key })),
    ]
}

/// What a notice can tell.
fn told() -> impl Strategy<Value = EvidenceKind> {
    let kinds = [
        EvidenceKind::Notice,
        EvidenceKind::CrashKernel,
        EvidenceKind::Left,
        EvidenceKind::PowerOff,
        EvidenceKind::Operator,
        EvidenceKind::OperatorForced,
    ];
    prop::sample::select(kinds.to_vec())
}

fn any_evidence() -> impl Strategy<Value = EvidenceKind> {
    let others = [EvidenceKind::LeaseExpired, EvidenceKind::Rebooted];
    prop_oneof![told(), prop::sample::select(others.to_vec())]
}

fn any_phase() -> impl Strategy<Value = Phase> {
    prop::sample::select(vec![
        Phase::Starting,
        Phase::Joining,
        Phase::Member,
        Phase::Leaving,
        Phase::FencingSelf,
        Phase::Fenced,
        Phase::Left,
    ])
}

fn any_span() -> impl Strategy<Value = Duration> {
    any::<u64>().prop_map(Duration::from_nanos)
}

fn any_host() -> impl Strategy<Value = HostIndex> {
    (0_u16..256).prop_map(HostIndex)
}

prop_compose! {
    fn any_status()(
        host in any_host(), boot: u64, process: u32, phase in any_phase(), numbers: [u64; 3], flags: [bool; 3],
        newest_key: u32, silence in prop::collection::vec(any::<u16>().prop_map(Silence), 0..=256),
        heard in prop::collection::vec(any::<u16>().prop_map(Silence), 0..=256),
    ) -> Status {
        Status {
            host, boot: Boot(boot), process: Process(process), phase,
            adopted: ConfigurationNumber(numbers[0]), resigned: Epoch(numbers[1]),
            medium_works: flags[0], carrier: flags[1], disarmed: flags[2],
            newest_key, protected_memory_mib: numbers[2], silence, heard,
        }
    }
}

prop_compose! {
    fn any_heartbeat()(
        status in any_status(), echo: u64, boot: u64, process: u32, vouches: bool,
        disarmed_for in prop::option::of(any_span()),
    ) -> Heartbeat {
        Heartbeat { status, echo, echo_of: (Boot(boot), Process(process)), vouches, disarmed_for }
    }
}

fn any_number() -> impl Strategy<Value = u64> {
    0..=wire::configuration::MAX_NUMBER
}

fn any_timeout() -> impl Strategy<Value = Duration> {
    (3_000_000_000..=300_000_000_000_u64).prop_map(Duration::from_nanos)
}

fn any_standing() -> impl Strategy<Value = Standing> {
    prop_oneof![
        Just(Standing::Out),
        (any::<u64>(), any_number()).prop_map(|(boot, joined)| Standing::Member {
            boot: Boot(boot),
            joined: ConfigurationNumber(joined)
        }),
        (any::<u64>(), any_number(), prop::option::of(any_number())).prop_map(|(boot, joined, led)| {
            Standing::Fencing { boot: Boot(boot), joined: ConfigurationNumber(joined), led: led.map(Epoch) }
        }),
        (any::<u64>(), any_evidence())
            .prop_map(|(boot, evidence)| Standing::Fenced { boot: Boot(boot), evidence }),
    ]
}

prop_compose! {
    fn any_entry()(standing in any_standing(), failures: u8, quarantined: bool) -> HostEntry {
        HostEntry { standing, failures, quarantined }
    }
}

prop_compose! {
    fn any_configuration()(
        numbers in [any_number(), any_number()], leader: prop::sample::Index, timeout in any_timeout(), key_epoch: u32,
        disarm in prop::option::of(any_span()), braked: bool, hosts in prop::collection::vec(any_entry(), 1..=256),
    ) -> Configuration {
        Configuration {
            number: ConfigurationNumber(numbers[0]), leader: HostIndex::new(leader.index(hosts.len())), epoch: Epoch(numbers[1]), timeout, key_epoch,
            disarm: disarm.map(|lasts| Disarm { lasts }), braked, hosts,
        }
    }
}

fn any_id() -> impl Strategy<Value = OrderId> {
    any::<(u64, u64)>().prop_map(|(epoch, number)| OrderId { epoch: Epoch(epoch), number })
}

/// Names of up to 255 characters, of one to four bytes each.
fn any_vm() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z0-9ä𝄞]{1,12}", 1 => "\\PC{1,255}"]
}

fn any_gate() -> impl Strategy<Value = Gate> {
    prop_oneof![
        Just(Gate::Started),
        Just(Gate::GuestAgent),
        any::<u16>().prop_map(|port| Gate::Tcp { port }),
        any::<u16>().prop_map(|port| Gate::Http { port }),
    ]
}

fn any_note() -> impl Strategy<Value = Box<[u8]>> {
    prop::collection::vec(any::<u8>(), 0..300).prop_map(Into::into)
}

fn any_order() -> impl Strategy<Value = Order> {
    prop_oneof![
        (any_id(), any_vm(), any_gate()).prop_map(|(id, vm, gate)| Order::Start { id, vm, gate }),
        (any_id(), any_vm()).prop_map(|(id, vm)| Order::Stop { id, vm }),
        (any_id(), any_vm(), any_host()).prop_map(|(id, vm, to)| Order::Migrate { id, vm, to }),
        (any_id(), any_note()).prop_map(|(id, bytes)| Order::Note { id, bytes }),
    ]
}

fn any_vms() -> impl Strategy<Value = Vec<(String, VmState)>> {
    let states = vec![VmState::Running, VmState::Stopped, VmState::Unknown];
    prop::collection::vec((any_vm(), prop::sample::select(states)), 0..20)
}

fn any_report() -> impl Strategy<Value = Report> {
    let causes = vec![StopCause::Crashed, StopCause::ShutDownInside, StopCause::Stopped];
    prop_oneof![
        any_vms().prop_map(|vms| Report::Inventory { vms }),
        any_id().prop_map(|id| Report::Finished { id, outcome: Outcome::Done }),
        (any_id(), ".{0,200}")
            .prop_map(|(id, reason)| Report::Finished { id, outcome: Outcome::Failed { reason } }),
        any_vm().prop_map(|vm| Report::Ready { vm }),
        (any_vm(), prop::sample::select(causes)).prop_map(|(vm, cause)| Report::Stopped { vm, cause }),
        prop::option::of(any_span()).prop_map(|silent_for| Report::Hypervisor { silent_for }),
        any_note().prop_map(|bytes| Report::Note { bytes }),
    ]
}

prop_compose! {
    fn any_segment()(
        numbers: [u64; 4], process: u32,
        payloads in prop::collection::vec(
            prop_oneof![
                any_order().prop_map(Payload::Order),
                any_report().prop_map(Payload::Report),
                any_vms().prop_map(|vms| Payload::InventoryPart { vms }),
            ],
            0..8,
        ),
    ) -> Segment {
        let session = Session { epoch: Epoch(numbers[0]), boot: Boot(numbers[1]), process: Process(process) };
        Segment { session, acknowledged: numbers[2], first: numbers[3], payloads }
    }
}

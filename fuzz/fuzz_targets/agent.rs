#![no_main]
//! The bytes are what happens to the agent of one host of three: time, messages of the two others (holders of the key, of
//! whatever software), the medium, operators. It must answer everything without a panic, come to rest after each, and never
//! give a coordinator a term while it has no lease.
use core::time::Duration;
use lifeboat_model::HostIndex;
use lifeboat_protocol::agent::{Agent, AgentConfig};
use lifeboat_protocol::bytes::{Malformed, Reader};
use lifeboat_protocol::channel::Payload;
use lifeboat_protocol::configuration::HostEntry;
use lifeboat_protocol::evidence::EvidenceKind;
use lifeboat_protocol::input::Operator;
use lifeboat_protocol::medium::etcd::{self, EtcdMedium};
use lifeboat_protocol::medium::{Answer, KeyValue, PoolId, Request};
use lifeboat_protocol::message::{Envelope, Message};
use lifeboat_protocol::{
    Boot, Command, Configuration, ConfigurationNumber, Epoch, HeartbeatNetwork, Input, Instant, Keyring,
    Process, Settings, Standing, wire,
};
use std::collections::BTreeMap;

const POOL: PoolId = PoolId(*b"pool-of-examples");
const ME: HostIndex = HostIndex(0);
const HOSTS: usize = 3;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut world = World::new();
    let mut choices = Reader::new(bytes);
    while choices.left() > 0 {
        let Ok(input) = world.choose(&mut choices) else { return };
        world.happen(input);
    }
});

struct World {
    agent: Agent<EtcdMedium>,
    keys: Keyring,
    now: Instant,
    /// By sender.
    sequences: [u64; HOSTS],
    /// What the agent sent last, by addressee and network.
    heard: [[u64; 2]; HOSTS],
    request: Option<Request>,
    etcd: BTreeMap<String, (Vec<u8>, i64)>,
    revision: i64,
}

impl World {
    /// All three are members, another leads, and the agent has heard so.
    fn new() -> Self {
        let keyring = Keyring::new(1, [1; 32]);
        let config = AgentConfig {
            me: ME,
            boot: Boot(5),
            process: Process(2),
            hosts: HOSTS,
            pool: POOL,
            settings: Settings { networks: 2, ..Settings::default() },
            keyring: keyring.clone(),
            stopping: None,
        };
        let now = Instant::from_micros(1_000_000_000);
        let agent = Agent::new(config, EtcdMedium::new(POOL, ME, HOSTS), now);
        let mut world = Self {
            agent,
            keys: keyring,
            now,
            sequences: [0; HOSTS],
            heard: [[0; 2]; HOSTS],
            request: None,
            etcd: BTreeMap::new(),
            revision: 0,
        };
        let joined = ConfigurationNumber(3);
        let member =
            |_| HostEntry { standing: Standing::Member { boot: Boot(5), joined }, ..HostEntry::default() };
        let agreed = Configuration {
            number: joined,
            leader: HostIndex(1),
            epoch: Epoch(2),
            timeout: Duration::from_secs(15),
            key_epoch: 1,
            disarm: None,
            braked: false,
            hosts: (0..HOSTS).map(member).collect(),
        };
        world.request = Some(etcd::format(POOL, HOSTS));
        world.answer(0);
        let told = world.datagram(1, 0, (Boot(5), Process(1)), &Message::Configuration(Box::new(agreed)));
        world.happen(told);
        world
    }

    fn choose(&mut self, choices: &mut Reader<'_>) -> Result<Input, Malformed> {
        let kind = choices.u8()?;
        let detail = choices.u8()?;
        Ok(match kind % 16 {
            0..=2 => {
                self.now = self.agent.deadline().map_or(self.now, |deadline| deadline.max(self.now));
                Input::Elapsed
            }
            3 => {
                self.now = self.now + Duration::from_millis(40) * u32::from(detail);
                Input::Elapsed
            }
            4 | 5 => Input::Medium(self.answer(detail)),
            6..=9 => {
                let message = self.plausible(detail, wire::message::decode(choices)?);
                let life = (Boot(4 + u64::from(detail / 4 % 3)), Process(u32::from(detail / 16 % 2)));
                self.datagram(1 + detail % 2, detail / 2 % 2, life, &message)
            }
            10 => Input::Carrier { network: HeartbeatNetwork(detail % 3), up: detail > 127 },
            11 => match detail % 4 {
                0 => Input::NoVmRuns,
                1 => Input::CoordinatorAnswered,
                2 => Input::CoordinatorEnded,
                _ => Input::Gateway { reached: detail > 127 },
            },
            12 => Input::Operator(match detail % 6 {
                0 => Operator::Disarm { lasts: Duration::from_secs(u64::from(detail) * 10) },
                1 => Operator::Arm,
                2 => Operator::Leave,
                3 => Operator::HandOver,
                4 => Operator::ReleaseBrake,
                _ => Operator::RotateKey { key: [detail; 32] },
            }),
            13 => Input::Evidence {
                host: HostIndex(u16::from(detail) % 4),
                kind: wire::evidence::kind(detail / 4 % 8).unwrap_or(EvidenceKind::Operator),
            },
            14 => Input::ProtectedMemory { mib: u64::from(detail) << (detail % 64) },
            _ => match wire::payload::decode(choices)? {
                Payload::Order(order) => Input::Order { host: HostIndex(u16::from(detail) % 3), order },
                Payload::Report(report) => Input::Report(report),
                Payload::InventoryPart { .. } => Input::Elapsed,
            },
        })
    }

    /// Often what a heartbeat says of its sender and of the addressee is made to fit, so that it gets anywhere.
    fn plausible(&self, detail: u8, mut message: Message) -> Message {
        if let Message::Heartbeat(heartbeat) = &mut message
            && detail < 192
        {
            heartbeat.status.host = HostIndex(u16::from(1 + detail % 2));
            heartbeat.status.boot = Boot(4 + u64::from(detail / 4 % 3));
            heartbeat.echo_of = (Boot(5), Process(2));
            heartbeat.echo = self.heard[usize::from(1 + detail % 2)][usize::from(detail / 2 % 2)];
        }
        message
    }

    fn datagram(
        &mut self,
        from: u8,
        network: u8,
        (boot, process): (Boot, Process),
        message: &Message,
    ) -> Input {
        let sequence = &mut self.sequences[usize::from(from)];
        *sequence += 1;
        let network = HeartbeatNetwork(network);
        let from = HostIndex(u16::from(from));
        let envelope = Envelope { from, boot, process, to: ME, network, sequence: *sequence };
        Input::Datagram { network, bytes: wire::seal(&self.keys, POOL, &envelope, message) }
    }

    /// The medium's answer to the request under way: mostly as etcd would, sometimes a failure.
    fn answer(&mut self, detail: u8) -> Answer {
        let Some(Request::Transaction { guard, put_if, put, get_prefix }) = self.request.take() else {
            return Answer::Failed;
        };
        if detail > 200 {
            return Answer::Failed;
        }
        let modified = |key: &String| self.etcd.get(key).map_or(0, |(_, revision)| *revision);
        let guard_held = guard.is_none_or(|(key, revision)| modified(&key) == revision);
        self.revision += 1;
        for (key, value) in put_if.into_iter().filter(|_| guard_held).chain(put) {
            self.etcd.insert(key, (value, self.revision));
        }
        let values = self.etcd.iter().filter(|(key, _)| key.starts_with(&get_prefix));
        let values = values.map(|(key, (value, mod_revision))| KeyValue {
            key: key.clone(),
            value: value.clone(),
            mod_revision: *mod_revision,
        });
        Answer::Transaction { guard_held, values: values.collect() }
    }

    fn happen(&mut self, input: Input) {
        self.agent.handle(self.now, input);
        self.drain();
        // At rest: nothing is due that was not done.
        for _ in 0..20 {
            if self.agent.deadline().is_none_or(|deadline| deadline > self.now) {
                return;
            }
            self.agent.handle(self.now, Input::Elapsed);
            self.drain();
        }
        panic!("it does not come to rest: due at {:?}, now {:?}", self.agent.deadline(), self.now);
    }

    fn drain(&mut self) {
        let mut count = 0;
        while let Some(command) = self.agent.next_command() {
            count += 1;
            assert!(count < 10_000, "commands without end");
            match command {
                Command::Medium(request) => self.request = Some(request),
                Command::Transmit { network, to, bytes } => {
                    let sequence = Reader::new(&bytes[40..]).u64().expect("a datagram has a sequence");
                    self.heard[to.get()][usize::from(network.0)] = sequence;
                }
                Command::StartCoordinator { .. } => assert!(self.agent.is_leased(), "a term without a lease"),
                _ => {}
            }
        }
    }
}

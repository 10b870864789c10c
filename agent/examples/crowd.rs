//! What one agent costs in a large pool: the real program as the last host, and all other hosts' protocol threads in this process, with real
//! datagrams and a real statefile between them. `crowd PROGRAM HOSTS T_SECONDS MEASURE_SECONDS` prints processor time and memory.
use lifeboat_agent::config::Config;
use lifeboat_agent::context::{Board, Context, RosterBook};
use lifeboat_agent::identity::{self, KeyFile};
use lifeboat_agent::liveness::Liveness;
use lifeboat_agent::net::Net;
use lifeboat_agent::socket::{Ask, client};
use lifeboat_agent::watchdog::{NoWatchdog, Tender};
use lifeboat_agent::wiring::{self, Outlets, ToCoordinator};
use lifeboat_agent::{bare, clock, medium, thread};
use lifeboat_link::Roster;
use lifeboat_link::roster::{LivenessSettings, Member};
use lifeboat_model::HostIndex;
use lifeboat_protocol::medium::either::EitherMedium;
use lifeboat_protocol::medium::statefile;
use lifeboat_protocol::{Agent, AgentConfig, Boot, Input, Keyring, Process};
use std::error::Error;
use std::fs;
use std::net::UdpSocket;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

const KEY: [u8; 32] = [3; 32];
const NO_WATCHDOG: &str = "kind = \"none\"\nallow_none = true";
const NO_HYPERVISOR: &str = "kind = \"none\"";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, program, hosts, timeout, measure] = arguments.as_slice() else {
        return Err("crowd PROGRAM HOSTS T_SECONDS MEASURE_SECONDS".into());
    };
    let (hosts, timeout, measure): (usize, u64, u64) = (hosts.parse()?, timeout.parse()?, measure.parse()?);
    let directory = tempfile::tempdir()?;
    let roster = roster(hosts, timeout)?;
    fs::write(directory.path().join("statefile"), statefile::format(roster.id()?, hosts)?)?;
    for host in 0..hosts - 1 {
        begin(directory.path(), &roster, host)?;
    }
    let real = directory.path().join("real");
    fs::create_dir_all(real.join("state"))?;
    identity::keep_roster(&real.join("state"), &roster)?;
    KeyFile::new(1, KEY).write(&real.join("state"))?;
    let config = real.join("agent.toml");
    // The one that is measured has all its threads: a watchdog that is fed, a warden that looks.
    let watchdog = real.join("watchdog");
    let listener = UnixListener::bind(&watchdog)?;
    thread::spawn("supervisor", move || swallow(&listener))?;
    let text = text(directory.path(), &real, &roster, hosts - 1)
        .replace(NO_WATCHDOG, &format!("kind = \"supervisor\"\npath = \"{}\"", watchdog.display()))
        .replace(NO_HYPERVISOR, "kind = \"process\"");
    fs::write(&config, text)?;
    let mut command = Command::new(program);
    let mut agent = command.arg("--config").arg(&config).arg("run").stdout(Stdio::null()).spawn()?;
    let measured = observe(&real.join("run/agent.sock"), agent.id(), measure);
    agent.kill()?;
    agent.wait()?;
    measured
}

/// What a watchdog is told, taken and forgotten.
fn swallow(listener: &UnixListener) {
    for stream in listener.incoming().map_while(Result::ok) {
        let _ = std::io::copy(&mut &stream, &mut std::io::sink());
    }
}

fn roster(hosts: usize, timeout: u64) -> Result<Roster, Box<dyn Error>> {
    let mut members = Vec::new();
    for host in 0..hosts {
        let address = UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
        members.push(Member {
            id: format!("h{host}"),
            addresses: vec![address],
            api: String::new(),
            removed: false,
        });
    }
    Ok(Roster {
        version: 1,
        pool: "crowd".into(),
        pool_id: "07".repeat(16),
        networks: vec!["hb0".into()],
        settings: LivenessSettings { timeout_ms: timeout * 1000, ..LivenessSettings::default() },
        hosts: members,
        authorities: Vec::new(),
    })
}

fn text(shared: &Path, own: &Path, roster: &Roster, host: usize) -> String {
    format!(
        "[host]\nname = \"h{host}\"\nstate_directory = \"{own}/state\"\nrun_directory = \"{own}/run\"\n\
         [[network]]\nname = \"hb0\"\ninterface = \"lo\"\nlisten = \"{}\"\n\
         [medium]\nkind = \"statefile\"\npath = \"{}/statefile\"\n\
         [watchdog]\n{NO_WATCHDOG}\n[hypervisor]\n{NO_HYPERVISOR}\n[fence]\nreset = [\"true\"]\n",
        roster.hosts[host].addresses[0],
        shared.display(),
        own = own.display(),
    )
}

/// One of the others: its protocol, its medium, and nothing that costs anything.
fn begin(directory: &Path, roster: &Roster, host: usize) -> Result<(), Box<dyn Error>> {
    let config = Config::read(&text(directory, directory, roster, host))?;
    let (inbox, reader) = wiring::inbox()?;
    let ((to_medium, medium_queue), (warden, warden_queue)) = (channel(), channel());
    let ((coordinator, coordinator_queue), (keeper, _)) = (channel(), channel());
    let outlets = Outlets { medium: to_medium, warden, coordinator, keeper, fencer: channel().0 };
    let me = HostIndex::new(host);
    let context = Context {
        config: Arc::new(config),
        me,
        boot: Boot(1),
        process: Process(1),
        roster: RosterBook::new(roster.clone()),
        inbox: inbox.clone(),
        outlets: outlets.clone(),
        board: Board::default(),
    };
    medium::start(&context, medium_queue)?;
    let for_warden = context.clone();
    thread::spawn("warden", move || bare::run(&for_warden, &warden_queue))?;
    thread::spawn("coordinator", move || {
        while let Ok(told) = coordinator_queue.recv() {
            match told {
                ToCoordinator::Probe => drop(inbox.input(Input::CoordinatorAnswered)),
                ToCoordinator::End(_) => drop(inbox.input(Input::CoordinatorEnded)),
                _ => {}
            }
        }
    })?;
    let settings = roster.liveness();
    let (pool, hosts) = (roster.id()?, roster.hosts.len());
    let agent = AgentConfig {
        me,
        boot: Boot(1),
        process: Process(1),
        hosts,
        stopping: None,
        pool,
        settings,
        keyring: Keyring::new(1, KEY),
    };
    let medium = EitherMedium::new(context.config.medium.kind(), pool, me, hosts);
    let agent = Agent::new(agent, medium, clock::now());
    let net = Net::open(&context.config.networks, roster)?;
    let tender = Tender::start(Box::<NoWatchdog>::default(), |_| {})?;
    let liveness = Liveness::new(me, agent, net, reader, outlets, tender, channel().0);
    thread::spawn("liveness", move || liveness.run())?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is what it is for")]
fn observe(socket: &Path, pid: u32, measure: u64) -> Result<(), Box<dyn Error>> {
    let until = clock::now() + Duration::from_mins(3);
    let status = loop {
        let status = client::ask(socket, &Ask::Status).unwrap_or_default();
        let members = status["hosts"]
            .as_array()
            .map_or(0, |hosts| hosts.iter().filter(|host| host["standing"] == "member").count());
        if status["phase"] == "member"
            && status["hosts"].as_array().is_some_and(|hosts| hosts.len() == members)
        {
            break status;
        }
        if clock::now() >= until {
            return Err(format!("{members} are members after 3 minutes").into());
        }
        clock::wait(Duration::from_millis(200));
    };
    let before = (clock::now(), ticks(pid)?, status["datagrams"]["received"].as_u64());
    clock::wait(Duration::from_secs(measure));
    let (span, ticks) = (clock::now().since(before.0), ticks(pid)? - before.1);
    let status = client::ask(socket, &Ask::Status)?;
    let received = status["datagrams"]["received"].as_u64().zip(before.2).map(|(now, before)| now - before);
    let memory = fs::read_to_string(format!("/proc/{pid}/status"))?;
    // A tick is a hundredth of a second.
    let permille = u128::from(ticks) * 10_000 / span.as_millis().max(1);
    println!("processor: {}.{} % of a core over {} s", permille / 10, permille % 10, span.as_secs());
    println!(
        "datagrams received: {received:?}, late: {}, lease left: {} ms",
        status["late"], status["lease_left_ms"]
    );
    for line in memory.lines().filter(|line| {
        ["VmRSS", "VmHWM", "VmLck", "RssAnon", "RssFile", "Threads"].iter().any(|name| line.starts_with(name))
    }) {
        println!("{line}");
    }
    Ok(())
}

/// Processor time of a process, in hundredths of a second.
fn ticks(pid: u32) -> Result<u64, Box<dyn Error>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, after_name) = stat.rsplit_once(')').ok_or("no process")?;
    let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
    Ok(fields[11].parse::<u64>()? + fields[12].parse::<u64>()?)
}

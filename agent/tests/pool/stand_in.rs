//! The service's stand-in: this very program, started by an agent with this test's name, so that its standard input is the agent's socket.
use lifeboat_link::frame;
use lifeboat_link::{FromService, ToService};
use rustix::fd::AsFd;
use rustix::fs::{FileType, fstat};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::net::UnixStream;

/// How an agent starts it; what it is told is written to `log`, a line a frame.
pub(super) fn command(log: &str) -> Vec<String> {
    let this = std::env::current_exe().expect("this program has a path");
    let this = this.to_str().expect("it is text").to_owned();
    vec![
        this,
        log.to_owned(),
        "--exact".into(),
        "stand_in::the_stand_in_serves_where_an_agent_started_it".into(),
        "--nocapture".into(),
    ]
}

#[test]
fn the_stand_in_serves_where_an_agent_started_it() {
    let stdin = std::io::stdin();
    let stat = fstat(&stdin).expect("there is a standard input");
    if FileType::from_raw_mode(stat.st_mode) != FileType::Socket {
        // Among the other tests it only shows that it can be found by its name.
        assert_eq!(command("x")[3], std::thread::current().name().expect("a test has a name"));
        return;
    }
    let log = std::env::args().nth(1).expect("the path of its log");
    let mut log = OpenOptions::new().append(true).create(true).open(log).expect("a log");
    let mut socket = UnixStream::from(stdin.as_fd().try_clone_to_owned().expect("it can be doubled"));
    while let Ok(said) = frame::read::<ToService>(&mut socket) {
        let line = match said {
            ToService::Hello(hello) => format!("hello {}", hello.me),
            ToService::Begin { epoch } => format!("begin {}", epoch.0),
            ToService::Probe => {
                frame::write(&mut socket, &FromService::Answered).expect("the agent is there");
                continue;
            }
            ToService::Leader { host } => format!("leader {:?}", host.map(|host| host.0)),
            ToService::Safe { host, .. } => format!("safe {}", host.0),
            ToService::Agreed(agreed) => format!("agreed {}", agreed.number.0),
            other => format!("{other:?}"),
        };
        writeln!(log, "{line}").expect("the log takes it");
    }
}

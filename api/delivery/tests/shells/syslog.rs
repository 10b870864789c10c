//! Syslog against sockets of all three kinds.
use crate::support::{Folder, PATIENCE, alert, opened};
use lifeboat_delivery::{Message, Severity};
use std::io::Read;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixDatagram;

fn message() -> Message {
    let mut alert = alert("3-1");
    "prod \"a]\\".clone_into(&mut alert.pool);
    alert.severity = Severity::Critical;
    Message::Alert { alert }
}

/// What must come, up to the process id.
fn check(line: &str) {
    let (head, rest) = line.split_once(" lifeboat ").expect("the application's name");
    assert_eq!(head, "<26>1 2026-11-22T03:14:07.000000Z h01");
    let (pid, rest) = rest.split_once(' ').expect("a process id");
    assert_eq!(pid, std::process::id().to_string());
    let id = message().id();
    let data = format!(
        r#"host-failed [lifeboat@32473 message="{id}" type="alert" severity="critical" pool="prod \"a\]\\" id="3-1" kind="host-failed" subject="host" name="h03" recovered="false"] "#
    );
    let text = rest.strip_prefix(&data).unwrap_or_else(|| panic!("{rest}\nis not\n{data}"));
    assert_eq!(
        text,
        r#"prod "a]\: host h03 failed (3-1); It was last heard 12 s ago on hb0 and hb1. Its 31 protected VMs are being restarted."#
    );
}

fn toml(to: &str) -> String {
    format!("kind = 'syslog'\nname = 'siem'\nto = '{to}'\nhostname = 'h01'\ntimeout_s = 2\n")
}

#[test]
fn a_line_goes_to_a_unix_socket() {
    let folder = Folder::new();
    let socket = UnixDatagram::bind(folder.path("log")).expect("bound");
    socket.set_read_timeout(Some(PATIENCE)).expect("set");
    opened(&toml(&folder.path("log"))).deliver(&message()).expect("delivered");
    let mut datagram = [0; 9000];
    let length = socket.recv(&mut datagram).expect("a datagram");
    check(std::str::from_utf8(&datagram[..length]).expect("UTF-8"));
}

#[test]
fn a_line_goes_over_udp_and_is_cut_to_what_receivers_take() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
    socket.set_read_timeout(Some(PATIENCE)).expect("set");
    let channel = opened(&toml(&format!("udp://{}", socket.local_addr().expect("bound"))));
    channel.deliver(&message()).expect("delivered");
    let mut datagram = [0; 9000];
    let length = socket.recv(&mut datagram).expect("a datagram");
    check(std::str::from_utf8(&datagram[..length]).expect("UTF-8"));

    let mut long = alert("]".repeat(255).as_str());
    long.pool = "\"".repeat(255);
    long.detail = "ü".repeat(5000);
    channel.deliver(&Message::Alert { alert: long }).expect("delivered");
    let length = socket.recv(&mut datagram).expect("a datagram");
    let line = std::str::from_utf8(&datagram[..length]).expect("UTF-8");
    assert!(line.len() <= 2048 && line.ends_with("..."), "{} bytes", line.len());
    assert!(line.contains("recovered=\"false\"] \u{feff}"), "the structured data is whole: {line}");
}

#[test]
fn a_line_goes_over_tcp_with_its_octets_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let to = format!("tcp://{}", listener.local_addr().expect("bound"));
    let reader = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody calls");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("UTF-8");
        text
    });
    opened(&toml(&to)).deliver(&message()).expect("delivered");
    let text = reader.join().expect("read");
    let (count, line) = text.split_once(' ').expect("a count");
    assert_eq!(count, line.len().to_string());
    check(line);
}

#[test]
fn a_receiver_that_is_not_there_is_named() {
    let folder = Folder::new();
    let gone = folder.path("log");
    let closed = TcpListener::bind("127.0.0.1:0").expect("bound").local_addr().expect("bound");
    for (to, why) in [(gone, "No such file"), (format!("tcp://{closed}"), "refused")] {
        let failure = opened(&toml(&to)).test().expect_err("nobody is there");
        assert!(failure.reason.contains(&to) && failure.reason.contains(why), "{failure}");
    }
}

#[test]
fn the_local_format_has_no_structured_data() {
    let folder = Folder::new();
    let socket = UnixDatagram::bind(folder.path("log")).expect("bound");
    socket.set_read_timeout(Some(PATIENCE)).expect("set");
    let toml = toml(&folder.path("log")) + "format = 'local'\nfacility = 'local3'\n";
    opened(&toml).test().expect("delivered");
    let mut datagram = [0; 9000];
    let length = socket.recv(&mut datagram).expect("a datagram");
    let line = std::str::from_utf8(&datagram[..length]).expect("UTF-8");
    let end = format!(
        " lifeboat[{}]: Lifeboat test message for channel siem: nothing has happened",
        std::process::id()
    );
    assert!(line.starts_with("<158>") && line.ends_with(&end), "{line}");
}

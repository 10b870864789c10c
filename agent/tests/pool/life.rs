//! How a pool forms, leads, and takes back an agent that was gone for a moment.
use super::harness::{Pool, SOON, T, hold, wait};
use lifeboat_agent::socket::{Ask, client};
use rustix::process::Signal;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Command;

#[test]
fn three_hosts_form_a_pool_with_armed_watchdogs_and_one_coordinator() {
    let pool = Pool::formed(3);
    assert!(pool.hosts.iter().all(|host| host.watchdog().armed), "nobody is a member unarmed");
    let leader = pool.leader(0);
    wait("the leader's service began a term", || pool.hosts[leader].service_log().contains("begin"));
    for (position, host) in pool.hosts.iter().enumerate() {
        let log = host.service_log();
        assert!(log.starts_with(&format!("hello {position}\n")), "the first thing that it hears: {log}");
        assert_eq!(log.contains("begin"), position == leader, "one host leads: {log}");
        wait("every service knows who leads", || {
            host.service_log().contains(&format!("leader Some({leader})"))
        });
    }
    hold(T * 2, "all are members, and nobody was reset", || {
        pool.hosts.iter().all(|host| host.is_member() && !host.watchdog().bitten)
    });
}

#[test]
fn a_killed_agent_that_comes_back_at_once_takes_its_place_again_and_nobody_is_fenced() {
    let mut pool = Pool::formed(3);
    let boot = pool.hosts[1].status()["boot"].clone();
    for process in 2..5 {
        pool.hosts[1].kill();
        pool.hosts[1].start();
        wait("it is a member again", || pool.hosts[1].is_member());
        let status = pool.hosts[1].status();
        assert_eq!((&status["boot"], &status["process"]), (&boot, &process.into()));
    }
    for host in &pool.hosts {
        assert!(!host.watchdog().bitten, "the time that its watchdog had left was enough");
        assert!(!host.path("reset").exists());
    }
    assert_eq!(pool.standing(0, 1), "member");
}

#[test]
fn a_second_agent_on_the_same_state_is_refused_and_the_first_goes_on() {
    let mut pool = Pool::new(1);
    pool.hosts[0].start();
    wait("it answers", || pool.hosts[0].phase() != "silent");
    let second = Command::new(env!("CARGO_BIN_EXE_lifeboat-agent"))
        .arg("--config")
        .arg(pool.hosts[0].config())
        .arg("run")
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(!second.status.success() && said.contains("an agent runs already"), "{said}");
    assert_ne!(pool.hosts[0].phase(), "silent");
}

#[test]
fn the_socket_is_nobody_elses_and_nonsense_is_answered_with_a_fault() {
    let mut pool = Pool::new(1);
    pool.hosts[0].start();
    wait("it answers", || pool.hosts[0].phase() != "silent");
    let path = pool.hosts[0].path("run/agent.sock");
    let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let stream = UnixStream::connect(&path).expect("it listens");
    let mut lines = BufReader::new(stream.try_clone().expect("it can be doubled"));
    for (question, expected) in [
        ("nonsense", "\"error\""),
        (r#"{"ask":"dance"}"#, "\"error\""),
        (r#"{"ask":"disarm","lasts_s":"long"}"#, "\"error\""),
        (r#"{"ask":"confirm-dead","host":"h0"}"#, "is this host"),
        (r#"{"ask":"confirm-dead","host":"h9"}"#, "no host"),
        (r#"{"ask":"status"}"#, "\"ok\""),
    ] {
        (&stream).write_all(format!("{question}\n").as_bytes()).expect("it takes it");
        let mut answer = String::new();
        lines.read_line(&mut answer).expect("it answers");
        assert!(answer.contains(expected), "{question}: {answer}");
    }
    // A question without an end is cut off, and others are served.
    let endless = UnixStream::connect(&path).expect("it listens");
    endless.set_read_timeout(Some(SOON)).expect("it can be set");
    let cut_off = match (&endless).write_all(&vec![b'x'; 1 << 20]).and_then(|()| (&endless).read(&mut [0])) {
        Ok(read) => read == 0,
        Err(fault) => [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset].contains(&fault.kind()),
    };
    assert!(cut_off, "nobody reads on for ever");
    assert_ne!(pool.hosts[0].phase(), "silent");
}

#[test]
fn a_host_that_leaves_is_not_missed_and_its_watchdog_is_off() {
    let mut pool = Pool::formed(3);
    let left = Command::new(env!("CARGO_BIN_EXE_lifeboat-agent"))
        .arg("--config")
        .arg(pool.hosts[2].config())
        .arg("leave")
        .output()
        .expect("it starts");
    assert!(left.status.success(), "{left:?}");
    assert!(pool.hosts[2].watchdog().disarmed);
    pool.hosts[2].kill();
    wait("the others know", || pool.standing(0, 2) == "out");
    hold(T * 2, "the others go on", || pool.hosts[0].is_member() && pool.hosts[1].is_member());
    assert!(!pool.hosts[2].watchdog().bitten);
}

#[test]
fn a_service_that_dies_while_it_leads_ends_the_term_and_a_follower_takes_its_place() {
    let pool = Pool::formed(3);
    let leader = pool.leader(0);
    wait("it leads", || pool.hosts[leader].service_log().contains("begin"));
    let service = |host: usize| pool.hosts[host].status()["threads"]["service"]["pid"].as_i64();
    let before = service(leader).expect("it has a service");
    let pid =
        rustix::process::Pid::from_raw(i32::try_from(before).expect("a process number")).expect("not 0");
    rustix::process::kill_process(pid, Signal::KILL).expect("it runs");
    wait("a new one runs", || service(leader).is_some_and(|now| now != before));
    let begun = |host: usize| pool.hosts[host].service_log().matches("begin").count();
    wait("another term began", || (0..3).map(begun).sum::<usize>() >= 2);
    assert!(
        pool.hosts.iter().all(|host| host.is_member() && !host.watchdog().bitten),
        "and nobody was fenced for that"
    );
}

#[test]
fn what_concerns_the_pool_is_asked_of_the_leader_and_refused_by_others_with_its_name() {
    let pool = Pool::formed(3);
    let leader = pool.leader(0);
    let other = (leader + 1) % 3;
    let ask = |host: usize, what: &Ask| client::ask(&pool.hosts[host].path("run/agent.sock"), what);
    let refused = ask(other, &Ask::RotateKey).expect_err("it does not lead").to_string();
    assert!(refused.contains(&format!("h{leader} leads")), "{refused}");
    let keys = || -> Vec<_> {
        pool.hosts[0].status()["hosts"]
            .as_array()
            .expect("hosts")
            .iter()
            .map(|host| host["newest_key"].as_u64())
            .collect()
    };
    let before = keys()[leader.max(1)];
    ask(leader, &Ask::RotateKey).expect("it leads");
    wait("all others hold the new key", || keys().iter().skip(1).all(|key| *key > before));
    wait("and all keep it", || {
        pool.hosts.iter().all(|host| {
            let kept = std::fs::read_to_string(host.path("state/keys.json")).expect("it is there");
            kept.matches("\"epoch\"").count() == 2 && !kept.contains("\"sending\": 1,")
        })
    });
    let disarmed = || pool.hosts.iter().all(|host| host.status()["disarmed"] == true);
    ask(leader, &Ask::Disarm { lasts_s: 600 }).expect("it leads");
    wait("all are disarmed", disarmed);
    ask(leader, &Ask::Arm).expect("it leads");
    wait("all are armed", || {
        pool.hosts.iter().all(|host| host.status()["disarmed"] == false && host.is_member())
    });
}

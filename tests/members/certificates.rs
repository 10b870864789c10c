//! Certificates that end, and an authority that is replaced.
use super::host::Host;
use super::pool::Pool;
use lifeboat_tests::clock;
use serde_json::json;
use std::time::Duration;

fn certificates(pem: &str) -> Vec<&str> {
    pem.split_inclusive("-----END CERTIFICATE-----").map(str::trim).filter(|one| !one.is_empty()).collect()
}

/// Who signed a host's certificate.
fn signer(host: &Host) -> String {
    let chain = host.read("etc/tls/host.pem");
    certificates(&chain).get(1).map(|one| (*one).to_owned()).unwrap_or_default()
}

#[test]
fn hosts_have_their_next_certificates_before_the_first_ones_end_and_serve_with_them() {
    let begun = clock::now();
    let lives = Duration::from_secs(45);
    // A machine that stands still for two seconds, with T = 3 s, would end a term.
    let pool = Pool::of(2, &["--certificates-live", "45", "--timeout", "15"]);
    let first: Vec<String> = pool.hosts.iter().map(|host| host.read("etc/tls/host.pem")).collect();
    let term = pool.hosts[0].status()["term"].clone();
    pool.wait("both have their next certificates", || {
        pool.hosts.iter().zip(&first).all(|(host, first)| host.read("etc/tls/host.pem") != *first)
    });
    // The second host's came later than the first one's.
    let joined = clock::now();
    pool.wait("the first certificates have ended", || {
        begun.elapsed() > lives && joined.elapsed() > lives / 2
    });
    pool.wait("the service proves itself by the next one", || pool.ask("GET", "/summary", None).is_some());
    assert_eq!(pool.hosts[0].status()["term"], term, "and the coordinator was not begun anew for that");
    assert!(pool.hosts.iter().all(Host::is_member));
}

#[test]
fn another_authority_takes_the_place_of_the_first_whoever_leads_and_waits_for_a_host_that_is_off() {
    let mut pool = Pool::of(3, &[]);
    let old = pool.hosts[0].read("etc/tls/authorities.pem");
    pool.hosts[2].kill();
    pool.wait("h3 is known to run nothing", || pool.standing(0, 2) == "fenced");
    pool.wait("the change begins", || {
        pool.ask("POST", "/actions/rotate-authority", Some(&json!({}))).is_some()
    });
    pool.wait("the others believe both", || {
        pool.hosts[..2].iter().all(|host| certificates(&host.read("etc/tls/authorities.pem")).len() == 2)
    });
    // Whoever leads falls.
    let leader = pool.leader().name.clone();
    let leads = pool.hosts.iter().position(|host| host.name == leader).expect("it is one of them");
    pool.hosts[leads].kill();
    pool.hosts[leads].start();
    pool.wait("both are members", || pool.hosts[..2].iter().all(Host::is_member));
    assert!(
        pool.hosts[..2].iter().all(|host| signer(host) == old.trim()),
        "h3 does not believe the new one yet"
    );
    pool.hosts[2].switch_on();
    pool.wait("all have certificates of the new one, and believe nobody else", || {
        pool.hosts.iter().all(|host| {
            let believed = host.read("etc/tls/authorities.pem");
            certificates(&believed).len() == 1 && believed != old && signer(host) == believed.trim()
        })
    });
    pool.wait("services prove themselves by the new one", || pool.ask("GET", "/summary", None).is_some());
    pool.wait("and by the old one no more", || {
        let leader = pool.leader();
        pool.ask_believing(&old, leader, "GET", "/summary", None).is_none()
    });
    let fourth = pool.joins();
    pool.wait("a newcomer gets one of the new authority's", || pool.hosts[fourth].is_member());
    assert_eq!(signer(&pool.hosts[fourth]), signer(&pool.hosts[0]));
}

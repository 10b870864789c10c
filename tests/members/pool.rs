//! A pool of such hosts, and an operator who asks its services.
use super::host::Host;
use lifeboat_tests::clock;
use lifeboat_tests::program::program;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};

/// Beyond this on a busy machine something does not happen any more.
pub(super) const SOON: Duration = Duration::from_secs(90);

/// A pool.
pub(super) struct Pool {
    pub(super) hosts: Vec<Host>,
    token: String,
    folder: tempfile::TempDir,
}

impl Pool {
    /// A pool of one host, which leads.
    pub(super) fn founded(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("there is room");
        let token = folder.path().join("admin-token");
        let made = Command::new(program()).args(["config", "bootstrap-token"]).arg(&token).output();
        assert!(made.is_ok_and(|made| made.status.success()), "a token is made");
        let token = fs::read_to_string(token).expect("it was made").trim().to_owned();
        let disk = folder.path().join("disk");
        fs::write(&disk, b"").expect("there is room");
        let disk = disk.display();
        let (medium, metadata) =
            (format!("statefile:{disk}"), format!("volume:{disk}?offset=4194304&length=33554432"));
        let mut first = Host::new(folder.path(), 1);
        let words = ["init", "--medium", &medium, "--metadata", &metadata];
        let timeout: &[&str] = if more.contains(&"--timeout") { &[] } else { &["--timeout", "3"] };
        first.enrolled(first.enrolling(&[&words[..], timeout, more].concat()));
        first.switch_on();
        let pool = Self { hosts: vec![first], token, folder };
        pool.wait("the first host leads", || pool.ask("GET", "/summary", None).is_some());
        pool
    }

    /// Such a pool, grown to so many hosts, all of them members.
    pub(super) fn of(hosts: usize, more: &[&str]) -> Self {
        let mut pool = Self::founded(more);
        for _ in 1..hosts {
            let joined = pool.joins();
            pool.wait(&format!("h{} is a member", joined + 1), || pool.hosts[joined].is_member());
        }
        pool
    }

    /// A host more joins, and is switched on; its position.
    pub(super) fn joins(&mut self) -> usize {
        self.join_at_once(1)
    }

    /// So many hosts more join at one moment, and are switched on at once; the position of the first of them.
    pub(super) fn join_at_once(&mut self, hosts: usize) -> usize {
        let first = self.hosts.len();
        let mut newcomers: Vec<Host> =
            (0..hosts).map(|host| Host::new(self.folder.path(), first + host + 1)).collect();
        let server = self.leader().url();
        let tokens: Vec<String> = newcomers.iter().map(|host| self.invite(&host.name)).collect();
        let enrolling: Vec<_> =
            newcomers.iter().zip(&tokens).map(|(host, token)| host.joining(&server, token)).collect();
        for (host, enrolling) in newcomers.iter_mut().zip(enrolling) {
            host.enrolled(enrolling);
            host.switch_on();
        }
        self.hosts.append(&mut newcomers);
        first
    }

    fn invite(&self, host: &str) -> String {
        let mut token = None;
        self.wait("the service invites", || {
            token = self.ask("POST", "/invitations", Some(&json!({ "host": host })));
            token.is_some()
        });
        token.and_then(|made| made["token"].as_str().map(str::to_owned)).expect("a token")
    }

    /// The host that leads.
    pub(super) fn leader(&self) -> &Host {
        let mut leads = None;
        self.wait("somebody leads", || {
            leads = self.hosts.iter().position(|host| self.ask_one(host, "GET", "/summary", None).is_some());
            leads.is_some()
        });
        &self.hosts[leads.expect("it was waited for")]
    }

    /// What whoever leads answers to this about the pool, if it says yes.
    pub(super) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Value> {
        self.hosts.iter().find_map(|host| self.ask_one(host, method, path, body))
    }

    /// The same of one host.
    pub(super) fn ask_one(
        &self,
        host: &Host,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Option<Value> {
        let authorities = host.read("etc/tls/authorities.pem");
        self.ask_believing(&authorities, host, method, path, body)
    }

    /// The same, if it proves itself by one of these authorities.
    pub(super) fn ask_believing(
        &self,
        authorities: &str,
        host: &Host,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Option<Value> {
        let roots: Vec<Certificate<'static>> = ureq::tls::parse_pem(authorities.as_bytes())
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        let tls = TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(roots))).build();
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).tls_config(tls);
        let agent = config.timeout_global(Some(Duration::from_secs(10))).build().new_agent();
        let url = format!("{}/v1/pools/p{path}", host.url());
        let request = ureq::http::Request::builder().method(method).uri(url);
        let request = request
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json");
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut answer = agent.run(request.body(body).expect("a request")).ok()?;
        let text = answer.body_mut().read_to_string().ok()?;
        answer.status().is_success().then(|| serde_json::from_str(&text).unwrap_or_default())
    }

    /// Waits until something is so.
    pub(super) fn wait(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let begun = clock::now();
        while !is_so() {
            if begun.elapsed() > SOON {
                let logs: Vec<String> = self
                    .hosts
                    .iter()
                    .map(|host| format!("--- {}\n{}\n{}", host.name, host.status(), host.log()))
                    .collect();
                panic!("after {SOON:?} it is still not so that {what}\n{}", logs.join("\n"));
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// How `host` stands by what `by` says.
    pub(super) fn standing(&self, by: usize, host: usize) -> Value {
        let name = &self.hosts[host].name;
        let status = self.hosts[by].status();
        let hosts = status["hosts"].as_array().cloned().unwrap_or_default();
        hosts
            .iter()
            .find(|line| line["host"] == **name)
            .map(|line| line["standing"].clone())
            .unwrap_or_default()
    }
}

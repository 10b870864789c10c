//! What to do next, by kind of alert: a line or two that help somebody who has just been woken.
use crate::{Alert, Subject};
use std::fmt::Write;

/// What each kind is, and the first things to do. [docs/alerts.md](../../../docs/alerts.md) has the same kinds.
pub const KINDS: [(&str, &[&str]); 25] = [
    (
        "host-failed",
        &[
            "1. Lifeboat makes sure that nothing runs there and restarts its protected VMs elsewhere; wait for host-fenced.",
            "2. See what is left to restart: lifeboat vm list --pool {pool} --state pending",
            "3. Look at the host by its BMC. Do not power it on before you know why it went.",
        ],
    ),
    (
        "host-fenced",
        &[
            "1. Its protected VMs are being restarted: lifeboat host show {host} --pool {pool}",
            "2. Mend the host at leisure; it rejoins by itself when it boots.",
        ],
    ),
    ("host-rejoined", &["Nothing: the host takes VMs again."]),
    (
        "host-quarantined",
        &[
            "1. The host came and went several times; it takes no VMs for a while, and nothing is planned on it.",
            "2. Look at its power, its memory and its links before it is trusted again.",
        ],
    ),
    (
        "host-state-unknown",
        &[
            "1. The host is alive, but does not say what runs there: its hypervisor hangs.",
            "2. Restart the hypervisor's daemon there; VMs go on running meanwhile.",
        ],
    ),
    (
        "statefile-lost",
        &[
            "1. VMs go on running, but while no host has the statefile, nothing can be restarted elsewhere.",
            "2. Look at the storage and its paths. Do not restart hosts or agents: that would make it worse.",
        ],
    ),
    ("statefile-back", &["Nothing: failover works again."]),
    (
        "overcommitted",
        &[
            "1. A further host failure can leave protected VMs down. See which: lifeboat explain --pool {pool}",
            "2. See what would mend it (migrations, VMs to stop, memory to add): lifeboat plan --pool {pool} --remedies",
            "3. Or bring a standby host on line.",
        ],
    ),
    ("overcommitted-cleared", &["Nothing: the target is proven again."]),
    (
        "tolerance-dropped",
        &[
            "1. Fewer host failures are survivable than before. See why: lifeboat explain --pool {pool}",
            "2. Bring hosts back, or bring a standby host on line.",
        ],
    ),
    ("tolerance-recovered", &["Nothing."]),
    (
        "vm-restart-failed",
        &[
            "1. A protected VM is down. See why on each host: lifeboat vm diagnose {vm} --pool {pool}",
            "2. Lifeboat goes on trying, at once when room appears.",
        ],
    ),
    (
        "vm-not-agile",
        &[
            "1. No other host could run this protected VM. See why: lifeboat vm diagnose {vm} --pool {pool}",
            "2. Attach the storage or network elsewhere, or take its protection away.",
        ],
    ),
    (
        "vm-runs-twice",
        &[
            "1. A VM runs on two hosts and may be damaging its disks. Stop it on ONE of them now.",
            "2. Then find out who started it; check its file systems.",
        ],
    ),
    ("vm-runs-unasked", &["1. Somebody else started this VM. It is left alone; find out who did."]),
    (
        "rule-broken",
        &[
            "1. VMs run together that should not, or apart that should run together.",
            "2. Migrate one of them when it suits you.",
        ],
    ),
    (
        "coordinator-moved",
        &["1. Another host decides now. If nobody asked for it, look at the host that did before."],
    ),
    (
        "brake-applied",
        &[
            "1. Many hosts failed at once, and restarts are held: is it the hosts, or the network between them?",
            "2. If the hosts are dead indeed: lifeboat host confirm-dead {host} --pool {pool}",
        ],
    ),
    (
        "timeout-approaching",
        &[
            "1. A host or its statefile has been silent for more than half of the timeout. It may be fenced soon.",
            "2. Look at its network, its storage and its load.",
        ],
    ),
    (
        "plan-refused",
        &[
            "1. The checker refused a restart plan; a plainer one is used. Report this: it is a defect of Lifeboat.",
        ],
    ),
    ("evacuation-stalled", &["1. A VM finds no other place: lifeboat host evacuation {host} --pool {pool}"]),
    ("alerts-lost", &["1. A channel could not tell some alerts: lifeboat alert channels"]),
    (
        "store-failing",
        &["1. Changes cannot be made durable and are refused: look at the store's disk, or at etcd."],
    ),
    ("forced-change", &["1. Somebody forced a change that makes matters worse: lifeboat audit"]),
    ("test", &["Nothing: it is a test."]),
];

/// What to do next about an alert: commands name its pool and its subject, quoted for a shell.
pub(crate) fn of(alert: &Alert) -> Vec<String> {
    let known = KINDS.iter().find(|(known, _)| *known == alert.kind);
    let steps =
        known.map_or(&["See what goes on: lifeboat alert list --pool {pool}"] as &[&str], |(_, steps)| steps);
    let (mut host, mut vm) = ("HOST".to_owned(), "VM".to_owned());
    match &alert.subject {
        Subject::Host(id) => host = quoted(id),
        Subject::Vm(id) => vm = quoted(id),
        Subject::Pool | Subject::Group(_) => {}
    }
    let pool = quoted(&alert.pool);
    let filled = |step: &&str| step.replace("{pool}", &pool).replace("{host}", &host).replace("{vm}", &vm);
    steps.iter().map(filled).collect()
}

/// A name as one word of a shell's command, whatever it contains: people copy commands from mails.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    if !name.is_empty() && name.chars().all(plain) && !name.starts_with('-') {
        return name.to_owned();
    }
    format!("'{}'", name.replace('\'', r"'\''"))
}

/// A link with what it leaves open filled in, for use in a URL.
pub(crate) fn link(template: &str, alert: &Alert) -> String {
    let filled = template.replace("{pool}", &encoded(&alert.pool));
    filled.replace("{id}", &encoded(&alert.id)).replace("{kind}", &encoded(&alert.kind))
}

fn encoded(text: &str) -> String {
    let mut url = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

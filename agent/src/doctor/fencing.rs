//! Other hosts' power switches: whether each answers from here, before one of those hosts is in need of it. Only their `status` is asked.
use super::{Finding, Subject};
use crate::fence::external::device::{self, Action, Answer, Device};
use crate::hypervisor::command;
use lifeboat_link::Roster;
use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

/// How long a switch may take to say whether its host is on; one that is asked more of has longer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

pub(super) fn look(subject: &Subject, roster: Option<&Roster>) -> Vec<Finding> {
    let mut devices: Vec<Device> = subject.fence_agents.iter().map(Device::from).collect();
    for device in &mut devices {
        device.limit = ANSWERS_WITHIN;
    }
    let answers = ask_all(&devices);
    let mut findings = Vec::new();
    for ((configured, device), answer) in subject.fence_agents.iter().zip(&devices).zip(&answers) {
        let check = format!("fencing {}", configured.host);
        findings.push(judge(&check, device, answer));
        for path in device.exposed() {
            findings.push(Finding::warn(
                &check,
                format!("others than its owner can read {}", path.display()),
                format!("chmod 600 {}", path.display()),
            ));
        }
        if roster.is_some_and(|roster| roster.find(&configured.host).is_none()) {
            findings.push(Finding::warn(
                &check,
                "the pool has no host of this name",
                "let it join, or mend the name in [[fence.agent]]",
            ));
        }
    }
    findings
}

/// What each says; those in one lane one after the other, since a switch that two ask at once refuses one of them.
fn ask_all(devices: &[Device]) -> Vec<Answer> {
    let mut lanes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (position, lane) in device::lanes(devices).into_iter().enumerate() {
        lanes.entry(lane).or_default().push(position);
    }
    let ask = |of: Vec<usize>| -> Vec<(usize, Answer)> {
        of.into_iter().map(|position| (position, devices[position].run(Action::Status, &|| false))).collect()
    };
    let mut answers: BTreeMap<usize, Answer> = thread::scope(|scope| {
        let asking: Vec<_> = lanes.into_values().map(|of| scope.spawn(move || ask(of))).collect();
        asking.into_iter().filter_map(|lane| lane.join().ok()).flatten().collect()
    });
    let silent = || Answer::Unknown("it could not be asked".to_owned());
    (0..devices.len()).map(|position| answers.remove(&position).unwrap_or_else(silent)).collect()
}

fn judge(check: &str, device: &Device, answer: &Answer) -> Finding {
    let agent = &device.agent;
    if !command::is_installed(agent) {
        return Finding::warn(check, format!("{agent} is not installed"), "apt-get install fence-agents");
    }
    match answer {
        Answer::IsOn => Finding::ok(check, format!("{agent} says that it is on")),
        Answer::IsOff => Finding::ok(check, format!("{agent} says that it is off")),
        Answer::Done => Finding::warn(check, format!("{agent} answers what was not asked"), MEND),
        Answer::Unknown(why) => Finding::warn(check, why, MEND),
    }
}

const MEND: &str = "mend its [[fence.agent]]: until then this host cannot be switched off from here";

//! Limits of the process and of memory.
use super::{Finding, read};
use rustix::process::{Resource, getrlimit};
use std::path::Path;

/// What an agent locks at most.
const LOCKED: u64 = 64 << 20;

/// `CAP_IPC_LOCK`, for which the limit does not hold.
fn may_lock(proc: &Path) -> bool {
    const IPC_LOCK: u32 = 14;
    let status = read(&proc.join("self/status")).unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    effective.is_some_and(|bits| bits >> IPC_LOCK & 1 == 1)
}

pub(super) fn look(proc: &Path) -> Vec<Finding> {
    let mut findings = vec![match getrlimit(Resource::Memlock).maximum {
        _ if may_lock(proc) => Finding::ok("locked memory", "this user may lock any amount"),
        Some(most) if most < LOCKED => Finding::warn(
            "locked memory",
            format!("at most {} MiB", most >> 20),
            "LimitMEMLOCK=infinity in the agent's unit: it must not wait for pages while memory is short",
        ),
        _ => Finding::ok("locked memory", "enough may be locked"),
    }];
    let meminfo = read(&proc.join("meminfo")).unwrap_or_default();
    let number = |key: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim_start_matches(':').split_ascii_whitespace().next()?.parse::<u64>().ok()
    };
    if let (Some(total), Some(free)) = (number("HugePages_Total"), number("HugePages_Free"))
        && total > 0
    {
        findings.push(Finding::ok(
            "huge pages",
            format!("{free} of {total} are free: VMs that need them fit into these only"),
        ));
    }
    if number("SwapTotal").is_some_and(|kib| kib > 0) {
        findings.push(Finding::ok("swap", "there is some; the agent's own memory is locked"));
    }
    findings
}

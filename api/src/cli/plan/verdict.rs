//! The verdict for people: bounds first, then the target, then why not more, then what needs attention.
use crate::cli::obstacles::{host_of, why_nowhere};
use crate::cli::style::{BAD, GOOD, OPEN, QUIET, STRONG, count, elapsed, names, section, styled, wrapped};
use crate::dto::verdict::{
    BoundsAnswer, LimitedByWord, NotionWord, PlanAnswer, StoppedByWord, TargetStatusWord, WitnessAnswer,
};
use lifeboat_model::Pool;
use lifeboat_planner::Assessment;
use std::fmt::Write as _;

pub(super) fn text(
    pool: &Pool,
    assessment: &Assessment,
    answer: &PlanAnswer<'_>,
    width: Option<u16>,
) -> String {
    let mut text = format!(
        "{}  {}, {}, {} protected\n\n",
        styled(STRONG, answer.pool),
        count(answer.hosts, "host"),
        count(answer.vms, "VM"),
        answer.protected,
    );
    bounds(&mut text, answer);
    target(&mut text, answer);
    if let Some(witness) = &answer.witness {
        why_not_more(&mut text, witness, width);
    }
    attention(&mut text, pool, assessment, answer, width);
    let _ = writeln!(text, "\n{}", styled(QUIET, format_args!("{} of search", elapsed(answer.elapsed_us))));
    text
}

fn bounds(text: &mut String, answer: &PlanAnswer<'_>) {
    let lines =
        [("at once", &answer.tolerance.simultaneous), ("one after another", &answer.tolerance.sequential)];
    for (notion, bounds) in lines {
        let _ = writeln!(text, "  {notion:<19}{}", bound(bounds));
    }
    let limit = match answer.tolerance.limited_by {
        LimitedByWord::Capacity => return,
        LimitedByWord::EtcdQuorum => {
            "more failures would take the quorum of etcd, whose members are on these hosts"
        }
        LimitedByWord::Majority => {
            "more failures would not leave a strict majority, which storage_loss asks for"
        }
        LimitedByWord::Brake => "at more failures the brake holds all restarts",
    };
    let _ = writeln!(text, "  {:<19}{limit}", "limited by");
}

/// One notion in words: what is survived, what is not, what is open and why.
fn bound(bounds: &BoundsAnswer) -> String {
    let survived = match bounds.proven {
        None => return format!("{}: pending VMs cannot all be placed", styled(BAD, "broken")),
        Some(0) => styled(OPEN, "no failure is proven survivable"),
        Some(1) => styled(GOOD, "any 1 host failure is survived"),
        Some(proven) => styled(GOOD, format_args!("any {proven} host failures are survived")),
    };
    let proven = bounds.proven.unwrap_or(0);
    match (bounds.refuted, bounds.stopped_by) {
        (None, None) => format!("{survived}, which are all there can be"),
        (Some(refuted), None) => format!("{survived}, some {refuted} are not"),
        (None, Some(stopped)) => {
            format!("{survived}, {} from {} on ({})", styled(OPEN, "open"), proven + 1, limit(stopped))
        }
        (Some(refuted), Some(stopped)) => {
            let open = if refuted == proven + 2 {
                format!("{}", proven + 1)
            } else {
                format!("{} to {}", proven + 1, refuted - 1)
            };
            format!(
                "{survived}, {open} {} ({}), some {refuted} are not",
                styled(OPEN, "open"),
                limit(stopped)
            )
        }
    }
}

fn limit(stopped: StoppedByWord) -> &'static str {
    match stopped {
        StoppedByWord::Max => "no more were asked about",
        StoppedByWord::Time => "the time limit stopped the search",
        StoppedByWord::Work => "the work limit stopped the search",
    }
}

fn target(text: &mut String, answer: &PlanAnswer<'_>) {
    let notion = notion(answer.guarantee);
    let wanted = if answer.effective_target == answer.target {
        format!("{} {notion}", answer.target)
    } else {
        let maintenance = answer.target - answer.effective_target;
        format!("{} {notion} ({} less {maintenance} in maintenance)", answer.effective_target, answer.target)
    };
    let status = match answer.target_status {
        TargetStatusWord::Proven if answer.overcommitted => styled(BAD, "overcommitted"),
        TargetStatusWord::Proven => styled(GOOD, "proven"),
        TargetStatusWord::Refuted => styled(BAD, "refuted, the pool is overcommitted"),
        TargetStatusWord::Open => styled(OPEN, "open, which counts as overcommitted"),
    };
    let _ = writeln!(text, "  {:<19}{wanted}: {status}", "target");
}

pub(super) fn notion(notion: NotionWord) -> &'static str {
    match notion {
        NotionWord::Simultaneous => "at once",
        NotionWord::Sequential => "one after another",
    }
}

fn why_not_more(text: &mut String, witness: &WitnessAnswer<'_>, width: Option<u16>) {
    let hosts = names(&witness.failed_hosts, 12);
    let vms = names(&witness.vms, 8);
    let fails = if witness.failed_hosts.len() == 1 { "fails" } else { "fail" };
    let sentence = if witness.failed_hosts.is_empty() {
        format!("{vms} cannot be placed: {}", witness.reason)
    } else if witness.failed_hosts.len() < witness.n as usize {
        format!("once {hosts} {fails}, no policy survives what can follow: {}", witness.reason)
    } else if witness.vms.is_empty() {
        format!("if {hosts} {fails}: {}", witness.reason)
    } else {
        let cannot = if witness.vms.len() == 1 { "cannot be placed" } else { "cannot all be placed" };
        format!("if {hosts} {fails}, {vms} {cannot}: {}", witness.reason)
    };
    let heading = if witness.n == 0 {
        "Why broken".to_owned()
    } else {
        format!("Why not {} {}", witness.n, notion(witness.notion))
    };
    let _ = writeln!(text, "\n{}\n{}", styled(STRONG, heading), wrapped(&sentence, width));
}

/// Everything that somebody should look at, each under its heading, where there is any.
fn attention(
    text: &mut String,
    pool: &Pool,
    assessment: &Assessment,
    answer: &PlanAnswer<'_>,
    width: Option<u16>,
) {
    let unprotectable = assessment
        .unprotectable
        .iter()
        .map(|&vm| [pool.vm_id(vm).to_owned(), host_of(pool, vm), why_nowhere(pool, vm)]);
    section(text, "Unprotectable", ["VM", "on", "why nowhere else"], unprotectable, width);
    let unplaced = answer.pending_unplaced.iter().map(|unplaced| {
        [unplaced.vm.to_owned(), unplaced.reason_code.to_owned(), unplaced.reason.to_owned()]
    });
    section(text, "Pending without a place", ["VM", "code", "why"], unplaced, width);
    let pending =
        answer.pending_placement.iter().map(|placed| [placed.vm.to_owned(), placed.host.to_owned()]);
    section(text, "Pending, to be started", ["VM", "on"], pending, width);
    let over_full = answer
        .over_full
        .iter()
        .map(|over| [over.host.to_owned(), over.resource.to_owned(), over.by.to_string()]);
    section(text, "Over-full", ["host", "resource", "lacking"], over_full, width);
    let broken = answer.broken_rules.iter().map(|broken| [broken.group.to_owned(), names(&broken.vms, 2)]);
    section(text, "Rules broken now, and let be", ["rule", "by"], broken, width);
}

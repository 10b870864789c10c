//! The verdict for people: bounds first, then the target, then why not more, then what needs attention.
use crate::cli::obstacles::why_unprotectable;
use crate::cli::style::{BAD, GOOD, OPEN, QUIET, STRONG, count, elapsed, names, section, styled, wrapped};
use crate::dto::agility::Unprotectable;
use crate::dto::verdict::{
    BoundsAnswer, LimitedByWord, NotionWord, PlanAnswer, StoppedByWord, TargetStatusWord, WitnessAnswer,
};
use std::fmt::Write as _;

pub(in crate::cli) fn text(answer: &PlanAnswer<'_>, width: Option<u16>) -> String {
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
    attention(&mut text, answer, width);
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
    let Some(proven) = bounds.proven else {
        return format!("{}, pending VMs cannot all be placed", styled(BAD, "broken"));
    };
    let survived = match (proven, bounds.refuted) {
        (0, Some(1)) => return styled(BAD, "not every single host failure is survived"),
        (0, _) => styled(OPEN, "no host failure is proven survivable"),
        (1, _) => styled(GOOD, "any 1 host failure is survived"),
        (_, _) => styled(GOOD, format_args!("any {proven} host failures are survived")),
    };
    let open = |range: String| {
        let why = bounds.stopped_by.map(|stopped| format!(" ({})", limit(stopped))).unwrap_or_default();
        format!("{range} {}{why}", styled(OPEN, "open"))
    };
    match bounds.refuted {
        None if bounds.stopped_by.is_none() => format!("{survived}, more hosts cannot fail"),
        None => format!("{survived}, {}", open(format!("{} and more", proven + 1))),
        Some(refuted) if refuted == proven + 1 => format!("{survived}, some {refuted} are not"),
        Some(refuted) if refuted == proven + 2 => {
            format!("{survived}, {}, some {refuted} are not", open((proven + 1).to_string()))
        }
        Some(refuted) => {
            let range = format!("{} to {}", proven + 1, refuted.saturating_sub(1));
            format!("{survived}, {}, some {refuted} are not", open(range))
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
    let cannot = if witness.vms.len() == 1 { "cannot be placed" } else { "cannot all be placed" };
    let sentence = if witness.failed_hosts.is_empty() {
        format!("{vms} {cannot}: {}", witness.reason)
    } else if witness.failed_hosts.len() < witness.n as usize || witness.vms.is_empty() {
        // The reason tells the whole story.
        witness.reason.to_owned()
    } else {
        format!("if {hosts} {fails}, {vms} {cannot}: {}", witness.reason)
    };
    let heading = match witness.n {
        0 => "Why broken".to_owned(),
        1 => "Why not 1".to_owned(),
        n => format!("Why not {n} {}", notion(witness.notion)),
    };
    let _ = writeln!(text, "\n{}\n{}", styled(STRONG, heading), wrapped(&sentence, width));
}

/// Everything that somebody should look at, each under its heading, where there is any.
fn attention(text: &mut String, answer: &PlanAnswer<'_>, width: Option<u16>) {
    let row =
        |vm: Unprotectable<'_>| [vm.vm.to_owned(), vm.host.unwrap_or("-").to_owned(), why_unprotectable(&vm)];
    let unprotectable: Vec<[String; 3]> = answer.unprotectable.iter().map(row).collect();
    section(text, "Unprotectable", ["VM", "on", "why nowhere else"], unprotectable.into_iter(), width);
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

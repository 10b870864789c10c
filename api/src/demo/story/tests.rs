//! Many happenings become one sentence, with the seconds since the blow that they follow from.
use super::*;
use crate::demo::pool::Recipe;
use lifeboat_protocol::evidence::EvidenceKind;

fn story() -> Story {
    let spec = Recipe { hosts: 16, vms: 64, seed: 1 }.pool();
    Story::new(Arc::new(Pool::new(&spec).expect("the recipe's pools are right")))
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn host(position: usize) -> HostIndex {
    HostIndex::new(position)
}

fn lost(at: Duration, position: usize) -> Happened {
    Happened { at, what: What::Known { host: host(position), known: Known::Lost } }
}

fn texts(story: &Story) -> Vec<String> {
    story.items().map(|item| item.text.clone()).collect()
}

fn kill() -> Action {
    Action::PowerOff { hosts: Vec::new() }
}

#[test]
fn hosts_that_share_a_fate_share_a_sentence() {
    let mut story = story();
    let happened: Vec<Happened> =
        (8..16).map(|position| lost(ms(1_000 + position as u64), position)).collect();
    story.take(ms(1_100), &happened);
    assert_eq!(texts(&story), [""; 0], "more of them may come");
    story.take(ms(1_400), &[lost(ms(1_390), 2)]);
    assert_eq!(texts(&story), ["the pool agrees on a liveset without h09 to h16 (8 hosts)"]);
    story.take(ms(3_000), &[]);
    assert_eq!(texts(&story).len(), 2);
}

#[test]
fn seconds_count_from_the_blow_to_the_host_and_else_from_the_first_that_is_not_overcome() {
    let mut story = story();
    story.said(ms(1_000), "kill h01", &kill(), &[host(0)]);
    let vm = story.pool.vm_indices().find(|vm| story.is_protected(*vm)).expect("most are");
    let cause = HaltCause::HostDown(DownCause::PowerLoss);
    let stopped = Line::VmStopped { vm, host: host(0), cause };
    story.take(ms(1_000), &[Happened { at: ms(1_000), what: What::Line(stopped) }]);
    story.said(ms(6_000), "kill h02", &kill(), &[host(1)]);
    let safe = |at, position| {
        let (about, kind) = (host(position), EvidenceKind::LeaseExpired);
        Happened { at, what: What::Line(Line::Evidence { at: host(5), about, kind }) }
    };
    story.take(ms(16_000), &[safe(ms(15_000), 0)]);
    story.take(ms(25_000), &[safe(ms(20_500), 1)]);
    let up = Line::VmRunning { vm, host: host(3) };
    story.take(ms(30_000), &[Happened { at: ms(26_000), what: What::Line(up) }]);
    let since: Vec<_> = story.items().map(|item| item.since.map(|since| since.as_millis())).collect();
    assert_eq!(since, [None, Some(0), None, Some(14_000), Some(14_500), Some(25_000)], "{:?}", texts(&story));
    story.said(ms(60_000), "kill h03", &kill(), &[host(2)]);
    story.take(ms(80_000), &[lost(ms(73_000), 9)]);
    let last = story.items().last().expect("there is one");
    assert_eq!(last.since, Some(ms(13_000)), "all was well before the last blow");
}

#[test]
fn a_verdict_is_told_when_it_has_changed_and_come_to_rest() {
    let verdict = |proven, overcommitted| Verdict {
        proven: Some(proven),
        refuted: Some(proven + 1),
        target: 2,
        effective_target: 2,
        overcommitted,
        witness: None,
        took: Duration::ZERO,
        revision: 1,
    };
    let mut story = story();
    let mut at = 0;
    let mut hears = |proven, overcommitted, for_ms: u64, story: &mut Story| {
        for _ in 0..for_ms / 100 {
            at += 100;
            story.verdict(ms(at), &verdict(proven, overcommitted));
            story.take(ms(at), &[]);
        }
    };
    hears(4, false, 1_000, &mut story);
    hears(2, false, 300, &mut story);
    hears(3, false, 2_000, &mut story);
    let told = texts(&story);
    assert!(
        told[0].starts_with("the service has proven: tolerance 4, target 2; any 4 hosts may fail"),
        "{}",
        told[0]
    );
    assert_eq!(told[1..], ["tolerance 4 → 3 (target 2)"]);
    assert_eq!(story.items().last().expect("one").at, ms(1_400), "when it changed, not when it was told");
    hears(1, true, 2_000, &mut story);
    hears(2, false, 2_000, &mut story);
    let told = texts(&story);
    assert_eq!(
        told[2..],
        ["OVERCOMMITTED: tolerance 3 → 1, target 2", "no longer overcommitted: tolerance 1 → 2, target 2"]
    );
}

#[test]
fn only_so_many_sentences_are_kept_and_their_numbers_go_on() {
    let mut story = story();
    for number in 0..1_500 {
        story.refused(ms(number), "no".to_owned());
    }
    assert_eq!(story.items().count(), KEPT);
    assert_eq!(story.items().last().map(|item| item.number), Some(1_500));
}

//! Mails as people read them.
use super::{body, subject};
use crate::outbox::{Command, Input};
use crate::settings::ChannelSettings;
use crate::{Alert, Message, Moment, Outbox, Severity, Subject};

fn alert() -> Alert {
    Alert {
        id: "17".to_owned(),
        at: "2026-11-22T03:14:07Z".parse().expect("a date"),
        since: None,
        pool: "prod-a".to_owned(),
        kind: "overcommitted".to_owned(),
        ends: None,
        severity: Severity::Critical,
        subject: Subject::Pool,
        recovered: false,
        summary: "2 host failures are no longer survivable: 1 is proven".to_owned(),
        detail: "If h03 and h17 fail, db1 (64 GiB) finds no host with room: h21 has most, 48.5 GiB.\n\nBefore, 2 were proven. What changed: web44 was started on h21 by alice at 03:14:05.".to_owned(),
        next_step: "lifeboat repair --pool prod-a lists what would restore the target\nor bring a standby host on line".to_owned(),
        data: serde_json::Value::Null,
    }
}

fn digest() -> Message {
    let toml = "kind = 'mail'\nname = 'night'\nserver = 's'\nfrom = 'a@b.c'\nto = ['d@e.f']\ndigest = { after = 0, lines = 3 }";
    let settings: ChannelSettings = toml::from_str(toml).expect("settings");
    let mut outbox = Outbox::new(settings.limits(), 1);
    for number in 0..120 {
        let mut one = alert();
        one.id = number.to_string();
        if number != 60 {
            one.severity = Severity::Major;
            one.kind = "vm-restart-failed".to_owned();
            one.subject = Subject::Vm(format!("vm{number}"));
            one.summary = format!(
                "vm{number} could not be restarted: no host has room for its 4 GiB, h21 has most with 3.2 GiB"
            );
        }
        outbox.handle(Moment::default(), Input::Alert(Box::new(one)));
    }
    outbox.handle(outbox.deadline().expect("a digest is due"), Input::Wake);
    match outbox.next_command() {
        Some(Command::Deliver(delivery)) => delivery.message,
        other => panic!("{other:?}"),
    }
}

fn mail(message: &Message) -> String {
    let link = Some("https://lifeboat.example/pools/{pool}/alerts/{id}");
    let id = message.id();
    let body = body(message, "night", &id, link);
    format!("Subject: {}\n\n{}", subject(message), body.replace(&id, "ID"))
}

#[test]
fn an_alert_says_what_where_since_when_and_what_to_do() {
    let expected = "\
Subject: [critical] prod-a: 2 host failures are no longer survivable: 1 is proven

2 host failures are no longer survivable: 1 is proven

Where     pool prod-a
Since     2026-11-22 03:14:07 UTC
Severity  critical (overcommitted)

If h03 and h17 fail, db1 (64 GiB) finds no host with room: h21 has most,
48.5 GiB.

Before, 2 were proven. What changed: web44 was started on h21 by alice at
03:14:05.

What to do next
  lifeboat repair --pool prod-a lists what would restore the target
  or bring a standby host on line

https://lifeboat.example/pools/prod-a/alerts/17

-- \nLifeboat, channel night, message ID
";
    assert_eq!(mail(&Message::Alert { alert: alert() }), expected);
}

#[test]
fn an_end_says_so_and_asks_for_nothing() {
    let mut over = alert();
    (over.recovered, over.since) = (true, Some(over.at));
    (over.ends, over.kind) = (Some(over.kind), "overcommitted-cleared".to_owned());
    over.at = "2026-11-22T03:44:07Z".parse().expect("a date");
    over.summary = "2 host failures are survivable again".to_owned();
    over.detail.clear();
    let expected = "\
Subject: [over] prod-a: 2 host failures are survivable again

2 host failures are survivable again

Where     pool prod-a
Since     2026-11-22 03:14:07 UTC
Over      2026-11-22 03:44:07 UTC
Was       critical (overcommitted)

It is over. There is nothing to do.

https://lifeboat.example/pools/prod-a/alerts/17

-- \nLifeboat, channel night, message ID
";
    assert_eq!(mail(&Message::Alert { alert: over }), expected);
}

#[test]
fn a_digest_counts_by_kind_and_shows_the_first_lines() {
    let expected = "\
Subject: [digest, critical] prod-a: 120 alerts: 1 overcommitted, 119 vm-restart-failed

120 alerts from 2026-11-22 03:14:07 UTC to 2026-11-22 03:14:07 UTC.

     1  critical  overcommitted
   119  major     vm-restart-failed

  03:14:07 critical: 2 host failures are no longer survivable: 1 is proven
  03:14:07 major: vm0 could not be restarted: no host has room for its 4
    GiB, h21 has most with 3.2 GiB
  03:14:07 major: vm1 could not be restarted: no host has room for its 4
    GiB, h21 has most with 3.2 GiB
  ... and 117 more

So many came at once that they were gathered here. The ones before and after
are told in mails of their own.

-- \nLifeboat, channel night, message ID
";
    assert_eq!(mail(&digest()), expected);
}

#[test]
fn word_of_losses_says_why() {
    let Message::Digest { digest } = digest() else { panic!("no digest") };
    let losses = crate::digest::Losses::with(None, &digest, "given up after 20 attempts: no route");
    let text = mail(&Message::Losses { losses });
    for part in [
        "Subject: [not told] prod-a: 120 alerts were not told here",
        "no route",
        "117 more",
        "may still go on",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
}

//! The dispatcher with real channels.
use crate::support::{Folder, PATIENCE, Server, alert, eventually, nothing, settings};
use lifeboat_delivery::dispatcher::OnLost;
use lifeboat_delivery::{ChannelSettings, Dispatcher, Saved};
use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn start(settings: &[ChannelSettings], saved: BTreeMap<String, Saved>) -> Dispatcher {
    Dispatcher::start(settings, None, 1, saved, &nothing()).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn webhook(name: &str, url: &str, more: &str) -> ChannelSettings {
    settings(&format!("kind = 'webhook'\nname = '{name}'\nurl = '{url}'\n{more}"))
}

fn id(body: &[u8]) -> String {
    let body: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    body["alert"]["id"].as_str().unwrap_or_else(|| body["type"].as_str().expect("a type")).to_owned()
}

#[test]
fn a_busy_server_gets_the_message_when_it_is_ready_in_order_and_once() {
    let answer = |number| if number == 0 { "503 Busy" } else { "200 OK" };
    let server = Server::start(move |number| Some(answer(number).to_owned()));
    let dispatcher = start(&[webhook("ops", &server.url, "retry = { first_s = 1 }")], BTreeMap::new());
    for number in 0..5 {
        dispatcher.send(&alert(&number.to_string()));
    }
    dispatcher.send(&alert("3"));
    let got: Vec<String> = (0..6).map(|_| id(&server.next().body)).collect();
    assert_eq!(got, ["0", "0", "1", "2", "3", "4"]);
    eventually("all is told", || dispatcher.status()[0].told == 5);
    let status = &dispatcher.status()[0];
    assert_eq!((status.queued, status.attempts, status.lost, status.failures_in_a_row), (0, 6, 0, 0));
    assert!(
        status.last_error.as_ref().is_some_and(|error| error.reason.contains("503 Service")),
        "{status:?}"
    );
    assert!(status.last_success > status.last_error.as_ref().map(|error| error.at), "{status:?}");
}

#[test]
fn a_dead_channel_delays_no_other_and_sending_never_waits() {
    let dead = Server::start(|_| None);
    let well = Server::start(|_| Some("200 OK".to_owned()));
    let channels = [webhook("dead", &dead.url, "timeout_s = 60"), webhook("well", &well.url, "")];
    let dispatcher = start(&channels, BTreeMap::new());
    for number in 0..20 {
        dispatcher.send(&alert(&number.to_string()));
        // It would come after a minute at the earliest if it had to wait for the other.
        assert_eq!(id(&well.next().body), number.to_string());
    }
    let dead_one = &dispatcher.status()[0];
    assert_eq!((dead_one.queued, dead_one.told), (20, 0));
    assert!(dead_one.under_way_since.is_some() && dispatcher.status()[1].queued <= 1);
    eventually("the last one's answer is heard", || dispatcher.status()[1].told == 20);
    let left = dispatcher.stop(Duration::from_millis(50));
    assert_eq!(left["dead"].messages.len(), 20, "what is under way is not told");
    assert!(left["well"].messages.is_empty());
}

#[test]
fn what_was_not_told_is_told_after_a_restart() {
    let busy = Server::start(|_| Some("503 Busy".to_owned()));
    let dispatcher = start(&[webhook("ops", &busy.url, "")], BTreeMap::new());
    for number in 0..3 {
        dispatcher.send(&alert(&number.to_string()));
    }
    busy.next();
    let changes = dispatcher.changes();
    let saved = serde_json::to_string(&dispatcher.stop(PATIENCE)).expect("plain data");
    assert!(changes > 0);
    let ready = Server::start(|_| Some("200 OK".to_owned()));
    let again = start(&[webhook("ops", &ready.url, "")], serde_json::from_str(&saved).expect("plain data"));
    again.send(&alert("1"));
    again.send(&alert("3"));
    let got: Vec<String> = (0..4).map(|_| id(&ready.next().body)).collect();
    assert_eq!(got, ["0", "1", "2", "3"], "and what came before comes no second time");
}

#[test]
fn losses_are_reported_and_told_in_the_channel_as_soon_as_it_works() {
    let answer = |number| if number == 0 { "410 Gone" } else { "200 OK" };
    let server = Server::start(move |number| Some(answer(number).to_owned()));
    let (tell, told) = channel();
    let tell = Mutex::new(tell);
    let on_lost: OnLost = Arc::new(move |channel, lost| {
        let said = format!("{channel}: {} ({})", lost.message.headline(), lost.why);
        tell.lock().expect("whole").send(said).expect("somebody listens");
    });
    let channels = [webhook("ops", &server.url, "retry = { first_s = 1 }")];
    let dispatcher = Dispatcher::start(&channels, None, 1, BTreeMap::new(), &on_lost).expect("started");
    dispatcher.send(&alert("1"));
    let said = told.recv_timeout(PATIENCE).expect("the loss is reported");
    assert!(
        said.starts_with("ops: prod-a: host h03 failed (1) (refused for good: ") && said.contains("410"),
        "{said}"
    );
    server.next();
    let word: serde_json::Value = serde_json::from_slice(&server.next().body).expect("JSON");
    assert_eq!((&word["type"], &word["losses"]["total"]), (&"losses".into(), &1.into()));
    assert_eq!(word["losses"]["lines"][0]["id"], "1");
    assert_eq!(dispatcher.status()[0].lost, 1);
}

#[test]
fn a_test_goes_past_the_queue_and_says_what_is_wrong() {
    let server = Server::start(|number| Some(if number == 0 { "401 No" } else { "200 OK" }.to_owned()));
    let dispatcher = start(&[webhook("ops", &server.url, "")], BTreeMap::new());
    let failure = dispatcher.test("ops").expect("there is such a channel").expect_err("refused");
    assert!(failure.reason.contains("401"), "{failure}");
    assert!(dispatcher.test("ops").expect("there is such a channel").is_ok());
    assert!(dispatcher.test("none").is_none());
    assert_eq!(dispatcher.status()[0].taken, 0);
}

#[test]
fn faults_of_all_channels_are_told_and_nothing_is_started() {
    let folder = Folder::new();
    let file = folder.path("none");
    let channels = [
        settings(&format!("kind = 'webhook'\nname = 'a'\nsecret_url = {{ file = {file:?} }}")),
        settings("kind = 'command'\nname = 'b'\nrun = ['/nowhere']"),
    ];
    let refused = Dispatcher::start(&channels, None, 1, BTreeMap::new(), &nothing());
    let faults = refused.err().expect("both are wrong");
    assert_eq!(faults.iter().map(|fault| fault.channel.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

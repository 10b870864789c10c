//! The demo end to end in one process: the simulated pool, the product's service, its routes.
use super::*;
use crate::clock::Stopwatch;
use crate::demo::conductor::Sink as _;
use crate::demo::scene::Scene;
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;

/// A demo that runs, quickly.
struct Running {
    service: DemoService,
    conductor: Conductor,
    thread: std::thread::JoinHandle<()>,
    inputs: std::sync::mpsc::Receiver<terminal::Input>,
}

impl Running {
    fn start(script: &str) -> Self {
        Self::of(Recipe { hosts: 12, vms: 180, seed: 3 }, script)
    }

    fn of(recipe: Recipe, script: &str) -> Self {
        let pool = made(recipe);
        let script = script::parse(script, &pool).expect("it is a script");
        let mut service = DemoService::start(Some(0), pool.clone()).expect("a service on any port");
        let shown = scene::Service { url: service.url(), speed: 20.0, late: false };
        let begin = move || {
            let live = driver::form(pool, recipe.seed).map_err(|error| error.to_string())?;
            Ok(Driver::new(live, script))
        };
        let sink = service.sink();
        let (conductor, thread) = Conductor::start(begin, Box::new(sink), shown).expect("a pool that forms");
        let (sender, inputs) = terminal::inputs();
        let routes = routes::routes(conductor.clone(), service.guard());
        service.serve(routes, sender).expect("it serves");
        Self { service, conductor, thread, inputs }
    }

    /// Waits until the scene is so; a minute is ample.
    fn until(&self, what: &str, so: impl Fn(&Scene) -> bool) -> Arc<Scene> {
        let (sender, ticks) = std::sync::mpsc::channel::<()>();
        for _ in 0..6_000 {
            let scene = self.conductor.scene();
            if so(&scene) {
                return scene;
            }
            let _ = ticks.recv_timeout(Duration::from_millis(10));
        }
        drop(sender);
        panic!("{what}: {:#?}", self.conductor.scene().items);
    }

    fn get(&self, path: &str) -> serde_json::Value {
        let mut answer =
            Agent::new_with_defaults().get(format!("{}{path}", self.service.url())).call().expect(path);
        answer.body_mut().read_json().expect("JSON")
    }

    fn says(scene: &Scene, text: &str) -> bool {
        scene.items.iter().any(|item| item.text.contains(text))
    }

    fn end(self) {
        drop(self.conductor.say("quit"));
        self.thread.join().expect("it ends in order");
        self.service.end();
    }
}

#[test]
fn a_script_kills_a_host_and_the_service_knows_what_is_true_in_the_end() {
    let demo = Running::of(Recipe::default(), "at 5s kill h07");
    let before = demo.until("a first verdict", |scene| scene.verdict.is_some());
    let before = before.verdict.clone().expect("there is one");
    let scene = demo.until("all is well again", |scene| {
        Running::says(scene, "all protected VMs run: ")
            && Running::says(scene, "tolerance ")
            && Running::says(scene, " → ")
    });
    assert_eq!(scene.vms[0].run, scene.vms[0].all, "every protected VM runs");
    let after = scene.verdict.clone().expect("there is one");
    assert!(after.proven < before.proven, "{before:?} {after:?}");
    // What the service knows of each host is what is true of it.
    let view = demo.service.pool().view();
    for (host, cell) in view.pool.host_indices().zip(&scene.hosts) {
        let known = view.pool.vm_indices().filter(|vm| view.pool.runs_on(*vm) == Some(host)).count();
        assert_eq!(known, cell.vms, "{}", cell.name);
        assert_eq!(view.pool.host(host).state.is_up(), cell.name != "h07", "{}", cell.name);
    }
    // And it says so to everybody who asks.
    let tolerance = demo.get("/v1/pools/demo/tolerance");
    assert_eq!(tolerance["tolerance"]["sequential"]["proven"].as_u64(), after.proven.map(u64::from));
    let host = demo.get("/v1/pools/demo/hosts/h07");
    assert_eq!(host["state"], "fenced");
    demo.end();
}

#[test]
fn what_is_posted_is_done_and_what_makes_no_sense_is_answered_as_a_problem() {
    let demo = Running::start("");
    let port = demo.service.url().rsplit(':').next().and_then(|port| port.parse().ok());
    let answer = remote::say("disable h05", port).expect("it is done");
    assert!(answer.starts_with("disable h05: done at "), "{answer}");
    demo.until("h05 is disabled", |scene| scene.hosts[4].state == scene::CellState::Disabled);
    let refused = remote::say("kill h99", port).expect_err("there is none").to_string();
    assert!(refused.contains("they are h01 to h12"), "{refused}");
    let status = demo.get("/v1/demo");
    assert_eq!(status["hosts"].as_array().map(Vec::len), Some(12));
    assert_eq!(status["hosts"][4]["state"], "disabled");
    demo.end();
    assert!(matches!(remote::say("status", port), Err(remote::RemoteError::Unreachable { .. })));
}

#[test]
fn nothing_is_left_behind_while_it_runs_nor_after() {
    let left = || {
        let all = std::fs::read_dir(std::env::temp_dir()).expect("there is one").flatten();
        let ours = all.filter(|entry| entry.file_name().to_string_lossy().starts_with("lifeboat-demo-"));
        ours.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let before = left();
    // Other tests may be opening their stores this very moment: what stays is what counts.
    let nothing_stays = || {
        let found: Vec<_> = left().into_iter().filter(|path| !before.contains(path)).collect();
        let begun = Stopwatch::start();
        while found.iter().any(|path| path.exists()) {
            assert!(!begun.has_reached(Duration::from_secs(20)), "{found:?}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    };
    let demo = Running::start("");
    nothing_stays();
    demo.end();
    nothing_stays();
}

#[test]
fn a_quit_in_the_script_ends_the_thread_and_the_lines_tell_the_whole_story() {
    let demo = Running::start("at 5s kill h02; at 30s quit");
    let mut told = Vec::new();
    let mut notes = Vec::new();
    let mut output = Output::new(&mut told, &mut notes);
    terminal::show(&demo.conductor, &demo.inputs, &mut output).expect("memory does not fail");
    assert!(demo.conductor.is_over() && demo.conductor.say("status").is_err());
    let told = String::from_utf8(told).expect("text");
    let position = |part: &str| told.find(part).unwrap_or_else(|| panic!("{part:?} is not in\n{told}"));
    assert!(told.starts_with(&format!("the service answers at {}", demo.service.url())), "{told}");
    assert!(position("kill h02") < position("h02 has lost power"));
    assert!(position("h02 has lost power") < position("h02 is safe to replace"));
    assert!(position("order 0: ") < position("all protected VMs run: "));
    demo.thread.join().expect("it ends in order");
    demo.service.end();
}

#[test]
fn the_verdict_that_is_shown_is_of_what_was_told() {
    let service =
        DemoService::start(Some(0), made(Recipe { hosts: 8, vms: 40, seed: 1 })).expect("a service");
    let mut sink = service.sink();
    let dead = lifeboat_model::spec::HostState::Dead;
    let fact = crate::served::Fact::HostState { host: "h03".to_owned(), state: dead };
    let data = serde_json::Map::new();
    sink.tell(vec![crate::dto::served::event::Told { kind: "host-down", fact, at: None, data }]);
    let revision = service.pool().view().revision;
    let (_sender, ticks) = std::sync::mpsc::channel::<()>();
    let mut verdict = sink.verdict();
    for _ in 0..1_000 {
        if verdict.is_some() {
            break;
        }
        let _ = ticks.recv_timeout(Duration::from_millis(10));
        verdict = sink.verdict();
    }
    assert_eq!(verdict.map(|verdict| verdict.revision), Some(revision));
    service.end();
}

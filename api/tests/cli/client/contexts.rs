//! Contexts, as the real program keeps them in a home of its own.
use super::Stub;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::{TempDir, tempdir};

/// A user's home, in which the program is run.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempdir().expect("a folder"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, command: &str, variables: &[(&str, &str)]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_lifeboat"))
            .args(command.split_whitespace())
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .envs(variables.iter().copied())
            .output()
            .expect("the program runs")
    }

    fn does(&self, command: &str) -> String {
        let output = self.run(command, &[]);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{command}: {err}");
        out.into_owned()
    }

    fn fails(&self, command: &str) -> String {
        let output = self.run(command, &[]);
        assert_eq!(output.status.code(), Some(1), "{command}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

fn no_hosts() -> serde_json::Value {
    json!({"items": [], "next": null})
}

#[test]
fn a_context_is_kept_shown_chosen_and_forgotten() {
    let home = Home::new();
    assert!(home.does("context list").contains("no contexts; without one, http://127.0.0.1:7878 is asked"));
    home.does("context set prod --server https://lb1:7878 --server lb2.example --token-file prod.token --pool prod-a");
    home.does("context set lab --server 127.0.0.1:9");
    insta::assert_snapshot!(
        home.does("context list").replace(&home.path().display().to_string(), "/home/me")
    );
    home.does("context use lab");
    home.does("context set prod --pool prod-b");
    insta::assert_snapshot!(
        home.does("context show prod").replace(&home.path().display().to_string(), "/home/me")
    );
    home.does("context remove prod");
    assert!(home.fails("context show prod").contains("there is no context \"prod\""));
    assert!(home.fails("context set new").contains("context new names no service"));
    let file = home.path().join(".config/lifeboat/contexts.toml");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().expect("a folder"))), (0o600, 0o700));
}

#[test]
fn a_context_says_whom_to_ask_as_whom_and_of_which_pool() {
    let (home, stub) = (Home::new(), Stub::start());
    let stub = stub.answers("GET /v1/pools/prod-a/hosts", 200, no_hosts());
    fs::write(home.path().join("prod.token"), "lb_from-the-context").expect("a place");
    home.does(&format!("context set prod --server {} --token-file prod.token --pool prod-a", stub.url()));
    home.does("host list");
    assert_eq!(stub.asked()[0].headers["authorization"], "Bearer lb_from-the-context");
}

#[test]
fn what_is_named_closer_to_the_command_counts() {
    let (home, stub) = (Home::new(), Stub::start());
    let stub = stub
        .answers("GET /v1/pools/a/hosts", 200, no_hosts())
        .answers("GET /v1/pools/b/hosts", 200, no_hosts())
        .answers("GET /v1/pools/c/hosts", 200, no_hosts());
    for (file, token) in [("context", "lb_context"), ("variable", "lb_variable"), ("argument", "lb_argument")]
    {
        fs::write(home.path().join(file), token).expect("a place");
    }
    home.does(&format!("context set one --server {} --token-file context --pool a", stub.url()));
    let variables = [("LIFEBOAT_TOKEN_FILE", "variable"), ("LIFEBOAT_POOL", "b")];
    for (command, variables, pool, token) in [
        ("host list", [].as_slice(), "a", Some("lb_context")),
        ("host list", &variables, "b", Some("lb_variable")),
        ("host list --pool c --token-file argument", &variables, "c", Some("lb_argument")),
        ("host list --context one", &variables, "b", Some("lb_context")),
        ("host list --pool c --server URL", &[], "c", None),
    ] {
        let command = command.replace("URL", &stub.url());
        let output = home.run(&command, variables);
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        let asked = stub.asked().pop().expect("it was asked");
        assert_eq!(asked.what, format!("GET /v1/pools/{pool}/hosts?limit=100"), "{command}");
        let shown = asked.headers.get("authorization").cloned();
        assert_eq!(shown, token.map(|token| format!("Bearer {token}")), "{command}");
    }
}

#[test]
fn a_broken_file_of_contexts_is_told_and_left_alone() {
    let home = Home::new();
    let file = home.path().join(".config/lifeboat/contexts.toml");
    fs::create_dir_all(file.parent().expect("a folder")).expect("a place");
    fs::write(&file, "[context.prod]\nserver = \"https://lb1\"\n").expect("a place");
    for command in ["host list", "context use prod", "context set x --server localhost"] {
        let told = home.fails(command);
        assert!(told.contains("contexts.toml is not a file of contexts: line 2"), "{command}: {told}");
    }
    assert!(fs::read_to_string(&file).expect("it is there").contains("https://lb1"));
}

//! The file of contexts: what is kept comes back, nobody else can read it, and a wrong one is not lost.
use super::*;
use std::os::unix::fs::PermissionsExt;
use tempfile::tempdir;

fn prod() -> Context {
    Context {
        servers: vec!["https://lb1:7878".to_owned(), "https://lb2:7878".to_owned()],
        token_file: Some("/home/me/prod.token".into()),
        pool: Some("prod-a".to_owned()),
        ..Context::default()
    }
}

#[test]
fn contexts_come_back_as_they_were_kept() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("new/lifeboat/contexts.toml");
    assert_eq!(Contexts::load(&path).expect("none yet"), Contexts::default());
    let mut contexts = Contexts::default();
    contexts.set("prod", prod()).expect("a name");
    contexts
        .set("lab.2", Context { servers: vec!["127.0.0.1".to_owned()], ..Context::default() })
        .expect("a name");
    contexts.save(&path).expect("a place");
    assert_eq!(Contexts::load(&path).expect("as kept"), contexts);
    assert_eq!(contexts.current.as_deref(), Some("prod"), "the first one is meant");
}

#[test]
fn nobody_else_can_read_them_whatever_they_were_before() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("lifeboat/contexts.toml");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    Contexts::default().save(&path).expect("a place");
    assert_eq!((mode(&path), mode(path.parent().expect("a folder"))), (0o600, 0o700));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("ours");
    Contexts::default().save(&path).expect("a place");
    assert_eq!(mode(&path), 0o600);
    assert_eq!(
        fs::read_dir(folder.path().join("lifeboat")).expect("a folder").count(),
        1,
        "nothing is left beside"
    );
}

#[test]
fn a_context_that_is_forgotten_is_meant_no_more() {
    let mut contexts = Contexts::default();
    contexts.set("prod", prod()).expect("a name");
    contexts.set("lab", prod()).expect("a name");
    contexts.choose("lab").expect("it is there");
    contexts.remove("prod").expect("it is there");
    assert_eq!(contexts.current.as_deref(), Some("lab"));
    contexts.remove("lab").expect("it is there");
    assert_eq!(contexts, Contexts::default());
    assert!(matches!(contexts.remove("lab"), Err(ContextError::Unknown(name)) if name == "lab"));
}

#[test]
fn names_that_would_need_quotes_are_refused() {
    for name in ["", "a b", "a/b", "ä", &"x".repeat(65)] {
        assert!(matches!(Contexts::default().set(name, prod()), Err(ContextError::BadName(_))), "{name}");
    }
}

#[test]
fn a_wrong_file_is_told_with_the_line_and_left_alone() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("contexts.toml");
    fs::write(&path, "[context.prod]\nservers = []\ntoken = \"lb_secret\"\n").expect("a place");
    let error = Contexts::load(&path).expect_err("tokens do not belong there");
    let told = error.to_string();
    assert!(told.contains("line 3: unknown field `token`") && !told.contains("lb_secret"), "{told}");
    assert!(error.next_step().is_some_and(|step| step.contains("rm ")));
}

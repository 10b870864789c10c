//! An etcd that wants TLS, our certificate, and a user with a password.
use crate::cases::{everything, lead, names, puts};
use crate::etcd::Etcd;
use lifeboat_store::{Options, StoreError, open};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A file below this directory, as an argument.
fn path(directory: &Path, name: &str) -> String {
    directory.join(name).display().to_string()
}

/// An authority, and a certificate with its key for each name.
fn certify(directory: &Path, names: &[&str]) {
    let write = |name: &str, text: String| fs::write(directory.join(name), text).expect("it is ours");
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    write("ca.pem", params.self_signed(&key).expect("a certificate").pem());
    let authority = Issuer::new(params, key);
    for name in names {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("an address");
        // The gateway takes no certificate with a common name where etcd has users.
        params.distinguished_name = DistinguishedName::new();
        if *name == "named" {
            params.distinguished_name.push(DnType::CommonName, "lifeboat");
        }
        write(&format!("{name}.pem"), params.signed_by(&key, &authority).expect("a certificate").pem());
        write(&format!("{name}.key"), key.serialize_pem());
    }
}

fn guarded(directory: &Path) -> Etcd {
    certify(directory, &["member", "us", "named"]);
    certify_a_stranger(directory);
    let file = |name| path(directory, name);
    let (ca, certificate, key) = (file("ca.pem"), file("member.pem"), file("member.key"));
    let arguments =
        ["--cert-file", &certificate, "--key-file", &key, "--trusted-ca-file", &ca, "--client-cert-auth"];
    Etcd::start_with(1, &arguments)
}

fn certify_a_stranger(directory: &Path) {
    let elsewhere = directory.join("elsewhere");
    fs::create_dir(&elsewhere).expect("it is ours");
    certify(&elsewhere, &["us"]);
}

fn with_certificates(directory: &Path) -> Options {
    let file = |name| Some(PathBuf::from(path(directory, name)));
    let [ca_file, certificate_file, key_file] = ["ca.pem", "us.pem", "us.key"].map(file);
    Options { timeout: Duration::from_secs(30), ca_file, certificate_file, key_file, ..Options::default() }
}

/// Makes the users that etcd asks for from now on, with its own command.
fn ask_for_users(directory: &Path, etcd: &Etcd) {
    let endpoint = format!("https://{}", etcd.endpoints()[0]);
    for command in [
        "user add root:rooted",
        "user grant-role root root",
        "role add keeper",
        "role grant-permission keeper --prefix=true readwrite /ours/",
        "user add lifeboat:secret",
        "user grant-role lifeboat keeper",
        "auth enable",
    ] {
        let file = |name| path(directory, name);
        let mut etcdctl = Command::new("etcdctl");
        etcdctl.env("ETCDCTL_API", "3").args(["--dial-timeout=30s", "--command-timeout=30s"]);
        etcdctl.args(["--endpoints", &endpoint, "--cacert", &file("ca.pem")]);
        etcdctl.args(["--cert", &file("us.pem"), "--key", &file("us.key")]).args(command.split(' '));
        let done = etcdctl.output();
        let done =
            done.expect("etcdctl cannot be started: apt-get install --no-install-recommends etcd-client");
        assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

#[test]
fn whoever_has_the_certificates_and_the_password_is_served_and_nobody_else() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let mut etcd = guarded(directory);
    let address = etcd.address("ours");
    let us = with_certificates(directory);
    let store = open(&address, &us).expect("our certificate suffices yet");
    let term = lead(&*store);
    store.commit(term, &puts([("a", "1")])).expect("a commit");

    let hasty = |options: &Options| Options { timeout: Duration::from_secs(2), ..options.clone() };
    let strangers = [
        Options { certificate_file: None, key_file: None, ..hasty(&us) },
        Options { ca_file: None, ..hasty(&us) },
        hasty(&with_certificates(&directory.join("elsewhere"))),
    ];
    for stranger in strangers {
        let refused = open(&address, &stranger);
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{stranger:?}: {refused:?}");
    }

    ask_for_users(directory, &etcd);
    let password_file = |text: &str| {
        let file = directory.join(format!("password-{}", text.trim()));
        fs::write(&file, text).expect("it is ours");
        Some(file)
    };
    let user = |name: &str, password| Options {
        user: Some(name.to_owned()),
        password_file: password_file(password),
        ..us.clone()
    };
    let named = Options {
        certificate_file: Some(directory.join("named.pem")),
        key_file: Some(directory.join("named.key")),
        ..user("lifeboat", "secret")
    };
    for stranger in [named, us.clone(), user("lifeboat", "guessed"), user("nobody", "secret")] {
        let refused = open(&address, &stranger);
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{stranger:?}: {refused:?}");
    }
    let elsewhere = open(&etcd.address("theirs"), &user("lifeboat", "secret"));
    assert!(matches!(elsewhere, Err(StoreError::Refused(_))), "{elsewhere:?}");
    let store = open(&address, &user("lifeboat", "secret\n")).expect("it opens");
    assert_eq!(names(&everything(&*store)), ["a"]);
    assert!(!format!("{store:?}").contains("secret"), "{store:?}");
    // A member that starts again knows none of the tokens that it gave.
    etcd.kill(0);
    etcd.start_member(0);
    assert_eq!(names(&everything(&*store)), ["a"]);
}

#[test]
fn what_cannot_be_read_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    certify(directory.path(), &["us"]);
    let whole = with_certificates(directory.path());
    let missing = directory.path().join("missing");
    let broken = [
        Options { ca_file: Some(missing.clone()), ..whole.clone() },
        Options { key_file: whole.ca_file.clone(), ..whole.clone() },
        Options { certificate_file: whole.key_file.clone(), ..whole.clone() },
        Options { user: Some("lifeboat".to_owned()), password_file: Some(missing), ..whole },
    ];
    let address = "etcds://127.0.0.1:1".parse().expect("an address");
    for options in broken {
        let refused = open(&address, &options);
        assert!(matches!(refused, Err(StoreError::CannotOpen { .. })), "{options:?}: {refused:?}");
    }
}

//! Whatever is built into the product or its tests comes from the registry under a licence that `deny.toml` allows.
//! (`cargo deny` checks the same and more, but takes longer to build than the product.)
use super::{metadata, root};
use std::process::Command;

/// The licences that `deny.toml` allows, each a requirement such as `Apache-2.0 WITH LLVM-exception`.
fn allowed() -> Vec<spdx::Licensee> {
    let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
    let page: toml::Table = text.parse().expect("deny.toml is TOML");
    let list = page["licenses"]["allow"].as_array().expect("a list of licences");
    list.iter()
        .map(|name| spdx::Licensee::parse(name.as_str().expect("a name")).expect("an SPDX name"))
        .collect()
}

/// The machine that this is built for, as cargo names it: packages for others are not downloaded.
fn target() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}

#[test]
fn everything_comes_from_the_registry_under_an_allowed_licence() {
    let allowed = allowed();
    let metadata = metadata(&["--filter-platform", &target()]);
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 20, "only {} packages", packages.len());
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        let source = package["source"].as_str();
        let from_registry = source.is_none_or(|source| source.starts_with("registry+"));
        assert!(from_registry, "{name} comes from {source:?}");
        let licence = package["license"].as_str().unwrap_or_default().replace('/', " OR ");
        let expression = spdx::Expression::parse(&licence);
        let expression = expression.unwrap_or_else(|error| panic!("{name} is under {licence:?}: {error}"));
        assert!(
            expression.evaluate(|asked| allowed.iter().any(|licensee| licensee.satisfies(asked))),
            "{name} is under {licence:?}, which deny.toml does not allow"
        );
    }
}

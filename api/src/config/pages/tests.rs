//! The commented file says what the service does.
use super::*;

#[test]
fn every_key_of_the_example_can_be_taken_in_and_is_then_what_it_was() {
    let example = example();
    let bare: String = example
        .lines()
        .filter(|line| !line.starts_with("# ") && *line != "#" && !line.starts_with("#[["))
        .fold(String::new(), |text, line| text + line.strip_prefix('#').unwrap_or(line) + "\n");
    let table: toml::Table = bare.parse().expect("TOML");
    for section in Config::pages() {
        let keys = table[section.name].as_table().expect("a table");
        assert_eq!(keys.len(), section.keys.len(), "{}", section.name);
        for key in section.keys {
            assert!(keys.contains_key(key.name), "{}.{}", section.name, key.name);
            // One key at a time: those that are usually left out do not all fit together.
            let value = shown(&key);
            let line = format!("[{}]\n{} = {value}\n", section.name, key.name);
            let faults = Config::read(&line).err().unwrap_or_default();
            let wrong = faults.iter().find(|fault| {
                let needs_another = ["set ", "needs ", "means nothing", "only by TLS"];
                !needs_another.iter().any(|words| fault.message.contains(words))
            });
            assert_eq!(wrong, None, "{line}");
            if key.usual.is_some() {
                assert_eq!(Config::read(&line), Ok(Config::default()), "{line}");
            }
        }
    }
}

#[test]
fn as_it_is_printed_the_example_changes_nothing() {
    assert_eq!(Config::read(&example()), Ok(Config::default()));
}

#[test]
fn the_file_that_the_package_installs_is_the_example() {
    let path = format!("{}/../contrib/lifeboat.toml", env!("CARGO_MANIFEST_DIR"));
    let shipped = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(shipped == example(), "run: lifeboat config example > contrib/lifeboat.toml");
}

#[test]
fn the_example_fits_a_terminal() {
    let longest = example().lines().map(|line| line.chars().count()).max();
    assert!(longest.is_some_and(|columns| columns <= WIDTH), "{longest:?}");
}

#[test]
fn the_page_has_the_tables_of_the_declarations() {
    let path = format!("{}/../docs/configuration.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    let tables = tables();
    assert!(
        page.contains(tables.trim()),
        "docs/configuration.md lacks what `lifeboat config keys` prints:\n{tables}"
    );
}

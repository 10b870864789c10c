//! Lines of words, and what they mean.
use super::*;
use crate::demo::pool::Recipe;

fn pool() -> Pool {
    Pool::new(&Recipe { hosts: 16, vms: 64, seed: 1 }.pool()).expect("the recipe's pools are right")
}

fn hosts(line: &str) -> Vec<String> {
    match Command::parse(line, &pool()) {
        Ok(Command::Act(Action::PowerOff { hosts })) => hosts,
        other => panic!("{line}: {other:?}"),
    }
}

fn refused(line: &str) -> String {
    Command::parse(line, &pool()).expect_err(line).to_string()
}

#[test]
fn hosts_are_named_ranged_listed_and_taken_by_the_rack_each_once() {
    assert_eq!(hosts("kill h07"), ["h07"]);
    assert_eq!(hosts("kill h03, h01 h02-h04"), ["h01", "h02", "h03", "h04"]);
    assert_eq!(hosts("kill rack-2").len(), 8);
    assert_eq!(hosts("kill h04-h02").len(), 3);
    assert_eq!(hosts("kill all").len(), 16);
    assert_eq!(hosts("kill coordinator h02"), ["coordinator", "h02"]);
}

#[test]
fn a_split_has_sides_and_the_rest_is_one_said_or_not() {
    let split = |line: &str| match Command::parse(line, &pool()) {
        Ok(Command::Act(Action::Partition { groups, networks })) if networks.is_empty() => groups,
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(split("split h01-h02 / rest"), [["h01", "h02"]]);
    assert_eq!(split("split h01-h02"), [["h01", "h02"]]);
    assert_eq!(split("split h01/h02 /rest").len(), 2);
    assert!(refused("split").contains("split h01-h32 / rest"));
}

#[test]
fn cables_networks_vms_and_times_are_read() {
    let parsed = |line: &str| Command::parse(line, &pool()).expect(line);
    let networks = vec!["hb1".to_owned()];
    let unplugged = Action::LinkDown { hosts: vec!["h07".to_owned()], networks };
    assert_eq!(parsed("unplug h07 hb1"), Command::Act(unplugged));
    let lost = Action::StorageLoss { hosts: None, vm_storage: false };
    assert_eq!(parsed("storage-loss"), Command::Act(lost));
    let moved = Action::Migrate { vm: "db-0001".to_owned(), to: "h09".to_owned() };
    assert_eq!(parsed("migrate db-0001 h09"), Command::Act(moved));
    assert_eq!(parsed("disarm 90"), Command::Act(Action::Disarm { lasts: Duration::from_secs(90) }));
    assert_eq!(parsed(" quit "), Command::Quit);
}

#[test]
fn every_usage_that_is_shown_is_understood() {
    let pool = Pool::new(&Recipe { vms: 64, ..Recipe::default() }.pool()).expect("it is right");
    for usage in &USAGES {
        let parsed = Command::parse(usage.shown, &pool);
        assert!(matches!(parsed, Ok(Command::Act(_))), "{}: {parsed:?}", usage.shown);
        assert!(help().contains(usage.shown) && help().contains(usage.does));
    }
}

#[test]
fn what_is_not_understood_is_told_with_the_next_step() {
    assert_eq!(refused("kil h07"), "\"kil\" is no command: try `help`");
    assert_eq!(refused("kill"), "kill needs hosts: kill h07");
    assert!(refused("kill h99").contains("they are h01 to h16"));
    assert!(refused("crash nobody").contains("lists them"));
    assert!(refused("disarm soon").contains("say seconds"));
    assert!(refused("heal h01").contains("nothing more"));
    assert!(refused("").contains("help"));
}

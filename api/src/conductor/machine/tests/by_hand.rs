//! What people do past the coordinator: on hosts, and in the pool's document.
use super::*;

fn stops(world: &World) -> Vec<HostIndex> {
    let stops = world.orders.iter().filter(|(_, order)| matches!(order, Order::Stop { .. }));
    stops.map(|(host, _)| *host).collect()
}

fn defined(world: &World) -> Vec<String> {
    let definition = |learned: &'_ Learned| matches!(learned, Learned::Vm { .. });
    let of = |learned: &'_ Learned| match learned {
        Learned::Vm { host, .. } => host.clone(),
        _ => unreachable!("only definitions are asked for"),
    };
    world.learned.iter().filter(|learned| definition(learned)).map(of).collect()
}

/// What the next term finds, with what VMs are made of.
fn kept(world: &World) -> Vec<Kept> {
    let mut batch = Batch::default();
    for (vm, definition) in &world.machine.definitions {
        records::put_definition(&mut batch, "prod", vm, definition);
    }
    let definitions = batch.writes.into_iter().filter_map(|write| match write {
        lifeboat_store::Write::Put(record) => Some(record),
        _ => None,
    });
    world.kept().into_iter().chain(definitions).collect()
}

#[test]
fn a_vm_that_was_moved_by_hand_is_started_nowhere_else() {
    let mut world = World::with(&[("db", 2)]);
    world.report(2, told::Report::Ready { vm: "db".to_owned() });
    world.waits(Duration::from_secs(5));
    world.report(1, told::Report::Stopped { vm: "db".to_owned(), cause: told::StopCause::Stopped });
    world.waits(Duration::from_secs(10));
    world.says(2, &ReportNote::Appeared { vm: "db".to_owned() });
    world.waits(Duration::from_mins(1));
    assert!(world.orders.is_empty(), "{:?}", world.orders);
    world.loses(2);
    assert_eq!(world.starts().len(), 1, "it is restarted where it has gone");
}

#[test]
fn a_vm_that_was_moved_by_hand_outlives_the_host_that_it_left() {
    let mut world = World::with(&[("db", 2)]);
    world.report(2, told::Report::Ready { vm: "db".to_owned() });
    world.loses(1);
    world.waits(Duration::from_mins(1));
    assert!(world.orders.is_empty(), "{:?}", world.orders);
}

#[test]
fn a_stop_that_was_lost_is_given_again_to_a_vm_that_runs_twice() {
    let mut world = World::with(&[("db", 2)]);
    world.waits(Duration::from_secs(2));
    world.says(2, &ReportNote::Appeared { vm: "db".to_owned() });
    world.says(2, &ReportNote::Appeared { vm: "db".to_owned() });
    assert_eq!(stops(&world), [host(2)], "once is enough while it may be carried out");
    world.inventory(2, &["db"]);
    assert_eq!(stops(&world)[..2], [host(2), host(2)]);
    assert!(stops(&world).iter().all(|on| *on == host(2)), "{:?}", world.orders);
}

#[test]
fn a_document_that_says_what_is_not_so_is_told_how_things_are() {
    let mut world = World::with(&[("db", 2)]);
    let right = pool(3, &[("db", 2)]);
    let told = world.machine.news_of_picture().expect("the first one");
    let right = told.correct(&right).map_or(right, |corrected| Arc::new(corrected.pool));
    world.machine.document(world.now, Arc::clone(&right)).expect("right");
    assert_eq!(world.machine.news_of_picture(), None, "it is as the document says");
    let mut wrong = right.describe();
    (wrong.vms[0].host, wrong.vms[0].power_state, wrong.vms[0].should_run) =
        (None, Some(lifeboat_model::spec::PowerState::Halted), false);
    let wrong = Arc::new(Pool::new(&wrong).expect("a pool"));
    world.machine.document(world.now, Arc::clone(&wrong)).expect("right");
    let told = world.machine.news_of_picture().expect("the document is wrong");
    assert_eq!(told.correct(&wrong).expect("news").pool, *right);
}

#[test]
fn a_host_that_has_never_come_is_neither_in_maintenance_nor_room_and_one_that_has_left_is_in_maintenance() {
    let mut world = World::begin(pool(2, &[]), Vec::new(), EPOCH);
    let agreed = |world: &mut World, standings: [Standing; 3]| {
        world.frame(ToService::Agreed(Box::new(configuration(&standings))));
    };
    agreed(&mut world, [LIVE, LIVE, Standing::Out]);
    // It has joined, and somebody has described it; its agent was not started yet.
    let mut described = pool(3, &[]).describe();
    described.settings.host_failures_to_tolerate = Some(2);
    let described = Arc::new(Pool::new(&described).expect("a pool"));
    world.machine.document(world.now, Arc::clone(&described)).expect("right");
    let told = |world: &mut World| {
        let picture = world.machine.news_of_picture().expect("news");
        picture.correct(&described).map_or_else(|| Pool::clone(&described), |corrected| corrected.pool)
    };
    let pool = told(&mut world);
    assert_eq!((pool.effective_target(), pool.target_hosts().len()), (2, 2));
    assert!(!pool.failable_hosts().contains(host(2)));
    agreed(&mut world, [LIVE; 3]);
    world.inventory(2, &[]);
    assert_eq!(told(&mut world).target_hosts().len(), 3);
    agreed(&mut world, [LIVE, LIVE, Standing::Out]);
    let pool = told(&mut world);
    assert_eq!((pool.effective_target(), pool.target_hosts().len()), (1, 2), "it has left on purpose");
}

#[test]
fn a_host_that_left_with_the_term_before_has_left_on_purpose() {
    let document = pool(3, &[]);
    let mut world = World::begin(Arc::clone(&document), Vec::new(), EPOCH);
    world.frame(ToService::Agreed(Box::new(configuration(&[LIVE, LIVE, Standing::Out]))));
    let picture = world.machine.news_of_picture().expect("the first one");
    let pool = picture.correct(&document).expect("it says that all are up").pool;
    assert_eq!(pool.host(host(2)).state, lifeboat_model::spec::HostState::Maintenance);
}

#[test]
fn nothing_is_kept_of_a_vm_that_is_gone() {
    let about = |world: &World, vm: &str| {
        let kept = world.kept();
        kept.iter().filter(|record| record.key.names().skip(2).nth(1) == Some(vm)).count()
    };
    let mut world = World::with(&[("db", 2), ("web", 1)]);
    world.waits(Duration::from_secs(1));
    assert!(about(&world, "db") > 0 && about(&world, "web") > 0);
    let next = World::begin(pool(3, &[("web", 1)]), world.kept(), Epoch(8));
    let forgotten = records::strangers(&world.kept(), &next.machine.served);
    assert!(forgotten.iter().eq(["db"]));
    world.machine.document(world.now, pool(3, &[("web", 1)])).expect("right");
    world.carry_out();
    assert_eq!(about(&world, "db"), 0);
    world.report(1, told::Report::Stopped { vm: "db".to_owned(), cause: told::StopCause::Stopped });
    world.waits(Duration::from_secs(1));
    assert_eq!(about(&world, "db"), 0, "nor what becomes of it later");
    assert!(about(&world, "web") > 0);
}

#[test]
fn a_host_that_ran_a_vm_long_ago_does_not_say_what_it_is_made_of() {
    let mut world = World::with(&[("db", 2)]);
    world.waits(Duration::from_secs(1));
    let mut next = World::begin(pool(3, &[("db", 2)]), kept(&world), Epoch(8));
    next.frame(ToService::Agreed(Box::new(configuration(&[FENCING, LIVE, LIVE]))));
    next.inventory(2, &[]);
    next.says(2, &facts("db"));
    assert!(defined(&next).is_empty(), "it is not placed there, and its home has not spoken yet");
    next.inventory(1, &["db"]);
    assert_eq!(defined(&next), ["h2"]);
}

#[test]
fn a_host_where_a_vm_was_only_meant_to_start_does_not_say_what_it_is_made_of() {
    let mut world = World::with(&[("db", 2)]);
    world.loses(1);
    let [(on, _)] = world.starts()[..] else { panic!("one start: {:?}", world.starts()) };
    // The order is lost with whoever gave it. Its host has the VM still as it was when it ran there long ago.
    let mut next = World::begin(pool(3, &[("db", 2)]), kept(&world), Epoch(8));
    next.loses(1);
    next.inventory(on.get(), &[]);
    let ReportNote::Vm(now_is) = facts("db") else { unreachable!("it is one") };
    next.says(on.get(), &ReportNote::Vm(VmFacts { definition: "<domain>old</domain>".to_owned(), ..now_is }));
    assert!(defined(&next).is_empty());
    next.inventory(2 - on.get(), &[]);
    next.waits(Duration::from_secs(10));
    assert_eq!(next.starts().len(), 1);
    let of_old = |(_, note): &(HostIndex, OrderNote)| matches!(note, OrderNote::Vm(vm) if vm.definition != "<domain>db</domain>");
    assert!(!next.notes.iter().any(of_old), "{:?}", next.notes);
}

#[test]
fn whoever_has_started_a_vm_says_from_then_on_what_it_is_made_of() {
    let mut world = World::with(&[("db", 2)]);
    world.loses(1);
    let (on, order) = world.orders.pop().expect("a start");
    world.learned.clear();
    world.done(&order, on);
    assert_eq!(world.machine.definitions["db"].from, Some(on.get()));
    assert_eq!(defined(&world).len(), 1, "and that is kept");
}

//! Certificates go out and come back the same, and nothing that comes in can do harm.
use super::{CertificateError, read, write};
use lifeboat_model::certificate::{
    Certificate, Closure, Node, Placement, Policy, Proof, Proven, Refutation, Refuted, SequentialRefuted,
    Strategy, StuckTests, Tree,
};
use lifeboat_model::{GroupIndex, HostIndex, VmIndex};
use proptest::prelude::{Just, Strategy as Generator, any, prop, prop_oneof};

fn hosts() -> impl Generator<Value = Vec<HostIndex>> {
    prop::collection::vec(any::<u16>().prop_map(HostIndex), 0..4)
}

fn vms() -> impl Generator<Value = Vec<VmIndex>> {
    prop::collection::vec(any::<u32>().prop_map(VmIndex), 0..4)
}

fn pairs() -> impl Generator<Value = Vec<(VmIndex, HostIndex)>> {
    prop::collection::vec((any::<u32>().prop_map(VmIndex), any::<u16>().prop_map(HostIndex)), 0..4)
}

fn numbers() -> impl Generator<Value = Vec<u64>> {
    prop::collection::vec(any::<u64>(), 0..4)
}

fn node() -> impl Generator<Value = Node> {
    let placement =
        prop_oneof![Just(Placement::Incremental), Just(Placement::Joint), Just(Placement::Explicit)];
    let closure = prop_oneof![
        Just(Closure::Done),
        Just(Closure::AnyFit),
        Just(Closure::AnyFitAtRoot),
        Just(Closure::Slots),
        Just(Closure::FixedOrder),
        Just(Closure::Branch),
    ];
    (placement, closure).prop_map(|(placement, closure)| Node { placement, closure })
}

fn policy() -> impl Generator<Value = Policy> {
    prop_oneof![
        (numbers(), hosts()).prop_map(|(weights, order)| Policy::FirstFit { weights, order }),
        numbers().prop_map(|weights| Policy::BestFit { weights }),
        numbers().prop_map(|weights| Policy::WorstFit { weights }),
        numbers().prop_map(|chain| Policy::BestBlock { chain }),
    ]
}

fn proven() -> impl Generator<Value = Proven> {
    let tests = (prop::collection::vec(numbers(), 0..3), numbers(), any::<bool>())
        .prop_map(|(multipliers, buckets, rounded)| StuckTests { multipliers, buckets, rounded });
    let tree = (
        hosts(),
        policy(),
        tests,
        prop::collection::vec(node(), 0..30),
        prop::collection::vec(pairs(), 0..3),
    )
        .prop_map(|(order, policy, tests, nodes, packings)| Tree {
            order,
            policy,
            tests,
            nodes,
            packings,
        });
    let proof = prop_oneof![Just(Proof::Nothing), tree.prop_map(Proof::Tree)];
    (any::<u32>(), proof).prop_map(|(failures, proof)| Proven { failures, proof })
}

fn refutation() -> impl Generator<Value = Refutation> {
    let values = prop::collection::vec((any::<u32>().prop_map(VmIndex), any::<u64>()), 0..4);
    let leaf = prop_oneof![
        Just(Refutation::Liveness),
        Just(Refutation::NoSurvivor),
        (numbers(), values).prop_map(|(surrogate, values)| Refutation::Values { surrogate, values }),
        (any::<u32>(), vms())
            .prop_map(|(group, members)| Refutation::Separation { group: GroupIndex(group), members }),
        (vms(), any::<u64>()).prop_map(|(items, nodes)| Refutation::Exhaustion { items, nodes }),
    ];
    leaf.prop_recursive(4, 20, 3, |inner| {
        (any::<u32>(), prop::collection::vec((any::<u16>().prop_map(HostIndex), inner), 0..3))
            .prop_map(|(item, cases)| Refutation::Cases { item: VmIndex(item), cases })
    })
}

fn refuted() -> impl Generator<Value = Refuted> {
    (hosts(), refutation()).prop_map(|(failed, refutation)| Refuted { failed, refutation })
}

fn strategy() -> impl Generator<Value = Strategy> {
    refuted().prop_map(Strategy::AtOnce).prop_recursive(3, 20, 3, |inner| {
        (any::<u16>(), prop::collection::vec(inner, 0..3))
            .prop_map(|(host, answers)| Strategy::Fail { host: HostIndex(host), answers })
    })
}

fn certificate() -> impl Generator<Value = Certificate> {
    let sequential =
        (any::<u32>(), strategy()).prop_map(|(failures, strategy)| SequentialRefuted { failures, strategy });
    (
        pairs(),
        prop::option::of(proven()),
        prop::option::of(refuted()),
        prop::option::of(proven()),
        prop::option::of(sequential),
    )
        .prop_map(|(pending, a, b, c, d)| Certificate {
            pending,
            simultaneous_proven: a,
            simultaneous_refuted: b,
            sequential_proven: c,
            sequential_refuted: d,
        })
}

fn written(certificate: &Certificate) -> Vec<u8> {
    let mut bytes = Vec::new();
    write("p", certificate, &mut bytes).expect("memory does not fail");
    bytes
}

proptest::proptest! {
    #[test]
    fn a_certificate_comes_back_as_it_went_out(certificate in certificate()) {
        let back = read(&written(&certificate), "p").expect("what was written can be read");
        proptest::prop_assert_eq!(back, certificate);
    }

    #[test]
    fn a_certificate_with_one_byte_changed_is_read_or_refused(
        certificate in certificate(), at in any::<usize>(), byte in any::<u8>(),
    ) {
        let mut bytes = written(&certificate);
        let at = at % bytes.len();
        bytes[at] = byte;
        // Whatever comes of it, it comes without a panic.
        let _ = read(&bytes, "p");
    }
}

/// A certificate whose refutation nests so many cases.
fn nested(levels: usize) -> Certificate {
    let mut refutation = Refutation::NoSurvivor;
    for _ in 0..levels {
        refutation = Refutation::Cases { item: VmIndex(0), cases: vec![(HostIndex(0), refutation)] };
    }
    let refuted = Refuted { failed: vec![HostIndex(0)], refutation };
    Certificate { simultaneous_refuted: Some(refuted), ..Certificate::default() }
}

#[test]
fn nesting_is_bounded() {
    assert!(read(&written(&nested(255)), "p").is_ok());
    assert!(matches!(read(&written(&nested(256)), "p"), Err(CertificateError::TooDeep(_))));
}

#[test]
fn a_list_that_is_cut_short_or_too_long_is_uneven() {
    let text = String::from_utf8(written(&nested(2))).expect("JSON is text");
    for (from, to) in [("\"no-survivor\"]", "\"no-survivor\",\"liveness\"]"), (",\"no-survivor\"]", "]")] {
        let uneven = text.replace(from, to);
        assert_ne!(text, uneven);
        assert!(matches!(read(uneven.as_bytes(), "p"), Err(CertificateError::Uneven)));
    }
    let announced = r#"{"fail":{"host":0,"answers":4294967295}}"#;
    let document = format!(
        r#"{{"format":"lifeboat.certificate/v1","pool":"p","pending":[],
            "simultaneous":{{"proven":null,"refuted":null}},
            "sequential":{{"proven":null,"refuted":{{"failures":1,"strategy":[{announced}]}}}}}}"#
    );
    assert!(matches!(read(document.as_bytes(), "p"), Err(CertificateError::Uneven)));
}

#[test]
fn a_certificate_of_another_pool_or_with_a_strange_node_is_refused() {
    let bytes = written(&Certificate::default());
    assert!(matches!(read(&bytes, "q"), Err(CertificateError::OtherPool(pool)) if pool == "p"));
    let tree = r#"{"order":[],"policy":{"best-fit":{"weights":[]}},"tests":{"multipliers":[],"buckets":[],
        "rounded":false},"nodes":"dx","packings":[]}"#;
    let document = format!(
        r#"{{"format":"lifeboat.certificate/v1","pool":"p","pending":[],
            "simultaneous":{{"proven":{{"failures":1,"tree":{tree}}},"refuted":null}},
            "sequential":{{"proven":null,"refuted":null}}}}"#
    );
    assert!(matches!(read(document.as_bytes(), "p"), Err(CertificateError::UnknownNode('x'))));
}

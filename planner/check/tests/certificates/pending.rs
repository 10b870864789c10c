//! Pending VMs: where they are placed, and proof that they cannot be.
use crate::build::{
    accepted, ascending, built, full_tree, group, h, in_turn, refusal, refuted, spec, v, volume,
};
use lifeboat_check::{Claim, PendingFault, Why};
use lifeboat_model::certificate::{Certificate, Placement, Proof, Proven, Refutation};
use lifeboat_model::spec::{HostState, RestartPriority, Rule, VmSpec};
use lifeboat_model::{Pool, PoolSpec};

/// h0 and h1 with 4 free each and a VM of 1 on each; v2 of `sizes` and on are pending.
fn waiting(sizes: &[u64]) -> PoolSpec {
    let mut spec = spec(&[(4, &[1]), (4, &[1])]);
    for &memory_mib in sizes {
        spec.vms.push(VmSpec {
            id: format!("v{}", spec.vms.len()),
            memory_mib,
            restart_priority: RestartPriority::Restart,
            should_run: true,
            ..VmSpec::default()
        });
    }
    spec
}

/// Claims only that no failure is survived, after this placement.
fn placed(placement: &[(usize, usize)]) -> Certificate {
    Certificate {
        pending: placement.iter().map(|&(vm, host)| (v(vm), h(host))).collect(),
        simultaneous_proven: Some(Proven { failures: 0, proof: Proof::Nothing }),
        ..Certificate::default()
    }
}

#[track_caller]
fn fault(pool: &Pool, placement: &[(usize, usize)]) -> PendingFault {
    match refusal(pool, &placed(placement)) {
        Why::Pending(fault) => fault,
        why => panic!("{why}"),
    }
}

#[test]
fn every_pending_vm_has_one_place_with_room() {
    let pool = built(&waiting(&[3, 3]));
    let claims = [Claim::Pending, Claim::SimultaneousProven(0)];
    assert_eq!(accepted(&pool, &placed(&[(2, 0), (3, 1)])), claims);
    assert_eq!(fault(&pool, &[(2, 0)]), PendingFault::Missing(v(3)));
    assert_eq!(fault(&pool, &[]), PendingFault::Missing(v(2)));
    assert_eq!(fault(&pool, &[(2, 0), (2, 1), (3, 1)]), PendingFault::Twice(v(2)));
    assert_eq!(fault(&pool, &[(2, 0), (3, 1), (0, 1)]), PendingFault::NotPending(v(0)));
    assert!(matches!(fault(&pool, &[(2, 0), (3, 0)]), PendingFault::CannotTake { .. }));
    assert!(matches!(refusal(&pool, &placed(&[(2, 0), (3, 8)])), Why::Unknown(_)));
    assert!(matches!(refusal(&pool, &placed(&[(2, 0), (30, 1)])), Why::Unknown(_)));
}

#[test]
fn bounds_speak_of_the_state_after_the_placement() {
    let pool = built(&waiting(&[3]));
    let tree = full_tree(&pool, ascending(&pool), 1, Placement::Incremental, true);
    let mut certificate = in_turn(1, tree);
    certificate.pending = vec![(v(2), h(0))];
    // h0 with 1 + 3 fails: h1's 4 take them. h1 fails: its 1 fits h0's 1.
    assert_eq!(accepted(&pool, &certificate), [Claim::Pending, Claim::SequentialProven(1)]);
    let tight = built(&waiting(&[4]));
    // 1 + 4 do not fit 4.
    assert_eq!(refusal(&tight, &certificate), Why::Stuck { node: 1, vm: v(0) });
}

#[test]
fn a_vm_that_no_host_could_run_is_left_out() {
    let mut spec = waiting(&[3, 3]);
    spec.vms[3].allowed_hosts = Some(Vec::new());
    let pool = built(&spec);
    assert_eq!(accepted(&pool, &placed(&[(2, 0)])), [Claim::Pending, Claim::SimultaneousProven(0)]);
    assert_eq!(fault(&pool, &[(2, 0), (3, 1)]), PendingFault::NotPending(v(3)));
}

#[test]
fn a_vm_that_only_its_host_could_run_is_unprotectable_once_it_is_placed() {
    let mut spec = waiting(&[3]);
    spec.vms[2].allowed_hosts = Some(vec!["h1".into()]);
    let pool = built(&spec);
    let mut certificate = in_turn(1, full_tree(&pool, ascending(&pool), 1, Placement::Incremental, true));
    certificate.pending = vec![(v(2), h(1))];
    assert_eq!(accepted(&pool, &certificate), [Claim::Pending, Claim::SequentialProven(1)]);
}

#[test]
fn an_affinity_group_goes_together_to_where_a_member_runs() {
    let mut spec = waiting(&[1, 1]);
    group(&mut spec, Rule::Affinity, &[2, 3]);
    let anywhere = built(&spec);
    assert_eq!(accepted(&anywhere, &placed(&[(2, 0), (3, 0)])).len(), 2);
    assert_eq!(fault(&anywhere, &[(2, 0), (3, 1)]), PendingFault::Apart(v(3)));
    group(&mut spec, Rule::Affinity, &[1, 3]);
    let with_v1 = built(&spec);
    assert!(matches!(fault(&with_v1, &[(2, 0), (3, 0)]), PendingFault::CannotTake { .. }));
    assert_eq!(accepted(&with_v1, &placed(&[(2, 1), (3, 1)])).len(), 2);
}

#[test]
fn a_separated_vm_goes_where_no_member_is() {
    let mut spec = waiting(&[1, 1]);
    group(&mut spec, Rule::AntiAffinity, &[0, 2]);
    let pool = built(&spec);
    assert!(matches!(fault(&pool, &[(2, 0), (3, 0)]), PendingFault::CannotTake { .. }));
    assert_eq!(accepted(&pool, &placed(&[(2, 1), (3, 1)])).len(), 2);
    group(&mut spec, Rule::AntiAffinity, &[2, 3]);
    let pool = built(&spec);
    assert!(matches!(fault(&pool, &[(2, 1), (3, 1)]), PendingFault::CannotTake { .. }));
    assert_eq!(accepted(&pool, &placed(&[(2, 1), (3, 0)])).len(), 2);
}

#[test]
fn a_broken_state_is_proven_broken_and_claims_nothing_else() {
    let pool = built(&waiting(&[3, 3, 3]));
    let broken = refuted(&[], volume(&pool, &[2, 3, 4]));
    assert_eq!(accepted(&pool, &broken), [Claim::Broken]);
    let mut partly = broken.clone();
    partly.pending = vec![(v(2), h(0))];
    assert_eq!(refusal(&pool, &partly), Why::BrokenAndMore);
    let mut proven = broken;
    proven.sequential_proven = Some(Proven { failures: 0, proof: Proof::Nothing });
    assert_eq!(refusal(&pool, &proven), Why::BrokenAndMore);
    // Nothing can be claimed of the state after a placement that leaves one out.
    assert_eq!(fault(&pool, &[(2, 0), (3, 1)]), PendingFault::Missing(v(4)));
    let whole = built(&waiting(&[3, 3]));
    let wrong = refuted(&[], volume(&whole, &[2, 3]));
    assert_eq!(refusal(&whole, &wrong), Why::ValuesFit { worth: 6, room: 6 });
    assert_eq!(refusal(&whole, &refuted(&[], Refutation::NoSurvivor)), Why::SurvivorLeft);
}

#[test]
fn a_certificate_that_claims_nothing_establishes_nothing() {
    let pool = built(&waiting(&[3]));
    assert_eq!(accepted(&pool, &Certificate::default()), []);
}

#[test]
fn pending_vms_go_to_live_hosts_only() {
    let mut spec = waiting(&[1]);
    spec.hosts[0].state = HostState::Disabled;
    let pool = built(&spec);
    assert!(matches!(fault(&pool, &[(2, 0)]), PendingFault::CannotTake { .. }));
    assert_eq!(accepted(&pool, &placed(&[(2, 1)])).len(), 2);
}

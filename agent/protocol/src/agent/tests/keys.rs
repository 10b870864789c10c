//! The pool's key changes.
use super::Pool;
use crate::input::{Input, Operator};
use crate::keyring::Keyring;
use crate::message::NewKey;

#[test]
fn keys_change_without_anybody_being_missed() {
    let mut pool = Pool::new(3);
    pool.give(0, Input::Operator(Operator::RotateKey { key: [9; 32] }));
    pool.run(10);
    let agreed = pool.agreed();
    assert_eq!(u64::from(agreed.key_epoch), agreed.epoch.0 * 256, "the first that the term gave out");
    pool.run(30);
    assert_eq!(pool.members(), [0, 1, 2]);
    assert!((0..3).all(|host| pool.said(host, "KeepKey").is_some()));
}

#[test]
fn a_key_that_a_host_cannot_keep_is_not_changed_to() {
    let mut pool = Pool::new(3);
    let before = pool.agreed().key_epoch;
    pool.full.push(2);
    pool.give(0, Input::Operator(Operator::RotateKey { key: [9; 32] }));
    pool.run(10);
    assert_eq!(pool.agreed().key_epoch, before, "host 2 would be deaf after its next start");
    let key_epoch = Keyring::new(1, [3; 32]).next_epoch(pool.agreed().epoch).expect("there are some left");
    pool.give(2, Input::KeyKept(NewKey { key_epoch, key: [9; 32] }));
    pool.run(10);
    assert_eq!(pool.agreed().key_epoch, key_epoch, "its disk has room again");
}

#[test]
fn a_host_that_was_off_while_the_key_changed_is_a_member_again_once_its_shell_has_fetched_the_key() {
    let mut pool = Pool::new(3);
    pool.agents[2] = None;
    pool.run(60);
    pool.give(0, Input::Operator(Operator::RotateKey { key: [9; 32] }));
    pool.run(30);
    let key_epoch = pool.agreed().key_epoch;
    assert!(key_epoch > 1 && pool.members() == [0, 1]);
    pool.power_on(2);
    pool.run(60);
    assert_eq!(pool.members(), [0, 1], "it is deaf");
    pool.give(2, Input::KeyKept(NewKey { key_epoch, key: [9; 32] }));
    pool.run(20);
    assert_eq!(pool.members(), [0, 1, 2]);
}

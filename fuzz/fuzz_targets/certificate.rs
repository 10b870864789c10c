#![no_main]
//! The fuzzer's bytes are the choices by which a tiny pool and certificates for it are made. Nothing may panic,
//! and what the checker accepts must be true by the oracle that tries everything. The generators and the oracle
//! are those of the checker's own test.
#[path = "../../planner/check/tests/agreement/draw.rs"]
mod draw;
#[path = "../../planner/check/tests/agreement/forge.rs"]
mod forge;
#[path = "../../planner/check/tests/agreement/judge.rs"]
mod judge;
#[path = "../../planner/check/tests/agreement/pools.rs"]
mod pools;
#[path = "../../planner/check/tests/agreement/tight.rs"]
mod tight;
#[path = "../../planner/check/tests/agreement/truth.rs"]
mod truth;

use draw::Draw;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut left = bytes.iter();
    // Every choice takes one byte; when there are no more, the first of everything is chosen.
    let mut choose = |count: usize| left.next().map_or(0, |&byte| usize::from(byte) % count);
    let mut draw = Draw(&mut choose);
    if draw.once_in(4) {
        tight::case(&mut draw);
    } else {
        judge::case(&mut draw, &mut judge::Tally::default());
    }
});

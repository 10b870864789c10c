//! Many runs on several threads, with their results in order: what is told does not depend on how many there are.
use core::num::NonZeroUsize;
use core::ops::{ControlFlow, RangeInclusive};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::sync::mpsc;

/// Does the work for each number, for so many at once, and hands the results over in the order of the numbers, until
/// told to stop.
pub(crate) fn in_order<R: Send>(
    numbers: RangeInclusive<u64>,
    at_once: NonZeroUsize,
    work: impl Fn(u64) -> R + Sync,
    mut hand_over: impl FnMut(R) -> ControlFlow<()>,
) {
    let (first, last) = numbers.into_inner();
    let next = AtomicU64::new(first);
    let stopped = AtomicBool::new(false);
    let (send, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..at_once.get() {
            let (send, next, stopped, work) = (send.clone(), &next, &stopped, &work);
            scope.spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number > last || send.send((number, work(number))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        let mut early = BTreeMap::new();
        let mut due = first;
        for (number, result) in results {
            early.insert(number, result);
            while let Some(result) = early.remove(&due) {
                due += 1;
                if hand_over(result).is_break() {
                    stopped.store(true, Ordering::Relaxed);
                    return;
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_stop_when_told() {
        for at_once in [1, 2, 7] {
            let mut out = Vec::new();
            in_order(
                3..=40,
                NonZeroUsize::new(at_once).unwrap(),
                |number| number * number,
                |square| {
                    out.push(square);
                    if square == 400 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                },
            );
            assert_eq!(out, (3..=20).map(|number| number * number).collect::<Vec<u64>>());
        }
    }
}

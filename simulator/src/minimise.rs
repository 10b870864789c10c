//! Makes a failing run small: which events can be left out, and which numbers made rounder, so that it still fails?
//!
//! First delta debugging over the events (Zeller's ddmin: try leaving out halves, then quarters, and so on), then
//! each event is simplified in turn, for as long as anything helps. The caller says what failing means: mostly "breaks
//! the same invariant", so that one fault is not exchanged for another on the way.

mod event;

/// How many runs a minimisation may take; what is left by then is printed as it is.
pub const MOST_RUNS: usize = 2_000;

/// A thing that can be made simpler.
pub trait Simplify: Sized {
    /// Simpler variants of it, the simplest first. Each must be strictly simpler by some measure that is bounded below,
    /// or minimisation would go round in circles until its runs are used up.
    fn simpler(&self) -> Vec<Self>;
}

/// The fewest and simplest events found for which `fails` holds still. `events` itself must fail.
pub fn minimise<E: Clone + Simplify>(events: &[E], mut fails: impl FnMut(&[E]) -> bool) -> Vec<E> {
    let mut runs = 0;
    let mut tried = |candidate: &[E]| {
        runs += 1;
        runs <= MOST_RUNS && fails(candidate)
    };
    let mut smallest = events.to_vec();
    loop {
        let fewer = leave_out(smallest.clone(), &mut tried);
        let simpler = simplify(fewer.clone(), &mut tried);
        let Some(simpler) = simpler else { return fewer };
        smallest = simpler;
    }
}

/// ddmin: leaves out ever smaller pieces until no single event can be spared.
fn leave_out<E: Clone>(mut events: Vec<E>, fails: &mut impl FnMut(&[E]) -> bool) -> Vec<E> {
    let mut piece = events.len().div_ceil(2);
    while piece > 0 {
        let mut start = 0;
        let mut progress = false;
        while start < events.len() {
            let end = (start + piece).min(events.len());
            let without: Vec<E> = events[..start].iter().chain(&events[end..]).cloned().collect();
            if fails(&without) {
                events = without;
                progress = true;
            } else {
                start = end;
            }
        }
        if piece > 1 {
            piece = piece.div_ceil(2);
        } else if !progress {
            break;
        }
    }
    events
}

/// One pass over the events, each replaced by the first simpler variant that fails too. None if nothing helped.
fn simplify<E: Clone + Simplify>(mut events: Vec<E>, fails: &mut impl FnMut(&[E]) -> bool) -> Option<Vec<E>> {
    let mut progress = false;
    for position in 0..events.len() {
        while let Some(simpler) = first_simpler(&events, position, fails) {
            events[position] = simpler;
            progress = true;
        }
    }
    progress.then_some(events)
}

fn first_simpler<E: Clone + Simplify>(
    events: &[E],
    position: usize,
    fails: &mut impl FnMut(&[E]) -> bool,
) -> Option<E> {
    events[position].simpler().into_iter().find(|simpler| {
        let mut changed = events.to_vec();
        changed[position] = simpler.clone();
        fails(&changed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Simplify for u32 {
        fn simpler(&self) -> Vec<Self> {
            [self / 2, self.saturating_sub(1)].into_iter().filter(|smaller| smaller < self).collect()
        }
    }

    #[test]
    fn what_is_not_needed_for_the_failure_is_left_out() {
        let events: Vec<u32> = (0..100).collect();
        let smallest =
            minimise(&events, |events| events.contains(&17) && events.iter().any(|&event| event >= 80));
        assert_eq!(smallest, [17, 80]);
    }

    #[test]
    fn numbers_are_made_as_simple_as_the_failure_allows() {
        assert_eq!(minimise(&[900, 37], |events| events.iter().sum::<u32>() >= 40), [40]);
    }

    #[test]
    fn a_failure_that_needs_no_event_at_all_is_told_by_none() {
        assert_eq!(minimise(&[1, 2, 3], |_| true), Vec::<u32>::new());
    }

    #[test]
    fn minimisation_ends_within_its_runs() {
        let mut runs = 0;
        let events: Vec<u32> = (1..5_000).collect();
        let smallest = minimise(&events, |events| {
            runs += 1;
            events.len() > 4_000
        });
        assert!(runs <= MOST_RUNS && smallest.len() > 4_000);
    }
}

//! Promise: the same input and the same work limit give the same answer, on one thread or two, whether the
//! limit is generous or stops the search at once; and the answer that was stopped early claims no more.
use super::{WORK, limits, require};
use lifeboat_model::Pool;
use lifeboat_planner::{Assessment, assess};

pub(super) fn holds(pool: &Pool, answer: &Assessment) -> Result<(), String> {
    let again = assess(pool, &limits(WORK, 2));
    require(again == *answer, || format!("two threads say {again:?}, one says {answer:?}"))?;
    for work in [0, 30, 300] {
        let one = assess(pool, &limits(work, 1));
        let two = assess(pool, &limits(work, 2));
        require(one == two, || format!("within {work} units two threads say {two:?}, one says {one:?}"))?;
    }
    Ok(())
}

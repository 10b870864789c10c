//! Hosts that run more than they have. In the service that is a condition to report; in a file it is most
//! often a mistake, so on the command line it is a fault like any other.
use super::{Fault, FaultKind};
use lifeboat_model::Pool;

/// A fault for each host and resource of which more runs than there is.
pub fn over_full(pool: &Pool) -> Vec<Fault> {
    let width = pool.resources().len();
    let short = |&(_, &free): &(usize, &i64)| free < 0;
    pool.free()
        .iter()
        .enumerate()
        .filter(short)
        .map(|(cell, free)| Fault {
            pointer: format!("/hosts/{}", cell / width),
            kind: FaultKind::OverFull {
                host: pool.hosts()[cell / width].id.to_string(),
                resource: pool.resources()[cell % width].clone(),
                by: free.unsigned_abs(),
            },
        })
        .collect()
}

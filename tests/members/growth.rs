//! Hosts that join.
use super::pool::Pool;

#[test]
fn hosts_that_join_at_one_moment_all_become_members() {
    let mut pool = Pool::founded(&[]);
    for _ in 0..3 {
        let first = pool.join_at_once(2);
        pool.wait("both are members", || pool.hosts[first..].iter().all(super::host::Host::is_member));
    }
    let versions: Vec<_> = pool.hosts.iter().map(|host| host.status()["roster"].clone()).collect();
    pool.wait(&format!("all know the same roster: {versions:?}"), || {
        pool.hosts.iter().all(|host| host.status()["roster"] == 7)
    });
}

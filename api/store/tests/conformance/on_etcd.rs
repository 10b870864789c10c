//! The promises, held on an etcd of three members; and what several coordinators are promised besides.
use crate::cases::{CASES, Kind};
use crate::etcd::Etcd;
use lifeboat_store::{Options, Store, StoreAddress, open};
use std::cell::Cell;
use std::time::Duration;

struct OnEtcd {
    etcd: Etcd,
    made: Cell<u32>,
}

impl OnEtcd {
    fn start() -> Self {
        Self { etcd: Etcd::start(3), made: Cell::new(0) }
    }
}

/// Time enough on a busy machine, also for members that are just starting.
fn patient() -> Options {
    Options { lease: Duration::from_secs(20), timeout: Duration::from_secs(30), ..Options::default() }
}

impl Kind for OnEtcd {
    fn fresh(&self) -> StoreAddress {
        self.made.set(self.made.get() + 1);
        self.etcd.address(&format!("test-{}", self.made.get()))
    }

    fn open(&self, address: &StoreAddress) -> Box<dyn Store> {
        open(address, &patient()).expect("it opens")
    }
}

#[test]
fn an_etcd_keeps_every_promise() {
    let kind = OnEtcd::start();
    for (promise, case) in CASES {
        println!("{promise}");
        case(&kind);
    }
}

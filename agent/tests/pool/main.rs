//! Pools of whole agents: processes of the real program on addresses of the loopback, with a statefile in a directory and a watchdog that is a
//! thread of this test. No VMs; a stand-in plays the service.
mod emergency;
mod etcd;
mod faults;
mod harness;
mod life;
mod stand_in;

//! Who belongs to a pool, with real agents and real services on addresses of the loopback: hosts join at once, are off while others join or
//! the heartbeat key changes, and get their next certificates in time, or are reached elsewhere. No VMs; what is a host's power is its processes and its boot id.
mod addresses;
mod away;
mod certificates;
mod growth;
mod host;
mod pool;

//! How etcd as a medium is tried.

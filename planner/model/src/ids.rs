//! Dense identities. Inside the product a host is a small number that indexes arrays of hosts only; its
//! name in the outside world lives at the edge, in [`crate::Pool`]. Each kind has its own type, so that a
//! VM's number can never be used where a host's is meant.

macro_rules! index {
    ($(#[$doc:meta])* $name:ident($repr:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $repr);
        impl $name {
            /// The index of the `position`-th of its kind.
            #[inline]
            pub const fn new(position: usize) -> Self { Self(position as $repr) }
            /// The position in arrays of this kind.
            #[inline]
            pub const fn get(self) -> usize { self.0 as usize }
        }
    };
}

index!(
    /// A host: its position in the pool document's `hosts`.
    HostIndex(u16)
);
index!(
    /// A VM: its position in the pool document's `vms`.
    VmIndex(u32)
);
index!(
    /// A group rule: its position in the pool document's `groups`.
    GroupIndex(u32)
);
index!(
    /// A countable resource; 0 is memory in MiB.
    ResourceIndex(u16)
);
index!(
    /// A storage, declared or used.
    StorageIndex(u16)
);
index!(
    /// A network, declared or used.
    NetworkIndex(u16)
);
index!(
    /// A requirement profile: what decides where a VM can run, shared by all VMs that ask the same.
    ProfileIndex(u32)
);
index!(
    /// A fault domain; a host without one in the document is a domain of its own.
    DomainIndex(u16)
);

impl ResourceIndex {
    /// Memory in MiB, the resource that every pool has.
    pub const MEMORY: Self = Self(0);
}

//! Making certain that a host runs no VM: this one by resetting it, another one from outside.
pub mod external;
pub mod own;

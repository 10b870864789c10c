//! Nothing: the tests of this package are `main.rs`.

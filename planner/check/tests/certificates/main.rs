//! Certificates written by hand: right ones are accepted, and each change that makes a claim false, or leaves it
//! without proof, is refused for the right reason.
mod build;
mod known;
mod limits;
mod pending;
mod proofs;
mod refutations;
mod rules;
mod strategies;

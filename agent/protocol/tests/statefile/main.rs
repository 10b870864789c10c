//! The statefile from outside: golden files that pin its bytes, and what is made of bytes that nobody of ours wrote.
mod bytes;
mod golden;
mod samples;

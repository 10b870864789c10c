//! The program `lifeboat-agent`.

fn main() {}

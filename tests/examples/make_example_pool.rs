//! Writes `examples/pool-64x2048.json.gz`: `cargo run -p lifeboat-tests --example make_example_pool`.
use flate2::{Compression, GzBuilder};
use lifeboat_tests::example_pool;
use std::fs::File;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or(std::io::ErrorKind::NotFound)?;
    let file = File::create(root.join("examples/pool-64x2048.json.gz"))?;
    // No time and no name in the header: the same pool gives the same bytes.
    let mut packed = GzBuilder::new().mtime(0).write(file, Compression::best());
    lifeboat::dto::pool::write(&example_pool::spec(), &mut packed)?;
    packed.finish().map(drop)
}

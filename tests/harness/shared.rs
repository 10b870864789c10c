//! Pools that lie beside the repository, in `../shared/pools`, where there are any. The repository stands alone:
//! whoever has them tests more, nobody needs them.
use flate2::read::GzDecoder;
use lifeboat_model::Pool;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The folder of that name below the shared pools, if it is there.
pub fn folder(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let folder = root.parent()?.join("shared/pools").join(name);
    folder.is_dir().then_some(folder)
}

/// Every pool in a folder, by name, ascending.
///
/// # Panics
/// If the folder cannot be read.
pub fn pools(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(folder).expect("a folder of pools");
    let mut pools: Vec<(String, PathBuf)> = entries
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(".json.gz")?.to_owned();
            Some((name, path))
        })
        .collect();
    pools.sort();
    pools
}

/// The text of a compressed pool document.
///
/// # Panics
/// If it cannot be read.
pub fn document(path: &Path) -> Vec<u8> {
    let compressed = std::fs::read(path).expect("a readable file");
    let mut text = Vec::new();
    GzDecoder::new(compressed.as_slice()).read_to_end(&mut text).expect("gzip");
    text
}

/// A pool, read as the command line reads it.
///
/// # Panics
/// If the document has a fault.
pub fn pool(path: &Path) -> Pool {
    lifeboat::dto::pool::read(&document(path))
        .unwrap_or_else(|faults| panic!("{}: {faults:?}", path.display()))
}

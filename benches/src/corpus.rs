//! The pools that are measured: made from seeds, or real ones where the shared corpus is at hand.
use lifeboat::{dto, source};
use lifeboat_generate::{Family, Recipe, generate};
use lifeboat_model::Pool;
use std::path::{Path, PathBuf};

/// Where pools come from.
#[derive(Clone, Copy, Debug)]
pub enum Corpus {
    /// From seeds 0, 1, 2, …, each family in turn.
    Made {
        /// The families.
        families: &'static [Family],
        /// Hosts of each pool.
        hosts: u32,
        /// VMs of each pool.
        vms: u32,
        /// The number of failures whose boundary they hug; none: as the family draws it.
        failures: Option<u32>,
    },
    /// Pools from production traces: the files of this folder of the shared corpus whose names start so.
    Real {
        /// The folder.
        folder: &'static str,
        /// How the names start.
        prefix: &'static str,
    },
}

/// Where real pools are, and how many made ones to take.
#[derive(Clone, Debug)]
pub struct Extent {
    /// The folder with the folders of real pools.
    pub shared: PathBuf,
    /// How many pools of a made corpus.
    pub pools: u32,
}

/// A pool and the seed for whatever is drawn besides.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its seed; for a real pool its place among the files.
    pub seed: u64,
    /// The pool.
    pub pool: Pool,
}

impl Corpus {
    /// The pools one by one, so that no more than one is in memory; nothing where there are no such files.
    pub fn cases(&self, extent: &Extent) -> Box<dyn Iterator<Item = Case>> {
        match *self {
            Self::Made { families, hosts, vms, failures } => {
                let family = |seed: u32| families[seed as usize % families.len()];
                Box::new((0..extent.pools).map(move |seed| {
                    let recipe = Recipe { failures, ..Recipe::new(family(seed), hosts, vms, seed.into()) };
                    Case { seed: seed.into(), pool: made(&recipe) }
                }))
            }
            Self::Real { folder, prefix } => {
                let files = files(&extent.shared.join(folder), prefix);
                Box::new(
                    files
                        .into_iter()
                        .zip(0..)
                        .filter_map(|(path, seed)| Some(Case { seed, pool: real(&path)? })),
                )
            }
        }
    }
}

/// The pool of a recipe.
///
/// # Panics
/// If the recipe is out of range.
pub fn made(recipe: &Recipe) -> Pool {
    let spec = generate(recipe).expect("recipes of this crate are in range");
    Pool::new(&spec).expect("generated pools have no defects, which the generator's tests show")
}

/// The pool in a file; none where it cannot be read.
pub fn real(path: &Path) -> Option<Pool> {
    dto::pool::read(&source::read(path, source::MOST_FILE_BYTES).ok()?).ok()
}

/// The pool documents of a folder whose names start so, by name.
pub fn files(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = folder.read_dir() else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(prefix) && name.ends_with(".json.gz")
        })
        .collect();
    files.sort();
    files
}

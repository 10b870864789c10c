//! Pool documents, as the simulator needs them: read, changed and printed by whoever knows their JSON. The
//! command line hands in the product's own reader.
use lifeboat_model::PoolSpec;

/// A reader and writer of pool documents.
pub trait Documents {
    /// Reads a document.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    fn read(&self, text: &[u8]) -> Result<PoolSpec, String>;

    /// Prints a pool as a document.
    fn print(&self, pool: &PoolSpec) -> String;

    /// The pool with the value at a JSON pointer (RFC 6901) of its document replaced or added.
    ///
    /// # Errors
    /// If there is no such place, or the document is not right with that value.
    fn set(&self, pool: &PoolSpec, pointer: &str, value: &toml::Value) -> Result<PoolSpec, String>;
}

/// No documents: for pools that are generated or made in code, and that no event changes.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDocuments;

impl Documents for NoDocuments {
    fn read(&self, _text: &[u8]) -> Result<PoolSpec, String> {
        Err("pool documents cannot be read here".to_owned())
    }

    fn print(&self, pool: &PoolSpec) -> String {
        format!("(the pool {:?}, which cannot be printed here)", pool.id)
    }

    fn set(&self, _pool: &PoolSpec, _pointer: &str, _value: &toml::Value) -> Result<PoolSpec, String> {
        Err("pool documents cannot be changed here".to_owned())
    }
}

//! What can be wrong with a pool document, and where: for a person a sentence, for a program a code.
use lifeboat_model::{Defect, spec};

/// The fields of the document, in the order in which it is written.
pub(super) const SECTIONS: &[&str] =
    &["format", "id", "settings", "storages", "networks", "hosts", "vms", "groups"];

/// One thing that is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {kind}", if pointer.is_empty() { "(document)" } else { pointer })]
pub struct Fault {
    /// JSON pointer (RFC 6901) into the document; empty for the whole of it.
    pub pointer: String,
    /// What is wrong there.
    pub kind: FaultKind,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// Not JSON at all.
    #[error("not a JSON document: {0}")]
    Syntax(String),
    /// A field that the format does not have.
    #[error("unknown field{}", suggestion(.0.as_deref()))]
    UnknownField(Option<String>),
    /// The same key twice in one object.
    #[error("the key is given twice")]
    DuplicateKey,
    /// A required field is not there.
    #[error("required, but missing")]
    Missing,
    /// A value of another type.
    #[error("must be {expected}, not {found}")]
    WrongType {
        /// What belongs there.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A word outside its vocabulary.
    #[error("{found:?} is not one of {expected}")]
    UnknownWord {
        /// What is there.
        found: String,
        /// The words that may be there.
        expected: String,
    },
    /// A number that is negative, fractional or too large to be read.
    #[error("{found} must be {expected}")]
    BadNumber {
        /// The number as it is written.
        found: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A string that is no Unicode text.
    #[error("the string cannot be read: {0}")]
    BadString(String),
    /// A host runs more than it has.
    #[error(
        "host {host:?} is over-full: what runs there needs {by} more {resource} than it has (--allow-over-full plans all the same)"
    )]
    OverFull {
        /// The host.
        host: String,
        /// The resource.
        resource: String,
        /// How much is lacking.
        by: u64,
    },
    /// The document can be read, but does not make a pool.
    #[error(transparent)]
    Unsound(spec::Fault),
}

impl Fault {
    /// The model's defects as faults of the document.
    pub fn of_defects(defects: Vec<Defect>) -> Vec<Self> {
        sorted(from_defects(defects))
    }
}

impl FaultKind {
    /// The fault as a machine-readable word.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "not-json",
            Self::UnknownField(_) => "unknown-field",
            Self::DuplicateKey => "duplicate-key",
            Self::Missing => "missing",
            Self::WrongType { .. } => "wrong-type",
            Self::UnknownWord { .. } => "unknown-word",
            Self::BadNumber { .. } => "bad-number",
            Self::BadString(_) => "bad-string",
            Self::OverFull { .. } => "over-full",
            Self::Unsound(fault) => unsound_code(fault),
        }
    }
}

fn unsound_code(fault: &spec::Fault) -> &'static str {
    use spec::Fault;
    match fault {
        Fault::BadId => "bad-id",
        Fault::DuplicateId(_) => "duplicate-id",
        Fault::ListedTwice(_) => "listed-twice",
        Fault::UnknownHost(_) => "unknown-host",
        Fault::UnknownVm(_) => "unknown-vm",
        Fault::UnknownStorage(_) => "unknown-storage",
        Fault::UnknownNetwork(_) => "unknown-network",
        Fault::OutOfRange { .. } => "out-of-range",
        Fault::TooMany { .. } => "too-many",
        Fault::MemoryAsResource => "memory-as-resource",
        Fault::RunsNowhere(_) => "runs-nowhere",
        Fault::BadMigration => "bad-migration",
        Fault::ReservedBeyondMemory { .. } => "reserved-beyond-memory",
        Fault::Unreadable(_) => "unreadable",
    }
}

fn suggestion(near: Option<&str>) -> String {
    near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default()
}

/// The model's defects as faults of the document.
pub(super) fn from_defects(defects: Vec<Defect>) -> Vec<Fault> {
    defects
        .into_iter()
        .map(|defect| Fault { pointer: defect.pointer, kind: FaultKind::Unsound(defect.fault) })
        .collect()
}

/// Faults in the order of the document: by section, then by position in it.
pub(super) fn sorted(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort_by_cached_key(|fault| place(&fault.pointer));
    faults
}

fn place(pointer: &str) -> (usize, usize) {
    let mut segments = pointer.split('/').skip(1);
    let section = segments.next().unwrap_or_default();
    let rank = SECTIONS.iter().position(|known| *known == section);
    let position = segments.next().and_then(|segment| segment.parse().ok());
    (rank.unwrap_or(SECTIONS.len()), position.unwrap_or(0))
}

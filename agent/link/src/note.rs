//! Notes: what the coordinator and the agents tell one another that the protocol need not understand. JSON, compressed, at most
//! [`MAX_NOTE`] bytes; unknown fields are refused, since both ends of a pool are upgraded together or the older one says so.
use crate::roster::Roster;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use lifeboat_protocol::order::MAX_NOTE;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{Read, Write};

/// The longest note once unpacked.
const MOST_UNPACKED: u64 = 1 << 20;

/// From the coordinator to an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OrderNote {
    /// What a VM is made of; comes before the order that starts it, and to the host where it runs when it changes.
    Vm(VmNote),
    /// Who belongs to the pool now.
    Roster(Roster),
    /// The certificate that was asked for. Who is believed stands in the roster.
    Certificate {
        /// The certificate and that of its authority, in PEM.
        chain_pem: String,
    },
    /// The host may leave: no VM runs there and none will be started.
    Leave,
    /// The same, and when it has left it boots anew.
    Reboot,
}

/// What a host needs to know of a VM to run it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VmNote {
    /// The VM's name in the pool document.
    pub vm: String,
    /// What its hypervisor makes it of: for libvirt the domain's XML, for `process` and `exec` a JSON object.
    pub definition: String,
    /// Its memory with overhead, in MiB.
    pub memory_mib: u64,
    /// Whether it is protected.
    pub protected: bool,
    /// What is done when its guest answers no more; none: nothing.
    #[serde(default)]
    pub monitor: Option<Monitor>,
}

/// What is done when a guest answers no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Monitor {
    /// After this long without a heartbeat and without activity on disks and networks.
    pub silent_for_s: u64,
    /// After its start it is left alone for this long.
    pub grace_s: u64,
    /// Resets within `window_s`; then it is restarted elsewhere, and if that does not help, left with an alert.
    pub resets: u32,
    /// The window.
    pub window_s: u64,
}

impl Default for Monitor {
    fn default() -> Self {
        Self { silent_for_s: 60, grace_s: 240, resets: 3, window_s: 3600 }
    }
}

/// From an agent to the coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ReportNote {
    /// What the host has, after each inventory and whenever it changes.
    Host(HostFacts),
    /// A VM that is defined here, whenever that is new or changes.
    Vm(VmFacts),
    /// A VM that nobody ordered to run here runs here.
    Appeared {
        /// The VM.
        vm: String,
    },
    /// A VM's definition was removed here by somebody; the pool goes on knowing it.
    Undefined {
        /// The VM.
        vm: String,
    },
    /// Something that people should know.
    Alert {
        /// Its kind, as the alert pages list it.
        kind: String,
        /// The VM that it is about; none: the host.
        vm: Option<String>,
        /// In words.
        text: String,
    },
    /// A VM's guest answers no more, its resets are used up: it was stopped here and is to be restarted elsewhere.
    Unresponsive {
        /// The VM.
        vm: String,
    },
    /// What the host is known by and whom it believes, durably: told in each term, and when it changes.
    Credentials {
        /// SHA-256 of the authority that signed its certificate, in hexadecimal.
        signed_by: String,
        /// SHA-256 of the authorities that it believes.
        believes: Vec<String>,
    },
    /// A certificate is wanted.
    CertificateRequest {
        /// The request, in PEM.
        csr_pem: String,
    },
}

/// What a host has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostFacts {
    /// Memory in all.
    pub memory_mib: u64,
    /// Kept back for the host itself.
    pub reserved_mib: u64,
    /// Storages that are attached and work.
    pub storages: Vec<String>,
    /// Networks for VMs that are there and have carrier.
    pub networks: Vec<String>,
    /// Other resources: "vcpus", devices.
    pub resources: BTreeMap<String, u64>,
    /// The hypervisor and its version, for people.
    pub hypervisor: String,
    /// The agent's version.
    pub agent: String,
}

/// What a host's hypervisor says of a VM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VmFacts {
    /// Its name.
    pub vm: String,
    /// What it is made of.
    pub definition: String,
    /// Its memory.
    pub memory_mib: u64,
    /// What its hypervisor needs beside that.
    pub overhead_mib: u64,
    /// Storages that its disks are on.
    pub storages: Vec<String>,
    /// Networks that its interfaces are on.
    pub networks: Vec<String>,
    /// Other resources that it needs.
    pub resources: BTreeMap<String, u64>,
    /// Why it can run on this host only, each in words; none: nothing keeps it.
    pub bound_by: Vec<String>,
}

/// Why bytes are no note, or a note does not go into one.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// Too long.
    #[error("a note of {0} bytes, compressed; at most {MAX_NOTE} can be sent")]
    TooLong(usize),
    /// Not compressed as it should be, or too long once unpacked.
    #[error("the note cannot be unpacked")]
    Packing(#[source] std::io::Error),
    /// Not a note that this version knows.
    #[error("not a note that this version knows")]
    Unknown(#[source] serde_json::Error),
}

/// The bytes of a note.
///
/// # Errors
/// [`NoteError::TooLong`].
pub fn pack<N: Serialize>(note: &N) -> Result<Box<[u8]>, NoteError> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::default());
    let json = serde_json::to_vec(note).map_err(NoteError::Unknown)?;
    packer.write_all(&json).map_err(NoteError::Packing)?;
    let packed = packer.finish().map_err(NoteError::Packing)?;
    if packed.len() > MAX_NOTE { Err(NoteError::TooLong(packed.len())) } else { Ok(packed.into()) }
}

/// The note that bytes are.
///
/// # Errors
/// If they are none.
pub fn unpack<N: DeserializeOwned>(bytes: &[u8]) -> Result<N, NoteError> {
    let mut json = Vec::new();
    ZlibDecoder::new(bytes).take(MOST_UNPACKED).read_to_end(&mut json).map_err(NoteError::Packing)?;
    serde_json::from_slice(&json).map_err(NoteError::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_what_it_was_after_being_packed_and_unpacked() {
        let note = OrderNote::Vm(VmNote {
            vm: "db1".into(),
            definition: "<domain/>".repeat(1000),
            memory_mib: 2,
            protected: true,
            monitor: Some(Monitor::default()),
        });
        let packed = pack(&note).expect("it fits");
        assert!(packed.len() < 500, "definitions compress well: {} bytes", packed.len());
        assert_eq!(unpack::<OrderNote>(&packed).expect("it is one"), note);
    }

    #[test]
    fn what_is_no_note_is_refused() {
        assert!(matches!(unpack::<ReportNote>(b"nonsense"), Err(NoteError::Packing(_))));
        let other = pack(&OrderNote::Leave).expect("it fits");
        assert!(matches!(unpack::<ReportNote>(&other), Err(NoteError::Unknown(_))));
    }

    #[test]
    fn a_note_that_unpacks_without_end_is_cut_off() {
        let bomb =
            pack(&OrderNote::Certificate { chain_pem: "a".repeat(4 << 20) }).expect("it compresses well");
        assert!(matches!(unpack::<OrderNote>(&bomb), Err(NoteError::Unknown(_))));
    }
}

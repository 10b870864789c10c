//! The spelling of what a channel carries: one byte for its kind, then its content. A VM is 2 bytes of length and its id in
//! UTF-8; a reason likewise. An order's id is 8 bytes of term and 8 of number.
//!
//! | kind | payload | content |
//! | --- | --- | --- |
//! | 1 | order: start | id, VM, gate: 1 kind (0 started, 1 guest agent, 2 TCP, 3 HTTP), for the last two 2 port |
//! | 2 | order: stop | id, VM |
//! | 3 | order: migrate | id, VM, 2 target |
//! | 4 | order: note | id, 2 length, its bytes |
//! | 16 | report: inventory, its last or only part | 2 count; each VM and 1 state (0 running, 1 stopped, 2 unknown) |
//! | 17 | inventory, a part that others follow | the same |
//! | 18 | report: order done | id |
//! | 19 | report: order failed | id, reason |
//! | 20 | report: ready | VM |
//! | 21 | report: stopped | VM, 1 cause (0 crashed, 1 shut down inside, 2 stopped) |
//! | 22 | report: the hypervisor answers | |
//! | 23 | report: the hypervisor is silent | 8 for how long, in nanoseconds |
//! | 24 | report: note | 2 length, its bytes |
use crate::Epoch;
use crate::bytes::{Malformed, Reader, Writer};
use crate::channel::Payload;
use crate::order::{Gate, MAX_NOTE, Order, OrderId, Outcome, Report, StopCause, VmState};
use alloc::{boxed::Box, string::String, vec::Vec};

/// The most bytes of a VM's id: 255 characters of at most 4 bytes.
pub const MAX_VM_ID: usize = 1020;

/// The most bytes of a reason; a longer one is cut.
pub const MAX_REASON: usize = 1024;

/// The most VMs in a part of an inventory.
pub const MAX_PART: usize = 4096;

/// The fewest bytes of a payload.
pub(super) const MIN: usize = 1;

const START: u8 = 1;
const STOP: u8 = 2;
const MIGRATE: u8 = 3;
const ORDER_NOTE: u8 = 4;
const INVENTORY: u8 = 16;
const INVENTORY_PART: u8 = 17;
const DONE: u8 = 18;
const FAILED: u8 = 19;
const READY: u8 = 20;
const STOPPED: u8 = 21;
const HYPERVISOR_ANSWERS: u8 = 22;
const HYPERVISOR_SILENT: u8 = 23;
const REPORT_NOTE: u8 = 24;

/// How many bytes [`encode`] writes, or a few more.
pub fn size(payload: &Payload) -> usize {
    match payload {
        Payload::Order(Order::Start { vm, .. } | Order::Stop { vm, .. } | Order::Migrate { vm, .. }) => {
            1 + 16 + text_size(vm) + 3
        }
        Payload::Order(Order::Note { bytes, .. }) => 1 + 16 + 2 + bytes.len(),
        Payload::Report(Report::Note { bytes }) => 1 + 2 + bytes.len(),
        Payload::InventoryPart { vms } | Payload::Report(Report::Inventory { vms }) => {
            3 + vms.iter().map(|(vm, _)| vm_size(vm)).sum::<usize>()
        }
        Payload::Report(Report::Finished { outcome, .. }) => match outcome {
            Outcome::Done => 1 + 16,
            Outcome::Failed { reason } => 1 + 16 + text_size(reason),
        },
        Payload::Report(Report::Ready { vm } | Report::Stopped { vm, .. }) => 1 + text_size(vm) + 1,
        Payload::Report(Report::Hypervisor { .. }) => 9,
    }
}

/// What a VM takes in an inventory.
pub(crate) fn vm_size(vm: &str) -> usize {
    text_size(vm) + 1
}

fn text_size(text: &str) -> usize {
    2 + text.len().min(MAX_REASON)
}

/// Writes a payload.
pub fn encode(payload: &Payload, to: &mut Writer) {
    match payload {
        Payload::Order(order) => encode_order(order, to),
        Payload::Report(report) => encode_report(report, to),
        Payload::InventoryPart { vms } => {
            to.u8(INVENTORY_PART);
            encode_vms(vms, to);
        }
    }
}

/// Reads a payload.
///
/// # Errors
/// If the bytes are not one.
pub fn decode(from: &mut Reader<'_>) -> Result<Payload, Malformed> {
    let order = |order| Ok(Payload::Order(order));
    let report = |report| Ok(Payload::Report(report));
    match from.u8()? {
        START => order(Order::Start { id: id(from)?, vm: vm(from)?, gate: gate(from)? }),
        STOP => order(Order::Stop { id: id(from)?, vm: vm(from)? }),
        MIGRATE => order(Order::Migrate { id: id(from)?, vm: vm(from)?, to: from.host()? }),
        ORDER_NOTE => order(Order::Note { id: id(from)?, bytes: note(from)? }),
        INVENTORY => report(Report::Inventory { vms: vms(from)? }),
        INVENTORY_PART => Ok(Payload::InventoryPart { vms: vms(from)? }),
        DONE => report(Report::Finished { id: id(from)?, outcome: Outcome::Done }),
        FAILED => {
            let (id, reason) = (id(from)?, from.text(MAX_REASON, "the length of a reason")?);
            report(Report::Finished { id, outcome: Outcome::Failed { reason } })
        }
        READY => report(Report::Ready { vm: vm(from)? }),
        STOPPED => report(Report::Stopped { vm: vm(from)?, cause: cause(from)? }),
        HYPERVISOR_ANSWERS => report(Report::Hypervisor { silent_for: None }),
        HYPERVISOR_SILENT => report(Report::Hypervisor { silent_for: Some(from.duration()?) }),
        REPORT_NOTE => report(Report::Note { bytes: note(from)? }),
        _ => Err(Malformed::OutOfRange { what: "a kind of payload" }),
    }
}

fn encode_order(order: &Order, to: &mut Writer) {
    let (kind, id, vm) = match order {
        Order::Start { id, vm, .. } => (START, id, vm),
        Order::Stop { id, vm } => (STOP, id, vm),
        Order::Migrate { id, vm, .. } => (MIGRATE, id, vm),
        Order::Note { id, bytes } => {
            to.u8(ORDER_NOTE);
            encode_id(*id, to);
            return encode_note(bytes, to);
        }
    };
    to.u8(kind);
    encode_id(*id, to);
    to.text(vm, MAX_VM_ID);
    match order {
        Order::Start { gate, .. } => encode_gate(*gate, to),
        Order::Stop { .. } | Order::Note { .. } => {}
        Order::Migrate { to: target, .. } => to.host(*target),
    }
}

fn encode_report(report: &Report, to: &mut Writer) {
    match report {
        Report::Inventory { vms } => {
            to.u8(INVENTORY);
            encode_vms(vms, to);
        }
        Report::Finished { id, outcome: Outcome::Done } => {
            to.u8(DONE);
            encode_id(*id, to);
        }
        Report::Finished { id, outcome: Outcome::Failed { reason } } => {
            to.u8(FAILED);
            encode_id(*id, to);
            to.text(reason, MAX_REASON);
        }
        Report::Ready { vm } => {
            to.u8(READY);
            to.text(vm, MAX_VM_ID);
        }
        Report::Stopped { vm, cause } => {
            to.u8(STOPPED);
            to.text(vm, MAX_VM_ID);
            to.u8(match cause {
                StopCause::Crashed => 0,
                StopCause::ShutDownInside => 1,
                StopCause::Stopped => 2,
            });
        }
        Report::Hypervisor { silent_for: None } => to.u8(HYPERVISOR_ANSWERS),
        Report::Hypervisor { silent_for: Some(span) } => {
            to.u8(HYPERVISOR_SILENT);
            to.duration(*span);
        }
        Report::Note { bytes } => {
            to.u8(REPORT_NOTE);
            encode_note(bytes, to);
        }
    }
}

fn encode_note(bytes: &[u8], to: &mut Writer) {
    debug_assert!(bytes.len() <= MAX_NOTE, "whoever makes a note keeps to its limit");
    to.count(bytes.len());
    to.raw(bytes);
}

fn note(from: &mut Reader<'_>) -> Result<Box<[u8]>, Malformed> {
    let length = from.count(MAX_NOTE, "the length of a note")?;
    Ok(from.take(length)?.into())
}

fn encode_id(id: OrderId, to: &mut Writer) {
    to.u64(id.epoch.0);
    to.u64(id.number);
}

fn id(from: &mut Reader<'_>) -> Result<OrderId, Malformed> {
    Ok(OrderId { epoch: Epoch(from.u64()?), number: from.u64()? })
}

fn vm(from: &mut Reader<'_>) -> Result<String, Malformed> {
    from.text(MAX_VM_ID, "the length of a VM's id")
}

fn encode_gate(gate: Gate, to: &mut Writer) {
    match gate {
        Gate::Started => to.u8(0),
        Gate::GuestAgent => to.u8(1),
        Gate::Tcp { port } => {
            to.u8(2);
            to.u16(port);
        }
        Gate::Http { port } => {
            to.u8(3);
            to.u16(port);
        }
    }
}

fn gate(from: &mut Reader<'_>) -> Result<Gate, Malformed> {
    Ok(match from.u8()? {
        0 => Gate::Started,
        1 => Gate::GuestAgent,
        2 => Gate::Tcp { port: from.u16()? },
        3 => Gate::Http { port: from.u16()? },
        _ => return Err(Malformed::OutOfRange { what: "a gate" }),
    })
}

fn encode_vms(vms: &[(String, VmState)], to: &mut Writer) {
    debug_assert!(vms.len() <= MAX_PART, "the channel cuts inventories into parts");
    to.count(vms.len());
    for (vm, state) in vms {
        to.text(vm, MAX_VM_ID);
        to.u8(match state {
            VmState::Running => 0,
            VmState::Stopped => 1,
            VmState::Unknown => 2,
        });
    }
}

fn vms(from: &mut Reader<'_>) -> Result<Vec<(String, VmState)>, Malformed> {
    let count = from.count(MAX_PART, "the number of VMs")?;
    // The count alone reserves nothing: it may be a lie. A VM takes at least 3 bytes.
    let mut vms = Vec::with_capacity(count.min(from.left() / 3));
    for _ in 0..count {
        vms.push((vm(from)?, state(from)?));
    }
    Ok(vms)
}

fn state(from: &mut Reader<'_>) -> Result<VmState, Malformed> {
    Ok(match from.u8()? {
        0 => VmState::Running,
        1 => VmState::Stopped,
        2 => VmState::Unknown,
        _ => return Err(Malformed::OutOfRange { what: "a VM's state" }),
    })
}

fn cause(from: &mut Reader<'_>) -> Result<StopCause, Malformed> {
    Ok(match from.u8()? {
        0 => StopCause::Crashed,
        1 => StopCause::ShutDownInside,
        2 => StopCause::Stopped,
        _ => return Err(Malformed::OutOfRange { what: "a cause" }),
    })
}

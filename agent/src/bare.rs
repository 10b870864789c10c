//! A host without a hypervisor: it takes part in what the pool decides, as a tie-breaker, and runs no VM.
use crate::context::Context;
use crate::wiring::{News, ToWarden};
use lifeboat_link::OrderNote;
use lifeboat_protocol::Input;
use lifeboat_protocol::input::Operator;
use lifeboat_protocol::order::{Order, Outcome, Report};
use std::sync::mpsc::Receiver;

/// Answers for a host on which no VM can run, until nobody asks any more.
pub fn run(context: &Context, told: &Receiver<ToWarden>) {
    while let Ok(what) = told.recv() {
        let answer = match what {
            ToWarden::NewTerm(_) => Input::Report(Report::Inventory { vms: Vec::new() }),
            ToWarden::Order(order) => match answer(context, &order) {
                Some(report) => Input::Report(report),
                None => continue,
            },
            ToWarden::StopAllVms(_) => Input::NoVmRuns,
            ToWarden::Leased(_) => continue,
            ToWarden::Leave(asked) => {
                // Whoever asked may have given up waiting; the host leaves all the same.
                let _ = asked.send(Ok(()));
                Input::Operator(Operator::Leave)
            }
        };
        context.inbox.input(answer);
    }
}

fn answer(context: &Context, order: &Order) -> Option<Report> {
    let outcome = match order {
        Order::Start { .. } | Order::Migrate { .. } => {
            Outcome::Failed { reason: "this host has no hypervisor".into() }
        }
        // What does not run is stopped.
        Order::Stop { .. } => Outcome::Done,
        Order::Note { bytes, .. } => {
            match crate::notes::take(context, bytes) {
                Some(OrderNote::Leave) => drop(context.inbox.input(Input::Operator(Operator::Leave))),
                Some(OrderNote::Reboot) => drop(context.inbox.send(News::LeaveAndReboot)),
                _ => {}
            }
            return None;
        }
    };
    Some(Report::Finished { id: order.id(), outcome })
}

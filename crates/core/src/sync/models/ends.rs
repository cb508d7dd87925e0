//! How a run ends: orders from several threads meet what the audio thread says. `stream::core` decides everything else
//! under one lock, and waits in loops.

use std::sync::Arc;

use super::check;
use crate::realtime::Signals;
use crate::realtime::command::Command;
use crate::realtime::stream::{Ended, Shared};
use crate::sync::atomic::AtomicU32;
use crate::sync::atomic::Ordering::{Acquire, Release};
use crate::sync::thread;

/// The control thread of a run, which sleeps until it has ended: what it then finds, the audio thread's word first.
fn keeper(shared: &Arc<Shared>, signals: &Arc<Signals>) -> thread::JoinHandle<(Option<Ended>, Command)> {
    let ready = Arc::new(AtomicU32::new(0));
    let (shared, signals, told) = (Arc::clone(shared), Arc::clone(signals), Arc::clone(&ready));
    let keeper = thread::spawn(move || {
        signals.own();
        told.store(1, Release);
        loop {
            let raised = signals.raised();
            let (ended, command) = (shared.ended(), shared.command());
            signals.attended(raised);
            if ended.is_some() || command == Command::Abort {
                return (ended, command);
            }
            thread::park();
        }
    });
    // Nobody has the stream before.
    while ready.load(Acquire) == 0 {
        thread::yield_now();
    }
    keeper
}

/// A callback completes while others stop and abort: the run ends, and for a reason that there was.
#[test]
fn the_end_by_the_callback_meets_orders() {
    check(|| {
        let (shared, signals) = (Arc::new(Shared::default()), Arc::new(Signals::default()));
        let keeper = keeper(&shared, &signals);
        let audio = {
            let (shared, signals) = (Arc::clone(&shared), Arc::clone(&signals));
            thread::spawn(move || {
                shared.enter();
                let stopped = shared.command() == Command::Stop;
                shared.end(if stopped { Ended::Stopped } else { Ended::Completed });
                shared.leave();
                signals.attend();
            })
        };
        shared.order(Command::Stop);
        signals.wake();
        audio.join().expect("it ends");
        let (ended, _) = keeper.join().expect("it ends");
        assert!(matches!(ended, Some(Ended::Stopped | Ended::Completed)));
        shared.end(Ended::Aborted);
        assert!(shared.ended() == ended, "the first reason stays");
    });
}

/// One thread stops, another aborts or closes, none of them the keeper's: it ends, at once, and no stop takes that back.
#[test]
fn an_abort_ends_a_run_that_is_being_stopped() {
    check(|| {
        let (shared, signals) = (Arc::new(Shared::default()), Arc::new(Signals::default()));
        let keeper = keeper(&shared, &signals);
        let stops = {
            let (shared, signals) = (Arc::clone(&shared), Arc::clone(&signals));
            thread::spawn(move || {
                shared.order(Command::Stop);
                signals.wake();
            })
        };
        shared.order(Command::Abort);
        signals.wake();
        let (ended, command) = keeper.join().expect("it ends");
        assert!(ended.is_none() && command == Command::Abort);
        stops.join().expect("it ends");
        assert!(shared.command() == Command::Abort);
    });
}

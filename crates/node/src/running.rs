//! What sounds in an environment. It uses memory of that, so it has to end before the environment does.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use napi::{Env, Result, sys};
use napi_derive::napi;

/// How long the end may take in all. Systems that hang are left after a second, but many streams take their time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something that has to end.
pub trait Ends {
    /// Whether it may use memory of the environment, now or later.
    fn may_sound(&self) -> bool;

    /// Orders the end, for good.
    fn end(&self);

    /// Waits for it, at most this long.
    fn wait(&self, patience: Duration);
}

type Running = Rc<RefCell<Vec<Box<dyn Ends>>>>;

thread_local! {
    /// What runs in each environment of this thread.
    static RUNNING: RefCell<Vec<(sys::napi_env, Running)>> = const { RefCell::new(Vec::new()) };
}

fn running_in(env: &Env) -> Option<Running> {
    let this = env.raw();
    RUNNING.with_borrow(|all| all.iter().find(|(env, _)| *env == this).map(|(_, running)| Rc::clone(running)))
}

/// Ends it before its environment. One hook for all, so that nothing is kept of what has ended.
pub fn remember(env: &Env, one: impl Ends + 'static) -> Result<()> {
    let this = env.raw();
    let running = match running_in(env) {
        Some(running) => running,
        None => {
            let running = Running::default();
            env.add_env_cleanup_hook(Rc::clone(&running), move |running| {
                RUNNING.with_borrow_mut(|all| all.retain(|(env, _)| *env != this));
                end(&running);
            })?;
            RUNNING.with_borrow_mut(|all| all.push((this, Rc::clone(&running))));
            running
        }
    };
    let mut all = running.borrow_mut();
    all.retain(|one| one.may_sound());
    all.push(Box::new(one));
    Ok(())
}

/// Ends all and waits till their devices have been released, but not for a system that hangs: what has been ordered to end
/// touches no memory any more.
fn end(running: &Running) {
    let all = running.take();
    all.iter().for_each(|one| one.end());
    let end = Instant::now() + PATIENCE;
    for one in all {
        one.wait(end.saturating_duration_since(Instant::now()));
    }
}

/// Ends everything in this environment. `process.exit()` runs no hooks, and a server that is left by a client without a word
/// may be deaf to others for seconds.
#[napi]
pub fn end_all(env: Env) {
    running_in(&env).iter().for_each(end);
}

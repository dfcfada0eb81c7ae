//! How many requests a host gets at once, and which hosts are left alone for a while: one book for the whole process, so that any number of
//! screens, threads and settings together stay gentle.

use std::collections::HashMap;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Requests that a host gets at once.
const AT_ONCE: usize = 2;
/// A host that failed is left alone for this long, twice as long after each further failure, and at most for the longest.
const FIRST_REST: Duration = Duration::from_secs(60);
const LONGEST_REST: Duration = Duration::from_secs(900);
/// How often someone who waits looks whether it is still worth it.
const LOOK: Duration = Duration::from_millis(20);

#[derive(Debug, Default)]
struct Host {
    busy: usize,
    /// The host asked for a pause until then.
    not_before: Option<Instant>,
    /// It is not worth asking until then, and why.
    down: Option<(Instant, String)>,
    failures: u32,
}

static HOSTS: LazyLock<Mutex<HashMap<String, Host>>> = LazyLock::new(Mutex::default);
static FREED: Condvar = Condvar::new();

fn hosts() -> MutexGuard<'static, HashMap<String, Host>> {
    HOSTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why nobody may ask now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It failed a while ago, or asks for a longer pause than the patience; in words.
    Resting(String),
    Cancelled,
}

/// The right to one request; given back when dropped.
#[derive(Debug)]
pub struct Permit(String);

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(host) = hosts().get_mut(&self.0) {
            host.busy = host.busy.saturating_sub(1);
        }
        FREED.notify_all();
    }
}

/// Waits for the right to ask a host: for a place among its requests, and for the end of a pause that is not longer than `patience`.
pub fn enter(host: &str, patience: Duration, cancelled: &dyn Fn() -> bool) -> Result<Permit, Refusal> {
    let mut all = hosts();
    loop {
        if cancelled() {
            return Err(Refusal::Cancelled);
        }
        let now = Instant::now();
        let state = all.entry(host.to_owned()).or_default();
        if let Some((until, why)) = &state.down {
            if now < *until {
                return Err(Refusal::Resting(why.clone()));
            }
            state.down = None;
        }
        let pause = state
            .not_before
            .map_or(Duration::ZERO, |until| until - now.min(until));
        if pause > patience {
            return Err(Refusal::Resting(format!(
                "asks to be left alone for {} s more",
                pause.as_secs() + 1
            )));
        }
        if pause.is_zero() && state.busy < AT_ONCE {
            state.busy += 1;
            return Ok(Permit(host.to_owned()));
        }
        let (waited, _) = FREED
            .wait_timeout(all, LOOK)
            .unwrap_or_else(PoisonError::into_inner);
        all = waited;
    }
}

/// The host asked for a pause, or is given one.
pub fn pause(host: &str, length: Duration) {
    let until = Instant::now() + length;
    let mut all = hosts();
    let state = all.entry(host.to_owned()).or_default();
    state.not_before = Some(state.not_before.map_or(until, |before| before.max(until)));
}

/// The host cannot be used for now.
pub fn down(host: &str, why: &str) {
    let mut all = hosts();
    let state = all.entry(host.to_owned()).or_default();
    let rest = FIRST_REST
        .saturating_mul(1 << state.failures.min(6))
        .min(LONGEST_REST);
    state.failures += 1;
    state.down = Some((Instant::now() + rest, why.to_owned()));
}

/// The host answered.
pub fn up(host: &str) {
    let mut all = hosts();
    let state = all.entry(host.to_owned()).or_default();
    (state.failures, state.down) = (0, None);
}

/// Forgets which hosts failed, for a user who knows better; pauses that they asked for are kept.
pub fn forget_failures() {
    for state in hosts().values_mut() {
        (state.failures, state.down) = (0, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const NEVER: &dyn Fn() -> bool = &|| false;

    #[test]
    fn no_host_gets_more_than_two_requests_at_once() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    let _permit = enter("crowded.test", Duration::ZERO, NEVER).unwrap();
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(5));
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_pause_is_waited_for_or_refused() {
        pause("tired.test", Duration::from_millis(80));
        let refused = enter("tired.test", Duration::from_millis(10), NEVER).unwrap_err();
        assert!(matches!(refused, Refusal::Resting(why) if why.contains("left alone")));
        let since = Instant::now();
        enter("tired.test", Duration::from_secs(5), NEVER).unwrap();
        assert!(since.elapsed() > Duration::from_millis(40));
    }

    #[test]
    fn a_host_that_failed_is_not_asked_until_it_is_forgiven() {
        down("gone.test", "cannot be reached");
        let refused = Err(Refusal::Resting("cannot be reached".into()));
        assert_eq!(enter("gone.test", Duration::ZERO, NEVER).map(drop), refused);
        up("gone.test");
        assert!(enter("gone.test", Duration::ZERO, NEVER).is_ok());
    }

    #[test]
    fn who_waits_can_be_called_off() {
        let held: Vec<Permit> = (0..2)
            .map(|_| enter("full.test", Duration::ZERO, NEVER).unwrap())
            .collect();
        let since = Instant::now();
        let late = || since.elapsed() > Duration::from_millis(50);
        assert_eq!(
            enter("full.test", Duration::ZERO, &late).map(drop),
            Err(Refusal::Cancelled)
        );
        drop(held);
        assert!(enter("full.test", Duration::ZERO, NEVER).is_ok());
    }
}

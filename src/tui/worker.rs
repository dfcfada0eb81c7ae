//! Threads that do the slow things: each owns its data, takes requests and sends answers; no lock is shared with the screen.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use crate::pipeline::CancelToken;

/// A request that a worker understands.
pub trait Request: Send + 'static {
    /// Of requests of one slot only the newest is wanted: it cancels the one that runs and replaces those that wait.
    ///
    /// `None`: every one is done, in order.
    fn slot(&self) -> Option<u8>;
}

/// The sending end of a worker; dropping it ends the thread after what it has at hand.
pub struct Worker<Q> {
    requests: Sender<(CancelToken, Q)>,
    /// Of the newest request by slot.
    running: Vec<(u8, CancelToken)>,
    /// Closed when the thread has ended.
    ended: Receiver<()>,
}

impl<Q: Request> Worker<Q> {
    /// Starts a thread that answers each request with `serve`, and reports a panic of it with `panicked`.
    ///
    /// `serve` looks at its token now and then; what it returns after that was cancelled is of no use to anybody.
    pub fn start(
        name: &str,
        mut serve: impl FnMut(Q, &CancelToken) + Send + 'static,
        mut panicked: impl FnMut(String) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (requests, inbox) = mpsc::channel::<(CancelToken, Q)>();
        let (alive, ended) = mpsc::channel::<()>();
        thread::Builder::new().name(name.into()).spawn(move || {
            while let Ok((cancel, request)) = inbox.recv() {
                // A newer request of the slot has cancelled those before it.
                if cancel.is_cancelled() {
                    continue;
                }
                let work = AssertUnwindSafe(|| serve(request, &cancel));
                if let Err(panic) = catch_unwind(work) {
                    panicked(words(&*panic));
                }
            }
            drop(alive);
        })?;
        Ok(Self {
            requests,
            running: Vec::new(),
            ended,
        })
    }

    /// Hands in a request.
    pub fn ask(&mut self, request: Q) {
        let cancel = CancelToken::default();
        if let Some(slot) = request.slot() {
            match self.running.iter_mut().find(|(other, _)| *other == slot) {
                Some((_, running)) => {
                    running.cancel();
                    *running = cancel.clone();
                }
                None => self.running.push((slot, cancel.clone())),
            }
        }
        // The thread ends with this sender only.
        let _ = self.requests.send((cancel, request));
    }

    /// Lets it do what it was asked for and waits for that, but not longer than `patience`; what could be replaced by something
    /// newer is of use to nobody any more.
    pub fn finish(self, patience: Duration) {
        for (_, running) in &self.running {
            running.cancel();
        }
        drop(self.requests);
        let _ = self.ended.recv_timeout(patience);
    }
}

/// What a panic said.
pub fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("a fault of the program: {}", text.unwrap_or("it gave no reason"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ask(Option<u8>, u32);

    impl Request for Ask {
        fn slot(&self) -> Option<u8> {
            self.0
        }
    }

    #[test]
    fn the_newest_of_a_slot_wins_and_the_others_are_all_done() {
        let (done, answers) = mpsc::channel();
        let (start, started) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        let mut worker = Worker::start(
            "test",
            move |Ask(_, n), cancel: &CancelToken| {
                if n == 1 {
                    start.send(()).unwrap();
                    wait.recv().unwrap();
                }
                if !cancel.is_cancelled() {
                    done.send(n).unwrap();
                }
            },
            |_| (),
        )
        .unwrap();
        worker.ask(Ask(Some(0), 1));
        started.recv_timeout(Duration::from_secs(5)).unwrap();
        for (slot, n) in [(Some(0), 2), (None, 10), (Some(0), 3), (Some(1), 20), (None, 11)] {
            worker.ask(Ask(slot, n));
        }
        go.send(()).unwrap();
        drop(worker);
        assert_eq!(answers.iter().collect::<Vec<_>>(), [10, 3, 20, 11]);
    }

    #[test]
    fn a_panic_is_reported_and_the_worker_goes_on() {
        let (done, answers) = mpsc::channel();
        let faults = done.clone();
        let mut worker = Worker::start(
            "test",
            move |Ask(_, n), _: &CancelToken| {
                assert!(n != 1, "one too many");
                done.send(n.to_string()).unwrap();
            },
            move |what| faults.send(what).unwrap(),
        )
        .unwrap();
        worker.ask(Ask(None, 1));
        worker.ask(Ask(None, 2));
        drop(worker);
        let answers: Vec<String> = answers.iter().collect();
        assert!(answers[0].contains("one too many"));
        assert_eq!(answers[1], "2");
    }
}

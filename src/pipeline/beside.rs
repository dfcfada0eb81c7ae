//! Two things at a time: one is made while the one before is worked on.

use std::sync::mpsc;
use std::thread;

use super::PipelineError;

/// Works in a thread of its own on what is made here, in order: one is made while the one before is worked on, so that a GPU does not wait for the processor, nor the other
/// way round.
pub(super) fn beside<T: Send>(
    make: impl FnOnce(&mut dyn FnMut(T)) -> Result<(), PipelineError>,
    work: impl FnMut(T) + Send,
) -> Result<(), PipelineError> {
    thread::scope(|scope| {
        let (to, from) = mpsc::sync_channel(0);
        let worker = scope.spawn(move || from.into_iter().for_each(work));
        let made = make(&mut |thing| {
            // Nobody takes it where the work has panicked, which is told below.
            let _ = to.send(thing);
        });
        drop(to);
        if let Err(panic) = worker.join() {
            std::panic::resume_unwind(panic);
        }
        made
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_worked_on_in_order_and_to_the_end() {
        let mut seen = Vec::new();
        let made = beside(
            |give| {
                (0..50).for_each(&mut *give);
                Ok(())
            },
            |number| seen.push(number),
        );
        made.unwrap();
        assert_eq!(seen, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn what_was_made_before_a_failure_is_worked_on_and_the_failure_told() {
        let mut seen = Vec::new();
        let made = beside(
            |give| {
                give(1);
                Err(PipelineError::NoCommonRange { spectra: 7 })
            },
            |number| seen.push(number),
        );
        assert!(matches!(made, Err(PipelineError::NoCommonRange { spectra: 7 })));
        assert_eq!(seen, [1]);
    }

    #[test]
    #[should_panic(expected = "the third")]
    fn a_panic_of_the_work_is_passed_on() {
        let made = beside(
            |give| {
                (0..9).for_each(&mut *give);
                Ok(())
            },
            |number| assert!(number != 2, "the third"),
        );
        made.unwrap();
    }
}

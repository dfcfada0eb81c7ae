//! Who comes first where there are fewer cores than threads: the screen.

/// By so much less than the screen's is the weight of a job: a third of a core beside one that wants it, all of one that nobody else wants.
#[cfg(target_os = "linux")]
const BEHIND: i32 = 5;

/// Lets the threads that compute step back behind those that show; before any of them has begun.
pub fn behind_the_screen() {
    // Where they run already, or cannot be started, all are equals.
    let _ = rayon::ThreadPoolBuilder::new()
        .start_handler(|_| step_back())
        .build_global();
}

/// This thread, and those that it starts, step back behind the screen.
pub fn step_back() {
    // Elsewhere the priority is that of the whole process.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(BEHIND);
}

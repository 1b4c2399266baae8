//! What the process asks of the system: descriptors for its connections, and a low priority for explanations.

#[cfg(target_os = "linux")]
use rustix::process::nice;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of file descriptors as far as this process may: each connection takes two. Where that is too few,
/// connections wait.
pub fn raise() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // It may fail, and then the limit stays as it is.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// Gives the calling thread a low priority where threads have one of their own, as on Linux: explanations can wait, bytes
/// must not.
#[cfg(target_os = "linux")]
pub fn stand_back() {
    let _ = nice(19);
}

/// Elsewhere the priority is that of the whole process, and stays.
#[cfg(not(target_os = "linux"))]
pub fn stand_back() {}

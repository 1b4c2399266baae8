//! What the operating system knows about another process: its CPU time and its memory.

use std::time::Duration;

use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

/// User and system time of all threads of a process, ended ones too, in nanosecond steps.
pub fn cpu_time(pid: u32) -> Duration {
    let time = clock_getcpuclockid(Pid::from_raw(pid as i32)).and_then(clock_gettime);
    time.map(Duration::from).unwrap_or_default()
}

/// User and system time of this process.
pub fn own_cpu_time() -> Duration {
    cpu_time(std::process::id())
}

/// Resident memory of a process in bytes: now, and at its highest.
pub fn memory(pid: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|l| l.strip_prefix(name));
        let kib = line.and_then(|l| l.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    };
    (field("VmRSS"), field("VmHWM"))
}

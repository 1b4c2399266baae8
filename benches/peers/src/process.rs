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

/// How much time of all processors the host of this virtual machine gave to others, and how much there was, in ticks
/// since the start; both 0 where the system does not tell.
pub fn stolen() -> (u64, u64) {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks: Vec<u64> = text.lines().next().unwrap_or_default().split(' ').filter_map(|n| n.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; what follows is counted in user and nice already.
    (ticks.get(7).copied().unwrap_or(0), ticks.iter().take(8).sum())
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

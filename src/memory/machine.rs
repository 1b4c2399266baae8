//! How much memory this process may have.

use std::fs;

/// Where nothing tells: what the smallest rented machines have.
const UNKNOWN: usize = 1024 * 1024 * 1024;

/// The memory of the machine, or of the container if that has less, in bytes. On Linux `/proc/meminfo` tells it, and the
/// control group, of version 2 or 1. Elsewhere it is taken to be 1 GiB.
pub(super) fn memory() -> usize {
    let of_machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = limit_files(&groups).into_iter().filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok());
    limits.chain(of_machine).min().unwrap_or(UNKNOWN)
}

/// `MemTotal:       24683740 kB`
fn total(meminfo: &str) -> Option<usize> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix(" kB")?.parse::<usize>().ok()?.checked_mul(1024)
}

/// The files with the limits of the groups in `/proc/self/cgroup` and of all groups above them. A group without a limit
/// has `max` or a number beyond any machine there. A container sees its own group as the root.
fn limit_files(groups: &str) -> Vec<String> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else { continue };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            v1 if v1.split(',').any(|name| name == "memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => continue,
        };
        let mut group = group.trim_end_matches('/');
        loop {
            files.push(format!("{root}{group}/{file}"));
            let Some((above, _)) = group.rsplit_once('/') else { break };
            group = above;
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_the_machine_is_read_in_kilobytes() {
        assert_eq!(total("MemTotal:       24683740 kB\nMemFree:  1 kB\n"), Some(24_683_740 * 1024));
        assert_eq!(total("MemFree: 1 kB\n"), None);
    }

    #[test]
    fn the_limits_of_a_control_group_and_of_those_above_it_are_read() {
        let v2 = limit_files("0::/a.slice/b\n");
        assert_eq!(
            v2,
            ["/sys/fs/cgroup/a.slice/b", "/sys/fs/cgroup/a.slice", "/sys/fs/cgroup"]
                .map(|at| format!("{at}/memory.max"))
        );
        let v1 = limit_files("5:cpu,cpuacct:/x\n4:memory:/\n");
        assert_eq!(v1, ["/sys/fs/cgroup/memory/memory.limit_in_bytes"]);
    }

    #[test]
    fn there_is_some_memory() {
        assert!(memory() > 1024 * 1024);
    }
}

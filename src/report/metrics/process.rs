//! What the system knows of this process, under the names that every program gives to Prometheus. Read when it is asked for.

use std::fs;

use rustix::param::clock_ticks_per_second;
use rustix::process::{Resource, getrlimit};

/// What was read; nothing where the system does not say (no `/proc`).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Process {
    /// In hundredths of a second.
    pub(super) cpu_centis: Option<u64>,
    pub(super) resident_bytes: Option<u64>,
    pub(super) open_files: Option<u64>,
    pub(super) most_files: Option<u64>,
}

impl Process {
    pub(super) fn read() -> Self {
        Self {
            cpu_centis: fs::read_to_string("/proc/self/stat").ok().and_then(|text| cpu(&text)),
            resident_bytes: fs::read_to_string("/proc/self/status").ok().and_then(|text| resident(&text)),
            // The one by which they are read is none of ours.
            open_files: fs::read_dir("/proc/self/fd")
                .ok()
                .map(|files| (files.count() as u64).saturating_sub(1)),
            most_files: getrlimit(Resource::Nofile).current,
        }
    }
}

/// `utime` and `stime` of proc(5). The name of the program stands before them in parentheses and may hold anything.
fn cpu(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let (user, system) = (ticks()?, ticks()?);
    (user + system).saturating_mul(100).checked_div(clock_ticks_per_second())
}

/// `VmRSS`, which proc(5) tells in KiB.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::{Process, cpu, resident};

    #[test]
    fn what_proc_tells_is_read_whatever_the_program_is_called() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 3 0 99 1 2";
        assert_eq!(cpu(stat), Some(200));
        assert_eq!((cpu("7 (a) S 1"), cpu("")), (None, None));
        assert_eq!(resident("VmHWM:\t9 kB\nVmRSS:\t   12 kB\n"), Some(12 * 1024));
        assert_eq!(resident("VmHWM:\t9 kB\n"), None);
    }

    #[test]
    fn this_process_is_known() {
        let process = Process::read();
        assert!(process.resident_bytes > Some(1 << 20) && process.open_files > Some(2));
        assert!(process.cpu_centis.is_some() && process.most_files > process.open_files);
    }
}

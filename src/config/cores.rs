//! How many cores this process may use, for `workers: auto`.
//!
//! The CPU quota of a cgroup is time per period, so 1.5 cores is a usual one. It is rounded up: one worker for 1.5 cores would
//! leave half a core idle, and the standard library rounds down. A cgroup has no more than the ones around it, and a
//! pod's limit stands above that of its containers, so the least of all of them counts. Cores it may not be scheduled on
//! (cpuset, affinity) do not count.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// The cores this process may use: the least CPU quota of its cgroups rounded up, at most those it may be scheduled on.
#[must_use]
pub fn cores() -> NonZeroUsize {
    let scheduled = NonZeroUsize::new(num_cpus::get()).unwrap_or(NonZeroUsize::MIN);
    let read = |path: &Path| fs::read_to_string(path).ok();
    let text = |path| read(Path::new(path)).unwrap_or_default();
    let quota = quota(&text("/proc/self/cgroup"), &text("/proc/self/mountinfo"), &read);
    quota.map_or(scheduled, |quota| quota.min(scheduled))
}

/// The least quota, by the texts of `/proc/self/cgroup` and `/proc/self/mountinfo` (cgroups(7), proc(5)).
fn quota(cgroups: &str, mounts: &str, read: &dyn Fn(&Path) -> Option<String>) -> Option<NonZeroUsize> {
    let folders = mounts.lines().filter_map(Mount::parse).filter_map(|mount| mount.own_folders(cgroups));
    folders.flatten().filter_map(|folder| v2(&folder, read).or_else(|| v1(&folder, read))).min()
}

/// `cpu.max`: `150000 100000`, or `max 100000` for no limit.
fn v2(folder: &Path, read: &dyn Fn(&Path) -> Option<String>) -> Option<NonZeroUsize> {
    let text = read(&folder.join("cpu.max"))?;
    let (quota, period) = text.trim().split_once(' ')?;
    rounded_up(quota, period)
}

/// `cpu.cfs_quota_us` (-1 for no limit) and `cpu.cfs_period_us`.
fn v1(folder: &Path, read: &dyn Fn(&Path) -> Option<String>) -> Option<NonZeroUsize> {
    let quota = read(&folder.join("cpu.cfs_quota_us"))?;
    rounded_up(quota.trim(), read(&folder.join("cpu.cfs_period_us"))?.trim())
}

fn rounded_up(quota: &str, period: &str) -> Option<NonZeroUsize> {
    let (quota, period): (usize, usize) = (quota.parse().ok()?, period.parse().ok()?);
    (period > 0).then(|| NonZeroUsize::new(quota.div_ceil(period)))?
}

/// Where a hierarchy of cgroups can be seen.
struct Mount<'t> {
    /// The cgroup that is mounted.
    root: &'t Path,
    place: &'t Path,
    is_v2: bool,
}

impl<'t> Mount<'t> {
    /// `33 31 0:30 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu`: of version 1 only that with the controller.
    fn parse(line: &'t str) -> Option<Self> {
        let (mount, kind) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3).map(Path::new);
        let (root, place) = (mount.next()?, mount.next()?);
        let mut kind = kind.split(' ');
        match (kind.next()?, kind.nth(1)?) {
            ("cgroup2", _) => Some(Self { root, place, is_v2: true }),
            ("cgroup", options) if has_cpu(options) => Some(Self { root, place, is_v2: false }),
            _ => None,
        }
    }

    /// The folder of our own cgroup in this hierarchy and of all around it that can be seen.
    fn own_folders(&self, cgroups: &str) -> Option<Vec<PathBuf>> {
        let own = cgroups.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            let is_it = if self.is_v2 { controllers.is_empty() } else { has_cpu(controllers) };
            is_it.then_some(Path::new(path))
        })?;
        // Where the mount does not hold our cgroup, as in some containers, it is the mount itself.
        let below = own.strip_prefix(self.root).unwrap_or(Path::new(""));
        Some(below.ancestors().map(|folder| self.place.join(folder)).collect())
    }
}

fn has_cpu(list: &str) -> bool {
    list.split(',').any(|word| word == "cpu")
}

#[cfg(test)]
mod tests {
    use super::{cores, quota};
    use std::path::Path;

    const V1: &str = "33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct";
    const V2: &str = "41 31 0:38 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw";
    const INSIDE: &str = "33 31 0:30 /docker/a /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu";

    fn quota_of(cgroups: &str, mounts: &str, files: &[(&str, &str)]) -> Option<usize> {
        let read = |path: &Path| {
            let found = files.iter().find(|(name, _)| Path::new("/sys/fs/cgroup").join(name) == path);
            found.map(|(_, text)| (*text).to_owned())
        };
        quota(cgroups, mounts, &read).map(std::num::NonZeroUsize::get)
    }

    #[test]
    fn a_quota_is_rounded_up() {
        let cases = [
            ("150000 100000\n", Some(2)),
            ("200000 100000\n", Some(2)),
            ("1000 100000\n", Some(1)),
            ("max 100000\n", None),
            ("", None),
            ("0 100000", None),
            ("100000 0", None),
        ];
        for (text, cores) in cases {
            assert_eq!(quota_of("0::/", V2, &[("cpu.max", text)]), cores, "{text}");
            assert_eq!(quota_of("0::/a/b", V2, &[("a/b/cpu.max", text)]), cores, "{text}");
        }
    }

    #[test]
    fn the_least_quota_around_counts() {
        let files = [
            ("a/cpu.max", "250000 100000"),
            ("a/b/cpu.max", "max 100000"),
            ("a/b/c/cpu.max", "800000 100000"),
        ];
        assert_eq!(quota_of("0::/a/b/c", V2, &files), Some(3));
    }

    #[test]
    fn version_one_has_two_files() {
        let files = |quota| [("cpu/a/cpu.cfs_quota_us", quota), ("cpu/a/cpu.cfs_period_us", "100000\n")];
        assert_eq!(quota_of("2:cpuacct,cpu:/a\n0::/", V1, &files("150000\n")), Some(2));
        assert_eq!(quota_of("2:cpuacct,cpu:/a\n0::/", V1, &files("-1\n")), None);
        assert_eq!(quota_of("2:cpuset:/a", V1, &files("150000\n")), None);
    }

    #[test]
    fn a_container_sees_its_own_cgroup_as_the_mount() {
        let files = [("cpu/cpu.cfs_quota_us", "50000"), ("cpu/cpu.cfs_period_us", "100000")];
        for cgroups in ["1:cpu:/docker/a", "1:cpu:/../b", "1:cpu:/docker/a/b"] {
            assert_eq!(quota_of(cgroups, INSIDE, &files), Some(1), "{cgroups}");
        }
        assert_eq!(quota_of("", "", &files), None);
    }

    #[test]
    fn there_is_a_core_to_run_on() {
        assert!(cores().get() <= 4096);
    }
}

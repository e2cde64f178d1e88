"""The CPU time of a process and its descendants, from /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

# Where the fields stand in /proc/PID/stat once "PID (NAME) " is cut off; see proc(5).
SESSION, USER, SYSTEM = 3, 11, 12
TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """Nanoseconds on a CPU and waiting for one, and the clock ticks that divide the former into user and system."""

    running: int = 0
    waiting: int = 0
    user: int = 0
    system: int = 0

    def __add__(self, other):
        return Usage(*(a + b for a, b in zip(self.parts(), other.parts())))

    def __sub__(self, other):
        return Usage(*(a - b for a, b in zip(self.parts(), other.parts())))

    def parts(self):
        return self.running, self.waiting, self.user, self.system

    @property
    def user_share(self):
        ticks = self.user + self.system
        return self.user / ticks if ticks else 0.0


def usage_of(session):
    """All processes of the session: each peer is started as the leader of its own."""
    return sum((of_process(stat.parent, session) for stat in Path("/proc").glob("[0-9]*/stat")), Usage())


def of_process(folder, session):
    # Processes and threads may end between listing and reading.
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        if int(fields[SESSION]) != session:
            return Usage()
        running, waiting = scheduled(folder)
    except (FileNotFoundError, ProcessLookupError):
        return Usage()
    user, system = int(fields[USER]), int(fields[SYSTEM])
    return Usage(running or (user + system) * TICK, waiting, user, system)


def scheduled(folder):
    """`stat` counts ticks of 10 ms; the scheduler knows nanoseconds, for each thread, in all but the leanest kernels."""
    threads = [path.read_text().split() for path in folder.glob("task/*/schedstat")]
    return sum(int(thread[0]) for thread in threads), sum(int(thread[1]) for thread in threads)

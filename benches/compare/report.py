"""What is printed: facts of the machine, one table for each scenario, and what makes its figures doubtful."""

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from statistics import median

SPREAD = 1.25
LOAD = 1.0
SHARED = 0.1


@dataclass(frozen=True)
class Slice:
    """Microseconds of CPU per request, requests per second, microseconds of latency; `waited` is a share of the time.

    `parts` is the CPU of each server, front to back, where there are several in a row.
    """

    cpu: float
    parts: tuple
    user: float
    system: float
    waited: float
    rate: float
    p50: int
    p99: int
    failed: int
    timeouts: int


def facts(arguments):
    versions = {"header-doctor": [arguments.binary, "--version"], "nginx": ["nginx", "-v"], "haproxy": ["haproxy", "-v"]}
    return {
        "cpu": first(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "system": first(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text()),
        "load": os.getloadavg()[0],
        "versions": {peer: version(versions[peer]) for peer in arguments.peers}
        | {tool: version([tool, word]) for tool, word in (("wrk", "-v"), ("h2load", "--version"))},
    }


def version(command):
    run = subprocess.run(command, capture_output=True, text=True)
    return first(r"(\d+\.\d+\S*)", run.stdout + run.stderr)


def first(pattern, text):
    found = re.search(pattern, text)
    return found.group(1) if found else "unknown"


def render_facts(facts, arguments):
    versions = ", ".join(f"{peer} {number}" for peer, number in facts["versions"].items())
    lines = [
        f"{facts['cpu']}, {facts['cores']} cores, {facts['system']}, Linux {facts['kernel']}, load {facts['load']:.2f} at the start",
        versions,
        f"{arguments.reps} slices of {arguments.slice} s for each peer and scenario; one worker each",
        "x nginx: CPU per request over nginx's (at most the goal); vs nginx: its inverse, above 1 beats nginx",
    ]
    if facts["load"] > LOAD:
        lines.append(f"Doubtful: the load was above {LOAD:g} at the start; other work shares the CPUs")
    return "\n".join(f"- {line}" if arguments.markdown else line for line in lines)


COLUMNS = ("peer", "CPU us/req", "min", "x nginx", "vs nginx", "user", "sys", "req/s", "p50 us", "p99 us", "errors")


def render(scenario, slices, baseline, markdown):
    rows = [row(peer, own, slices[baseline]) for peer, own in slices.items()]
    heading = f"{scenario.name}: {scenario.about}, {scenario.connections} connections (goal: {scenario.aim:.2f})"
    return table(heading, COLUMNS, rows, doubts_about(slices, baseline), markdown)


def render_pairs(scenario, slices, baseline, markdown):
    """The same for two doctors in a row, with a key and without."""
    columns = ("pair", "CPU us/req", "min", f"x {baseline}", "edge", "sidecar", "user", "sys", "req/s", "p50 us", "p99 us", "errors")
    rows = [row_of_pair(pair, own, slices[baseline]) for pair, own in slices.items()]
    heading = f"{scenario.name}: {scenario.about}, two doctors, {scenario.connections} connections (goal: {scenario.aim:.2f})"
    return table(heading, columns, rows, doubts_about(slices, baseline), markdown)


def render_judged(scenario, slices, baseline, markdown):
    """The same for a doctor that judges and one that does not."""
    columns = ("doctor", "CPU us/req", "min", f"x {baseline}", "user", "sys", "req/s", "p50 us", "p99 us", "errors")
    rows = [row_of_judged(doctor, own, slices[baseline]) for doctor, own in slices.items()]
    heading = f"{scenario.name}: {scenario.about}, {scenario.connections} connections (goal: {scenario.aim:.2f})"
    return table(heading, columns, rows, doubts_about(slices, baseline), markdown)


def table(heading, columns, rows, doubts, markdown):
    lines = (markdown_table if markdown else plain_table)(columns, rows)
    between = "\n" if markdown else ""
    return "\n".join([f"\n### {heading}\n", *lines, *(f"{between}Doubtful: {doubt}" for doubt in doubts)])


def row(peer, own, baseline):
    ratios = [one.cpu / other.cpu for one, other in zip(own, baseline)]
    cpu = [one.cpu for one in own]
    return (
        peer,
        f"{median(cpu):.2f}",
        f"{min(cpu):.2f}",
        f"{median(ratios):.2f}",
        f"{median(1 / ratio for ratio in ratios):.2f}",
        f"{median(one.user for one in own):.1f}",
        f"{median(one.system for one in own):.1f}",
        f"{median(one.rate for one in own):.0f}",
        f"{median(one.p50 for one in own):.0f}",
        f"{median(one.p99 for one in own):.0f}",
        f"{sum(one.failed + one.timeouts for one in own)}",
    )


def row_of_pair(pair, own, baseline):
    """Its aim is a few per cent, so the ratio has a digit more."""
    _, cpu, least, _, _, *rest = row(pair, own, baseline)
    ratio = median(one.cpu / other.cpu for one, other in zip(own, baseline))
    parts = (f"{median(part):.2f}" for part in zip(*(one.parts for one in own)))
    return (pair, cpu, least, f"{ratio:.3f}", *parts, *rest)


def row_of_judged(doctor, own, baseline):
    """Its aim is a few per cent, too."""
    _, cpu, least, _, _, *rest = row(doctor, own, baseline)
    return (doctor, cpu, least, f"{median(one.cpu / other.cpu for one, other in zip(own, baseline)):.3f}", *rest)


def plain_table(columns, rows):
    widths = [max(map(len, column)) for column in zip(columns, *rows)]
    return ["  ".join(align(cells, widths)) for cells in (columns, *rows)]


def markdown_table(columns, rows):
    rule = ["---", *("---:" for _ in columns[1:])]
    return [f"| {' | '.join(cells)} |" for cells in (columns, rule, *rows)]


def align(cells, widths):
    """The name to the left, figures to the right."""
    return [cells[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:]))]


def doubts_about(slices, baseline):
    own = [one.cpu for one in slices[baseline]]
    if (spread := max(own) / min(own)) > SPREAD:
        yield f"{baseline} differs from itself by {spread:.2f} (more than {SPREAD})"
    for peer, of_peer in slices.items():
        if errors := sum(one.failed + one.timeouts for one in of_peer):
            yield f"{peer} had {errors} errors"
        if (waited := median(one.waited for one in of_peer)) > SHARED:
            yield f"{peer} waited for its CPU {waited:.0%} of the time; other work ran there"

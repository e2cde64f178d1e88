"""PHP-FPM behind the doctor: reloaded, killed, stopped and exhausted under load.

Each request has a mark that must come back in its reply, over HTTP/1.1, TLS and HTTP/2, so that a reply that is somebody
else's is seen. What was cut off must look cut off. Everything is well again without a word to the doctor.

ENDURE_PHP adds keys to the upstream: `ENDURE_PHP=', keep_alive: 3' tests/endure/run php_reload php_killed`.
"""

import collections
import contextlib
import json
import os
import signal
import time
from pathlib import Path

from load import loads
from stage import Process, Trouble, wait

PHP = "php-fpm8.2"
USER = "www-data"
MORE = os.environ.get("ENDURE_PHP", "")
SCRIPT = """<?php
header('Content-Type: text/plain');
usleep(1000 * (int) ($_GET['ms'] ?? 0));
$mark = $_SERVER['HTTP_X_ID'];
for ($left = (int) ($_GET['times'] ?? 1); $left > 0; $left -= 100) {
    echo str_repeat("$mark ", min($left, 100));
}
echo 'ends';
"""
LARGE = 20_000
RELOADS, KILLS, DEATHS, STOPS = 30, 40, 6, 4
RECOVERED = 15
SECONDS = 10

# How a reply ends whose worker was killed: before its head, within it, or within its body.
KILLED = {"header_doctor_php_closed", "header_doctor_upstream_truncated", "header_doctor_reply_cut_off"}
# How nobody is found while there is no PHP-FPM.
GONE = {"header_doctor_php_refused", "header_doctor_php_socket_missing"}
TIMEOUT = {"header_doctor_upstream_timeout"}
FULL = {"header_doctor_php_backlog_full"}


class Fpm:
    """A PHP-FPM of this scenario, with so many workers."""

    def __init__(self, stage, workers, settings=""):
        self.stage, self.count = stage, workers
        self.folder = stage.folder / "php"
        self.folder.mkdir()
        (self.folder / "index.php").write_text(SCRIPT)
        (self.folder / "fpm.conf").write_text(
            f"[global]\nerror_log = {self.folder}/fpm.log\nprocess_control_timeout = 0\n{settings}"
            f"[pool]\nuser = {USER}\ngroup = {USER}\nlisten = {self.folder}/fpm.sock\nlisten.mode = 0666\n"
            f"pm = static\npm.max_children = {workers}\n"
        )
        self.start()

    def start(self):
        command = [PHP, "--nodaemonize", "--fpm-config", self.folder / "fpm.conf"]
        self.master = self.stage.start(command, "php.log")
        wait(lambda: len(self.workers()) == self.count, 10, "PHP-FPM with all its workers")

    def upstream(self, more=""):
        return f'{{ url: "fastcgi+unix:{self.folder}/fpm.sock", php_root: "{self.folder}"{more}{MORE} }}'

    def workers(self):
        master = self.master.pid
        with contextlib.suppress(OSError):
            return [int(text) for text in Path(f"/proc/{master}/task/{master}/children").read_text().split()]
        return []

    def send(self, number, *processes):
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def die(self):
        """All of it at once: the socket stays, and nobody listens."""
        self.send(signal.SIGKILL, self.master.pid, *self.workers())
        self.master.stop()

    def pause(self, seconds):
        everybody = [self.master.pid, *self.workers()]
        self.send(signal.SIGSTOP, *everybody)
        time.sleep(seconds)
        self.send(signal.SIGCONT, *everybody)


def marked(times):
    return lambda mark: f"{mark} ".encode() * times + b"ends"


def php_loads(stage, statuses, **settings):
    """Many small replies, or few large ones."""
    return loads(stage, path="/?ms=2", right=marked(1), statuses=statuses, **settings)


def php_large(stage, statuses):
    return loads(stage, path=f"/?times={LARGE}", right=marked(LARGE), statuses=statuses, keep=2, fresh=1)


@contextlib.contextmanager
def under_load(stage, findings, codes, statuses):
    """A load of both kinds; afterwards no reply was wrong, what failed was cut off, and every event says why."""
    with php_loads(stage, statuses) as small, php_large(stage, statuses) as large:
        running = [*small, *large]
        recovered(running)
        yield running
        recovered(running)
    judge(stage, findings, running, codes)


def recovered(running, each=20):
    """Seconds until every load has had good replies again, so many of them."""
    before = [load.good for load in running]

    def all_well():
        return all(load.good >= was + each for load, was in zip(running, before))

    try:
        return wait(all_well, RECOVERED, "good replies for everybody")
    except Trouble as trouble:
        seen = "; ".join(f"{load.name}: {load.good} good, {load.reasons}" for load in running)
        raise Trouble(f"{trouble}; {seen}") from None


def judge(stage, findings, running, codes):
    cut = 0
    for load in running:
        was_cut = [one for one in load.failures if one[1].startswith(("cut (", "reset ("))]
        cut += len(was_cut)
        load.failures = [one for one in load.failures if one not in was_cut]
        other = load.done - load.good
        findings.say(f"{load.name}: {load.good} good, {other} told of a failure, {len(was_cut)} cut off")
    findings.count(*running)
    said = events(stage)
    for code in set(said) - codes:
        findings.that(False, f"{said[code]} events tell of {code}: {words(stage, code)}")
    findings.that(bool(said) or not cut, f"{cut} replies were cut off, and no event says so")
    counts = (f"{count} {code.removeprefix('header_doctor_')}" for code, count in said.most_common())
    findings.say(f"events: {', '.join(counts) or 'none'}")


def failures(stage):
    for line in (stage.folder / "proxy.log").read_text(errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            if failure := json.loads(line).get("failure"):
                yield failure


def events(stage):
    """What the doctor says went wrong, and how often."""
    return collections.Counter(failure["code"] for failure in failures(stage))


def words(stage, code):
    return next(failure["what"] for failure in failures(stage) if failure["code"] == code)


def descriptors(proxy):
    return len(list(Path(f"/proc/{proxy.pid}/fd").iterdir()))


def at_rest(proxy):
    """How many descriptors are open once that has not changed for two seconds."""
    open_now, since = descriptors(proxy), time.monotonic()
    while time.monotonic() < since + 2:
        time.sleep(0.1)
        if (found := descriptors(proxy)) != open_now:
            open_now, since = found, time.monotonic()
    return open_now


def nothing_is_left(findings, proxy, before):
    """Neither connections to PHP, nor those of the clients."""
    after = at_rest(proxy)
    findings.that(after <= before, f"{after} descriptors are open at the end, {before} at the beginning")


def serve(stage, fpm, more=""):
    if stage.arguments.proxy == "nginx":
        raise Trouble("this scenario is about the doctor: there is no nginx in its place")
    # Every failure is to be told.
    proxy = stage.serve([fpm.upstream(more)], log=", repeats: 0s")
    with php_loads(stage, (200,)) as running:
        recovered(running)
    return proxy, at_rest(proxy)


def php_reload(stage, findings):
    """PHP-FPM reloaded: workers killed at once cost their own requests, workers that may finish cost none."""
    fpm = Fpm(stage, 4)
    proxy, before = serve(stage, fpm)
    with under_load(stage, findings, KILLED | GONE, (200, 502)) as running:
        for _ in range(RELOADS):
            fpm.send(signal.SIGUSR2, fpm.master.pid)
            time.sleep(0.3)
    slowest = 0
    text = (fpm.folder / "fpm.conf").read_text()
    (fpm.folder / "fpm.conf").write_text(text.replace("timeout = 0", "timeout = 10s"))
    fpm.send(signal.SIGUSR2, fpm.master.pid)
    time.sleep(1)
    told = sum(events(stage).values())
    with php_loads(stage, (200,)) as running:
        recovered(running)
        for _ in range(RELOADS // 3):
            fpm.send(signal.SIGUSR2, fpm.master.pid)
            slowest = max(slowest, recovered(running))
    findings.count(*running)
    findings.that(sum(events(stage).values()) == told, "a reload that lets workers finish cost a request")
    findings.say(f"{RELOADS} reloads that kill; {RELOADS // 3} that wait, well after {slowest:.1f} s at most")
    nothing_is_left(findings, proxy, before)


def php_killed(stage, findings):
    """Workers, then all of PHP-FPM, killed with -9: 502 and cut-off replies meanwhile, recovery without a restart."""
    fpm, slowest = Fpm(stage, 4), 0
    proxy, before = serve(stage, fpm)
    with under_load(stage, findings, KILLED | GONE, (200, 502)) as running:
        for turn in range(KILLS):
            victims = fpm.workers()
            fpm.send(signal.SIGKILL, *victims[: 1 + turn % len(victims)] if victims else [])
            time.sleep(0.1)
        for turn in range(DEATHS):
            if turn % 2:
                fpm.die()
            else:
                fpm.send(signal.SIGTERM, fpm.master.pid)
                fpm.master.ended(10)
            time.sleep(0.5)
            fpm.start()
            slowest = max(slowest, recovered(running))
    findings.say(f"{KILLS} killings, {DEATHS} deaths, well {slowest:.1f} s after the start at most")
    nothing_is_left(findings, proxy, before)


def php_stopped(stage, findings):
    """PHP-FPM stopped (SIGSTOP) for three seconds: 504 in time, nobody hangs, and all is well when it goes on."""
    fpm, slowest = Fpm(stage, 4), 0
    proxy, before = serve(stage, fpm, ", response_timeout: 1s, idle_timeout: 1s")
    codes = TIMEOUT | FULL | {"header_doctor_reply_cut_off", "header_doctor_upstream_truncated"}
    with under_load(stage, findings, codes, (200, 503, 504)) as running:
        for _ in range(STOPS):
            fpm.pause(3)
            slowest = max(slowest, recovered(running))
    findings.that(events(stage)["header_doctor_upstream_timeout"] > 0, "nobody was told of a timeout")
    findings.say(f"{STOPS} stops, well after {slowest:.1f} s at most")
    nothing_is_left(findings, proxy, before)


def php_queued(stage, findings):
    """Far more requests than workers, and a queue before them: every one is answered, with kept connections and without."""
    fpm = Fpm(stage, 2)
    for keep in (0, 1):
        more = f", keep_alive: {keep}, max_connections: 2, queue: {{ length: 1024, timeout: 30s }}"
        proxy, before = serve(stage, fpm, more)
        with loads(stage, path="/?ms=10", right=marked(1), keep=16, fresh=8) as running:
            recovered(running)
            time.sleep(SECONDS)
        judge(stage, findings, running, set())
        nothing_is_left(findings, proxy, before)
        proxy.stop()


def php_exhausted(stage, findings):
    """Far more requests than workers and backlog: 503 at once for some, right replies for the others, then calm."""
    fpm = Fpm(stage, 2)
    text = (fpm.folder / "fpm.conf").read_text()
    fpm.send(signal.SIGTERM, fpm.master.pid)
    fpm.master.ended(10)
    (fpm.folder / "fpm.conf").write_text(text + "listen.backlog = 8\n")
    fpm.start()
    proxy, before = serve(stage, fpm)
    with loads(stage, path="/?ms=100", right=marked(1), statuses=(200, 503), keep=16, fresh=8) as running:
        # Two workers of 100 ms have 20 replies a second for 72 clients that ask again at once: TLS gets few of them.
        recovered(running, each=3)
        time.sleep(SECONDS)
        recovered(running, each=3)
    judge(stage, findings, running, FULL)
    findings.that(events(stage)["header_doctor_php_backlog_full"] > 0, "nobody was told of a full backlog")
    with loads(stage, path="/?ms=2", right=marked(1), keep=1, fresh=1) as calm:
        took = recovered(calm)
    findings.count(*calm)
    findings.say(f"calm again after {took:.1f} s")
    nothing_is_left(findings, proxy, before)

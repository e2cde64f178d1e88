"""A rollout of `deploy/kubernetes/overlays/sidecar` under load: pod after pod is replaced, and nothing is lost.

`--careless hasty` takes the waiting out of the manifests, `--careless doctor-last` exchanges who ends last: either must be
seen to lose requests, or the scenario proves nothing. With `--fresh` no connection is kept, as behind a balancer that chooses a pod
for each request; then the second loses nothing, either.
"""

import contextlib
import os
import time

from load import Load
from pods import LAG, STYLE, Balancer, Manifest, Pod
from stage import Trouble, accepts, wait

REPLICAS = 2


def rollout(stage, findings):
    """Pods of PHP-FPM and the doctor replaced one by one, as the manifests say: no 5xx, nothing refused or broken off."""
    if stage.arguments.proxy == "nginx":
        raise Trouble("this scenario is about the doctor: there is no nginx in its place")
    manifest = Manifest()
    if careless := stage.arguments.careless:
        getattr(manifest, careless.replace("-", "_"))()
    ended = []
    with Balancer(stage.port) as balancer:
        pods = [begin(stage, manifest, balancer) for _ in range(REPLICAS)]
        wait(lambda: len(balancer.known) == REPLICAS and accepts(stage.port), 10, "a balancer with all pods")
        socket_is_the_groups(pods[0], findings)
        configuration_is_taken_over(pods[0])
        with all_loads(stage) as running:
            until, rollouts = time.monotonic() + stage.arguments.seconds, 0
            warm(running)
            while not rollouts or time.monotonic() < until:
                pods = [replace(stage, manifest, balancer, old, ended) for old in pods]
                rollouts += 1
            longest = max(pod.ended() for pod in ended)
            warm(running)
    for load in running:
        load.failures += [(moment, "refused") for moment in load.refused]
        load.refused = []
        findings.say(f"{load.label}: {load.done}")
    findings.count(*running)
    for problem in (problem for pod in ended for problem in pod.problems):
        findings.that(False, problem)
    findings.say(f"{rollouts} rollouts, {len(ended)} pods ended, the slowest in {longest:.1f} s, known {LAG} s late")


def begin(stage, manifest, balancer):
    pod = Pod(stage, manifest)
    pod.start()
    balancer.pods.append(pod)
    return pod


def replace(stage, manifest, balancer, old, ended):
    """maxSurge 1, maxUnavailable 0: the new one is ready, and known to be, before the old one is ended."""
    new = begin(stage, manifest, balancer)
    wait(lambda: new in balancer.known, 10, f"{new.name} among the endpoints")
    old.end()
    ended.append(old)
    return new


def socket_is_the_groups(pod, findings):
    """Nobody but the two containers may speak FastCGI to PHP."""
    found = (pod.folder / "run/php-fpm.sock").stat()
    findings.that(found.st_mode & 0o777 == 0o660, f"the socket's mode is {found.st_mode & 0o777:o}, not 660")
    if os.geteuid() == 0:
        findings.that(found.st_gid == pod.group, f"the socket's group is {found.st_gid}, not {pod.group}")


def configuration_is_taken_over(pod):
    """A changed ConfigMap needs no restart."""
    pod.configure(pod.configuration + "  level: info\n")
    log = pod.processes["header-doctor"].log
    wait(lambda: '"Reloaded"' in log.read_text(), 10, "a reload after the ConfigMap changed")


@contextlib.contextmanager
def all_loads(stage):
    """Pages, posts, slow scripts and files, over connections that stay, that stay and pause, and that are new each time."""
    table = {
        "pages": {"path": "/wp-json/?ms=2", "keep": 4, "fresh": 2, "right": echoed(0)},
        "posts": {"path": "/wp-json/?ms=2", "method": "POST", "keep": 2, "fresh": 2, "right": echoed(100)},
        "slow": {"path": "/wp-json/?ms=1500", "keep": 3, "fresh": 3, "right": echoed(0)},
        "files": {"path": "/style.css", "keep": 1, "fresh": 1, "bodies": [STYLE]},
        "pausing": {"path": "/wp-json/", "keep": 8, "fresh": 0, "pause": 0.1, "right": echoed(0)},
    }
    with contextlib.ExitStack() as stack:
        running = []
        for label, settings in table.items():
            if stage.arguments.fresh:
                settings.update(keep=0, fresh=settings["keep"] + settings["fresh"])
            running.append(stack.enter_context(Load(stage, **settings)))
            running[-1].label = label
        yield running


def echoed(length):
    return lambda mark: f"{mark} {length} ends".encode()


def warm(running):
    before = [load.done for load in running]
    wait(lambda: all(load.done > was + 4 for load, was in zip(running, before)), 30, "answers for every load")

"""Pods made of processes, ended as kubelet ends them, behind a balancer that learns of it too late.

Nothing here knows the order or the times: they are read from `deploy/kubernetes/overlays/sidecar`, and only addresses and
folders are replaced. What a process of the cluster would do is done as its documentation says:

- kubelet begins init containers that restart always in their order, each once the startup probe of the one before has
  succeeded, then the other containers; a pod is ready when its readiness probe says so
- it ends a pod by running every `preStop` at once; then the other containers are told to end, and after the last of them the
  init containers that restart always, last first; whoever is left when the grace period is over is killed
- whoever balances (as kube-proxy does) chooses an address for a connection, not for a request, leaves those alone that are
  open, and learns LAG seconds late that a pod is ready, or that it ends
"""

import asyncio
import contextlib
import http.client
import itertools
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import yaml

from stage import Trouble, free_ports, wait

OVERLAY = Path(__file__).resolve().parents[2] / "deploy/kubernetes/overlays/sidecar"
FPM, PHP = "php-fpm8.2", "php8.2"
LAG = 0.3
# What the image stops each with (STOPSIGNAL); php-fpm's is that of the official images.
SIGNALS = {"php-fpm": signal.SIGQUIT, "header-doctor": signal.SIGTERM}
SCRIPT = """<?php
usleep(1000 * (int) ($_GET['ms'] ?? 0));
echo $_SERVER['HTTP_X_ID'], ' ', strlen(file_get_contents('php://input')), ' ends';
"""
STYLE = b"body { margin: 0 }\n" * 50
# What the image has before ours: its pool listens on a port, in a folder of files that are read in the order of their names.
POOL = "[www]\nuser = www-data\ngroup = www-data\nlisten = 127.0.0.1:9000\npm = dynamic\npm.max_children = 5\n"
POOL += "pm.start_servers = 2\npm.min_spare_servers = 1\npm.max_spare_servers = 3\nclear_env = no\n"


class Manifest:
    """The overlay's files: the pod, and what the doctor and php-fpm read."""

    def __init__(self):
        self.pod = yaml.safe_load((OVERLAY / "deployment.yaml").read_text())["spec"]["template"]["spec"]
        self.doctor = (OVERLAY / "header-doctor.yaml").read_text()
        self.fpm = (OVERLAY / "zzz-header-doctor.conf").read_text()

    def hasty(self):
        """Nobody waits for anybody."""
        self.doctor = changed(self.doctor, "delay: 5s", "delay: 0s")
        self.fpm = changed(self.fpm, "process_control_timeout = 10s", "process_control_timeout = 0")

    def doctor_last(self):
        """The doctor is what restarts always and php-fpm the container, so that the doctor ends last; php-fpm sleeps first."""
        fpm, doctor = self.pod["initContainers"][0], self.pod["containers"][0]
        del fpm["restartPolicy"]
        fpm["lifecycle"] = {"preStop": {"exec": {"command": ["sleep", "5"]}}}
        doctor["restartPolicy"] = "Always"
        self.pod["initContainers"], self.pod["containers"] = [doctor], [fpm]


def changed(text, old, new):
    if old not in text:
        raise Trouble(f"{OVERLAY} has no {old!r} any more")
    return text.replace(old, new)


class Pod:
    """One pod: its processes, and whether it is ready or ends."""

    numbers = itertools.count(1)

    def __init__(self, stage, manifest):
        self.stage, self.manifest, self.name = stage, manifest, f"pod-{next(self.numbers)}"
        self.folder = stage.folder / self.name
        self.port, self.health = free_ports(2)
        self.processes, self.problems, self.ending, self.took = {}, [], None, 0.0
        spec = manifest.pod
        self.sidecars = [one for one in spec.get("initContainers", []) if one.get("restartPolicy") == "Always"]
        self.containers = spec["containers"]
        self.grace = spec["terminationGracePeriodSeconds"]
        self.group = spec["securityContext"]["fsGroup"]
        self.lay_out()

    def lay_out(self):
        """The volumes and what is mounted into them, as the pod's users see them."""
        for name in ("html", "run", "spool", "fpm.d", "etc"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "html/index.php").write_text(SCRIPT)
        (self.folder / "html/style.css").write_bytes(STYLE)
        paths = {"/run/php-fpm": "run", "/var/www/html": "html", "/var/spool/header-doctor": "spool"}
        doctor = changed(self.manifest.doctor, "address: :8080", f'address: "127.0.0.1:{self.port}"')
        doctor = changed(doctor, "health_address: :9901", f'health_address: "127.0.0.1:{self.health}"')
        fpm = self.manifest.fpm
        for path, folder in paths.items():
            doctor = changed(doctor, path, f"{self.folder}/{folder}")
            fpm = fpm.replace(path, f"{self.folder}/{folder}")
        (self.folder / "etc/header-doctor.yaml").symlink_to("..data/header-doctor.yaml")
        self.configure(doctor)
        (self.folder / "fpm.conf").write_text(
            f"[global]\nerror_log = {self.folder}/run/fpm.log\ndaemonize = no\ninclude = {self.folder}/fpm.d/*.conf\n"
        )
        (self.folder / "fpm.d/www.conf").write_text(POOL)
        (self.folder / "fpm.d/zzz-header-doctor.conf").write_text(fpm)
        # As kubelet makes an emptyDir for an fsGroup: what is written into it belongs to the group.
        for name in ("run", "spool"):
            if os.geteuid() == 0:
                os.chown(self.folder / name, 0, self.group)
            (self.folder / name).chmod(0o2777)

    def configure(self, text):
        """As kubelet changes what a ConfigMap's folder holds: a new folder, and one link that is swapped for another."""
        self.configuration = text
        version = self.folder / f"etc/..{time.monotonic_ns()}"
        version.mkdir()
        (version / "header-doctor.yaml").write_text(text)
        fresh, link = self.folder / "etc/..data_tmp", self.folder / "etc/..data"
        fresh.symlink_to(version.name)
        old = link.resolve() if link.is_symlink() else None
        fresh.rename(link)
        shutil.rmtree(old) if old else None

    def start(self):
        """Returns when the pod is ready."""
        for one in self.sidecars + self.containers:
            self.launch(one)
            if one in self.sidecars or one["name"] == "php-fpm":
                wait(lambda one=one: self.is_started(one), 20, f"{self.name}: the start of {one['name']}")
        wait(self.is_ready, 20, f"{self.name}: readiness")

    def launch(self, container):
        commands = {
            "php-fpm": [FPM, "--fpm-config", self.folder / "fpm.conf"],
            "header-doctor": [binary(self.stage), "run", "--config", self.folder / "etc/header-doctor.yaml"],
        }
        name = container["name"]
        command = as_user(container["securityContext"], self.group) + ["setpriv", "--pdeathsig", "KILL", *commands[name]]
        self.processes[name] = self.stage.start(command, f"{self.name}-{name}.log")

    def is_started(self, container):
        process = self.processes[container["name"]]
        if process.process.poll() is not None:
            raise Trouble(f"{self.name}: {container['name']} ended: {process.last_words()}")
        return self.probes(container) if container["name"] == "php-fpm" else self.is_ready()

    def probes(self, container):
        """Whether the command of its startup probe succeeds."""
        program, *words = container["startupProbe"]["exec"]["command"] if "startupProbe" in container else ["true"]
        words = [word.replace("/run/php-fpm", f"{self.folder}/run") for word in words]
        user = as_user(container["securityContext"], self.group)
        command = [*user, PHP if program == "php" else program, *words]
        return subprocess.run(list(map(str, command)), capture_output=True, timeout=10).returncode == 0

    def is_ready(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.health, timeout=1)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        return False

    def end(self):
        """Begins the end, as kubelet does; `ended` waits for it."""
        self.began = time.monotonic()
        self.gone = {one["name"]: threading.Event() for one in self.sidecars + self.containers}
        # Whom each waits for: other containers for nobody, sidecars for those and for the sidecars behind them.
        waits = [(one, []) for one in self.containers]
        before = [one["name"] for one in self.containers]
        for one in reversed(self.sidecars):
            waits.append((one, list(before)))
            before.append(one["name"])
        self.ending = [threading.Thread(target=self.end_one, args=pair) for pair in waits]
        for thread in self.ending:
            thread.start()

    def end_one(self, container, others):
        name = container["name"]
        time.sleep(sleeps(container))
        for other in others:
            self.gone[other].wait(max(0, self.left()))
        process = self.processes[name]
        process.send(SIGNALS[name])
        code = process.ended(max(2, self.left()))
        if code != 0:
            self.problems.append(f"{self.name}: {name} ended with {code} (None: killed when the grace period was over)")
            process.stop()
        self.took = time.monotonic() - self.began
        self.gone[name].set()

    def left(self):
        return self.began + self.grace - time.monotonic()

    def ended(self):
        for thread in self.ending:
            thread.join()
        return self.took


def sleeps(container):
    """The seconds of a container's preStop, in either form."""
    hook = container.get("lifecycle", {}).get("preStop", {})
    return hook.get("sleep", {}).get("seconds", 0) or float(hook.get("exec", {}).get("command", ["sleep", 0])[1])


def as_user(context, group):
    """How a command is run as the user of a container, in the pod's group; as we are where we may not change."""
    if os.geteuid() != 0:
        return []
    user, own = context["runAsUser"], context["runAsGroup"]
    return ["setpriv", "--reuid", user, "--regid", own, "--groups", group, "--no-new-privs", "--bounding-set", "-all"]


def binary(stage):
    """A copy that every user can reach."""
    copy = stage.folder / "header-doctor"
    if not copy.exists():
        shutil.copy(stage.arguments.binary, copy)
        copy.chmod(0o755)
    return copy


class Balancer:
    """Connections to `port` go to one of the pods that it knows of, in turn; a thread of its own."""

    def __init__(self, port):
        self.port, self.pods, self.known, self.since = port, [], [], {}
        self.turn, self.tasks = itertools.count(), set()
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.follow), threading.Thread(target=lambda: asyncio.run(self.serve()))]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def follow(self):
        """What is to be known is known LAG seconds later."""
        while not self.stopped.wait(0.02):
            for pod in list(self.pods):
                right = pod.ending is None and pod.is_ready()
                if right == (pod in self.known):
                    self.since.pop(pod, None)
                    continue
                if time.monotonic() - self.since.setdefault(pod, time.monotonic()) > LAG:
                    self.known = [*self.known, pod] if right else [one for one in self.known if one is not pod]

    async def serve(self):
        server = await asyncio.start_server(self.splice, "127.0.0.1", self.port, backlog=1024)
        async with server:
            while not self.stopped.is_set():
                await asyncio.sleep(0.05)

    async def splice(self, reader, writer):
        # The loop itself would forget it.
        self.tasks.add(task := asyncio.current_task())
        try:
            await self.connect(reader, writer)
        finally:
            self.tasks.discard(task)

    async def connect(self, reader, writer):
        known = self.known
        try:
            there = await asyncio.open_connection("127.0.0.1", known[next(self.turn) % len(known)].port)
        except (OSError, ZeroDivisionError):
            writer.transport.abort()
            return
        await asyncio.gather(pour(reader, there[1]), pour(there[0], writer))
        for one in (writer, there[1]):
            one.close()


async def pour(reader, writer):
    """What comes, and the end of it as it was: an orderly one, or a reset."""
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()

"""Runs the image as a runtime does, with what util-linux brings: its user, environment and command, process number 1 of its own, a root
that nobody can write to, no privilege, and files mounted over it."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

from image import Trouble

PATIENCE = 20


def wait(until, what):
    """Until it is true; gives what was found."""
    deadline = time.monotonic() + PATIENCE
    while not (found := until()):
        if time.monotonic() > deadline:
            raise Trouble(f"{what} did not happen in {PATIENCE} s")
        time.sleep(0.02)
    return found


class Container:
    """One that was started; `log` is all that it writes.

    `arguments` replace those that the image names, `environment` is added to its own, `mounts` are {path in it: file or folder here}.
    `/tmp` can be written to where `scratch`; with `alone` it has a network of its own, which only it is in.
    """

    def __init__(self, image, folder, arguments=(), environment=None, mounts=None, scratch=False, alone=False):
        self.image, self.folder = image, Path(folder)
        self.log = self.folder / f"{len(list(self.folder.glob('*.log')))}.log"
        self.environment = {**image.environment, **(environment or {})}
        self.alone = alone
        self.stage = self.folder / "root"
        self.stage.mkdir(exist_ok=True)
        command = [*image.config["Entrypoint"], *(arguments or image.config["Cmd"])]
        script = [*self.mounting(mounts or {}, scratch), f"exec {shlex.join(self.inside(command))}"]
        apart = ["--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", *(["--net"] if alone else [])]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "unshare", *apart, "sh", "-euc", "\n".join(script)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def mounting(self, mounts, scratch):
        """A runtime makes the folders that it mounts over; so does this, before the root is locked."""
        there = shlex.quote(str(self.stage))
        yield f"mount --bind {shlex.quote(str(self.image.root))} {there}"
        # Said of the mount alone, so that those above it can differ.
        yield f"mount -o remount,bind,ro {there}"
        (self.image.root / "proc").mkdir(exist_ok=True)
        yield f"mount -t proc proc {there}/proc"
        if scratch:
            yield f"mount -t tmpfs -o mode=1777 tmpfs {there}/tmp"
        if self.alone:
            yield "ip link set lo up"
        for path, source in mounts.items():
            place, source = self.image.root / path.lstrip("/"), Path(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.mkdir(exist_ok=True) if source.is_dir() else place.touch()
            yield f"mount --bind {shlex.quote(str(source))} {there}{path}"

    def inside(self, command):
        """A command as the image's user, with its environment alone, in its root."""
        chroot = ["chroot", f"--userspec={self.image.config['User']}", "--groups=", str(self.stage)]
        environment = [f"{name}={value}" for name, value in self.environment.items()]
        tools = [shutil.which("setpriv"), "--no-new-privs", shutil.which(chroot[0]), *chroot[1:]]
        return [shutil.which("env"), "-i", *environment, *tools, *command]

    @property
    def pid(self):
        """Of its process number 1, as it is called here."""
        own = self.process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return int(children[0]) if children else None

    def execute(self, *command):
        """Runs another command in it, as `docker exec` does: its exit code and what it prints."""
        enter = ["nsenter", "--target", self.pid, "--mount", "--pid", "--net"]
        done = subprocess.run(
            [*map(str, enter), *self.inside(command)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
        )
        return done.returncode, done.stdout + done.stderr

    def said(self):
        return self.log.read_text(errors="replace")

    def until_it_says(self, text):
        """Waits for words in the log."""

        def found():
            if text in self.said():
                return True
            if self.process.poll() is not None:
                raise Trouble(f"it ended with {self.process.returncode} before it said {text!r}:\n{self.said()}")
            return False

        wait(found, f"{text!r} in the log")

    def terminate(self):
        """Its exit code after SIGTERM."""
        os.kill(self.pid, signal.SIGTERM)
        return self.ended()

    def ended(self):
        """Its exit code."""
        try:
            return self.process.wait(PATIENCE * 4)
        except subprocess.TimeoutExpired as still:
            raise Trouble(f"it did not end:\n{self.said()}") from still

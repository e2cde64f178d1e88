"""Builds the image of the Dockerfile without any registry, and lays its root out to be run.

The base is made here under the name that the Dockerfile says: a minimal Debian with what the real one has, this machine's Rust, and
the crates that cargo has fetched. What takes long is kept below target/image: the base, and the builder's target folder.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
STATE = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target")).resolve() / "image"
NAME = "localhost/header-doctor:test"
# What the slim image of Rust has, too.
BASE_PACKAGES = "gcc,libc6-dev,ca-certificates"
TOOLCHAIN, CARGO_HOME = "/usr/local/toolchain", "/usr/local/cargo"
BASE_ENVIRONMENT = {
    "PATH": f"{TOOLCHAIN}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "CARGO_HOME": CARGO_HOME,
    "CARGO_NET_OFFLINE": "true",
}


class Trouble(Exception):
    """The test cannot go on; the text says why."""


def run(*command, **options):
    """What a command prints; a failure is told with the end of all that it said."""
    done = subprocess.run([*map(str, command)], stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines()[-25:]
        raise Trouble("\n".join([f"`{' '.join(map(str, command))}` failed with {done.returncode}:", *last]))
    return done.stdout.strip()


def buildah(*arguments):
    """With a storage of its own, which nobody else's images are in, and a driver that works without a kernel's help."""
    (STATE / "tmp").mkdir(parents=True, exist_ok=True)
    storage = ["--storage-driver", "vfs", "--root", STATE / "storage", "--runroot", STATE / "run"]
    return run("buildah", *storage, *arguments, env={**os.environ, "TMPDIR": str(STATE / "tmp")})


def base_name():
    """The image that the Dockerfile builds in."""
    [name] = re.findall(r"^FROM (\S+) AS builder$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    return name


def has(name):
    return name in buildah("images", "--format", "{{.Name}}:{{.Tag}}").splitlines()


def make_base(name):
    folder = STATE / "base"
    shutil.rmtree(folder, ignore_errors=True)
    say(f"making {name} of Debian's packages and {run('rustc', '--version')}")
    run("debootstrap", "--variant=minbase", f"--include={BASE_PACKAGES}", "bookworm", folder)
    for rest in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(folder / rest)
    container = buildah("from", "scratch")
    buildah("copy", "--quiet", container, folder, "/")
    environment = [word for name, value in BASE_ENVIRONMENT.items() for word in ("--env", f"{name}={value}")]
    buildah("config", *environment, container)
    buildah("commit", "--quiet", "--rm", container, name)
    shutil.rmtree(folder)


def build():
    """The image, as the Dockerfile makes it."""
    name = base_name()
    if not has(name):
        make_base(name)
    say("building the image")
    # Without a network in the builder, all crates have to be here.
    run("cargo", "fetch", "--locked", "--quiet", cwd=PROJECT)
    cargo_home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    (STATE / "target").mkdir(exist_ok=True)
    volumes = {
        run("rustc", "--print", "sysroot"): f"{TOOLCHAIN}:ro",
        cargo_home / "registry": f"{CARGO_HOME}/registry",
        STATE / "target": "/src/target",
    }
    mounted = [word for here, there in volumes.items() for word in ("--volume", f"{here}:{there}")]
    buildah("bud", "--isolation", "chroot", "--pull-never", "--format", "docker", *mounted, "--tag", NAME, PROJECT)
    # The one before has lost its name.
    buildah("rmi", "--prune")


class Image:
    """Its root as a folder and its configuration as a runtime reads it; both end with the `with`."""

    def __init__(self):
        # What a run that was killed has left.
        buildah("rm", "--all")
        self.container = buildah("from", "--pull-never", NAME)
        self.root = Path(buildah("mount", self.container))
        self.config = json.loads(buildah("inspect", "--type", "image", NAME))["Docker"]["config"]
        self.files = sorted(self.root.rglob("*"))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        buildah("rm", self.container)

    @property
    def environment(self):
        return dict(pair.split("=", 1) for pair in self.config["Env"])

    @property
    def size(self):
        return sum(file.lstat().st_size for file in self.files if not file.is_dir())


def say(text):
    print(f"image: {text}", file=sys.stderr, flush=True)

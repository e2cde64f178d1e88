"""Origin and peers on the loopback: packages, ports, start, and an end whatever happens."""

import base64
import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
BINARY = HERE.parents[1] / "target/release/header-doctor"
PACKAGES = {
    "nginx": "nginx",
    "haproxy": "haproxy",
    "wrk": "wrk",
    "h2load": "nghttp2-client",
    "valgrind": "valgrind",
    "strace": "strace",
    "openssl": "openssl",
    "curl": "curl",
}
TEMPLATES = {"origin": "origin.conf", "nginx": "nginx.conf", "haproxy": "haproxy.cfg", "header-doctor": "header-doctor.yaml"}
PHP_TEMPLATES = {"nginx": "nginx-php.conf", "haproxy": "haproxy-php.cfg", "header-doctor": "header-doctor-php.yaml"}
PEERS = ("header-doctor", "nginx", "haproxy")
# The folder of WordPress as PHP sees it. Nothing lies there: peers choose scripts by name.
ROOT = "/srv/www"
# Two doctors: without a key, with one as it is recommended, and with one where the sidecar signs a trail for a third.
KEYLESS, KEYED, SIGNING = "keyless", "keyed", "signing on"
JUDGING, SILENT = "judging", "silent"
POLICY = Path("/usr/sbin/policy-rc.d")

# The proxies take the first CPU, load and origin the last: on most machines those two share no core.
CPUS = sorted(os.sched_getaffinity(0))
PROXY_CPU, LOAD_CPU = CPUS[0], CPUS[-1]


class Trouble(Exception):
    """Ends the command; the text says what is wrong and what would be right."""


def prepare(tools, peers, binary):
    """What every command needs before it starts anything."""
    if "header-doctor" in peers and not os.access(binary, os.X_OK):
        raise Trouble(f"there is no program {binary}: run `cargo build --release` first, or name one with --binary")
    if PROXY_CPU == LOAD_CPU:
        raise Trouble("only one CPU may be used here; the proxy needs one, load and origin another")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # As an exception they unwind, and so stop what was started.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    # A user's PATH lacks the folder where Debian keeps nginx and HAProxy.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    tools = [*tools, "openssl", "nginx", *(["haproxy"] if "haproxy" in peers else [])]
    install([PACKAGES[tool] for tool in tools if not shutil.which(tool)])


def install(packages):
    if not packages:
        return
    if os.geteuid() != 0:
        raise Trouble(f"not installed: {' '.join(packages)}; run `sudo apt-get install {' '.join(packages)}` first")
    print(f"Installing {' '.join(packages)} from Debian", file=sys.stderr)
    with no_services():
        # The lists of packages may be absent (a fresh container) or too old.
        if not apt_get("install", *packages):
            apt_get("update")
            if not apt_get("install", *packages):
                raise Trouble(f"apt-get could not install {' '.join(packages)}; run `apt-get install` by hand to see why")


def apt_get(*words):
    command = ["apt-get", "-qq", "-y", "-o", "DPkg::Lock::Timeout=600", "--no-install-recommends", *words]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


@contextlib.contextmanager
def no_services():
    """Debian starts a service once it is installed, unless this file forbids it; one that is there already is left alone."""
    try:
        with open(POLICY, "x") as policy:
            policy.write("#!/bin/sh\nexit 101\n")
    except FileExistsError:
        yield
        return
    try:
        POLICY.chmod(0o755)
        yield
    finally:
        POLICY.unlink()


@dataclass(frozen=True)
class Server:
    """A started server; its process leads a session and a process group of its own."""

    name: str
    port: int
    process: subprocess.Popen
    log: Path
    # The port for TLS and what a client trusts there; the origin and a binary that refuses `tls` have none.
    secure: int | None = None
    certificate: Path | None = None
    # The next one of a pair, whose work is part of this one's.
    behind: "Server | None" = None

    def chain(self):
        """This server and all behind it."""
        return [self, *(self.behind.chain() if self.behind else [])]


@dataclass(frozen=True)
class Stage:
    """Where peers are started: a temporary folder, and the origin that they all stand before."""

    folder: Path
    binary: Path
    origin: Server

    def peer(self, name, wrapper=(), patience=10):
        """The peer, for the length of a `with`; `wrapper` is a command to run it under."""
        return running(name, self.folder / name, self.values(self.origin), PROXY_CPU, self.binary, wrapper, patience)

    @contextlib.contextmanager
    def before_php(self, name, keeps, wrapper=(), patience=10):
        """The peer before a FastCGI application of ours, with a connection for each request or with kept ones."""
        folder = Path(tempfile.mkdtemp(prefix=f"php-{name}-", dir=self.folder))
        # nginx's worker is not root.
        folder.chmod(0o755)
        with responder(self.folder, folder / "php.sock"):
            # A line of a template that begins with @kept@ is for peers that keep connections.
            values = {"socket": folder / "php.sock", "root": ROOT, "kept": "" if keeps else "# "}
            with running(name, folder, values, PROXY_CPU, self.binary, wrapper, patience, template=PHP_TEMPLATES[name]) as peer:
                yield peer

    @contextlib.contextmanager
    def pair(self, name, wrapper=lambda hop: (), patience=10):
        """Two doctors, one before the other, as one server: `KEYED` or `SIGNING` with the same key, or `KEYLESS`."""
        with contextlib.ExitStack() as started:
            sidecar = started.enter_context(self.doctor("sidecar", name, self.origin, wrapper, patience))
            edge = started.enter_context(self.doctor("edge", name, sidecar, wrapper, patience))
            yield replace(edge, name=name, behind=sidecar)

    @contextlib.contextmanager
    def doctor(self, hop, pair, before, wrapper=lambda hop: (), patience=10):
        """One of a pair, before this server."""
        words = ["--trusted-proxy", "loopback"] if hop == "sidecar" else []
        section = ""
        if pair != KEYLESS:
            ends = ", ends_here: true" if (hop, pair) == ("sidecar", KEYED) else ""
            section = f'trail: {{ hop: {hop}, key_file: "{self.folder}/trail.keys"{ends} }}\n'
        folder = Path(tempfile.mkdtemp(prefix=f"{hop}-", dir=self.folder))
        values = self.values(before)
        with running("header-doctor", folder, values, PROXY_CPU, self.binary, wrapper(hop), patience, words, section) as server:
            yield replace(server, name=hop)

    @contextlib.contextmanager
    def judging(self, name, wrapper=(), patience=10):
        """A doctor that judges exchanges, as it ships, or a `SILENT` one."""
        section = "" if name == JUDGING else "diagnosis: { enabled: false }\n"
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))
        values = self.values(self.origin)
        with running("header-doctor", folder, values, PROXY_CPU, self.binary, wrapper, patience, (), section) as server:
            yield replace(server, name=name)

    def values(self, origin):
        """What the templates of peers ask for."""
        return {"origin": origin.port, "certificate": self.folder / "cert.pem", "key": self.folder / "cert.pem.key"}


@contextlib.contextmanager
def stage(binary):
    with tempfile.TemporaryDirectory(prefix="compare-") as name:
        folder = Path(name)
        # nginx's worker is not root.
        folder.chmod(0o755)
        (folder / "1k").write_text(json_of(1024))
        (folder / "64k").write_bytes(b"x" * 65536)
        make_certificate(folder / "cert.pem")
        make_trail_key(folder / "trail.keys")
        with running("origin", folder / "origin", {"files": folder, "json": json_of(1024)}, LOAD_CPU) as origin:
            yield Stage(folder, binary, origin)


@contextlib.contextmanager
def running(name, folder, values, cpu, binary=None, wrapper=(), patience=10, words=(), section="", template=None):
    """The server on a free port, from the moment it accepts; stopped at the end of the `with`."""
    folder.mkdir(parents=True, exist_ok=True)
    port, secure = free_ports(2)
    config = fill(HERE / (template or TEMPLATES[name]), folder, values | {"port": port, "secure": secure})
    config.write_text(config.read_text() + section)
    encrypts = "certificate" in values and (name != "header-doctor" or accepts(binary, config))
    if not encrypts:
        config.write_text("".join(line for line in config.read_text().splitlines(True) if str(secure) not in line))
    command = [*pinned(cpu), *wrapper, *command_of(name, folder, config, binary), *words]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            command, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        door = (secure, values["certificate"]) if encrypts else ()
        server = Server(name, port, process, folder / "log", *door)
        wait_until_it_accepts(server, patience)
        yield server
    finally:
        stop(process)


@contextlib.contextmanager
def responder(folder, path):
    """The FastCGI application on this socket, which answers with the files of the folder; stopped at the end of the `with`."""
    program, log = folder / "responder", path.with_suffix(".log")
    if not program.exists():
        compile_responder(program)
    with open(log, "wb") as output:
        command = [*pinned(LOAD_CPU), program, path, folder]
        process = subprocess.Popen(
            command, env=environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        wait_until_it_accepts(Server("responder", 0, process, log), 10, lambda: connected_to(path))
        yield
    finally:
        stop(process)


def compile_responder(program):
    command = ["rustc", "--edition", "2024", "-C", "opt-level=3", "-o", program, HERE / "responder.rs"]
    try:
        run = subprocess.run(command, cwd=HERE, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except FileNotFoundError:
        raise Trouble("there is no rustc: install Rust, which compiles the FastCGI application behind the peers") from None
    if run.returncode != 0:
        raise Trouble(f"responder.rs does not compile: {run.stderr}")


def connected_to(path):
    client = socket.socket(socket.AF_UNIX)
    try:
        client.connect(str(path))
    except OSError:
        client.close()
        raise
    return client


def command_of(name, folder, config, binary):
    if name == "header-doctor":
        return [binary, "run", "--config", config]
    if name == "haproxy":
        return ["haproxy", "-db", "-f", config]
    return ["nginx", "-e", "stderr", "-p", folder, "-c", config]


def fill(template, folder, values):
    """The template with each @name@ replaced, written into the folder."""
    text = template.read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    config = folder / template.name
    config.write_text(text)
    return config


def accepts(binary, config):
    """Whether the program takes the file with its TLS listener; older ones refuse it."""
    command = [binary, "config", "validate", config]
    return subprocess.run(command, env=environment(), stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def knows_keys(binary):
    """Whether two of these doctors can share a key, and the second be the last; older ones cannot."""
    command = [binary, "config", "schema"]
    return "ends_here" in subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout


def can_be_silent(binary):
    """Whether this doctor can be told not to judge; older ones cannot."""
    command = [binary, "config", "schema"]
    schema = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
    return "Whether exchanges are judged" in schema


def knows_php(binary, keeps):
    """Whether this doctor speaks FastCGI, and keeps connections if that is asked for; older ones do not."""
    command = [binary, "config", "schema"]
    schema = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
    return '"php_root"' in schema and (not keeps or '"keep_alive"' in schema)


def make_trail_key(path):
    """A key for two doctors, in a file of which nobody else may read."""
    path.touch(0o600)
    path.write_text(f"benchmark:{base64.b64encode(os.urandom(32)).decode()}\n")


def make_certificate(path):
    """A P-256 certificate signed by itself; HAProxy looks for the key beside it, by this name."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=example.com", "-addext", "subjectAltName=DNS:example.com,IP:127.0.0.1"]
    subprocess.run([*command, "-out", path, "-keyout", f"{path}.key"], check=True, capture_output=True)


def json_of(size):
    """A JSON object of so many bytes."""
    head, tail = '{"id":1,"title":"', '"}'
    return head + "x" * (size - len(head) - len(tail)) + tail


def free_ports(count):
    with contextlib.ExitStack() as held:
        listeners = [held.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]


def pinned(cpu):
    """The words before a command that keep it on one CPU and end it when this process is killed."""
    return ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", str(cpu)]


def environment():
    """Without what would change the program under test: backtraces cost time, and its own variables beat the file."""
    foreign = ("RUST_", "HEADER_DOCTOR_", "OTEL_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def wait_until_it_accepts(server, patience, connect=None):
    connect = connect or (lambda: socket.create_connection(("127.0.0.1", server.port), 1))
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise Trouble(f"{server.name} ended with {server.process.returncode} instead of serving. {last_words(server)}")
        with contextlib.suppress(OSError), connect():
            return
        time.sleep(0.02)
    raise Trouble(f"{server.name} does not accept a connection after {patience} s. {last_words(server)}")


def last_words(server):
    lines = server.log.read_text(errors="replace").splitlines()[-10:]
    return "It wrote:\n" + "\n".join(lines) if lines else "It wrote nothing."


def stop(process):
    """Asks, waits, and then ends whatever is left of its process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

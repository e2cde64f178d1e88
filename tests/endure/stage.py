"""Origins and the proxy under test: a temporary folder, free ports, start, readiness, and an end whatever happens."""

import contextlib
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BINARY = HERE.parents[1] / "target/release/header-doctor"

# How the doctor is run, how it is run to be succeeded, and how its successor is; ENDURE_RUN, ENDURE_FIRST and ENDURE_NEXT
# replace them. nginx has no successor here.
RUN = os.environ.get("ENDURE_RUN", "{binary} run --config {config}")
FIRST = os.environ.get("ENDURE_FIRST", RUN + " --upgrade-socket {folder}/upgrade.sock")
NEXT = os.environ.get("ENDURE_NEXT", FIRST + " --upgrade")


class Trouble(Exception):
    """A scenario cannot go on; the text says why."""


def raise_file_limit():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


# Below those that the system gives to clients (net.ipv4.ip_local_port_range): under load one of these would have it in no time.
PORTS = random.sample(range(20_000, 32_000), 12_000)


def free_ports(count):
    """So many that nobody listens on; each is given once."""
    found = []
    while len(found) < count:
        with contextlib.suppress(OSError), socket.socket() as listener:
            port = PORTS.pop()
            listener.bind(("127.0.0.1", port))
            found.append(port)
    return found


def wait(until, seconds, what, step=0.02):
    """Seconds it took until `until()` was true."""
    started = time.monotonic()
    while not (found := until()):
        if time.monotonic() - started > seconds:
            raise Trouble(f"{what} did not happen in {seconds} s")
        time.sleep(step)
    del found
    return time.monotonic() - started


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def replace(path, text):
    """As `mv` does it: no reader sees half a file."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text)
    fresh.rename(path)


class Process:
    """A program in a session of its own; `log` is all that it writes."""

    def __init__(self, command, log):
        foreign = ("RUST_", "HEADER_DOCTOR_", "OTEL_")
        own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        self.log = log
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *map(str, command)],
                env=own, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )
        self.pid = self.process.pid

    def wait_for(self, port, patience=15):
        def ready():
            if self.process.poll() is not None:
                raise Trouble(f"the program ended with {self.process.returncode} instead of serving: {self.last_words()}")
            return accepts(port)

        wait(ready, patience, f"accepting on port {port}")

    def last_words(self):
        return " | ".join(self.log.read_text(errors="replace").splitlines()[-4:])[:600]

    def send(self, number):
        os.kill(self.pid, number)

    def ended(self, seconds):
        """Its exit code, or None when it still runs."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, number=signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)
        self.process.wait()

    def status(self, name):
        """KiB of /proc/PID/status: VmRSS, VmHWM; those of nginx's worker count, not its master's."""
        folders = [folder for folder in Path("/proc").glob("[0-9]*") if self.owns(folder)]
        texts = [(folder / "status").read_text() for folder in folders]
        return max(int(line.split()[1]) for text in texts for line in text.splitlines() if line.startswith(f"{name}:"))

    def owns(self, folder):
        with contextlib.suppress(OSError):
            return int((folder / "stat").read_text().rpartition(")")[2].split()[3]) == self.pid
        return False

    def cpu(self):
        """Seconds of CPU, all threads and children."""
        ticks = 0
        for folder in filter(self.owns, Path("/proc").glob("[0-9]*")):
            ticks += sum(map(int, (folder / "stat").read_text().rpartition(")")[2].split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")


class Stage:
    """What one scenario has running; everything ends with the `with`."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.folder = Path(tempfile.mkdtemp(prefix="endure-"))
        # nginx's worker is not root.
        self.folder.chmod(0o755)
        self.processes = []
        self.certificate = self.make_certificate("first")
        self.port, self.secure, self.proxied = free_ports(3)
        self.config = self.folder / ("nginx.conf" if arguments.proxy == "nginx" else "header-doctor.yaml")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        for process in reversed(self.processes):
            process.stop()
        if kind and self.arguments.keep:
            print(f"kept: {self.folder}", file=sys.stderr)
            return
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, command, log):
        process = Process(command, self.folder / log)
        self.processes.append(process)
        return process

    def make_certificate(self, name):
        """A P-256 certificate signed by itself, and its key, in a folder of that name."""
        folder = self.folder / name
        folder.mkdir()
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        command += ["-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:example.com,IP:127.0.0.1"]
        command += ["-out", folder / "tls.crt", "-keyout", folder / "tls.key"]
        subprocess.run(command, check=True, capture_output=True)
        return folder

    def origin(self, name="a", port=None):
        """The counting origin: its port and its process."""
        port = port or free_ports(1)[0]
        process = self.start([HERE / "origin.py", port, name, self.folder], f"origin-{name}.log")
        process.wait_for(port)
        return port, process

    def quick_origin(self):
        """nginx with one reply of 1 KiB, for pressure: its port."""
        port = free_ports(1)[0]
        folder = self.folder / "quick"
        folder.mkdir()
        config = folder / "origin.conf"
        config.write_text(QUICK_ORIGIN.replace("@port@", str(port)).replace("@body@", "x" * 1024))
        self.start(["nginx", "-e", "stderr", "-p", folder, "-c", config], "origin.log").wait_for(port)
        return port

    def serve(self, upstreams, certificate=None, command=RUN, **more):
        """Starts the proxy under test before these origins (ports) and waits until it serves."""
        self.config.write_text(self.text(upstreams, certificate, **more))
        proxy = self.run(command)
        proxy.wait_for(self.port)
        if not self.arguments.clear:
            proxy.wait_for(self.secure)
        return proxy

    def run(self, command):
        if self.arguments.proxy == "nginx":
            return self.start(["nginx", "-e", "stderr", "-p", self.folder, "-c", self.config], "proxy.log")
        values = {"binary": self.arguments.binary, "config": self.config, "folder": self.folder}
        return self.start(command.format(**values).split(), "proxy.log")

    def text(self, upstreams, certificate=None, more="", proxy_protocol="", log=""):
        """The configuration of the proxy under test. An upstream is a port, or its whole entry in the doctor's file."""
        certificate = certificate or self.certificate
        if self.arguments.proxy == "nginx":
            return self.nginx_text(upstreams, certificate)
        lines = ["listeners:", f'  - address: "127.0.0.1:{self.port}"']
        if not self.arguments.clear:
            files = f'{{ certificate: "{certificate}/tls.crt", private_key: "{certificate}/tls.key" }}'
            lines += [f'  - address: "127.0.0.1:{self.secure}"', f"    tls: [{files}]"]
        if proxy_protocol:
            lines += [f'  - address: "127.0.0.1:{self.proxied}"', f"    proxy_protocol: {proxy_protocol}"]
            lines += ["trusted_proxies: [loopback]"]
        entries = [f'{{ url: "http://127.0.0.1:{one}" }}' if isinstance(one, int) else one for one in upstreams]
        lines += [f"sites: [{{ upstreams: [{', '.join(entries)}] }}]", f"log: {{ format: json, level: info{log} }}", more]
        return "\n".join(lines) + "\n"

    def nginx_text(self, upstreams, certificate):
        secure = "" if self.arguments.clear else f"listen 127.0.0.1:{self.secure} ssl http2 backlog=4096;"
        values = {
            "port": self.port, "secure": secure, "certificate": certificate,
            "upstreams": " ".join(f"server 127.0.0.1:{port};" for port in upstreams),
        }
        text = STAND_IN
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        return text

    def reload(self, proxy, text, by_signal):
        """A new configuration; nginx looks at its file only when told to."""
        replace(self.config, text)
        if by_signal or self.arguments.proxy == "nginx":
            proxy.send(signal.SIGHUP)

    def terminate(self, proxy):
        proxy.send(signal.SIGQUIT if self.arguments.proxy == "nginx" else signal.SIGTERM)


# nginx under test in the doctor's place: to see that the scenarios themselves work.
STAND_IN = """
daemon off; worker_processes 1; pid nginx-proxy.pid; error_log stderr notice; user root;
events { worker_connections 8192; }
http {
    access_log off; client_body_temp_path body; proxy_temp_path proxy;
    keepalive_requests 1000000000; client_max_body_size 0; client_header_timeout 10s;
    map $http_upgrade $hop { default upgrade; "" ""; }
    upstream origin { @upstreams@ keepalive 64; }
    server {
        listen 127.0.0.1:@port@ backlog=4096; @secure@
        ssl_certificate @certificate@/tls.crt; ssl_certificate_key @certificate@/tls.key; ssl_protocols TLSv1.2 TLSv1.3;
        location / {
            proxy_pass http://origin; proxy_http_version 1.1; proxy_request_buffering off; proxy_max_temp_file_size 0;
            proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $hop;
        }
    }
}
"""

QUICK_ORIGIN = """
daemon off; worker_processes 1; pid nginx.pid; error_log stderr warn;
events { worker_connections 8192; }
http {
    access_log off; client_body_temp_path body; keepalive_requests 1000000000; keepalive_timeout 1h;
    server { listen 127.0.0.1:@port@ backlog=4096; location = /1k { return 200 '@body@'; } }
}
"""


def curl(*words, patience=600):
    """What curl wrote and its exit code; no proxy of the environment comes between."""
    command = ["curl", "-sS", "--noproxy", "*", *map(str, words)]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=patience)
    return run.stdout, run.returncode, run.stderr.decode(errors="replace").strip()


def origin_saw(text):
    with contextlib.suppress(ValueError):
        return json.loads(text)["fields"]
    return {}

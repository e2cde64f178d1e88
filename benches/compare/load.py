"""Who asks: one request to prove that all answer alike, and the generators of load, with figures of one shape."""

import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path

from servers import HERE, LOAD_CPU, Trouble, pinned

# A browser's name for the site; the certificate has it too.
NAME = "example.com"


def exchange(server, scenario, method, path, body=None):
    """Status and body of one request by the door and in the protocol of the scenario."""
    if scenario.generator == "h2load" and server.certificate:
        return by_curl(server, scenario, path)
    connection = connect(server, scenario)
    try:
        connection.request(method, path, body=body or None, headers={"Host": NAME, **scenario.headers})
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        raise Trouble(f"{server.name} does not answer {method} {path}: {error!r}") from error
    finally:
        connection.close()


def is_reported(server, scenario, trail):
    """Whether a doctor that gets this trail answers it with a report, as it does where the reply is an error."""
    connection = connect(server, scenario)
    try:
        connection.request("GET", "/nowhere", headers={"Host": NAME, **scenario.headers, "Header-Doctor-Trail": trail})
        return connection.getresponse().getheader("Header-Doctor-Report") is not None
    except (OSError, http.client.HTTPException) as error:
        raise Trouble(f"{server.name} does not answer a trail: {error!r}") from error
    finally:
        connection.close()


def connect(server, scenario):
    if not scenario.tls or not server.certificate:
        return http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    context = ssl.create_default_context(cafile=server.certificate)
    return http.client.HTTPSConnection("127.0.0.1", server.secure, timeout=10, context=context)


def by_curl(server, scenario, path):
    """Python's library knows no HTTP/2."""
    command = ["curl", "-sS", "--http2", "--max-time", "10", "--cacert", server.certificate, "--noproxy", "*"]
    command += ["--resolve", f"{NAME}:{server.secure}:127.0.0.1", "-w", "\n%{http_version} %{http_code}", "-H", f"Host: {NAME}"]
    command += [word for name, value in scenario.headers.items() for word in ("-H", f"{name}: {value}")]
    run = subprocess.run([*command, f"https://{NAME}:{server.secure}{path}"], stdin=subprocess.DEVNULL, capture_output=True)
    body, _, told = run.stdout.rpartition(b"\n")
    version, _, status = told.decode().partition(" ")
    if version != "2":
        raise Trouble(f"{server.name} answers {path} in HTTP/{version}, not HTTP/2: {run.stderr.decode().strip()}")
    return int(status), body


def load(peer, scenario, seconds):
    """Requests, microseconds they took together, failures, latency."""
    return {"wrk": wrk, "h2load": h2load, "handshakes": handshakes}[scenario.generator](peer, scenario, seconds)


def wrk(peer, scenario, seconds):
    command = ["wrk", "-t1", f"-c{scenario.connections}", f"-d{seconds}s", "--timeout", "10s"]
    command += [word for name, value in scenario.headers.items() for word in ("-H", f"{name}: {value}")]
    door = f"https://127.0.0.1:{peer.secure}" if scenario.tls else f"http://127.0.0.1:{peer.port}"
    command += ["-s", HERE / "load.lua", f"{door}{scenario.path}", "--", str(scenario.upload or "")]
    return last_line(run_pinned(command, seconds))


def handshakes(peer, scenario, seconds):
    command = [sys.executable, "-B", HERE / "handshakes.py", peer.secure, scenario.path, peer.certificate]
    return last_line(run_pinned([*command, scenario.connections, seconds], seconds))


def h2load(peer, scenario, seconds):
    with tempfile.TemporaryDirectory(prefix="compare-h2load-") as folder:
        log = Path(folder) / "log"
        command = ["h2load", "-t1", f"-c{scenario.connections}", f"-m{scenario.streams}", f"-D{seconds}", f"--log-file={log}"]
        command += [f"--connect-to=127.0.0.1:{peer.secure}", f"https://{NAME}{scenario.path}"]
        run = run_pinned(command, seconds)
        counts = re.search(r"(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", run.stdout)
        elapsed = re.search(r"finished in ([\d.]+)(m?s)", run.stdout)
        if not counts or not elapsed:
            raise Trouble(f"h2load ended with {run.returncode} and no figures: {run.stdout}{run.stderr}")
        # The file says start, status and microseconds of each request.
        took = sorted(int(line.rpartition("\t")[2]) for line in log.read_text().splitlines()) or [0]
    done, succeeded, _, _, timeouts = map(int, counts.groups())
    # Requests under way when the time is up are none of these.
    statuses = sum(map(int, re.findall(r"(\d+) [345]xx", run.stdout)))
    return {
        "requests": done,
        "microseconds": float(elapsed[1]) * (1e6 if elapsed[2] == "s" else 1e3),
        "failed": max(done - succeeded - timeouts, statuses),
        "timeouts": timeouts,
        "p50": took[len(took) // 2],
        "p99": took[len(took) * 99 // 100],
    }


def run_pinned(command, seconds):
    words = [*pinned(LOAD_CPU), *map(str, command)]
    # Left alone, OpenSSL prefers AES-256; Chromium prefers AES-128, with another hash.
    environment = {**os.environ, "OPENSSL_CONF": str(HERE / "browser.cnf")}
    try:
        return subprocess.run(
            words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds + 60
        )
    except subprocess.TimeoutExpired:
        raise Trouble(f"{command[0]} should have ended after {seconds} s and did not in a minute more") from None


def last_line(run):
    try:
        return json.loads(run.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise Trouble(f"the load ended with {run.returncode} and no figures: {run.stdout}{run.stderr}") from None

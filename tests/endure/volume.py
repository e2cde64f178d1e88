"""Much of it: a minute of pressure in each protocol, 2 GiB both ways, two thousand idle connections."""

import contextlib
import hashlib
import json
import re
import socket
import subprocess
import time

from load import trusting
from stage import wait

IDLE = 2000
# KiB that an idle connection may cost, and MiB that the process may grow while it moves a large body.
CLEAR_EACH, TLS_EACH, GROWTH = 20, 40, 20


def minute(stage, findings):
    """wrk and h2load for a minute each, HTTP/1.1 and HTTP/2, clear and TLS: not one error."""
    proxy = stage.serve([stage.quick_origin()])
    clear, secure = f"http://127.0.0.1:{stage.port}/1k", f"https://127.0.0.1:{stage.secure}/1k"
    for name, load, url in (("h1", wrk, clear), ("h1+TLS", wrk, secure), ("h2c", h2load, clear), ("h2+TLS", h2load, secure)):
        if stage.arguments.clear and url == secure:
            continue
        requests, errors, told = load(url, stage.arguments.seconds)
        findings.requests, findings.failed = findings.requests + requests, findings.failed + errors
        findings.that(requests and not errors, f"{name}: {errors} errors in {requests} requests: {told}")
        findings.say(f"{name} {requests / stage.arguments.seconds:.0f}/s")
    findings.say(f"RSS {proxy.status('VmHWM') / 1024:.0f} MiB at most")


def wrk(url, seconds):
    """Requests, errors, and the words for them."""
    told = run(["wrk", "-t1", "-c64", f"-d{seconds}s", "--timeout", "20s", url], seconds)
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", told)
    statuses = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    requests = re.search(r"(\d+) requests in", told)
    errors = sum(map(int, sockets.groups())) if sockets else 0
    errors += int(statuses[1]) if statuses else 0
    words = " ".join(found[0] for found in (sockets, statuses) if found) or told.strip()[-200:]
    return int(requests[1]) if requests else 0, errors, words


def h2load(url, seconds):
    told = run(["h2load", "-t1", "-c8", "-m32", f"-D{seconds}", url], seconds)
    counts = re.search(r"(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", told)
    if not counts:
        return 0, 1, told.strip()[-200:]
    done, _, failed, errored, timeouts = map(int, counts.groups())
    codes = re.search(r"(\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", told)
    return done, max(failed, errored) + timeouts + sum(map(int, codes.groups()[1:])), f"{counts[0]}; {codes[0]}"


def run(command, seconds):
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds + 60)
    return ran.stdout + ran.stderr


def large(stage, findings):
    """2 GiB down and up over HTTP/1.1, TLS and HTTP/2: the same bytes, and the proxy does not grow."""
    port, _ = stage.origin()
    file = stage.folder / "large"
    right = fill(file, stage.arguments.mebibytes)
    proxy = stage.serve([port])
    rested = proxy.status("VmRSS") / 1024
    clear, secure = f"http://127.0.0.1:{stage.port}", f"https://127.0.0.1:{stage.secure}"
    doors = [("h1", clear, "--http1.1"), ("h1+TLS", secure, "--http1.1")]
    doors += [("h2+TLS", secure, "--http2"), ("h2c", clear, "--http2-prior-knowledge")]
    for name, url, word in doors:
        if stage.arguments.clear and url == secure:
            continue
        # So that only what a large body costs is growth, not the first connection of a kind.
        transfer(word, f"{url}/1k")
        for way, words in (("down", [f"{url}/large"]), ("up", ["-T", file, f"{url}/upload"])):
            before, started = proxy.status("VmHWM"), time.monotonic()
            digest, told, version = transfer(word, *words)
            rate = stage.arguments.mebibytes / (time.monotonic() - started)
            grown = (proxy.status("VmHWM") - before) / 1024
            findings.requests += 1
            same = digest == right if way == "down" else told.get("sha256") == right
            findings.failed += not same
            findings.that(same, f"{name} {way}: other bytes arrived than were sent, or fewer ({told})")
            findings.that(version == ("2" if "2" in word else "1.1"), f"{name} {way}: HTTP/{version}")
            findings.that(grown < GROWTH, f"{name} {way}: the proxy grew by {grown:.0f} MiB")
            findings.say(f"{name} {way} {rate:.0f} MiB/s +{grown:.1f} MiB")
    findings.say(f"RSS {rested:.0f} MiB before, {proxy.status('VmRSS') / 1024:.0f} after")


def fill(file, mebibytes):
    """Bytes that repeat nowhere, and their SHA-256."""
    words = 'head -c $((1048576 * $1)) /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null | tee "$2" | sha256sum'
    command = ["bash", "-c", words, "fill", str(mebibytes), file]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return ran.stdout.split()[0]


def transfer(*words):
    """SHA-256 of what came, the same as JSON where it is short, and the version of HTTP."""
    command = ["curl", "-sSk", "--noproxy", "*", "--max-time", "600", "-w", "%{stderr}%{http_version}", *map(str, words)]
    digest, kept = hashlib.sha256(), b""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as curl:
        while piece := curl.stdout.read(1 << 20):
            digest.update(piece)
            kept = (kept + piece)[:4096] if len(kept) < 4096 else kept
        version = curl.stderr.read().decode(errors="replace").splitlines()[-1:] or ["?"]
    if curl.returncode:
        return "", {"curl": f"exit {curl.returncode} {version[0]}"}, version[0].rpartition(")")[2].strip()
    with contextlib.suppress(ValueError):
        return digest.hexdigest(), json.loads(kept), version[0]
    return digest.hexdigest(), {}, version[0]


def idle(stage, findings):
    """2000 connections that asked once and then say nothing: what each costs, clear and TLS."""
    port = stage.quick_origin()
    for name, most, tls in (("clear", CLEAR_EACH, None), ("TLS", TLS_EACH, trusting())):
        if stage.arguments.clear and tls:
            continue
        proxy = stage.serve([port])
        door = stage.secure if tls else stage.port
        ask(connect(door, tls))
        before = proxy.status("VmRSS")
        held = [connect(door, tls) for _ in range(IDLE)]
        answered = sum(ask(connection) for connection in held)
        each = (proxy.status("VmRSS") - before) / IDLE
        findings.requests += IDLE
        findings.failed += IDLE - answered
        findings.that(answered == IDLE, f"{name}: {IDLE - answered} of {IDLE} connections were not answered")
        findings.that(each < most, f"{name}: {each:.1f} KiB for each idle connection, more than {most}")
        for connection in held:
            connection.close()
        findings.that(ask(connect(door, tls)), f"{name}: no answer after {IDLE} connections were closed")
        findings.say(f"{name} {each:.1f} KiB each")
        proxy.stop()
        wait(lambda: proxy.process.poll() is not None, 5, "the end of the proxy")


def connect(port, tls):
    clear = socket.create_connection(("127.0.0.1", port), 20)
    return tls.wrap_socket(clear, server_hostname="example.com") if tls else clear


def ask(connection):
    """Whether the answer is 200, whole."""
    try:
        connection.sendall(b"GET /1k HTTP/1.1\r\nHost: example.com\r\n\r\n")
        reply = b""
        while len(reply.partition(b"\r\n\r\n")[2]) < 1024:
            piece = connection.recv(65536)
            if not piece:
                return False
            reply += piece
        return reply.startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False

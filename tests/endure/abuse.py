"""Clients that mean harm: floods over HTTP/2, and TLS handshakes that lead nowhere.

Each must be absorbed or end the connection; the next request of somebody else is answered at once, and memory returns.
"""

import asyncio
import contextlib
import os
import selectors
import socket
import ssl
import time

from hpack import Encoder
from load import trusting
from origin import one_k
from stage import curl

PATIENCE, NEXT_WITHIN, GROWTH = 20, 2.0, 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, CANCEL, INITIAL_WINDOW = 1, 4, 8, 4
GET = [(":method", "GET"), (":scheme", "https"), (":authority", "example.com"), (":path", "/1k")]
HALVES, GARBAGE = 500, 200
# The longest time a handshake may take.
HANDSHAKE = 40


def floods(stage, findings):
    """HTTP/2: rapid reset, CONTINUATION, SETTINGS and PING floods, header bombs, streams whose window stays 0."""
    port, _ = stage.origin()
    proxy = stage.serve([port], more="limits: { write_timeout: 5s }" if stage.arguments.proxy == "doctor" else "")
    well(stage)
    rested = proxy.status("VmRSS")
    for flood in FLOODS:
        used = proxy.cpu()
        try:
            end = asyncio.run(asyncio.wait_for(attack(stage, flood), 60))
        except asyncio.TimeoutError:
            end = "no end in 60 s"
        after = well(stage)
        name = flood.__name__.replace("_", "-")
        findings.that(proxy.process.poll() is None, f"{name}: the proxy ended: {proxy.last_words()}")
        findings.that(after is not None and after < NEXT_WITHIN, f"{name}: the next request took {after} s (None: no answer)")
        findings.that("no end" not in end, f"{name}: {end}")
        ended = "closed" in end or "RST" in end
        findings.that(ended or flood is not parked, f"parked: streams at window 0 are held for {PATIENCE} s and longer")
        findings.say(f"{name}: {end}, {proxy.cpu() - used:.2f} s of CPU")
    grown = (proxy.status("VmRSS") - rested) / 1024
    findings.that(grown < GROWTH, f"the proxy grew by {grown:.1f} MiB and stayed so")
    findings.say(f"RSS +{grown:.1f} MiB, {proxy.status('VmHWM') / 1024:.0f} at most")


def well(stage):
    """Seconds that a request of somebody else takes; nothing if it is not answered with 200."""
    url = f"http://127.0.0.1:{stage.port}/1k" if stage.arguments.clear else f"https://127.0.0.1:{stage.secure}/1k"
    word = "--http2-prior-knowledge" if stage.arguments.clear else "--http2"
    started = time.monotonic()
    body, code, _ = curl("-k", word, "--max-time", "10", url)
    return time.monotonic() - started if not code and body == one_k("a") else None


async def attack(stage, flood):
    """Sends what the flood yields until it or the connection ends; says how it ended."""
    reader, writer = await connect(stage)
    heard = Heard()
    listening = asyncio.create_task(heard.listen(reader))
    try:
        sent, stalled = await pour(flood(), writer, listening)
        if not listening.done() and not stalled:
            await farewell(writer, listening, heard)
        end = heard.end(listening.done(), stalled)
        return f"{end} after {sent} writes" if listening.done() else end
    finally:
        listening.cancel()
        writer.transport.abort()


async def connect(stage):
    if stage.arguments.clear:
        return await asyncio.open_connection("127.0.0.1", stage.port)
    context = trusting()
    context.set_alpn_protocols(["h2"])
    return await asyncio.open_connection("127.0.0.1", stage.secure, ssl=context, server_hostname="example.com")


async def pour(pieces, writer, listening):
    """How many pieces were written, and whether the server stopped reading; None means to wait for the end."""
    sent = 0
    with contextlib.suppress(OSError, ssl.SSLError):
        writer.write(PREFACE + frame(SETTINGS, 0, 0, b""))
        for piece in pieces:
            if piece is None:
                await asyncio.wait([listening], timeout=PATIENCE)
            if piece is None or listening.done():
                break
            writer.write(piece)
            sent += 1
            try:
                await asyncio.wait_for(writer.drain(), PATIENCE)
            except asyncio.TimeoutError:
                return sent, True
    return sent, False


async def farewell(writer, listening, heard):
    """Time to hear the last words: an answer to a PING behind the flood, or the end of the connection."""
    writer.write(frame(PING, 0, 0, b"farewell"))
    answered = asyncio.create_task(heard.farewell.wait())
    await asyncio.wait([listening, answered], return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
    answered.cancel()


class Heard:
    """What the server said: how often, and how it said goodbye."""

    def __init__(self):
        self.frames, self.goaway, self.farewell = {}, None, asyncio.Event()

    async def listen(self, reader):
        with contextlib.suppress(OSError, ssl.SSLError, EOFError):
            while True:
                head = await reader.readexactly(9)
                payload = await reader.readexactly(int.from_bytes(head[:3]))
                self.frames[head[3]] = self.frames.get(head[3], 0) + 1
                if head[3] == GOAWAY:
                    self.goaway = int.from_bytes(payload[4:8])
                if head[3] == PING and payload == b"farewell":
                    self.farewell.set()

    def end(self, closed, stalled):
        said = "" if self.goaway is None else f", GOAWAY {self.goaway}"
        resets = f", {self.frames[RST]} RST" if RST in self.frames else ""
        if closed:
            return f"closed{said}{resets}"
        if stalled:
            return f"no more read{said}{resets}"
        return f"absorbed{said}{resets}" if self.farewell.is_set() or said else "no end: neither closed nor does it answer a PING"


def frame(kind, flags, stream, payload):
    """Length, kind, flags, stream (RFC 9113 section 4.1), payload."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def opened(encoder, stream, flags=END_STREAM | END_HEADERS, more=()):
    return frame(HEADERS, flags, stream, encoder.encode([*GET, *more]))


def rapid_reset(count=20_000):
    encoder = Encoder()
    for number in range(count):
        stream = 2 * number + 1
        yield opened(encoder, stream) + frame(RST, 0, stream, CANCEL.to_bytes(4, "big"))


def made_you_reset(count=20_000):
    encoder = Encoder()
    for number in range(count):
        stream = 2 * number + 1
        yield opened(encoder, stream) + frame(WINDOW, 0, stream, bytes(4))


def continuation_big(mebibytes=64):
    yield opened(Encoder(), 1, END_STREAM)
    # A literal field, not to be indexed: a name of one byte, a value of 16000 (RFC 7541 section 6.2.2).
    for _ in range(mebibytes * 64):
        yield frame(CONTINUATION, 0, 1, b"\x00\x01a\x7f\x81\x7c" + b"x" * 16000)


def continuation_empty(count=100_000):
    yield opened(Encoder(), 1, END_STREAM)
    for _ in range(count // 100):
        yield frame(CONTINUATION, 0, 1, b"") * 100


def header_bomb():
    """One large field in the dynamic table, then requests that name it sixteen thousand times by one byte each."""
    encoder = Encoder()
    yield opened(encoder, 1, more=[("x-bomb", "x" * 3900)])
    for number in range(1, 64):
        yield frame(HEADERS, END_STREAM | END_HEADERS, 2 * number + 1, encoder.encode(GET) + b"\xbe" * 16000)


def settings(count=100_000):
    for _ in range(count // 100):
        yield frame(SETTINGS, 0, 0, b"") * 100


def pings(count=100_000):
    for _ in range(count // 100):
        yield frame(PING, 0, 0, b"whatever") * 100


def parked(count=100):
    """Streams that may be answered and whose body may never be sent."""
    encoder = Encoder()
    yield frame(SETTINGS, 0, 0, INITIAL_WINDOW.to_bytes(2, "big") + bytes(4))
    for number in range(count):
        yield opened(encoder, 2 * number + 1)
    yield None


def handshakes(stage, findings):
    """500 halves of a handshake are closed by the timeout; garbage is closed; plain HTTP is told 400."""
    port, _ = stage.origin()
    proxy = stage.serve([port])
    well(stage)
    hello = client_hello()
    # Twice: an allocator may keep what the first round took, and a second one must do with that.
    for _ in range(2):
        rested = proxy.status("VmRSS")
        half = hello[: len(hello) // 2]
        first, last, open_still = ends(stage.secure, half, HALVES, lambda: well(stage), findings)
        findings.that(not open_still, f"{open_still} of {HALVES} half handshakes are open after {HANDSHAKE} s")
        findings.say(f"halves closed after {first:.0f} to {last:.0f} s, RSS {proxy.status('VmRSS') / 1024:.0f} MiB")
    _, last, open_still = ends(stage.secure, None, GARBAGE, lambda: well(stage), findings)
    findings.that(not open_still, f"{open_still} of {GARBAGE} connections with garbage are open after {HANDSHAKE} s")
    findings.say(f"garbage closed within {last:.1f} s")
    told, _, said = curl("-i", "--max-time", "10", f"http://127.0.0.1:{stage.secure}/1k")
    findings.that(told.startswith(b"HTTP/1.1 400 "), f"plain HTTP on the TLS port: {told[:40]!r} {said}")
    after = well(stage)
    findings.that(after is not None and after < NEXT_WITHIN, f"the next request took {after} s (None: no answer)")
    grown = (proxy.status("VmRSS") - rested) / 1024
    findings.that(grown < GROWTH, f"the second round made the proxy grow by {grown:.1f} MiB more")
    findings.say(f"the second round +{grown:.1f} MiB")


def client_hello():
    """The first flight of a TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting().wrap_bio(incoming, outgoing, server_hostname="example.com")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def ends(port, start, count, meanwhile, findings):
    """When the first and the last of so many connections ended, in seconds, and how many did not."""
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        begun = time.monotonic()
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            with contextlib.suppress(OSError):
                connection.sendall(start or os.urandom(300))
            selector.register(connection, selectors.EVENT_READ)
        findings.requests += 1
        found = meanwhile()
        findings.failed += found is None
        findings.that(found is not None, "no answer while handshakes hang")
        moments = []
        while selector.get_map() and time.monotonic() < begun + HANDSHAKE:
            for key, _ in selector.select(0.1):
                if at_end(key.fileobj):
                    moments.append(time.monotonic() - begun)
                    selector.unregister(key.fileobj)
        return min(moments, default=0), max(moments, default=0), len(selector.get_map())


def at_end(connection):
    # An alert may come before the end.
    try:
        return connection.recv(4096) == b""
    except OSError:
        return True


FLOODS = (rapid_reset, made_you_reset, continuation_big, continuation_empty, header_bomb, settings, pings, parked)

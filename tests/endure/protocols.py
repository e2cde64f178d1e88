"""What clients speak: curl in each protocol it knows, the PROXY protocol, WebSocket."""

import asyncio
import contextlib
import socket
import struct

import websockets
from load import trusting
from origin import one_k
from stage import curl, free_ports, origin_saw

# An address that a PROXY header tells of (RFC 5737).
TOLD = "203.0.113.9"
SIZES = (0, 1, 125, 126, 65535, 65536, 1 << 20)
CONVERSATIONS, MESSAGES = 8, 100


def curl_table(stage, findings):
    """Rows of curl: HTTP/1.1, HTTP/2 by ALPN, with prior knowledge and by upgrade, TLS 1.2 and 1.3, the PROXY protocol."""
    port, _ = stage.origin()
    stage.serve([port], proxy_protocol="require")
    clear, secure = f"http://127.0.0.1:{stage.port}", f"https://127.0.0.1:{stage.secure}"
    rows = [
        ("1.1", clear, "--http1.1"),
        ("2", clear, "--http2-prior-knowledge"),
        # Servers may take no notice of `Upgrade: h2c` (RFC 9113 3.1), and ours does.
        ("1.1", clear, "--http2"),
        ("1.1", f"http://127.0.0.1:{stage.proxied}", "--http1.1", "--haproxy-protocol"),
        ("2", f"http://127.0.0.1:{stage.proxied}", "--http2-prior-knowledge", "--haproxy-protocol"),
        ("1.1", secure, "--http1.1"),
        ("2", secure, "--http2"),
        ("2", secure, "--http2-prior-knowledge"),
        ("2", secure, "--http2", "--tls-max", "1.2"),
        ("2", secure, "--http2", "--tlsv1.3"),
    ]
    rows = [row for row in rows if not stage.arguments.clear or row[1] != secure]
    for row in rows:
        for method in (["-G"], ["-I"], ["-d", "x=1"]):
            try_row(stage, findings, *row, *method)
    for version, header in (("v1", first_version()), ("v2", second_version())):
        saw = by_hand(stage.proxied, header).get("x-forwarded-for", "")
        findings.that(TOLD in saw, f"PROXY {version} said {TOLD}, and the origin saw X-Forwarded-For {saw!r}")
    findings.that(not by_hand(stage.proxied, b""), "a request without the PROXY header was answered where it is required")
    findings.say(f"{len(rows)} rows of curl with GET, HEAD and POST; PROXY v1 and v2")


def try_row(stage, findings, version, url, *words):
    findings.requests += 1
    told, code, said = curl("-k", "-i", "-w", "\n%{http_version} %{http_code}", *words, f"{url}/1k", patience=30)
    # A HEAD has no body.
    whole = "-I" in words or one_k("a") in told
    if code or not whole or not told.endswith(f"\n{version} 200".encode()):
        findings.failed += 1
        findings.that(False, f"curl {' '.join(words)} {url}: {told[-40:]!r} {said}"[:300])


def first_version():
    return f"PROXY TCP4 {TOLD} 127.0.0.1 50000 80\r\n".encode()


def second_version():
    """The binary form: signature, version 2 and PROXY, TCP over IPv4, length, addresses and ports."""
    addresses = socket.inet_aton(TOLD) + socket.inet_aton("127.0.0.1") + struct.pack(">HH", 50000, 80)
    return b"\r\n\r\n\x00\r\nQUIT\n" + b"\x21\x11" + struct.pack(">H", len(addresses)) + addresses


def by_hand(port, header):
    """The fields the origin saw of a request after this PROXY header; nothing unless it was answered with 200."""
    reply = b""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(header + b"GET /seen HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")
        while piece := connection.recv(65536):
            reply += piece
    head, _, body = reply.partition(b"\r\n\r\n")
    return origin_saw(body) if head.startswith(b"HTTP/1.1 200 ") else {}


def websocket(stage, findings):
    """An echo in text and binary of all lengths, ping, close; clear and TLS, eight at a time."""
    asyncio.run(echo_through(stage, findings))


async def echo_through(stage, findings):
    port = free_ports(1)[0]
    doors = [("clear", f"ws://127.0.0.1:{stage.port}/echo", None)]
    if not stage.arguments.clear:
        doors.append(("TLS", f"wss://127.0.0.1:{stage.secure}/echo", trusting()))
    async with websockets.serve(echo, "127.0.0.1", port, max_size=None):
        await asyncio.to_thread(stage.serve, [port])
        for name, url, tls in doors:
            ends = [converse(url, tls) for _ in range(CONVERSATIONS)]
            for end in await asyncio.gather(*ends, return_exceptions=True):
                findings.requests += 1
                findings.failed += end is not None
                findings.that(end is None, f"{name}: {end!r}"[:300])
    findings.say(f"each {MESSAGES + 2 * len(SIZES)} messages up to {max(SIZES) >> 20} MiB")


async def echo(connection):
    # The client closes with a code of its own, which the library takes for an error.
    with contextlib.suppress(websockets.ConnectionClosed):
        async for message in connection:
            await connection.send(message)


async def converse(url, tls):
    async with websockets.connect(url, ssl=tls, max_size=None, open_timeout=10) as connection:
        for size in SIZES:
            await same(connection, "ü" * (size // 2))
            await same(connection, b"\x00" * size)
        for number in range(MESSAGES):
            await same(connection, f"message {number}")
        await asyncio.wait_for(await connection.ping(), 10)
        await connection.close(4001, "bye")
    if connection.close_code != 4001:
        raise ValueError(f"closed with {connection.close_code}, not with 4001")


async def same(connection, message):
    await connection.send(message)
    if await asyncio.wait_for(connection.recv(), 20) != message:
        raise ValueError(f"a message of {len(message)} came back changed")

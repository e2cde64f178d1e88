"""Closed loops of requests that count every failure on an accepted connection exactly.

wrk and h2load forgive: they reconnect without a word. Here each request has one of these ends, and only `done` is good:

- done      the whole reply, 200 and the right body
- status    another status
- cut       the reply broke off, or is not what the origin sent
- dropped   a connection that had answered before ended without one byte of the next reply, unannounced
- unserved  a connection was accepted and ended, or was reset, without one byte of its first reply
- silent    no whole reply in time
- refused   no connection at all; not a request, so a scenario says when that is right
"""

import asyncio
import collections
import contextlib
import hashlib
import itertools
import ssl
import threading
import time

TIMEOUT = 20
PAUSE = 0.02


class Load:
    """So many loops beside whatever happens within the `with`.

    keep: connections that stay; fresh: loops with a new connection for each request. Bodies: what is right; `right`: what is
    right for the id of a request. pause: seconds between two requests of a loop.
    """

    def __init__(
        self, stage, keep=8, fresh=4, tls=False, path="/1k", bodies=(), method="GET", statuses=(200,), right=None,
        pause=0.0,
    ):
        self.port, self.path, self.method, self.statuses = (stage.secure if tls else stage.port), path, method, statuses
        self.bodies, self.right, self.loops, self.pause = frozenset(bodies), right, (keep, fresh), pause
        self.tls = trusting() if tls else None
        self.done, self.good, self.connections = 0, 0, 0
        self.failures, self.refused = [], []
        self.seen, self.last_body, self.answered = collections.OrderedDict(), b"", []
        self.stopped, self.ids = threading.Event(), itertools.count()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.work()))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()

    @property
    def name(self):
        return "h1+TLS" if self.tls else "h1"

    @property
    def failed(self):
        return len(self.failures)

    @property
    def reasons(self):
        often = collections.Counter(why for _, why in self.failures).most_common(4)
        return ", ".join(f"{count} {reason}" for reason, count in often)

    async def work(self):
        keep, fresh = self.loops
        await asyncio.gather(*(self.loop(True) for _ in range(keep)), *(self.loop(False) for _ in range(fresh)))

    async def loop(self, keep):
        connection = None
        while not self.stopped.is_set():
            connection = connection or await self.connect()
            if connection and not await self.ask(connection, keep):
                connection[1].close()
                connection = None
            if self.pause:
                await asyncio.sleep(self.pause)
                # Whoever pauses looks first: a connection that was closed meanwhile is not asked.
                connection = None if connection and connection[0].at_eof() else connection
        if connection:
            connection[1].close()

    async def connect(self):
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self.port), TIMEOUT)
        except (OSError, asyncio.TimeoutError):
            self.refused.append(time.monotonic())
            await asyncio.sleep(PAUSE)
            return None
        self.connections += 1
        if not self.tls:
            return reader, writer, [0]
        try:
            await writer.start_tls(self.tls, server_hostname="example.com", ssl_handshake_timeout=TIMEOUT)
        except (OSError, ssl.SSLError, asyncio.TimeoutError):
            self.fail("unserved")
            writer.close()
            return None
        self.note_certificate(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
        return reader, writer, [0]

    def note_certificate(self, der):
        """When each certificate was seen first and last."""
        mark, now = hashlib.sha256(der).hexdigest(), time.monotonic()
        self.seen[mark] = (self.seen.get(mark, (now,))[0], now)

    async def ask(self, connection, keep):
        """Whether the connection may be used again."""
        reader, writer, served = connection
        number = next(self.ids)
        start = [b""]
        try:
            writer.write(self.request(number, keep))
            reusable, status, body = await asyncio.wait_for(read_reply(reader, start), TIMEOUT)
        except asyncio.TimeoutError:
            self.fail("silent")
            return False
        except (OSError, ssl.SSLError, EOFError, ValueError) as error:
            self.fail(f"cut ({error})" if start[0] else "dropped" if served[0] else "unserved")
            return False
        served[0] += 1
        self.judge(number, status, body)
        return reusable and keep

    def request(self, number, keep):
        body = b"x" * 100 if self.method == "POST" else b""
        head = f"{self.method} {self.path} HTTP/1.1\r\nHost: example.com\r\nX-Id: {self.id(number)}\r\n"
        head += f"Content-Length: {len(body)}\r\n" if body else ""
        return (head + ("\r\n" if keep else "Connection: close\r\n\r\n")).encode() + body

    def id(self, number):
        return f"{self.method}-{self.name}-{number}"

    def judge(self, number, status, body):
        if status not in self.statuses:
            return self.fail(f"status {status}")
        if status == 200 and self.bodies and body not in self.bodies:
            return self.fail("cut (another body)")
        if status == 200 and self.right and body != self.right(self.id(number)):
            return self.fail("the body of another")
        self.last_body = body
        self.done += 1
        self.good += status == 200
        if status == 200 and self.method == "POST":
            self.answered.append(self.id(number))

    def fail(self, why):
        self.failures.append((time.monotonic(), why))


async def read_reply(reader, start):
    """Whether the connection goes on, status, body; `start` tells how far it came. Trailers are none of our origins'."""
    start[0] = await reader.readexactly(1)
    head = start[0] + await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    status = int(lines[0].split()[1])
    if "chunked" in fields.get("transfer-encoding", ""):
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    else:
        body = await reader.readexactly(int(fields["content-length"]))
    return "close" not in fields.get("connection", ""), status, body


def trusting():
    """A client's TLS without a look at who signed: here certificates change."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@contextlib.contextmanager
def loads(stage, **settings):
    """The same loops in clear, over TLS, and over HTTP/2."""
    from load2 import Load2

    with contextlib.ExitStack() as stack:
        running = [Load(stage, **settings)]
        if not stage.arguments.clear:
            running += [Load(stage, tls=True, **settings), Load2(stage, **settings)]
        yield [stack.enter_context(load) for load in running]

"""The closed loops of `load` over HTTP/2: several streams on each connection, and GOAWAY taken at its word.

A request above the last stream that GOAWAY names, or refused with REFUSED_STREAM, was not processed (RFC 9113 sections
6.8 and 8.7): it is asked again and counted as `again`, not as failed.
"""

import asyncio
import ssl

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
from load import TIMEOUT, Load

STREAMS = 4
GOAWAY = 7


class Load2(Load):
    """`keep` connections that stay, `fresh` loops with a connection for a few requests."""

    def __init__(self, stage, **settings):
        super().__init__(stage, **settings, tls=True)
        self.tls.set_alpn_protocols(["h2"])
        self.again = 0

    @property
    def name(self):
        return "h2"

    async def loop(self, keep):
        while not self.stopped.is_set():
            if connection := await self.connect():
                await Conversation(self, *connection[:2], keep).run()


class Conversation:
    """One connection from its preface to its end."""

    def __init__(self, load, reader, writer, keep):
        self.load, self.reader, self.writer, self.keep = load, reader, writer, keep
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        # Stream: number, status, body.
        self.open, self.asked, self.ending, self.rest = {}, 0, False, b""

    async def run(self):
        self.h2.initiate_connection()
        try:
            self.refill()
            while self.open:
                self.writer.write(self.h2.data_to_send())
                data = await asyncio.wait_for(self.reader.read(65536), TIMEOUT)
                if not data:
                    raise EOFError
                for frame in self.frames(data):
                    for event in self.h2.receive_data(frame):
                        self.hear(event)
                self.refill()
        except asyncio.TimeoutError:
            self.lose("silent")
        except (OSError, ssl.SSLError, EOFError, h2.exceptions.ProtocolError):
            self.lose("dropped" if self.asked > len(self.open) else "unserved")
        self.writer.close()

    def refill(self):
        most = STREAMS if self.keep else 1
        while not self.ending and not self.load.stopped.is_set() and len(self.open) < most:
            if not self.keep and self.asked:
                return
            self.ask()

    def ask(self):
        number, stream = next(self.load.ids), self.h2.get_next_available_stream_id()
        body = b"x" * 100 if self.load.method == "POST" else b""
        head = [(":method", self.load.method), (":scheme", "https"), (":authority", "example.com")]
        head += [(":path", self.load.path), ("x-id", self.load.id(number))]
        head += [("content-length", str(len(body)))] if body else []
        self.h2.send_headers(stream, head, end_stream=not body)
        if body:
            self.h2.send_data(stream, body, end_stream=True)
        self.open[stream] = [number, 0, b""]
        self.asked += 1

    def frames(self, data):
        """Whole frames but GOAWAY: after one the library takes no more, though streams up to the last go on."""
        self.rest += data
        while len(self.rest) >= 9 and len(self.rest) >= (size := 9 + int.from_bytes(self.rest[:3], "big")):
            frame, self.rest = self.rest[:size], self.rest[size:]
            if frame[3] != GOAWAY:
                yield frame
                continue
            self.goaway(int.from_bytes(frame[9:13], "big") & 0x7FFFFFFF)

    def hear(self, event):
        match event:
            case h2.events.ResponseReceived():
                self.open[event.stream_id][1] = int(dict(event.headers)[":status"])
            case h2.events.DataReceived():
                self.open[event.stream_id][2] += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded():
                self.load.judge(*self.open.pop(event.stream_id))
            case h2.events.StreamReset():
                self.reset(event)

    def reset(self, event):
        self.open.pop(event.stream_id, None)
        if event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM:
            self.load.again += 1
            return
        self.load.fail(f"reset ({event.error_code})")

    def goaway(self, last):
        self.ending = True
        for stream in [stream for stream in self.open if stream > last]:
            del self.open[stream]
            self.load.again += 1

    def lose(self, why):
        for _, status, _ in self.open.values():
            self.load.fail("cut" if status else why)

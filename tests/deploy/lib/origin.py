"""An origin that tells what it was asked: the head as it arrived, byte for byte, as the body of its reply.

    origin.py ADDRESS:PORT [FOLDER]

/held waits until FOLDER/go is there, and tells of itself by FOLDER/held. A WebSocket gives back what is sent.
"""

import base64
import hashlib
import re
import socketserver
import sys
import time
from pathlib import Path

FOLDER = Path(sys.argv[2]) if len(sys.argv) > 2 else None


class Exchange(socketserver.StreamRequestHandler):
    def handle(self):
        while head := self.head():
            if b"\r\nupgrade: " in head.lower():
                return self.echo(head)
            self.pass_over_body(head.lower())
            if head.startswith(b"GET /held "):
                self.hold()
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(head) + head)

    def head(self):
        lines = []
        for line in self.rfile:
            lines.append(line)
            if line == b"\r\n":
                return b"".join(lines)
        return b""

    def pass_over_body(self, head):
        if length := re.search(rb"\r\ncontent-length: (\d+)\r\n", head):
            self.rfile.read(int(length[1]))
        elif b"\r\ntransfer-encoding: chunked\r\n" in head:
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()

    def hold(self):
        (FOLDER / "held").touch()
        while not (FOLDER / "go").exists():
            time.sleep(0.01)

    def echo(self, head):
        key = re.search(rb"(?i)\r\nsec-websocket-key: (.*)\r\n", head)[1]
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %b\r\n\r\n" % accept
        )
        while some := self.request.recv(4096):
            self.wfile.write(some)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


host, port = sys.argv[1].rsplit(":", 1)
Server((host, int(port)), Exchange).serve_forever()

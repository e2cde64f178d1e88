#!/usr/bin/python3 -B
"""An origin that counts: what nginx cannot say of a request, whether it came twice and what its body was.

    origin.py PORT NAME FOLDER

GET /1k, /slow (a second and a half), /FILE of the folder; GET /seen says what the request looked like. Whatever has a
body is answered with its length and SHA-256. Each `X-Id` that arrived in full is a line in FOLDER/NAME.ids, which survives
a restart.
"""

import hashlib
import json
import os
import socketserver
import sys
import time
from pathlib import Path

PIECE = 1 << 20


def main(port, name, folder):
    Connection.name, Connection.folder = name, Path(folder)
    Connection.ids = os.open(Path(folder) / f"{name}.ids", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with Server(("127.0.0.1", int(port)), Connection) as server:
        server.serve_forever()


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 1024


class Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        try:
            while self.answer():
                pass
        except OSError:
            pass

    def answer(self):
        line = self.rfile.readline().split()
        if len(line) != 3:
            return False
        fields = {}
        while (text := self.rfile.readline().strip()) != b"":
            name, _, value = text.partition(b":")
            fields[name.strip().lower().decode()] = value.strip().decode("latin-1")
        size, digest = self.body(fields)
        if size < 0:
            return False
        if "x-id" in fields:
            os.write(self.ids, fields["x-id"].encode() + b"\n")
        self.reply(line[0].decode(), line[1].decode().partition("?")[0], fields, size, digest)
        return fields.get("connection", "").lower() != "close"

    def body(self, fields):
        """Length and digest; -1 where the client left in the middle."""
        digest, size = hashlib.sha256(), 0
        if "chunked" in fields.get("transfer-encoding", ""):
            while (chunk := int(self.rfile.readline().partition(b";")[0] or b"0", 16)) > 0:
                if not self.piece(chunk, digest):
                    return -1, ""
                size += chunk
                self.rfile.readline()
            self.rfile.readline()
            return size, digest.hexdigest()
        size = int(fields.get("content-length", 0))
        return (size if self.piece(size, digest) else -1), digest.hexdigest()

    def piece(self, left, digest):
        while left > 0:
            data = self.rfile.read1(min(left, PIECE))
            if not data:
                return False
            digest.update(data)
            left -= len(data)
        return True

    def reply(self, method, path, fields, size, digest):
        if path == "/1k":
            return self.write(one_k(self.name))
        if path == "/slow":
            time.sleep(1.5)
            return self.write(one_k(self.name))
        if path == "/seen":
            return self.write(json.dumps({"method": method, "fields": fields}).encode())
        file = self.folder / path.strip("/")
        if method == "GET" and file.is_file():
            with open(file, "rb") as content:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % file.stat().st_size)
                return self.connection.sendfile(content)
        self.write(json.dumps({"bytes": size, "sha256": digest}).encode())

    def write(self, body):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self.wfile.write(head % len(body) + body)


def one_k(name):
    head = b'{"origin":"%s","x":"' % name.encode()
    return head + b"x" * (1022 - len(head)) + b'"}'


if __name__ == "__main__":
    main(*sys.argv[1:])

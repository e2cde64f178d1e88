"""Who a container speaks to besides WordPress: a name server, servers that say their name, one of them under TLS."""

import contextlib
import http.server
import random
import socket
import socketserver
import ssl
import struct
import subprocess
import threading

A = 1


@contextlib.contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def name_server(known):
    """Answers for these names, {name: IPv4 address}, on port 53 of an address of its own, as resolv.conf wants it."""

    class Answer(socketserver.BaseRequestHandler):
        def handle(self):
            question, socket_ = self.request
            with contextlib.suppress(IndexError):
                socket_.sendto(answer(question, known), self.client_address)

    for _ in range(20):
        with contextlib.suppress(OSError):
            address = f"127.{random.randint(64, 127)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
            return serving(socketserver.ThreadingUDPServer((address, 53), Answer))
    raise OSError("no address of the loopback has a free port 53")


def answer(question, known):
    """RFC 1035, 4.1: the question back, then a record whose name points to it."""
    labels, at = [], 12
    while length := question[at]:
        labels.append(question[at + 1:at + 1 + length].decode().lower())
        at += 1 + length
    end = at + 5
    kind = struct.unpack("!H", question[at + 1:at + 3])[0]
    address = known.get(".".join(labels))
    flags = 0x8180 if address else 0x8183
    record = b""
    if address and kind == A:
        record = struct.pack("!HHHIH", 0xC00C, A, 1, 60, 4) + socket.inet_aton(address)
    header = question[:2] + struct.pack("!HHHHH", flags, 1, 1 if record else 0, 0, 0)
    return header + question[12:end] + record


def web_server(name, certificate=None):
    """Answers every GET with its name; under TLS where it has a certificate."""

    class Named(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = name.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Named)
    server.daemon_threads = True
    server.handle_error = lambda *_: None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return serving(server)


def authority(folder, name):
    """An authority, and a certificate for this name by it: the authority's file, then the certificate's and its key's."""
    openssl(folder, "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority "
            "-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.crt")
    openssl(folder, f"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr")
    (folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{name}\nbasicConstraints=CA:FALSE\n")
    openssl(folder, f"x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile {name}.ext -out {name}.crt")
    return folder / "ca.crt", (folder / f"{name}.crt", folder / f"{name}.key")


def openssl(folder, arguments):
    subprocess.run(["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL)

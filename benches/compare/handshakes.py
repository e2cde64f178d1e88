"""Load of its own: a full TLS handshake for every request, then the connection is closed.

Why not wrk or h2load: asked to close after each request, both resume the session with the ticket of the connection
before (nginx's $ssl_session_reused says so), and a resumed handshake signs nothing. Python keeps no session unless told
to, and says of each connection whether it was resumed. It is slow, but the proxy's CPU is what is measured, not the load's.
"""

import json
import socket
import ssl
import sys
import threading
import time

REQUEST = b"GET %s HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n"


def main(port, path, certificate, threads, seconds):
    context = ssl.create_default_context(cafile=certificate)
    request = REQUEST % path.encode()
    took, failed = [], []
    started = time.monotonic()

    def repeat():
        while (now := time.monotonic()) < started + float(seconds):
            try:
                ask(context, int(port), request)
                took.append(time.monotonic() - now)
            except (OSError, ValueError) as error:
                failed.append(repr(error))

    loops = [threading.Thread(target=repeat) for _ in range(int(threads))]
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join()
    took.sort()
    share = lambda part: round(took[int(len(took) * part)] * 1e6) if took else 0
    elapsed = round((time.monotonic() - started) * 1e6)
    figures = {"requests": len(took), "microseconds": elapsed, "failed": len(failed), "timeouts": 0}
    print("; ".join(sorted(set(failed))[:3]), file=sys.stderr)
    print(json.dumps(figures | {"p50": share(0.5), "p99": share(0.99)}))


def ask(context, port, request):
    with socket.create_connection(("127.0.0.1", port), 10) as clear:
        with context.wrap_socket(clear, server_hostname="example.com") as connection:
            if connection.session_reused:
                raise ValueError("a resumed session")
            connection.sendall(request)
            reply = b"".join(iter(lambda: connection.recv(65536), b""))
    if not reply.startswith(b"HTTP/1.1 200 "):
        raise ValueError(f"not 200: {reply[:20]}")


if __name__ == "__main__":
    main(*sys.argv[1:])

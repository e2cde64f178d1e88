"""Runs each pair of deploy/snippets in the servers they are for. `tests/deploy/snippets` starts this in a network of its own."""

import base64
import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SNIPPETS = HERE.parents[2] / "deploy/snippets"
BINARY = sys.argv[1]
PATIENCE = 20
# As long as a line may be in HAProxy 2.6, less some.
TOKEN = "Bearer aZ09.-_~+/" + base64.b64encode(os.urandom(9000)).decode() + "=="
DOCTOR_BEFORE, DOCTOR_BEHIND, ORIGIN, EDGE = 8080, 8090, 8082, 80

SCRIPT = """<?php
header('Content-Type: application/json');
echo json_encode(array_intersect_key($_SERVER, array_flip(
    ['HTTP_AUTHORIZATION', 'HTTPS', 'REMOTE_ADDR', 'REQUEST_URI', 'HTTP_HOST', 'SCRIPT_NAME'])));
"""


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, **more)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def wait(what, until, process=None):
    deadline = time.monotonic() + PATIENCE
    while not until():
        assert process is None or process.poll() is None, f"{what}: it ended with {process.poll()}"
        assert time.monotonic() < deadline, f"{what}: in vain"
        time.sleep(0.02)


@contextlib.contextmanager
def started(ports, *command, **more):
    """A server, until the end of the block; it listens on these ports."""
    log = tempfile.TemporaryFile("w+")
    process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log, **more)
    try:
        for port in ports:
            wait(f"{command[0]} listens on {port}", lambda port=port: listens(port), process)
        yield
    except BaseException:
        log.seek(0)
        print(f"{command[0]}:", log.read()[-3000:], file=sys.stderr)
        raise
    finally:
        process.terminate()
        process.wait(PATIENCE)
        for port in ports:
            wait(f"{port} is free again", lambda port=port: not listens(port))


def ask(port, method="GET", path="/", body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, path, body, {"Host": "example.com", **headers})
        reply = connection.getresponse()
        return reply, reply.read().decode()
    finally:
        connection.close()


def fields(head):
    lines = head.split("\r\n")
    return lines[0], [(name.lower(), value) for name, value in (line.split(": ", 1) for line in lines[1:] if line)]


def values(arrived, name):
    return [value for found, value in arrived if found == name]


# === Before ===


def before():
    reply, text = ask(EDGE, Authorization=TOKEN, path="/wp-json/a%2Fb%20c?d=%7B1%7D&e")
    line, arrived = fields(text)
    assert (reply.status, line) == (200, "GET /wp-json/a%2Fb%20c?d=%7B1%7D&e HTTP/1.1"), (reply.status, line[:200])
    assert values(arrived, "authorization") == [TOKEN], "Authorization is another one"
    assert values(arrived, "host") == ["example.com"], values(arrived, "host")
    assert values(arrived, "x-forwarded-proto") == ["http"], values(arrived, "x-forwarded-proto")
    assert values(arrived, "x-forwarded-host") == ["example.com"], values(arrived, "x-forwarded-host")
    clients = ", ".join(values(arrived, "x-forwarded-for")).split(", ")
    assert clients[0] == "127.0.0.1", clients
    assert not [name for name, _ in reply.getheaders() if name.lower().startswith("access-control-")]
    without, text = ask(EDGE)
    assert without.status == 200 and not values(fields(text)[1], "authorization"), "Authorization out of nowhere"
    large, _ = ask(EDGE, "POST", body=b"x" * 3_000_000, Authorization=TOKEN)
    assert large.status == 200, large.status
    preflight()
    upgrade()


def preflight():
    asks = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    reply, _ = ask(EDGE, "OPTIONS", "/wp-json/", Origin="https://app.example.com", **asks)
    allowed = reply.headers.get_all("Access-Control-Allow-Origin")
    assert (reply.status, allowed) == (204, ["https://app.example.com"]), (reply.status, allowed)


def upgrade():
    key = base64.b64encode(os.urandom(16)).decode()
    with socket.create_connection(("127.0.0.1", EDGE), PATIENCE) as client:
        client.sendall(
            f"GET /echo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\nAuthorization: {TOKEN}\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            some = client.recv(4096)
            assert some, head
            head += some
        assert head.startswith(b"HTTP/1.1 101 "), head
        client.sendall(b"\x81\x02hi")
        assert client.recv(4096) == b"\x81\x02hi"


# === Behind ===


def seen(path="/wp-json/wp/v2/posts?per_page=1", **headers):
    reply, text = ask(DOCTOR_BEHIND, path=path, **headers)
    assert reply.status == 200, (reply.status, text)
    return json.loads(text)


def behind(serves_files, knows_client):
    found = seen(Authorization=TOKEN, **{"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"})
    assert found["HTTP_AUTHORIZATION"] == TOKEN, "Authorization is another one"
    assert found["REQUEST_URI"] == "/wp-json/wp/v2/posts?per_page=1", found["REQUEST_URI"]
    assert (found["HTTPS"], found["HTTP_HOST"], found["SCRIPT_NAME"]) == ("on", "example.com", "/index.php"), found
    if knows_client:
        assert found["REMOTE_ADDR"] == "192.0.2.7", found["REMOTE_ADDR"]
    without = seen()
    assert "HTTP_AUTHORIZATION" not in without and not without.get("HTTPS"), without
    assert seen("/")["SCRIPT_NAME"] == "/index.php"
    if serves_files:
        reply, text = ask(DOCTOR_BEHIND, path="/style.css")
        assert (reply.status, text) == (200, "body {}"), (reply.status, text)
        _, text = ask(DOCTOR_BEHIND, path="/wp-content/uploads/evil.php")
        assert "ran" not in text, text


def is_lost():
    found = seen(Authorization=TOKEN)
    assert "HTTP_AUTHORIZATION" not in found, "without its line it arrives all the same: this test could not fail"


# === The servers, laid out as Debian does ===


def mount(folder, files):
    """Files in the place of what a folder of the machine holds."""
    held = Path(tempfile.mkdtemp(dir="/srv"))
    held.chmod(0o755)
    for name, text in files.items():
        (held / name).write_text(text)
    run("mount", "--bind", held, folder)
    return held


def snippet(name, without=None):
    text = (SNIPPETS / name).read_text()
    if without is None:
        return text
    left = "\n".join(line for line in text.split("\n") if line.split() != without.split())
    assert left != text, f"{name} has no line {without!r}"
    return left


def nginx():
    mount("/etc/nginx/sites-enabled", {})
    mount("/etc/nginx/conf.d", {"before.conf": snippet("nginx-before.conf"), "behind.conf": snippet("nginx-behind.conf")})
    Path("/var/log/nginx").mkdir()
    run("nginx", "-t")
    with started([EDGE, 8081], "nginx", "-g", "daemon off;"):
        before()
        behind(serves_files=True, knows_client=True)


def apache():
    for folder in ("/var/log/apache2", "/run/lock"):
        Path(folder).mkdir()
    sites = {"before.conf": snippet("apache-before.conf"), "behind.conf": snippet("apache-behind.conf")}
    held = mount("/etc/apache2/sites-enabled", sites)
    # Those of Debian's own configuration, and those that the headings name.
    modules = "mpm_event authz_core authz_host dir mime alias headers proxy proxy_http proxy_fcgi rewrite setenvif remoteip".split()
    files = [file for name in modules for file in Path("/etc/apache2/mods-available").glob(f"{name}.*")]
    mount("/etc/apache2/mods-enabled", {file.name: file.read_text() for file in files})
    run("apache2ctl", "-t")
    command = ("sh", "-c", ". /etc/apache2/envvars && mkdir -p $APACHE_RUN_DIR $APACHE_LOCK_DIR && exec apache2 -D FOREGROUND")
    with started([EDGE, 8081], *command):
        before()
        behind(serves_files=True, knows_client=True)
    (held / "behind.conf").write_text(snippet("apache-behind.conf", without="CGIPassAuth On"))
    with started([8081], *command):
        is_lost()


def haproxy():
    Path("/run/haproxy").mkdir()
    own = Path("/etc/haproxy/haproxy.cfg").read_text()
    whole = Path("/srv/haproxy.cfg")

    def write(behind):
        whole.write_text(f"{own}\n{snippet('haproxy-before.cfg')}\n{behind}")
        run("haproxy", "-c", "-f", whole)

    write(snippet("haproxy-behind.cfg"))
    with started([EDGE, 8081], "haproxy", "-db", "-f", whole):
        wait("the doctor is up", lambda: ask(EDGE)[0].status == 200)
        before()
        behind(serves_files=False, knows_client=False)
    write(snippet("haproxy-behind.cfg", without="pass-header Authorization"))
    with started([8081], "haproxy", "-db", "-f", whole):
        is_lost()


def caddy():
    whole = Path("/srv/Caddyfile")
    whole.write_text(snippet("caddy-before.Caddyfile") + "\n" + snippet("caddy-behind.Caddyfile"))
    run("caddy", "validate", "--adapter", "caddyfile", "--config", whole, env=os.environ | {"HOME": "/srv"})
    home = Path("/srv/caddy")
    home.mkdir()
    shutil.chown(home, "caddy", "caddy")
    # As Debian's unit runs it, in the group of PHP-FPM's socket.
    user = ("setpriv", "--reuid", "caddy", "--regid", "caddy", "--groups", "www-data", "--ambient-caps", "+net_bind_service",
            "--inh-caps", "+net_bind_service")
    with started([EDGE, 8081], *user, "caddy", "run", "--adapter", "caddyfile", "--config", whole, env=os.environ | {"HOME": str(home)}):
        before()
        behind(serves_files=True, knows_client=False)


# === What stands around them ===


def make_site():
    site = Path("/var/www/html")
    uploads = site / "wp-content/uploads"
    uploads.mkdir(parents=True)
    (site / "index.php").write_text(SCRIPT)
    (site / "style.css").write_text("body {}")
    (uploads / "evil.php").write_text("<?php echo 'r', 'an';")


def php_fpm():
    Path("/run/php").mkdir()
    pool = "user = www-data\ngroup = www-data\npm = static\npm.max_children = 2\n"
    Path("/srv/php-fpm.conf").write_text(
        f"[global]\nerror_log = /var/log/php-fpm.log\n[socket]\n{pool}listen = /run/php/php8.2-fpm.sock\n"
        f"listen.owner = www-data\nlisten.group = www-data\nlisten.mode = 0660\n"
        f"[port]\n{pool}listen = 127.0.0.1:9000\nlisten.allowed_clients = 127.0.0.1\n"
    )
    return started([9000], "php-fpm8.2", "--nodaemonize", "--fpm-config", "/srv/php-fpm.conf")


def doctor(port, upstream, *more):
    return started([port], BINARY, "run", "--listen", f"127.0.0.1:{port}", "--upstream", upstream, "--trusted-proxy", "loopback", *more)


Path("/srv").chmod(0o755)
make_site()
with contextlib.ExitStack() as around:
    around.enter_context(php_fpm())
    around.enter_context(started([ORIGIN], sys.executable, HERE / "origin.py", f"127.0.0.1:{ORIGIN}"))
    edge = ("--health-address", "127.0.0.1:9901", "--cors-origin", "https://app.example.com")
    around.enter_context(doctor(DOCTOR_BEFORE, f"http://127.0.0.1:{ORIGIN}", *edge))
    around.enter_context(doctor(DOCTOR_BEHIND, "http://127.0.0.1:8081"))
    for server in (nginx, apache, haproxy, caddy):
        began = time.monotonic()
        try:
            server()
        except BaseException:
            for file in Path("/var/log").rglob("*.log"):
                print(f"{file}:", file.read_text()[-3000:], file=sys.stderr)
            raise
        print(f"  {server.__name__} ({time.monotonic() - began:.1f} s)", flush=True)

"""What the image is held to. Each scenario says in its first line what is so when it passes, and raises where it is not."""

import contextlib
import http.client
import json
import random
import re
import socket
import stat
import subprocess
import tomllib

import neighbours
from container import Container
from image import PROJECT, Trouble, base_name, run

SITE = "wordpress.test"
ME = "/wp-json/wp/v2/users/me"
MEGABYTE = 1_000_000
LISTENING = '"Listening"'


def that(right, problem):
    if not right:
        raise Trouble(problem)


def free_port():
    """Below those that the system gives to clients (net.ipv4.ip_local_port_range), one of which could have it before we do."""
    while True:
        with contextlib.suppress(OSError), socket.socket() as listener:
            listener.bind(("127.0.0.1", random.randrange(20_000, 32_000)))
            return listener.getsockname()[1]


class World:
    """The image, the stand's doors, and a folder for one scenario."""

    def __init__(self, image, doors, folder):
        self.image, self.doors, self.folder = image, doors, folder
        self.containers = []

    def container(self, *arguments, **options):
        made = Container(self.image, self.folder, arguments, **options)
        self.containers.append(made)
        return made

    @contextlib.contextmanager
    def doctor(self, *arguments, environment=None, **options):
        """One that listens on a free port of the loopback, which `asked` asks."""
        port = free_port()
        own = {"HEADER_DOCTOR_LISTEN": f"127.0.0.1:{port}", "HEADER_DOCTOR_HEALTH_ADDRESS": f"127.0.0.1:{free_port()}"}
        with self.container(*arguments, environment={**own, **(environment or {})}, **options) as doctor:
            doctor.port = port
            doctor.until_it_says(LISTENING)
            yield doctor

    def once(self, *arguments, **options):
        """A command that ends by itself: its exit code and what it writes."""
        with self.container(*arguments, **options) as container:
            code = container.ended()
            return code, container.said()

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path


def asked(doctor, path, host=SITE, method="GET", body=None, **headers):
    """Status and body of the reply."""
    connection = http.client.HTTPConnection("127.0.0.1", doctor.port, timeout=60)
    with contextlib.closing(connection):
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {"Host": host, "Connection": "close", **fields})
        reply = connection.getresponse()
        return reply.status, reply.read().decode(errors="replace")


def logged_in(doctor, doors, padding=0):
    """Logs in as the administrator and asks who that is; gives the token."""
    login = {"username": doors["ADMIN_USER"], "password": doors["ADMIN_PASSWORD"], "padding": "x" * padding}
    status, text = asked(
        doctor, "/wp-json/jwt-auth/v1/token", method="POST", body=json.dumps(login), Content_Type="application/json")
    that(status == 200, f"the login was answered with {status}: {text[:300]}")
    token = json.loads(text)["token"]
    status, text = asked(doctor, f"{ME}?context=edit", Authorization=f"Bearer {token}")
    that(status == 200, f"users/me was answered with {status}: {text[:300]}")
    that(json.loads(text)["username"] == doors["ADMIN_USER"], f"users/me is about somebody else: {text[:300]}")
    status, _ = asked(doctor, ME)
    that(status == 401, f"users/me without a token was answered with {status}")
    return token


def contents(world):
    """the program, the authorities, a folder to write to, and nothing else"""
    image = world.image
    files = {str(file.relative_to(image.root)): file.lstat() for file in image.files if not file.is_dir()}
    expected = {
        "header-doctor": 0o755,
        "etc/header-doctor/header-doctor.yaml": 0o644,
        "etc/ssl/certs/ca-certificates.crt": 0o644,
        "usr/share/doc/header-doctor/LICENSE-APACHE": 0o644,
        "usr/share/doc/header-doctor/LICENSE-MIT": 0o644,
    }
    that({name: stat.S_IMODE(status.st_mode) for name, status in files.items()} == expected, f"it holds {files}")
    that({status.st_uid for status in files.values()} == {0}, "a file does not belong to root")
    modes = {str(file.relative_to(image.root)): stat.S_IMODE(file.stat().st_mode) for file in image.files if file.is_dir()}
    writable = {name: mode for name, mode in modes.items() if mode & 0o022}
    that(writable == {"tmp": 0o1777}, f"folders that its user can write to: {writable}")
    that(image.size < 20 * MEGABYTE, f"it has {image.size / MEGABYTE:.1f} MB, and 20 were promised")
    return f"{image.size / MEGABYTE:.1f} MB"


def program(world):
    """one static program without symbols, which asks no library for names"""
    path = world.image.root / "header-doctor"
    kind = run("file", "--brief", path)
    that(re.search("statically linked|static-pie linked", kind) and "not stripped" not in kind, f"it is {kind}")
    headers = run("readelf", "--program-headers", "--dynamic", path)
    that("INTERP" not in headers and "NEEDED" not in headers, "it asks for a loader or a library")
    # By this file glibc chooses the libraries that look up names, even where it is linked in.
    that(b"nsswitch.conf" not in path.read_bytes(), "glibc's way to look up names is linked in")


def configuration(world):
    """what a runtime is told: user, command, ports, health, labels"""
    config, manifest = world.image.config, tomllib.loads((PROJECT / "Cargo.toml").read_text())["package"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    labels.pop("io.buildah.version", None)
    for told, expected in [
        (config["User"], "65532:65532"),
        (config["Entrypoint"], ["/header-doctor"]),
        (config["Cmd"], ["run"]),
        (sorted(config["ExposedPorts"]), ["8080/tcp", "9901/tcp"]),
        (config["StopSignal"], "SIGTERM"),
        (config["Healthcheck"]["Test"], ["CMD", "/header-doctor", "health"]),
        (world.image.environment["HEADER_DOCTOR_HEALTH_ADDRESS"], "0.0.0.0:9901"),
        (labels, {
            "title": manifest["name"], "description": manifest["description"], "licenses": manifest["license"],
            "version": manifest["version"],
        }),
    ]:
        that(told == expected, f"it says {told}, and {expected} would be right")
    that(f"rust:{manifest['rust-version']}-" in base_name(), f"{base_name()} has not Cargo.toml's rust-version")


def alone(world):
    """what each command says when it is started without anything"""
    version = world.image.config["Labels"]["org.opencontainers.image.version"]
    for arguments, expected, words in [
        (["--version"], 0, f"header-doctor {version}\n"),
        ([], 2, "nowhere to send requests"),
        ([], 2, "--upstream"),
        (["health"], 1, "nobody answers at 127.0.0.1:9901"),
        (["check", "http://127.0.0.1:1"], 3, "127.0.0.1:1"),
    ]:
        # A network of its own, so that nobody else has these ports.
        code, said = world.once(*arguments, alone=True)
        that(code == expected and words in said, f"{arguments} ended with {code}, not {expected}, or lacks {words!r}: {said}")


def defaults(world):
    """ports, health and SIGTERM as the image has them, told nothing but an upstream"""
    with world.container(environment={"HEADER_DOCTOR_UPSTREAM": "127.0.0.1:1"}, alone=True) as doctor:
        doctor.until_it_says(LISTENING)
        with open(f"/proc/{doctor.pid}/net/tcp") as lines:
            listening = {line.split()[1] for line in lines if line.split()[3] == "0A"}
        # To all for requests and health, 8080 and 9901; to whoever is in its network for the admin listener, 9900.
        that(listening == {"00000000:1F90", "00000000:26AD", "0100007F:26AC"}, f"it listens on {listening}")
        # The words of the image's own HEALTHCHECK.
        code, said = doctor.execute(*world.image.config["Healthcheck"]["Test"][1:])
        that((code, said) == (0, "ready\n"), f"its health check ended with {code}: {said}")
        code = doctor.terminate()
        that(code == 0, f"SIGTERM ended it with {code}: {doctor.said()}")
        that('"Stopped"' in doctor.said(), f"it did not say that it stopped: {doctor.said()}")


def proxies(world):
    """WordPress behind nginx: a page, a login, and a token that arrives"""
    with world.doctor(environment={"HEADER_DOCTOR_UPSTREAM": f"http://{world.doors['NGINX_GOOD']}"}) as doctor:
        status, text = asked(doctor, "/?rest_route=/stand/v1/seen")
        that(status == 200 and '"sapi"' in text, f"WordPress was not reached: {status} {text[:300]}")
        token = logged_in(doctor, world.doors)
        that(doctor.execute("/header-doctor", "health") == (0, "ready\n"), "health does not say ready")
        that(doctor.terminate() == 0, f"SIGTERM did not end it with 0: {doctor.said()}")
        that(token not in doctor.said(), "the token stands in the log")


def diagnoses(world):
    """a lost header is told, and cured by the words of the verdict"""
    with world.doctor(environment={"HEADER_DOCTOR_UPSTREAM": f"http://{world.doors['APACHE_FCGI_LOST']}"}) as doctor:
        with world.doctor(environment={"HEADER_DOCTOR_UPSTREAM": f"http://{world.doors['NGINX_GOOD']}"}) as good:
            token = logged_in(good, world.doors)
        asked(doctor, "/wp-json/jwt-auth/v1/token/validate", method="POST", Authorization=f"Bearer {token}")
        doctor.until_it_says("authorization-lost-before-php")


def examines(world):
    """`check` from within, of a site that is well and of one that is not"""
    login = {"HEADER_DOCTOR_PASSWORD": world.doors["ADMIN_PASSWORD"]}
    for door, expected, rules in [("NGINX_GOOD", 0, []), ("NGINX_BLANK", 1, ["authorization-lost-before-php"])]:
        code, said = world.once(
            "check", f"http://{world.doors[door]}", "--user", world.doors["ADMIN_USER"], "--output", "json", environment=login)
        that(code == expected, f"check of {door} ended with {code}: {said[:800]}")
        found = [verdict["rule"] for verdict in json.loads(said)["verdicts"]]
        that(found == rules, f"check of {door} found {found}")


def names(world):
    """names by the hosts file, by a name server, and localhost without either"""
    empty = world.file("empty", "")
    with neighbours.web_server("reached") as web, neighbours.name_server({"by-dns.test": "127.0.0.1", SITE: "127.0.0.1"}) as dns:
        port = web.server_address[1]
        dead = world.file("dead", "nameserver 127.0.0.1\n")
        files = {
            "/etc/resolv.conf": world.file("resolv.conf", f"nameserver {dns.server_address[0]}\noptions timeout:1 attempts:1\n"),
            "/etc/hosts": world.file("hosts", "127.0.0.1 by-hosts.test\n"),
        }
        for name, mounts, expected in [
            ("localhost", {}, 200),
            ("localhost", {"/etc/resolv.conf": empty, "/etc/hosts": empty}, 200),
            ("by-hosts.test", files, 200),
            ("by-hosts.test", {**files, "/etc/resolv.conf": dead}, 200),
            ("by-dns.test", files, 200),
            ("nobody.test", files, 502),
        ]:
            with world.doctor(environment={"HEADER_DOCTOR_UPSTREAM": f"http://{name}:{port}"}, mounts=mounts) as doctor:
                status, text = asked(doctor, "/")
                that(status == expected, f"through {name} came {status}: {text[:200]}\n{doctor.said()}")
                that((text == "reached") == (expected == 200), f"through {name} came {text[:200]}")
        door = world.doors["NGINX_GOOD"].rpartition(":")[2]
        code, said = world.once("check", f"http://{SITE}:{door}", mounts=files)
        that(code == 0, f"check by a name ended with {code}: {said}")


def https(world):
    """upstreams under TLS: who vouches for them is a file of the image, another in its place, or SSL_CERT_FILE"""
    ca, certificate = neighbours.authority(world.folder, "secure.test")
    hosts = world.file("hosts", "127.0.0.1 secure.test\n")
    with neighbours.web_server("over TLS", certificate) as web:
        upstream = {"HEADER_DOCTOR_UPSTREAM": f"https://secure.test:{web.server_address[1]}"}
        for mounts, environment, expected in [
            ({}, {}, 502),
            ({"/etc/ssl/certs/ca-certificates.crt": ca}, {}, 200),
            ({"/run/authority.crt": ca}, {"SSL_CERT_FILE": "/run/authority.crt"}, 200),
        ]:
            mounts = {"/etc/hosts": hosts, **mounts}
            with world.doctor(environment={**upstream, **environment}, mounts=mounts) as doctor:
                status, text = asked(doctor, "/")
                that(status == expected, f"with {mounts} came {status}: {text[:200]}\n{doctor.said()}")
                that((text == "over TLS") == (expected == 200), f"with {mounts} came {text[:200]}")


def php(world):
    """PHP-FPM by a socket that is mounted, and a body that waits in /tmp"""
    site, php_socket = world.doors["SITE_ROOT"], world.doors["PHP_FPM_SOCKET"]
    run_folder, name = php_socket.rsplit("/", 1)
    environment = {"HEADER_DOCTOR_UPSTREAM": f"fastcgi+unix:/run/php/{name}"}
    mounts = {"/run/php": run_folder, "/srv/wordpress": site}
    arguments = ["run", "--root", "/srv/wordpress", "--php-root", site]
    with world.doctor(*arguments, environment=environment, mounts=mounts, scratch=True) as doctor:
        status, text = asked(doctor, "/wp-includes/js/jquery/jquery.min.js")
        that(status == 200 and "jQuery" in text, f"a static file was answered with {status}: {text[:200]}")
        logged_in(doctor, world.doors, padding=2 * MEGABYTE)
        that(doctor.terminate() == 0, f"SIGTERM did not end it with 0: {doctor.said()}")
    with world.doctor(*arguments, environment=environment, mounts=mounts) as doctor:
        status, text = asked(doctor, "/wp-json/", method="POST", body="x" * MEGABYTE)
        that(status == 503 and "header_doctor_spool_failed" in text, f"without /tmp a long body was answered with {status}: {text[:300]}")


def mounted(world):
    """a folder with a configuration over /etc/header-doctor, and a change of it as Kubernetes makes it"""
    folder = world.folder / "mounted"
    with neighbours.web_server("one") as one, neighbours.web_server("two") as two:
        port = free_port()
        for name, web in (("one", one), ("two", two)):
            (folder / name).mkdir(parents=True)
            (folder / name / "header-doctor.yaml").write_text(
                f"listeners: [{{ address: '127.0.0.1:{port}' }}]\n"
                f"sites: [{{ upstreams: [{{ url: 'http://127.0.0.1:{web.server_address[1]}' }}] }}]\n"
            )
        (folder / "..data").symlink_to("one")
        (folder / "header-doctor.yaml").symlink_to("..data/header-doctor.yaml")
        health = {"HEADER_DOCTOR_HEALTH_ADDRESS": f"127.0.0.1:{free_port()}"}
        with world.container(environment=health, mounts={"/etc/header-doctor": folder}) as doctor:
            doctor.port = port
            doctor.until_it_says(LISTENING)
            that(asked(doctor, "/") == (200, "one"), "the mounted file does not count")
            (folder / "..new").symlink_to("two")
            (folder / "..new").rename(folder / "..data")
            doctor.until_it_says("eloaded")
            that(asked(doctor, "/") == (200, "two"), f"the changed file does not count: {doctor.said()}")


def calm(world):
    """nothing that was started here has panicked"""
    logs = sorted(world.folder.parent.glob("*/*.log"))
    bad = [log.name for log in logs if re.search(r"panicked|RUST_BACKTRACE", log.read_text(errors="replace"))]
    that(not bad, f"panics in {bad}")
    return f"{len(logs)} logs"


ALL = [contents, program, configuration, alone, defaults, proxies, diagnoses, examines, names, https, php, mounted, calm]

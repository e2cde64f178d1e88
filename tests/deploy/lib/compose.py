"""deploy/compose without containers: what the file says is checked, and done. `tests/deploy/compose` starts this."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import yaml

PATIENCE = 20
TOKEN = "Bearer marked.token.0f1e2d3c"
FILE = yaml.safe_load(Path("/run/rendered.yaml").read_text())
SERVICES = FILE["services"]
DOCTOR = SERVICES["doctor"]
CONFIG = yaml.safe_load(Path("/etc/header-doctor/header-doctor.yaml").read_text())
READ_ONLY = ("unshare", "--mount", "sh", "-c", "mount -o remount,bind,ro / && exec \"$@\"", "-")
SCRIPT = "<?php header('Content-Type: application/json'); echo json_encode([$_SERVER['HTTP_AUTHORIZATION'] ?? null, $_SERVER['REQUEST_URI']]);"


def seconds(text):
    total = 0
    for number, unit in re.findall(r"(\d+)(m|s)", text):
        total += int(number) * {"m": 60, "s": 1}[unit]
    return total


def bytes_of(text):
    number, unit = re.fullmatch(r"(\d+)(MiB|m)", text).groups()
    return int(number) << 20


# === What the file says ===


def the_file_is_as_tight_as_it_says():
    assert DOCTOR["read_only"] is True and DOCTOR["cap_drop"] == ["ALL"] and not DOCTOR.get("cap_add")
    assert DOCTOR["user"] == "65532:65532" and not DOCTOR.get("privileged")
    for name, service in SERVICES.items():
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["healthcheck"]["test"], name
        assert not service["image"].endswith(":latest") and ":" in service["image"], service["image"]
    published = {name for name, service in SERVICES.items() if service.get("ports")}
    assert published == {"doctor"}, published
    volumes = {volume.split(":")[1]: volume.split(":")[2:] for volume in map(as_text, DOCTOR["volumes"])}
    assert volumes == {"/etc/header-doctor": ["ro"], "/var/www/html": ["ro"]}, volumes
    neighbours = [name for name, service in SERVICES.items() if "php" in service["networks"]]
    assert sorted(neighbours) == ["doctor", "wordpress"] and FILE["networks"]["php"]["internal"] is True
    for service in SERVICES.values():
        passwords = [name for name in service.get("environment", {}) if "PASSWORD" in name]
        assert all(name.endswith("_FILE") or "RANDOM" in name for name in passwords), passwords


def as_text(volume):
    if isinstance(volume, str):
        return volume
    return ":".join([volume["source"], volume["target"]] + (["ro"] if volume.get("read_only") else []))


def its_numbers_add_up():
    drain = CONFIG["drain"]
    assert seconds(DOCTOR["stop_grace_period"]) > seconds(drain.get("delay", "0s")) + seconds(drain["timeout"])
    size = re.search(r"size=([^,]+)", DOCTOR["tmpfs"][0])[1]
    assert bytes_of(CONFIG["spool"]["total"]) < bytes_of(size)


# === What it does ===


def wait(what, until):
    deadline = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < deadline, f"{what}: in vain"
        time.sleep(0.02)


def ask(path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Host": "example.com", **headers})
        reply = connection.getresponse()
        return reply.status, reply.read().decode()


def check(service):
    """The health check of a service, as Docker runs it: exit code and words."""
    command = SERVICES[service]["healthcheck"]["test"]
    assert command[0] == "CMD", command
    user = confined() if service == "doctor" else ()
    done = subprocess.run([*user, *command[1:]], capture_output=True, text=True, env=environment())
    return done.returncode, done.stdout + done.stderr


def environment():
    return {"PATH": os.environ["PATH"], **DOCTOR["environment"]}


def confined():
    """Nothing to write to but /tmp; then the user, no capability, and no way to gain one."""
    user, group = DOCTOR["user"].split(":")
    return (*READ_ONLY, "setpriv", "--reuid", user, "--regid", group, "--clear-groups", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all",
            "--no-new-privs")


def make_root():
    """WordPress's files, and a /tmp of memory."""
    site = Path("/var/www/html")
    (site / "index.php").write_text(SCRIPT)
    (site / "style.css").write_text("body {}")
    subprocess.run(["mount", "-t", "tmpfs", "-o", DOCTOR["tmpfs"][0].split(":")[1], "tmpfs", "/tmp"], check=True)


def answer_names():
    """A name server where Docker has its own. It knows `wordpress` and its one address; RFC 1035 §4.1."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.11", 53))

    def answer():
        while True:
            question, client = server.recvfrom(512)
            end = question.index(0, 12) + 5
            knows = question[12:end - 4].lower() == b"\x09wordpress\x00"
            has = knows and question[end - 4:end - 2] == b"\0\x01"
            reply = question[:2] + bytes([0x81, 0x80 if knows else 0x83, 0, 1, 0, has, 0, 0, 0, 0]) + question[12:end]
            if has:
                reply += b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04" + socket.inet_aton("127.0.0.1")
            server.sendto(reply, client)

    threading.Thread(target=answer, daemon=True).start()


def php_may_read_the_password():
    """WordPress's image reads it as www-data, whom Compose gives the file with the mode that it has on the machine."""
    place = SERVICES["wordpress"]["environment"]["WORDPRESS_DB_PASSWORD_FILE"]
    as_php = ("setpriv", "--reuid", "33", "--regid", "33", "--clear-groups")
    assert subprocess.run([*as_php, "cat", place], capture_output=True, check=True).stdout.strip(), place
    readers = [name for name, service in SERVICES.items() if service.get("secrets")]
    assert sorted(readers) == ["database", "wordpress"], readers


def start_php():
    Path("/run/php-fpm.conf").write_text(
        "[global]\nerror_log = /run/php-fpm.log\n[www]\nuser = www-data\ngroup = www-data\nlisten = 127.0.0.1:9000\n"
        "pm = static\npm.max_children = 5\n"
    )
    fpm = subprocess.Popen(["php-fpm8.2", "--nodaemonize", "--fpm-config", "/run/php-fpm.conf"], stderr=subprocess.DEVNULL)
    wait("wordpress is healthy", lambda: check("wordpress")[0] == 0)
    return fpm


def it_runs():
    assert check("wordpress")[0] == 1, "the health check of wordpress fails without PHP-FPM"
    make_root()
    answer_names()
    fpm = start_php()
    for folder in ("/", "/etc/header-doctor", "/var/www/html"):
        done = subprocess.run([*READ_ONLY, "touch", f"{folder}/touched"], capture_output=True, text=True)
        assert "Read-only file system" in done.stderr, (folder, done.stderr)
    assert check("doctor")[0] == 1, "the health check of the doctor fails without a doctor"
    log = open("/tmp/log", "w+")
    doctor = subprocess.Popen([*confined(), "/header-doctor", "run"], stdout=log, stderr=log, env=environment())
    try:
        wait("the doctor is healthy", lambda: check("doctor") == (0, "ready\n") or doctor.poll() is not None)
        reply = ask("/wp-json/?a=b", Authorization=TOKEN)
        assert (reply[0], json.loads(reply[1])) == (200, [TOKEN, "/wp-json/?a=b"]), reply
        assert ask("/style.css") == (200, "body {}")
        large = post(b"x" * 3_000_000)
        assert large == 200, large
        doctor.send_signal(signal.SIGTERM)
        assert doctor.wait(PATIENCE) == 0, doctor.returncode
    finally:
        doctor.kill()
        log.seek(0)
        text = log.read()
        fpm.terminate()
        fpm.wait(PATIENCE)
    assert "panicked" not in text and TOKEN not in text, text
    assert '"level":"ERROR"' not in text and '"level":"WARN"' not in text, text


def post(body):
    """A body that is longer than spool.memory waits in a file in /tmp."""
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("POST", "/wp-json/", body, {"Host": "example.com"})
        return connection.getresponse().status


for story in (the_file_is_as_tight_as_it_says, its_numbers_add_up, php_may_read_the_password, it_runs):
    began = time.monotonic()
    story()
    print(f"  {story.__name__.replace('_', ' ')} ({time.monotonic() - began:.1f} s)", flush=True)

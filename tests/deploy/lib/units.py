"""What the units do under a real systemd. `tests/deploy/systemd` runs this in a machine of its own, whose ports are all free."""

import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

PROJECT = Path("/srv/project")
DEPLOY = PROJECT / "deploy/systemd"
CONFIG = Path("/etc/header-doctor/header-doctor.yaml")
DROP_INS = Path("/etc/systemd/system/header-doctor.service.d")
STATE = Path("/srv/test")
SERVICE = "header-doctor.service"
TOKEN = "Bearer marked.token.0f1e2d3c"
PATIENCE = 30


def run(*command, check=True, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE * 2, **more)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}\n{state()}")
    return done


def journal():
    return subprocess.run(["journalctl", "--no-pager", "-o", "cat", "-u", SERVICE], capture_output=True, text=True).stdout


def state():
    return subprocess.run(["systemctl", "--no-pager", "status", SERVICE], capture_output=True, text=True).stdout + journal()[-3000:]


def systemctl(*arguments):
    return run("systemctl", "--no-pager", *arguments)


def shown(name, unit=SERVICE):
    return systemctl("show", "--value", "-p", name, unit).stdout.strip()


def main_process():
    return int(shown("MainPID"))


def wait(what, until):
    """Until it is true; what it was that came true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := until()):
        assert time.monotonic() < deadline, f"waited in vain: {what}\n{state()}"
        time.sleep(0.02)
    return found


def status(process):
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}


def ask(path="/", address="127.0.0.1", **headers):
    connection = http.client.HTTPConnection(address, 80, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers={"Host": "example.com", "Authorization": TOKEN, **headers})
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


def is_served(address="127.0.0.1"):
    code, text = ask(address=address)
    assert code == 200 and f"\r\nAuthorization: {TOKEN}\r\n" in text, (code, text)


def drop_in(name, text=None):
    DROP_INS.mkdir(parents=True, exist_ok=True)
    (DROP_INS / f"{name}.conf").write_text(text or (DEPLOY / f"drop-ins/{name}.conf").read_text())
    systemctl("daemon-reload")


def no_drop_ins():
    shutil.rmtree(DROP_INS, ignore_errors=True)
    systemctl("daemon-reload")


class Load:
    """Clients that ask one after the other on connections of their own, and count what fails."""

    def __init__(self):
        self.answered, self.failed, self.ended = 0, [], threading.Event()
        self.threads = [threading.Thread(target=self.ask, daemon=True) for _ in range(4)]

    def ask(self):
        while not self.ended.is_set():
            try:
                is_served()
                self.answered += 1
            except Exception as error:  # every failure counts, whatever it is
                self.failed.append(repr(error))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.go_on()
        return self

    def go_on(self):
        enough = self.answered + 40
        wait("clients are answered", lambda: self.answered >= enough or self.failed)

    def __exit__(self, *raised):
        if not raised[0]:
            self.go_on()
        self.ended.set()
        for thread in self.threads:
            thread.join(PATIENCE)
        assert not self.failed, f"{len(self.failed)} of {self.answered} failed, the first: {self.failed[0]}"


# === The stories ===


def it_is_installed():
    """As README.md says it."""
    run("systemd-sysusers")
    CONFIG.parent.mkdir()
    shutil.copy("/usr/local/share/doc/header-doctor/systemd/header-doctor.yaml", CONFIG)
    run("header-doctor", "config", "validate", str(CONFIG))
    systemctl("daemon-reload")
    systemctl("enable", "--now", SERVICE)
    assert shown("ActiveState", "header-doctor.socket") == "active"
    assert systemctl("is-enabled", "header-doctor.socket").stdout.strip() == "enabled"
    assert shown("StatusText").startswith("Serving 1 site(s) on "), shown("StatusText")
    is_served()
    is_served("::1")
    assert run("header-doctor", "health", "--config", str(CONFIG)).stdout == "ready\n"


def it_has_no_privilege_and_nowhere_to_write():
    process = main_process()
    told = status(process)
    user = run("id", "-u", "header-doctor").stdout.strip()
    assert user != "0" and set(told["Uid"].split()) == {user}, told["Uid"]
    for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"):
        assert int(told[name], 16) == 0, (name, told[name])
    assert told["NoNewPrivs"] == "1" and told["Seccomp"] == "2", told
    soft = re.search(r"Max open files +(\d+)", Path(f"/proc/{process}/limits").read_text())
    # What LimitNOFILE says, or as much of it as this machine grants anybody.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert int(soft[1]) == (min(65536, most) if most > 0 else 65536), soft[0]

    # As root, whom only what is mounted read-only can keep from it.
    def can_write(folder):
        touched = ("nsenter", "--target", str(process), "--mount", "--", "touch", f"{folder}/touched")
        return run(*touched, check=False).returncode == 0

    for folder in ("/", "/etc", "/etc/header-doctor", "/usr/local/bin", "/var/lib", "/var/www/html", "/srv/test"):
        assert not can_write(folder), folder
    for folder in ("/tmp", "/run/header-doctor"):
        assert can_write(folder), folder
    assert not Path("/tmp/touched").exists(), "its /tmp is its own"


def a_reload_is_told_and_disturbs_nobody():
    process = main_process()
    with Load() as load:
        for _ in range(3):
            before = journal().count('"Reloaded"') + journal().count("Reloaded")
            systemctl("reload", SERVICE)
            wait("it reloads", lambda: journal().count('"Reloaded"') + journal().count("Reloaded") > before)
            load.go_on()
    assert main_process() == process
    CONFIG.write_text(CONFIG.read_text() + "nonsense: true\n")
    systemctl("reload", SERVICE)
    wait("it says what is wrong", lambda: "the changed configuration is wrong" in shown("StatusText"))
    is_served()
    CONFIG.write_text(CONFIG.read_text().replace("nonsense: true\n", ""))
    wait("it takes it back", lambda: "wrong" not in shown("StatusText"))
    assert main_process() == process and shown("ActiveState") == "active", state()


def a_restart_refuses_nobody():
    before = main_process()
    with Load():
        systemctl("restart", SERVICE)
    assert main_process() != before


def a_crash_is_cured():
    before = main_process()
    os.kill(before, signal.SIGKILL)
    wait("it is started again", lambda: main_process() not in (0, before) and shown("ActiveState") == "active")
    is_served()
    assert shown("NRestarts") == "1", shown("NRestarts")


def a_silent_one_is_restarted():
    """The watchdog: one that hangs is killed, and clients wait for the next one."""
    drop_in("short", "[Service]\nWatchdogSec=3\n")
    systemctl("restart", SERVICE)
    before = main_process()
    heard = shown("WatchdogTimestampMonotonic")
    wait("it tells that it lives", lambda: shown("WatchdogTimestampMonotonic") != heard)
    os.kill(before, signal.SIGSTOP)
    wait("it is killed", lambda: main_process() not in (0, before) and shown("ActiveState") == "active")
    is_served()
    no_drop_ins()
    systemctl("restart", SERVICE)


def a_successor_takes_over():
    drop_in("hand-over")
    drop_in("short", "[Service]\nWatchdogSec=6\n")
    systemctl("restart", SERVICE)
    with Load() as load:
        for _ in range(2):
            before = main_process()
            systemctl("reload", SERVICE)
            wait("the next one is the service", lambda: main_process() not in (0, before))
            wait("the one before has ended", lambda: not Path(f"/proc/{before}").exists())
            load.go_on()
    # Who took over is heard by the watchdog, and has the rights of the one before, no more.
    process = main_process()
    heard = shown("WatchdogTimestampMonotonic")
    wait("it tells that it lives", lambda: shown("WatchdogTimestampMonotonic") != heard)
    assert main_process() == process and shown("ActiveState") == "active", state()
    told = status(process)
    assert int(told["CapBnd"], 16) == 0 and told["Seccomp"] == "2" and told["Uid"].split()[0] != "0", told
    # If it dies, systemd knows, and starts one with the sockets that it holds.
    os.kill(process, signal.SIGKILL)
    wait("it is started again", lambda: main_process() not in (0, process) and shown("ActiveState") == "active")
    is_served()
    no_drop_ins()
    systemctl("restart", SERVICE)


def a_key_stays_roots():
    key = CONFIG.with_name("trail.keys")
    key.touch(0o600)
    key.write_text(f"k1:{run('openssl', 'rand', '-base64', '32').stdout}")
    drop_in("trail-key")
    systemctl("restart", SERVICE)
    process = main_process()
    variables = Path(f"/proc/{process}/environ").read_text().split("\0")
    assert f"HEADER_DOCTOR_TRAIL_KEY_FILE=/run/credentials/{SERVICE}/trail.keys" in variables
    is_served()
    _, text = ask()
    assert "\r\nHeader-Doctor-Trail: " in text, text
    assert "read by everybody" not in journal() and key.read_text().split(":")[1].strip() not in journal()
    # Any file that the configuration names goes the same way.
    before = CONFIG.read_text()
    CONFIG.write_text(before + 'trail: { hop: edge, key_file: "${CREDENTIALS_DIRECTORY}/trail.keys" }\n')
    run("header-doctor", "config", "validate", str(CONFIG), env={**os.environ, "CREDENTIALS_DIRECTORY": str(CONFIG.parent)})
    drop_in("trail-key", "[Service]\nLoadCredential=trail.keys:/etc/header-doctor/trail.keys\n")
    systemctl("restart", SERVICE)
    _, text = ask()
    assert "\r\nHeader-Doctor-Trail: " in text, text
    no_drop_ins()
    key.unlink()
    CONFIG.write_text(before)
    systemctl("restart", SERVICE)


def it_serves_https():
    """Certificates that belong to its group, ports that a drop-in of the socket unit adds; all as README.md says it."""
    folder = CONFIG.with_name("tls")
    folder.mkdir()
    made = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    files = ("-subj", "/CN=test", "-addext", "subjectAltName=DNS:localhost", "-keyout", "/tmp/key.pem", "-out", "/tmp/chain.pem")
    run(*made, *files)
    for name in ("key.pem", "chain.pem"):
        run("install", "-m", "640", "-g", "header-doctor", f"/tmp/{name}", str(folder / name))
    before = CONFIG.read_text()
    tls = "tls: [{ certificate: tls/chain.pem, private_key: tls/key.pem }]"
    CONFIG.write_text(before.replace("listeners:\n", f'listeners:\n  - {{ address: ":443", {tls} }}\n  - {{ address: "[::]:443", {tls} }}\n'))
    sockets = DROP_INS.with_name("header-doctor.socket.d")
    run("install", "-D", "-m", "644", str(DEPLOY / "drop-ins/tls.conf"), str(sockets / "tls.conf"))

    def ports_anew():
        systemctl("daemon-reload")
        systemctl("stop", SERVICE)
        systemctl("restart", "header-doctor.socket")
        systemctl("start", SERVICE)

    ports_anew()
    trusted = ssl.create_default_context(cafile="/tmp/chain.pem")
    connection = http.client.HTTPSConnection("localhost", 443, timeout=PATIENCE, context=trusted)
    connection.request("GET", "/", headers={"Authorization": TOKEN})
    reply = connection.getresponse()
    assert reply.status == 200 and f"\r\nAuthorization: {TOKEN}\r\n" in reply.read().decode()
    shutil.rmtree(sockets)
    CONFIG.write_text(before)
    ports_anew()
    is_served()


def php_fpm_is_reached_through_its_group():
    site = Path("/var/www/html")
    site.mkdir(parents=True, exist_ok=True)
    (site / "index.php").write_text("<?php echo 'PHP saw ', $_SERVER['HTTP_AUTHORIZATION'] ?? 'nothing';")
    # Debian's own unit and pool.
    systemctl("start", "php8.2-fpm.service")
    wait("PHP-FPM listens", Path("/run/php/php8.2-fpm.sock").exists)
    before = CONFIG.read_text()
    CONFIG.write_text(before.replace("- url: http://127.0.0.1:8081", "- url: fastcgi+unix:/run/php/php8.2-fpm.sock\n        root: /var/www/html"))
    systemctl("restart", SERVICE)
    code, text = ask()
    assert code == 502 and "header_doctor_php_socket_forbidden" in text, (code, text)
    drop_in("php-fpm")
    systemctl("restart", SERVICE)
    assert ask("/wp-json/") == (200, f"PHP saw {TOKEN}"), ask("/wp-json/")
    no_drop_ins()
    systemctl("stop", "php8.2-fpm.service")
    CONFIG.write_text(before)
    systemctl("restart", SERVICE)


def it_may_open_its_ports_itself():
    drop_in("own-ports")
    systemctl("stop", SERVICE, "header-doctor.socket")
    systemctl("mask", "--now", "header-doctor.socket")
    systemctl("start", SERVICE)
    process = main_process()
    assert int(status(process)["CapBnd"], 16) == 1 << 10, status(process)["CapBnd"]
    is_served()
    is_served("::1")
    systemctl("stop", SERVICE)
    systemctl("unmask", "header-doctor.socket")
    # `systemctl mask` took the place of what `enable` had made.
    no_drop_ins()
    systemctl("start", SERVICE)
    is_served()


def sockets_must_fit_the_configuration():
    before = CONFIG.read_text()
    CONFIG.write_text(before.replace('  - address: "[::]:80"\n', ""))
    systemctl("stop", SERVICE)
    systemctl("start", "--no-block", SERVICE)
    wait("it says why", lambda: "systemd passed a socket on [::]:80, which no listener names" in journal())
    CONFIG.write_text(before)
    wait("it goes on trying", lambda: shown("ActiveState") == "active")
    is_served()


def a_stop_lets_what_is_under_way_end():
    replies = []
    client = threading.Thread(target=lambda: replies.append(ask("/held")), daemon=True)
    client.start()
    wait("the request is at the origin", (STATE / "held").exists)
    process = main_process()
    systemctl("stop", "header-doctor.socket")
    systemctl("stop", "--no-block", SERVICE)
    wait("it drains", lambda: shown("ActiveState") == "deactivating" and shown("StatusText") == "Draining")
    (STATE / "go").touch()
    client.join(PATIENCE)
    assert replies and replies[0][0] == 200, replies
    wait("it ends", lambda: shown("ActiveState") == "inactive")
    assert (shown("Result"), shown("ExecMainStatus"), shown("ExecMainCode")) == ("success", "0", "1"), shown("Result")
    assert not Path(f"/proc/{process}").exists() and not Path("/run/header-doctor").exists()


def its_log_is_clean():
    text = journal()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert lines, "the journal holds its log as JSON"
    assert "panicked" not in text
    assert TOKEN not in text and TOKEN.split()[1] not in text, "a credential in the journal"
    assert "Too few file descriptors" not in text and "Operation not permitted" not in text


def it_is_disabled():
    systemctl("disable", SERVICE)
    left = [path for path in Path("/etc/systemd/system").rglob("*") if "header-doctor" in path.name]
    assert not left, left


STORIES = (
    it_is_installed,
    it_has_no_privilege_and_nowhere_to_write,
    a_reload_is_told_and_disturbs_nobody,
    a_restart_refuses_nobody,
    a_crash_is_cured,
    a_silent_one_is_restarted,
    a_successor_takes_over,
    a_key_stays_roots,
    it_serves_https,
    php_fpm_is_reached_through_its_group,
    it_may_open_its_ports_itself,
    sockets_must_fit_the_configuration,
    a_stop_lets_what_is_under_way_end,
    its_log_is_clean,
    it_is_disabled,
)


def start_origin():
    origin = (sys.executable, str(PROJECT / "tests/deploy/lib/origin.py"), "127.0.0.1:8081", str(STATE))
    run("systemd-run", "--unit=origin", "--quiet", *origin)

    def listens():
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", 8081)) == 0

    wait("the origin listens", listens)


start_origin()
for story in STORIES:
    began = time.monotonic()
    story()
    print(f"  {story.__name__.replace('_', ' ')} ({time.monotonic() - began:.1f} s)", flush=True)

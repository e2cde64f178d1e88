"""Changes under load: reload, certificates, SIGTERM, hand-over, an upstream that restarts, and a proxy that is killed."""

import collections
import contextlib
import hashlib
import itertools
import signal
import ssl
import time

from load import Load, loads
from origin import one_k
from stage import FIRST, NEXT, Trouble, replace, wait

RELOADS = 50
ROTATIONS = 4
HAND_OVERS = 5
RESTARTS = 6
DELAY = 2.0
# A file that changed is noticed within this many seconds; a bad one is called bad in the log.
NOTICED = 10


def reload(stage, findings):
    """50 reloads, good and bad files in turn, by SIGHUP and by the change of the file, in turn."""
    ports = {name: stage.origin(name)[0] for name in "ab"}
    proxy = stage.serve([ports["a"]])
    took, current = [], "a"
    with loads(stage, bodies=[one_k("a"), one_k("b")]) as running:
        warm(running)
        for turn in range(RELOADS):
            by_signal = turn // 2 % 2 == 0
            way = "by SIGHUP" if by_signal else "by its change"
            if turn % 2:
                reload_bad(stage, findings, proxy, stage.text([ports["b"]]), f"turn {turn}, {way}", by_signal)
                findings.that(newest(running, current, 0.3), f"turn {turn}: a bad file changed who answers")
                continue
            current = "b" if current == "a" else "a"
            stage.reload(proxy, stage.text([ports[current]]), by_signal)
            took.append(wait(lambda: newest(running, current, 0.2), NOTICED, f"turn {turn}: the new file, {way},"))
    findings.count(*running)
    findings.that(proxy.process.poll() is None, "the proxy ended")
    findings.say(f"{RELOADS} reloads, half of them bad; the slowest took {max(took):.1f} s to show")


def reload_bad(stage, findings, proxy, text, turn, by_signal):
    """A file with an unknown key, whose name must then stand in the log."""
    key = "x".join(turn.split())[:9].replace(",", "") + "unknown"
    stage.reload(proxy, text.replace("sites:", f"{key}:").replace("http {", f"{key} {{"), by_signal)
    with contextlib.suppress(Trouble):
        wait(lambda: key in proxy.log.read_text(errors="replace"), NOTICED, "a word in the log")
        return
    findings.that(False, f"{turn}: no word in the log about the unknown key of a bad file")


def newest(running, name, held=0.0):
    """Whether every load was last answered by that origin, for so long."""
    until = time.monotonic() + held
    while all(load.last_body == one_k(name) for load in running):
        if time.monotonic() >= until:
            return True
        time.sleep(0.02)
    return False


def certificates(stage, findings):
    """Certificate and key replaced under load: by renaming both files, then by swapping the link of their folder."""
    port, _ = stage.origin()
    names = [f"turn-{number}" for number in range(ROTATIONS)]
    fresh = [stage.make_certificate(name) for name in names]
    stable, link = stage.make_certificate("files"), stage.folder / "link"
    link.symlink_to(stable)
    proxy = stage.serve([port], certificate=link)
    took = []
    with Load(stage, tls=True, keep=8, fresh=4, bodies=[one_k("a")]) as running:
        warm([running])
        for turn, folder in enumerate(fresh):
            if turn % 2:
                swap(link, folder)
            else:
                swap(link, stable)
                for file in ("tls.key", "tls.crt"):
                    replace(stable / file, (folder / file).read_text())
            if stage.arguments.proxy == "nginx":
                proxy.send(signal.SIGHUP)
            mark = fingerprint(folder)
            took.append(wait(lambda: mark in running.seen, NOTICED, f"turn {turn}: a handshake with the new certificate"))
            time.sleep(1)
    findings.count(running)
    order = list(running.seen)
    late = [old for old, new in itertools.pairwise(order) if running.seen[old][1] > running.seen[new][0] + 1]
    findings.that(not late, "an old certificate was shown more than a second after the new one")
    findings.say(f"{ROTATIONS} certificates, {running.connections} handshakes; seen after {max(took):.1f} s at most")


def swap(link, target):
    fresh = link.with_name("link.new")
    fresh.symlink_to(target)
    fresh.rename(link)


def fingerprint(folder):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert((folder / "tls.crt").read_text())).hexdigest()


def terminate(stage, findings):
    """SIGTERM with a delay: nothing on an accepted connection fails, doors stay open for the delay, exit code 0."""
    port, _ = stage.origin()
    proxy = stage.serve([port], more=f"drain: {{ delay: {DELAY:g}s, timeout: 15s }}")
    with loads(stage, bodies=[one_k("a")]) as running, loads(stage, path="/slow", bodies=[one_k("a")], fresh=4) as slow:
        warm(running)
        warm(slow, 4)
        stage.terminate(proxy)
        told = time.monotonic()
        code = proxy.ended(25)
        took = time.monotonic() - told
    everyone = [*running, *slow]
    refused = sorted(moment - told for load in everyone for moment in load.refused)
    for load in everyone:
        # A connection that the kernel took and nobody accepted before the door closed is a refusal, as clients see it.
        backlog = [one for one in load.failures if one[1] == "unserved" and one[0] >= told + DELAY]
        load.failures = [one for one in load.failures if one not in backlog]
        findings.say(f"{len(backlog)} reset in the backlog") if backlog else None
    findings.count(*everyone, refused=len(refused))
    findings.that(code == 0, f"exit code {code}, not 0" if code is not None else "it still ran after 25 s")
    first = refused[0] if refused else took
    findings.that(first >= DELAY - 0.05, f"the first connection was refused after {first:.2f} s, not after {DELAY} s")
    findings.say(f"first refusal after {first:.2f} s, exit after {took:.2f} s")


def takeover(stage, findings):
    """A second process takes the sockets over from the first, several times: none is refused, none fails."""
    port, _ = stage.origin()
    proxy = stage.serve([port], command=FIRST, more="drain: { delay: 0s, timeout: 15s }")
    slowest = 0.0
    with loads(stage, bodies=[one_k("a")]) as running:
        for turn in range(HAND_OVERS):
            warm(running)
            follower = stage.run(NEXT)
            started = time.monotonic()
            code = proxy.ended(25)
            slowest = max(slowest, time.monotonic() - started)
            findings.that(code == 0, f"turn {turn}: the old process's exit code is {code} (None: it still runs)")
            if follower.ended(0.3) is not None:
                findings.that(False, f"turn {turn}: the new process ended: {follower.last_words()}")
                break
            proxy = follower
    findings.count(*running)
    findings.say(f"{HAND_OVERS} hand-overs, the slowest took {slowest:.2f} s")


def upstream(stage, findings):
    """One of two upstreams is killed and started again, several times: no GET fails, no POST arrives twice."""
    steady, _ = stage.origin("a")
    port, shaky = stage.origin("b")
    proxy = stage.serve([steady, port])
    bodies = [one_k("a"), one_k("b")]
    posting = {"path": "/post", "method": "POST", "keep": 4, "fresh": 2, "statuses": (200, 502, 503)}
    with loads(stage, bodies=bodies) as gets, loads(stage, **posting) as posts:
        warm([*gets, *posts])
        for turn in range(RESTARTS):
            shaky.stop(signal.SIGKILL)
            warm(gets, 300)
            _, shaky = stage.origin("b", port)
            before = ids(stage, "b", "GET")
            back = wait(lambda: ids(stage, "b", "GET") > before, 60, f"turn {turn}: a request for the upstream that is back")
            warm(gets, 300)
    findings.count(*gets, *posts)
    arrived = collections.Counter(line for name in "ab" for line in lines(stage, name) if line.startswith("POST-"))
    twice = [one for one, count in arrived.items() if count > 1]
    answered = sum(len(load.answered) for load in posts)
    lost = [one for load in posts for one in load.answered if one not in arrived]
    findings.that(not twice, f"{len(twice)} POSTs arrived twice")
    findings.that(not lost, f"{len(lost)} POSTs were answered with 200 and never arrived")
    refused = sum(load.done for load in posts) - answered
    findings.say(f"{RESTARTS} restarts, the last back in use after {back:.1f} s")
    findings.say(f"{answered} POSTs answered, {refused} told 502 or 503")
    findings.that(proxy.process.poll() is None, "the proxy ended")


def warm(running, requests=100):
    """Waits until each load was answered so often again."""
    for load in running:
        before = load.done
        try:
            wait(lambda: load.done >= before + requests, 30, f"{load.name}: {requests} answers")
        except Trouble as trouble:
            raise Trouble(f"{trouble}; {load.reasons or 'no failures'}, {len(load.refused)} refused") from None


def lines(stage, name):
    return (stage.folder / f"{name}.ids").read_text().splitlines()


def ids(stage, name, method):
    return sum(line.startswith(method) for line in lines(stage, name))


def killed(stage, findings):
    """Proof that failures are counted: the proxy is killed under load, and some requests must be found to have failed."""
    port, _ = stage.origin()
    proxy = stage.serve([port])
    with loads(stage, bodies=[one_k("a")], keep=32) as running:
        warm(running, 300)
        proxy.stop(signal.SIGKILL)
        wait(lambda: all(load.refused for load in running), 10, "a refused connection")
    findings.requests = sum(load.done + load.failed for load in running)
    counted = sum(load.failed for load in running)
    findings.that(counted > 0, "kill -9 under load, and no failure was counted")
    findings.say(f"{counted} failures counted, as it must be: {', '.join(load.reasons for load in running)}")

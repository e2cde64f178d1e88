"""The kinds of traffic, each the same for every peer."""

from dataclasses import dataclass, field, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
UPLOAD = 64 * 1024
CLOSING = {"Connection": "close"}


def browser_headers():
    """Ten headers as a browser sends them, a cookie and a token."""
    lines = (HERE / "browser.headers").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines)


@dataclass(frozen=True)
class Scenario:
    """One kind of traffic; `upload` is the size of a request body, 0 for a GET.

    `keeps` is whether connections to PHP are kept, where PHP is asked.
    `aim` is what our CPU per request may be, over nginx's; for a pair of doctors with a key, over the pair without one; for a doctor
    that judges, over one that does not.
    """

    name: str
    about: str
    path: str
    connections: int
    headers: dict = field(default_factory=dict)
    upload: int = 0
    generator: str = "wrk"
    tls: bool = False
    streams: int = 1
    keeps: bool = False
    aim: float = 0.9


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("h1-1k-64", "1 KiB of JSON, minimal headers", "/1k", 64),
        Scenario("h1-1k-64-auth", "1 KiB of JSON, browser headers, cookie and Bearer token", "/1k", 64, browser_headers()),
        Scenario("h1-64k-64", "replies of 64 KiB", "/64k", 64),
        Scenario("h1-1k-512", "1 KiB of JSON over many connections", "/1k", 512),
        Scenario("h1-upload-64", "request bodies of 64 KiB", "/upload", 64, upload=UPLOAD),
        Scenario("tls-1k-64", "1 KiB of JSON over TLS", "/1k", 64, tls=True, aim=0.8),
        Scenario("tls-handshakes", "a full TLS handshake for each request", "/1k", 8, CLOSING, 0, "handshakes", True, aim=0.7),
        Scenario("h2-1k-8x32", "1 KiB over TLS and HTTP/2, 32 streams", "/1k", 8, {}, 0, "h2load", True, 32, aim=0.85),
    )
}

# Before a FastCGI application instead of an HTTP origin, with what browsers send and a token.
PHP = {
    scenario.name: scenario
    for scenario in (
        Scenario("php-1k-64", "1 KiB by FastCGI, a connection each", "/1k?a=b", 64, browser_headers(), aim=0.8),
        Scenario("php-64k-64", "64 KiB by FastCGI, a connection each", "/64k?a=b", 64, browser_headers(), aim=0.8),
        Scenario("php-1k-64-kept", "1 KiB by FastCGI, connections kept", "/1k?a=b", 64, browser_headers(), keeps=True, aim=0.8),
    )
}

# Behind one another: what it costs that two doctors share a key.
PAIRS = {
    pair.name: pair
    for pair in (
        replace(SCENARIOS["h1-1k-64"], name="pair-1k-64", aim=1.06),
        replace(SCENARIOS["h1-1k-64-auth"], name="pair-1k-64-auth", aim=1.06),
    )
}

# Before the same origin: what it costs that exchanges are judged.
JUDGED = {
    judged.name: judged
    for judged in (
        replace(SCENARIOS["h1-1k-64"], name="judged-1k-64", aim=1.05),
        replace(SCENARIOS["h1-1k-64-auth"], name="judged-1k-64-auth", aim=1.05),
        replace(SCENARIOS["h1-64k-64"], name="judged-64k-64", aim=1.05),
    )
}

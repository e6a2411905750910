"""Bodies and senders that mean harm, at a real server: refused with a line in the log, others served meanwhile."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import psutil
import pytest

from tests.server_process import ServerProcess

MIB = 1024 * 1024
LONGEST_WAIT = 5.0
"""Seconds that a bystander may wait, on a machine that is busy with other tests."""
MOST_MEMORY = 600 * MIB
JSON, XML = "application/fhir+json", "application/fhir+xml"


def xml(content: bytes) -> bytes:
    return b'<Patient xmlns="http://hl7.org/fhir">' + content + b"</Patient>"


def patient(content: bytes) -> bytes:
    return b'{"resourceType":"Patient",' + content + b"}"


def laughs() -> bytes:
    entities = b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    return b'<!DOCTYPE l [<!ENTITY a0 "ha">' + entities + b"]>" + xml(b'<id value="&a9;"/>')


def quantity(number: bytes) -> bytes:
    value = b'"valueQuantity":{"value":' + number + b"}"
    return b'{"resourceType":"Observation","status":"final","code":{"text":"x"},' + value + b"}"


BOMBS = {
    "entities that multiply": (XML, laughs, 400),
    "an entity of a file": (
        XML,
        lambda: b'<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + xml(b'<id value="&a;"/>'),
        400,
    ),
    "deep XML": (XML, lambda: xml(b"<contact>" * 20_000), 400),
    "a million elements": (XML, lambda: xml(b"<name/>" * 1_000_000), 413),
    "a million attributes": (
        XML,
        lambda: b"<Patient " + b" ".join(b'a%d="x"' % n for n in range(1_000_000)) + b"/>",
        413,
    ),
    "an attribute of 40 MB": (XML, lambda: xml(b'<gender value="' + b"x" * (40 * MIB) + b'"/>'), 400),
    "deep JSON": (JSON, lambda: patient(b'"name":' + b"[" * 90_000 + b"]" * 90_000), 400),
    "very deep JSON": (JSON, lambda: patient(b'"name":' + b"[" * 5_000_000), 413),
    "a million names": (
        JSON,
        lambda: patient(b'"name":[' + b",".join([b'{"family":"x"}'] * 1_000_000) + b"]"),
        413,
    ),
    "more names than real ones": (
        JSON,
        lambda: patient(b'"name":[' + b",".join([b'{"family":"x"}'] * 20_000) + b"]"),
        413,
    ),
    "two million members": (JSON, lambda: patient(b",".join(b'"a%d":1' % n for n in range(2_000_000))), 413),
    "an integer of 20 MB": (JSON, lambda: patient(b'"multipleBirthInteger":' + b"9" * (20 * MIB)), 400),
    "a decimal of 10 MB": (JSON, lambda: quantity(b"0." + b"1" * (10 * MIB)), 400),
    "a gzip of 1 GB": ("gzip", lambda: gzip.compress(b" " * (1000 * MIB), 1), 413),
    "a form of 500,000 fields": (
        "application/x-www-form-urlencoded",
        lambda: b"&".join([b"family=x"] * 500_000),
        400,
    ),
}


@dataclass
class Bystander:
    """Reads all the time, and knows how long it ever waited."""

    server: ServerProcess
    waits: list[float] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with httpx.Client(headers=self.server.headers, timeout=120, trust_env=False) as http:
            while not (self.waits and self.ended.is_set()):
                began = time.monotonic()
                assert http.get(f"{self.server.base}/Patient/none").status_code == 404
                self.waits.append(time.monotonic() - began)
                time.sleep(0.01)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("hostile")) as server:
        yield server


@pytest.fixture
def bystander(server) -> Iterator[Bystander]:
    bystander = Bystander(server)
    thread = threading.Thread(target=bystander.run)
    thread.start()
    yield bystander
    bystander.ended.set()
    thread.join()
    assert max(bystander.waits) < LONGEST_WAIT
    assert psutil.Process(server.pid).memory_info().rss < MOST_MEMORY


def connect(server: ServerProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), 30)


def head_of(token: str, framing: str) -> bytes:
    """The head of a create, up to its body."""
    lines = ["POST /fhir/Patient HTTP/1.1", "Host: x", f"Content-Type: {JSON}", framing]
    lines += [f"Authorization: Bearer {token}"] if token else []
    return "\r\n".join([*lines, "", ""]).encode()


def answered(sock: socket.socket) -> bytes:
    """The status line of what is answered, or nothing where the connection just ends."""
    try:
        return sock.recv(65536).split(b"\r\n")[0]
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_does_not_go_off(server, bystander, name):
    media, make, status = BOMBS[name]
    headers = {**server.headers, "Content-Type": media}
    if media == "gzip":
        headers |= {"Content-Type": JSON, "Content-Encoding": "gzip"}
    body = make()
    url = f"{server.base}/{'Observation' if b'Observation' in body[:40] else 'Patient'}"
    url += "/_search" if "form" in media else ""
    answer = httpx.post(url, content=body, headers=headers, timeout=120, trust_env=False)
    assert answer.status_code == status, answer.text[:300]
    assert answer.json()["resourceType"] == "OperationOutcome" and len(answer.content) < 256 * 1024
    if status == 413:
        assert "refused 127.0.0.1: 413 " in server.log_tail()


@pytest.mark.parametrize("framing", ["Content-Length: 104857600", "Transfer-Encoding: chunked"])
def test_100_mb_are_refused(server, bystander, framing):
    """Before any of it where its length is stated, at the limit where not."""
    with connect(server) as sock:
        sock.sendall(head_of(server.token, framing))
        piece = b"x" * MIB if "Length" in framing else b"100000\r\n" + b"x" * MIB + b"\r\n"
        try:
            for _ in range(100):
                sock.sendall(piece)
        except OSError:  # it hung up on us
            assert "413 A body may have" in server.log_tail()
            return
        assert b" 413 " in answered(sock)
    assert "413 A body may have" in server.log_tail()


def test_nobody_unknown_is_listened_to_for_long(server, bystander):
    """Without a token 100 MB are refused before they are read."""
    with connect(server) as sock:
        sock.sendall(head_of("", "Content-Length: 104857600"))
        assert b" 401 " in answered(sock)


def test_slow_senders_are_cut_off_and_hold_up_nobody(server, bystander):
    """300 connections that send a head, or a body, a byte at a time."""
    head = head_of(server.token, "Content-Length: 9000")
    slow = [connect(server) for _ in range(300)]
    for number, sock in enumerate(slow):
        sock.sendall(head if number % 2 else head[:40])
    began, open = time.monotonic(), dict(enumerate(slow))
    while open and time.monotonic() - began < 90:
        for number, sock in list(open.items()):
            try:
                sock.send(b"x")
                sock.setblocking(False)
                said = sock.recv(65536)
                assert said == b"" or b" 408 " in said.split(b"\r\n")[0]
                open.pop(number).close()
            except BlockingIOError:
                continue
            except OSError:
                open.pop(number).close()
        time.sleep(1)
    assert not open, f"{len(open)} are still there"
    tail = server.log_tail(100_000)
    assert "408 The headers did not come" in tail and "408 The body comes more slowly" in tail
    assert max(bystander.waits) < 2

"""An HL7v2 listener under hostile peers and sudden death; others are unaffected, nothing acknowledged is lost."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.certificates import Authority
from tests.faults.hl7_kill_9 import Drill
from tests.hl7_feed import FeedServer, Wire, adt, code_of


@pytest.mark.parametrize(("workers", "rounds"), [(1, 1), pytest.param(2, 5, marks=pytest.mark.slow)])
def test_every_acknowledged_message_is_there_once(tmp_path: Path, workers: int, rounds: int) -> None:
    drill = Drill(tmp_path, seed=7, workers=workers)
    try:
        outcome = drill.run(rounds)
    finally:
        drill.server.kill()
    assert outcome.problems == []
    assert outcome.acknowledged > 50
    assert outcome.resent > 0


def _memory(server: FeedServer) -> int:
    process = psutil.Process(server.pid)
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))


def _log(server: FeedServer) -> str:
    return (server.directory / "server.log").read_text()


class Bystander:
    """Sends a message after the other over one connection; the longest wait for an answer is what it felt."""

    def __init__(self, server: FeedServer):
        self._server = server
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.codes: set[str] = set()
        self.longest = 0.0
        self.count = 0

    def __enter__(self) -> Bystander:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        with self._server.connect() as wire:
            while not self._ending.is_set():
                started = time.monotonic()
                self.codes.add(code_of(wire.send(adt(f"Y{self.count}", "PY")))[:2])
                self.longest = max(self.longest, time.monotonic() - started)
                self.count += 1


def test_messages_of_100_mb_are_refused_early_and_take_no_memory(tmp_path: Path) -> None:
    with FeedServer(tmp_path) as server:
        long = adt("L1", "P1") + b"".join(b"NTE|%d||%s\r" % (n, b"x" * 1000) for n in range(1000))
        with server.connect() as wire:
            assert code_of(wire.send(long)) == "AA L1"
        before = _memory(server)
        with Bystander(server) as bystander:
            threads = [threading.Thread(target=_send_100_mb, args=(server, n)) for n in range(4)]
            for thread in threads:
                thread.start()
            peak = before
            while any(thread.is_alive() for thread in threads):
                peak = max(peak, _memory(server))
                time.sleep(0.02)
        assert _answers == {n: f"AR M{n}" for n in range(4)}
        assert bystander.codes == {"AA"}
        assert peak - before < 40_000_000, f"grew by {(peak - before) / 1e6:.0f} MB"
        assert bystander.longest < 2
        assert "a message of more than 16777216 bytes refused, connection closed" in _log(server)


_answers: dict[int, str] = {}


def _send_100_mb(server: FeedServer, number: int) -> None:
    with server.connect() as wire:
        begun = b"\x0b" + adt(f"M{number}", "P1") + b"NTE|1||"
        with contextlib.suppress(OSError):
            wire.socket.sendall(begun)
            for _ in range(1600):
                wire.socket.sendall(b"x" * 65536)
        _answers[number] = code_of(wire.answer())


def test_slow_peers_use_up_no_connections(tmp_path: Path) -> None:
    more = "message_seconds = 1\nidle_seconds = 2\nconnections = 40\nconnections_per_peer = 40"
    with FeedServer(tmp_path, more) as server:
        slow = [Wire(server.mllp_port) for _ in range(30)]
        for number, wire in enumerate(slow):
            wire.socket.sendall(b"" if number % 2 else b"\x0bMSH|")
        with Bystander(server) as bystander:
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and not all(_closed(wire) for wire in slow):
                for wire in slow[::2]:
                    with contextlib.suppress(OSError):
                        wire.socket.sendall(b"x")
                time.sleep(0.2)
            assert all(_closed(wire) for wire in slow)
        assert bystander.codes == {"AA"}
        assert bystander.count > 10
        log = _log(server)
        for wire in slow:
            wire.socket.close()
    assert "a message was not complete within 1 s, connection closed" in log
    assert "nothing was sent within 2 s, connection closed" in log


def _closed(wire: Wire) -> bool:
    wire.socket.setblocking(False)
    try:
        return not wire.socket.recv(1)
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        wire.socket.setblocking(True)


def test_wrong_certificates_are_refused_with_a_clear_line(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    authority, other = Authority(folder), Authority(tmp_path, "other")
    authority.sign("listener")
    files = 'tls_certificate = "listener.crt"\ntls_key = "listener.key"\ntls_client_ca = "authority.pem"'
    with FeedServer(folder, files) as server:
        good = _tls(server, authority, authority, "right")
        for signer, name in ((other, "stranger"), (None, "")):
            with pytest.raises(OSError):  # how it fails depends on when the refusal arrives
                _exchange(_tls(server, authority, signer, name), "X1")
        with pytest.raises(OSError), server.connect() as plain:
            plain.send(adt("X2", "P1"))
        assert _exchange(good, "G1") == "AA G1"
        log = _log(server)
    assert "TLS handshake refused: its certificate was refused" in log or "certificate" in log
    assert "TLS handshake refused" in log


def _tls(server: FeedServer, authority: Authority, signer: Authority | None, name: str) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(authority.file))
    if signer is not None:
        pair = signer.sign(name)
        context.load_cert_chain(pair.certificate, pair.key)
    plain = socket.create_connection(("127.0.0.1", server.mllp_port), 10)
    return context.wrap_socket(plain, server_hostname="localhost")


def _exchange(connection: ssl.SSLSocket, id: str) -> str:
    with connection:
        connection.sendall(b"\x0b" + adt(id, "P1") + b"\x1c\r")
        got = b""
        while not got.endswith(b"\x1c\r"):
            data = connection.recv(65536)
            if not data:
                raise ConnectionError("closed without an answer")
            got += data
        return code_of(got[1:-2])

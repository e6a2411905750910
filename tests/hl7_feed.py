"""A real server with an HL7v2 listener, and plain sockets to talk to it: nothing of ours on the sending side."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.server_process import ServerProcess, free_port

LISTENER = "lab"


class FeedServer(ServerProcess):
    """A server whose connector ``lab`` listens on ``mllp_port``. ``more`` are further settings of it, as TOML."""

    def __init__(self, directory: Path, more: str = "", **options: Any):
        super().__init__(directory, **options)
        self.mllp_port = free_port()
        self._more = more

    def _initialise(self) -> None:
        super()._initialise()
        lines = [
            "",
            "[[connector]]",
            f'name = "{LISTENER}"',
            'kind = "hl7v2"',
            'source = "ehr"',
            f'listen = "127.0.0.1:{self.mllp_port}"',
            self._more,
        ]
        with self.config.open("a") as file:
            file.write("\n".join(lines) + "\n")

    def start(self) -> float:
        seconds = super().start()
        self._wait_for_listener()
        return seconds

    def _wait_for_listener(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.mllp_port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"the listener did not come up:\n{self.log_tail()}")

    def connect(self) -> Wire:
        return Wire(self.mllp_port)


class Wire:
    """One connection: sends frames, reads frames."""

    def __init__(self, port: int, timeout: float = 30.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._read = b""

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, content: bytes) -> bytes:
        """Send a message and return its answer."""
        self.socket.sendall(b"\x0b" + content + b"\x1c\r")
        return self.answer()

    def answer(self) -> bytes:
        """The next frame. Raises ConnectionError where the other end closes instead."""
        while b"\x1c\r" not in self._read:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("closed without an answer")
            self._read += data
        frame, _, self._read = self._read.partition(b"\x1c\r")
        return frame.removeprefix(b"\x0b")


def code_of(answer: bytes) -> str:
    """``AA 1``: MSA-1 and MSA-2, taken out without any reader of ours."""
    fields = next(line for line in answer.decode().split("\r") if line.startswith("MSA")).split("|")
    return f"{fields[1]} {fields[2]}"


def adt(id: str, patient: str, event: str = "A08", family: str = "Miller", more: str = "") -> bytes:
    """An ADT message about a patient with that number."""
    return (
        f"MSH|^~\\&|LAB|NORTH|EHR|MAIN|20261128150000||ADT^{event}^ADT_A01|{id}|P|2.5.1||||||UNICODE UTF-8\r"
        f"EVN|{event}|20261128150000\r"
        f"PID|1||{patient}^^^HOSP&1.2.3.4&ISO^MR||{family}^Jane^^^^^L||19700101|F|||"
        "1 Main St^^Springfield^IL^62701^USA||^PRN^PH^^1^217^5551234\r"
        f"PV1|1|O|CLINIC^1^1\r{more}"
    ).encode()


def stream(count: int, lane: int, patients: int = 50) -> Iterator[tuple[str, bytes]]:
    """Control ids and messages of one sender's connection."""
    for number in range(count):
        id = f"L{lane}N{number}"
        yield id, adt(id, f"P{(lane * 7 + number) % patients}", family=f"Family{number}")

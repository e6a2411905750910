"""A subscriber as a process of its own: a real HTTP server that keeps what it gets on disk and fails when told to.

::

    with SubscriberProcess(folder) as subscriber:
        subscriber.fault("status", status=503, headers={"Retry-After": "2"}, times=3, path="/a")
        ...
        subscriber.kill()             # kill -9; what it had answered is on disk
        subscriber.start()            # on the same port
        subscriber.received("/a")     # what came to paths that begin so, in order

What a fault does is said by `FAULTS`. Each is for requests to paths that begin with `path`, `times` times (0: always).
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.server_process import START_SECONDS, free_port

FAULTS = {
    "status": "answers `status` with `headers`",
    "redirect": "answers `status` (307) with Location `location`",
    "hang": "takes the request and never answers",
    "drop": "takes the request and closes the connection",
    "slow": "answers after `seconds`",
    "slow_head": "sends its head a byte a second",
    "slow_body": "answers 200 at once and sends its body a byte a second",
    "huge": "answers 200 with a body that does not end",
    "huge_head": "answers with headers of several MiB",
    "garbage": "answers what is not HTTP",
    "verify": "answers 401 to what is not signed with one of `secrets` by the Standard Webhooks, else 204",
}


@dataclass(frozen=True, slots=True)
class Received:
    """One request that came, and the status it was answered with (0: none)."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    connection: int
    """Counts the connections that were made to this process."""
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class SubscriberProcess:
    """The process and what it received. `certificate` is a PEM file with certificate and key: then it speaks TLS."""

    def __init__(
        self, folder: Path, certificate: Path | None = None, host: str = "127.0.0.1", port: int | None = None
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self.control = port or free_port(), free_port()
        self._host, self._record, self._certificate = host, folder / "received.jsonl", certificate
        self._log = folder / "subscriber.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        scheme = "https" if self._certificate else "http"
        return f"{scheme}://{self._host}:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.subscriber_process", str(self.port), str(self.control)]
        command += [
            str(self._record),
            "--host",
            self._host,
            *(["--certificate", str(self._certificate)] if self._certificate else []),
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=Path(__file__).resolve().parent.parent, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                self._tell({})
                return
            time.sleep(0.02)
        raise RuntimeError(f"the subscriber did not start: {self._log.read_text()[-2000:]}")

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None

    def fault(self, kind: str, path: str = "/", times: int = 0, **more: Any) -> None:
        """From now on fail so. Of several faults for one path the one that was told last counts."""
        assert kind in FAULTS, kind
        self._tell({"fault": kind, "path": path, "times": times, **more})

    def heal(self) -> None:
        """Forget all faults; requests that hang go on hanging."""
        self._tell({"heal": True})

    def received(self, path: str = "/") -> list[Received]:
        """What came so far, in order of arrival, over all lives of the process."""
        if not self._record.exists():
            return []
        lines = self._record.read_bytes().split(b"\n")[:-1]  # the last one may be half written
        found = [json.loads(line) for line in lines]
        return [_received(one) for one in found if one["path"].startswith(path)]

    def _tell(self, words: dict[str, Any]) -> None:
        request = urllib.request.Request(f"http://127.0.0.1:{self.control}/", json.dumps(words).encode())
        urllib.request.urlopen(request, timeout=5).read()

    def __enter__(self) -> SubscriberProcess:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _received(line: dict[str, Any]) -> Received:
    return Received(**{**line, "body": base64.b64decode(line["body"])})


class _Subscriber:
    """The server inside the process."""

    def __init__(self, record: Path):
        self._record = record.open("ab", buffering=0)
        self._faults: list[dict[str, Any]] = []
        self._connections = 0

    async def control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, _, _, body = await _request(reader)
        words = json.loads(body)
        if words.get("heal"):
            self._faults.clear()
        elif words:
            self._faults.insert(0, words)
        await _answer(writer, 200, {"Connection": "close"})
        writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        number = self._connections
        with contextlib.suppress(OSError, EOFError, asyncio.IncompleteReadError):
            while True:
                method, path, headers, body = await _request(reader)
                fault = _verified(self._fault(path), headers, body)
                status = 0 if fault["fault"] in ("hang", "drop") else int(fault.get("status", 200))
                self._keep(method, path, headers, body, status, number)
                if not await _fail(writer, fault):
                    break
        writer.close()

    def _fault(self, path: str) -> dict[str, Any]:
        for fault in self._faults:
            if path.startswith(fault["path"]):
                if fault["times"] == 1:
                    self._faults.remove(fault)
                fault["times"] -= 1 if fault["times"] else 0
                return fault
        return {"fault": "none"}

    def _keep(
        self, method: str, path: str, headers: dict[str, str], body: bytes, status: int, connection: int
    ) -> None:
        """What is answered has been written: nothing that a sender believes to be delivered is lost by a kill."""
        line = {"method": method, "path": path, "headers": headers, "body": base64.b64encode(body).decode()}
        line |= {"status": status, "connection": connection, "at": time.time()}
        self._record.write(json.dumps(line).encode() + b"\n")


def _verified(fault: dict[str, Any], headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """What verifying comes to, by the library of those who wrote the standard."""
    if fault["fault"] != "verify":
        return fault
    from standardwebhooks import Webhook, WebhookVerificationError

    for secret in fault["secrets"]:
        with contextlib.suppress(WebhookVerificationError):
            Webhook(secret).verify(body, dict(headers))
            return {"fault": "status", "status": 204}
    return {"fault": "status", "status": 401}


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    if headers.get("transfer-encoding") == "chunked":
        return method, path, headers, await _chunks(reader)
    return method, path, headers, await reader.readexactly(int(headers.get("content-length", "0")))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return body


async def _answer(
    writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str], body: bytes = b""
) -> None:
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()


async def _fail(writer: asyncio.StreamWriter, fault: dict[str, Any]) -> bool:
    """Answer as the fault has it; whether the connection may be used again."""
    kind, headers = fault["fault"], fault.get("headers", {})
    if kind == "hang":
        await asyncio.sleep(3600)
    if kind == "drop":
        return False
    if kind == "slow":
        await asyncio.sleep(fault["seconds"])
    if kind == "redirect":
        headers = {"Location": fault["location"]}
        fault.setdefault("status", 307)
    if kind.startswith("slow_") or kind.startswith("huge") or kind == "garbage":
        return await _misbehave(writer, kind)
    await _answer(writer, int(fault.get("status", 200)), headers, fault.get("body", "").encode())
    return True


async def _misbehave(writer: asyncio.StreamWriter, kind: str) -> bool:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"
    if kind == "slow_body":
        writer.write(head)
    if kind.startswith("slow_"):
        for number in range(3600):
            writer.write(head[number % len(head) :][:1] if kind == "slow_head" else b" ")
            await writer.drain()
            await asyncio.sleep(1)
    if kind == "garbage":
        writer.write(b"SSH-2.0-OpenSSH_9.9\r\n" * 3)
    if kind == "huge":
        writer.write(head)
    if kind == "huge_head":
        writer.write(b"HTTP/1.1 200 OK\r\n" + b"X-Much: " + b"x" * 4_000_000 + b"\r\n\r\n")
    while kind == "huge":
        writer.write(b"x" * 65536)
        await writer.drain()
    await writer.drain()
    return False


async def _main(host: str, port: int, control: int, record: Path, certificate: Path | None) -> None:
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    subscriber = _Subscriber(record)
    for _ in range(200):  # the port of one that was killed may be busy for a moment
        try:
            server = await asyncio.start_server(subscriber.serve, host, port, ssl=context, limit=2**24)
            break
        except OSError:
            await asyncio.sleep(0.02)
    controlling = await asyncio.start_server(subscriber.control, "127.0.0.1", control)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, os._exit, 0)
    async with server, controlling:
        await asyncio.gather(server.serve_forever(), controlling.serve_forever())


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("control", type=int)
    parser.add_argument("record", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--certificate", type=Path)
    given = parser.parse_args(arguments)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(given.host, given.port, given.control, given.record, given.certificate))


if __name__ == "__main__":
    main(sys.argv[1:])

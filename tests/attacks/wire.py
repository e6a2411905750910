"""Requests as they are written: dots, line breaks and doubled headers go out as they stand, which no HTTP library does.

Each has an ``X-Request-Id`` of its own, by which the audit trail tells what became of it.
"""

from __future__ import annotations

import re
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from fhirserver.kernel.json import InvalidJson, dumps, loads
from tests.phi import told

FHIR = "application/fhir+json"
FORM = "application/x-www-form-urlencoded"
SECONDS = 30.0
_STATUS = re.compile(rb"(?=HTTP/1\.1 \d{3} )")
_COOKIE = re.compile(r"([^=;\s]+)=([^;]*)")


@dataclass(frozen=True)
class Answer:
    """What came back. ``id`` is the request's; ``asked`` is the request line and body, for messages."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    id: str
    asked: str

    def header(self, name: str) -> str:
        """The first header of a name; empty where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return loads(self.body)

    @property
    def error(self) -> str:
        """The code of an OperationOutcome's first issue, or of an OAuth error; empty for what says neither."""
        try:
            said = self.json()
        except InvalidJson:
            return ""
        if not isinstance(said, dict):
            return ""
        if said.get("resourceType") == "OperationOutcome":
            return str(said["issue"][0]["code"])
        return str(said.get("error", ""))

    @property
    def matches(self) -> list[str]:
        """``Type/id`` of the resources in a Bundle."""
        found = (entry.get("resource", {}) for entry in self.json().get("entry", ()))
        return [f"{one['resourceType']}/{one['id']}" for one in found if "id" in one]

    def __str__(self) -> str:
        return f"{self.asked[:500]} → {self.status} {self.text[:500]}"


class Broken(Exception):
    """The server closed the connection before it had answered."""


@dataclass
class Wire:
    """One connection that is kept, and who speaks over it. ``cookies`` are kept as a browser does."""

    port: int
    token: str = ""
    cookies: dict[str, str] = field(default_factory=dict)
    _socket: socket.socket | None = None
    _left: bytes = b""

    def __del__(self) -> None:
        """Many are made for one request."""
        self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._left = None, b""

    def get(self, path: str, **headers: str) -> Answer:
        return self("GET", path, **headers)

    def form(self, path: str, fields: Any, **headers: str) -> Answer:
        """A form that is posted; ``fields`` are a mapping or pairs."""
        return self("POST", path, urlencode(fields, doseq=True), content_type=FORM, **headers)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """A request. ``path`` goes out as it stands; header names are written with underscores. A body that is neither
        text nor bytes is sent as JSON."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        content = _content(body)
        if body is not None:
            sent.setdefault("content-type", FHIR)
        if self.token and "authorization" not in sent:
            sent["authorization"] = f"Bearer {self.token}"
        if self.cookies:
            sent.setdefault("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        sent.setdefault("host", f"127.0.0.1:{self.port}")
        id = sent.setdefault("x-request-id", f"attack-{secrets.token_hex(12)}")
        if content or method in ("POST", "PUT", "PATCH"):
            sent.setdefault("content-length", str(len(content)))
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        head = "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n"
        answer = self._exchange(
            head + content, method, id, f"{method} {path} {content[:2000].decode('utf-8', 'replace')}"
        )
        self._keep(answer)
        told(answer.status, answer.body)
        return answer

    def raw(self, request: bytes) -> Answer:
        """Bytes as they stand over a connection of their own; the first answer to them."""
        self.close()
        try:
            return self._exchange(request, "GET", "", request[:2000].decode("latin-1"))
        finally:
            self.close()

    def message(self, text: bytes) -> bytes:
        """A text message over a websocket that was just opened; the first frame that comes back."""
        assert self._socket is not None and len(text) < 126
        masked = bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text
        self._socket.sendall(masked)
        head = self._bytes(2)
        return head + self._bytes(head[1] & 0x7F)

    def answers(self, request: bytes, most: int, quiet: float = 0.3) -> list[bytes]:
        """All that comes back to bytes, split where a status line begins: until the server closes the connection, there
        are more than ``most`` answers, or after the first one nothing comes for so many seconds."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as one:
            one.sendall(request)
            found: list[bytes] = []
            whole = b""
            try:
                while len(found) <= most and (piece := one.recv(65536)):
                    whole += piece
                    found = [part for part in _STATUS.split(whole) if part]
                    one.settimeout(quiet if len(found) >= most else SECONDS)
            except TimeoutError:
                assert found, "nothing was answered at all"
        return found

    def _exchange(self, request: bytes, method: str, id: str, asked: str) -> Answer:
        for again in (True, False):
            kept = self._socket is not None
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self._socket.sendall(request)
                return self._answer(method, id, asked)
            except (Broken, ConnectionError):
                self.close()
                if not (kept and again):  # a kept connection may have ended by itself meanwhile
                    raise
        raise AssertionError("unreachable")

    def _answer(self, method: str, id: str, asked: str) -> Answer:
        while True:
            head = self._until(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            status = int(first.split(" ")[1])
            if status >= 200 or status == 101:
                break
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        named = {name.lower(): value for name, value in headers}
        body = b""
        if named.get("transfer-encoding") == "chunked":
            body = self._chunks()
        elif method != "HEAD" and status not in (204, 304):
            body = self._bytes(int(named.get("content-length", "0")))
        if named.get("connection") == "close":
            self.close()
        return Answer(status, headers, body, id or named.get("x-request-id", ""), asked)

    def _chunks(self) -> bytes:
        found = b""
        while size := int(self._until(b"\r\n"), 16):
            found += self._bytes(size)
            self._bytes(2)
        self._until(b"\r\n")
        return found

    def _until(self, end: bytes) -> bytes:
        while end not in self._left:
            self._more()
        found, _, self._left = self._left.partition(end)
        return found

    def _bytes(self, count: int) -> bytes:
        while len(self._left) < count:
            self._more()
        found, self._left = self._left[:count], self._left[count:]
        return found

    def _more(self) -> None:
        assert self._socket is not None
        piece = self._socket.recv(65536)
        if not piece:
            raise Broken
        self._left += piece

    def _keep(self, answer: Answer) -> None:
        for name, value in answer.headers:
            if name.lower() == "set-cookie":
                found = _COOKIE.match(value)
                assert found is not None, value
                if found[2] in ("", '""'):
                    self.cookies.pop(found[1], None)
                else:
                    self.cookies[found[1]] = found[2]


def _content(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else dumps(body)

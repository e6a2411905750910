"""A proxy before a server, which spoils its answers as ``/admin/fault`` says, and keeps what it was asked.

``python -m tests.faulty_proxy_process http://127.0.0.1:8080`` prints its own address.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

_TOLD = ("Accept", "Authorization", "Content-Type")
_HTML = b"<html><body>Welcome to the hospital's network. Please sign in.</body></html>"


class Proxy(BaseHTTPRequestHandler):
    """``fault``: ``{"kind": …}``; ``times``: how many questions it is for."""

    upstream: ClassVar[str] = ""
    fault: ClassVar[dict[str, Any]] = {}
    requests: ClassVar[list[dict[str, Any]]] = []
    lock: ClassVar[threading.Lock] = threading.Lock()
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/admin/"):
            self._admin(body)
            return
        with self.lock:
            headers = {name: self.headers[name] for name in _TOLD if name in self.headers}
            self.requests.append(
                {"method": self.command, "path": self.path, "body": body.decode(), "headers": headers}
            )
            fault = self._fault()
        self._spoiled(fault, body) if fault else self._answer(*self._forwarded(body))

    do_GET = do_POST = do_PUT = do_DELETE = _any

    def _admin(self, body: bytes) -> None:
        with self.lock:
            if self.path == "/admin/fault":
                type(self).fault = json.loads(body)
            told = list(self.requests)
            if self.command == "DELETE":
                self.requests.clear()
        self._answer(200, "application/json", json.dumps(told).encode())

    def _fault(self) -> dict[str, Any]:
        fault = self.fault
        if fault and "times" in fault:
            fault["times"] -= 1
            if fault["times"] < 0:
                type(self).fault = {}
                return {}
        return fault

    def _spoiled(self, fault: dict[str, Any], body: bytes) -> None:
        kind = fault["kind"]
        if kind == "slow":
            time.sleep(fault["seconds"])
            self._answer(*self._forwarded(body))
        elif kind == "html":
            self._answer(fault.get("status", 200), "text/html", _HTML)
        elif kind == "huge":
            self._answer(
                200, "application/fhir+json", b'{"resourceType":"Parameters","x":"' + b"x" * 3_000_000 + b'"}'
            )
        elif kind == "drop":
            self.close_connection = True
        elif kind == "answer":
            content = json.dumps(fault["body"]).encode()
            self._answer(fault.get("status", 200), "application/fhir+json", content)
        elif kind == "redirect":
            self._answer(302, "text/plain", b"", {"Location": fault["to"]})

    def _forwarded(self, body: bytes) -> tuple[int, str, bytes]:
        headers = {name: self.headers[name] for name in _TOLD if name in self.headers}
        url, data = self.upstream + self.path, body if self.command == "POST" else None
        request = urllib.request.Request(url, data, headers, method=self.command)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.headers["Content-Type"], refusal.read()

    def _answer(self, status: int, kind: str, content: bytes, more: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in {
                "Content-Type": kind,
                "Content-Length": str(len(content)),
                **(more or {}),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
        except OSError:  # whoever asked has gone
            self.close_connection = True


def main() -> None:
    Proxy.upstream = sys.argv[1]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

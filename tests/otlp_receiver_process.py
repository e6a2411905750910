"""A receiver of traces by OTLP over HTTP, in a process of its own, that shows what it got; and a subscriber beside it.

``POST /v1/traces`` takes spans (https://opentelemetry.io/docs/specs/otlp/#otlphttp-request), what is sent to ``/hook``
is taken, and its headers are kept. ``GET /got`` is JSON: ``{"spans": [...], "hooks": [...]}``. The first line of
standard output is the port.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

SPANS: list[Mapping[str, Any]] = []
HOOKS: list[Mapping[str, str]] = []
LOCK = threading.Lock()


class Receiver(BaseHTTPRequestHandler):
    """One connection."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path.startswith("/hook"):
            with LOCK:
                HOOKS.append({name.lower(): value for name, value in self.headers.items()})
            self._answer(b"", "text/plain")
            return
        if self.path != "/v1/traces" or self.headers["content-type"] != "application/x-protobuf":
            self.send_error(404)
            return
        with LOCK:
            SPANS.extend(
                spans_of(ExportTraceServiceRequest.FromString(body), self.headers.get("api-key", ""))
            )
        self._answer(ExportTraceServiceResponse().SerializeToString(), "application/x-protobuf")

    do_PUT = do_POST

    def do_GET(self) -> None:
        with LOCK:
            self._answer(json.dumps({"spans": SPANS, "hooks": HOOKS}).encode(), "application/json")

    def _answer(self, body: bytes, content_type: str) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def spans_of(request: ExportTraceServiceRequest, key: str) -> list[Mapping[str, Any]]:
    """The spans as JSON objects, each with what is said of its process."""
    found = []
    for resource in request.resource_spans:
        process = attributes(resource.resource.attributes)
        for scope in resource.scope_spans:
            for span in scope.spans:
                told = {
                    "name": span.name,
                    "kind": span.kind,
                    "trace": span.trace_id.hex(),
                    "span": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "attributes": attributes(span.attributes),
                    "status": [span.status.code, span.status.message],
                    "events": [event.name for event in span.events],
                    "process": process.get("credence.process", ""),
                    "service": process.get("service.name", ""),
                    "key": key,
                }
                found.append(told)
    return found


def attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    print(server.server_address[1], flush=True)
    server.serve_forever()

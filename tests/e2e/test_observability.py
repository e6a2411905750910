"""Two workers seen from outside: logs, figures, traces, health; and that none of it tells who was treated."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.server_process import ServerProcess

NAME, MRN, PHONE = "Wilhelmina-Featherstone", "MRN-4711-0815", "+1-555-867-5309"
PATIENT = {
    "resourceType": "Patient",
    "id": "p-featherstone",
    "identifier": [{"system": "urn:mrn", "value": MRN}],
    "name": [{"family": NAME}],
    "telecom": [{"system": "phone", "value": PHONE}],
}
PHI = (NAME, MRN, PHONE, "p-featherstone", "867-5309")
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
REQUEST = "5e2b7c1d-request-of-a-client"
SETTINGS = """
[log]
format = "json"
access = true

[metrics]
open_to = ["127.0.0.1"]

[traces]
endpoint = "http://127.0.0.1:{port}/v1/traces"
headers_file = "{headers}"

[subscriptions]
allow_private = true
allow_http = true
"""


@dataclass
class Site:
    server: ServerProcess
    receiver: str

    @property
    def root(self) -> str:
        return self.server.base.removesuffix("/fhir")

    def log(self) -> list[dict[str, Any]]:
        text = (self.server.directory / "server.log").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def got(self) -> Mapping[str, list[dict[str, Any]]]:
        return dict(httpx.get(f"{self.receiver}/got").json())

    def figures(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        text = httpx.get(f"{self.root}/metrics").raise_for_status().text
        families = text_string_to_metric_families(text)
        return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}

    def reads(self) -> float:
        """Reads of patients that were answered."""
        labels = {"interaction": "read", "category": "base", "status": "2xx"}
        name = "credence_request_duration_seconds_count"
        return self.figures().get((name, frozenset(labels.items())), 0.0)

    @contextlib.contextmanager
    def clients(self) -> Iterator[tuple[httpx.Client, httpx.Client]]:
        """Two clients, each with a connection to a worker of its own."""
        with self._client() as one, self._client() as other:
            for each in (one, other):
                each.get("metadata")
            yield one, other

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.server.base}/", headers=self.server.headers)


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The server after some work was done by both workers."""
    folder = tmp_path_factory.mktemp("observed")
    (folder / "headers").write_text("api-key: for-the-receiver\n")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.otlp_receiver_process"], stdout=subprocess.PIPE, text=True
    ) as receiver:
        try:
            assert receiver.stdout is not None
            port = int(receiver.stdout.readline())
            settings = SETTINGS.format(port=port, headers=folder / "headers")
            with ServerProcess(folder, workers=2, settings=settings) as server:
                made = Site(server, f"http://127.0.0.1:{port}")
                work(made)
                assert list(server.data.glob("*-figures-*"))
                yield made
            assert not list(server.data.glob("*-figures-*")), "the figures went with the server"
        finally:
            receiver.kill()


def work(site: Site) -> None:
    """Everything that could leave a trace of a patient: right, wrong, by worker, and told to a subscriber."""
    subscription = {
        "resourceType": "Subscription",
        "id": "s",
        "status": "requested",
        "reason": "test",
        "criteria": "Patient?_id=p-featherstone",
        "channel": {
            "type": "rest-hook",
            "endpoint": f"{site.receiver}/hook",
            "payload": "application/fhir+json",
        },
    }
    with site.clients() as (one, other):
        one.put("Subscription/s", json=subscription).raise_for_status()
        until(lambda: one.get("Subscription/s").json()["status"] == "active")
        context = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": REQUEST}
        written = one.put("Patient/p-featherstone", json=PATIENT, headers=context).raise_for_status()
        assert written.headers["x-request-id"] == REQUEST
        for client in (one, one, other):
            client.get("Patient/p-featherstone").raise_for_status()
        for path in (
            f"Patient?name={NAME}&identifier={MRN}",
            f"Patient/{MRN}",
            f"{NAME}/{MRN}",
            f"Patient?{NAME}=1",
        ):
            other.get(path, headers={"X-Request-Id": PHONE, "traceparent": f"00-{PHONE}"})
        other.post("Patient", content=b'{"resourceType": "Patient", "name": "' + NAME.encode() + b'"}')
        other.post(
            "", json={"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": PATIENT}]}
        )
    until(lambda: any(hook.get("x-credence-event-number") == "1" for hook in site.got()["hooks"]))
    until(lambda: any(span["name"] == "notify" for span in site.got()["spans"]))
    until(lambda: any(span["parent"] == PARENT for span in site.got()["spans"]))  # before a worker is killed


def test_the_figures_of_both_workers_add_up_whichever_is_asked(site: Site) -> None:
    with site.clients() as clients:
        for client in clients:
            told = client.get(f"{site.root}/metrics").text
            assert 'interaction="read",status="2xx"} 3.0' in told
    figures = site.figures()
    processes = {
        dict(labels).get("process") for name, labels in figures if name == "process_resident_memory_bytes"
    }
    assert processes == {"serve-0", "serve-1"}
    delivered = frozenset({("channel", "rest-hook"), ("result", "delivered")})
    assert figures["credence_notifications_total", delivered] == 1


def test_what_a_killed_worker_counted_stays_and_health_says_it_is_gone(site: Site) -> None:
    before = site.reads()
    victim = next(
        child
        for child in psutil.Process(site.server.pid).children()
        if "--worker 1" in " ".join(child.cmdline())
    )
    victim.send_signal(signal.SIGKILL)
    until(lambda: len(psutil.Process(site.server.pid).children()) == 2 and _all_serve(site))
    assert site.reads() == before
    with site.clients() as clients:
        for client in clients:
            client.get("Patient/p-featherstone").raise_for_status()
    until(lambda: site.reads() == before + 2)
    assert httpx.get(f"{site.root}/readyz").json() == {"status": "ready"}


def _all_serve(site: Site) -> bool:
    with contextlib.suppress(httpx.TransportError), site.clients():
        return [len(c.net_connections("tcp")) for c in psutil.Process(site.server.pid).children()] == [1, 1]
    return False


def test_every_line_of_the_log_is_an_object_with_its_process(site: Site) -> None:
    lines = site.log()
    assert {line["process"] for line in lines} >= {"serve-0", "serve-1"}
    assert all({"time", "level", "logger", "message", "process", "pid"} <= set(line) for line in lines)


def test_a_request_leaves_one_line_with_its_id_trace_and_template(site: Site) -> None:
    (line,) = [line for line in site.log() if line.get("request") == REQUEST]
    told = {name: line[name] for name in ("logger", "method", "path", "status", "trace")}
    assert told == {
        "logger": "credence.access",
        "method": "PUT",
        "path": "/fhir/Patient/{id}",
        "status": 201,
        "trace": TRACE,
    }
    paths = {line["path"] for line in site.log() if line["logger"] == "credence.access"}
    assert paths >= {"/fhir/Patient", "/fhir/?/{id}", "/fhir", "/fhir/metadata", "/metrics", "/readyz"}


def test_a_request_is_a_span_of_its_callers_trace_and_its_commit_a_span_of_it(site: Site) -> None:
    spans = site.got()["spans"]
    (request,) = [span for span in spans if span["trace"] == TRACE and span["parent"] == PARENT]
    assert (request["name"], request["kind"]) == ("PUT /fhir/Patient/{id}", 2)
    assert request["attributes"] == {
        "url.template": "/fhir/Patient/{id}",
        "http.response.status_code": 201,
        "credence.request": REQUEST,
        "fhir.interaction": "update",
    }
    (commit,) = [span for span in spans if span["parent"] == request["span"]]
    assert (commit["name"], commit["trace"]) == ("commit", TRACE)
    assert (request["service"], request["key"]) == ("credence", "for-the-receiver")


def test_refusals_are_no_failures_of_the_server(site: Site) -> None:
    refused = [
        span
        for span in site.got()["spans"]
        if span["attributes"].get("http.response.status_code", 0) in range(400, 500)
    ]
    assert refused and all(span["status"] == [0, ""] and not span["events"] for span in refused)


def test_a_subscriber_is_told_which_trace_its_notification_belongs_to(site: Site) -> None:
    got = site.got()
    (hook,) = [hook for hook in got["hooks"] if hook.get("x-credence-event-number") == "1"]
    _, trace, span, _ = hook["traceparent"].split("-")
    assert (trace, span) in {(one["trace"], one["span"]) for one in got["spans"] if one["name"] == "notify"}


def test_nothing_tells_who_was_treated(site: Site) -> None:
    log = (site.server.directory / "server.log").read_text()
    figures = httpx.get(f"{site.root}/metrics").text
    spans = json.dumps(site.got()["spans"])
    assert log and figures and spans
    for text in (log, figures, spans):
        assert not [word for word in PHI if re.search(re.escape(word), text, re.I)]

"""Spans by OpenTelemetry: what they tell, what they pass on, and that a server without the extra does without."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from adapters.runner.delivering import DELIVERIES, deliver
from adapters.simulator.app import SimulatedEhr
from agent.tools.client import FhirClient
from fhirserver.app.observing.settings import TraceSettings
from fhirserver.app.observing.traces import OtelTracer, Traces
from fhirserver.app.setting_kinds import WrongSetting
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.kernel.tracing import TRACING, outgoing, span, trace_id
from fhirserver.ports.ehr import Change, Conflict, Operation
from tests.unit.adapters.in_process import adapter, ehr_app, tiny_bundles

NAME = "Wilhelmina"
FLAG = {"resourceType": "Flag", "status": "active", "code": {"text": NAME}}


class Seen:
    """The spans that have ended."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def all(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def one(self, name: str) -> ReadableSpan:
        (found,) = [one for one in self.all() if one.name == name]
        return found


@pytest.fixture
def seen() -> Iterator[Seen]:
    made = Seen()
    TRACING.install(OtelTracer(made.provider))
    yield made
    TRACING.install(None)
    made.provider.shutdown()


@pytest.fixture
async def ehr(tmp_path: Path) -> AsyncIterator[SimulatedEhr]:
    app = ehr_app(bundles=tiny_bundles(tmp_path / "bundles"))
    yield app
    app.close()


def test_without_a_tracer_nothing_is_spanned_or_passed_on() -> None:
    with span("anything", credence__writes=1) as nothing:
        nothing.set("a", 1)
        nothing.failed("so")
        assert (dict(outgoing()), trace_id()) == ({}, "")


async def test_a_delivery_is_a_span_and_the_ehr_is_told_of_it(seen: Seen, ehr: SimulatedEhr) -> None:
    client = adapter(ehr)
    await deliver(client, "clinic", Change(Operation.CREATE, "Flag", "k1", FLAG))
    await client.close()
    told = seen.one("deliver Flag")
    assert dict(told.attributes or {}) == {"credence.connector": "clinic", "credence.operation": "create"}
    context = told.get_span_context()
    assert context is not None
    (write,) = ehr.records.writes()
    ids = f"{context.trace_id:032x}-{context.span_id:016x}"
    assert write["headers"]["traceparent"] == f"00-{ids}-{context.trace_flags:02x}"


async def test_a_delivery_that_fails_tells_the_class_and_nothing_else(seen: Seen, ehr: SimulatedEhr) -> None:
    client = adapter(ehr)
    receipt = await deliver(client, "clinic", Change(Operation.CREATE, "Flag", "k1", FLAG))
    record = receipt.record
    wrong = Change(Operation.UPDATE, "Flag", "k2", FLAG, record.id, version="7")
    before = DELIVERIES.series.get(("another clinic", "conflict"))
    with pytest.raises(Conflict):
        await deliver(client, "another clinic", wrong)
    await client.close()
    failed = seen.all()[-1]
    assert (failed.status.status_code.name, failed.status.description) == ("ERROR", "Conflict")
    assert not failed.events
    assert NAME not in "".join(one.to_json() for one in seen.all())
    assert before is None and ("another clinic", "conflict") in DELIVERIES.series


async def test_a_refusal_is_an_answer_and_no_failure(seen: Seen) -> None:
    with pytest.raises(Exception, match="not found"), span("read"):
        raise refuse(Category.NOT_FOUND, "not-found", "not found")
    assert seen.one("read").status.status_code.name == "UNSET"


async def test_requests_of_the_agent_belong_to_its_call(seen: Seen) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"resourceType": "Patient"})

    client = FhirClient("http://server.test/fhir", "token", httpx.MockTransport(answer))
    with span("call"):
        await client.read("Patient/p")
        trace = trace_id()
    await client.close()
    assert asked[0].headers["traceparent"].split("-")[1] == trace


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", True),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", False),
        ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", False),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", False),
        ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", False),
        (NAME, False),
        ("", False),
    ],
)
def test_only_a_well_formed_parent_is_taken(seen: Seen, header: str, taken: bool) -> None:
    with span("request", parent=header):
        assert (trace_id() == "4bf92f3577b34da6a3ce929d0e0e4736") is taken
        assert len(trace_id()) == 32


def test_a_caller_that_keeps_no_trace_is_followed(seen: Seen) -> None:
    with span("request", parent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"):
        assert outgoing()["traceparent"].endswith("-00")
    assert not seen.all()


def test_the_missing_extra_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(WrongSetting, match=r"pip install 'credence\[otel\]'"):
        Traces(TraceSettings("http://127.0.0.1:4318/v1/traces"), "serve")


_WITHOUT = """
import sys
for name in ("opentelemetry.sdk", "opentelemetry.exporter", "prometheus_client"):
    sys.modules[name] = None
import fhirserver.app.commands.serve, fhirserver.app.commands.voice, fhirserver.app.serving
from fhirserver.app.observing.settings import TraceSettings
from fhirserver.app.observing.traces import Traces
with Traces(TraceSettings(), "serve"):
    print("serves")
"""


def test_a_server_starts_without_what_it_does_not_need() -> None:
    done: subprocess.CompletedProcess[Any] = subprocess.run(
        [sys.executable, "-c", _WITHOUT], capture_output=True, text=True, check=False
    )
    assert done.stdout == "serves\n", done.stderr

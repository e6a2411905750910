"""Traces by OpenTelemetry, where ``[traces] endpoint`` is set. Needs the extra ``otel``, and imports it only then.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from types import TracebackType
from typing import TYPE_CHECKING, Final

from fhirserver.app.observing.settings import TraceSettings
from fhirserver.app.setting_kinds import WrongSetting
from fhirserver.kernel.outcomes import Refusal
from fhirserver.kernel.tracing import TRACING, Value

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as Otel

_TRACEPARENT: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})\Z")
EXPORT_SECONDS: Final = 5


class _Span:
    """A span of the facade over one of OpenTelemetry."""

    def __init__(self, span: Otel):
        self._span = span

    def name(self, name: str) -> None:
        self._span.update_name(name)

    def set(self, name: str, value: Value) -> None:
        self._span.set_attribute(name, value)

    def failed(self, why: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._span.set_status(Status(StatusCode.ERROR, why))
        self._span.set_attribute("error.type", why)


class OtelTracer:
    """See :class:`fhirserver.kernel.tracing.Tracer`."""

    def __init__(self, provider: TracerProvider):
        from opentelemetry.trace import SpanKind, get_current_span, use_span

        self._tracer = provider.get_tracer("credence", version("credence"))
        self._current, self._use = get_current_span, use_span
        self._kinds = {kind.name.lower(): kind for kind in SpanKind}

    @contextlib.contextmanager
    def span(self, name: str, kind: str, attributes: Mapping[str, Value], parent: str) -> Iterator[_Span]:
        made = self._tracer.start_span(name, _context(parent), self._kinds[kind], attributes)
        span = _Span(made)
        # The library would keep an exception's text, so it is not told of any.
        with self._use(made, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield span
            except Refusal:  # an answer like any other; whose fault it is says the status
                raise
            except Exception as error:
                span.failed(type(error).__name__)
                raise

    def traceparent(self) -> str:
        at = self._current().get_span_context()
        return f"00-{at.trace_id:032x}-{at.span_id:016x}-{at.trace_flags:02x}" if at.is_valid else ""


def _context(traceparent: str) -> Context | None:
    """The context that a caller named; None where it named none: what goes on here then is the parent."""
    found = _TRACEPARENT.match(traceparent)
    if found is None:
        return None
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    trace, span, flags = (int(part, 16) for part in found.groups())
    # Of the flags only the first is defined. No tracestate: it is free text.
    return set_span_in_context(NonRecordingSpan(SpanContext(trace, span, True, TraceFlags(flags & 1))))


class Traces:
    """For a ``with`` block: traces go to the endpoint, what is left at its end too."""

    def __init__(self, chosen: TraceSettings, part: str):
        """Raises :class:`~fhirserver.app.setting_kinds.WrongSetting` where the extra is missing."""
        self._provider = _provider(chosen, part) if chosen.endpoint else None

    def __enter__(self) -> None:
        if self._provider is not None:
            TRACING.install(OtelTracer(self._provider))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        TRACING.install(None)
        if self._provider is not None:
            self._provider.shutdown()


def _provider(chosen: TraceSettings, part: str) -> TracerProvider:
    """Raises :class:`~fhirserver.app.setting_kinds.WrongSetting` where the extra is missing."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    except ImportError:
        text = "traces need the extra: pip install 'credence[otel]'"
        raise WrongSetting("endpoint", text) from None
    about = {"service.name": "credence", "service.version": version("credence"), "credence.process": part}
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(chosen.sample)),
        resource=Resource(about),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(chosen.endpoint, headers=dict(chosen.headers), timeout=EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    return provider

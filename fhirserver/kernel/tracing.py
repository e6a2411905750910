"""Traces: spans of what is worked on. Nothing happens, and next to nothing is spent, until a tracer is installed.

https://www.w3.org/TR/trace-context/ says how traces go from process to process. Attributes are words of the program
(interactions, types, counts, status codes): nothing of a request or a resource may become one, and no exception's text.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final, Protocol

Value = str | int | float | bool
SERVER, CLIENT, INTERNAL = "server", "client", "internal"


class Span(Protocol):
    """What is being done. An exception that leaves its block marks it as failed, by the exception's class."""

    def name(self, name: str) -> None:
        """Call it otherwise: what it is may be known only later."""
        ...

    def set(self, name: str, value: Value) -> None: ...

    def failed(self, why: str) -> None:
        """``why`` is a word of the program."""
        ...


class Tracer(Protocol):
    """Makes spans; each is the parent of those that begin inside of its block."""

    def span(
        self, name: str, kind: str, attributes: Mapping[str, Value], parent: str
    ) -> AbstractContextManager[Span]:
        """``parent``: a ``traceparent`` that came with a request; empty or wrong: what goes on here, or nothing."""
        ...

    def traceparent(self) -> str:
        """What goes on here, for the next process; empty for nothing."""
        ...


class _Nothing:
    """A span that nobody sees."""

    __slots__ = ()

    def name(self, name: str) -> None: ...

    def set(self, name: str, value: Value) -> None: ...

    def failed(self, why: str) -> None: ...

    def __enter__(self) -> _Nothing:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


_NOTHING: Final = _Nothing()


class Tracing:
    """The tracer of this process, if there is one."""

    __slots__ = ("tracer",)

    def __init__(self) -> None:
        self.tracer: Tracer | None = None

    def install(self, tracer: Tracer | None) -> None:
        self.tracer = tracer


TRACING: Final = Tracing()


def span(
    name: str, kind: str = INTERNAL, parent: str = "", **attributes: Value
) -> AbstractContextManager[Span]:
    """A span for a ``with`` block. Two underscores in the name of an attribute stand for a dot."""
    tracer = TRACING.tracer
    if tracer is None:
        return _NOTHING
    named = {name.replace("__", "."): value for name, value in attributes.items()}
    return tracer.span(name, kind, named, parent)


def outgoing() -> Mapping[str, str]:
    """The headers that tell the next process which trace its work is a part of; none without a tracer."""
    tracer = TRACING.tracer
    parent = tracer.traceparent() if tracer is not None else ""
    return {"traceparent": parent} if parent else {}


def trace_id() -> str:
    """The trace of what goes on here, in 32 hexadecimal digits; empty for none."""
    tracer = TRACING.tracer
    return tracer.traceparent()[3:35] if tracer is not None else ""

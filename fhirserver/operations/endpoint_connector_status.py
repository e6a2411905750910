"""``Endpoint/[id]/$connector-status``: how a connector is doing, whichever process works on it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.json import JsonObject
from fhirserver.operations.connector import connector_of, connectors_of
from fhirserver.operations.parameters import group, parameters, part
from fhirserver.ports.connectors import ConnectorStatus


async def endpoint_connector_status(context: Context, request: Request) -> Result:
    """Parameters; see :class:`fhirserver.ports.connectors.ConnectorStatus`."""
    name = await connector_of(context, request)
    return Result(200, parameters(_told(await connectors_of(context).status(name))))


def _told(status: ConnectorStatus) -> Iterator[JsonObject]:
    yield part("name", "String", status.name)
    for name, code in (
        ("state", status.state),
        ("freshness", status.freshness),
        ("breaker", status.breaker),
        ("kind", status.kind),
    ):
        if code:
            yield part(name, "Code", code)
    for name, text in (
        ("source", status.source),
        ("problem", status.problem),
        ("error", status.error),
        ("process", status.process),
    ):
        if text:
            yield part(name, "String", text)
    for name, at in (
        ("since", status.since),
        ("lastExchange", status.last_exchange),
        ("lastPull", status.last_pull),
        ("lastPush", status.last_push),
    ):
        if at:
            yield part(name, "Instant", at)
    yield part("syncing", "Boolean", status.syncing)
    yield part("queue", "UnsignedInt", status.queue)
    yield part("lag", "Decimal", _decimal(status.lag))
    yield part("deadLetters", "UnsignedInt", status.dead_letters)
    yield part("rate", "Decimal", _decimal(status.rate))
    yield part("requests", "Decimal", _decimal(status.requests))
    for code, count in sorted(status.counts.items()):
        yield group("count", (part("code", "Code", code), part("count", "UnsignedInt", count)))


def _decimal(value: float) -> Decimal:
    return Decimal(f"{value:.1f}")

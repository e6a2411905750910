"""From a connector's settings to the connector at work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from adapters.fhir.retries import RetryPolicy
from adapters.runner.rate import Rate
from adapters.runner.runner import Cadence, Runner
from adapters.runner.work import Work
from adapters.runner.writeback import Sink
from fhirserver.app.connectors.coding import make_coder
from fhirserver.app.connectors.connector import Connector
from fhirserver.app.connectors.kind import Made, Making, Workmates
from fhirserver.app.connectors.registry import KINDS
from fhirserver.app.connectors.secrets import Secrets
from fhirserver.interactions.exchange import Context

ADAPTER_ATTEMPTS = 4
"""Tries of one read within a pull. Few, for the loop goes on where it was, and breaker and status must hear of it."""


class Assists(Protocol):
    """What a kind provides whose connectors several processes of one server can share."""

    def __call__(self, own: Any, making: Making) -> Work:
        """The part of a process that has not the lease. ``making.mates`` is not None."""
        ...


def _hl7v2(own: Any, making: Making) -> Work:
    from fhirserver.app.connectors import hl7v2  # with its adapter, only where there is such a connector

    return hl7v2.assist(own, making)


ASSISTING: Final[Mapping[str, Assists]] = {"hl7v2": _hl7v2}
"""The kinds of which all processes of a server have a part: one line each."""


def sink_of(connector: Connector) -> Sink:
    """The connector from the outbound side."""
    place = str(connector.table.get("url", ""))
    if receiver := connector.table.get("send"):
        place = f"mllp://{receiver}"
    return Sink(connector.name, connector.source, connector.push_types, connector.copies, place)


def make_adapter(
    connector: Connector,
    context: Context,
    secrets: Secrets,
    rate: Rate | None = None,
    pull_soon: Callable[[], None] = lambda: None,
    heard: Callable[[bool], None] = lambda taken: None,
    mates: Workmates | None = None,
) -> Made:
    """The adapter of a connector, not at work. Raises :class:`~fhirserver.app.connectors.secrets.MissingSecret`."""
    retries = RetryPolicy(cap=connector.retry_cap_seconds, attempts=ADAPTER_ATTEMPTS)
    making = Making(connector, context, secrets, retries, rate or Rate(), pull_soon, heard, mates)
    return KINDS[connector.kind].make(connector.own, making)


def make_assistant(
    connector: Connector, context: Context, secrets: Secrets, mates: Workmates | None
) -> Callable[[], Work] | None:
    """What makes this process's part of a connector that another one of the same server works on; None for none."""
    assists = ASSISTING.get(connector.kind)
    if mates is None or assists is None:
        return None
    retries = RetryPolicy(cap=connector.retry_cap_seconds, attempts=ADAPTER_ATTEMPTS)
    making = Making(connector, context, secrets, retries, Rate(), mates=mates)
    return lambda: assists(connector.own, making)


def make_runner(
    connector: Connector, context: Context, secrets: Secrets, mates: Workmates | None = None
) -> Runner:
    """The connector as it works on the store."""
    rate = Rate(connector.requests_per_second, connector.burst)
    runners: list[Runner] = []
    made = make_adapter(
        connector,
        context,
        secrets,
        rate,
        lambda: runners[0].pull_soon(),
        lambda taken: runners[0].heard(taken),
        mates,
    )
    runner = Runner(
        context.store,
        context.policy,
        made.ehr,
        sink_of(connector),
        RetryPolicy(cap=connector.retry_cap_seconds),
        _cadence(connector),
        connector.concurrency,
        pulls=connector.pull,
        pushes=connector.push,
        hours=connector.hours,
        rate=rate,
        own=made.loops,
        closing=made.close,
        audit=context.audit,
        coder=make_coder(connector, context),
    )
    runners.append(runner)
    return runner


def _cadence(connector: Connector) -> Cadence:
    return Cadence(
        connector.pull_seconds,
        connector.push_seconds,
        reconcile=connector.reconcile_seconds,
        resolve=connector.resolve_seconds,
    )

"""What the audit notes of a FHIR request, once it is answered or refused.

One place for all that ask: the HTTP edge, the entries of a Bundle, the pages of the console. What an event holds is
said at :class:`fhirserver.access.audit.event.Event`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import NamedTuple

from fhirserver.access.audit.event import NO_DETAILS, Event, now_microseconds
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.registry import Registry
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.kernel.queries import encode_query
from fhirserver.ports.storage import Version
from fhirserver.store.commands import Written
from fhirserver.store.store import MADE

_made = tuple.__new__
_MOST_TEXT = 16 * 1024
_PATIENT = "Patient"


class Origin(NamedTuple):
    """Where a request came from: the address, and its number."""

    address: str = ""
    number: str = ""


_NOWHERE = Origin()
ORIGIN: ContextVar[Origin] = ContextVar("origin", default=_NOWHERE)
"""Of what is asked inside the process on behalf of somebody outside."""


def event_of(
    request: Request,
    code: str,
    result: Result,
    commits: Sequence[int] = (),
    issue: str = "",
) -> Event:
    """The event of a request that was answered with ``result``. ``code`` is that of the interaction."""
    principal, version, shown = request.principal, result.version, result.shown
    if version is not None:
        type, id, number = version.type, version.id, str(version.version)
    else:
        type, id, number = request.type, request.id, request.version
    details, patients = NO_DETAILS, tuple[str, ...]()
    if request.compartment is not None:
        details = {"compartment": str(request.compartment)[:200]}
        patients = (request.compartment.id,) if request.compartment.type == _PATIENT else ()
    if principal is None:
        name = source = client = user = grant = ""
    else:
        name, source = principal.name, principal.source.id
        client, user, grant = principal.client, principal.user, principal.grant
        if principal.permissions is not None and not request.purpose:
            request.purpose = principal.permissions.broken
    members = (
        code,
        now_microseconds(),
        type[:64],
        id[:200],
        number[:32],
        encode_query(request.params)[:_MOST_TEXT] if request.params else "",
        tuple([one[:3] for one in shown]) if shown else (),
        patients,
        result.status,
        issue,
        name,
        source,
        client,
        user,
        grant,
        request.address,
        request.purpose,
        request.number,
        tuple(commits) if commits else (),
        details,
    )
    return _made(Event, members)  # on the way of every request: half as long as by its own constructor


def refusal_event(request: Request, code: str, refusal: Refusal, commits: Sequence[int] = ()) -> Event:
    """The event of a request that was refused."""
    return event_of(request, code, Result(refusal.category.value), commits, refusal.issues[0].code)


@contextmanager
def commits_made() -> Iterator[set[int]]:
    """The positions of the commits that are made inside."""
    made: set[int] = set()
    token = MADE.set(made)
    try:
        yield made
    finally:
        MADE.reset(token)


async def dispatch_noted(context: Context, registry: Registry, request: Request) -> Result:
    """Answer a request and note it, whatever becomes of it. Raises its refusal."""
    if context.audit.is_full:
        await context.audit.room()
    if not request.address:
        request.address, request.number = ORIGIN.get()
    with commits_made() as made:
        try:
            result = await registry.dispatch(context, request)
        except Refusal as refusal:
            context.audit.note(refusal_event(request, registry.code(request), refusal, sorted(made)))
            raise
        except Exception:
            failed = Result(Category.FAULT.value)
            context.audit.note(event_of(request, registry.code(request), failed, sorted(made), "exception"))
            raise
    context.audit.note(event_of(request, registry.code(request), result, sorted(made)))
    return result


_WRITES = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def note_write(context: Context, request: Request, method: str, written: Written, position: int) -> None:
    """Note what one entry of a transaction wrote; ``request`` is that of the whole."""
    version = written.version or _nowhere(written)
    single = replace(request, type=version.type, id=version.id, params=(), operation="")
    status = 204 if method == "DELETE" else 201 if written.created else 200
    code = _WRITES[method]
    commits = (position,) if written.changed or written.created or written.held else ()
    context.audit.note(event_of(single, code, Result(status, version=version), commits))


def _nowhere(written: Written) -> Version:
    return Version(written.key.type, written.key.id, 0, 0, "", True, b"")

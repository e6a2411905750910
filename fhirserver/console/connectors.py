"""What the connector pages show: how each connector is, what waits for its EHR, what failed and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from fhirserver.interactions.exchange import Context
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.connectors import ConnectorStatus
from fhirserver.search.cursor import decode
from fhirserver.search.expression import And, Expression, Or, Query, SortKey, TokenIs
from fhirserver.store.dead_letters import INTAKE, OWNER, WRITEBACK, dead_letters
from fhirserver.world.vocabulary import TASK_CODE

PAGE = 25
"""Tasks on a page."""
WAITING = 20
"""Of the changes that wait, so many are shown: the oldest."""
_MESSAGE = "hl7v2/"
_NOT_TAKEN_IN = "Record that was not taken in"


@dataclass(frozen=True, slots=True)
class Letter:
    """One Task of a connector, as a line. ``about`` is a resource of the world, or a record of the EHR."""

    id: str
    kind: str
    about: str
    what: str
    status: str
    reason: str
    since: str
    issues: Sequence[str]
    message: str = ""
    """The key of the HL7v2 message that it is about."""

    @property
    def href(self) -> str:
        """The page of the resource, where there is one."""
        if self.message:
            return f"/console/messages/{quote(self.message)}"
        type, _, id = self.about.partition("/")
        return f"/console/patient/{id}" if type == "Patient" and self.kind == WRITEBACK else ""


@dataclass(frozen=True, slots=True)
class Letters:
    """A page of dead letters and where the next one begins."""

    letters: Sequence[Letter]
    total: int
    more: str = ""


async def statuses(context: Context) -> list[ConnectorStatus]:
    """All connectors, by name."""
    connectors = context.connectors
    if connectors is None:
        return []
    return [await connectors.status(name) for name in await connectors.names()]


async def status_of(context: Context, endpoint: str) -> ConnectorStatus | None:
    """The connector that an Endpoint is; None where it is none."""
    name = await context.connectors.named(endpoint) if context.connectors else ""
    return await context.connectors.status(name) if context.connectors and name else None


async def failed(context: Context, name: str, cursor: str = "") -> Letters:
    """A page of a connector's dead letters, the oldest first. Raises ValueError for a cursor that is none."""
    query = Query("Task", dead_letters(name), count=PAGE, cursor=decode(cursor, ()) if cursor else None)
    page = await context.store.search(query)
    total = await context.store.count(Query("Task", query.where))
    return Letters([letter(loads(version.content)) for version in page.versions], total, page.cursor)


async def waiting(context: Context, name: str) -> list[Letter]:
    """The changes that wait for an EHR longest."""
    oldest = (SortKey("authored-on", "date"),)
    page = await context.store.search(Query("Task", _open(name), oldest, count=WAITING))
    return [letter(loads(version.content)) for version in page.versions]


def _open(name: str) -> Expression:
    statuses = Or(tuple(TokenIs("status", None, status) for status in ("requested", "in-progress")))
    mine = TokenIs("owner:identifier", OWNER, name)
    return And((TokenIs("code", TASK_CODE, WRITEBACK), statuses, mine))


def letter(task: JsonObject) -> Letter:
    """A Task of a connector, for people."""
    coded = {one.get("code") for one in task.get("code", {}).get("coding", ())}
    kind = INTAKE if INTAKE in coded else WRITEBACK
    record = _record(task) if kind == INTAKE else ""
    message = record.removeprefix(_MESSAGE) if record.startswith(_MESSAGE) else ""
    return Letter(
        task["id"],
        kind,
        f"Message of {message.split('/')[-2]}" if message else _about(task, kind),
        str(task.get("description") or (_NOT_TAKEN_IN if kind == INTAKE else "")),
        str(task.get("status", "")),
        str(task.get("statusReason", {}).get("text", "")),
        str(task.get("authoredOn", "")),
        [_issue(issue) for held in task.get("contained", ()) for issue in held.get("issue", ())],
        message,
    )


def _about(task: JsonObject, kind: str) -> str:
    if kind == INTAKE:
        return "/".join(_record(task).split("/")[:2])
    return "/".join(str(task.get("focus", {}).get("reference", "")).split("/")[:2])


def _record(task: JsonObject) -> str:
    """What an intake Task says that it is about."""
    return next((str(one.get("valueString", "")) for one in task.get("input", ())), "")


def _issue(issue: JsonObject) -> str:
    """What is wrong, with its place in front once."""
    said, places = (
        str(issue.get("diagnostics", issue.get("code", ""))),
        ", ".join(issue.get("expression", ())),
    )
    return said if said.startswith(places) else f"{places}: {said}"


def age(seconds: float) -> str:
    """How old something is, in the unit that suits it; empty for nothing."""
    if seconds <= 0:
        return ""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"

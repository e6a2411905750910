"""What the routers of configuration share: documents as who asks, how they are told, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import Path, Response
from pydantic import Field, StringConstraints

from fhirserver.interactions.configured.libraries import Libraries, Past, etag
from fhirserver.interactions.configured.versions import Versions
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.agents import ERROR, Agents, Fault
from fhirserver.rest.platform.rights import Asked
from fhirserver.rest.platform.shapes import Instant, Line, Link, Sent, Text, Told
from fhirserver.world.configuration import Configured
from fhirserver.world.configured.parts import ID

NewId = Annotated[str, StringConstraints(pattern=ID, min_length=1, max_length=48)]
"""An id that is given: lower case, so that it is well read aloud and in addresses."""
OwnId = Annotated[str, Path(pattern=ID, min_length=1, max_length=48)]
"""The same in a path."""
Document: TypeAlias = dict[str, Any]
LARGEST = 200_000
"""Characters of JSON that a document may have."""


class FaultTold(Told):
    """What is wrong with a document, and where (a JSON Pointer). A `warning` does not keep it from being put into
    force."""

    pointer: str
    detail: str
    severity: Literal["error", "warning"]


class Validation(Told):
    """`valid`: there is no error, though there may be warnings."""

    valid: bool
    faults: list[FaultTold]


class Change(Told):
    """What was said when, and by whom. `revision` is the version of the FHIR resource."""

    revision: str
    recorded: Instant
    by: str
    status: str
    version: str = ""
    deleted: bool = False


class Titled(Sent):
    """What it is called, for people."""

    title: Line
    description: Text = ""


class Renamed(Sent):
    """What is left out stays as it is."""

    title: Line | None = None
    description: Text | None = None


class Checked(Sent):
    """A document to be checked; without one, what is stored."""

    document: Annotated[Document, Field(max_length=100)] | None = None


def libraries(asked: Asked) -> Libraries:
    """Documents as who asks."""
    return Libraries(asked.platform.context, asked.platform.registry, asked.principal)


def agents_of(asked: Asked) -> Agents:
    """The agent's own checks. Refuses (409) where there are none."""
    agents = asked.platform.context.agents
    if agents is None:
        raise refuse(Category.CONFLICT, "not-supported", "This server has no agent")
    return agents


def versions(asked: Asked) -> Versions:
    """The versions of agents as who asks."""
    return Versions(libraries(asked), agents_of(asked).check)


def refuse_faults(asked: Asked, kind: str, document: Document, place: str = "/document") -> None:
    """Refuses (422) a document with errors, with the place of each in the body."""
    found = [one for one in agents_of(asked).check(kind, document) if one.severity == ERROR]
    if found:
        refusal = refuse(Category.UNPROCESSABLE, "invalid", "The document has errors")
        further = [refuse(Category.UNPROCESSABLE, "value", one.detail, place + one.pointer) for one in found]
        issues = [*refusal.issues, *(issue for one in further for issue in one.issues)]
        raise Refusal(Category.UNPROCESSABLE, issues)


def validation(faults: Sequence[Fault]) -> Validation:
    """As it is told."""
    told = [FaultTold(pointer=f.pointer, detail=f.detail, severity=_severity(f)) for f in faults]
    return Validation(valid=all(one.severity != "error" for one in told), faults=told)


def _severity(fault: Fault) -> Literal["error", "warning"]:
    return "error" if fault.severity == ERROR else "warning"


def change(past: Past) -> Change:
    """As it is told."""
    return Change.model_validate(
        {
            "revision": past.revision,
            "recorded": past.recorded,
            "by": past.by,
            "status": past.status,
            "version": past.version,
            "deleted": past.deleted,
        }
    )


def with_etag(response: Response, one: Configured) -> None:
    """The ETag by which it is changed next."""
    response.headers["ETag"] = etag(one)


def link(asked: Asked, one: Configured) -> Link:
    """The Library that it lies in."""
    found = asked.link(one.reference)
    assert found is not None, "the reference of a Library is one"
    return found

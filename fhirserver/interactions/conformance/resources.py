"""All of the server's definitions, and how they get into the store (ADR 0009)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from fhirserver.interactions.conformance.codes import all_codes
from fhirserver.interactions.conformance.connector_extension import connector_extension
from fhirserver.interactions.conformance.extensions import EXTENSIONS, structure_definition
from fhirserver.interactions.conformance.operations import operation_definition
from fhirserver.interactions.conformance.review_task import review_task_profile
from fhirserver.interactions.conformance.topics import topic_definitions
from fhirserver.interactions.registry import Operation
from fhirserver.kernel.ids import derived_id
from fhirserver.kernel.json import JsonObject, canonical, dumps, loads
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Key
from fhirserver.store.commands import Command, Note, Put
from fhirserver.store.store import Store
from fhirserver.world.vocabulary import BASE

_PUBLISHED = ("conformance", "published")


def definitions_of(operations: Iterable[Operation]) -> list[JsonObject]:
    """Extensions, profiles, code systems, value sets, and the operations that are defined here and not by HL7."""
    own = {one.definition: one for one in operations if one.definition.startswith(BASE)}
    return [
        *(loads(content) for content in _without_operations()),
        *(operation_definition(one) for one in own.values()),
    ]


@cache
def _without_operations() -> tuple[bytes, ...]:
    """As JSON, of which everybody parses a copy: each has a snapshot of its own, which takes long to make."""
    made: list[JsonObject] = [
        *(structure_definition(one) for one in EXTENSIONS),
        connector_extension(),
        review_task_profile(),
        *all_codes(),
        *topic_definitions(),
    ]
    return tuple(map(dumps, made))


def keys_of(resources: Iterable[JsonObject]) -> frozenset[Key]:
    """Where they are served: ``type/id``."""
    return frozenset(Key(resource["resourceType"], resource["id"]) for resource in resources)


async def publish(store: Store, resources: Sequence[JsonObject], source: str) -> None:
    """State the definitions, in one commit; nothing is written where they are published already."""
    digest = derived_id(*(canonical(resource).decode() for resource in resources))
    known = await store.fact(*_PUBLISHED)
    if known is not None and known.value.get("digest") == digest:
        return
    puts = [Put(resource["resourceType"], resource["id"], resource) for resource in resources]
    note = Note(*_PUBLISHED, {"digest": digest})
    await store.submit(Command(Statement(source, source), [*puts, note]))

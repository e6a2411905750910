"""What the event of a message does beyond what its segments say: merges, moves, changes of numbers, deletions.

https://www.hl7.eu/HL7v2x/v251/std251/ch03.html (3.3, trigger events; 3.6.2, merging, moving and linking).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from adapters.hl7v2.ingest.absences import Absences
from adapters.hl7v2.ingest.identity import Subject
from adapters.hl7v2.ingest.linking import Linked, Linker
from adapters.hl7v2.ingest.patients import Named, Naming, facility_of, owners
from adapters.hl7v2.intake.ingest import Rejected
from adapters.hl7v2.message import Message, Segment
from adapters.runner.crosswalk import Link
from adapters.runner.merging import merging, world_unmerge
from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.json import JsonObject
from fhirserver.store.commands import Put, Remove, Write
from fhirserver.store.store import Store

MERGES = frozenset(("A18", "A30", "A34", "A36", "A39", "A40"))
"""The patient that MRG names becomes that of PID."""
RENAMES = frozenset(("A46", "A47", "A48", "A51"))
"""MRG has the old number of the patient that PID names by the new one."""
VISIT_RENAMES = frozenset(("A50",))
VISIT_MERGES, ACCOUNT_MERGES = frozenset(("A42",)), frozenset(("A35", "A36", "A41"))
VISIT_MOVES, ACCOUNT_MOVES = frozenset(("A45",)), frozenset(("A44",))
LINKS, UNLINKS = frozenset(("A24",)), frozenset(("A37",))
DELETES = {"A23": "Encounter", "A29": "Patient"}


@frozen
class Events:
    """Makes the writes of a message's event, beside the statements about its resources."""

    store: Store
    linker: Linker
    naming: Naming

    async def writes(self, message: Message, linked: Linked, subjects: Sequence[Subject]) -> list[Write]:
        """What the event does; nothing for most. Raises :class:`Rejected` where it cannot be done."""
        if message.type != "ADT":
            return []
        made: list[Write] = []
        for pid, mrg in _pairs(message):
            patient = self._patient(pid, message, linked, subjects)
            if patient is not None:
                made += await self._former(message, mrg, patient, linked, subjects)
        made += await self._linking(message)
        if type := DELETES.get(message.event):
            made += [
                Remove(type, linked.world[one.locals[0]].partition("/")[2])
                for one in subjects
                if one.type == type
            ]
        return made

    def _patient(
        self, pid: Segment, message: Message, linked: Linked, subjects: Sequence[Subject]
    ) -> Subject | None:
        keys = {one.key for one in self.naming.of_patient(pid, facility_of(message))}
        found = (one for one in subjects if one.type == "Patient" and not keys.isdisjoint(one.keys))
        return next(found, None)

    async def _former(
        self, message: Message, mrg: Segment, patient: Subject, linked: Linked, subjects: Sequence[Subject]
    ) -> list[Write]:
        """What becomes of what an MRG names."""
        event, facility = message.event, facility_of(message)
        world = linked.world[patient.locals[0]].partition("/")[2]
        made: list[Write] = []
        if event in MERGES:
            made += await self._merged(mrg, facility, patient, world)
        if event in RENAMES:
            made += await self._renamed(mrg, facility, patient, world)
        if event in VISIT_RENAMES | VISIT_MERGES | VISIT_MOVES:
            made += await self._visit(event, mrg, facility, world, linked, subjects)
        if event in ACCOUNT_MERGES | ACCOUNT_MOVES:
            made += await self._account(event, mrg, facility, world)
        return made

    async def _merged(self, mrg: Segment, facility: str, patient: Subject, world: str) -> list[Write]:
        named = self.naming.of_former(mrg, facility)
        if not named:
            raise Rejected(
                "AE", "101", f"{mrg.place}-1", "A merge names the patient who is no more by a number"
            )
        into = await self._current(patient, world)
        made: list[Write] = []
        gone = await self.linker.record("Patient", [one.key for one in named])
        gone = gone or self.linker.crosswalk.fresh("Patient", named[0].key)
        if gone.record != into.record and gone.world != into.world:
            made += await merging(self.store, gone, into, taken=into)
        return made

    async def _current(self, patient: Subject, world: str) -> Link:
        """The link of the patient that goes on, also where this message is the first of it."""
        known = await self.linker.record("Patient", patient.keys)
        return known or replace(self.linker.crosswalk.link("Patient", patient.keys[0], world), revision=1)

    async def _renamed(self, mrg: Segment, facility: str, patient: Subject, world: str) -> list[Write]:
        """The number of before leads to the same patient, and is no number of that any more.

        The new number was linked to that patient by :func:`renamed_keys`, unless it is somebody else's already.
        """
        named = self.naming.of_former(mrg, facility)
        before = await self.linker.record("Patient", [one.key for one in named])
        if before is None:
            return []
        if before.world != world:
            raise Rejected(
                "AE", "205", "PID-3", "The new number is that of another patient: a merge is meant"
            )
        return [await self._without_number("Patient", world, named)]

    async def _without_number(self, type: str, world: str, named: Sequence[Named]) -> Put:
        values = {one.value for one in named}
        entity = await self.store.entity(type, world)
        view = entity.ledger.view(self.linker.crosswalk.source) if entity else None
        units = frozenset(
            unit
            for unit, items in (view.units if view else {}).items()
            if unit.startswith("identifier[") and {item.get("value") for item in items} <= values
        )
        return Put(type, world, {"resourceType": type}, absent=Absences(type, units=units))

    async def _visit(
        self, event: str, mrg: Segment, facility: str, world: str, linked: Linked, subjects: Sequence[Subject]
    ) -> list[Write]:
        """A visit that was moved, renamed, or merged into another."""
        cx = mrg.repetitions(5)
        named = self.naming.named(cx[0], facility) if cx else None
        before = await self._numbered("Encounter", named)
        if before is None:
            return []
        now = next((linked.world[one.locals[0]] for one in subjects if one.type == "Encounter"), "")
        content: JsonObject = {"resourceType": "Encounter"}
        if event in VISIT_MOVES:
            return [Put("Encounter", before.world, {**content, "subject": {"reference": f"Patient/{world}"}})]
        if now == f"Encounter/{before.world}" or not now:
            return []
        return [Put("Encounter", before.world, {**content, "status": "entered-in-error"})]

    async def _account(self, event: str, mrg: Segment, facility: str, world: str) -> list[Write]:
        cx = mrg.repetitions(3)
        before = await self._numbered("Account", self.naming.named(cx[0], facility) if cx else None)
        if before is None:
            return []
        said: JsonObject = {"status": "inactive"}
        if event in ACCOUNT_MOVES:
            said = {"subject": [{"reference": f"Patient/{world}"}]}
        return [Put("Account", before.world, {"resourceType": "Account", **said})]

    async def _numbered(self, type: str, named: Named | None) -> Link | None:
        """The record of a visit or account with this number, by whichever authority it was taken in."""
        if named is None:
            return None
        return await self.linker.record(type, [named.key, f"account:{named.key}"])

    async def _linking(self, message: Message) -> list[Write]:
        """Two records that are one person's but stay two (A24), and that this is no longer so (A37)."""
        if message.event not in LINKS | UNLINKS:
            return []
        links: list[Link] = []
        for _, named in owners(message, self.naming)[:2]:
            if link := await self.linker.record("Patient", [one.key for one in named]):
                links.append(link)
        if len(links) < 2:
            raise Rejected(
                "AE", "204", "PID[2]-3", "Both patients must be known before they are linked or unlinked"
            )
        one, other = links
        if message.event in UNLINKS and (apart := [*await self._apart(one, other)]):
            return apart
        return [await self._seen(one, other, message.event), await self._seen(other, one, message.event)]

    async def _apart(self, one: Link, other: Link) -> list[Write]:
        """The undoing of a merge that this source made of the two."""
        made: list[Write] = []
        for gone, into in ((one, other), (other, one)):
            if gone.into == into.record:
                made += replace(gone, into="", revision=gone.revision + 1).notes()
                made += await world_unmerge(self.store, gone)
        return made

    async def _seen(self, one: Link, other: Link, event: str) -> Put:
        """The statement that one record is linked to the other, or not any more."""
        entity = await self.store.entity("Patient", one.world)
        view = entity.ledger.view(one.source) if entity else None
        reference = f"Patient/{other.world}"
        said = [
            item
            for item in _links(view.units if view else {})
            if item.get("other", {}).get("reference") != reference
        ]
        if event in LINKS:
            said.append({"other": {"reference": reference}, "type": "seealso"})
        content: JsonObject = {"resourceType": "Patient", **({"link": said} if said else {})}
        return Put(
            "Patient", one.world, content, absent=None if said else Absences("Patient", frozenset({"link"}))
        )


def renamed_keys(message: Message, naming: Naming, linked: Sequence[Subject]) -> dict[str, tuple[str, ...]]:
    """Further keys of a message's resources: the old numbers of a patient or visit that has a new one."""
    found: dict[str, tuple[str, ...]] = {}
    if message.type != "ADT" or message.first("MRG") is None:
        return found
    facility = facility_of(message)
    for pid, mrg in _pairs(message):
        if message.event in RENAMES:
            keys = {one.key for one in naming.of_patient(pid, facility)}
            old = tuple(one.key for one in naming.of_former(mrg, facility))
            found.update(
                (one.locals[0], old) for one in linked if one.type == "Patient" and keys & set(one.keys)
            )
        if (
            message.event in VISIT_RENAMES
            and (cx := mrg.repetitions(5))
            and (was := naming.named(cx[0], facility))
        ):
            found.update((one.locals[0], (was.key,)) for one in linked if one.type == "Encounter")
    return found


def _pairs(message: Message) -> Iterator[tuple[Segment, Segment]]:
    """Each MRG with the PID before it."""
    pid: Segment | None = None
    for segment in message.segments:
        if segment.name == "PID":
            pid = segment
        elif segment.name == "MRG" and pid is not None:
            yield pid, segment


def _links(units: JsonObject) -> list[JsonObject]:
    return list(units.get("link", {}).get("link", ()))

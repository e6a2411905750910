"""Candidates: which stored patients may be the one that is looked for, by blocking, and how sure each is.

A block is a search that finds few, by the index that searches use anyway: nothing more is kept, so nothing more can
differ after a rebuild. Each asks for something rare that records of one person mostly share (an identifier, a phone
number, the birth date, the sound of the names, the home); together they miss a pair only where all of it is wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.storage import Version
from fhirserver.search.expression import (
    DateIs,
    Everything,
    Expression,
    Nothing,
    Query,
    StringIs,
    TokenIs,
    conjunction,
    disjunction,
)
from fhirserver.search.literals import date_range
from fhirserver.search.phonetic import sounds
from fhirserver.search.values import fold
from fhirserver.store.store import Store
from fhirserver.world.identity.identifiers import WRITEBACK
from fhirserver.world.identity.person import Person, person_of
from fhirserver.world.identity.scoring import Grade, Score, score

BLOCK = 40
"""Resources that one block takes at most: one that finds more is not rare enough to tell much."""

_AT_ONCE = 16
"""Candidates compared before others' requests have their turn."""


Free: TypeAlias = Callable[[Collection[str]], Awaitable[Sequence[str]]]
"""Of some ids those of resources that may be taken at all, in their order."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored patient and how sure it is that this is the one."""

    version: Version
    content: JsonObject
    score: Score


async def candidates(
    store: Store,
    patient: JsonObject,
    spared: Collection[str] = (),
    least: Grade = Grade.POSSIBLE,
    free: Free | None = None,
) -> list[Candidate]:
    """The stored patients that may be ``patient``, the surest first; ties in order of id.

    Left out are the ids that are ``spared``, those that are not ``free``, records that were merged into another, and
    what is below ``least``.
    """
    person = person_of(patient)
    wheres = certain_blocks(patient, person) if least is Grade.CERTAIN else blocks(patient, person)
    found = [one for one in await blocked(store, "Patient", wheres) if one.id not in spared]
    if free is not None:
        left = frozenset(await free([one.id for one in found]))
        found = [one for one in found if one.id in left]
    wanted: list[Candidate] = []
    for number, version in enumerate(found):
        one = judge(version, person)
        if one is not None and _reaches(one.score.grade, least):
            wanted.append(one)
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return sorted(wanted, key=lambda one: (-one.score.probability, -one.score.bits, one.version.id))


def judge(version: Version, person: Person) -> Candidate | None:
    """The stored patient compared with a person; None for one that was merged into another."""
    content: JsonObject = loads(version.content)
    if is_replaced(content):
        return None
    return Candidate(version, content, score(person, person_of(content)))


def is_replaced(patient: JsonObject) -> bool:
    """Whether a patient was merged into another."""
    return any(link.get("type") == "replaced-by" for link in patient.get("link") or ())


_GRADES = tuple(Grade)


def _reaches(grade: Grade, least: Grade) -> bool:
    return _GRADES.index(grade) <= _GRADES.index(least)


async def blocked(store: Store, type: str, wheres: Iterable[Expression]) -> list[Version]:
    """The resources of all blocks, each once."""
    queries = [
        Query(type, where, count=BLOCK) for where in wheres if not isinstance(where, Everything | Nothing)
    ]
    found: dict[str, Version] = {}
    for query in queries:
        page = await store.search(query)
        found.update((version.id, version) for version in page.versions)
        await asyncio.sleep(0)  # others' requests go between
    return list(found.values())


def blocks(patient: JsonObject, person: Person) -> Iterator[Expression]:
    """The searches for a patient, each of which finds few."""
    tokens: list[Expression] = [*identifier_tokens(patient), *_contacts(patient)]
    if tokens:
        yield disjunction(tokens)
    names = sounding(person)
    either = disjunction([sound for name in names for sound in name])
    if len(person.birth) == 10:
        born = _born(person.birth)
        yield born
        yield conjunction([born, either])
    for name in names:  # whose birth date is another altogether shares more than a name, or is somebody else
        yield conjunction([*name, _born(person.birth[:4])] if person.birth else [*name])
    homes = disjunction(list(_homes(patient)))
    yield conjunction([homes, either])
    yield conjunction([disjunction(_slips(person)), either])


def certain_blocks(patient: JsonObject, person: Person) -> Iterator[Expression]:
    """Those of the searches by which all is found that is certain (docs/identity.md): a shared identifier or phone
    number, or two of the birth date, the names and the home."""
    tokens: list[Expression] = [*identifier_tokens(patient), *_contacts(patient)]
    if tokens:
        yield disjunction(tokens)
    either = [sound for name in sounding(person) for sound in name]
    homes: list[Expression] = [*_homes(patient)]
    if len(person.birth) == 10:
        yield conjunction([_born(person.birth), disjunction([*either, *homes])])
    yield conjunction([disjunction(homes), disjunction(either)])


def identifier_tokens(resource: JsonObject) -> Iterator[TokenIs]:
    """The identifiers of a resource that have a system."""
    for item in resource.get("identifier") or ():
        system, value = item.get("system"), str(item.get("value") or "").strip()
        if system and value and system != WRITEBACK:
            yield TokenIs("identifier", str(system), value)


def _contacts(patient: JsonObject) -> Iterator[TokenIs]:
    """Phone numbers in the ways they are mostly written, and e-mail addresses."""
    for item in patient.get("telecom") or ():
        value = str(item.get("value") or "")
        ways = _written(value) if item.get("system") in ("phone", "sms") else {value, value.lower()}
        for way in sorted(ways - {""}):
            yield TokenIs("telecom", None, way)


def _written(number: str) -> set[str]:
    digits = "".join(c for c in number if c.isdigit())
    ten = digits[-10:]
    ways = {number, digits, f"+{digits}"}
    if len(ten) == 10 and digits in (ten, f"1{ten}"):
        area, exchange, line = ten[:3], ten[3:6], ten[6:]
        ways |= {ten, f"+1{ten}", f"1{ten}", f"{area}-{exchange}-{line}", f"({area}) {exchange}-{line}"}
        ways |= {f"+1-{area}-{exchange}-{line}", f"{area}.{exchange}.{line}", f"+1 {area} {exchange} {line}"}
        ways |= {f"1-{area}-{exchange}-{line}", f"+1 ({area}) {exchange}-{line}", f"{area} {exchange} {line}"}
    return ways


def sounding(person: Person) -> list[list[Expression]]:
    """For each of the first names how its given and family name sound, whichever stands where."""
    sounding = ([*_sound(name.first), *_sound(name.family)] for name in person.names[:2])
    return [sound for sound in sounding if sound]


def _sound(name: str) -> list[Expression]:
    return [StringIs("phonetic", code, "whole") for code in sounds(fold(name))[:1]] if len(name) > 1 else []


def _born(text: str) -> DateIs:
    """Born on the day, or in the year."""
    return DateIs("birthdate", "eq", *date_range(text))


def _slips(person: Person) -> list[Expression]:
    """The birth dates that a slip makes of one: day and month changed about, a day or a year beside, digits turned."""
    try:
        born = date.fromisoformat(person.birth)
    except ValueError:
        return []
    near = {born + timedelta(days=1), born - timedelta(days=1)}
    year, month, day = person.birth.split("-")
    texts = [f"{year}-{day}-{month}", f"{year}-{month}-{day[::-1]}", f"{year[:2]}{year[:1:-1]}-{month}-{day}"]
    texts += [f"{int(year) + by}-{month}-{day}" for by in (-10, -1, 1, 10)]
    for text in texts:
        try:
            near.add(date.fromisoformat(text))
        except ValueError:
            continue
    return [_born(one.isoformat()) for one in sorted(near - {born})]


def _homes(patient: JsonObject) -> Iterator[Expression]:
    """The postal codes and the lines of the addresses, as they stand."""
    for item in (patient.get("address") or ())[:3]:
        for text in (item.get("postalCode"), *(item.get("line") or ())):
            if text and (folded := fold(str(text))):
                code = "address-postalcode" if text == item.get("postalCode") else "address"
                yield StringIs(code, folded, "whole")


def best(found: Sequence[Candidate], grade: Grade = Grade.CERTAIN) -> Candidate | None:
    """The only candidate of a grade; None where there is none or several."""
    of = [one for one in found if one.score.grade is grade]
    return of[0] if len(of) == 1 else None

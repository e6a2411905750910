"""Patients as the pages name them, and finding one by name, birth date, phone or identifier."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fhirserver.access.principals import Principal
from fhirserver.interactions.exchange import Context, Request
from fhirserver.interactions.noting import dispatch_noted
from fhirserver.interactions.registry import Registry
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.store.store import Store
from fhirserver.world.units import normal_phone

MOST = 50
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}/\d{1,2}/\d{4}")
_NUMBER = re.compile(r"[+(]?\d[\d\s().-]{4,}\d")


@dataclass(frozen=True, slots=True)
class Person:
    """A patient in a list."""

    id: str
    name: str
    born: str
    gender: str
    phones: Sequence[str]
    identifiers: Sequence[str]

    @property
    def title(self) -> str:
        return f"{self.name}{f', born {self.born}' if self.born else ''}"


def person(resource: JsonObject) -> Person:
    """What a list shows of a patient."""
    names = resource.get("name") or [{}]
    name = names[0] if isinstance(names, list) else {"text": names}
    said = name.get("text") or " ".join([*name.get("given", ()), name.get("family", "")]).strip()
    telecom = resource.get("telecom", ())
    return Person(
        id=resource["id"],
        name=said or f"{resource['resourceType']}/{resource['id']}",
        born=resource.get("birthDate", ""),
        gender=resource.get("gender", ""),
        phones=[one["value"] for one in telecom if one.get("system") == "phone" and "value" in one],
        identifiers=[one["value"] for one in resource.get("identifier", ()) if "value" in one],
    )


async def name_of(store: Store, reference: str) -> str:
    """A patient's name and birth date, or the reference itself."""
    type, _, id = reference.partition("/")
    version = await store.read(type, id) if id else None
    if version is None or version.deleted:
        return reference
    return person(loads(version.content)).title


def asked(text: str) -> list[list[tuple[str, str]]]:
    """The searches, by parameters of Patient, that a text in the search box stands for: what any of them finds.

    A date is a birth date, a number a phone number or an identifier, words are parts of the name, or an identifier.
    """
    born = _DATE.search(text)
    rest = text.replace(born.group(), " ") if born else text
    number = _NUMBER.search(rest)
    words = re.findall(r"[^\s,]+", rest.replace(number.group(), " ") if number else rest)
    common = [("birthdate", _iso(born.group()))] if born else []
    common += [("name", _escaped(word)) for word in words]
    if number:
        said = number.group().strip()
        phones = {said, normal_phone(said), re.sub(r"\D", "", said)}
        return [
            [*common, ("phone", ",".join(sorted(_escaped(one) for one in phones)))],
            [*common, ("identifier", _escaped(said))],
        ]
    if len(words) == 1 and not born:
        return [common, [("identifier", _escaped(words[0]))]]
    return [common] if common else []


def _iso(date: str) -> str:
    if "/" not in date:
        return date
    month, day, year = date.split("/")
    return f"{year}-{int(month):02}-{int(day):02}"


def _escaped(text: str) -> str:
    return re.sub(r"([\\,$|])", r"\\\1", text)


async def found(
    context: Context, registry: Registry, principal: Principal, text: str
) -> tuple[list[Person], bool]:
    """The patients that a text in the search box finds, and whether there are more."""
    people: dict[str, Person] = {}
    more = False
    for params in asked(text):
        request = Request(principal, "GET", "Patient", params=[*params, ("_count", str(MOST))])
        bundle = loads((await dispatch_noted(context, registry, request)).body)
        more = more or any(link["relation"] == "next" for link in bundle.get("link", ()))
        found = (entry["resource"] for entry in bundle.get("entry", ()))
        people.update((one["id"], person(one)) for one in found if one["resourceType"] == "Patient")
    return list(people.values()), more

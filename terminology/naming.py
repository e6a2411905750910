"""By what names code systems and identifier systems are known: urls, OIDs, UUIDs, codes of v2 table 0396.

What is stored here comes first (NamingSystems, then the ``identifier`` of CodeSystems), then the names of the systems
that others keep (``data/external_systems.toml``), R4's NamingSystems, and the OIDs of R4's own CodeSystems
(``data/oids.bin``). https://hl7.org/fhir/R4/namingsystem.html
"""

from __future__ import annotations

import lzma
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from importlib import resources
from typing import NamedTuple

from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.model.definitions import definitions
from terminology.concept_maps.known import NothingStored, Shelf

_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+\Z")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_TABLE = re.compile(r"HL7-?0?(\d{4})\Z")
_V2 = "http://terminology.hl7.org/CodeSystem/v2-"


class Name(NamedTuple):
    """One name of a system. ``type`` is ``oid``, ``uuid``, ``uri`` or ``other``; OIDs and UUIDs are bare."""

    type: str
    value: str
    preferred: bool = False


Names = tuple[Name, ...]


class SystemNames:
    """See :class:`fhirserver.ports.concept_maps.Naming`. Call :meth:`forget` when the shelf has changed."""

    def __init__(self, shelf: Shelf | None = None, clock: Clock | None = None):
        self._shelf, self._clock = shelf or NothingStored(), clock or SystemClock()
        self._stored: dict[str, list[Names]] | None = None

    def forget(self, changed: Collection[str] = ()) -> None:
        self._stored = None

    def url(self, name: str) -> str:
        if not name or name.startswith(("http:", "https:")):
            return name
        known = self._known_by(plain(name))
        for names in known if _agree(known) else ():
            uris = [one for one in names if one.type == "uri"]
            if uris:
                return next((one.value for one in uris if one.preferred), uris[0].value)
        return name

    def preferred_id(self, name: str, type: str) -> str:
        known = self._known_by(plain(name))
        if len(known) > 1 and not _agree(known):
            text = f"{len(known)} systems have this name"
            raise refuse(Category.UNPROCESSABLE, "multiple-matches", text)
        if not known:
            where = "Parameters.parameter.where(name='id')"
            raise refuse(Category.NOT_FOUND, "not-found", "No system of this name is known here", where)
        names = known[0]
        fitting = [one for one in names if one.type == type]
        if not fitting:
            where = "Parameters.parameter.where(name='type')"
            text = f"The system has no name of the type {type}"
            raise refuse(Category.NOT_FOUND, "not-found", text, where)
        chosen = [one for one in fitting if one.preferred] or fitting
        if len(chosen) > 1:
            text = f"The system has {len(chosen)} names of the type {type}, of which none is preferred"
            raise refuse(Category.UNPROCESSABLE, "multiple-matches", text)
        return chosen[0].value

    def _known_by(self, name: str) -> list[Names]:
        """The systems that have the name, of the nearest who knows any."""
        if self._stored is None:
            self._stored = _by_name(self._all_stored())
        found = self._stored.get(_key(name)) or _built_in().get(_key(name)) or _of_table(name)
        return list(dict.fromkeys(found))

    def _all_stored(self) -> Iterator[Names]:
        today = self._clock.now().date().isoformat()
        for entry in self._shelf.stored("NamingSystem"):
            resource = entry.resource()
            if resource.get("status") != "retired":
                yield names_of(resource, today)
        for entry in self._shelf.stored("CodeSystem"):
            yield _of_code_system(entry.resource())


def plain(name: str) -> str:
    """An OID or UUID without ``urn:oid:`` or ``urn:uuid:``."""
    lower = name.lower()
    for prefix in ("urn:oid:", "urn:uuid:"):
        if lower.startswith(prefix):
            return name[len(prefix) :]
    return name


def names_of(resource: JsonObject, today: str = "") -> Names:
    """The names that a NamingSystem states, without those that are over."""
    return tuple(
        Name(one["type"], plain(one["value"]), one.get("preferred", False))
        for one in resource.get("uniqueId", ())
        if not _is_over(one.get("period", {}).get("end", ""), today)
    )


def _is_over(end: str, today: str) -> bool:
    """Dates may be partial: ``2020`` ends with its last day."""
    return bool(end and today) and end[:10] < today[: len(end[:10])]


def _of_code_system(resource: JsonObject) -> Names:
    """Its url, and the OIDs and UUIDs among its identifiers."""
    names = [Name("uri", resource["url"], True)] if resource.get("url") else []
    for identifier in resource.get("identifier", ()):
        value = plain(str(identifier.get("value", "")))
        if identifier.get("system") == "urn:ietf:rfc:3986" and (type := _type(value)):
            names.append(Name(type, value))
    return tuple(names)


def _type(value: str) -> str:
    return "oid" if _OID.match(value) else "uuid" if _UUID.match(value) else ""


def _key(name: str) -> str:
    """UUIDs and codes of table 0396 are the same in any case."""
    return name if ":" in name else name.upper()


def _by_name(systems: Iterable[Names]) -> dict[str, list[Names]]:
    found: dict[str, list[Names]] = {}
    for names in systems:
        for one in names:
            found.setdefault(_key(one.value), []).append(names)
    return found


def _agree(systems: Collection[Names]) -> bool:
    """Whether they are one system, of which one says more than the other."""
    urls = {name.value for names in systems for name in names if name.type == "uri"}
    return len(urls) == 1


def _of_table(name: str) -> list[Names]:
    """A table of v2 as its messages name it: ``HL70001``."""
    match = _TABLE.match(name.upper())
    return _built_in().get(_key(f"{_V2}{match[1]}"), []) if match else []


@cache
def _built_in() -> dict[str, list[Names]]:
    """Without what a nearer one says of the same system."""
    external = [_external(url, *names) for url, names in _data("external_systems.toml").items()]
    archive = definitions().archive
    told = {name.value for names in external for name in names}
    systems = [names_of(archive.read(entry)) for entry in archive.entries("NamingSystem")]
    systems += [_own(url, oids) for url, oids in _data("oids.bin").items()]
    return _by_name((*external, *(names for names in systems if not told & {one.value for one in names})))


def _external(url: str, oid: str, code: str) -> Names:
    stated = (Name("uri", url, True), Name("oid", oid), Name("other", code))
    return tuple(one for one in stated if one.value)


def _own(url: str, oids: Iterable[str]) -> Names:
    table = re.fullmatch(re.escape(_V2) + r"(\d{4})", url)
    codes = (Name("other", f"HL7{table[1]}"),) if table else ()
    return (Name("uri", url, True), *(Name("oid", oid) for oid in oids), *codes)


def _data(name: str) -> JsonObject:
    content = (resources.files(__package__) / "data" / name).read_bytes()
    if name.endswith(".toml"):
        return tomllib.loads(content.decode())
    found: JsonObject = loads(lzma.decompress(content))
    return found

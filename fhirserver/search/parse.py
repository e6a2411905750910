"""Request parameters to a :class:`~fhirserver.search.expression.Query`. https://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from fhirserver.kernel.outcomes import Category, Issue, Refusal
from fhirserver.kernel.wall import seconds
from fhirserver.model.definitions import definitions
from fhirserver.ports.terminology import Terminology
from fhirserver.search import controls, cursor, filters
from fhirserver.search.coded import LISTED
from fhirserver.search.contained import refusals
from fhirserver.search.defined import STANDARD, Parameters
from fhirserver.search.expression import Cursor, Expression, Include, Query, SortKey, conjunction
from fhirserver.search.parameters import NotKnown, NotSupported, reader
from fhirserver.search.terms import Context

OF_THE_EDGE: Final = frozenset({"_format", "_pretty"})
"""Parameters of the request that are nothing of the search; they are passed over."""


def parse(
    type_name: str,
    pairs: Iterable[tuple[str, str]],
    *,
    base: str = "",
    lenient: bool = False,
    default_count: int = 50,
    maximum_count: int = 1000,
    now: float | None = None,
    terminology: Terminology | None = None,
    known: Parameters = STANDARD,
    contained: bool = False,
    listed: int = LISTED,
) -> Query:
    """The query that ``pairs`` of decoded names and values ask of one resource type.

    ``base`` is the server's own base URL: references that start with it are local. ``now`` is Unix time in
    seconds (for ``ap``). ``terminology`` answers ``:in``, ``:not-in``, ``:above`` and ``:below`` of tokens.
    ``known`` are the parameters there are. ``contained``: contained resources may be searched for.
    ``listed``: value sets of so many codes at most are listed, larger ones are left open
    (:class:`fhirserver.search.expression.TokenAmong`).
    Raises :class:`Refusal` with one issue per bad parameter, whose ``expression`` is ``http.name``; with
    ``lenient`` unknown parameters are left out and named in ``Query.ignored``.
    """
    if type_name not in definitions().resource_types:
        raise Refusal(Category.NOT_FOUND, [Issue("not-supported", "There is no such resource type")])
    base = base if not base or base.endswith("/") else f"{base}/"
    at = int((seconds() if now is None else now) * 1_000_000)
    reading = _Reading(
        type_name,
        Context(base, at, terminology, listed),
        lenient,
        default_count,
        maximum_count,
        known,
        contained,
    )
    for name, value in pairs:
        reading.take(name, value)
    return reading.finish()


@dataclass(slots=True)
class _Reading:
    """A query while its parameters are read."""

    type: str
    context: Context
    lenient: bool
    count: int
    maximum_count: int
    known: Parameters
    contained: bool
    where: list[Expression] = field(default_factory=list)
    sort: tuple[SortKey, ...] = ()
    cursor: str = ""
    includes: list[Include] = field(default_factory=list)
    revincludes: list[Include] = field(default_factory=list)
    shape: dict[str, Any] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    single: dict[str, str] = field(default_factory=dict)

    def once(self, name: str, value: str) -> None:
        """Refuse a second value of what shapes the answer as a whole."""
        if self.single.setdefault(name, value) != value:
            raise ValueError("expected it once")

    def take(self, name: str, value: str) -> None:
        """Read one parameter; what is wrong with it is kept for the refusal."""
        try:
            control = _CONTROLS.get(name.partition(":")[0]) if name[:1] == "_" else None
            if control is not None:
                control(self, name, value)
            elif name not in OF_THE_EDGE:
                self._criterion(name, value)
        except NotKnown as error:
            self._unknown(name, error)
        except ValueError as error:
            self._wrong(name, f"Malformed value of {name}: {error}")

    def _criterion(self, name: str, value: str) -> None:
        if not value:
            raise ValueError("expected a value")
        value.encode()
        if name == "_filter":
            self.where.append(filters.read(self.type, value, self.context, self.known))
            return
        found = reader(self.type, name, 0, self.known)
        self.where.append(found.read(value, self.context))

    def _unknown(self, name: str, problem: NotKnown) -> None:
        if self.lenient and not isinstance(problem, NotSupported):
            self.ignored.append(name)
        else:
            self.issues.append(Issue("not-supported", str(problem), (f"http.{name}",)))

    def _wrong(self, name: str, problem: str) -> None:
        self.issues.append(Issue("invalid", problem, (f"http.{name}",)))

    def finish(self) -> Query:
        place = None
        if self.cursor:
            try:
                place = cursor.decode(self.cursor, self.sort)
            except ValueError as error:
                self._wrong("_cursor", f"Malformed value of _cursor: {error}")
        if self.shape.get("summary") == "text" and (self.includes or self.revincludes):
            self._wrong("_summary", "_summary=text cannot be combined with _include and _revinclude")
        query = self._query(place)
        for name, problem in refusals(query):
            self.issues.append(Issue("not-supported", problem, (f"http.{name}",)))
        if self.issues:
            raise Refusal(Category.INVALID, self.issues)
        return query

    def _query(self, place: Cursor | None) -> Query:
        return Query(
            type=self.type,
            where=conjunction(self.where),
            sort=self.sort,
            count=self.count,
            cursor=place,
            includes=tuple(self.includes),
            revincludes=tuple(self.revincludes),
            ignored=tuple(self.ignored),
            **self.shape,
        )


_Control = Callable[[_Reading, str, str], None]


def _sort(reading: _Reading, name: str, value: str) -> None:
    _bare(name)
    reading.sort += controls.sort_keys(reading.type, value, reading.known)


def _count(reading: _Reading, name: str, value: str) -> None:
    _bare(name)
    reading.once(name, value)
    reading.count = controls.page_size(value, reading.maximum_count)


def _cursor(reading: _Reading, name: str, value: str) -> None:
    _bare(name)
    if not value:
        raise ValueError("expected the _cursor of a page")
    reading.once(name, value)
    reading.cursor = value


def _include(reading: _Reading, name: str, value: str) -> None:
    reading.includes.append(controls.include(reading.type, name, value, reading.known))


def _revinclude(reading: _Reading, name: str, value: str) -> None:
    reading.revincludes.append(controls.include(reading.type, name, value, reading.known))


def _choice(member: str, allowed: frozenset[str], reading: _Reading, name: str, value: str) -> None:
    _bare(name)
    reading.once(name, value)
    reading.shape[member] = controls.choice(value, allowed)


def _contained(reading: _Reading, name: str, value: str) -> None:
    _bare(name)
    reading.once(name, value)
    chosen = controls.choice(value, controls.CONTAINED[name])
    if name == "_containedType":
        reading.shape["contained_type"] = chosen
    elif chosen == "false":
        reading.shape.pop("contained", None)
    elif reading.contained:
        reading.shape["contained"] = chosen
    else:
        raise NotKnown("Contained resources cannot be searched for here; _contained must be false")


def _explain(reading: _Reading, name: str, value: str) -> None:
    _bare(name)
    reading.shape["explain"] = controls.choice(value, frozenset({"true", "false"})) == "true"


def _elements(reading: _Reading, name: str, value: str) -> None:
    _bare(name)
    before = reading.shape.get("elements", ())
    reading.shape["elements"] = (*before, *controls.element_names(reading.type, value))


def _query(reading: _Reading, name: str, value: str) -> None:
    raise NotSupported("There are no named queries on this server")


def _bare(name: str) -> None:
    if ":" in name:
        raise NotKnown(f"{name.partition(':')[0]} has no modifiers")


_CONTROLS: Final[dict[str, _Control]] = {
    "_sort": _sort,
    "_count": _count,
    "_cursor": _cursor,
    "_include": _include,
    "_revinclude": _revinclude,
    "_summary": partial(_choice, "summary", controls.SUMMARIES),
    "_total": partial(_choice, "total", controls.TOTALS),
    "_elements": _elements,
    "_contained": _contained,
    "_containedType": _contained,
    "_explain": _explain,
    "_query": _query,
}

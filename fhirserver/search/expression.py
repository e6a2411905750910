"""A search as a neutral tree: what is asked, nothing of how. Storages only render it.

A predicate holds when *some* value of the resource under its ``param`` fulfils it (see
:mod:`fhirserver.search.values`; derived ones such as ``code:text`` included). Negation is ``Not`` around
a whole predicate. https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

Prefix: TypeAlias = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
Kind: TypeAlias = Literal["string", "token", "reference", "date", "number", "quantity", "uri", "composite"]


@dataclass(frozen=True, slots=True)
class Everything:
    """Every resource of the type."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No resource."""


@dataclass(frozen=True, slots=True)
class And:
    """All of ``of`` hold; at least two."""

    of: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of ``of`` holds; at least two."""

    of: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """``of`` does not hold: also for resources without any value."""

    of: Expression


@dataclass(frozen=True, slots=True)
class IdIs:
    """The logical id."""

    id: str


@dataclass(frozen=True, slots=True)
class LastUpdated:
    """``meta.lastUpdated``, an instant with milliseconds, compared as in :class:`DateIs`."""

    prefix: Prefix
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class StringIs:
    """``exact`` compares the text itself, all others a folded ``text`` with folded values."""

    param: str
    text: str
    how: Literal["starts", "contains", "exact", "ends", "whole"] = "starts"


@dataclass(frozen=True, slots=True)
class TokenIs:
    """``system`` None: any; "": no system. ``code`` None: any code of that system. Never both None."""

    param: str
    system: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class TokenIn:
    """One of many codes: each system ("": none) with its codes, as a value set or a hierarchy gives them."""

    param: str
    sets: tuple[tuple[str, frozenset[str]], ...]


class CodeSet(Protocol):
    """Codes that are too many to be listed, or without end; each can be asked about."""

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems that it has codes of."""
        ...

    def members(self, system: str, codes: Iterable[str]) -> frozenset[str]:
        """Those of the codes that are in it. May wait for another server. Raises a refusal where it cannot
        tell."""
        ...


@dataclass(frozen=True, slots=True)
class TokenAmong:
    """One of the codes of a set that is not listed. Storages answer it for the codes they hold, as :class:`TokenIn`
    (see :mod:`fhirserver.search.settling`)."""

    param: str
    codes: CodeSet


@dataclass(frozen=True, slots=True)
class ReferenceIs:
    """``type`` (None: any) and id of the target; ``type`` "": a URL or urn that is not on this server."""

    param: str
    type: str | None
    target: str


@dataclass(frozen=True, slots=True)
class DateIs:
    """A prefix with the half-open range of the search value in microseconds (already widened for ``ap``).

    What each prefix asks of a value's range is :func:`fhirserver.search.ranges.date_holds`.
    """

    param: str
    prefix: Prefix
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class NumberIs:
    """``eq``, ``ne``: half-open range of the implicit precision; ``ap``: closed range; others: low = high.

    What each prefix asks of a value's range is :func:`fhirserver.search.ranges.number_holds`.
    """

    param: str
    prefix: Prefix
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class QuantityIs:
    """As :class:`NumberIs`, with a unit: ``code`` None: any; ``system`` None: ``code`` is a code or a unit.

    What each prefix asks of a value's range is :func:`fhirserver.search.ranges.number_holds`.
    """

    param: str
    prefix: Prefix
    low: float
    high: float
    system: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class UriIs:
    """``below``: under ``uri`` as a path; ``above``: ``uri`` is under it; ``contains``: in any case."""

    param: str
    uri: str
    how: Literal["exact", "below", "above", "contains"] = "exact"


@dataclass(frozen=True, slots=True)
class CompositeIs:
    """One tuple of values fulfils all ``parts``."""

    param: str
    parts: tuple[SimplePredicate, ...]


@dataclass(frozen=True, slots=True)
class Differs:
    """Some value under the predicate's ``param`` is another one: not equal to what ``of`` asks for.

    Strings differ from a whole text, uris from an exact one.
    """

    of: StringIs | TokenIs | ReferenceIs | UriIs


@dataclass(frozen=True, slots=True)
class WordIs:
    """The narrative (``_text``) or the whole resource (``_content``) has a word, or one that ``starts`` so.

    Words are folded and consist of letters and digits.
    """

    param: str
    word: str
    starts: bool = False


@dataclass(frozen=True, slots=True)
class PhraseIs:
    """The words stand one after the other in the narrative (``_text``), or also in one text (``_content``).

    It is asked for together with each of its words, so it need not be quick.
    """

    param: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Near:
    """The position is at most ``metres`` from the place (degrees); its values are under derived parameters."""

    param: str
    latitude: float
    longitude: float
    metres: float


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no value under ``param``, whose values are of ``kind``."""

    param: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Chain:
    """``param`` refers to a current resource of ``type`` for which ``where`` holds.

    ``by_url``: it does so by the resource's canonical url; then ``param`` is the derived one of canonicals,
    and one with a version means only the resource of that version.
    """

    param: str
    type: str
    where: Expression
    by_url: bool = False


@dataclass(frozen=True, slots=True)
class Within:
    """``param`` refers to ``type/target``, or to what is below (above) it along the references ``via``.

    ``via`` is the parameter of ``type`` by which a resource refers to the one it is part of.
    """

    param: str
    type: str
    target: str
    via: str
    direction: Literal["above", "below"]


@dataclass(frozen=True, slots=True)
class Has:
    """A current resource of ``type`` refers by its ``param`` to this one, and ``where`` holds for it.

    ``by_url`` as in :class:`Chain`.
    """

    type: str
    param: str
    where: Expression
    by_url: bool = False


SimplePredicate: TypeAlias = StringIs | TokenIs | ReferenceIs | DateIs | NumberIs | QuantityIs | UriIs
Expression: TypeAlias = (
    Everything
    | Nothing
    | And
    | Or
    | Not
    | IdIs
    | LastUpdated
    | SimplePredicate
    | TokenIn
    | TokenAmong
    | Within
    | WordIs
    | PhraseIs
    | Near
    | CompositeIs
    | Differs
    | Missing
    | Chain
    | Has
)


@dataclass(frozen=True, slots=True)
class SortKey:
    """Resources in the order of their least value (greatest, if descending); those without a value come last.

    What is compared: string folded, token code, reference target, date low, number low, quantity value, uri;
    kind ``id``: the logical id; kind ``updated``: the last update. Ties are in order of creation, or in
    the reverse if the first key is descending.
    """

    param: str
    kind: Kind | Literal["id", "updated"]
    descending: bool = False


SortValue: TypeAlias = str | int | float | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last resource of the page before: its sort values (None: it has none), and what breaks the tie."""

    keys: tuple[SortValue, ...]
    tie: int | str


@dataclass(frozen=True, slots=True)
class Include:
    """``source:param[:target]``; ``param`` "*" stands for every reference, ``target`` "" for every type."""

    source: str
    param: str
    target: str = ""
    iterate: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """One search of one resource type; of the several ``types`` where ``type`` is "".

    ``wheres`` are then the conditions of each of the types, where they are not the same for all.
    ``count`` is the page size (0: only the total is wanted); ``summary``: "", true, text, data, count, false;
    ``total``: "" or none, estimate, accurate; ``contained``: "" or true, both (answered with what it
    lies in, or with itself where ``contained_type`` is contained); ``explain``: say how it is
    answered; ``ignored``: names of parameters dropped in lenient mode.
    """

    type: str
    where: Expression = Everything()
    sort: tuple[SortKey, ...] = ()
    count: int = 50
    cursor: Cursor | None = None
    includes: tuple[Include, ...] = ()
    revincludes: tuple[Include, ...] = ()
    summary: str = ""
    elements: tuple[str, ...] = ()
    total: str = ""
    ignored: tuple[str, ...] = ()
    explain: bool = False
    contained: str = ""
    contained_type: str = "container"
    types: tuple[str, ...] = ()
    wheres: tuple[Expression, ...] = ()

    def by_type(self) -> list[tuple[str, Expression]]:
        """The types with their conditions."""
        if self.type:
            return [(self.type, self.where)]
        return list(zip(self.types, self.wheres or (self.where,) * len(self.types), strict=True))


def conjunction(of: list[Expression]) -> Expression:
    """All of ``of``, as small as it can be said."""
    kept = [e for e in of if not isinstance(e, Everything)]
    if any(isinstance(e, Nothing) for e in kept):
        return Nothing()
    if len(kept) == 1:
        return kept[0]
    return And(tuple(kept)) if kept else Everything()


def disjunction(of: list[Expression]) -> Expression:
    """One of ``of``, as small as it can be said."""
    kept = [e for e in of if not isinstance(e, Nothing)]
    if any(isinstance(e, Everything) for e in kept):
        return Everything()
    if len(kept) == 1:
        return kept[0]
    return Or(tuple(kept)) if kept else Nothing()


def leaves(expression: Expression) -> Iterator[Expression]:
    """What ``And``, ``Or`` and ``Not`` combine, from the left. What a join asks of another resource is not among it."""
    match expression:
        case And(of) | Or(of):
            for one in of:
                yield from leaves(one)
        case Not(of):
            yield from leaves(of)
        case _:
            yield expression


def asks_of(query: Query, type: str) -> bool:
    """Whether resources of a type can make a difference to what a query finds: on the way of every search."""
    if query.type == type or type in query.types:
        return True
    return _asks_of(query.where, type) or any(_asks_of(where, type) for where in query.wheres)


def _asks_of(where: Expression, type: str) -> bool:
    match where:
        case And(of) | Or(of):
            return True in [_asks_of(one, type) for one in of]  # a generator costs twice as much
        case Not(of):
            return _asks_of(of, type)
        case Chain() | Has():
            return where.type == type or _asks_of(where.where, type)
        case Within():
            return where.type == type
    return False


def types_searched(query: Query) -> set[str]:
    """Every resource type whose resources can make a difference to what a query finds."""
    return {query.type, *query.types, *_types(query.where)}


def _types(expression: Expression) -> set[str]:
    if isinstance(expression, And | Or):
        return set().union(*map(_types, expression.of))
    if isinstance(expression, Not):
        return _types(expression.of)
    if isinstance(expression, Chain | Has):
        return {expression.type, *_types(expression.where)}
    return {expression.type} if isinstance(expression, Within) else set()

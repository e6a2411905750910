"""``Observation/$lastn``: https://hl7.org/fhir/R4/observation-operation-lastn.html"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from fhirserver.interactions.bundles import bundle, search_entry
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.included import included
from fhirserver.interactions.search_parameters import perhaps_waiting
from fhirserver.interactions.subset import Subset, subset_version
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.kernel.queries import encode_query
from fhirserver.model.definitions import definitions
from fhirserver.operations.everything_support import stream_versions
from fhirserver.operations.parameters import inputs
from fhirserver.ports.storage import Version
from fhirserver.search.expression import Query
from fhirserver.search.literals import date_range
from fhirserver.search.parse import parse
from fhirserver.search.values import BEGIN, FOREVER

_TYPE = "Observation"
_SUBJECTS = frozenset({"patient", "subject"})
_NOT_HERE = frozenset({"_sort", "_count", "_cursor", "_total"})
MAX_OBSERVATIONS = 200_000
"""Observations that are grouped for one answer."""
Label = tuple[str, str]
"""A coding's system and code; a text stands under the system ``text:``."""


class Seen(NamedTuple):
    """What is kept of an observation while all are looked at: when it was, its id and what it is of."""

    when: int
    id: str
    labels: tuple[Label, ...]


async def observation_lastn(context: Context, request: Request) -> Result:
    """The newest ``max`` observations of each code, more where effective times tie; codes newest first."""
    params = _params(request)
    most = _most([value for name, value in params if name == "max"])
    criteria = [(name, value) for name, value in params if name != "max"]
    _check(criteria)
    query = await perhaps_waiting(
        criteria,
        lambda: parse(
            _TYPE, criteria, base=context.base_url, terminology=context.terminology, lenient=request.lenient
        ),
    )
    ids = [one.id for one in newest(await _seen(context, query), most)]
    found = [version for id in ids if (version := await context.store.read(_TYPE, id)) is not None]
    versions = [version for version in found if not version.deleted]
    entries = await _entries(context, query, versions)
    url = f"{context.base_url}/{_TYPE}/$lastn?{encode_query(params)}"
    return Result(200, bundle("searchset", entries, [("self", url)], len(versions)), shown=versions)


def _params(request: Request) -> list[tuple[str, str]]:
    """Search parameters and ``max``, from the URL and from the values of a Parameters resource."""
    pairs = list(request.params)
    for name, values in inputs(Request(request.principal, "POST", body=request.body)).items():
        for value in values:
            if isinstance(value, dict | list):
                text = "A search parameter is given as a string"
                where = f"Parameters.parameter.where(name='{name[:64]}').value"
                raise refuse(Category.INVALID, "value", text, where)
            pairs.append((name, str(value)))
    return pairs


def _most(given: Sequence[str]) -> int:
    if not given:
        return 1
    text = given[0]
    if len(given) > 1 or not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise refuse(Category.INVALID, "value", "max is one whole number from 1", "http.max")
    return int(text)


def _check(criteria: Iterable[tuple[str, str]]) -> None:
    """Refuse (400) a request without a subject or without anything about codes, and one that would page."""
    names = {name.partition(":")[0].partition(".")[0] for name, _ in criteria}
    for name in sorted(names & _NOT_HERE):
        text = f"$lastn has an order of its own and one page: {name} does not go with it"
        raise refuse(Category.INVALID, "not-supported", text, f"http.{name}")
    if not names & _SUBJECTS:
        raise refuse(Category.INVALID, "required", "$lastn needs patient or subject", "http.patient")
    if not any(_is_about_codes(name) for name in names):
        text = "$lastn needs category, code or another parameter about codes"
        raise refuse(Category.INVALID, "required", text, "http.category")


def _is_about_codes(name: str) -> bool:
    """Whether a parameter is ``category`` or has a code element in its expression."""
    parameter = definitions().search_parameters(_TYPE).get(name)
    return name == "category" or (parameter is not None and ".code" in parameter.expression) or "code" in name


async def _seen(context: Context, query: Query) -> list[Seen]:
    seen: list[Seen] = []
    async for version in stream_versions(context.store, _TYPE, query.where):
        observation = loads(version.content)
        seen.append(Seen(_when(observation), version.id, tuple(labels(observation.get("code", {})))))
        if len(seen) > MAX_OBSERVATIONS:
            text = f"More than {MAX_OBSERVATIONS} observations match; narrow the search"
            raise refuse(Category.UNPROCESSABLE, "too-costly", text)
    return seen


def labels(concept: JsonObject) -> list[Label]:
    """What a code says: its codings; its text where it has none."""
    codings = [c for c in concept.get("coding", ()) if isinstance(c, dict) and c.get("code")]
    if codings:
        return [(str(coding.get("system", "")), str(coding["code"])) for coding in codings]
    return [("text:", str(concept["text"]))] if concept.get("text") else [("text:", "")]


def _when(observation: JsonObject) -> int:
    """The effective time in microseconds: of a period its end, of a timing its last event; the first where none."""
    period = observation.get("effectivePeriod", {})
    timing = observation.get("effectiveTiming", {})
    if period.get("start") and not period.get("end"):
        return FOREVER
    texts = [observation.get("effectiveDateTime"), observation.get("effectiveInstant"), period.get("end")]
    return max((_low(text) for text in (*texts, *timing.get("event", ())) if text), default=BEGIN)


def _low(text: str) -> int:
    try:
        return date_range(text)[0]
    except (ValueError, OverflowError):
        return BEGIN


def newest(seen: Iterable[Seen], most: int) -> list[Seen]:
    """The ``most`` newest of each group and their ties, the group with the newest first."""
    groups: dict[Label, list[Seen]] = {}
    listed = sorted(seen, key=lambda one: (-one.when, one.id))
    leader = _leaders(listed)
    for one in listed:
        groups.setdefault(leader[one.labels[0]], []).append(one)
    return [one for group in groups.values() for one in _with_ties(group, most)]


def _with_ties(group: Sequence[Seen], most: int) -> list[Seen]:
    kept: list[Seen] = []
    for _, tied in groupby(group, key=lambda one: one.when):
        if len(kept) >= most:
            break
        kept += tied
    return kept


def _leaders(seen: Iterable[Seen]) -> dict[Label, Label]:
    """One label for all that stand for the same: codings of one code are translations, and so on transitively."""
    parent: dict[Label, Label] = {}

    def find(label: Label) -> Label:
        root = label
        while parent.setdefault(root, root) != root:
            root = parent[root]
        while parent[label] != root:
            parent[label], label = root, parent[label]
        return root

    for one in seen:
        for label in one.labels:
            parent[find(label)] = find(one.labels[0])
    return {label: find(label) for label in list(parent)}


async def _entries(context: Context, query: Query, versions: Sequence[Version]) -> list[bytes]:
    subset = Subset(query.summary, query.elements)
    asked = query.includes or query.revincludes
    more = (await included(context, query, versions)).versions if asked else []
    return [
        search_entry(
            f"{context.base_url}/{version.type}/{version.id}",
            version.content if subset.whole else subset_version(version.content, version.type, subset),
            mode,
        )
        for group, mode in ((versions, b"match"), (more, b"include"))
        for version in group
    ]

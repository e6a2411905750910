"""What the histories of a resource, of a type and of the system have in common: parameters, pages, entries.

https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from fhirserver.interactions.bundles import bundle, entry
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.lists import listed
from fhirserver.interactions.reserved import DERIVED
from fhirserver.interactions.subset import Subset, element_values, subset_version, summary_value
from fhirserver.kernel.ids import may_be_new
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.kernel.queries import encode_query
from fhirserver.ports.storage import HistoryPage, HistoryQuery, Place, Version
from fhirserver.search.literals import date_range

_SORTS: Final = {"-_lastUpdated": False, "_lastUpdated": True}
_OF_THE_EDGE: Final = frozenset({"_format", "_pretty"})
_MOST_DIGITS = 18
_Params: TypeAlias = Sequence[tuple[str, str]]


async def history(context: Context, request: Request) -> Result:
    """One page of the versions of what the request's URL names: a resource, a type, or everything."""
    if request.type in ("", DERIVED):
        await context.store.derive_provenance()
    query, subset, ignored = await _query(context, request)
    total = await context.store.count_history(query)
    page = await context.store.select_history(query)
    url = "/".join(part for part in (context.base_url, request.type, request.id, "_history") if part)
    used = [pair for pair in request.params if pair[0] not in ignored]
    anew = await _made_anew(context, request, page.versions)
    entries = [history_entry(context.base_url, one, subset, one[:3] in anew) for one in page.versions]
    return Result(200, bundle("history", entries, _links(url, used, page), total), shown=page.versions)


async def _made_anew(
    context: Context, request: Request, versions: Sequence[Version]
) -> set[tuple[str, str, int]]:
    """The versions (type, id, number) that followed a deletion: an update created them, and was answered so.

    A deletion on another page is only looked for where the history is that of one resource.
    """
    known = {one[:3]: one.deleted for one in versions}
    if request.id and versions:
        before = min(one.version for one in versions) - 1
        earlier = await context.store.read_version(request.type, request.id, before) if before else None
        known[request.type, request.id, before] = earlier is not None and earlier.deleted
    return {one[:3] for one in versions if known.get((one.type, one.id, one.version - 1))}


async def _query(context: Context, request: Request) -> tuple[HistoryQuery, Subset, frozenset[str]]:
    """What the parameters ask for, which parts, and the names of those passed over since handling is lenient."""
    read: dict[str, Any] = {"type": request.type, "id": request.id, "count": context.limits.default_count}
    wrong: list[Issue] = []
    times = Counter(name for name, _ in request.params)
    ignored = set()
    for name, value in request.params:
        if name in _OF_THE_EDGE:
            continue
        if name not in _READERS and request.lenient:
            ignored.add(name)
        elif name not in _READERS:
            text = f"'{name[:64]}' is not a parameter of history"
            wrong.append(Issue("not-supported", text, (f"http.{name[:64]}",)))
        elif times[name] > 1:
            wrong.append(Issue("invalid", f"{name} may be given once", (f"http.{name}",)))
        elif problem := _take(read, name, value):
            wrong.append(Issue("value", f"{name} is {problem}", (f"http.{name}",)))
    if wrong:
        raise Refusal(Category.INVALID, wrong)
    read["count"] = min(read["count"], context.limits.max_count)
    summary = read.pop("summary", "")
    if summary == "count":
        read["count"] = 0
    names = read.pop("elements", "")
    subset = Subset(summary, element_values(request.type, names) if names else ())
    if "list" in read:
        read["among"] = frozenset(await listed(context, read.pop("list")))
    return HistoryQuery(**read), subset, frozenset(ignored)


def _take(read: dict[str, Any], name: str, value: str) -> str:
    """Read one value; what it should have been where it cannot be read."""
    member, reader, expected = _READERS[name]
    try:
        read[member] = reader(value)
    except (ValueError, KeyError):
        return expected
    return ""


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS:
        raise ValueError
    return int(text)


def _since(text: str) -> int:
    return date_range(text)[0]


def _place(text: str) -> Place:
    """The place that a ``next`` link names: numbers with ``.`` between them."""
    updated, position, pk, version = text.split(".")
    number = (
        -_number(pk[1:]) if pk.startswith("-") else _number(pk)
    )  # derived resources have negative numbers
    return Place(_number(updated), _number(position), number, _number(version))


_READERS: Final[dict[str, tuple[str, Callable[[str], Any], str]]] = {
    "_count": ("count", _number, "a whole number"),
    "_since": ("since", _since, "an instant such as 2026-11-22T14:47:00Z"),
    "_at": ("at", date_range, "a date or dateTime such as 2026-11 or 2026-11-22T14:47:00Z"),
    "_sort": ("ascending", _SORTS.__getitem__, "-_lastUpdated or _lastUpdated"),
    "_list": ("list", str, "the id of a List"),
    "_summary": ("summary", summary_value, "true, text, data, count or false"),
    "_elements": ("elements", str, "names of elements"),
    "_after": ("after", _place, "that of a link of the server"),
}


def _links(url: str, used: _Params, page: HistoryPage) -> list[tuple[str, str]]:
    links = [("self", _link(url, used))]
    if page.after is not None:
        place = ".".join(map(str, page.after))
        links.append(("next", _link(url, [*(p for p in used if p[0] != "_after"), ("_after", place)])))
    return links


def _link(url: str, params: _Params) -> str:
    return f"{url}?{encode_query(params)}" if params else url


def history_entry(base_url: str, version: Version, subset: Subset, anew: bool) -> bytes:
    """A version as an entry: what was asked, what was answered, and what came to be (nothing of a deletion).

    A first version was made by POST where its id is one of the server's, by PUT where a client chose it.
    ``anew``: the version before it is a deletion.
    """
    url = f"{base_url}/{version.type}/{version.id}"
    created = version.version == 1 or anew
    posted = version.version == 1 and may_be_new(version.id)
    method = "DELETE" if version.deleted else "POST" if posted else "PUT"
    target = version.type if method == "POST" else f"{version.type}/{version.id}"
    response: JsonObject = {
        "status": "204" if version.deleted else "201" if created else "200",
        "location": f"{url}/_history/{version.version}",
        "etag": f'W/"{version.version}"',
        "lastModified": version.recorded,
    }
    content = subset_version(version.content, version.type, subset) if version.content else b""
    return entry(url, content, request={"method": method, "url": target}, response=response)


async def refuse_unknown(context: Context, request: Request) -> None:
    """Refuse (404) the history of a resource that never was."""
    if await context.store.read(request.type, request.id) is None:
        text = f"{request.type}/{request.id} is not known"
        raise refuse(Category.NOT_FOUND, "not-found", text, request.type)

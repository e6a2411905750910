"""What searches at every level have in common: the page, its total, includes, links.

https://hl7.org/fhir/R4/search.html#return
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fhirserver.access.principals import require
from fhirserver.interactions import defined
from fhirserver.interactions.answers import outcome_bytes
from fhirserver.interactions.bundles import bundle, search_entry
from fhirserver.interactions.chained_versions import version_warnings
from fhirserver.interactions.contained_joins import chained_inside
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.included import MAX_INCLUDED, Included, included
from fhirserver.interactions.lists import among_lists
from fhirserver.interactions.moments import refuse_moment
from fhirserver.interactions.reserved import DERIVED
from fhirserver.interactions.search_contained import search_contained
from fhirserver.interactions.search_parameters import understood
from fhirserver.interactions.subset import Subset, subset_version
from fhirserver.kernel.outcomes import Category, Issue, refuse
from fhirserver.kernel.queries import encode_query
from fhirserver.ports.storage import Page, Version
from fhirserver.search.defined import Parameters
from fhirserver.search.describe import described
from fhirserver.search.expression import Query
from fhirserver.search.parse import parse
from fhirserver.search.parse_types import parse_types, restricted, type_names

Pairs = Sequence[tuple[str, str]]


def reading(context: Context, request: Request, known: Parameters) -> dict[str, Any]:
    """How parameters are read here: the named arguments of ``parse``."""
    return {
        "base": context.base_url,
        "terminology": context.terminology,
        "lenient": request.lenient,
        "default_count": context.limits.default_count,
        "maximum_count": context.limits.max_count,
        "known": known,
        "contained": request.compartment is None,
    }


async def one_type(context: Context, request: Request, pairs: Pairs) -> Query:
    """The query on the type of the request."""
    refuse_moment(pairs)
    return await understood(
        context, lambda known: parse(request.type, pairs, **reading(context, request, known)), pairs
    )


async def several_types(context: Context, request: Request, among: Sequence[str], pairs: Pairs) -> Query:
    """The query on the types that ``_type`` names, or on all ``among`` which it could."""
    refuse_moment(pairs)
    named = [value for name, value in pairs if name == "_type"]
    if len(named) > 1:
        raise refuse(Category.INVALID, "invalid", "_type may be given once, with commas", "http._type")
    types = type_names(named[0], among) if named else among
    rest = [pair for pair in pairs if pair[0] not in ("_type", "_format", "_pretty")]
    return await understood(
        context, lambda known: parse_types(types, rest, **reading(context, request, known)), rest
    )


def without_lists(pairs: Pairs) -> Pairs:
    """The parameters but for ``_list``, which :func:`answer` sees to."""
    return [pair for pair in pairs if pair[0] != "_list"]


async def answer(context: Context, request: Request, query: Query, url: str) -> Result:
    """A searchset with links ``self`` and ``next``; ``url`` is where it was searched."""
    query, absent = await _among_lists(context, request, query)
    if _asks_derived(request, query):
        await context.store.derive_provenance()
    if query.contained:
        return await _contained(context, request, query, url)
    query, behind = await chained_inside(context, query)
    if query.summary == "count" or query.count == 0:
        counted = await defined.count(context, query)
        return Result(200, bundle("searchset", (), links(url, request.params, query, ""), counted))
    if query.explain:
        require(request.principal, "operator")
    page = await defined.search(context, query)
    total = await _total(context, query, page)
    more = await _more(context, query, page)
    entries = _entries(context, query, page, more)
    if issues := [*absent, *behind, *version_warnings(context, query, page.versions)]:
        entries.append(_outcome(*issues))
    if query.explain:
        entries.append(_outcome(*await _explained(context, query)))
    body = bundle("searchset", entries, links(url, request.params, query, page.cursor), total)
    return Result(200, body, shown=[*page.versions, *more.versions])


async def _among_lists(context: Context, request: Request, query: Query) -> tuple[Query, list[Issue]]:
    """The query for what the Lists list; and what is wrong with them."""
    lists = [value for name, value in request.params if name == "_list"]
    if not lists:
        return query, []
    if query.contained:
        text = "_list cannot be combined with _contained"
        raise refuse(Category.INVALID, "not-supported", text, "http._list")
    conditions, absent = await among_lists(context, lists)
    return restricted(query, conditions), absent


async def _contained(context: Context, request: Request, query: Query, url: str) -> Result:
    found = await search_contained(context, query)
    entries = [*found.entries, *_included(context, query, found.included), *warnings(query)]
    body = bundle("searchset", entries, links(url, request.params, query, found.cursor), found.total)
    return Result(200, body, shown=[*found.shown, *found.included.versions])


def _asks_derived(request: Request, query: Query) -> bool:
    if query.type == DERIVED or DERIVED in query.types or any(one.source == "*" for one in query.revincludes):
        return True
    return any(DERIVED in name or DERIVED in value for name, value in request.params)


async def _total(context: Context, query: Query, page: Page) -> int | None:
    """The exact total when asked for, or when the first page shows all there is."""
    if query.cursor is None and not page.cursor:
        return len(page.versions)
    if query.total in ("accurate", "estimate"):
        return await defined.count(context, query)
    return None


async def _more(context: Context, query: Query, page: Page) -> Included:
    if query.includes or query.revincludes:
        return await included(context, query, page.versions)
    return Included()


def _entries(context: Context, query: Query, page: Page, more: Included) -> list[bytes]:
    subset = Subset(query.summary, query.elements)
    entries = [entry_of(context, version, subset, b"match") for version in page.versions]
    return entries + _included(context, query, more) + warnings(query)


def _included(context: Context, query: Query, more: Included) -> list[bytes]:
    subset = Subset(query.summary)  # "The list of elements does not apply to included resources"
    entries = [entry_of(context, version, subset, b"include") for version in more.versions]
    if more.cut:
        limit = f"Only the first {MAX_INCLUDED} resources to include are here; ask for smaller pages"
        entries.append(_outcome(Issue("too-costly", limit, severity="warning")))
    return entries


def warnings(query: Query) -> list[bytes]:
    """What was passed over."""
    if not query.ignored:
        return []
    names = ", ".join(query.ignored)
    return [
        _outcome(Issue("not-supported", f"Ignored, since handling is lenient: {names}", severity="warning"))
    ]


def _outcome(*issues: Issue) -> bytes:
    return b'{"resource":%s,"search":{"mode":"outcome"}}' % outcome_bytes(*issues)


async def _explained(context: Context, query: Query) -> list[Issue]:
    """The expression as understood, and how the storage answers it."""
    told = [*described(query.where), *await context.store.storage.explain(query)]
    return [Issue("informational", line, severity="information") for line in told]


def entry_of(context: Context, version: Version, subset: Subset, mode: bytes) -> bytes:
    content = version.content if subset.whole else subset_version(version.content, version.type, subset)
    return search_entry(f"{context.base_url}/{version.type}/{version.id}", content, mode)


def links(url: str, params: Pairs, query: Query, cursor: str) -> list[tuple[str, str]]:
    """``self`` says what was used of the parameters; ``first`` begins anew, ``next`` goes on behind the last match."""
    count = ("_count", str(query.count))  # what was asked for may be more than there is a page for
    used = [count if pair[0] == "_count" else pair for pair in params if pair[0] not in query.ignored]
    asked = [pair for pair in used if pair[0] != "_cursor"]
    links = [("self", f"{url}?{encode_query(used)}" if used else url)]
    if len(asked) < len(used):
        links.append(("first", f"{url}?{encode_query(asked)}" if asked else url))
    if cursor:
        links.append(("next", f"{url}?{encode_query([*asked, ('_cursor', cursor)])}"))
    return links

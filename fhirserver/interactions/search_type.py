"""search of one type: https://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.answers import outcome_bytes
from fhirserver.interactions.bundles import bundle, search_entry
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.included import included
from fhirserver.interactions.reserved import DERIVED
from fhirserver.interactions.subset import Subset, subset_version
from fhirserver.kernel.outcomes import Issue
from fhirserver.kernel.queries import encode_query
from fhirserver.ports.storage import Page, Version
from fhirserver.search.expression import Query
from fhirserver.search.parse import parse


async def search_type(context: Context, request: Request) -> Result:
    """A searchset with links ``self`` and ``next``. Unknown parameters are refused unless handling is lenient."""
    if any(DERIVED in name or DERIVED in value for name, value in request.params) or request.type == DERIVED:
        await context.store.derive_provenance()
    query = parse(
        request.type,
        request.params,
        base=context.base_url,
        terminology=context.terminology,
        lenient=request.lenient,
        default_count=context.limits.default_count,
        maximum_count=context.limits.max_count,
    )
    if query.summary == "count" or query.count == 0:
        counted = await context.store.count(query)
        return Result(200, bundle("searchset", (), _links(context, request, query, ""), counted))
    page = await context.store.search(query)
    total = await _total(context, query, page)
    entries = await _entries(context, query, page)
    return Result(200, bundle("searchset", entries, _links(context, request, query, page.cursor), total))


async def _total(context: Context, query: Query, page: Page) -> int | None:
    """The exact total when asked for, or when the first page shows all there is."""
    if query.cursor is None and not page.cursor:
        return len(page.versions)
    if query.total in ("accurate", "estimate"):
        return await context.store.count(query)
    return None


async def _entries(context: Context, query: Query, page: Page) -> list[bytes]:
    subset = Subset(query.summary, query.elements)
    entries = [_entry(context, version, subset, b"match") for version in page.versions]
    if query.includes or query.revincludes:
        more: Sequence[Version] = await included(context, query, page.versions)
        entries += [_entry(context, version, subset, b"include") for version in more]
    if query.ignored:
        names = ", ".join(query.ignored)
        issue = Issue("not-supported", f"Ignored, since handling is lenient: {names}", severity="warning")
        entries.append(b'{"resource":%s,"search":{"mode":"outcome"}}' % outcome_bytes(issue))
    return entries


def _entry(context: Context, version: Version, subset: Subset, mode: bytes) -> bytes:
    content = version.content if subset.whole else subset_version(version.content, version.type, subset)
    return search_entry(f"{context.base_url}/{version.type}/{version.id}", content, mode)


def _links(context: Context, request: Request, query: Query, cursor: str) -> list[tuple[str, str]]:
    """``self`` says what was used of the parameters, ``next`` continues after the last match."""
    base = f"{context.base_url}/{request.type}"
    used = [pair for pair in request.params if pair[0] not in query.ignored]
    asked = [pair for pair in used if pair[0] != "_cursor"]
    links = [("self", f"{base}?{encode_query(used)}" if used else base)]
    if cursor:
        links.append(("next", f"{base}?{encode_query([*asked, ('_cursor', cursor)])}"))
    return links

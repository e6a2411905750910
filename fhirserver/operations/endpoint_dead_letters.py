"""``Endpoint/[id]/$dead-letters``: what could not be written to the EHR, or taken in from it."""

from __future__ import annotations

from dataclasses import replace

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.connector import connector_of
from fhirserver.operations.parameters import inputs, one
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Cursor, Query
from fhirserver.store.dead_letters import dead_letters

_COUNT = 50
_MOST = 1000


async def endpoint_dead_letters(context: Context, request: Request) -> Result:
    """A searchset of Tasks with the status ``failed``, the oldest first, ``_count`` on a page."""
    name = await connector_of(context, request)
    given = inputs(request)
    query = Query("Task", dead_letters(name), count=_count(str(one(given, "_count") or _COUNT)))
    total = await context.store.storage.count(query)
    if cursor := str(one(given, "_cursor") or ""):
        query = replace(query, cursor=_decoded(cursor))
    page = await context.store.search(query)
    found: JsonObject = {"resourceType": "Bundle", "type": "searchset", "total": total}
    found["link"] = [{"relation": "self", "url": f"{context.base_url}/Endpoint/{request.id}/$dead-letters"}]
    if page.cursor:
        url = f"{found['link'][0]['url']}?_count={query.count}&_cursor={page.cursor}"
        found["link"].append({"relation": "next", "url": url})
    entries = [_entry(context, loads(version.content)) for version in page.versions]
    return Result(200, dumps({**found, "entry": entries} if entries else found))


def _entry(context: Context, task: JsonObject) -> JsonObject:
    return {
        "fullUrl": f"{context.base_url}/Task/{task['id']}",
        "resource": task,
        "search": {"mode": "match"},
    }


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _MOST:
        raise refuse(Category.INVALID, "value", f"_count is a number from 1 to {_MOST}", "http._count")
    return int(text)


def _decoded(text: str) -> Cursor:
    try:
        return decode(text, ())
    except ValueError:
        raise refuse(
            Category.INVALID, "value", "_cursor is from the link of a page", "http._cursor"
        ) from None

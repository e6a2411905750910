"""history of one resource: https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from fhirserver.interactions.bundles import bundle, entry
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.preconditions import is_version
from fhirserver.interactions.reserved import DERIVED
from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.storage import Version

_PARAMS = frozenset({"_count", "_since", "_before", "_format", "_pretty"})


async def history_instance(context: Context, request: Request) -> Result:
    """All versions, newest first, deletions included; paged by ``_count``."""
    if request.type == DERIVED:
        await context.store.derive_provenance()
    params = _params(request)
    count = _number(params, "_count")
    count = context.limits.default_count if count is None else min(count, context.limits.max_count)
    newest = await context.store.read(request.type, request.id)
    if newest is None:
        raise refuse(
            Category.NOT_FOUND, "not-found", f"{request.type}/{request.id} is not known", request.type
        )
    before = _number(params, "_before")
    versions = list(await context.store.history(request.type, request.id, count + 1, before))
    total: int | None = newest.version
    if "_since" in params:
        since = _since(params["_since"])
        versions = [version for version in versions if parse_instant(version.recorded) >= since]
        total = None
    return _answer(context, request, versions, count, total)


def _params(request: Request) -> dict[str, str]:
    params = dict(request.params)
    unknown = sorted(set(params) - _PARAMS)
    if unknown:
        text = f"'{unknown[0][:64]}' is not a parameter of history"
        raise refuse(Category.INVALID, "not-supported", text, f"http.{unknown[0][:64]}")
    return params


def _number(params: dict[str, str], name: str) -> int | None:
    text = params.get(name, "")
    if not text:
        return None
    if not is_version(text):
        raise refuse(Category.INVALID, "value", f"{name} is a whole number", f"http.{name}")
    return int(text)


def _since(text: str) -> datetime:
    try:
        return parse_instant(text.replace(" ", "+"))
    except ValueError:
        raise refuse(Category.INVALID, "value", "_since is an instant", "http._since") from None


def _answer(
    context: Context, request: Request, versions: list[Version], count: int, total: int | None
) -> Result:
    url = f"{context.base_url}/{request.type}/{request.id}"
    asked = [(name, value) for name, value in request.params if name in ("_count", "_since")]
    links = [("self", _link(url, request.params))]
    page = versions[:count]
    if page and len(versions) > count:
        links.append(("next", _link(url, [*asked, ("_before", str(page[-1].version))])))
    return Result(200, bundle("history", [_entry(url, version) for version in page], links, total))


def _link(url: str, params: Sequence[tuple[str, str]]) -> str:
    return f"{url}/_history?{urlencode(params)}" if params else f"{url}/_history"


def _entry(url: str, version: Version) -> bytes:
    method = "DELETE" if version.deleted else "PUT" if version.version > 1 else "POST"
    target = version.type if method == "POST" else f"{version.type}/{version.id}"
    response: JsonObject = {
        "status": "204" if version.deleted else "200" if version.version > 1 else "201",
        "etag": f'W/"{version.version}"',
        "lastModified": version.recorded,
    }
    return entry(url, version.content, request={"method": method, "url": target}, response=response)

"""history of one resource: https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from datetime import datetime

from fhirserver.interactions.bundles import bundle, entry
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import DERIVED
from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.storage import Version

_PARAMS = frozenset({"_count", "_since", "_before", "_format", "_pretty"})


async def history_instance(context: Context, request: Request) -> Result:
    """All versions, newest first, deletions included; paged by ``_count``."""
    if request.type == DERIVED:
        await context.store.derive_provenance()
    params = dict(request.params)
    unknown = sorted(set(params) - _PARAMS)
    if unknown:
        raise refuse(
            Category.INVALID,
            "not-supported",
            f"'{unknown[0]}' is not a parameter of history",
            f"http.{unknown[0]}",
        )
    count = min(
        _number(params.get("_count", ""), "_count") or context.limits.default_count, context.limits.max_count
    )
    before = _number(params.get("_before", ""), "_before")
    versions = list(await context.store.history(request.type, request.id, count + 1, before))
    if not versions and before is None:
        raise refuse(
            Category.NOT_FOUND, "not-found", f"{request.type}/{request.id} is not known", request.type
        )
    if "_since" in params:
        since = _since(params["_since"])
        versions = [version for version in versions if parse_instant(version.recorded) >= since]
    return _answer(context, request, versions, count)


def _number(text: str, name: str) -> int | None:
    if not text:
        return None
    if not text.isdigit():
        raise refuse(Category.INVALID, "value", f"{name} is a whole number", f"http.{name}")
    return int(text)


def _since(text: str) -> datetime:
    try:
        return parse_instant(text.replace(" ", "+"))
    except ValueError:
        raise refuse(Category.INVALID, "value", "_since is an instant", "http._since") from None


def _answer(context: Context, request: Request, versions: list[Version], count: int) -> Result:
    url = f"{context.base_url}/{request.type}/{request.id}"
    links = [("self", f"{url}/_history")]
    page = versions[:count]
    if len(versions) > count:
        links.append(("next", f"{url}/_history?_count={count}&_before={page[-1].version}"))
    total = versions[0].version if versions and "_since" not in dict(request.params) else None
    return Result(200, bundle("history", [_entry(url, version) for version in page], links, total))


def _entry(url: str, version: Version) -> bytes:
    method = "DELETE" if version.deleted else "PUT" if version.version > 1 else "POST"
    target = version.type if method == "POST" else f"{version.type}/{version.id}"
    response: JsonObject = {
        "status": "204" if version.deleted else "200" if version.version > 1 else "201",
        "etag": f'W/"{version.version}"',
        "lastModified": version.recorded,
    }
    return entry(url, version.content, request={"method": method, "url": target}, response=response)

"""read: https://hl7.org/fhir/R4/http.html#read"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.moments import moment_asked, version_then, without_moment
from fhirserver.interactions.preconditions import unchanged_since, version_headers
from fhirserver.interactions.reserved import DERIVED
from fhirserver.interactions.subset import subset_of, subset_version
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.ports.storage import Key, Version


async def read(context: Context, request: Request) -> Result:
    """The current version, or the one as of ``_asOf``. 404 for what never was, 410 for what was deleted."""
    at = await moment_asked(context, request.params) if request.params else None
    if at is None:
        return as_asked(await current(context, request.type, request.id), request)
    version = await version_then(context, Key(request.type, request.id), at)
    request.params = without_moment(request.params)
    result = as_asked(version, request)
    place = f"{context.base_url}/{version.type}/{version.id}/_history/{version.version}"
    result.headers["Content-Location"] = place
    return result


def as_asked(version: Version, request: Request) -> Result:
    """A version that stands, whole or the part of it that is asked for; 304 for one that the client has."""
    if unchanged_since(version, dict(request.headers)):
        return Result(304, b"", version_headers(version), version)
    content = version.content
    if request.params:
        content = subset_version(content, request.type, subset_of(request))
    return Result(200, content, version_headers(version), version)


async def current(context: Context, type: str, id: str) -> Version:
    """The current version or the refusal that fits. What is built in has one where nothing stands in its place."""
    version = await context.store.read(type, id)
    if version is None and type == DERIVED:
        await context.store.derive_provenance()
        version = await context.store.read(type, id)
    if version is None or version.deleted:
        version = context.definitions.read(type, id) or version
    if version is None:
        raise refuse(Category.NOT_FOUND, "not-found", f"{type}/{id} is not known", type)
    if version.deleted:
        raise gone(version)
    return version


def gone(version: Version) -> Refusal:
    """410 with the version of the deletion."""
    issue = Issue("deleted", f"{version.type}/{version.id} was deleted", (version.type,))
    return Refusal(Category.GONE, (issue,), version_headers(version))

"""vread: https://hl7.org/fhir/R4/http.html#vread"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.preconditions import is_version
from fhirserver.interactions.read import as_asked, gone
from fhirserver.interactions.reserved import DERIVED
from fhirserver.kernel.outcomes import Category, refuse


async def vread(context: Context, request: Request) -> Result:
    """One version of a resource, 304 for one that the client has. 410 where that version is the deletion."""
    if request.type == DERIVED:
        await context.store.derive_provenance()
    version = None
    if is_version(request.version):
        version = await context.store.read_version(request.type, request.id, int(request.version))
    if version is None and request.version == "1":
        version = context.definitions.read(request.type, request.id)
    if version is None:
        text = f"{request.type}/{request.id} has no version {request.version[:20]}"
        raise refuse(Category.NOT_FOUND, "not-found", text, request.type)
    if version.deleted:
        raise gone(version)
    return as_asked(version, request)

"""Where a URL's path points. https://hl7.org/fhir/R4/http.html#3.1.0"""

from __future__ import annotations

from fhirserver.interactions.exchange import Request
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.storage import Key


def locate(request: Request, parts: list[str]) -> Request:
    """Read the parts of the path below the base into the request, using them up.

    Raises a refusal (404) for a path that leads nowhere.
    ``[type[/id[/_history[/version[/$operation]]|/$operation]]]``, ``[type/]_search``, ``[type/]_history``,
    or ``type/id/other type[/_search]`` for a compartment.
    """
    if parts and parts[0][:1] in ("$", "_"):
        request.operation = parts.pop(0)
    elif parts:
        request.type = parts.pop(0)
    if parts and not request.operation:
        if parts[0][:1] in ("$", "_"):
            request.operation = parts.pop(0)
        else:
            request.id = parts.pop(0)
    if parts and request.id and not request.operation:
        parts = _below_instance(request, parts)
    if parts:
        raise refuse(Category.NOT_FOUND, "not-supported", "There is nothing at this URL", "http.url")
    return request


def _below_instance(request: Request, parts: list[str]) -> list[str]:
    """Read what follows ``type/id``; returns what is left."""
    if parts[0][:1] not in ("$", "_"):
        request.compartment = Key(request.type, request.id)
        request.type, request.id = parts.pop(0), ""
        if parts == ["_search"]:
            request.operation = parts.pop(0)
        return parts
    if parts[0] == "_history" and len(parts) > 1:
        request.version, parts = parts[1], parts[2:]
    if parts and (not request.version or parts[0][:1] == "$"):
        request.operation = parts.pop(0)
    return parts

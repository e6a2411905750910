"""Chains along references to versions: https://hl7.org/fhir/R4/search.html#versions

"Where a search does not act on the referenced version, search results SHOULD contain a OperationOutcome with a
warning": chains ask the resources as they are now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fhirserver.interactions.exchange import Context
from fhirserver.kernel.json import loads
from fhirserver.kernel.outcomes import Issue
from fhirserver.ports.storage import Version
from fhirserver.search.expression import Chain, Query, leaves
from fhirserver.search.index import extract


def version_warnings(context: Context, query: Query, matches: Sequence[Version]) -> list[Issue]:
    """A warning for each parameter along which a match was found by another version than it names."""
    asked = (one for _, where in query.by_type() for one in leaves(where))
    params = {one.param for one in asked if isinstance(one, Chain) and not one.by_url}
    if not params:
        return []
    named = {param for param in params if _names_version(context, f"{param}:version", matches)}
    text = "refers to a version of a resource: the chain was asked of the resource as it is now"
    return [
        Issue("informational", f"{param} {text}", (f"http.{param}",), "warning") for param in sorted(named)
    ]


def _names_version(context: Context, param: str, matches: Iterable[Version]) -> bool:
    known = context.store.parameters.current
    return any(
        value.param == param
        for version in matches
        if b"/_history/" in version.content
        for value in extract(loads(version.content), f"{context.base_url}/", known)
    )

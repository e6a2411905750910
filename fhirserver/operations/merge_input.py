"""What ``$merge`` is asked to merge: two resources, each by reference, by identifiers, or by both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fhirserver.interactions.exchange import Context, Request
from fhirserver.interactions.read import current
from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.kernel.references import parse_reference
from fhirserver.operations.parameters import one
from fhirserver.ports.storage import Version
from fhirserver.search.expression import Query, TokenIs, conjunction

Inputs = Mapping[str, list[Json]]


def check_may_merge(request: Request) -> None:
    """Refuse (403) who is neither an operator nor speaks for an authoritative source."""
    if not (request.principal.may("operator") or request.principal.source.authoritative):
        text = f"'{request.principal.name}' may not merge: it needs the role 'operator' or an authoritative source"
        raise refuse(Category.FORBIDDEN, "forbidden", text)


async def resource_meant(context: Context, type: str, found: Inputs, name: str) -> Version:
    """The resource that ``source-patient`` or ``target-patient`` and its identifiers mean.

    "The server SHALL reject the request if the provided identifiers do not resolve to a single patient record."
    """
    identifiers = [item for item in found.get(f"{name}-identifier", []) if isinstance(item, dict)]
    reference = one(dict(found), name)
    if isinstance(reference, dict) and isinstance(reference.get("identifier"), dict):
        identifiers.append(reference["identifier"])
    literal = reference.get("reference") if isinstance(reference, dict) else None
    if literal is None:
        return await _identified(context, type, identifiers, name)
    version = await _referred(context, type, str(literal), name)
    if not _has(loads(version.content), identifiers):
        text = f"The resource that '{name}' refers to does not have these identifiers"
        raise refuse(Category.UNPROCESSABLE, "business-rule", text, place(f"{name}-identifier"))
    return version


def place(name: str) -> str:
    """Where an input stands."""
    return f"Parameters.parameter.where(name='{name}')"


async def _referred(context: Context, type: str, text: str, name: str) -> Version:
    literal = parse_reference(text.removeprefix(f"{context.base_url}/"))
    if literal is None or literal.base or literal.type != type:
        wrong = f"'{name}' is a reference to a {type} on this server, such as {type}/123"
        raise refuse(Category.INVALID, "value", wrong, place(name))
    try:
        return await current(context, type, literal.id)
    except Refusal as refusal:
        issue = refusal.issues[0]
        raise refuse(Category.UNPROCESSABLE, issue.code, issue.diagnostics, place(name)) from None


async def _identified(context: Context, type: str, items: Sequence[JsonObject], name: str) -> Version:
    if not items:
        text = f"'{name}' or '{name}-identifier' is needed"
        raise refuse(Category.INVALID, "required", text, place(name))
    bare = [item for item in items if not item.get("value")]
    if bare:
        text = "An identifier has a value, and a system where there is one"
        raise refuse(Category.INVALID, "required", text, place(f"{name}-identifier"))
    where = conjunction([TokenIs("identifier", item.get("system"), item["value"]) for item in items])
    versions = (await context.store.search(Query(type, where, count=2))).versions
    if len(versions) == 1:
        return versions[0]
    text = f"{'More than one' if versions else 'No'} {type} has all of these identifiers"
    code = "multiple-matches" if versions else "not-found"
    raise refuse(Category.UNPROCESSABLE, code, text, place(f"{name}-identifier"))


def _has(resource: JsonObject, identifiers: Sequence[JsonObject]) -> bool:
    """Whether a resource has all the identifiers, by system (where one is given) and value."""
    return all(
        any(
            held.get("value") == item.get("value") and item.get("system") in (None, held.get("system"))
            for held in resource.get("identifier", ())
        )
        for item in identifiers
    )

"""From a request to a statement: who says it, how surely, on what evidence (``X-Provenance``)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from fhirserver.access.permissions import OWNED
from fhirserver.access.principals import Principal
from fhirserver.kernel.instants import comparable
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.model.validation import validate
from fhirserver.ports.log import Statement
from fhirserver.world.vocabulary import ASSERTION_METHOD, ASSERTION_MODE, CONFIDENCE

HEADER = "X-Provenance"
_MORE = ("policy", "location", "reason", "signature")


def statement_of(principal: Principal, header: str | None) -> Statement:
    """The statement behind a write. Raises a refusal (400) where the header is not a Provenance."""
    if not header and not principal.client:
        return Statement(principal.source.id, principal.name)
    said = _stated(principal, _parse(header)) if header else Statement(principal.source.id, principal.name)
    return replace(said, client=principal.client, grant=principal.grant, scope=_scope(principal))


def _scope(principal: Principal) -> str:
    """What an app's token is for, where it may make something that works on when the token is over."""
    permissions = principal.permissions
    return principal.scope if permissions is not None and permissions.may("cu", OWNED) else ""


def _parse(header: str) -> JsonObject:
    try:
        provenance = loads(header)
    except InvalidJson as error:
        raise _refused(f"{HEADER} is not JSON: {error}") from None
    if not isinstance(provenance, dict) or provenance.get("resourceType") != "Provenance":
        raise _refused(f"{HEADER} is not a Provenance resource")
    # target and recorded are the server's to say, agent falls back to the principal
    issues = [issue for issue in validate(provenance, partial=True) if issue.severity == "error"]
    if issues:
        raise Refusal(Category.INVALID, issues)
    return provenance


def _refused(diagnostics: str) -> Refusal:
    return refuse(Category.INVALID, "structure", diagnostics, f"http.{HEADER}")


def _stated(principal: Principal, provenance: JsonObject) -> Statement:
    mode = _extension(provenance, ASSERTION_MODE, "valueCode") or ""
    if mode not in ("", "full", "partial"):
        raise _refused("assertion-mode is 'full' or 'partial'")
    confidence = _extension(provenance, CONFIDENCE, "valueDecimal")
    period = provenance.get("occurredPeriod", {})
    return Statement(
        source=principal.source.id,
        principal=principal.name,
        confidence=None if confidence is None else Decimal(confidence),
        method=str(_extension(provenance, ASSERTION_METHOD, "valueCode") or ""),
        mode=mode,
        effective=_effective(provenance.get("occurredDateTime") or period.get("start") or ""),
        agent=tuple(provenance.get("agent", ())),
        entity=tuple(provenance.get("entity", ())),
        activity=provenance.get("activity"),
        more={name: provenance[name] for name in _MORE if name in provenance} or None,
    )


def _effective(text: str) -> str:
    try:
        return comparable(text) if text else ""
    except ValueError:
        raise refuse(Category.INVALID, "value", "occurred is not a dateTime", f"http.{HEADER}") from None


def _extension(resource: JsonObject, url: str, member: str) -> Json:
    for extension in resource.get("extension", ()):
        if extension.get("url") == url:
            if member not in extension:
                raise _refused(f"The extension {url.rpartition('/')[2]} needs a {member}")
            return extension[member]
    return None

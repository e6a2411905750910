"""References: what type they point at, and what they resolve to inside the resource.

https://hl7.org/fhir/R4/fhirpath.html#functions (``resolve``)
"""

from __future__ import annotations

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.references import parse_reference
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath.environment import Frame
from fhirserver.model.fhirpath.values import Items, Typed


def reference_text(value: Json) -> str | None:
    """The literal reference of a Reference, or the text itself of a uri or canonical."""
    text = value.get("reference") if isinstance(value, dict) else value
    return text if isinstance(text, str) else None


def literal_type(text: str) -> str | None:
    """The resource type a literal reference names: ``Patient/1``, ``http://…/Patient/1``, ``Patient?…``."""
    head, slash, _ = text.partition("/")
    types = definitions().resource_types
    if slash and head in types:
        return head
    literal = parse_reference(text)
    if literal is not None and literal.type in types:
        return literal.type
    conditional = text.partition("?")[0]
    return conditional if conditional in types else None


def contained(resource: Json, text: str) -> JsonObject | None:
    """The contained resource ``#id``; ``#`` alone is the container."""
    if not isinstance(resource, dict):
        return None
    if text == "#":
        return resource
    found = resource.get("contained")
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict) and one.get("id") == text[1:]:
            return one
    return None


def _container(frame: Frame) -> Json:
    return frame.environment.root_resource or frame.resource


def resolve(frame: Frame, focus: Items) -> Items:
    """The resources that references lead to; those that cannot be found are left out."""
    out: Items = []
    for item in focus:
        found = _resolve_one(frame, item)
        if found is not None:
            out.append(Typed(found, str(found.get("resourceType", "Resource"))))
    return out


def _resolve_one(frame: Frame, item: Typed) -> JsonObject | None:
    text = reference_text(item.value)
    if text is None:
        return None
    if text.startswith("#"):
        return contained(_container(frame), text)
    return _in_bundle(_container(frame), text) or _from_outside(frame, text)


def _from_outside(frame: Frame, text: str) -> JsonObject | None:
    resolver = frame.environment.resolver
    return resolver(text) if resolver is not None else None


def _in_bundle(bundle: Json, text: str) -> JsonObject | None:
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        return None
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        url = entry.get("fullUrl") if isinstance(entry, dict) else None
        if isinstance(url, str) and (url == text or url.endswith("/" + text)):
            found = entry.get("resource")
            return found if isinstance(found, dict) else None
    return None


def resolve_types(frame: Frame, focus: Items) -> Items:
    """Like :func:`resolve` for a type test: a typed literal needs no look-up."""
    out: Items = []
    for item in focus:
        found = _type_of_target(frame, item)
        if found is not None:
            out.append(Typed({}, found))
    return out


def _type_of_target(frame: Frame, item: Typed) -> str | None:
    text = reference_text(item.value)
    if text is not None and (found := literal_type(text)) is not None:
        return found
    resource = _resolve_one(frame, item)
    if resource is not None:
        return str(resource.get("resourceType"))
    declared = item.value.get("type") if isinstance(item.value, dict) else None
    return declared if isinstance(declared, str) and declared in definitions().resource_types else None

"""What single values mean beyond their format: uris, codings, identifiers, text.

https://hl7.org/fhir/R4/datatypes.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from fhirserver.kernel.json import Json
from fhirserver.model.fhirpath import Typed
from fhirserver.model.fhirpath.references import contained, literal_type
from fhirserver.model.validation.profiles.objects import text
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place

Meaning: TypeAlias = Callable[[Json, Place, Run], None]
_UUID = re.compile(r"urn:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?:[#|].*)?\Z", re.ASCII)
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9]\d*))+(?:[#|].*)?\Z", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:.", re.ASCII)
_MARKUP = re.compile(r"<(?:[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?|/[A-Za-z][A-Za-z0-9]*\s*|!--)>?")
_PAGE = re.compile(r"https?://(?:build\.fhir\.org/|(?:www\.)?hl7\.org/fhir/.*\.html\Z)")
_URIS = "urn:ietf:rfc:3986"


def check(item: Typed, place: Place, run: Run) -> None:
    """What the type of a value asks of it."""
    meaning = _MEANINGS.get(item.type)
    if meaning is not None and item.value is not None:
        meaning(item.value, place, run)


def _uri(value: Json, place: Place, run: Run) -> None:
    if not isinstance(value, str):
        return
    if value.startswith(("oid:", "uuid:")):
        run.add("invalid", "a uri of an OID or UUID begins with urn:oid: or urn:uuid:", place)
    elif value.startswith("urn:uuid:") and _UUID.match(value) is None:
        run.add("invalid", "is no valid UUID", place)
    elif value.startswith("urn:oid:") and _OID.match(value) is None:
        run.add("invalid", "is no valid OID", place)


def _canonical(value: Json, place: Place, run: Run) -> None:
    _uri(value, place, run)
    if not isinstance(value, str):
        return
    if value.startswith("#"):
        if contained(run.environment.root_resource, value) is None:
            run.add("invalid", "names no contained resource", place)
    elif _SCHEME.match(value) is None:
        words = "a canonical url is absolute, or names a contained resource with #"
        run.add("invalid", words, place, run.rules.lapses)


def canonical_target(value: Json, types: tuple[str, ...], place: Place, run: Run) -> None:
    """Where the url is known here, it is that of a resource of a type that the element takes."""
    if not isinstance(value, str) or not types or "Resource" in types or value.startswith("#"):
        return
    find = run.profiles.conformance.find
    if any(find(value, name) is not None for name in types):
        return
    found = find(value, "")
    if found is not None and found.get("resourceType") not in types:
        words = f"is the url of a {found.get('resourceType')}; the element takes {' or '.join(types)}"
        run.add("invalid", words, place)


def _coding(value: Json, place: Place, run: Run) -> None:
    system = text(value, "system")
    if system and _SCHEME.match(system) is None:
        run.add("invalid", "the system of a coding is an absolute uri", (place, "system", -1))
    elif system and "/ValueSet/" in system and run.profiles.conformance.find(system, "ValueSet") is not None:
        run.add("invalid", "is a value set; a code system must stand here", (place, "system", -1))
    elif system and _PAGE.match(system) is not None:
        run.add("invalid", "is a page about a code system, not its uri", (place, "system", -1))
    if not system and text(value, "code"):
        run.add("code-invalid", "a code without a system has no defined meaning", place, "warning")


def _identifier(value: Json, place: Place, run: Run) -> None:
    system = text(value, "system")
    if system and _SCHEME.match(system) is None:
        run.add("invalid", "the system of an identifier is an absolute uri", (place, "system", -1))
    named = text(value, "value") if system == _URIS else ""
    if named and _SCHEME.match(named) is None:
        words = f"the value of an identifier with the system {_URIS} is a full uri"
        run.add("invalid", words, (place, "value", -1))
    elif named:
        _uri(named, (place, "value", -1), run)


def _reference(value: Json, place: Place, run: Run) -> None:
    """``type`` says what ``reference`` says."""
    stated, named = text(value, "type"), literal_type(text(value, "reference"))
    if stated and named and stated != named:
        run.add("invalid", "is another type than the reference names", (place, "type", -1))

    if text(value, "reference").startswith(("urn:uuid:", "urn:oid:")):
        _within_bundle(text(value, "reference"), (place, "reference", -1), run)


def _within_bundle(urn: str, place: Place, run: Run) -> None:
    """A urn names what has no address yet: another entry of the same Bundle."""
    if run.bundle is None:
        run.add("not-found", "leads nowhere outside of a Bundle", place, "warning")
    elif urn not in run.bundle.by_url:
        severity = "error" if run.bundle.type in ("transaction", "batch") else "warning"
        run.add("not-found", "leads to no entry of the Bundle", place, severity)


def _text(value: Json, place: Place, run: Run) -> None:
    if not isinstance(value, str):
        return
    if "<" in value and _MARKUP.search(value) is not None:
        words = "holds what looks like HTML, which would be active where the text is shown without care"
        run.add("security", words, place, run.rules.markup_in_text)
    _blank(value, place, run)
    if value != value.strip() and not value.isspace():
        run.add("value", "begins or ends with white space", place, "information")


def _blank(value: Json, place: Place, run: Run) -> None:
    if isinstance(value, str) and value.isspace():
        run.add("value", "has nothing but white space", place, "warning")


_MEANINGS: dict[str, Meaning] = {
    "uri": _uri,
    "url": _uri,
    "oid": _uri,
    "uuid": _uri,
    "canonical": _canonical,
    "Coding": _coding,
    "Identifier": _identifier,
    "Reference": _reference,
    "string": _text,
    "markdown": _blank,
}

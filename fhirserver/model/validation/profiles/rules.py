"""What a validation is to hold a resource to, where the standard leaves a choice."""

from __future__ import annotations

from dataclasses import dataclass

PUBLISHERS = (
    "http://hl7.org/fhir/us/",
    "http://hl7.org/fhir/uv/",
    "http://synthetichealth.github.io/synthea/",
)
"""Whose extensions may be met without the guides that define them being loaded."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The choices of one validator. The defaults are those of ``$validate``, and the verdicts of the reference
    validator where its own examples leave room for them.

    ``claimed``: also validate against the profiles in ``meta.profile``, of nested resources too.
    ``unknown_extensions``: the severity of an extension that no StructureDefinition defines; those whose url
    begins with one of ``extension_domains``, and those of example.org, are information at most.
    ``for_publication``: HL7's own rules for what it publishes. ``experimental`` allows experimental content.
    ``lapses``: the severity of what the specification's own examples do against it: canonical urls that are not
    absolute, fullUrls of messages and searchsets with another id than their resource has, references to types that
    the element does not allow though near to them, displays that are not the code's, units that UCUM does not have.
    ``markup_in_text``: the severity of text in a string that looks like HTML.
    ``seconds`` is how long one validation may take before it stops with an issue ``too-costly``.
    """

    claimed: bool = True
    unknown_extensions: str = "error"
    extension_domains: tuple[str, ...] = PUBLISHERS
    for_publication: bool = False
    experimental: bool = True
    lapses: str = "warning"
    markup_in_text: str = "warning"
    seconds: float = 20.0

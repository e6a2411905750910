"""What the codes of large code systems look like: enough to know that a code cannot exist.

A LOINC code ends in a check digit (mod 10), a SNOMED CT identifier in another (Verhoeff).
https://hl7.org/fhir/R4/loinc.html and https://hl7.org/fhir/R4/snomedct.html
"""

from __future__ import annotations

import re

SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
URI = "urn:ietf:rfc:3986"
_LOINC = re.compile(r"(?:LA|LP|LL|LG)?(\d{1,7})-(\d)\Z", re.ASCII)
_SCTID = re.compile(r"[1-9]\d{5,17}\Z", re.ASCII)
_EXPRESSION = re.compile(r"[\s:=+|{]")
_LEGACY = re.compile(r"[A-Z]\d?-[0-9A-F]{5}\Z", re.ASCII)
"""The identifiers of SNOMED RT, which older content still has."""
_TIMES = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_PERMUTED = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def is_malformed(system: str, code: str) -> bool:
    """Whether no version of the system can have this code."""
    if system == LOINC:
        found = _LOINC.match(code)
        return found is None or (code[0] != "L" and not _has_check_digit(found[1], int(found[2])))
    if system == SNOMED and not _EXPRESSION.search(code) and not _LEGACY.match(code):
        return _SCTID.match(code) is None or _verhoeff(code) != 0
    return False


def _has_check_digit(digits: str, check: int) -> bool:
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if at % 2 == 0 else 1)
        total += value // 10 + value % 10
    return (10 - total % 10) % 10 == check


def _verhoeff(digits: str) -> int:
    found = 0
    for at, digit in enumerate(reversed(digits)):
        found = int(_TIMES[found][int(_PERMUTED[at % 8][int(digit)])])
    return found


_MIME = re.compile(
    r"(?:json|xml|ttl|turtle|rdf|html|csv|text|ndjson)\Z|[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+*-]+(?:\s*;\s*[^;=\s]+=(?:\"[^\"]*\"|[^;\s]*))*\Z"
)
_MIME_VALUE_SETS = ("http://hl7.org/fhir/ValueSet/mimetypes", "http://www.rfc-editor.org/bcp/bcp13.txt")
GRAMMARS = dict.fromkeys(_MIME_VALUE_SETS, ("urn:ietf:bcp:13", _MIME))
"""Value set → its code system and its codes. FHIR writes ``json``, ``xml`` and others beside media types."""

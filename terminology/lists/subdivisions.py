"""States, provinces, cantons …, ``urn:iso:std:iso:3166:-2``. https://www.iso.org/iso-3166-country-codes.html"""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from pathlib import Path

from fhirserver.kernel.json import JsonObject, loads
from terminology.lists.code_list import code_list, concept, declared, filtered

URL = "urn:iso:std:iso:3166:-2"
_DATA = Path(__file__).parent / "subdivisions.json.xz"


def subdivisions() -> JsonObject:
    """Those within another (``IT-MI`` in ``IT-25``) are below it."""
    packed = loads(lzma.decompress(_DATA.read_bytes()))
    return code_list(
        URL,
        "ISO3166Part2",
        "Codes for the names of the principal subdivisions of countries (ISO 3166-2)",
        _concepts(packed["codes"]),
        publisher="ISO",
        description=f"The codes and English names of CLDR {packed['version']}.",
        hierarchyMeaning="part-of",
        property=[
            *declared(country="The alpha-2 code of the country"),
            {
                "code": "parent",
                "uri": "http://hl7.org/fhir/concept-properties#parent",
                "description": "The subdivision that it is a part of",
                "type": "code",
            },
        ],
        filter=filtered(country="Subdivisions of a country"),
    )


def _concepts(rows: list[list[str]]) -> Iterator[JsonObject]:
    for code, name, above in rows:
        parent = {"parent": above} if "-" in above else {}
        yield concept(code, name, country=code[:2], **parent)

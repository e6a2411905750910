"""Currencies, ``urn:iso:std:iso:4217``. https://hl7.org/fhir/R4/valueset-currencies.html"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fhirserver.kernel.json import JsonObject
from terminology.lists.code_list import code_list, concept, of_r4

URL = "urn:iso:std:iso:4217"
_FOOTNOTE = re.compile(r"\[\d+\]")
_NEWER = {
    "SLE": "Sierra Leonean leone",
    "UYW": "Unidad previsional (Uruguay)",
    "VED": "Venezuelan digital bolívar",
    "VES": "Venezuelan sovereign bolívar",
    "XAD": "Arab accounting dinar",
    "XCG": "Caribbean guilder",
    "ZWG": "Zimbabwe gold",
}
"""Codes that came after R4."""
_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
"""Of the minor unit, where it is not a hundredth."""
_WITHOUT = "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX"
"""Codes that have no minor unit: metals, units of account, none."""


def currencies() -> JsonObject:
    """Those of R4, with its names, and newer ones; ``decimals`` says how many digits an amount has."""
    return code_list(
        URL,
        "ISO4217",
        "Codes for the representation of currencies (ISO 4217)",
        _concepts(),
        publisher="ISO",
        description="The codes of R4, some of them withdrawn by now or none of ISO, and those in force in 2026.",
        valueSet="http://hl7.org/fhir/ValueSet/currencies",
        property=[
            {"code": "decimals", "description": "Digits behind the decimal point", "type": "integer"},
        ],
        filter=[
            {
                "code": "decimals",
                "description": "Currencies by the digits of their minor unit",
                "operator": ["=", "in", "not-in", "exists"],
                "value": "0, 2, 3 or 4",
            }
        ],
    )


def _concepts() -> Iterator[JsonObject]:
    digits = {code: number for number, codes in _DIGITS.items() for code in codes.split()}
    without = frozenset(_WITHOUT.split())
    named = {one["code"]: one.get("display", "") for one in _of_r4()}
    for code, name in sorted({**named, **_NEWER}.items()):
        decimals = {} if code in without else {"decimals": digits.get(code, 2)}
        yield concept(code, _FOOTNOTE.sub("", name), name, **decimals)


def _of_r4() -> Iterator[JsonObject]:
    yield from of_r4("currencies").get("expansion", {}).get("contains", ())

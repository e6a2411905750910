"""Broken and reshuffled messages convert without an error, and to valid resources."""

from __future__ import annotations

import random

import pytest

from adapters.hl7v2.convert.engine import convert
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.message import MalformedMessage, parse
from fhirserver.model.validation import validate

SITE = Site("fuzz", "Asia/Kolkata")
HEADERS = [
    rf"MSH|^~\&|A|B|C|D|20250301||{event}|1|P|2.5.1"
    for event in (
        "ADT^A01",
        "ORU^R01",
        "SIU^S12",
        "ORM^O01",
        "MDM^T02",
        "VXU^V04",
        "RDE^O11",
        "ADT^A40",
        "ZZZ^Z99",
    )
]
SEGMENTS = [
    "EVN|A01|20250301||01|7^House^Greg|20250301",
    "PID|1|1|4711^4^M11^MAIN^MR||Moss&van^Eve^A^^^^L||198002291230|F||2106-3|1 Elm^^X^IL^6^US^H||^PRN^CP^^1^217^5|||M",
    "PV1|1|I|W^1^2^H^^^B^3|E|5^^^V|W0|7^House^Greg~8^Who|||MED||||||V||V1^^^V"
    + "|" * 25
    + "20250101|20250102",
    "PV2|W^1^2||J|||||20250101",
    "NK1|1|Moss^Adam|SPO|1 Elm|5551234",
    "OBX|1|NM|8867-4^x^LN|1|60~120|/min^^UCUM|50-90|A||S|F|||20250301|ORG|7^House",
    "OBX|2|ED|1^x^LN||^AP^pdf^Base64^JVBERi0=||||||F",
    "OBX|3|SN|1^x^LN||>^5||||||X",
    "AL1|1|DA|P^Penicillin^99L|SV|Hives~Rash|20200101",
    "DG1|1||I10^x^I10|text|20250101|A|||||||||1|7^House",
    "PR1|1||P^x^SCT||20250101|D|30|7^House",
    "IN1|1|HMO^Plan|P1^^^PAY|Payer^L|PO Box||||G1||||20250101|20251231||HMO|Moss^Eve|SPO|19800101|1 Elm"
    + "|" * 17
    + "PN1",
    "ORC|NW|P1^S|F1^S|G1|SC||^^^20250101|PA|20250101|7^House||8^Who||5551234",
    "OBR|1|P1^S|F1^S|A^a^LN|S|20250101|20250102|20250103|5^ml||A||F|||9^Mary|||||||20250104||LAB|F",
    "SPM|1|S1&A^S2&B|P1|BLD^Blood^HL70487|||||||||5^ml||||20250101^20250102|20250103",
    "TQ1|1|2^tab|BID^^MO^1^2^^5|0700|5^min|3^d|20250101|20250104|R|txt",
    "NTE|1||a note~and another||7^House|20250101",
    "SCH|P1^S|F1^S|||||R|T|30|min|^^^20250401090000^20250401093000|||||7^House|||||||||Booked",
    "AIS|1||S^x^99L|20250401090000|||30|min",
    "AIP|1||7^House|D^x^99L|||||||Booked",
    "AIL|1||W^1",
    "AIG|1||E^x|T^x",
    "TXA|1|DS|TX|20250101|7^House|20250101|||7^House|||D1^S|D0^S|||file|AU|R|AV",
    "RXA|0|1|20250101||207^x^CVX|0.5|mL^^UCUM||00|7^House|||||LOT|20260101|MSD^Merck^MVX|||CP|A",
    "RXO|M^x^RXNORM|1|2|mg^^UCUM|TAB|||||G||30|3",
    "RXE||M^x^RXNORM|1|2|mg^^UCUM|TAB||||30|3",
    "RXR|PO^Oral^HL70162|MOUTH",
    "MRG|4000^^^MAIN||A1||V1",
    "PRT|1|A||PP^x^HL70443|7^House|||||D1",
    "ROL|1|AD|PP^x^HL70443|7^House|20250101",
    "ZPI|1|x",
]
VALUES = [
    "", '""', "x", "^^^^", "&&&", "~~", "1~2^3&4", "2025", "20251399", "-1", "9" * 40, "\\", "\\X0", "é", " ", '^""^',
    "^".join('""' for _ in range(12)), "20250101^x^y", "1e5", "<>^5", "http://a b",
]  # fmt: skip


def broken(chance: random.Random) -> str:
    """A message of chosen segments in any order, some fields of them replaced."""
    segments = chance.choices(SEGMENTS, k=chance.randint(1, 14))
    for _ in range(chance.randint(0, 10)):
        at = chance.randrange(len(segments))
        fields = segments[at].split("|")
        fields[chance.randrange(1, len(fields))] = chance.choice(VALUES)
        segments[at] = "|".join(fields)
    return "\r".join((chance.choice(HEADERS), *segments))


@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_converts_to_valid_resources(seed: int) -> None:
    chance = random.Random(seed)
    for number in range(120):
        text = broken(chance)
        try:
            message = parse(text)
        except MalformedMessage:
            continue
        for mapped in convert(message, SITE).resources:
            errors = [i for i in validate({**mapped.content, "id": "1"}) if i.severity == "error"]
            assert not errors, (number, mapped.local, errors, text)

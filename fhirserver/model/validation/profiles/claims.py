"""The profiles a resource claims in ``meta.profile``, and those that R4 claims for it.

https://hl7.org/fhir/R4/profiling.html#profile-identification and https://hl7.org/fhir/R4/observation-vitalsigns.html
"""

from __future__ import annotations

from collections.abc import Iterator

from fhirserver.kernel.json import JsonObject
from fhirserver.model.fhirpath import Typed
from fhirserver.model.validation.profiles.check import check_profile
from fhirserver.model.validation.profiles.code_formats import LOINC, SNOMED
from fhirserver.model.validation.profiles.registry import BASE
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place

_VITAL_SIGNS = {
    LOINC: {
        "vitalspanel": "85353-1",
        "resprate": "9279-1",
        "heartrate": (
            "8867-4 8889-8 8890-6 8891-4 8892-2 8893-0 40443-4 55425-3 60978-4 68999-2 69000-8 "
            "73795-7 73799-9 76476-1 76477-9 11328-2 8886-4"
        ),
        "oxygensat": ("2708-6 19224-5 20564-1 2709-4 2710-2 2713-6 51733-4 59408-5 59417-6 89276-0 97549-0"),
        "bodytemp": (
            "8310-5 60834-9 60835-6 60836-4 60838-0 60955-2 61009-7 75539-7 75987-8 76010-8 76011-6 "
            "76278-1 8309-7 8328-7 8329-5 8330-3 8331-1 8332-9 8333-7 8334-5 91371-5 98657-0 98663-8"
        ),
        "bodyheight": "8302-2 3137-7 3138-5 8306-3 8308-9",
        "headcircum": "9843-4 8287-5",
        "bodyweight": "29463-7 3141-9 3142-7 75292-3 79348-9 8350-1 8351-9",
        "bmi": "39156-5 89270-3",
        "bp": "85354-9 35094-2 8459-0 76534-7 55284-4 8480-6",
    },
    SNOMED: {
        "vitalspanel": "46680005",
        "resprate": "86290005 271625008",
        "heartrate": "364075005 249043002 444981005 399017001 251670001 429525003 429614003",
        "oxygensat": "442476006 431314004",
        "bodytemp": (
            "386725007 276885007 300076005 1222808002 364246006 307047009 708499008 431598003 "
            "698831002 698832009 415882003 415974002 415929009 415945006"
        ),
        "bodyheight": "50373000 1153637007 1162419008 1162418000 1230278008 1162392001 1162417005",
        "headcircum": "363812007 169876006 1269262007 363811000",
        "bodyweight": "27113001 735395000 425024002 424927000 784399000 1162416001 1162415002",
        "bmi": "60621009",
        "bp": (
            "75367002 251076008 163033001 163035008 386534000 386536003 271649006 271650006 407556006 "
            "407554009 716579001 399304008"
        ),
    },
}
"""Codes of each vital sign and of its kinds, by the name of the profile."""
_PROFILES = {
    (system, code): name
    for system, codes in _VITAL_SIGNS.items()
    for name, listed in codes.items()
    for code in listed.split()
}


def check(item: Typed, place: Place, run: Run) -> None:
    """A resource against each profile that is claimed for it; an unknown one is a warning."""
    if run.rules.claimed:
        for url, at in claimed(item.value, place):
            if run.node(url) is None:
                run.add("not-found", f"{run.profiles.missing(url)}, so it was not checked", at, "warning")
            else:
                check_profile(url, item, place, run)
    if item.type == "Observation":
        for name in vital_signs(item.value):
            check_profile(BASE + name, item, place, run)


def claimed(resource: JsonObject, place: Place) -> Iterator[tuple[str, Place]]:
    """The canonical urls in ``meta.profile``."""
    meta = resource.get("meta")
    urls = meta.get("profile") if isinstance(meta, dict) else None
    for at, url in enumerate(urls if isinstance(urls, list) else ()):
        if isinstance(url, str):
            yield url, ((place, "meta", -1), "profile", at)


def vital_signs(observation: JsonObject) -> list[str]:
    """R4 says: an Observation with one of these codes follows the profile of that vital sign."""
    code = observation.get("code")
    codings = code.get("coding") if isinstance(code, dict) else None
    found: list[str] = []
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict):
            name = _PROFILES.get((str(coding.get("system")), str(coding.get("code"))))
            found += [name] if name else []
    return found

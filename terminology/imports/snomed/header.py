"""Which edition and version a release is, and what its CodeSystem says. https://hl7.org/fhir/R4/snomedct.html

The version of an edition is ``http://snomed.info/sct/[module]/version/[date]``: the module that depends on all others.
https://docs.snomed.org (URI standard, 2.1; Release File Specification, module dependency reference set)
"""

from __future__ import annotations

import re
from collections import defaultdict

from fhirserver.kernel.json import JsonObject
from terminology.imports.kind import Given, InvalidSource
from terminology.imports.snomed.files import ReleaseFiles

SNOMED = "http://snomed.info/sct"
CORE, MODEL, MAPS = "900000000000207008", "900000000000012004", "449080006"
IS_A = "116680003"
INFERRED = "900000000000011006"
_VERSION = re.compile(rf"{re.escape(SNOMED)}/[0-9]{{6,18}}(?:/version/[0-9]{{8}})?")
_TITLES = {
    CORE: "International Edition",
    "731000124108": "US Edition",
    "83821000000107": "UK Edition",
    "32506021000036107": "Australian Edition",
    "20611000087101": "Canadian Edition",
    "21000210109": "New Zealand Edition",
    "45991000052106": "Swedish Edition",
    "554471000005108": "Danish Edition",
    "11000146104": "Netherlands Edition",
    "11000172109": "Belgian Edition",
    "51000202101": "Norwegian Edition",
    "449081005": "Spanish Edition",
    "11000220105": "Irish Edition",
    "2011000195101": "Swiss Edition",
    "11000274103": "German Edition",
    "11000234105": "Austrian Edition",
    "5631000179106": "Uruguayan Edition",
    "11000181102": "Estonian Edition",
}
_COPYRIGHT = (
    "This includes content from SNOMED Clinical Terms (SNOMED CT), which is copyright of the International Health "
    "Terminology Standards Development Organisation (SNOMED International). It may be used only under a licence: "
    "https://www.snomed.org/get-snomed."
)
_OWN: tuple[tuple[str, str, str], ...] = (
    ("inactive", "boolean", "Whether the concept is inactive"),
    ("sufficientlyDefined", "boolean", "Whether the concept is sufficiently defined (not primitive)"),
    ("moduleId", "code", "The module that the concept belongs to"),
    ("effectiveTime", "dateTime", "When the concept came into the state it is in"),
    ("semanticTag", "string", "What stands in brackets at the end of the fully specified name"),
    ("memberOf", "code", "A reference set that refers to the concept"),
    ("parent", "code", "A concept right above"),
    ("child", "code", "A concept right below"),
)
_FILTERS: tuple[tuple[str, str, list[str]], ...] = (
    (
        "concept",
        "By hierarchy, or by membership of a reference set",
        ["is-a", "descendent-of", "generalizes", "in"],
    ),
    ("constraint", "An expression constraint (ECL)", ["="]),
    ("expression", "An expression constraint (ECL)", ["="]),
)


def read_header(release: ReleaseFiles, given: Given) -> JsonObject:
    version = _version(release, given.version)
    module = version.removeprefix(f"{SNOMED}/").split("/")[0]
    attributes = [
        {"code": code, "uri": f"http://snomed.info/id/{code}", "type": kind}
        for code, kind in _attributes(release)
    ]
    own = [{"code": code, "type": kind, "description": text} for code, kind, text in _OWN]
    filters = [
        {"code": c, "description": text, "operator": ops, "value": "A code or ECL"}
        for c, text, ops in _FILTERS
    ]
    return {
        "resourceType": "CodeSystem",
        "url": SNOMED,
        "version": version,
        "name": "SNOMED_CT",
        "title": f"SNOMED CT {_TITLES.get(module, f'Edition {module}')}",
        "status": "active",
        "publisher": "SNOMED International",
        "copyright": _COPYRIGHT,
        "caseSensitive": False,
        "valueSet": f"{SNOMED}?fhir_vs",
        "hierarchyMeaning": "is-a",
        "compositional": True,
        "versionNeeded": False,
        "content": "complete",
        "language": "en",
        "filter": filters,
        "property": own + attributes,
    }


def _attributes(release: ReleaseFiles) -> list[tuple[str, str]]:
    """The attributes that relationships have, with the type of their values."""
    reader = release.reader(release.needed("Relationship"), ("typeId",))
    found = {row[3]: "code" for row in reader.rows() if row[2] == "1" and row[3] != IS_A}
    for file in release.of("RelationshipConcreteValues"):
        rows = release.reader([file], ("value", "typeId")).rows()
        found |= {row[4]: concrete(row[3])[0] for row in rows if row[2] == "1"}
    return sorted(found.items())


def concrete(value: str) -> tuple[str, str]:
    """Type and text of a concrete value: ``#10``, ``#0.5``, ``"text"``, ``true``."""
    if value.startswith("#"):
        return ("decimal", value[1:])
    if value.startswith('"'):
        return ("string", value.strip('"'))
    return ("boolean", value.lower()) if value.lower() in ("true", "false") else ("string", value)


# Versions


def _version(release: ReleaseFiles, given: str) -> str:
    """As the command says (a whole version, an edition, or a date), and otherwise as the files do."""
    if _VERSION.fullmatch(given):
        return given if "/version/" in given else f"{given}/version/{_date(release)}"
    if given and not re.fullmatch("[0-9]{8}", given):
        raise InvalidSource(
            release.sources.path, f"a version is {SNOMED}/[module]/version/[YYYYMMDD], or a date"
        )
    return f"{SNOMED}/{_module(release)}/version/{given or _date(release)}"


def _date(release: ReleaseFiles) -> str:
    return max(file.date for file in release.needed("Concept"))


def _module(release: ReleaseFiles) -> str:
    """The module of the edition: of the publisher that the names of the files say, the one that needs the others."""
    namespaces = {re.sub("[A-Za-z]", "", file.owner) for file in release.needed("Concept")} - {""}
    needs = _dependencies(release)
    own = {module for module in needs if module[-10:-3] in {name.zfill(7) for name in namespaces}}
    needed_by_others = {other for module in own or needs for other in needs[module]}
    roots = sorted(
        (own or set(needs)) - needed_by_others - {MAPS, MODEL}, key=lambda module: -len(needs[module])
    )
    if own and roots:
        return roots[0]
    if CORE in needs or not needs:
        return roots[0] if roots and not namespaces else CORE
    if roots:
        return roots[0]
    raise InvalidSource(release.sources.path, "which edition it is cannot be told: give its version")


def _dependencies(release: ReleaseFiles) -> dict[str, set[str]]:
    """Which modules each module needs."""
    found: dict[str, set[str]] = defaultdict(set)
    files = release.refsets("ModuleDependency")
    if files:
        for row in release.reader(files, ("moduleId", "referencedComponentId")).rows():
            if row[2] == "1":
                found[row[3]].add(row[4])
    return found

"""The official FHIRPath Patch tests (``fhir-patch-tests*.xml``), of which a folder may hold any part.

https://github.com/FHIR/fhir-test-cases/tree/master/r4/patch
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from fhirserver.kernel.json import JsonObject, canonical
from fhirserver.kernel.outcomes import Refusal
from fhirserver.model.patch import parse_fhirpath_patch
from fhirserver.model.validation import validate
from fhirserver.model.xml import InvalidXml, read_xml
from tests.corpus.suite import Case, described


def run(folder: Path) -> Iterator[Case]:
    """One case per test; the patch itself must be valid too."""
    for file in sorted(folder.glob("*.xml")):
        try:
            root = ElementTree.parse(file).getroot()
        except ElementTree.ParseError as error:
            yield file.name, False, f"not XML: {error}"
            continue
        for case in root.iter("case"):
            yield (f"{file.stem}/{case.get('name')}", *_tried(case))


def _tried(case: ElementTree.Element) -> tuple[bool | None, str]:
    if case.get("mode") == "reverse":
        return None, "a difference to be found, not a patch to be applied"
    try:
        given, patch, wanted = (_resource(case, part) for part in ("input", "diff", "output"))
        flaws = [issue.diagnostics for issue in validate(patch) if issue.severity == "error"]
        if flaws:
            return False, f"the patch is not valid: {flaws[0]}"
        found = parse_fhirpath_patch(patch)(given)
    except (Refusal, InvalidXml, LookupError) as error:
        return False, described(error)
    if canonical(found) == canonical(wanted):
        return True, ""
    return False, f"found {canonical(found).decode()}, expected {canonical(wanted).decode()}"


def _resource(case: ElementTree.Element, part: str) -> JsonObject:
    holder = case.find(part)
    if holder is None or len(holder) != 1:
        raise LookupError(f"the case has no {part}")
    return read_xml(ElementTree.tostring(holder[0]))

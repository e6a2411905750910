"""How one code of a system stands to another: https://hl7.org/fhir/R4/codesystem-operation-subsumes.html"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

from fhirserver.kernel.outcomes import Category
from fhirserver.ports.code_validation import Coded
from terminology.systems import System
from terminology.validating import messages
from terminology.validating.findings import Finding
from terminology.validating.known import Known
from terminology.validating.trace import Trace
from terminology.validating.versions import not_known, usable

Outcome: TypeAlias = Literal["equivalent", "subsumes", "subsumed-by", "not-subsumed"]


def outcome(known: Known, url: str, version: str, left: str, right: str) -> Outcome:
    """``left`` beside ``right``. Refuses a system or version that is not known here (``not-found``), and codes that
    the system has not."""
    missing = known.missing_supplements()
    if missing:
        raise messages.missing_supplements(missing)
    wanted = known.version_for(url, version)
    system = usable(known, url, wanted)
    if system is None:
        trace = Trace("", Coded(url, ""))
        not_known(known, url, wanted, trace)
        raise messages.refused(Category.NOT_FOUND, *map(_of_system, trace.findings))
    return _compared(system, _found(system, left, "codeA"), _found(system, right, "codeB"))


def _of_system(finding: Finding) -> Finding:
    """It is the system itself that is asked about: no code of a resource is at fault."""
    id = finding.message_id.removesuffix("_NONE")
    id = f"{id}_EXP{finding.message_id.removeprefix(id)}"
    text = finding.text.replace("so the code cannot be validated", "so the codes cannot be compared")
    return replace(finding, message_id=id, text=text, path="")


def _found(system: System, code: str, path: str) -> str:
    concept = system.find(code)
    if concept is None:
        finding = messages.unknown_code_asked(system, code, path)
        raise messages.refused(Category.NOT_FOUND, finding)
    return concept.code


def _compared(system: System, left: str, right: str) -> Outcome:
    """Two spellings of one thing, as UCUM has them, are below each other: equivalent."""
    if left == right:
        return "equivalent"
    above, below = system.is_a(right, left), system.is_a(left, right)
    if above and below:
        return "equivalent"
    if above:
        return "subsumes"
    return "subsumed-by" if below else "not-subsumed"

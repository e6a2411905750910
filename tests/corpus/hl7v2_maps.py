"""HL7v2 messages converted by HL7's maps, held against another converter's bundles for them.

One case per message: it converts, every resource is valid R4, and every difference in a core resource stands in
``hl7v2_differences.toml`` with its reason; one more that each reason explains as many differences as it says. The
other converter is one opinion: the maps and the standard win.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adapters.hl7v2.convert.engine import convert
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.message import parse
from fhirserver.model.validation import validate
from tests.corpus.hl7v2_comparison import Difference, Rule, differences, rules, segments_of
from tests.corpus.suite import Case, described

# What the other converter assumes: times without a zone are UTC.
SITE = Site(name="corpus")


def run(folder: Path) -> Iterator[Case]:
    known = rules()
    used: Counter[Rule] = Counter()
    for path in sorted((folder / "messages").glob("*.hl7")):
        expected = folder / "messages-expected" / f"{path.stem}-expected.json"
        yield (path.stem, *_case(path, expected, known, used))
    yield "(what each rule explains)", *_counted(known, used)


def _counted(known: list[Rule], used: Counter[Rule]) -> tuple[bool, str]:
    """Every entry explains as many differences as it says: a new one beside them is for somebody to see."""
    totals: Counter[int] = Counter()
    for rule in known:
        totals[rule.entry] += used[rule]
    wrong = [
        f"{rule.type}.{rule.path}… explains {totals[rule.entry]}, not {rule.count}"
        for rule in {rule.entry: rule for rule in reversed(known)}.values()
        if totals[rule.entry] != rule.count or not rule.count
    ]
    return not wrong, "; ".join(wrong)


def _case(path: Path, expected: Path, known: list[Rule], used: Counter[Rule]) -> tuple[bool | None, str]:
    try:
        made = converted(path)
    except Exception as error:  # A failed conversion is a failed case, not the end of the suite.
        return False, f"did not convert: {described(error)}"
    if invalid := _invalid(made):
        return False, invalid
    if not expected.is_file():
        return True, ""
    segments = segments_of(path.read_bytes().decode())
    unexplained = [
        str(one) for one in found(expected, made) if not _explained(path.stem, segments, one, known, used)
    ]
    return not unexplained, f"{len(unexplained)} unexplained: {'; '.join(unexplained[:12])}"


def converted(path: Path) -> list[dict[str, Any]]:
    message = parse(path.read_bytes().decode())
    return [mapped.content for mapped in convert(message, SITE).resources]


def found(expected: Path, made: list[dict[str, Any]]) -> list[Difference]:
    bundle = json.loads(expected.read_text("utf-8"), parse_float=str)
    return list(differences([entry["resource"] for entry in bundle["entry"]], made))


def _explained(
    message: str, segments: frozenset[str], one: Difference, known: list[Rule], used: Counter[Rule]
) -> bool:
    rule = next((rule for rule in known if rule.explains(message, segments, one)), None)
    if rule is not None:
        used[rule] += 1
    return rule is not None


def _invalid(made: list[dict[str, Any]]) -> str:
    for content in made:
        for issue in validate({**content, "id": "1"}):
            if issue.severity == "error":
                return f"not valid: {content['resourceType']} {issue.expression} {issue.diagnostics}"
    return ""

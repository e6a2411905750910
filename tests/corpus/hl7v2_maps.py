"""HL7v2 messages converted by HL7's maps, held against another converter's bundles for them.

One case per message: it converts, every resource is valid R4, and every difference in a core resource stands in
``hl7v2_differences.toml`` with its reason. The other converter is one opinion: the maps and the standard win.
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
from tests.corpus.hl7v2_comparison import Difference, Rule, differences, rules
from tests.corpus.suite import Case, described

# What the other converter assumes: times without a zone are UTC.
SITE = Site(name="corpus")


def run(folder: Path) -> Iterator[Case]:
    known = rules()
    used: Counter[Rule] = Counter()
    for path in sorted((folder / "messages").glob("*.hl7")):
        expected = folder / "messages-expected" / f"{path.stem}-expected.json"
        yield (path.stem, *_case(path, expected, known, used))
    idle = [f"{rule.type}.{rule.path}" for rule in known if not used[rule]]
    yield "(rules that explain nothing)", not idle, "; ".join(idle[:20])


def _case(path: Path, expected: Path, known: list[Rule], used: Counter[Rule]) -> tuple[bool | None, str]:
    try:
        made = converted(path)
    except Exception as error:  # A failed conversion is a failed case, not the end of the suite.
        return False, f"did not convert: {described(error)}"
    if invalid := _invalid(made):
        return False, invalid
    if not expected.is_file():
        return True, ""
    unexplained = [str(one) for one in found(expected, made) if not _explained(path.stem, one, known, used)]
    return not unexplained, f"{len(unexplained)} unexplained: {'; '.join(unexplained[:12])}"


def converted(path: Path) -> list[dict[str, Any]]:
    message = parse(path.read_bytes().decode())
    return [mapped.content for mapped in convert(message, SITE).resources]


def found(expected: Path, made: list[dict[str, Any]]) -> list[Difference]:
    bundle = json.loads(expected.read_text("utf-8"), parse_float=str)
    return list(differences([entry["resource"] for entry in bundle["entry"]], made))


def _explained(message: str, one: Difference, known: list[Rule], used: Counter[Rule]) -> bool:
    rule = next((rule for rule in known if rule.explains(message, one)), None)
    if rule is not None:
        used[rule] += 1
    return rule is not None


def _invalid(made: list[dict[str, Any]]) -> str:
    for content in made:
        for issue in validate({**content, "id": "1"}):
            if issue.severity == "error":
                return f"not valid: {content['resourceType']} {issue.expression} {issue.diagnostics}"
    return ""

"""The validation cases of FHIR/fhir-test-cases: valid and invalid as the reference validator has it.

One case per entry of the manifest, and one more for each that is also validated against a profile. The rules are
those that ``$validate`` has by default, with the options of an entry: ``profiles`` and ``supporting`` (files of
conformance resources), ``allow-comments``, ``security-checks``, ``allowed-extension-domain``, ``for-publication``,
``no-experimental-content``. Only what is not R4, or whose file or reference outcome is not here, is skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from fhirserver.kernel.outcomes import Issue
from fhirserver.model.validation.profiles import Rules, Validator
from fhirserver.model.validation.profiles.rules import PUBLISHERS
from fhirserver.model.validation.source import read_json
from fhirserver.model.xml import InvalidXml, read_xml
from terminology.service import TerminologyService, packed
from tests.corpus.loaded import Loaded
from tests.corpus.suite import Case, described

Json = dict[str, Any]
ERRORS = frozenset(("error", "fatal"))
SUPPORTING = ("supporting", "profiles", "codesystems", "valuesets")
_plain = Loaded()
_terminology = TerminologyService(packed)


def run(folder: Path) -> Iterator[Case]:
    """One or two cases per entry of the manifest."""
    for entry in entries(folder):
        try:
            yield entry.name, *_judged(folder, entry)
        except (ValueError, OSError) as error:
            yield entry.name, False, described(error)


class Entry(NamedTuple):
    """One case: ``outcome`` says where the reference's answer is, ``against`` a profile's file, if any."""

    name: str
    case: Json
    outcome: Any
    against: tuple[str, ...] = ()


def entries(folder: Path) -> Iterator[Entry]:
    """The cases of every manifest."""
    for manifest in sorted(folder.glob("manifest*.json")):
        for case in json.loads(manifest.read_text("utf-8"))["test-cases"]:
            yield Entry(case["name"], case, case.get("java"))
            profile = case.get("profile")
            if isinstance(profile, dict) and (folder / profile["source"]).exists():
                yield Entry(f"{case['name']}, profile", case, profile.get("java"), (profile["source"],))


def _judged(folder: Path, entry: Entry) -> tuple[bool | None, str]:
    theirs, why = errors_of_reference(folder, entry)
    if theirs is None:
        return None, why
    return compared(_errors(folder, entry.case, entry.against), theirs)


def errors_of_reference(folder: Path, entry: Entry) -> tuple[list[str] | None, str]:
    """What the reference finds wrong; None with the reason where that cannot be said."""
    if not str(entry.case.get("version", "4.0")).startswith("4.0"):
        return None, f"for FHIR {entry.case['version']}"
    if not (folder / entry.case["file"]).exists():
        return None, "the file is not here"
    outcome = _outcome(folder, entry.outcome)
    if outcome is None:
        return None, "the reference outcome is not here"
    return [_text(issue) for issue in outcome.get("issue", ()) if issue["severity"] in ERRORS], ""


def _outcome(folder: Path, where: Any) -> Json | None:
    """The reference's OperationOutcome: in a file of its own or inside the manifest."""
    if isinstance(where, dict):
        found = where.get("outcome")
        return found if isinstance(found, dict) else None
    path = folder / "outcomes" / str(where)
    if where is None or not path.exists():
        return None
    outcome: Json = json.loads(path.read_text("utf-8-sig"))
    return outcome


def _text(issue: Json) -> str:
    return str(issue.get("details", {}).get("text", ""))


def _errors(folder: Path, case: Json, against: tuple[str, ...]) -> list[str]:
    """What is wrong with the file, places first."""
    resource, faults = read(folder / case["file"], bool(case.get("allow-comments")))
    if not faults:
        validator, profiles = _validator(folder, case, against)
        faults = validator.validate(resource, profiles)
    return [issue.diagnostics for issue in faults if issue.severity in ERRORS]


def read(path: Path, allow_comments: bool) -> tuple[Any, list[Issue]]:
    if path.suffix != ".xml":
        return read_json(path.read_bytes(), allow_comments)
    try:
        return read_xml(path.read_bytes()), []
    except InvalidXml as error:
        return None, [Issue("structure", str(error))]


def _validator(folder: Path, case: Json, against: tuple[str, ...]) -> tuple[Validator, list[str]]:
    names = [name for option in SUPPORTING for name in case.get(option, ())]
    held = {n: read(folder / n, True)[0] for n in (*names, *against) if (folder / n).exists()}
    loaded = Loaded(r for r in held.values() if isinstance(r, dict)) if held else _plain
    terminology = TerminologyService(loaded.find) if held else _terminology
    wanted = (held.get(name) for name in (*case.get("profiles", ()), *against))
    urls = [str(resource["url"]) for resource in wanted if isinstance(resource, dict)]
    return Validator(loaded, terminology, _rules(case)), urls


def _rules(case: Json) -> Rules:
    domains = case.get("allowed-extension-domain", case.get("allowed-extension-domains", []))
    allowed: tuple[str, ...] = (domains,) if isinstance(domains, str) else tuple(domains)
    return Rules(
        extension_domains=(*PUBLISHERS, *allowed),
        for_publication=bool(case.get("for-publication")),
        experimental=not case.get("no-experimental-content"),
        markup_in_text="error" if case.get("security-checks") else "warning",
    )


def compared(ours: list[str], theirs: list[str]) -> tuple[bool, str]:
    """Whether both find something, or both nothing."""
    if bool(ours) == bool(theirs):
        return True, ""
    if ours:
        return False, f"valid for the reference, not for us: {'; '.join(ours[:3])}"
    return False, f"not found: {theirs[0][:200]}"

"""The validation cases of FHIR/fhir-test-cases: valid and invalid as the reference validator has it.

One case per entry of the manifest, and one more for each that is also validated against a profile. Options of an
entry: ``profiles`` and ``supporting`` (files of conformance resources), ``allow-comments``, ``security-checks``,
``allowed-extension-domain``, ``for-publication``, ``no-experimental-content``. As in the reference's own run,
an extension that nobody defines is an error unless its domain is allowed. Only what is not R4, or whose file or
reference outcome is not here, is skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhirserver.kernel.outcomes import Issue
from fhirserver.model.validation.profiles import Rules, Validator
from fhirserver.model.validation.source import read_json
from fhirserver.model.xml import InvalidXml, read_xml
from terminology.service import TerminologyService, packed
from tests.corpus.loaded import Loaded
from tests.corpus.suite import Case, described

Json = dict[str, Any]
_ERRORS = frozenset(("error", "fatal"))
_SUPPORTING = ("supporting", "profiles", "codesystems", "valuesets")
_plain = Loaded()
_terminology = TerminologyService(packed)


def run(folder: Path) -> Iterator[Case]:
    """One or two cases per entry of the manifest."""
    for manifest in sorted(folder.glob("manifest*.json")):
        try:
            cases = json.loads(manifest.read_text("utf-8"))["test-cases"]
        except (ValueError, KeyError) as error:
            yield manifest.name, False, f"not a manifest: {described(error)}"
            continue
        for case in cases:
            yield from _cases(folder, case)


def _cases(folder: Path, case: Json) -> Iterator[Case]:
    yield (case["name"], *_verdict(folder, case, case.get("java"), ()))
    profile = case.get("profile")
    if isinstance(profile, dict) and (folder / profile["source"]).exists():
        verdict = _verdict(folder, case, profile.get("java"), (profile["source"],))
        yield (f"{case['name']}, profile", *verdict)


def _verdict(folder: Path, case: Json, where: Any, against: tuple[str, ...]) -> tuple[bool | None, str]:
    try:
        return _judged(folder, case, where, against)
    except (ValueError, OSError) as error:
        return False, described(error)


def _judged(folder: Path, case: Json, where: Any, against: tuple[str, ...]) -> tuple[bool | None, str]:
    if not str(case.get("version", "4.0")).startswith("4.0"):
        return None, f"for FHIR {case['version']}"
    if not (folder / case["file"]).exists():
        return None, "the file is not here"
    outcome = _outcome(folder, where)
    if outcome is None:
        return None, "the reference outcome is not here"
    theirs = [_text(issue) for issue in outcome.get("issue", ()) if issue["severity"] in _ERRORS]
    return _compared(_errors(folder, case, against), theirs)


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
    resource, faults = _read(folder / case["file"], bool(case.get("allow-comments")))
    if not faults:
        validator, profiles = _validator(folder, case, against)
        faults = validator.validate(resource, profiles)
    return [issue.diagnostics for issue in faults if issue.severity in _ERRORS]


def _read(path: Path, allow_comments: bool) -> tuple[Any, list[Issue]]:
    if path.suffix != ".xml":
        return read_json(path.read_bytes(), allow_comments)
    try:
        return read_xml(path.read_bytes()), []
    except InvalidXml as error:
        return None, [Issue("structure", str(error))]


def _validator(folder: Path, case: Json, against: tuple[str, ...]) -> tuple[Validator, list[str]]:
    names = [name for option in _SUPPORTING for name in case.get(option, ())]
    held = {n: _read(folder / n, True)[0] for n in (*names, *against) if (folder / n).exists()}
    loaded = Loaded(r for r in held.values() if isinstance(r, dict)) if held else _plain
    terminology = TerminologyService(loaded.find) if held else _terminology
    wanted = (held.get(name) for name in (*case.get("profiles", ()), *against))
    urls = [str(resource["url"]) for resource in wanted if isinstance(resource, dict)]
    return Validator(loaded, terminology, _rules(case)), urls


def _rules(case: Json) -> Rules:
    domains = case.get("allowed-extension-domain", case.get("allowed-extension-domains", []))
    return Rules(
        unknown_extensions="error",
        lapses="error",
        extension_domains=(domains,) if isinstance(domains, str) else tuple(domains),
        for_publication=bool(case.get("for-publication")),
        experimental=not case.get("no-experimental-content"),
        markup_in_text="error" if case.get("security-checks") else "warning",
    )


def _compared(ours: list[str], theirs: list[str]) -> tuple[bool, str]:
    if bool(ours) == bool(theirs):
        return True, ""
    if ours:
        return False, f"valid for the reference, not for us: {'; '.join(ours[:3])}"
    return False, f"not found: {theirs[0][:200]}"

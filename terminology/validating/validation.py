"""The answer to a question of ``$validate-code``: each coding is tried, then it is said what came out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fhirserver.kernel.effort import check
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.code_validation import CodeAnswer, Coded, CodeQuestion
from terminology.systems import System
from terminology.validating import messages
from terminology.validating.displays import DisplayCheck, Languages, Shown, shown
from terminology.validating.findings import Findings
from terminology.validating.known import Known
from terminology.validating.membership import Membership, Rules, UnknownValueSet
from terminology.validating.messages import versioned
from terminology.validating.trace import Trace
from terminology.validating.versions import not_known, usable

_PATHS = {"code": "", "coding": "Coding"}


@dataclass
class _Seen:
    """What is answered, as it comes together. ``verdict``: None where it hangs on a system that is not known."""

    findings: Findings = field(default_factory=Findings)
    unknown: dict[str, None] = field(default_factory=dict)
    verdict: bool | None = False
    coded: Coded | None = None
    version: str = ""
    display: str = ""
    inactive: bool = False
    status: str = ""
    normalized: str = ""


class Validator:
    """Of one question, against one value set; that of a code system is made for it (``of_system``)."""

    def __init__(self, known: Known, question: CodeQuestion, value_set: JsonObject, of_system: bool = False):
        self._known, self._question, self._value_set = known, question, value_set
        self._of_system = of_system
        rules = Rules(question.abstract, question.active_only, question.membership_only)
        self._membership = Membership(known, rules)
        self._languages = Languages(question.languages)
        self._seen = _Seen()
        self._leads = False  # whether the coding that is tried is the one that is answered with, so far

    def answer(self) -> CodeAnswer:
        """Refuses value sets that are in a circle, or that need a supplement which is not known here."""
        try:
            self._membership.prepare(self._value_set)
        except UnknownValueSet as unknown:
            return unresolved(self._question, unknown.canonical)
        self._seen.findings.extend(filter(None, [messages.reference_to(self._value_set, None)]))
        for number, coded in enumerate(self._question.codings):
            self._try(coded, self._path(number))
        if self._seen.verdict is False and not self._of_system and (self._is_concept or self._seen.coded):
            self._say_not_held()
        return self._answer()

    @property
    def _is_concept(self) -> bool:
        return self._question.form == "codeableConcept"

    def _path(self, number: int) -> str:
        return f"CodeableConcept.coding[{number}]" if self._is_concept else _PATHS[self._question.form]

    # One coding

    def _try(self, coded: Coded, path: str) -> None:
        check()
        trace = Trace(path, coded, self._seen.findings, self._seen.unknown)
        if not coded.code:
            trace.add(messages.no_code(path), messages.no_system(path) if not coded.system else None)
            return
        verdict = self._holds(trace)
        named = trace.coded
        self._leads = self._seen.coded is None or (verdict is True and self._seen.verdict is not True)
        if self._leads:
            self._seen.coded = named
        if verdict is False and self._is_concept and not self._of_system:
            trace.add(messages.this_not_in_value_set(_named(named), self._value_set, path))
        if self._seen.verdict is not True and verdict is not False:
            self._seen.verdict = verdict
        if verdict is True:
            self._say_held(trace)
        elif not self._question.membership_only and named.system:
            self._say_why_not(trace)
        self._say_status(trace, verdict)

    def _holds(self, trace: Trace) -> bool | None:
        coded = trace.coded
        if not coded.system and self._infers:
            systems = self._membership.systems_with(self._value_set, trace)
            if len(systems) != 1:
                drawn = self._membership.systems(self._value_set)
                trace.add(messages.cannot_infer(coded.code, self._value_set, drawn, systems))
                return False
            trace.coded = replace(coded, system=systems[0])
        elif not coded.system:
            trace.add(messages.no_system(trace.path))
            return False
        return self._membership.holds(self._value_set, trace)

    @property
    def _infers(self) -> bool:
        return self._question.infer_system or self._question.form == "code"

    def _say_held(self, trace: Trace) -> None:
        if self._leads:
            self._seen.version = trace.system.version if trace.system is not None else ""
            self._seen.normalized = trace.normalized
        if trace.concept is not None:
            self._check_display(trace, trace.texts)

    def _say_why_not(self, trace: Trace) -> None:
        """What is wrong with a code that is not in the value set, as its own system sees it."""
        coded, path = trace.coded, trace.path
        asked = self._value_set["compose"]["include"][0]["system"] if self._of_system else coded.system
        if coded.system != asked:
            trace.add(messages.other_system(coded.system, asked, path))
        if ":" not in coded.system:
            trace.add(messages.relative_system(path))
        system = usable(self._known, coded.system, coded.version)
        if system is None:
            self._say_unknown(trace)
            return
        trace.add(messages.reference_to(_resource(system), self._value_set))
        concept = system.find(coded.code)
        if concept is None:
            trace.add(messages.unknown_code(system, coded.code, path))
            return
        if trace.concept is None:
            trace.concept = concept
        if not self._is_concept:
            self._seen.version = system.version
        self._check_display(trace, trace.texts or shown(concept))

    def _say_unknown(self, trace: Trace) -> None:
        coded, path = trace.coded, trace.path
        if self._known.value_set(coded.system) is not None:
            trace.add(messages.value_set_as_system(coded.system, path))
            return
        resource = self._known.code_system(versioned(coded.system, coded.version))
        if resource is not None and resource.get("content") == "supplement":
            name = versioned(coded.system, str(resource.get("version", "")))
            trace.add(messages.supplement_as_system(name, path))
            return
        if any(one.partition("|")[0] == coded.system for one in trace.unknown):
            return
        # The ecosystem's tests have the url of a system outside the value set without quotes, save a relative one.
        not_known(self._known, coded.system, coded.version, trace, quoted=":" not in coded.system)

    def _check_display(self, trace: Trace, texts: list[Shown]) -> None:
        if self._leads:
            self._seen.display = self._languages.best(texts) or Languages().best(texts)
        if not trace.coded.display or not texts or self._question.membership_only:
            return
        system = usable(self._known, trace.coded.system, trace.coded.version)
        default = str(system.header.get("language", "")) if system is not None else ""
        check = DisplayCheck(self._languages, self._question.lenient_display, default)
        named = f"{trace.coded.system}#{trace.coded.code}"
        trace.add(check.check(texts, trace.coded.display, named, trace.path))

    def _say_status(self, trace: Trace, verdict: bool | None) -> None:
        concept = trace.concept
        if concept is None or not self._tells_status(trace, verdict):
            return
        status = concept.status.lower() if concept.status.lower() == "deprecated" else ""
        if concept.inactive:
            status = concept.status or "inactive"
            trace.add(messages.inactive_concept(trace.coded.code, status, trace.path))
        elif status:
            trace.add(messages.deprecated_concept(trace.coded.code, trace.path))
        if self._leads:
            self._seen.inactive, self._seen.status = concept.inactive, status

    def _tells_status(self, trace: Trace, verdict: bool | None) -> bool:
        """Of a code that is in the value set, or is not because it is inactive."""
        not_active = any(one.message_id == "STATUS_CODE_WARNING_CODE" for one in trace.findings)
        return verdict is True or (not_active and not self._question.membership_only)

    # All codings

    def _say_not_held(self) -> None:
        if self._is_concept:
            self._seen.findings.add(messages.no_valid_coding(self._value_set))
            return
        coded = self._seen.coded or self._question.codings[0]
        path = _PATHS[self._question.form]
        self._seen.findings.add(messages.not_in_value_set(_named(coded), self._value_set, path))

    def _answer(self) -> CodeAnswer:
        seen, is_named = self._seen, self._seen.verdict is True or not self._is_concept
        if self._is_concept and seen.verdict is True:
            seen.findings = seen.findings.softened("UNKNOWN_CODESYSTEM")
        coded = (seen.coded if is_named else None) or Coded("", "")
        placed = bool(self._value_set.get("url"))
        return CodeAnswer(
            result=seen.verdict is True and not seen.findings.have_errors,
            message=seen.findings.message(),
            code=coded.code,
            system=coded.system,
            version=(seen.version or coded.version) if is_named else "",
            display=seen.display if coded.code else "",
            concept=self._question.concept,
            inactive=seen.inactive,
            status=seen.status if seen.status != "inactive" else "",
            normalized=seen.normalized,
            issues=tuple(one.as_json(placed) for one in seen.findings),
            unknown_systems=tuple(seen.unknown),
            caused_by_unknown=seen.verdict is not False,
        )


def unresolved(question: CodeQuestion, canonical: str) -> CodeAnswer:
    """The answer where a value set that is imported is not known here."""
    findings = Findings()
    findings.add(messages.unknown_value_set(canonical))
    coded = question.codings[0] if question.form != "codeableConcept" and question.codings else Coded("", "")
    return CodeAnswer(
        False,
        findings.message(),
        coded.code,
        coded.system,
        concept=question.concept,
        issues=tuple(one.as_json() for one in findings),
    )


def no_system(question: CodeQuestion) -> CodeAnswer:
    """The answer where it cannot be told which code system is asked."""
    findings = Findings()
    path = "Coding" if question.form == "coding" else "CodeableConcept.coding[0]"
    findings.add(messages.no_system(path))
    code = question.codings[0].code if question.form == "coding" else ""
    issues = tuple(one.as_json() for one in findings)
    return CodeAnswer(False, findings.message(), code, concept=question.concept, issues=issues)


def unknown_code_system(known: Known, question: CodeQuestion, url: str, version: str) -> CodeAnswer:
    """The answer where a code system that is asked is not known here."""
    path = {"code": "", "coding": "Coding"}.get(question.form, "CodeableConcept.coding[0]")
    coded = question.codings[0] if question.codings else Coded(url, "")
    trace = Trace(path, replace(coded, system=url, version=version))
    resource = known.code_system(versioned(url, version))
    if ":" not in url:
        trace.add(messages.relative_system(path))
    if known.value_set(url) is not None:
        trace.add(messages.value_set_as_system(url, path))
    elif resource is not None and resource.get("content") == "supplement":
        trace.add(messages.supplement_as_system(versioned(url, str(resource.get("version", ""))), path))
    else:
        not_known(known, url, version, trace)
    is_concept = question.form == "codeableConcept"
    return CodeAnswer(
        False,
        trace.findings.message(),
        "" if is_concept else coded.code,
        "" if is_concept else url,
        concept=question.concept,
        issues=tuple(one.as_json() for one in trace.findings),
        unknown_systems=tuple(trace.unknown),
        caused_by_unknown=True,
    )


def _named(coded: Coded) -> str:
    """``system|version#code ('display')``"""
    name = f"{versioned(coded.system, coded.version)}#{coded.code}"
    return f"{name} ('{coded.display}')" if coded.display else name


def _resource(system: System) -> JsonObject:
    return {"resourceType": "CodeSystem", **system.header, "url": system.url, "version": system.version}

"""Whether a value set holds a code, and why not.

https://hl7.org/fhir/R4/valueset.html#compositions
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from fhirserver.kernel.effort import check, watch
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.code_validation import Coded
from fhirserver.ports.terminology import Concept
from terminology.systems import System
from terminology.validating import messages
from terminology.validating.displays import of_include, shown
from terminology.validating.findings import Finding
from terminology.validating.known import Known
from terminology.validating.overloads import are_matched, in_order
from terminology.validating.trace import Trace
from terminology.validating.versions import not_known, usable, version_meant

DEEPEST = 60
UNKNOWN_CODE = "Unknown_Code_in_Version"
DEPRECATED = "http://hl7.org/fhir/StructureDefinition/valueset-deprecated"


class UnknownValueSet(Exception):
    """A value set that is imported and not known here."""

    def __init__(self, canonical: str):
        self.canonical = canonical
        super().__init__(canonical)


@dataclass(frozen=True, slots=True)
class Rules:
    """Which codes will do: ``abstract`` ones, only active ones. ``quiet``: only membership is asked for."""

    abstract: bool = True
    active_only: bool = False
    quiet: bool = False


class Membership:
    """Asked of one value set with those it imports. ``holds`` is None where that hangs on a system that is not known.

    Raises :class:`UnknownValueSet`, and a refusal where value sets import each other in a circle.
    """

    def __init__(self, known: Known, rules: Rules):
        self._known, self._rules = known, rules
        self._imports: dict[str, JsonObject] = {}
        self._named_by: list[JsonObject] = []  # so that no other value set gets the id of one in ``_imports``
        self._prepared: set[int] = set()
        self._answers: dict[tuple[int, Coded], tuple[bool | None, Trace]] = {}

    def prepare(self, value_set: JsonObject, above: tuple[str, ...] = ()) -> None:
        """All imports are known, and none is in a circle: whether the code is in them or not."""
        check()
        below = self._entered(value_set, above)
        if id(value_set) in self._prepared:
            return
        for place, part in _parts(value_set):
            for canonical in part.get("valueSet", ()):
                self.prepare(self._imported(canonical, value_set), below)
            _check_filters(part, place)
        self._prepared.add(id(value_set))

    def _entered(self, value_set: JsonObject, above: tuple[str, ...]) -> tuple[str, ...]:
        name = messages.name_of(value_set) if value_set.get("url") else ""
        if name and name in above:
            raise messages.circular(name, tuple(filter(None, above)))
        if len(above) >= DEEPEST:
            raise refuse(Category.UNPROCESSABLE, "too-costly", f"Value sets import each other {DEEPEST} deep")
        return (*above, name)

    def _imported(self, canonical: str, by: JsonObject) -> JsonObject:
        inside = by.get("contained", ())
        key = f"{id(inside)}{canonical}" if canonical.startswith("#") else canonical
        if key not in self._imports:
            if canonical.startswith("#"):
                contained = (one for one in inside if one.get("id") == canonical[1:])
                found = next(({**one, "contained": inside} for one in contained), None)
            else:
                found = self._known.value_set(canonical)
            if found is None:
                raise UnknownValueSet(self._known.value_set_meant(canonical))
            self._imports[key] = found
            self._named_by.append(by)
        return self._imports[key]

    # One code

    def holds(self, value_set: JsonObject, trace: Trace) -> bool | None:
        """Whether it holds the code; what is to be said of it goes into ``trace``."""
        if "compose" not in value_set:
            return self._expansion_holds(value_set, trace)
        held = self._any_holds(value_set, trace)
        if held and any(
            self._excludes(part, value_set, trace) for part in value_set["compose"].get("exclude", ())
        ):
            return False
        return held

    def _any_holds(self, value_set: JsonObject, trace: Trace) -> bool | None:
        """The first include that holds the code without an error is the one that counts, and of several versions of a
        system the one that calls it so; or else the first that holds it: what is wrong with the others does not."""
        verdict: bool | None = False
        holding: list[Trace] = []
        tried: list[Trace] = []
        for part in in_order(self._known, value_set["compose"].get("include", ()), trace.coded):
            apart = trace.apart()
            held = self._included(part, value_set, apart)
            if held and not apart.findings.have_errors and apart.is_called_so:
                trace.take(apart)
                return True
            holding += [apart] if held else []
            verdict = None if held is None else verdict
            tried.append(apart)
        best = next((one for one in holding if not one.findings.have_errors), None) or next(
            iter(holding), None
        )
        for apart in _telling(tried) if best is None else [best]:
            trace.take(apart)
        return verdict if best is None else True

    def _included(self, part: JsonObject, value_set: JsonObject, trace: Trace) -> bool | None:
        check()
        held: bool | None = True
        if "system" in part:
            held = part["system"] == trace.coded.system
            held = self._system_holds(part, value_set, trace) if held else False
        for canonical in part.get("valueSet", ()):
            imported = self._imported(canonical, value_set)
            trace.add(messages.reference_to(imported, value_set))
            if held:
                held = self._import_holds(imported, trace)
        return held

    def _import_holds(self, value_set: JsonObject, trace: Trace) -> bool | None:
        """Asked once of each code: value sets may import each other many times over."""
        key = (id(value_set), trace.coded)
        if key not in self._answers:
            apart = trace.apart()
            self._answers[key] = (self.holds(value_set, apart), apart)
        verdict, apart = self._answers[key]
        trace.take(apart)
        return verdict

    def _system_holds(self, part: JsonObject, value_set: JsonObject, trace: Trace) -> bool | None:
        url = part["system"]
        version = version_meant(self._known, url, str(part.get("version", "")), trace)
        system = usable(self._known, url, version)
        if system is None:
            if self._rules.quiet:
                return False
            not_known(self._known, url, version, trace)
            return None
        self._check_version(system, trace)
        trace.add(messages.reference_to(_header(system), value_set))
        trace.system = system
        return self._set_holds(part, system, value_set, trace)

    def _check_version(self, system: System, trace: Trace) -> None:
        if not self._known.is_checked(system.url, system.version):
            required = self._known.checked_version(system.url)
            trace.add(messages.version_not_allowed(system.url, system.version, required, trace.path))

    def _set_holds(self, part: JsonObject, system: System, value_set: JsonObject, trace: Trace) -> bool:
        concept = system.find(trace.coded.code)
        if concept is None:
            return self._unknown_held(part, system, trace)
        listed = next(
            (one for one in watch(part.get("concept", ())) if one.get("code") == concept.code), None
        )
        if listed is None and not _selects(part, system, concept):
            return False
        trace.concept, trace.texts = concept, shown(concept)
        if listed is not None:
            trace.texts += of_include(listed, str(value_set.get("language", "")))
            trace.add(_mark(listed, system, concept, value_set, trace))
        return self._allowed(system, concept, value_set, trace)

    def _unknown_held(self, part: JsonObject, system: System, trace: Trace) -> bool:
        """A code that its system has not: in a value set of all codes of a fragment it may be right."""
        if "concept" in part or "filter" in part:
            return False
        if not self._rules.quiet:
            trace.add(messages.unknown_code(system, trace.coded.code, trace.path))
        return bool(system.header.get("content") == "fragment")

    def _allowed(self, system: System, concept: Concept, value_set: JsonObject, trace: Trace) -> bool:
        code = trace.coded.code
        if concept.abstract and not self._rules.abstract:
            if not self._rules.quiet:
                trace.add(messages.abstract(system, code, trace.path))
            return False
        active_only = self._rules.active_only or value_set.get("compose", {}).get("inactive") is False
        if active_only and concept.inactive:
            trace.add(messages.not_active(code, trace.path))
            return False
        if concept.code != code:
            trace.add(messages.other_case(system, code, concept.code, trace.path))
            trace.normalized = concept.code
        return True

    def _excludes(self, part: JsonObject, value_set: JsonObject, trace: Trace) -> bool:
        """Whether an exclude takes the code away: in the version in which it was found, or in any."""
        check()
        if "system" in part:
            if part["system"] != trace.coded.system:
                return False
            system = usable(self._known, part["system"], str(part.get("version", "")))
            if system is None:
                raise refuse(Category.UNPROCESSABLE, "not-found", f"{part['system']} is not known here")
            is_other = trace.system is not None and trace.system.version != system.version
            if part.get("version") and is_other and not are_matched(self._known, value_set, system.url):
                return False
            trace.add(messages.reference_to(_header(system), value_set))
            concept = system.find(trace.coded.code)
            if concept is None or not _selects(part, system, concept):
                return False
        imports = [self._imported(canonical, value_set) for canonical in part.get("valueSet", ())]
        return all(self._silent._import_holds(imported, trace.apart()) is True for imported in imports)

    @cached_property
    def _silent(self) -> Membership:
        """Of any code, whatever its status."""
        silent = Membership(self._known, Rules(quiet=True))
        silent._imports, silent._named_by = self._imports, self._named_by
        return silent

    def _expansion_holds(self, value_set: JsonObject, trace: Trace) -> bool | None:
        """A value set that has only its expansion."""
        coded = trace.coded
        for item in watch(_contained(value_set.get("expansion", {}).get("contains", ()))):
            if item.get("code") != coded.code or item.get("system") != coded.system:
                continue
            if coded.version and item.get("version") and item["version"] != coded.version:
                continue
            version = str(item.get("version") or coded.version)
            part = {"system": coded.system, **({"version": version} if version else {})}
            return self._system_holds(part, value_set, trace)
        return False

    # Which systems a bare code may be of

    def systems_with(self, value_set: JsonObject, code: Trace) -> list[str]:
        """The systems of which the value set holds the code."""
        found: list[str] = []
        for url in self.systems(value_set):
            trace = Trace(code.path, replace(code.coded, system=url))
            if self.holds(value_set, trace) is True and trace.concept is not None:
                found.append(url)
        return found

    def systems(self, value_set: JsonObject) -> list[str]:
        """The systems that a value set draws on, with those of the value sets it imports."""
        return list(dict.fromkeys(self._systems(value_set, set())))

    def _systems(self, value_set: JsonObject, seen: set[int]) -> Iterator[str]:
        if id(value_set) in seen:
            return
        seen.add(id(value_set))
        for part in value_set.get("compose", {}).get("include", ()):
            if "system" in part:
                yield part["system"]
            else:
                for canonical in part.get("valueSet", ())[:1]:
                    yield from self._systems(self._imported(canonical, value_set), seen)
        for item in _contained(value_set.get("expansion", {}).get("contains", ())):
            if "system" in item and "compose" not in value_set:
                yield item["system"]


def _telling(tried: list[Trace]) -> Iterator[Trace]:
    """What was found out in the includes that do not have the code: that a system has not got it is said of one of its
    versions only."""
    said = False
    for apart in tried:
        is_unknown = [one.message_id for one in apart.findings] == [UNKNOWN_CODE]
        if not (is_unknown and said):
            yield apart
        said = said or is_unknown


def _selects(part: JsonObject, system: System, concept: Concept) -> bool:
    """Whether an include or exclude has a concept of its system, without regard to what it imports."""
    if "concept" in part:
        return any(one.get("code") == concept.code for one in watch(part["concept"]))
    return all(system.holds(concept.code, condition) for condition in part.get("filter", ()))


def _mark(
    listed: JsonObject, system: System, concept: Concept, value_set: JsonObject, trace: Trace
) -> Finding | None:
    """A warning where the value set marks the code as one that should not be used."""
    for one in listed.get("extension", ()):
        status = str(one.get("valueCode", ""))
        if one.get("url") == messages.STANDARDS_STATUS and status in ("withdrawn", "deprecated"):
            return messages.marked_in_value_set(system, concept.code, status, value_set, trace.path)
        if one.get("url") == DEPRECATED and one.get("valueBoolean", True):
            return messages.marked_in_value_set(system, concept.code, "deprecated", value_set, trace.path)
    return None


def _header(system: System) -> JsonObject:
    return {"resourceType": "CodeSystem", **system.header, "url": system.url, "version": system.version}


def _parts(value_set: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """Each include and exclude behind its place."""
    compose = value_set.get("compose", {})
    for name in ("include", "exclude"):
        for number, part in enumerate(compose.get(name, ())):
            yield f"ValueSet.compose.{name}[{number}]", part


def _check_filters(part: JsonObject, place: str) -> None:
    for number, one in enumerate(part.get("filter", ())):
        if not one.get("value"):
            raise messages.filter_without_value(part, one, f"{place}.filter[{number}]")


def _contained(items: list[JsonObject]) -> Iterator[JsonObject]:
    for item in items:
        yield item
        yield from _contained(item.get("contains", []))

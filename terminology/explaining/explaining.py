"""Walks the ``compose`` of a value set for one code and says, part by part, what holds it and what does not.

The answer is the one that the expansion gives; a part that cannot be evaluated (a system that is not here, a filter
that is not understood) leaves open only what depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.terminology import Concept
from fhirserver.ports.terminology_browsing import Explanation, Reason
from terminology.explaining.filters import called, explain_filter, short
from terminology.explaining.sentences import cause, part_words, summary, versioned
from terminology.systems import Library, System
from terminology.versions import joined

DEEPEST = 40


class Verdict(NamedTuple):
    """Whether a value set holds the code, why in a sentence, and the steps to it."""

    holds: bool | None
    text: str
    steps: tuple[Reason, ...] = ()


def explain(
    value_set: JsonObject, library: Library, system: str, code: str, active_only: bool = False
) -> Explanation:
    """Why the value set holds the code, or does not. Refuses nothing: what cannot be told is said to be so."""
    walk = _Walk(library, system, code)
    verdict = walk.value_set(value_set, value_set, ())
    concept = walk.concept()
    if active_only and verdict.holds and concept is not None and concept.inactive:
        step = Reason("Only active codes are asked for", False, "the code is inactive")
        text = f"{verdict.text.removesuffix('.')}, but only active codes are asked for and it is inactive."
        verdict = Verdict(False, text, (*verdict.steps, step))
    return Explanation(verdict.holds, verdict.text, verdict.steps, concept)


def any_of(answers: Iterable[bool | None]) -> bool | None:
    """Whether one holds; None where that hangs on one that cannot be told."""
    given = [*answers]
    return True if True in given else None if None in given else False


def all_of(answers: Iterable[bool | None]) -> bool | None:
    given = [*answers]
    return False if False in given else None if None in given else True


@dataclass
class _Walk:
    """For one code. Each imported value set is walked once, however often it is imported."""

    library: Library
    system: str
    code: str
    known: dict[str, Verdict] = field(default_factory=dict)

    def concept(self) -> Concept | None:
        found = self.library.system(self.system)
        return found.find(self.code) if found is not None else None

    # Value sets

    def value_set(self, value_set: JsonObject, root: JsonObject, above: tuple[str, ...]) -> Verdict:
        """``root`` is the resource in which contained ones are looked for; ``above`` are those that import it."""
        name = joined(str(value_set.get("url", "")), str(value_set.get("version", "")))
        if name and name in above:
            circle = " → ".join((*above[above.index(name) :], name))
            return Verdict(None, f"The value set imports itself, so it holds nothing: {circle}.")
        if len(above) >= DEEPEST:
            return Verdict(None, f"Value sets import each other more than {DEEPEST} deep.")
        if self._stands_in(value_set):
            return self._in_expansion(value_set)
        return self._compose(value_set.get("compose") or {}, root, (*above, name))

    def _compose(self, compose: JsonObject, root: JsonObject, above: tuple[str, ...]) -> Verdict:
        parts = {
            name: [
                self._part(
                    part, f"{name.capitalize()} {number}", f"compose.{name}[{number - 1}]", root, above
                )
                for number, part in enumerate(compose.get(name, ()), 1)
            ]
            for name in ("include", "exclude")
        }
        included = any_of(one.holds for one in parts["include"])
        excluded = any_of(one.holds for one in parts["exclude"])
        steps = [*parts["include"], *parts["exclude"]]
        active = self._active(compose) if included and excluded is not True else None
        steps += [active] if active is not None else []
        inside = all_of((included, None if excluded is None else not excluded))
        holds = all_of((inside, active.holds)) if active is not None else inside
        return Verdict(holds, summary(parts["include"], parts["exclude"], active), tuple(steps))

    def _active(self, compose: JsonObject) -> Reason | None:
        """What ``compose.inactive`` says; None where it keeps inactive codes, as without it."""
        if compose.get("inactive") is not False:
            return None
        concept = self.concept()
        is_active = concept is None or not concept.inactive
        why = "the code is active" if is_active else "the code is inactive"
        return Reason("Inactive codes are left out", is_active, why, "compose.inactive")

    def _stands_in(self, value_set: JsonObject) -> bool:
        """Whether the expansion that the value set brings along is taken: it says nothing else, or draws on systems
        not known here."""
        if "expansion" not in value_set:
            return False
        includes = (value_set.get("compose") or {}).get("include", ())
        drawn = [one for one in includes if "system" in one and "concept" not in one]
        return not includes or any(self._system(one) is None for one in drawn)

    def _in_expansion(self, value_set: JsonObject) -> Verdict:
        waiting, held = [*value_set["expansion"].get("contains", ())], False
        while waiting and not held:
            item = waiting.pop()
            named = (item.get("system", ""), item.get("code")) == (self.system, self.code)
            held = named and not item.get("abstract")
            waiting.extend(item.get("contains", ()))
        says = "holds the code" if held else "does not hold the code"
        text = f"The expansion that the value set brings along stands in for its compose, and {says}."
        step = Reason("Expansion that the value set brings along", held, f"it {says}", "expansion")
        return Verdict(held, text, (step,))

    # Parts

    def _part(
        self, part: JsonObject, name: str, place: str, root: JsonObject, above: tuple[str, ...]
    ) -> Reason:
        """One include or exclude. What follows after a step that does not hold is not looked at."""
        steps: list[Reason] = []
        if "system" in part:
            steps += self._own(part, place)
        if not any(one.holds is False for one in steps):
            for number, canonical in enumerate(part.get("valueSet", ())):
                steps.append(self._import(str(canonical), f"{place}.valueSet[{number}]", root, above))
        holds = all_of(one.holds for one in steps) if steps else None
        why = _deciding(steps) if steps else "it names neither a code system nor a value set"
        return Reason(f"{name}: {part_words(part)}", holds, why, place, tuple(steps))

    def _own(self, part: JsonObject, place: str) -> list[Reason]:
        """What the part says of a code system."""
        url = str(part["system"])
        what = f"Code system {versioned(url, str(part.get('version', '')))}"
        if url != self.system:
            return [Reason(what, False, f"the code is of another one: {self.system}", f"{place}.system")]
        system = self._system(part)
        if system is None:
            return self._of_unknown(part, what, place)
        concept = system.find(self.code)
        in_version = f" (version {system.version})" if system.version else ""
        if concept is None:
            why = f"the code system{in_version} has no code {short(self.code)}"
            return [Reason(what, False, why, f"{place}.system")]
        steps = [Reason(what, True, f"it has {called(concept)}{in_version}", f"{place}.system")]
        if "concept" in part:
            return [*steps, _enumerated(part, system, concept.code, place)]
        for number, condition in enumerate(part.get("filter", ())):
            steps.append(explain_filter(system, concept, condition, f"{place}.filter[{number}]"))
        return steps

    def _system(self, part: JsonObject) -> System | None:
        return self.library.system(str(part["system"]), str(part.get("version", "")))

    def _of_unknown(self, part: JsonObject, what: str, place: str) -> list[Reason]:
        """Of a system that is not known at all, codes can be enumerated all the same."""
        versions = self.library.system_versions(self.system)
        if "concept" in part and not versions:
            why = "it is not known here, but the codes are listed one by one"
            known = Reason(what, True, why, f"{place}.system")
            return [known, _enumerated(part, None, self.code, place)]
        why = "its codes are not known here, so that nothing can be said"
        if versions:
            why = f"that version is not known here; there {_are(versions)}"
        return [Reason(what, None, why, f"{place}.system")]

    def _import(self, canonical: str, place: str, root: JsonObject, above: tuple[str, ...]) -> Reason:
        what = f"Value set {canonical}"
        if canonical in self.known:
            before = self.known[canonical]
            return Reason(what, before.holds, _lowered(before.text), place, value_set=canonical)
        found, container = self._find(canonical, root)
        if found is None:
            return Reason(what, None, "it is not known here", place)
        verdict = self.value_set(found, container, above)
        if not canonical.startswith("#"):
            self.known[canonical] = verdict
        why = cause(verdict.steps) if verdict.holds is None and verdict.steps else _lowered(verdict.text)
        linked = "" if canonical.startswith("#") else canonical
        return Reason(what, verdict.holds, why, place, verdict.steps, value_set=linked)

    def _find(self, canonical: str, root: JsonObject) -> tuple[JsonObject | None, JsonObject]:
        """The value set, and the resource that its own contained ones are looked for in."""
        if not canonical.startswith("#"):
            found = self.library.value_set(canonical)
            return found, found or {}
        inner = (one for one in root.get("contained", ()) if one.get("id") == canonical[1:])
        return next((one for one in inner if one.get("resourceType") == "ValueSet"), None), root


def _deciding(steps: Sequence[Reason]) -> str:
    """In a few words what decided a part."""
    failed = next((one for one in steps if one.holds is False), None)
    opened = next((one for one in steps if one.holds is None), None)
    if failed is not None:
        return failed.why
    if opened is not None:
        return opened.why
    return "all of it holds" if len(steps) > 1 else steps[0].why


def _enumerated(part: JsonObject, system: System | None, code: str, place: str) -> Reason:
    listed = [str(one.get("code", "")) for one in part["concept"]]
    holds = code in listed or (system is not None and _has_otherwise(system, listed, code))
    number = len(listed)
    what = f"List of {number} code{'s' if number != 1 else ''}"
    return Reason(what, holds, "it is listed" if holds else "it is not listed", f"{place}.concept")


def _has_otherwise(system: System, listed: Iterable[str], code: str) -> bool:
    """Whether a list has the code in another case, where that makes no difference."""
    alike = (one for one in listed if one.casefold() == code.casefold())
    found = (system.find(one) for one in alike)
    return any(one is not None and one.code == code for one in found)


def _are(versions: Sequence[str]) -> str:
    return f"is {versions[0]}" if len(versions) == 1 else f"are {', '.join(versions[-5:])}"


def _lowered(text: str) -> str:
    """A sentence as a part of another one."""
    return (text[:1].lower() + text[1:]).removesuffix(".")

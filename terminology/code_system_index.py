"""One code system, indexed by code, with its hierarchy and the filters of value sets.

https://hl7.org/fhir/R4/codesystem.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.terminology import Concept, Designation

Test: TypeAlias = Callable[[str], bool]
"""Whether a code (as the system writes it) passes a filter."""

_INACTIVE = frozenset({"retired", "inactive"})
_NOT_SELECTABLE = "http://hl7.org/fhir/concept-properties#notSelectable"
_LONGEST_REGEX = 200
_REPEATED_GROUP = re.compile(r"\)[*+{]")


class CodeSystemIndex:
    """The concepts of a CodeSystem; nesting and ``parent`` and ``child`` properties make its hierarchy."""

    def __init__(self, resource: JsonObject):
        self.url: str = resource["url"]
        self.version: str = resource.get("version", "")
        self.is_complete = resource.get("content", "complete") == "complete"
        self._folds_case = resource.get("caseSensitive") is False
        self._not_selectable = not_selectable_code(resource)
        self._concepts: dict[str, Concept] = {}
        self._properties: dict[str, list[JsonObject]] = {}
        self._parents: dict[str, set[str]] = {}
        self._add_all(resource.get("concept", ()), None)
        self._children: dict[str, list[str]] | None = None
        self._folded = {code.casefold(): code for code in self._concepts} if self._folds_case else {}

    def _add_all(self, concepts: Iterable[JsonObject], parent: str | None) -> None:
        stack = [(concept, parent) for concept in reversed([*concepts])]
        while stack:  # in the order in which they are written, without recursion
            concept, above = stack.pop()
            code = concept["code"]
            self._add(concept, code)
            if above is not None:
                self._parents.setdefault(code, set()).add(above)
            stack.extend((inner, code) for inner in reversed(concept.get("concept", [])))

    def _add(self, concept: JsonObject, code: str) -> None:
        properties = concept.get("property", [])
        self._properties[code] = properties
        for held in properties:
            if held["code"] in ("parent", "subsumedBy"):
                self._parents.setdefault(code, set()).add(held["valueCode"])
            elif held["code"] == "child":
                self._parents.setdefault(held["valueCode"], set()).add(code)
        self._concepts[code] = Concept(
            system=self.url,
            code=code,
            display=concept.get("display", ""),
            definition=concept.get("definition", ""),
            designations=tuple(designation(d) for d in concept.get("designation", ())),
            abstract=has_property(properties, self._not_selectable),
            inactive=has_property(properties, "inactive") or status_of(properties) in _INACTIVE,
            version=self.version,
        )

    def __iter__(self) -> Iterator[Concept]:
        return iter(self._concepts.values())

    def find(self, code: str) -> Concept | None:
        """The concept, whatever its case where the system says that case does not matter."""
        found = self._concepts.get(code)
        if found is None and self._folds_case:
            found = self._concepts.get(self._folded.get(code.casefold(), ""))
        return found

    def is_a(self, code: str, ancestor: str) -> bool:
        """Whether ``code`` is ``ancestor`` or below it. Terminates on hierarchies that run in circles."""
        seen, waiting = set(), [code]
        while waiting:
            at = waiting.pop()
            if at == ancestor:
                return True
            if at not in seen:
                seen.add(at)
                waiting.extend(self._parents.get(at, ()))
        return False

    def ancestors(self, code: str) -> list[str]:
        """The code and all above it."""
        return _reached(code, self._parents)

    def descendants(self, code: str) -> list[str]:
        """The code and all below it."""
        if self._children is None:
            children: dict[str, list[str]] = {}
            for child, parents in self._parents.items():
                for parent in parents:
                    children.setdefault(parent, []).append(child)
            self._children = children
        return _reached(code, self._children)

    def test(self, condition: JsonObject) -> Test:
        """Compile one ``compose.include.filter``. https://hl7.org/fhir/R4/valueset-filter-operator.html"""
        name, op, value = condition["property"], condition["op"], condition["value"]
        if name in ("concept", "code"):
            return self._concept_test(op, value)
        if op == "=":
            return lambda code: value in self._values(code, name)
        if op in ("in", "not-in"):
            wanted = frozenset(value.split(","))
            return lambda code: wanted.isdisjoint(self._values(code, name)) is (op == "not-in")
        if op == "exists":
            return lambda code: bool(self._values(code, name)) is (value == "true")
        if op == "regex":
            matches = compile_regex(value)
            return lambda code: any(matches(text) for text in self._values(code, name))
        raise unsupported(op)

    def _concept_test(self, op: str, value: str) -> Test:
        if op == "is-a":
            return lambda code: self.is_a(code, value)
        if op == "descendent-of":
            return lambda code: code != value and self.is_a(code, value)
        if op == "is-not-a":
            return lambda code: not self.is_a(code, value)
        if op == "generalizes":
            return lambda code: self.is_a(value, code)
        if op == "=":
            return lambda code: code == value
        if op in ("in", "not-in"):
            wanted = frozenset(value.split(","))
            return lambda code: (code in wanted) is (op == "in")
        if op == "regex":
            return compile_regex(value)
        raise unsupported(op)

    def _values(self, code: str, name: str) -> list[str]:
        if name == "parent":
            return sorted(self._parents.get(code, ()))
        if name == "display":
            return [self._concepts[code].display]
        return [property_text(p) for p in self._properties.get(code, ()) if p["code"] == name]


def _reached(code: str, ways: Mapping[str, Iterable[str]]) -> list[str]:
    """What can be reached from ``code``, itself first; terminates where the ways run in circles."""
    found = {code: None}
    waiting = [code]
    while waiting:
        for following in ways.get(waiting.pop(), ()):
            if following not in found:
                found[following] = None
                waiting.append(following)
    return list(found)


def not_selectable_code(resource: JsonObject) -> str:
    """The code under which this system holds the standard property notSelectable."""
    named = (p["code"] for p in resource.get("property", ()) if p.get("uri") == _NOT_SELECTABLE)
    return next(named, "notSelectable")


def designation(resource: JsonObject) -> Designation:
    return Designation(
        resource["value"],
        resource.get("language", ""),
        resource.get("use"),
        tuple(resource.get("extension", ())),
    )


def property_value(held: JsonObject) -> Json:
    return next((value for name, value in held.items() if name.startswith("value")), None)


def property_text(held: JsonObject) -> str:
    value = property_value(held)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.get("code", "")) if isinstance(value, dict) else str(value)


def has_property(properties: Iterable[JsonObject], name: str) -> bool:
    return any(p["code"] == name and property_value(p) is True for p in properties)


def status_of(properties: Iterable[JsonObject]) -> str:
    return next((property_text(p) for p in properties if p["code"] == "status"), "")


def compile_regex(pattern: str) -> Test:
    """The whole text must match. Patterns that could run for ever are refused: anyone may write them."""
    if len(pattern) > _LONGEST_REGEX or _REPEATED_GROUP.search(pattern):
        raise refuse(Category.UNPROCESSABLE, "too-costly", "A filter's regex is too long or repeats a group")
    try:
        matches = re.compile(pattern).fullmatch
    except re.error:
        raise refuse(Category.UNPROCESSABLE, "invalid", "A filter's regex is not valid") from None
    return lambda text: matches(text) is not None


def unsupported(op: str) -> Exception:
    known = op if op.isascii() and len(op) < 20 else "given"
    return refuse(Category.UNPROCESSABLE, "not-supported", f"The filter operator {known} is not supported")

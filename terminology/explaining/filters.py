"""What a filter says about one concept, in a sentence. https://hl7.org/fhir/R4/valueset-filter-operator.html"""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.terminology import Concept
from fhirserver.ports.terminology_browsing import Reason
from terminology.code_systems.conditions import CODES, HIERARCHICAL, Filter, read_filter
from terminology.code_systems.meaning import PARENTS, property_text
from terminology.explaining.pictures import picture
from terminology.systems import Condition, System

_SHOWN = 5
_LONGEST = 80


def explain_filter(system: System, concept: Concept, condition: Condition, place: str) -> Reason:
    """Whether the concept passes, and why. A filter that the system refuses leaves that open."""
    wanted: Filter | None = None
    try:
        wanted = read_filter(condition)
        holds = system.holds(concept.code, condition)
        if _is_about_codes(wanted):
            return _hierarchical(system, concept, wanted, holds, place)
        return Reason(_what(wanted), holds, _by_value(system, concept, wanted, holds), place)
    except Refusal as refusal:
        what = _what(wanted) if wanted is not None else "A filter that is not complete"
        return Reason(what, None, words_of(refusal), place)


def words_of(refusal: Refusal) -> str:
    return "; ".join(issue.diagnostics for issue in refusal.issues)


def _is_about_codes(wanted: Filter) -> bool:
    return wanted.name in CODES and wanted.op in HIERARCHICAL


def _what(wanted: Filter) -> str:
    value = short(wanted.value)
    if _is_about_codes(wanted):
        return f"Filter {wanted.op} {value}"
    return f"Filter {wanted.name} {wanted.op} {value}"


def short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _hierarchical(system: System, concept: Concept, wanted: Filter, holds: bool, place: str) -> Reason:
    named = system.find(wanted.value)
    if named is None:
        why = f"the code system has no code {short(wanted.value)}"
        return Reason(_what(wanted), holds, why, place)
    why = _relation(system, concept.code, named.code, wanted.op)
    what = f"Filter {wanted.op} {called(named)}"
    return Reason(what, holds, why, place, picture=picture(system, concept.code, named.code))


def called(concept: Concept) -> str:
    """The code with its display: ``73211009 (Diabetes mellitus)``."""
    return f"{concept.code} ({short(concept.display)})" if concept.display else concept.code


def _relation(system: System, code: str, named: str, op: str) -> str:
    """How a code and that of a filter hang together, as far as the operator asks for it."""
    if op == "generalizes":
        above = code == named or system.is_a(named, code)
        return _itself(code, named) if code == named else _is(above, "it is", f"above {named}")
    if code == named:
        return _itself(code, named) + ("" if op in ("is-a", "is-not-a") else ", which does not count")
    below = system.is_a(code, named)
    if op == "child-of":
        return _child(below, named in system.parents(code), named)
    if op == "descendent-leaf" and below and system.children(code):
        return f"it is below {named}, but is no leaf: there are codes below it"
    return _is(below, "it is", f"below {named}")


def _itself(code: str, named: str) -> str:
    return f"it is {named} itself"


def _is(holds: bool, verb: str, rest: str) -> str:
    return f"{verb} {rest}" if holds else f"{verb} not {rest}"


def _child(below: bool, is_child: bool, named: str) -> str:
    if is_child:
        return f"it is directly below {named}"
    return f"it is below {named}, but not directly" if below else f"it is not below {named}"


# Properties


def _by_value(system: System, concept: Concept, wanted: Filter, holds: bool) -> str:
    name = wanted.name
    if name in CODES:
        return _by_code(concept, wanted, holds)
    values = values_of(system, concept, name)
    if wanted.op == "exists":
        return f"it has {_listed(values)}" if values else f"it has no {name}"
    if not values:
        return f"it has no {name}" if _is_declared(system, name) else _passes(holds)
    verb = {
        "=": "that is the value asked for" if holds else "that is another value",
        "in": "that is in the list" if holds else "that is not in the list",
        "not-in": "that is not in the list" if holds else "that is in the list",
        "regex": "that matches" if holds else "that does not match",
    }.get(wanted.op, "that passes" if holds else "that does not pass")
    return f"its {name} is {_listed(values)}: {verb}"


def _by_code(concept: Concept, wanted: Filter, holds: bool) -> str:
    if wanted.op == "regex":
        return "the code matches" if holds else "the code does not match"
    if wanted.op in ("in", "not-in"):
        listed = holds is (wanted.op == "in")
        return "the code is in the list" if listed else "the code is not in the list"
    if wanted.op == "=":
        return "it is that code" if holds else f"it is another code: {concept.code}"
    return _passes(holds)


def _passes(holds: bool) -> str:
    return "it passes" if holds else "it does not pass"


def _is_declared(system: System, name: str) -> bool:
    return any(one.get("code") == name for one in system.header.get("property", ()))


def values_of(system: System, concept: Concept, name: str) -> Sequence[str]:
    """The values of a property as text; of ``parent`` and ``child`` also those that follow from the hierarchy."""
    if name in ("display", "definition"):
        return [text] if (text := getattr(concept, name)) else []
    if name == "designation":
        return [one.value for one in concept.designations]
    stated = [property_text(one) for one in concept.properties if one.get("code") == name]
    if stated:
        return stated
    if name in PARENTS:
        return system.parents(concept.code)
    if name == "child":
        return system.children(concept.code)
    if name == "inactive":
        return ["true" if concept.inactive else "false"]
    return [concept.status] if name == "status" and concept.status else []


def _listed(values: Sequence[str]) -> str:
    shown = ", ".join(short(value) for value in values[:_SHOWN])
    return shown if len(values) <= _SHOWN else f"{shown} and {len(values) - _SHOWN} more"

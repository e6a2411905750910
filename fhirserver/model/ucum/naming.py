"""Units in words and in print. The words are built as the official functional tests ask.

https://github.com/ucum-org/ucum/blob/main/docs/FunctionalTests.md
"""

from __future__ import annotations

from fhirserver.model.ucum.meaning import Unit
from fhirserver.model.ucum.parsing import Component, Factor, Group, Symbol, Term

_WORDS = {".": " * ", "/": " / ", "": ""}
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def in_words(term: Term) -> str:
    """``(milligram) / (deciliter)``"""
    text = "".join(_WORDS[before] + _component_in_words(one) for before, one in term.parts)
    return text.lstrip() if term.parts[0][0] != "/" else f"1{text}"


def _component_in_words(component: Component) -> str:
    match component:
        case Factor():
            return component.annotation or str(component.number)
        case Group():
            return f"({in_words(component.term)})"
        case Symbol():
            name = (component.prefix.name if component.prefix else "") + component.atom.names[0]
            return f"({name})" if component.power == 1 else f"({name} ^ {component.power})"


def in_print(term: Term) -> str:
    """``mg/dL`` as it is printed, with the symbols of the table and raised powers: ``10³/μL``; empty where one of
    its units has no symbol."""
    parts = [(before, _component_in_print(one)) for before, one in term.parts]
    if not all(printed for _, printed in parts):
        return ""
    return "".join(("·" if before == "." else before) + printed for before, printed in parts)


def _component_in_print(component: Component) -> str:
    match component:
        case Factor():
            return component.annotation or str(component.number)
        case Group():
            inner = in_print(component.term)
            return f"({inner})" if inner else ""
        case Symbol():
            if not component.atom.symbol:
                return ""
            prefix = component.prefix.symbol if component.prefix else ""
            power = "" if component.power == 1 else str(component.power).translate(_SUPERSCRIPT)
            return f"{prefix}{component.atom.symbol}{power}"


def in_base_units(unit: Unit) -> str:
    """The dimensions, as a unit: ``g.m-1.s-2``; ``1`` where there are none."""
    return ".".join(name if power == 1 else f"{name}{power}" for name, power in unit.dimensions) or "1"

"""The filters of value sets over the rows of a code system.

https://hl7.org/fhir/R4/valueset-filter-operator.html, and those that R5 adds: ``child-of``, ``descendent-leaf``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fhirserver.kernel.effort import watch
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from terminology.code_systems.conditions import CODES, HIERARCHICAL, Filter
from terminology.code_systems.meaning import PARENTS, property_text
from terminology.code_systems.regexes import compile_regex, unsupported
from terminology.code_systems.rows import Rows
from terminology.positions import Positions

_TEXTS = frozenset({"display", "definition", "designation"})
_ABOVE = frozenset(PARENTS)
_FLAGS = frozenset({"inactive"})
"""Where a concept does not state these they are false. Of ``notSelectable`` the tests of the ecosystem ask otherwise:
what is not stated is neither ``= true`` nor ``= false``."""


class Filters:
    """``number`` finds a concept by code, in any case where the system says so."""

    def __init__(self, rows: Rows, number: Callable[[str], int | None]):
        self._rows, self._number = rows, number
        self._tree = rows.hierarchy
        self._values: dict[str, dict[str, list[int]]] = {}
        self._used: frozenset[str] | None = None

    # All that pass

    def select(self, wanted: Filter) -> Positions:
        if wanted.name in CODES and wanted.op in HIERARCHICAL:
            return self._related(wanted)
        if wanted.name in CODES and wanted.op in ("=", "in", "not-in"):
            values = [wanted.value] if wanted.op == "=" else wanted.values
            found = self._of(number for code in values if (number := self._number(code)) is not None)
            return self._all() - found if wanted.op == "not-in" else found
        if wanted.name in CODES or wanted.name in _TEXTS:
            return self._of(number for number in watch(range(len(self._rows))) if self.holds(number, wanted))
        return self._by_property(wanted)

    def _related(self, wanted: Filter) -> Positions:
        number = self._number(wanted.value)
        if number is None:
            return self._all() if wanted.op == "is-not-a" else self._none()
        itself = self._of([number])
        match wanted.op:
            case "is-a":
                return self._tree.below(number)
            case "descendent-of":
                return self._tree.below(number) - itself
            case "is-not-a":
                return self._all() - self._tree.below(number)
            case "generalizes":
                return self._of(self._tree.above(number))
            case "child-of":
                return self._of(self._tree.children(number))
            case _:
                return (self._tree.below(number) & self._tree.leaves()) - itself

    def _by_property(self, wanted: Filter) -> Positions:
        values = self._index(wanted.name)
        having = self._of(number for numbers in values.values() for number in numbers)
        if wanted.op == "exists":
            return having if wanted.wants else self._all() - having
        passing = [value for value in watch(values) if _passes(value, wanted)]
        found = self._of(number for value in passing for number in values[value])
        if wanted.op == "not-in":
            found = self._all() - self._of(n for value in wanted.values for n in values.get(value, ()))
        if self._is_flag(wanted.name):  # where it is not stated it is false
            unstated = self._all() - having
            return found | unstated if _passes("false", wanted) else found - unstated
        return found

    def _index(self, name: str) -> dict[str, list[int]]:
        """The values of a property, each with the concepts that have it."""
        self._check_name(name)
        if name not in self._values:
            values: dict[str, list[int]] = {}
            for number in watch(range(len(self._rows))):
                for value in dict.fromkeys(self.values(number, name)):
                    values.setdefault(value, []).append(number)
            self._values[name] = values
        return self._values[name]

    def _all(self) -> Positions:
        return Positions.all(len(self._rows))

    def _none(self) -> Positions:
        return Positions.none(len(self._rows))

    def _of(self, numbers: object) -> Positions:
        return Positions.of(numbers, len(self._rows))  # type: ignore[arg-type]

    # One

    def holds(self, number: int, wanted: Filter) -> bool:
        """Whether one concept passes, without looking at the others."""
        if wanted.name in CODES:
            return self._code_holds(number, wanted)
        if wanted.op in HIERARCHICAL:
            raise unsupported(wanted.op)
        self._check_name(wanted.name)
        values = [*self.values(number, wanted.name)]
        if not values and self._is_flag(wanted.name) and wanted.op != "exists":
            values = ["false"]
        if wanted.op == "exists":
            return bool(values) is wanted.wants
        if wanted.op == "not-in":
            return wanted.values.isdisjoint(values)
        return any(_passes(value, wanted) for value in values)

    def _code_holds(self, number: int, wanted: Filter) -> bool:
        if wanted.op == "exists":
            return wanted.wants
        if wanted.op == "regex":
            return compile_regex(wanted.value)(self._rows.codes[number])
        if wanted.op in ("in", "not-in"):
            return any(self._number(code) == number for code in watch(wanted.values)) is (wanted.op == "in")
        other = self._number(wanted.value)
        if other is None:
            return wanted.op == "is-not-a"
        match wanted.op:
            case "=":
                return number == other
            case "is-a":
                return self._tree.is_below(number, other)
            case "descendent-of":
                return number != other and self._tree.is_below(number, other)
            case "is-not-a":
                return not self._tree.is_below(number, other)
            case "generalizes":
                return self._tree.is_below(other, number)
            case "child-of":
                return other in self._tree.parents(number)
            case "descendent-leaf":
                is_leaf = not self._tree.children(number)
                return is_leaf and number != other and self._tree.is_below(number, other)
        raise unsupported(wanted.op)

    def values(self, number: int, name: str) -> Iterator[str]:
        """The values of a property as text; of ``parent`` and ``child`` also those that follow from nesting."""
        rows, meant = self._rows, self._rows.names.meaning(name)
        if meant in _ABOVE:
            yield from (rows.codes[one] for one in self._tree.parents(number))
        elif meant == "child":
            yield from (rows.codes[one] for one in self._tree.children(number))
        elif name == "display":
            yield from filter(None, [rows.displays[number]])
        elif name == "definition":
            yield from filter(None, [rows.rest(number).get("definition", "")])
        elif name == "designation":
            yield from (str(one.get("value", "")) for one in rows.rest(number).get("designation", ()))
        else:
            stated = [*_stated(rows.rest(number).get("property", ()), name)]
            is_so_by_status = meant == "inactive" and not stated and rows.concept(number).inactive
            yield from ["true"] if is_so_by_status else stated

    def _is_flag(self, name: str) -> bool:
        return self._rows.names.meaning(name) in _FLAGS

    def _check_name(self, name: str) -> None:
        """Refuse a property that the system has not, whether declared, standard, or used without being declared."""
        if name in _TEXTS or self._rows.names.is_known(name) or name in self._used_names():
            return
        text = "A filter names a property that the code system does not have"
        raise refuse(Category.UNPROCESSABLE, "not-supported", text)

    def _used_names(self) -> frozenset[str]:
        if self._used is None:
            rest = (self._rows.rest(number) for number in watch(range(len(self._rows))))
            self._used = frozenset(str(p.get("code", "")) for one in rest for p in one.get("property", ()))
        return self._used


def _stated(properties: list[JsonObject], name: str) -> Iterator[str]:
    return (property_text(held) for held in properties if held.get("code") == name)


def _passes(value: str, wanted: Filter) -> bool:
    match wanted.op:
        case "=":
            return value == wanted.value
        case "in":
            return value in wanted.values
        case "regex":
            return compile_regex(wanted.value)(value)
        case "not-in":
            return value not in wanted.values
    raise unsupported(wanted.op)

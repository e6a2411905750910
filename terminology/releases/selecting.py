"""The filters of value sets over a release: by its hierarchy and its indexes, never by reading it all where it is big.

The meaning of each is that of :mod:`terminology.code_systems.filters`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.releases import Release
from fhirserver.ports.terminology import Concept
from terminology.code_systems.conditions import CODES, HIERARCHICAL, Filter
from terminology.code_systems.meaning import PARENTS, PropertyNames, property_text
from terminology.code_systems.regexes import Test, compile_regex, unsupported
from terminology.positions import Positions

MOST_READ = 500_000
"""Concepts that are read one by one for a filter that no index answers (a regex over displays)."""
_TEXTS = frozenset({"display", "definition", "designation"})
_FLAGS = {"inactive": "inactive", "notSelectable": "abstract"}
"""Standard properties that a release keeps as flags."""
_FALSE_UNLESS_STATED = frozenset({"inactive"})


class Selecting:
    def __init__(self, release: Release):
        self._release, self._names = release, PropertyNames(release.header)

    # All that pass

    def select(self, wanted: Filter) -> Positions:
        if wanted.name in CODES:
            return self._by_code(wanted)
        if wanted.op in HIERARCHICAL:
            raise unsupported(wanted.op)
        if wanted.name in _TEXTS:
            return self._by_text(wanted)
        meant = self._names.meaning(wanted.name)
        if meant in PARENTS or meant == "child":
            return self._by_neighbour(wanted, is_above=meant in PARENTS)
        if self._is_flag(wanted.name):
            return self._by_flag(wanted)
        return self._by_property(wanted)

    def _by_code(self, wanted: Filter) -> Positions:
        match wanted.op:
            case "=":
                return self._numbers([wanted.value])
            case "in":
                return self._numbers(wanted.values)
            case "not-in":
                return self._all() - self._numbers(wanted.values)
            case "exists":
                return self._all() if wanted.wants else self._none()
            case "regex":
                return self._read(wanted)
        return self._related(wanted)

    def _related(self, wanted: Filter) -> Positions:
        release, number = self._release, self._release.number(wanted.value)
        if number is None:
            if wanted.op not in HIERARCHICAL:
                raise unsupported(wanted.op)
            return self._all() if wanted.op == "is-not-a" else self._none()
        match wanted.op:
            case "is-a":
                return self.below(number)
            case "descendent-of":
                return self.below(number) - self._of([number])
            case "is-not-a":
                return self._all() - self.below(number)
            case "generalizes":
                return self._of(release.above(number))
            case "child-of":
                return self._of(release.children(number))
            case "descendent-leaf":
                return (self.below(number) & self._flagged("leaf")) - self._of([number])
        raise unsupported(wanted.op)

    def _by_neighbour(self, wanted: Filter, is_above: bool) -> Positions:
        """``parent`` and ``child``: from the hierarchy, the other way round."""
        outermost = self._flagged("root" if is_above else "leaf")
        if wanted.op == "exists":
            return self._all() - outermost if wanted.wants else outermost
        if wanted.op == "regex":
            named = self._read(wanted) - self._flagged("leaf" if is_above else "root")
        else:
            named = self._numbers([wanted.value] if wanted.op == "=" else wanted.values, exactly=True)
        step = self._release.children if is_above else self._release.parents
        found = self._of(number for one in named for number in step(one))
        return self._all() - found if wanted.op == "not-in" else found

    def _by_flag(self, wanted: Filter) -> Positions:
        true = self._flagged(_FLAGS[self._names.meaning(wanted.name)])
        if wanted.op == "exists":
            return true if wanted.wants else self._all() - true
        passes = _test(wanted)
        found = true if passes("true") else self._none()
        if self._names.meaning(wanted.name) in _FALSE_UNLESS_STATED:
            others_pass = passes("false")
        else:
            others_pass = wanted.op == "not-in"
        return found | (self._all() - true) if others_pass else found

    def _by_property(self, wanted: Filter) -> Positions:
        release, name = self._release, wanted.name
        self._check_name(name)
        if wanted.op == "exists":
            having = self._of(release.with_property(name))
            return having if wanted.wants else self._all() - having
        is_flag = self._names.meaning(name) in _FALSE_UNLESS_STATED
        if wanted.op == "not-in" and not is_flag:
            return self._all() - self._of(release.with_property(name, wanted.values))
        found = self._having(wanted)
        if is_flag and _test(wanted)("false"):
            return found | (self._all() - self._of(release.with_property(name)))
        return found

    def _having(self, wanted: Filter) -> Positions:
        if wanted.op == "=":
            return self._of(self._release.with_property(wanted.name, [wanted.value]))
        if wanted.op == "in":
            return self._of(self._release.with_property(wanted.name, wanted.values))
        passes, known = _test(wanted), dict[str, bool]()
        return self._of(self._passing(wanted.name, passes, known))

    def _passing(self, name: str, passes: Test, known: dict[str, bool]) -> Iterator[int]:
        for number, value in self._release.property_values(name):
            if value not in known:
                known[value] = passes(value)
            if known[value]:
                yield number

    def _by_text(self, wanted: Filter) -> Positions:
        if wanted.op in ("=", "in", "not-in") and wanted.name != "definition":
            values = [wanted.value] if wanted.op == "=" else wanted.values
            likely = {number for value in values for number in self._release.called(value)}
            concepts = [*zip(sorted(likely), self._release.concepts(sorted(likely)), strict=True)]
            found = self._of(n for n, one in concepts if not values_of(one, wanted.name).isdisjoint(values))
            return self._all() - found if wanted.op == "not-in" else found
        return self._read(wanted)

    def _read(self, wanted: Filter) -> Positions:
        """By looking at every concept; for ``concept``, ``code``, ``parent`` and ``child`` at every code."""
        release = self._release
        if release.size > MOST_READ:
            text = f"The filter operator {wanted.op} on this property is not for systems of over {MOST_READ} concepts"
            raise refuse(Category.UNPROCESSABLE, "too-costly", text)
        if wanted.name not in _TEXTS:
            passes = _test(wanted)
            return self._of(n for n, code in enumerate(release.codes(range(release.size))) if passes(code))
        concepts = enumerate(release.concepts(range(release.size)))
        return self._of(n for n, one in concepts if passes_by(values_of(one, wanted.name), wanted))

    # One

    def holds(self, number: int, concept: Concept, wanted: Filter) -> bool:
        """Whether one concept passes, without looking at the others."""
        if wanted.name in CODES:
            return self._code_holds(number, concept, wanted)
        if wanted.op in HIERARCHICAL:
            raise unsupported(wanted.op)
        values = self._values(number, concept, wanted.name)
        if not values and self._names.meaning(wanted.name) in _FALSE_UNLESS_STATED and wanted.op != "exists":
            values = frozenset({"false"})
        return passes_by(values, wanted)

    def _code_holds(self, number: int, concept: Concept, wanted: Filter) -> bool:
        if wanted.op == "exists":
            return wanted.wants
        if wanted.op == "regex":
            return compile_regex(wanted.value)(concept.code)
        if wanted.op in ("in", "not-in"):
            return any(self._release.number(one) == number for one in wanted.values) is (wanted.op == "in")
        other = self._release.number(wanted.value)
        if other is None:
            return wanted.op == "is-not-a"
        return self._relation_holds(number, other, wanted.op)

    def _relation_holds(self, number: int, other: int, op: str) -> bool:
        release = self._release
        match op:
            case "=":
                return number == other
            case "is-a":
                return release.is_below(number, other)
            case "descendent-of":
                return number != other and release.is_below(number, other)
            case "is-not-a":
                return not release.is_below(number, other)
            case "generalizes":
                return release.is_below(other, number)
            case "child-of":
                return other in release.parents(number)
            case "descendent-leaf":
                return number != other and not release.children(number) and release.is_below(number, other)
        raise unsupported(op)

    def _values(self, number: int, concept: Concept, name: str) -> frozenset[str]:
        meant = self._names.meaning(name)
        if name in _TEXTS:
            return values_of(concept, name)
        if meant in PARENTS:
            return frozenset(self._release.codes(self._release.parents(number)))
        if meant == "child":
            return frozenset(self._release.codes(self._release.children(number)))
        if self._is_flag(name):
            return frozenset({"true"}) if getattr(concept, _FLAGS[meant]) else frozenset()
        self._check_name(name)
        if meant == "status" and not self._is_stated(name):
            return frozenset(filter(None, [concept.status]))
        return frozenset(property_text(held) for held in concept.properties if held.get("code") == name)

    # What the release has

    def below(self, number: int) -> Positions:
        return Positions.of_runs(self._release.below(number), self._release.size)

    def _is_flag(self, name: str) -> bool:
        """Whether the flag says it, since nothing else does."""
        return self._names.meaning(name) in _FLAGS and not self._is_stated(name)

    def _is_stated(self, name: str) -> bool:
        return next(iter(self._release.with_property(name)), None) is not None

    def _check_name(self, name: str) -> None:
        if not (self._names.is_known(name) or self._is_stated(name)):
            text = "A filter names a property that the code system does not have"
            raise refuse(Category.UNPROCESSABLE, "not-supported", text)

    def _numbers(self, codes: Iterable[str], exactly: bool = False) -> Positions:
        """``exactly``: as the values of properties are compared, also where case does not matter in codes."""
        numbers = (number for code in codes if (number := self._release.number(code)) is not None)
        if not exactly:
            return self._of(numbers)
        wanted, found = {*codes}, [*numbers]
        return self._of(
            n for n, code in zip(found, self._release.codes(found), strict=True) if code in wanted
        )

    def _flagged(self, flag: str) -> Positions:
        return Positions.of_runs(self._release.flagged(flag), self._release.size)

    def _all(self) -> Positions:
        return Positions.all(self._release.size)

    def _none(self) -> Positions:
        return Positions.none(self._release.size)

    def _of(self, numbers: Iterable[int]) -> Positions:
        return Positions.of(numbers, self._release.size)


def values_of(concept: Concept, name: str) -> frozenset[str]:
    """Of ``display``, ``definition`` or ``designation``."""
    if name == "designation":
        return frozenset(one.value for one in concept.designations)
    return frozenset(filter(None, [concept.display if name == "display" else concept.definition]))


def passes_by(values: frozenset[str], wanted: Filter) -> bool:
    if wanted.op == "exists":
        return bool(values) is wanted.wants
    if wanted.op == "not-in":
        return wanted.values.isdisjoint(values)
    return any(map(_test(wanted), values))


def _test(wanted: Filter) -> Test:
    match wanted.op:
        case "=":
            return lambda value: value == wanted.value
        case "in":
            among = wanted.values
            return lambda value: value in among
        case "not-in":
            without = wanted.values
            return lambda value: value not in without
        case "regex":
            return compile_regex(wanted.value)
    raise unsupported(wanted.op)

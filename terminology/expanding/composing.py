"""What the ``compose`` of a value set holds, as sets of codes. https://hl7.org/fhir/R4/valueset.html#compositions"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from fhirserver.kernel.effort import check
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.terminology import Concept
from terminology.code_systems.conditions import CODES, HIERARCHICAL
from terminology.expanding import refusals
from terminology.expanding.endless import Endless
from terminology.expanding.members import Listed, Member, Members, Numbered, can_be_listed, enumerated
from terminology.expanding.overloading import has_versions, seen_by, united, versions_match
from terminology.expanding.union import Union
from terminology.library import RequestLibrary
from terminology.positions import Positions
from terminology.systems import System
from terminology.versions import joined

DEEPEST = 40
_MOST_INSIDE = 1000
_CUT = frozenset(
    f"http://hl7.org/fhir/StructureDefinition/valueset-{name}" for name in ("toocostly", "unclosed")
)
_NARROWED = frozenset({"filter", "count", "offset", "activeOnly", "limitedExpansion"})
_OFF = (False, None, 0, "-1", "false")


@dataclass
class Used:
    """What an expansion draws on, in the order in which it was come upon."""

    systems: dict[str, System] = field(default_factory=dict)
    value_sets: dict[str, JsonObject] = field(default_factory=dict)
    named: dict[str, set[str]] = field(default_factory=dict)
    """Which versions of each system the value sets name; an empty text where one names none."""

    def add(self, other: Used) -> None:
        self.systems.update(other.systems)
        self.value_sets.update(other.value_sets)
        for url, versions in other.named.items():
            self.named.setdefault(url, set()).update(versions)

    def has_versions(self, url: str) -> bool:
        """Whether the value sets tell versions of a system apart."""
        return len(self.named.get(url, ())) > 1


@dataclass(frozen=True)
class Composed:
    """The sets of codes, without any code twice; and what they draw on. ``is_tree``: they may be shown as a tree.

    ``matched``: a code of one version of a system and the same of another were taken for one. Where they are not, each
    version of a system that is drawn on has a part of its own.
    """

    parts: tuple[Members, ...]
    used: Used
    is_tree: bool = False
    matched: bool = False

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def holds(self, system: str, code: str) -> bool:
        return any(part.url == system and part.holds(code) for part in self.parts)


class Composer:
    """Evaluates value sets for one request. Each is evaluated once, however often it is imported."""

    def __init__(self, library: RequestLibrary):
        self._library = library
        self._kept = library.holdings.compositions
        self._known: dict[str, Composed] = {}
        self._inside: dict[tuple[int, str], tuple[list[JsonObject], Composed]] = {}

    def compose(self, value_set: JsonObject, canonical: str = "") -> Composed:
        """Refuses what is not known, understood or allowed, and value sets that import themselves. What is found by a
        ``canonical`` is kept, where the server alone says what it is."""
        known = self._kept.get(canonical) if canonical and self._library.is_plain else None
        if known is None:
            known = self._compose(value_set, value_set, ())
            if canonical and self._library.is_plain:
                self._kept.keep(canonical, known)
        return known

    def _compose(self, value_set: JsonObject, root: JsonObject, above: tuple[str, ...]) -> Composed:
        name = _name(value_set) or _place(value_set, above)
        if name and name in above:
            raise refusals.circular(name, above)
        if len(above) >= DEEPEST:
            raise refusals.too_deep(DEEPEST)
        if self.stands_in(value_set):
            return _of_expansion(value_set)
        return _Composing(self, self._library, value_set, (*above, name)).run()

    def imported(self, canonical: str, container: JsonObject, above: tuple[str, ...]) -> Composed:
        """An imported value set; ``#id`` is one that the importing one contains."""
        if canonical.startswith("#"):
            return self._contained(canonical[1:], container, above)
        if canonical not in self._known:
            found = self._library.value_set(canonical)
            if found is None:
                raise refusals.unknown_import(self._library.value_set_meant(canonical))
            composed = self._compose_named(found, canonical, above)
            used = Used()
            used.add(composed.used)
            used.value_sets[_name(found) or canonical] = found
            self._known[canonical] = Composed(composed.parts, used)
        return self._known[canonical]

    def _contained(self, name: str, container: JsonObject, above: tuple[str, ...]) -> Composed:
        """Kept with what it is contained in, so that nothing else can be taken for that."""
        inside = container.get("contained", [])
        known = self._inside.get((id(inside), name))
        if known is None:
            composed = self._compose(_contained(container, name), container, above)
            if len(self._inside) >= _MOST_INSIDE:
                self._inside.clear()
            known = self._inside[id(inside), name] = (inside, composed)
        return known[1]

    def _compose_named(self, found: JsonObject, canonical: str, above: tuple[str, ...]) -> Composed:
        if not self._library.is_plain:
            return self._compose(found, found, above)
        known = self._kept.get(canonical)
        if known is None:
            known = self._compose(found, found, above)
            self._kept.keep(canonical, known)
        return known

    def stands_in(self, value_set: JsonObject) -> bool:
        """A stored expansion stands in where the value set says nothing else; and, if it is all of it, where the value
        set draws on systems that are not known here."""
        if "expansion" not in value_set:
            return False
        includes = value_set.get("compose", {}).get("include", ())
        if not includes:
            return True
        drawn = [one for one in includes if "system" in one and "concept" not in one]
        return any(self._is_unknown(one) for one in drawn) and _is_whole(value_set["expansion"])

    def _is_unknown(self, part: JsonObject) -> bool:
        return self._library.system(part["system"]) is None and not self._library.system_versions(
            part["system"]
        )


def _together(included: Sequence[Members], excluded: Sequence[Members]) -> list[Members]:
    """Each code once, without those that are excluded, where no two versions of a system meet."""
    covered, without = Union(), Union()
    found: list[Members] = []
    for one in included:
        members = one.without(covered.of(one.url))
        if len(members):
            found.append(members)
            covered.add(members)
    for one in excluded:
        without.add(one)
    return [kept for one in found if len(kept := one.without(without.of(one.url)))] if without else found


class _Composing:
    """The parts of one value set."""

    def __init__(
        self, composer: Composer, library: RequestLibrary, value_set: JsonObject, above: tuple[str, ...]
    ):
        self._composer, self._library, self._above = composer, library, above
        self._value_set = value_set
        self._compose: JsonObject = value_set.get("compose", {})
        self._used = Used()

    def run(self) -> Composed:
        included = [*self._parts("include")]
        excluded = [*self._parts("exclude")]
        matched = self._are_matched(included, excluded)
        if matched is None:
            found = _together(included, excluded)
        else:
            found = united(included, matched=matched)
            found = [kept for one in found if len(kept := one.without(seen_by(one, excluded, matched)))]
        if self._compose.get("inactive") is False:
            found = [kept for one in found if len(kept := one.active())]
        is_tree = not excluded and "exclude" not in self._compose and all(one.is_tree for one in found)
        is_tree = is_tree and len({one.url for one in found}) <= 1 and matched is None
        return Composed(tuple(found), self._used, is_tree, matched is True)

    def _parts(self, side: str) -> Iterable[Members]:
        for number, part in enumerate(self._compose.get(side, ())):
            yield from self._part(part, f"ValueSet.compose.{side}[{number}]")

    def _are_matched(self, included: Sequence[Members], excluded: Sequence[Members]) -> bool | None:
        """Whether a code in one version of a system is the same as in another, as the value set itself says
        (``versionsMatch``). Where it does not, they are two if it includes both versions, and one if it includes one
        and excludes the other. None where no two versions meet, and nothing is said."""
        stated = versions_match(self._value_set)
        if stated is not None:
            return stated
        if has_versions(included):
            return False
        return True if has_versions([*included, *excluded]) else None

    def _part(self, part: JsonObject, place: str) -> list[Members]:
        """One include or exclude: the codes of its system that are in each of its value sets."""
        check()
        imports = [self._import(canonical) for canonical in part.get("valueSet", ())]
        if "system" in part:
            own: list[Members] = [self._own(part, place)]
        elif imports:
            own = [*imports.pop(0)]
        else:
            raise refusals.no_system(place)
        for others in imports:
            own = [one.within(others) for one in own]
        return [_flat(one) if imports or "system" not in part else one for one in own]

    def _import(self, canonical: str) -> Sequence[Members]:
        check()
        composed = self._composer.imported(canonical, self._value_set, self._above)
        self._used.add(composed.used)
        return composed.parts

    def _own(self, part: JsonObject, place: str) -> Members:
        system = self._system(part)
        if "concept" in part:
            return enumerated(system, part)
        assert system is not None  # an unknown one was refused
        numbers: Positions | None = None
        filters = part.get("filter", ())
        for number, condition in enumerate(filters):
            _check(system.url, condition, f"{place}.filter[{number}]")
        if not can_be_listed(system):
            return Endless(system, tuple(filters))
        for condition in filters:
            check()
            selected = system.select(condition)
            numbers = selected if numbers is None else numbers & selected
        if numbers is None:
            numbers = Positions.all(system.size)
        return Numbered(system, numbers, is_tree=all(map(_is_hierarchical, filters)))

    def _system(self, part: JsonObject) -> System | None:
        """The system of a part; None only for one that is not known at all, of which the part enumerates codes."""
        library, url = self._library, str(part["system"])
        named = str(part.get("version", ""))
        self._used.named.setdefault(url, set()).add(named)
        system = library.system(url, named)
        if system is None:
            version, versions = library.version_for(url, named), library.system_versions(url)
            if "concept" in part and not versions and not library.is_forced(url):
                return None
            raise refusals.unknown_system(url, version, versions)
        if not library.is_checked(url, system.version):
            required = library.asked.check_system_version[url]
            raise refusals.version_not_allowed(url, system.version, required)
        self._used.systems[joined(url, system.version)] = system
        return system


def _check(url: str, condition: JsonObject, place: str) -> None:
    for member in ("property", "op", "value"):
        if not condition.get(member) and not (member == "op" and condition.get("_op")):
            raise refusals.incomplete_filter(url, condition, member, f"{place}.{member}")


def _is_hierarchical(condition: JsonObject) -> bool:
    return condition.get("property") in CODES and condition.get("op") in HIERARCHICAL


def _flat(members: Members) -> Members:
    """What is left after others had a say is no tree."""
    return replace(members, is_tree=False)


def _name(value_set: JsonObject) -> str:
    return joined(str(value_set.get("url", "")), str(value_set.get("version", "")))


def _place(value_set: JsonObject, above: tuple[str, ...]) -> str:
    """A contained value set has a name in the one that contains it; an empty text for one that stands alone."""
    container = next((one for one in reversed(above) if "#" not in one), None)
    return f"{container}#{value_set['id']}" if container is not None and "id" in value_set else ""


def _contained(container: JsonObject, id: str) -> JsonObject:
    for one in container.get("contained", ()):
        if one.get("id") == id and one.get("resourceType") == "ValueSet":
            return {**one, "contained": container["contained"]}
    raise refusals.unknown_import(f"#{id}")


def _of_expansion(value_set: JsonObject) -> Composed:
    """The codes of the expansion that the value set brings along."""
    by_system: dict[str, dict[str, Member]] = {}
    for item in _walk(value_set["expansion"].get("contains", ())):
        if "code" in item and not item.get("abstract"):
            system, code = str(item.get("system", "")), str(item["code"])
            concept = Concept(
                system, code, item.get("display", ""), inactive=item.get("inactive") is True,
                version=str(item.get("version", "")),
            )  # fmt: skip
            own: JsonObject = {name: item[name] for name in ("designation", "extension") if name in item}
            by_system.setdefault(system, {}).setdefault(code, Member(concept, own))
    return Composed(tuple(Listed(system, members) for system, members in by_system.items()), Used())


def _is_whole(expansion: JsonObject) -> bool:
    """Whether it is neither a page, nor cut, nor made with a filter."""
    if any(one.get("url") in _CUT for one in expansion.get("extension", ())):
        return False
    for one in expansion.get("parameter", ()):
        value = next((value for name, value in one.items() if name.startswith("value")), None)
        if one.get("name") in _NARROWED and value not in _OFF:
            return False
    number = sum(1 for one in _walk(expansion.get("contains", ())) if "code" in one)
    return bool(expansion.get("total", number) == number)


def _walk(contains: Iterable[JsonObject]) -> Iterable[JsonObject]:
    """All items of an expansion, in their order, without recursion."""
    waiting = [*reversed([*contains])]
    while waiting:
        item = waiting.pop()
        yield item
        waiting.extend(reversed(item.get("contains", ())))

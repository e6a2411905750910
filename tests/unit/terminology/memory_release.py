"""A release kept in memory, and what an import writes it with: enough to see what an import wrote."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.releases import Runs
from fhirserver.ports.terminology import Concept, Designation


class MemoryRelease:
    """Writer and reader in one."""

    def __init__(self, url: str = "http://snomed.info/sct", version: str = ""):
        self.url, self.version = url, version
        self.header: JsonObject = {}
        self.progress: Mapping[str, int] = {}
        self.marks: list[tuple[str, int]] = []
        self.by_code: dict[str, Concept] = {}
        self.designations: dict[str, list[Designation]] = defaultdict(list)
        self.properties: dict[str, list[tuple[str, str, str, int]]] = defaultdict(list)
        self.parents_of: dict[str, list[str]] = defaultdict(list)
        self.stop_after: int | None = None

    # Writing

    def concept(
        self,
        code: str,
        display: str = "",
        definition: str = "",
        *,
        inactive: bool = False,
        abstract: bool = False,
        status: str = "",
        extensions: Sequence[JsonObject] = (),
    ) -> None:
        assert code not in self.by_code, f"{code} is written twice"
        self.by_code[code] = Concept(
            self.url, code, display, definition, inactive=inactive, abstract=abstract, status=status
        )

    def designation(self, code: str, designation: Designation) -> None:
        self.designations[code].append(designation)

    def property(self, code: str, name: str, value: str, type: str = "string", group: int = 0) -> None:
        self.properties[code].append((name, value, type, group))

    def parent(self, code: str, parent: str) -> None:
        self.parents_of[code].append(parent)

    def checkpoint(self, source: str, done: int) -> None:
        self.marks.append((source, done))
        self.progress = {**self.progress, source: done}
        if self.stop_after is not None and len(self.marks) >= self.stop_after:
            raise KeyboardInterrupt

    def close(self) -> None:
        pass

    def discard(self) -> None:
        raise NotImplementedError

    def finish(self, header: JsonObject) -> Iterator[tuple[str, int, int]]:
        self.header = header
        for held in (self.designations, self.properties, self.parents_of):
            assert not set(held) - set(self.by_code), f"no concepts: {set(held) - set(self.by_code)}"
        self._codes = self._in_order()
        self.size = len(self._codes)
        self._numbers = {code: number for number, code in enumerate(self._codes)}
        self._children: dict[str, list[str]] = defaultdict(list)
        for code in self._codes:
            for parent in self.parents_of.get(code, ()):
                self._children[parent].append(code)
        yield "done", 1, 1

    def _in_order(self) -> list[str]:
        found: dict[str, None] = {}
        below: dict[str, list[str]] = defaultdict(list)
        for code in self.by_code:
            below[next(iter(self.parents_of.get(code, ())), "")].append(code)
        waiting = below[""][::-1]
        while waiting:
            found[code := waiting.pop()] = None
            waiting += below[code][::-1]
        assert len(found) == len(self.by_code)
        return list(found)

    # Reading

    def values(self, code: str, name: str) -> list[str]:
        return [value for one, value, _, _ in self.properties[code] if one == name]

    def number(self, code: str) -> int | None:
        return self._numbers.get(code)

    def codes(self, numbers: Iterable[int]) -> Iterator[str]:
        return (self._codes[number] for number in numbers)

    def concepts(self, numbers: Iterable[int]) -> Iterator[Concept]:
        for code in self.codes(numbers):
            yield replace(self.by_code[code], designations=tuple(self.designations.get(code, ())))

    def parents(self, number: int) -> Sequence[int]:
        return [self._numbers[code] for code in self.parents_of.get(self._codes[number], ())]

    def children(self, number: int) -> Sequence[int]:
        return [self._numbers[code] for code in self._children[self._codes[number]]]

    def _closure(self, number: int, up: bool) -> list[int]:
        found, waiting = {number}, [number]
        while waiting:
            near = self.parents(waiting.pop()) if up else self.children(waiting.pop())
            waiting += [n for n in near if n not in found]
            found.update(near)
        return sorted(found)

    def is_below(self, number: int, other: int) -> bool:
        return other in self._closure(number, True)

    def below(self, number: int) -> Runs:
        return [(n, n + 1) for n in self._closure(number, False)]

    def above(self, number: int) -> Sequence[int]:
        return self._closure(number, True)

    def grouped_values(self, name: str) -> Iterator[tuple[int, int, str]]:
        for number, code in enumerate(self._codes):
            yield from (
                (number, group, value) for one, value, _, group in self.properties[code] if one == name
            )

    def property_values(self, name: str) -> Iterator[tuple[int, str]]:
        return ((number, value) for number, _, value in self.grouped_values(name))

    def with_property(self, name: str, values: Iterable[str] | None = None) -> Iterator[int]:
        wanted = None if values is None else set(values)
        return (number for number, value in self.property_values(name) if wanted is None or value in wanted)

    def flagged(self, flag: str) -> Runs:
        return [(n, n + 1) for n, code in enumerate(self._codes) if getattr(self.by_code[code], flag)]

    def called(self, text: str) -> Iterator[int]:
        return (n for n, concept in enumerate(self.concepts(range(self.size))) if concept.display == text)

    def count(self, text: str, among: bytes = b"") -> int | None:
        return sum(1 for _ in self.search(text, among))

    def search(self, text: str, among: bytes = b"") -> Iterator[int]:
        words = text.lower().split()
        for number, concept in enumerate(self.concepts(range(self.size))):
            texts = " ".join([concept.display, *(one.value for one in concept.designations)]).lower().split()
            is_called = all(any(held.strip("()").startswith(word) for held in texts) for word in words)
            if is_called and (not among or among[-1 - number] == 0x31):
                yield number


class OverMemory:
    """The part of a System that constraints need."""

    def __init__(self, release: MemoryRelease):
        self.release, self.position = release, release.number

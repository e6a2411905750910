"""The concepts of a CodeSystem resource as numbered rows, small in memory.

Code and display are kept as text, since they are asked for most; all else of a concept is kept as JSON and read when
it is wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fhirserver.kernel.effort import watch
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.ports.terminology import Concept
from terminology.code_systems.hierarchy import Hierarchy
from terminology.code_systems.meaning import PropertyNames, designation, is_inactive, status_of

_KEPT = ("definition", "designation", "property", "extension")
_NOTHING = b""


class Rows:
    """In the order in which they are listed: each before those nested in it. Of a code that is there twice, the first
    row counts; what is nested in the second is below the first."""

    def __init__(self, resource: JsonObject):
        self.names = PropertyNames(resource)
        self._url, self._version = str(resource.get("url", "")), str(resource.get("version", ""))
        self._language = str(resource.get("language", ""))
        self.codes: list[str] = []
        self.displays: list[str] = []
        self._rest: list[bytes] = []
        self.numbers: dict[str, int] = {}
        above: dict[int, list[int]] = {}
        stated: list[tuple[str, str]] = []
        for concept, outer in watch(_listed(resource.get("concept", ()))):
            number = self._add(concept)
            if outer is not None:
                above.setdefault(number, []).append(self.numbers[outer])
            for other, is_above in self.names.related(concept.get("property", ())):
                stated.append((concept["code"], other) if is_above else (other, concept["code"]))
        for lower, upper in stated:
            if lower in self.numbers and upper in self.numbers:
                above.setdefault(self.numbers[lower], []).append(self.numbers[upper])
        self.hierarchy = Hierarchy(above, len(self.codes))

    def _add(self, concept: JsonObject) -> int:
        code = str(concept["code"])
        if code in self.numbers:
            return self.numbers[code]
        self.numbers[code] = number = len(self.codes)
        rest = {name: concept[name] for name in _KEPT if concept.get(name)}
        self.codes.append(code)
        self.displays.append(str(concept.get("display", "")))
        self._rest.append(dumps(rest) if rest else _NOTHING)
        return number

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def weight(self) -> int:
        """Bytes that they take in memory, roughly: texts, their places in lists and by code, and the hierarchy."""
        return 400 * len(self.codes) + sum(map(len, self._rest)) + 2 * sum(map(len, self.displays))

    def rest(self, number: int) -> JsonObject:
        """Definition, designations, properties and extensions as the resource has them."""
        packed = self._rest[number]
        return loads(packed) if packed else {}

    def concept(self, number: int) -> Concept:
        rest = self.rest(number)
        properties, extensions = rest.get("property", ()), rest.get("extension", ())
        standard = self.names.standard(properties)
        status = status_of(standard, extensions)
        return Concept(
            system=self._url,
            code=self.codes[number],
            display=self.displays[number],
            definition=rest.get("definition", ""),
            designations=tuple(designation(one) for one in rest.get("designation", ())),
            abstract=standard.get("notSelectable") is True,
            inactive=is_inactive(standard, status),
            version=self._version,
            language=self._language,
            status=status,
            properties=tuple(properties),
            extensions=tuple(extensions),
        )


def _listed(concepts: Iterable[JsonObject]) -> Iterator[tuple[JsonObject, str | None]]:
    """Each with the code it is nested in, in the order in which they are written; without recursion."""
    waiting: list[tuple[JsonObject, str | None]] = [(one, None) for one in reversed([*concepts])]
    while waiting:
        concept, outer = waiting.pop()
        yield concept, outer
        waiting.extend((inner, str(concept["code"])) for inner in reversed(concept.get("concept", ())))

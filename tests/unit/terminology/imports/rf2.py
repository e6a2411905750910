"""Releases of SNOMED CT with invented concepts, in the files that RF2 prescribes: small ones, and large ones."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TextIO

HEADERS = {
    "sct2_Concept": "id effectiveTime active moduleId definitionStatusId",
    "sct2_Description": (
        "id effectiveTime active moduleId conceptId languageCode typeId term caseSignificanceId"
    ),
    "sct2_TextDefinition": (
        "id effectiveTime active moduleId conceptId languageCode typeId term caseSignificanceId"
    ),
    "sct2_Relationship": (
        "id effectiveTime active moduleId sourceId destinationId relationshipGroup typeId"
        " characteristicTypeId modifierId"
    ),
    "sct2_RelationshipConcreteValues": (
        "id effectiveTime active moduleId sourceId value relationshipGroup typeId characteristicTypeId modifierId"
    ),
    "der2_cRefset_Language": "id effectiveTime active moduleId refsetId referencedComponentId acceptabilityId",
    "der2_Refset_Simple": "id effectiveTime active moduleId refsetId referencedComponentId",
    "der2_cRefset_Association": "id effectiveTime active moduleId refsetId referencedComponentId targetComponentId",
    "der2_ssRefset_ModuleDependency": (
        "id effectiveTime active moduleId refsetId referencedComponentId sourceEffectiveTime targetEffectiveTime"
    ),
}
CORE, MODEL = "900000000000207008", "900000000000012004"
PRIMITIVE, DEFINED = "900000000000074008", "900000000000073002"
FSN, SYNONYM, DEFINITION = "900000000000003001", "900000000000013009", "900000000000550004"
US, GB = "900000000000509007", "900000000000508004"
PREFERRED, ACCEPTABLE = "900000000000548007", "900000000000549004"
IS_A, INFERRED, SOME = "116680003", "900000000000011006", "900000000000451002"
CASE = "900000000000448009"

_TABLE = "0123456789 1234067895 2340178956 3401289567 4012395678 5987604321 6598710432 7659821043 8765932104 9876543210"
_PRODUCT = [[int(c) for c in row] for row in _TABLE.split()]
_TURNS = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
for _ in range(6):
    _TURNS.append([_TURNS[-1][n] for n in _TURNS[1]])
_INVERSE = [0, 4, 3, 2, 1, 5, 6, 7, 8, 9]


@cache
def sctid(item: int, partition: str = "10", namespace: str = "1999999") -> str:
    """An identifier with the check digit it needs (Verhoeff), in a namespace that nobody has."""
    text, check = f"{item}{namespace}{partition}", 0
    for at, digit in enumerate(reversed(text), 1):
        check = _PRODUCT[check][_TURNS[at % 8][int(digit)]]
    return f"{text}{_INVERSE[check]}"


def row_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def file_name(content: str, state: str = "Snapshot", owner: str = "INT", date: str = "20240101") -> str:
    language = (
        "-en" if content in ("sct2_Description", "sct2_TextDefinition", "der2_cRefset_Language") else ""
    )
    between = "" if content.startswith("der2") else "_"
    return f"{content}{between}{state}{language}_{owner}_{date}.txt"


class Rf2:
    """A small release: say what is in it, then write it."""

    def __init__(self, owner: str = "INT", date: str = "20240101", module: str = CORE):
        self.owner, self.date, self.module = owner, date, module
        self.rows: dict[str, list[list[str]]] = defaultdict(list)

    def add(
        self, content: str, id: str, *values: str, active: str = "1", time: str = "", module: str = ""
    ) -> None:
        row = [id, time or self.date, active, module or self.module, *values]
        assert len(row) == len(HEADERS[content].split()), content
        self.rows[content].append(row)

    def concept(
        self, item: int, name: str, *parents: int, tag: str = "thing", defined: bool = False, **more: str
    ) -> str:
        """With a fully specified name and a term that is preferred in the US and in Great Britain."""
        code = sctid(item)
        self.add("sct2_Concept", code, DEFINED if defined else PRIMITIVE, **more)
        self.description(item * 10, item, f"{name} ({tag})", FSN)
        self.description(item * 10 + 1, item, name)
        for parent in parents:
            self.relation(item, IS_A, parent)
        return code

    def description(
        self,
        number: int,
        item: int,
        term: str,
        type: str = SYNONYM,
        us: str = PREFERRED,
        gb: str = PREFERRED,
        language: str = "en",
    ) -> str:
        id = sctid(number, "11")
        content = "sct2_TextDefinition" if type == DEFINITION else "sct2_Description"
        self.add(content, id, sctid(item), language, type, term, CASE)
        for refset, rating in ((US, us), (GB, gb)):
            if rating:
                self.member("der2_cRefset_Language", refset, id, rating)
        return id

    def relation(self, item: int, type: str, other: int, group: int = 0, **more: str) -> None:
        id = sctid(len(self.rows["sct2_Relationship"]) + 1, "12")
        self.add("sct2_Relationship", id, sctid(item), sctid(other), str(group), type, INFERRED, SOME, **more)

    def value(self, item: int, type: str, value: str, group: int = 0) -> None:
        id = sctid(len(self.rows["sct2_RelationshipConcreteValues"]) + 1, "12")
        self.add("sct2_RelationshipConcreteValues", id, sctid(item), value, str(group), type, INFERRED, SOME)

    def member(self, content: str, refset: str, component: str, *values: str, **more: str) -> None:
        id = row_id(sum(map(len, self.rows.values())))
        self.add(content, id, refset, component, *values, **more)

    def write(self, folder: Path, state: str = "Snapshot", end: str = "\r\n") -> Path:
        for content, rows in self.rows.items():
            place = folder / state / ("Terminology" if content.startswith("sct2") else "Refset")
            place.mkdir(parents=True, exist_ok=True)
            lines = ["\t".join(HEADERS[content].split()), *("\t".join(row) for row in rows)]
            path = place / file_name(content, state, self.owner, self.date)
            path.write_bytes("".join(line + end for line in lines).encode())
        return folder


# Large ones


def generate(folder: Path, concepts: int = 360_000, relationships: int = 1_500_000, seed: int = 8) -> Path:
    """A release of the size of SNOMED CT: a hierarchy with several parents, and attributes in groups."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)
    _concepts(folder, concepts)
    _descriptions(folder, concepts)
    _relationships(folder, concepts, relationships, chance)
    with _open(folder, "der2_Refset_Simple") as file:
        for n in range(0, concepts, 40):
            _row(file, row_id(n), "20240101", "1", CORE, sctid(5), sctid(n + 1))
    return folder


def _open(folder: Path, content: str) -> TextIO:
    file = (folder / file_name(content)).open("w", newline="", encoding="utf-8")
    _row(file, *HEADERS[content].split())
    return file


def _row(file: TextIO, *values: str) -> None:
    file.write("\t".join(values) + "\r\n")


def _concepts(folder: Path, count: int) -> None:
    with _open(folder, "sct2_Concept") as file:
        for n in range(1, count + 1):
            _row(file, sctid(n), "20240101", "1", CORE, DEFINED if n % 3 else PRIMITIVE)


_WORDS = (
    *("acute", "chronic", "left", "right", "upper", "lower", "severe", "mild"),
    *("pain", "fracture", "lesion", "structure", "bone", "muscle", "nerve", "skin"),
)


def term(n: int) -> str:
    return f"{_WORDS[n % 16].title()} {_WORDS[n // 16 % 16]} {_WORDS[n // 256 % 16]} {n}"


def _descriptions(folder: Path, count: int) -> None:
    with _open(folder, "sct2_Description") as file, _open(folder, "der2_cRefset_Language") as language:
        for n in range(1, count + 1):
            for at, (type, text) in enumerate(
                ((FSN, f"{term(n)} (finding)"), (SYNONYM, term(n)), (SYNONYM, f"Other {term(n)}"))
            ):
                id = sctid(n * 10 + at, "11")
                _row(file, id, "20240101", "1", CORE, sctid(n), "en", type, text, CASE)
                for refset in (US, GB):
                    rating = ACCEPTABLE if at == 2 else PREFERRED
                    _row(language, row_id(n * 10 + at), "20240101", "1", CORE, refset, id, rating)


def _relationships(folder: Path, concepts: int, count: int, chance: random.Random) -> None:
    with _open(folder, "sct2_Relationship") as file:
        number = 0
        for number, (source, other, group, type) in enumerate(_links(concepts, count, chance), 1):
            ends = (sctid(source), sctid(other), str(group), type, INFERRED, SOME)
            _row(file, sctid(number, "12"), "20240101", "1", CORE, *ends)


def parents_of(n: int, chance: random.Random) -> list[int]:
    """Concepts with smaller numbers, as SNOMED CT has them: about 8 levels, 1.8 parents, most of the second ones near
    the first, some in another branch; and some 40 ancestors."""
    first = (n - 2) // 6 + 1
    others = []
    for _ in range(chance.choice((0, 0, 1, 1, 2)) if n > 50 else 0):
        near = first + chance.randrange(-9, 10)
        others.append(max(1, min(near, n - 1)) if chance.random() < 0.8 else chance.randrange(1, first + 1))
    return list(dict.fromkeys([first, *others]))


def _links(concepts: int, count: int, chance: random.Random) -> Iterator[tuple[int, int, int, str]]:
    left = count
    for n in range(2, concepts + 1):
        for parent in parents_of(n, chance):
            left -= 1
            yield n, parent, 0, IS_A
    attributes = [sctid(n) for n in range(10, 30)]
    for at in range(left):
        yield (
            chance.randrange(1, concepts + 1),
            chance.randrange(1, concepts + 1),
            at % 3,
            attributes[at % 20],
        )

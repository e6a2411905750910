"""Pack the HL7 v2-to-FHIR maps and the message structures into ``adapters/hl7v2/maps/maps.json.xz``.

    python scripts/pack_hl7_maps.py CORPUS/hl7v2/v2-to-fhir-maps [adapters/hl7v2/maps]

The same bytes for the same input. Every row keeps its line in the CSV, so that an issue and ``credence hl7 explain``
can name it. Comments are left out. Structures that no map describes come from hl7apy, 2.8.2 before 2.5.1.
https://github.com/HL7/v2-to-fhir (Apache-2.0)
"""

from __future__ import annotations

import csv
import json
import lzma
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hl7apy.v2_5_1 import messages as v251
from hl7apy.v2_8_2 import messages as v282

Row = list[Any]
IDENTIFIER, SYNTAX, TYPE, CONDITION, NARRATIVE, PATH, EXTENSION = 1, 2, 3, 6, 8, 9, 10
MAP, VOCABULARY, ASSIGNMENT, REFERENCES = 14, 15, 16, 11
WIDTH = 20


def records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line (as a spreadsheet counts) and cells of every record below the two headings."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for line, cells in enumerate(csv.reader(file), 1):
            if line > 2:
                yield line, [cell.strip() for cell in cells] + [""] * (WIDTH - len(cells))


def name_of(path: Path) -> str:
    """``PID[Patient]`` of ``HL7 Segment - FHIR R4_ PID[Patient] - PID.csv``."""
    return path.name.split("_ ", 1)[1].rsplit(" - ", 1)[0]


def element_rows(path: Path) -> list[Row]:
    """line, identifier, v2 type, condition, narrative, path, extension, map, vocabulary, assignment."""
    wanted = (IDENTIFIER, TYPE, CONDITION, NARRATIVE, PATH, EXTENSION, MAP, VOCABULARY, ASSIGNMENT)
    return [[line, *(cells[i] for i in wanted)] for line, cells in records(path) if any(cells)]


def message_rows(path: Path) -> list[Row]:
    """line, identifier, syntax, condition, narrative, target, segment map, references."""
    wanted = (IDENTIFIER, SYNTAX, CONDITION, NARRATIVE, PATH, EXTENSION, REFERENCES)
    return [[line, *(cells[i] for i in wanted)] for line, cells in records(path) if cells[IDENTIFIER]]


def code_rows(path: Path) -> list[Row]:
    """line, v2 code, v2 table, FHIR code, display, system; only those with a v2 code."""
    rows = []
    for line, cells in records(path):
        if cells[0]:
            rows.append([line, cells[0], cells[2], cells[6], cells[8] or cells[7], cells[9]])
    return rows


def tree(children: Any) -> list[Any]:
    """``[[name, repeats, [children]] …]``; a segment has no third member."""
    found = []
    for name, definition, (_, most), kind in children:
        if kind == "SEG":
            found.append([name, most != 1])
        else:
            found.append([name, most != 1, tree(definition[1])])
    return found


def structures() -> dict[str, Any]:
    merged = {**v251.MESSAGES, **v282.MESSAGES}
    return {name: tree(merged[name][1]) for name in sorted(merged)}


def packed(folder: Path) -> dict[str, Any]:
    kinds = {
        "messages": message_rows,
        "segments": element_rows,
        "datatypes": element_rows,
        "codesystems": code_rows,
    }
    out: dict[str, Any] = {}
    for kind, read in kinds.items():
        out[kind] = {name_of(path): read(path) for path in sorted((folder / kind).glob("*.csv"))}
    out["structures"] = structures()
    return out


def main(folder: str, into: str = "adapters/hl7v2/maps") -> None:
    text = json.dumps(packed(Path(folder)), ensure_ascii=False, separators=(",", ":"))
    target = Path(into) / "maps.json.xz"
    target.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])

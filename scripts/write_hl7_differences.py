"""Write ``docs/hl7v2-map-differences.md`` from ``tests/corpus/hl7v2_differences.toml``.

    python scripts/write_hl7_differences.py [--check]

With ``--check`` nothing is written, and the exit code is 1 where the page is not up to date.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "tests/corpus/hl7v2_differences.toml"
PAGE = ROOT / "docs/hl7v2-map-differences.md"
HEAD = """# Where our conversion of HL7v2 differs from another's

Made by `scripts/write_hl7_differences.py` from `tests/corpus/hl7v2_differences.toml`. `make corpus` (suite
`hl7v2-maps`) fails on a difference that is not listed, and where an entry explains another number of differences than
it says.

The messages and the bundles they are held against are those of
[microsoft/FHIR-Converter](https://github.com/microsoft/FHIR-Converter) (MIT): one converter's opinion. HL7's maps and
the standard win; how we read the maps, and what we change in them, is in [hl7v2-maps.md](hl7v2-maps.md).
Kinds: `missing`, only the other has it; `extra`, only we do; `differs`.

| resource | elements | kinds | how many | why | row |
|---|---|---|---:|---|---|
"""


def page() -> str:
    entries = tomllib.loads(RULES.read_text("utf-8"))["difference"]
    return HEAD + "".join(_line(entry) for entry in entries)


def _line(entry: dict[str, Any]) -> str:
    types = "every" if entry["types"] == ["*"] else ", ".join(entry["types"])
    paths = ", ".join(f"`{path}`" if path else "the whole resource" for path in entry["paths"])
    where = f" ({entry['messages']})" if "messages" in entry else ""
    where += f" (messages with {entry['segments']})" if "segments" in entry else ""
    cells = (
        types,
        paths + where,
        ", ".join(entry["kinds"]),
        entry["explains"],
        entry["because"],
        entry.get("row", ""),
    )
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |\n"


def main(arguments: list[str]) -> int:
    text = page()
    if "--check" in arguments:
        return int(PAGE.read_text("utf-8") != text)
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
